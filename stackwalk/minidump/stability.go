package minidump

import "unsafe"

// A StabilityReport is what Chromium on Windows notes of memory and handles when
// it crashes. A nil number is one that it did not note.
type StabilityReport struct {
	Processes []ProcessStability
	// SystemCommitLimit and SystemCommitRemaining are in pages of 4 KiB.
	SystemCommitLimit, SystemCommitRemaining *uint64
	SystemHandles                            *uint64
}

// A ProcessStability is what a [StabilityReport] says of a process. Memory is in
// pages of 4 KiB but for AllocationAttempt.
type ProcessStability struct {
	PID                                        *uint64
	PrivateUsage, PeakWorkingSet, PeakPagefile *uint64
	AllocationAttempt                          *uint64 // bytes of the request that there was no memory for
	OpenFiles                                  *uint64 // POSIX
	Handles                                    *uint64 // Windows
}

// A field is one of a message in protocol buffer encoding.
type field struct {
	number uint64
	value  uint64 // of a number
	body   []byte // of a message, text or bytes; nil else
}

// fields calls read for each field of an encoded message. All that there is to the
// encoding is a number, the kind of what follows, and that.
func (b *buf) fields(read func(field)) {
	for b.left() > 0 && b.err == nil {
		key := b.varint()
		f := field{number: key >> 3}
		switch key & 7 {
		case 0:
			f.value = b.varint()
		case 1:
			f.value = b.little(8)
		case 2:
			if n := b.varint(); n <= uint64(b.left()) {
				f.body = b.take(int(n))
			} else {
				b.fail("a field of %d bytes, %d left", n, b.left())
			}
		case 5:
			f.value = b.little(4)
		default:
			b.fail("field %d is of a kind that we do not know, %d", f.number, key&7)
		}
		if b.err == nil {
			read(f)
		}
	}
}

func (b *buf) varint() (v uint64) {
	for shift := 0; shift < 64; shift += 7 {
		c := b.u8()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	b.fail("a number of more than 64 bits")
	return 0
}

// little is a number of n bytes, the lowest first whatever the order of the dump.
func (b *buf) little(n int) (v uint64) {
	for i, c := range b.take(n) {
		v |= uint64(c) << (8 * i)
	}
	return v
}

// inside is a buf over a field that is a message.
func (b *buf) inside(f field) *buf {
	return &buf{stream: b.stream, start: b.start + int64(b.off-len(f.body)), data: f.body, order: b.order}
}

// message reads the fields of a message in a message; read gets numbers only.
func (b *buf) message(f field, read func(number uint64, v *uint64)) {
	in := b.inside(f)
	in.fields(func(f field) {
		if f.body == nil {
			read(f.number, &f.value)
		}
	})
	if b.err == nil {
		b.err = in.err
	}
}

// stabilityReport reads Chromium's components/stability_report.
func (p *parser) stabilityReport(b *buf) {
	r := &StabilityReport{}
	b.fields(func(f field) {
		switch f.number {
		case 2:
			if !p.spend(int(unsafe.Sizeof(ProcessStability{}))) {
				b.fail("more processes than the credit of a file of %d bytes", len(p.file))
				return
			}
			r.Processes = append(r.Processes, b.processStability(f))
		case 7:
			b.nested(f, func(in *buf, f field) {
				if f.number == 1 {
					in.message(f, func(n uint64, v *uint64) {
						switch n {
						case 1:
							r.SystemCommitLimit = v
						case 2:
							r.SystemCommitRemaining = v
						case 3:
							r.SystemHandles = v
						}
					})
				}
			})
		}
	})
	if b.err == nil {
		p.d.Stability = r
	}
}

// nested reads the fields of a message that has messages in it.
func (b *buf) nested(f field, read func(*buf, field)) {
	in := b.inside(f)
	in.fields(func(f field) { read(in, f) })
	if b.err == nil {
		b.err = in.err
	}
}

func (b *buf) processStability(f field) (s ProcessStability) {
	b.nested(f, func(in *buf, f field) {
		switch f.number {
		case 3:
			s.PID = &f.value
		case 4:
			in.nested(f, func(memory *buf, f field) {
				if f.number == 1 {
					memory.message(f, s.memory)
				}
			})
		case 7:
			in.nested(f, func(files *buf, f field) {
				files.message(f, func(n uint64, v *uint64) {
					switch {
					case n == 1 && f.number == 1:
						s.OpenFiles = v
					case n == 1 && f.number == 2:
						s.Handles = v
					}
				})
			})
		}
	})
	return s
}

func (s *ProcessStability) memory(number uint64, v *uint64) {
	switch number {
	case 1:
		s.PrivateUsage = v
	case 2:
		s.PeakWorkingSet = v
	case 3:
		s.PeakPagefile = v
	case 4:
		s.AllocationAttempt = v
	}
}
