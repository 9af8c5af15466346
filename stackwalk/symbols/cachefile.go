package symbols

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"unsafe"
)

// A table file is a packed table as it is in memory, to be mapped there again:
//
//	header    magic, version, size, where the sections are and their checksums
//	data      names, lines, inlined calls, rules, each with a checksum of its own
//	index     the lists that lookups search, each one section
//	meta      what the MODULE line said, the bad lines, and the key
//
// Opening one reads header, index and meta, a few percent of the file, and checks
// them; the data is checked piece by piece when it is read. Numbers are in the
// order of the machine that wrote the file, so that another refuses it by its
// magic. Nothing in it is believed further than its checksum: a number that is
// wrong all the same leads to a wrong answer, never out of the file.
const (
	tableMagic   = 0x3154_6d79_5363_6f53 // "SocSymT1"
	tableVersion = 1
	headerSize   = 256
)

const (
	dataSection = iota // without a checksum of its own
	fileSection
	originSection
	funcSection
	publicSection
	cfiSection
	frameSection
	fpoSection
	metaSection
	sections
)

// A tableHeader is the beginning of a table file.
type tableHeader struct {
	magic    uint64
	version  uint32
	checksum uint32 // of what follows in the header
	size     uint64 // of the file
	section  [sections]section
}

type section struct {
	off, size uint64
	checksum  uint32
	_         uint32
}

const checkedFrom = 16 // where the checked part of the header begins

// tableMeta is the part of a table that is no list. Names are bytes because JSON
// would mend those that are no UTF-8.
type tableMeta struct {
	Key                               []byte
	OS, Arch, DebugID, DebugFile, URL []byte
	Lines, Bad                        int
	Samples                           []BadLine
}

// writeIndex completes a table file whose data is there already, dataSize bytes
// of it after the header.
func writeIndex(w io.WriterAt, t *Table, dataSize uint64, key string) error {
	meta, err := json.Marshal(tableMeta{
		[]byte(key), []byte(t.OS), []byte(t.Arch), []byte(t.DebugID), []byte(t.DebugFile), []byte(t.URL),
		t.Lines, t.Bad, t.Samples,
	})
	if err != nil {
		return err
	}
	h := tableHeader{magic: tableMagic, version: tableVersion, size: headerSize + dataSize}
	h.section[dataSection] = section{off: headerSize, size: dataSize}
	for n, b := range [sections][]byte{
		fileSection: bytesOf(t.files), originSection: bytesOf(t.origins), funcSection: bytesOf(t.funcs),
		publicSection: bytesOf(t.publics), cfiSection: bytesOf(t.cfi), frameSection: bytesOf(t.frames),
		fpoSection: bytesOf(t.fpos), metaSection: meta,
	} {
		if n == dataSection {
			continue
		}
		h.size = (h.size + 7) &^ 7
		h.section[n] = section{off: h.size, size: uint64(len(b)), checksum: checksum(b)}
		if _, err := w.WriteAt(b, int64(h.size)); err != nil {
			return err
		}
		h.size += uint64(len(b))
	}
	head := bytesOf([]tableHeader{h})
	binary.NativeEndian.PutUint32(head[checkedFrom-4:], checksum(head[checkedFrom:]))
	_, err = w.WriteAt(head, 0)
	return err
}

// readTable maps a table file. It is nil when the file is none of ours, is cut
// short, damaged where that shows at once, or about another key.
func readTable(f *os.File, key string) *Table {
	info, err := f.Stat()
	if err != nil || info.Size() < headerSize || !info.Mode().IsRegular() {
		return nil
	}
	file, err := mapFile(f, info.Size())
	if err != nil {
		return nil
	}
	t := &Table{packed: true, mapped: file}
	runtime.AddCleanup(t, unmap, file)
	defer letGo(file) // of the index too, of which a lookup touches little
	if !t.intact(func() bool { return t.readIndex(file, key) }) {
		return nil
	}
	return t
}

// readIndex gives t the sections of a table file, if it is good.
func (t *Table) readIndex(file []byte, key string) bool {
	var h tableHeader
	if len(file) < headerSize {
		return false
	}
	head := bytesOf([]tableHeader{h})
	copy(head, file)
	h = *(*tableHeader)(unsafe.Pointer(&head[0]))
	if h.magic != tableMagic || h.version != tableVersion || h.size != uint64(len(file)) || h.checksum != checksum(head[checkedFrom:]) {
		return false
	}
	var part [sections][]byte
	for n, s := range h.section {
		if s.off < headerSize || s.off%8 != 0 || s.off > h.size || s.size > h.size-s.off {
			return false
		}
		part[n] = file[s.off : s.off+s.size : s.off+s.size]
		if n != dataSection && checksum(part[n]) != s.checksum {
			return false
		}
	}
	var m tableMeta
	if err := json.Unmarshal(part[metaSection], &m); err != nil || string(m.Key) != key {
		return false
	}
	t.OS, t.Arch, t.DebugID, t.DebugFile, t.URL = string(m.OS), string(m.Arch), string(m.DebugID), string(m.DebugFile), string(m.URL)
	t.Lines, t.Bad, t.Samples = m.Lines, m.Bad, m.Samples
	t.data = part[dataSection]
	return listOf(part[fileSection], &t.files) && listOf(part[originSection], &t.origins) &&
		listOf(part[funcSection], &t.funcs) && listOf(part[publicSection], &t.publics) &&
		listOf(part[cfiSection], &t.cfi) && listOf(part[frameSection], &t.frames) && listOf(part[fpoSection], &t.fpos)
}

// bytesOf is the memory of a list of records without pointers.
func bytesOf[T any](list []T) []byte {
	if len(list) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), uintptr(len(list))*unsafe.Sizeof(list[0]))
}

// listOf is the reverse of bytesOf. It is false when b is no whole number of
// records, or not where they can be.
func listOf[T any](b []byte, list *[]T) bool {
	var one T
	if len(b)%int(unsafe.Sizeof(one)) != 0 {
		return false
	}
	if len(b) == 0 {
		return true
	}
	at := unsafe.Pointer(&b[0])
	if uintptr(at)%unsafe.Alignof(one) != 0 {
		return false
	}
	*list = unsafe.Slice((*T)(at), len(b)/int(unsafe.Sizeof(one)))
	return true
}
