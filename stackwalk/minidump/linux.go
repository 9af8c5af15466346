package minidump

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// Pairs yields the names and values of a text with a pair on each line, such as
// /proc/cpuinfo (':') or /etc/os-release ('='). Blanks around both and quotes
// around the value are taken off; lines without the separator are passed over.
func Pairs(text []byte, separator byte) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for line := range bytes.SplitSeq(text, []byte{'\n'}) {
			key, value, ok := bytes.Cut(line, []byte{separator})
			if ok && !yield(bare(key), bare(value)) {
				return
			}
		}
	}
}

func bare(b []byte) string {
	b = bytes.Trim(b, " \t\r\n\f")
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		b = b[1 : len(b)-1]
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

func (p *parser) lsbRelease(b *buf) {
	var lsb LSBRelease
	for key, value := range Pairs(b.data, '=') {
		switch key {
		case "DISTRIB_ID", "ID":
			lsb.ID = value
		case "DISTRIB_RELEASE", "VERSION_ID":
			lsb.Release = value
		case "DISTRIB_CODENAME", "VERSION_CODENAME":
			lsb.Codename = value
		case "DISTRIB_DESCRIPTION", "PRETTY_NAME":
			lsb.Description = value
		}
	}
	p.d.LSB = &lsb
}

func (p *parser) procStatus(b *buf) {
	p.d.ProcStatus = &ProcStatus{Text: b.data}
	for key, value := range Pairs(b.data, ':') {
		if key == "Pid" {
			pid, _ := strconv.ParseUint(value, 10, 32) // 0 when it is no number
			p.d.ProcStatus.PID = uint32(pid)
			return
		}
	}
}

func (p *parser) linuxCPUInfo(b *buf) {
	p.d.CPUInfo = &LinuxCPUInfo{Text: b.data}
	for key, value := range Pairs(b.data, ':') {
		if key != "microcode" {
			continue
		}
		if hex, ok := strings.CutPrefix(value, "0x"); ok {
			if v, err := strconv.ParseUint(hex, 16, 64); err == nil {
				p.d.CPUInfo.Microcode = &v
			}
		}
		return
	}
}

// limits reads a table whose columns are two or more blanks apart. Names have
// single blanks in them, and the unit may be missing.
func (p *parser) limits(b *buf) {
	limits := []Limit{}
	seen := map[string]int{}
	header := true
	for line := range bytes.SplitSeq(b.data, []byte{'\n'}) {
		if len(line) == 0 {
			continue
		}
		if header {
			header = false
			continue
		}
		if !p.spend(2 * int(unsafe.Sizeof(Limit{}))) {
			b.fail("more lines than the credit of a file of %d bytes", len(p.file))
			return
		}
		var columns []string
		for c := range strings.SplitSeq(strings.ToValidUTF8(string(line), "\uFFFD"), "  ") {
			if c != "" && len(columns) < 4 {
				columns = append(columns, strings.TrimSpace(c))
			}
		}
		if len(columns) < 3 {
			continue
		}
		l := Limit{Name: columns[0], Soft: limitValue(columns[1]), Hard: limitValue(columns[2]), Unit: "n/a"}
		if len(columns) > 3 {
			l.Unit = columns[3]
		}
		if i, ok := seen[l.Name]; ok {
			limits[i] = l
			continue
		}
		seen[l.Name] = len(limits)
		limits = append(limits, l)
	}
	p.d.Limits = limits
}

// limitValue takes anything that is no number for 0, as other walkers do.
func limitValue(s string) LimitValue {
	if s == "unlimited" {
		return LimitValue{Kind: LimitUnlimited}
	}
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		v = 0
	}
	return LimitValue{Value: v}
}

// linuxCmdLine is the arguments, each with a NUL behind it.
func (p *parser) linuxCmdLine(b *buf) {
	p.d.CommandLine = append([]string{}, p.zeroEnded(b)...)
}

