package synth

import (
	"socorro/stackwalk/minidump"
)

func (d *Dump) miscInfo(f *file) []byte {
	m := d.misc
	flags := m.Flags
	var pid, create uint32
	if m.PID != nil {
		pid = *m.PID
		flags |= 0x1
	}
	if !m.CreateTime.IsZero() {
		create = uint32(m.CreateTime.Unix())
		flags |= 0x2
	}
	if m.MaxMHz|m.CurrentMHz|m.LimitMHz != 0 {
		flags |= 0x4
	}
	if m.StandardTimeName != "" || m.DaylightTimeName != "" {
		flags |= 0x40
	}
	if m.BuildString != "" || m.DebugString != "" {
		flags |= 0x100
	}
	if m.ProcessCookie != 0 {
		flags |= 0x200
	}
	b := f.u32(nil, 1364, flags, pid, create, uint32(m.UserTime.Seconds()), uint32(m.KernelTime.Seconds()))
	b = f.u32(b, m.MaxMHz, m.CurrentMHz, m.LimitMHz, 0, 0)
	b = f.u32(b, m.IntegrityLevel, m.ExecuteFlags, m.Protected, m.TimeZoneID, 0)
	b = append(f.fixed16(b, m.StandardTimeName, 32), make([]byte, 16+4)...)
	b = append(f.fixed16(b, m.DaylightTimeName, 32), make([]byte, 16+4)...)
	b = f.fixed16(f.fixed16(b, m.BuildString, 260), m.DebugString, 40)
	var x minidump.XState
	if m.XState != nil {
		x = *m.XState
	}
	b = f.u64(f.u32(b, 528, x.ContextSize), x.Enabled)
	var places [128]uint32
	for _, feature := range x.Features {
		places[2*feature.Number], places[2*feature.Number+1] = feature.Offset, feature.Size
	}
	return f.u32(f.u32(b, places[:]...), m.ProcessCookie)
}

func (d *Dump) handleData(f *file) []byte {
	text := func(s *string) uint32 {
		if s == nil {
			return 0
		}
		return f.utf16(*s)
	}
	b := f.u32(nil, 16, 32, uint32(len(d.handles)), 0)
	for _, h := range d.handles {
		b = f.u32(f.u64(b, h.Value), text(h.TypeName), text(h.ObjectName))
		b = f.u32(b, h.Attributes, h.GrantedAccess, h.HandleCount, h.PointerCount)
	}
	return b
}

func (d *Dump) breakpadInfo(f *file) []byte {
	var valid, dump, requesting uint32
	if d.breakpad.DumpThread != nil {
		valid, dump = 1, *d.breakpad.DumpThread
	}
	if d.breakpad.RequestingThread != nil {
		valid, requesting = valid|2, *d.breakpad.RequestingThread
	}
	return f.u32(nil, valid, dump, requesting)
}

func (d *Dump) assertionInfo(f *file) []byte {
	a := d.assertion
	b := f.fixed16(f.fixed16(f.fixed16(nil, a.Expression, 128), a.Function, 128), a.File, 128)
	return f.u32(b, a.Line, a.Type)
}

func (d *Dump) crashpadInfo(f *file) []byte {
	c := d.crashpad
	b := guid(f, guid(f, f.u32(nil, 1), c.ReportID), c.ClientID)
	b = f.location(b, dictionary(f, c.Annotations))
	var links []byte
	if len(c.Modules) > 0 {
		links = f.u32(nil, uint32(len(c.Modules)))
	}
	for _, m := range c.Modules {
		var list, objects []byte
		if len(m.List) > 0 {
			list = f.u32(nil, uint32(len(m.List)))
		}
		for _, s := range m.List {
			list = f.u32(list, f.utf8(s))
		}
		if len(m.Objects) > 0 {
			objects = f.u32(nil, uint32(len(m.Objects)))
		}
		for _, o := range m.Objects {
			objects = f.u32(f.u16(f.u32(objects, f.utf8(o.Name)), o.Type, 0), f.utf8(o.Text))
		}
		info := f.location(f.u32(nil, 1), list)
		info = f.location(info, dictionary(f, m.Simple))
		info = f.location(info, objects)
		links = f.location(f.u32(links, uint32(m.Module)), info)
	}
	return f.location(b, links)
}

func dictionary(f *file, all []minidump.KeyValue) []byte {
	if len(all) == 0 {
		return nil
	}
	b := f.u32(nil, uint32(len(all)))
	for _, kv := range all {
		b = f.u32(b, f.utf8(kv.Key), f.utf8(kv.Value))
	}
	return b
}

func (d *Dump) macCrashInfo(f *file) []byte {
	texts := uint32(16)
	switch v := d.mac[0].Version; {
	case v >= 5:
		texts = 40
	case v >= 4:
		texts = 32
	}
	b := f.u32(nil, uint32(minidump.MozMacCrashInfoStream), uint32(len(d.mac)), texts)
	for i := range 20 {
		if i >= len(d.mac) {
			b = f.u32(b, 0, 0)
			continue
		}
		r := d.mac[i]
		rec := f.u64(nil, uint64(minidump.MozMacCrashInfoStream), r.Version)
		if r.Version >= 4 {
			rec = f.u64(rec, r.Thread, r.DialogMode)
		}
		if r.Version >= 5 {
			rec = f.u64(rec, r.AbortCause)
		}
		if r.Version >= 4 {
			for _, s := range []string{r.Module, r.Message, r.Signature, r.Backtrace, r.Message2} {
				rec = append(rec, s+"\x00"...)
			}
		}
		b = f.location(b, rec)
	}
	return b
}
