package minidump

import (
	"cmp"
	"slices"
	"unsafe"
)

// crashpadInfo keeps what it can: the annotations of a module that are broken
// cost only that module's.
func (p *parser) crashpadInfo(b *buf) {
	v := b.u32()
	report, client := b.guid(), b.guid()
	simple, modules := b.location(), b.location()
	if v == 0 {
		b.fail("version 0, which there never was")
	}
	if b.err != nil {
		return
	}
	info := &CrashpadInfo{ReportID: report.String(), ClientID: client.String()}
	info.Annotations = p.dictionary(b, simple)
	p.d.Crashpad = info
	links := p.sub(b, "list of modules", modules)
	if links.left() == 0 {
		return
	}
	for range links.u32() {
		index, loc := links.u32(), links.location()
		if links.err != nil {
			break
		}
		if a, ok := p.moduleAnnotations(links, loc); ok {
			a.Module = int(index)
			info.Modules = append(info.Modules, a)
		}
		if p.credit < 0 {
			break
		}
	}
	if b.err == nil {
		b.err = links.err
	}
}

// moduleAnnotations reads one module's. Only the place of loc counts: old
// versions of Crashpad wrote a size that does not fit.
func (p *parser) moduleAnnotations(parent *buf, loc location) (ModuleAnnotations, bool) {
	var a ModuleAnnotations
	b := p.sub(&buf{stream: parent.stream, order: parent.order}, "annotations of a module", location{28, loc.rva})
	b.skip(4) // version: later ones only add to the end
	list, simple, objects := b.location(), b.location(), b.location()
	a.List = p.stringList(b, list)
	a.Simple = p.dictionary(b, simple)
	a.Objects = p.objects(b, objects)
	p.warn(b.err)
	return a, b.err == nil && p.spend(int(unsafe.Sizeof(a)))
}

// each calls read for every entry of a counted list at loc. Nothing is there
// when loc is empty.
func (p *parser) each(b *buf, what string, loc location, read func(*buf)) {
	if loc.size == 0 || b.err != nil {
		return
	}
	list := p.sub(b, what, loc)
	for n := list.u32(); n > 0 && list.err == nil; n-- {
		if !p.spend(64) {
			list.fail("%s: the dump refers to more entries than its size allows", what)
			break
		}
		read(list)
	}
	if b.err == nil {
		b.err = list.err
	}
}

func (p *parser) stringList(b *buf, loc location) []string {
	var out []string
	p.each(b, "list of strings", loc, func(l *buf) {
		out = append(out, p.utf8At(l, "a string", l.u32(), true))
	})
	return out
}

// dictionary is sorted by key; of equal keys the last one counts.
func (p *parser) dictionary(b *buf, loc location) []KeyValue {
	var out []KeyValue
	p.each(b, "dictionary", loc, func(l *buf) {
		key, value := l.u32(), l.u32()
		out = append(out, KeyValue{p.utf8At(l, "a key", key, true), p.utf8At(l, "a value", value, true)})
	})
	return lastOfEach(out, func(kv KeyValue) string { return kv.Key })
}

func (p *parser) objects(b *buf, loc location) []AnnotationObject {
	var out []AnnotationObject
	p.each(b, "annotation objects", loc, func(l *buf) {
		name, typ := l.u32(), l.u16()
		l.skip(2)
		value := l.u32()
		o := AnnotationObject{Name: p.utf8At(l, "a name", name, true), Type: typ}
		if typ == 1 {
			o.Text = p.utf8At(l, "a value", value, false)
		}
		out = append(out, o)
	})
	return lastOfEach(out, func(o AnnotationObject) string { return o.Name })
}

func lastOfEach[T any](all []T, key func(T) string) []T {
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return slices.CompactFunc(all, func(a, b T) bool { return key(a) == key(b) })
}
