package minidump

import (
	"bytes"
	"unicode/utf8"
)

const macRecords = 20 // places for records in the stream, used or not

// macCrashInfo reads what macOS libraries left in __crash_info. All records have
// the same version, because they share the place where their texts begin.
func (p *parser) macCrashInfo(b *buf) {
	b.skip(4)
	count, texts := b.u32(), b.u32()
	var locs [macRecords]location
	for i := range locs {
		locs[i] = b.location()
	}
	records := []MacCrashRecord{}
	for _, loc := range locs[:min(count, macRecords)] {
		r := p.sub(b, "record", loc)
		rec := p.macRecord(r, int64(texts))
		if r.err == nil && len(records) > 0 && records[0].Version != rec.Version {
			r.fail("versions %d and %d in one stream", records[0].Version, rec.Version)
		}
		if r.err != nil {
			b.err = r.err
			return
		}
		if rec.Version > 0 {
			records = append(records, rec)
		}
	}
	if b.err == nil {
		p.d.MacCrashInfo = records
	}
}

func (p *parser) macRecord(b *buf, texts int64) MacCrashRecord {
	b.skip(8)
	rec := MacCrashRecord{Version: b.u64()}
	if rec.Version >= 4 {
		rec.Thread, rec.DialogMode = b.u64(), b.u64()
	}
	if rec.Version >= 5 {
		rec.AbortCause = b.u64()
	}
	if b.err != nil {
		return rec
	}
	if int64(b.off) > texts {
		b.fail("the texts begin at %d, inside of the record", texts)
		return rec
	}
	if rec.Version < 4 {
		return rec
	}
	b.skip(int(texts) - b.off)
	for _, s := range []*string{&rec.Module, &rec.Message, &rec.Signature, &rec.Backtrace, &rec.Message2} {
		*s = p.cString(b)
	}
	return rec
}

func (p *parser) cString(b *buf) string {
	if b.err != nil {
		return ""
	}
	text, _, ok := bytes.Cut(b.data[b.off:], []byte{0})
	switch {
	case !ok:
		b.fail("a text without end")
	case !utf8.Valid(text):
		b.fail("a text that is not UTF-8")
	case !p.spend(len(text)):
		b.fail("the dump refers to more text than the file can hold")
	default:
		b.off += len(text) + 1
		return string(text)
	}
	return ""
}

func (p *parser) macBootArgs(b *buf) {
	b.skip(4)
	rva := b.u64()
	if b.err != nil {
		return
	}
	if p.d.MacBootArgs = p.utf16At(rva); p.d.MacBootArgs == nil {
		b.fail("the text at %#x is not readable", rva)
	}
}
