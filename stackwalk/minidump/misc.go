package minidump

import (
	"fmt"
	"time"
)

// Sizes of MiscInfo as it grew, and bits that say which of its fields count.
const (
	miscSize1 = 24
	miscSize2 = 44
	miscSize3 = 232
	miscSize4 = 832
	miscSize5 = 1364

	miscPID       = 0x1
	miscTimes     = 0x2
	miscPower     = 0x4
	miscIntegrity = 0x10
	miscExecute   = 0x20
	miscTimeZone  = 0x40
	miscProtected = 0x80
	miscBuild     = 0x100
	miscCookie    = 0x200
)

// miscInfo reads as much as the stream has: Windows made it longer five times.
func (p *parser) miscInfo(b *buf) {
	size := b.left()
	m := MiscInfo{}
	b.skip(4)
	m.Flags = b.u32()
	pid, create, user, kernel := b.u32(), b.u32(), b.u32(), b.u32()
	if b.err != nil {
		return
	}
	has := func(version int, flag uint32) bool { return size >= version && m.Flags&flag != 0 }
	if has(miscSize1, miscPID) {
		m.PID = &pid
	}
	if has(miscSize1, miscTimes) {
		m.CreateTime = time.Unix(int64(create), 0).UTC()
		m.UserTime, m.KernelTime = time.Duration(user)*time.Second, time.Duration(kernel)*time.Second
	}
	if has(miscSize2, miscPower) {
		m.MaxMHz, m.CurrentMHz, m.LimitMHz = b.u32(), b.u32(), b.u32()
	}
	if size >= miscSize3 {
		b.off = miscSize2
		p.misc3(b, &m, has)
	}
	if has(miscSize4, miscBuild) {
		b.off = miscSize3
		m.BuildString, m.DebugString = p.fixed16(b.take(520)), p.fixed16(b.take(80))
	}
	if size >= miscSize5 {
		b.off = miscSize4
		if x := p.xstate(b); x.Enabled != 0 {
			m.XState = &x
		}
		b.off = miscSize5 - 4
		if cookie := b.u32(); m.Flags&miscCookie != 0 {
			m.ProcessCookie = cookie
		}
	}
	p.d.Misc = &m
}

// An XState says what a processor's extended state (AVX, CET, …) looks like where
// a context is longer than the registers that we read.
type XState struct {
	ContextSize uint32 // bytes of a context with all of it
	Enabled     uint64 // features that the system saves, one bit each
	Features    []XStateFeature
}

// An XStateFeature is a place in a context.
type XStateFeature struct {
	Number       int // of the bit in XState.Enabled
	Offset, Size uint32
}

// Name is what the feature is called in manuals, or its number.
func (f XStateFeature) Name() string {
	names := [...]string{
		"x87", "SSE", "AVX", "BNDREGS", "BNDCSR", "opmask", "ZMM_Hi256", "Hi16_ZMM", "PT", "PKRU", "PASID", "CET_U",
		"CET_S", "HDC", "UINTR", "LBR", "HWP", "TILECFG", "TILEDATA", "APX",
	}
	if f.Number < len(names) {
		return names[f.Number]
	}
	return fmt.Sprintf("feature %d", f.Number)
}

func (p *parser) xstate(b *buf) XState {
	b.skip(4) // its own size, which never changed
	x := XState{ContextSize: b.u32(), Enabled: b.u64()}
	for n := range 64 {
		if f := (XStateFeature{n, b.u32(), b.u32()}); x.Enabled>>n&1 != 0 {
			x.Features = append(x.Features, f)
		}
	}
	return x
}

func (p *parser) misc3(b *buf, m *MiscInfo, has func(int, uint32) bool) {
	integrity, execute, protected, zone := b.u32(), b.u32(), b.u32(), b.u32()
	b.skip(4)
	standard := p.fixed16(b.take(64))
	b.skip(16 + 4)
	daylight := p.fixed16(b.take(64))
	if has(miscSize3, miscIntegrity) {
		m.IntegrityLevel = integrity
	}
	if has(miscSize3, miscExecute) {
		m.ExecuteFlags = execute
	}
	if has(miscSize3, miscProtected) {
		m.Protected = protected
	}
	if has(miscSize3, miscTimeZone) {
		m.TimeZoneID, m.StandardTimeName, m.DaylightTimeName = zone, standard, daylight
	}
}