// linuxEnviron is NAME=value, each with a NUL behind it.
func (p *parser) linuxEnviron(b *buf) {
	p.d.Environment = []KeyValue{}
	for _, one := range p.zeroEnded(b) {
		name, value, _ := strings.Cut(one, "=")
		p.d.Environment = append(p.d.Environment, KeyValue{name, value})
	}
}

// zeroEnded are the texts of a stream. The last one may lack its NUL: writers cut
// what does not fit.
func (p *parser) zeroEnded(b *buf) []string {
	var out []string
	text := strings.TrimSuffix(strings.ToValidUTF8(string(b.data), "\uFFFD"), "\x00")
	for one := range strings.SplitSeq(text, "\x00") {
		if !p.spend(2 * int(unsafe.Sizeof(KeyValue{}))) {
			b.fail("more texts than the credit of a file of %d bytes", len(p.file))
			break
		}
		out = append(out, one)
	}
	if text == "" {
		return nil
	}
	return out
}

func (p *parser) softErrors(b *buf) {
	if !utf8.Valid(b.data) || !json.Valid(b.data) {
		b.fail("not JSON")
		return
	}
	p.d.SoftErrors = b.data
}

// linuxMaps leaves out the lines that are no mapping. Writers cut the text at a
// limit of theirs, in the middle of a line, and paths are whatever bytes a file
// system takes.
func (p *parser) linuxMaps(b *buf) {
	maps := []LinuxMap{}
	skip := func(reason string) {
		p.leftOut(LinuxMapsStream, b.start+int64(b.off), "a line: "+reason)
	}
	for b.left() > 0 {
		line, _, more := bytes.Cut(b.data[b.off:], []byte{'\n'})
		next := b.off + len(line)
		if more {
			next++
		}
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if isAttribute(line) {
			if len(maps) == 0 {
				skip("an attribute before the first mapping")
			}
			b.off = next
			continue
		}
		if !utf8.Valid(line) {
			skip("it is not UTF-8; the bytes that are not are replaced")
			line = bytes.ToValidUTF8(line, []byte("\uFFFD"))
		}
		m, err := linuxMap(string(line))
		if err != nil {
			skip(err.Error())
			b.off = next
			continue
		}
		if !p.spend(int(unsafe.Sizeof(m)) + len(line)) {
			b.fail("more lines than the credit of a file of %d bytes", len(p.file))
			return
		}
		maps = append(maps, m)
		b.off = next
	}
	p.d.Maps = maps
}

// isAttribute tells the lines that /proc/PID/smaps has after each mapping.
func isAttribute(line []byte) bool { return len(line) > 0 && line[0] >= 'A' && line[0] <= 'Z' }

// linuxMap reads "55d8c000-55d8e000 r-xp 00002000 fe:01 1234   /usr/bin/cat".
func linuxMap(line string) (LinuxMap, error) {
	f := strings.SplitN(line, " ", 6)
	if len(f) < 6 {
		return LinuxMap{}, fmt.Errorf("a mapping has 6 columns, this has %d", len(f))
	}
	var m LinuxMap
	var bad error
	number := func(s string, base int, what string) uint64 {
		v, err := strconv.ParseUint(s, base, 64)
		if err != nil && bad == nil {
			bad = fmt.Errorf("the %s of a mapping is no number", what)
		}
		return v
	}
	start, end, ok := strings.Cut(f[0], "-")
	major, minor, ok2 := strings.Cut(f[3], ":")
	if !ok || !ok2 {
		return LinuxMap{}, errors.New("a mapping without a range of addresses or a device")
	}
	m.Start, m.End = number(start, 16, "start"), number(end, 16, "end")
	m.Read, m.Write = strings.Contains(f[1], "r"), strings.Contains(f[1], "w")
	m.Execute, m.Shared = strings.Contains(f[1], "x"), strings.Contains(f[1], "s")
	m.Offset = number(f[2], 16, "offset")
	number(major, 16, "device")
	number(minor, 16, "device")
	m.Inode = number(f[4], 10, "inode")
	m.Path = strings.TrimSpace(f[5])
	return m, bad
}
