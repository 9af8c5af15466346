package analysis

import (
	"socorro/stackwalk/disasm"
	"socorro/stackwalk/minidump"
)

// accesses fills in Result.Accesses, or leaves it nil when a register is unknown.
func (c *crash) accesses() {
	list := []Access{}
	if c.inst.MemSize == 0 {
		c.result.Accesses = list
		return
	}
	size := max(c.inst.MemSize, 0)
	for i := range c.inst.Operands {
		o := &c.inst.Operands[i]
		if o.Kind != disasm.Memory || o.Access == disasm.NoAccess {
			continue
		}
		addr, null, ok := c.addressOf(o)
		if !ok {
			return
		}
		list = append(list, Access{Address: addr, Size: size, Type: o.Access, null: null})
	}
	if sp, ok := c.registers.Get(c.registers.CPU.StackPointer()); ok {
		word := uint64(c.registers.CPU.PointerSize())
		switch c.inst.Stack {
		case disasm.Pushes:
			// The stack pointer is still the old one: the instruction did not complete.
			if !c.compat && size < int(word) {
				word = uint64(size)
			}
			list = append(list, c.stackAccess(sp-word, size, disasm.Write))
		case disasm.Pops:
			list = append(list, c.stackAccess(sp, size, disasm.Read))
		}
	}
	c.result.Accesses = list
}

func (c *crash) stackAccess(addr uint64, size int, t disasm.Access) Access {
	addr = c.truncate(addr)
	return Access{Address: addr, Size: size, Type: t, null: addr == 0}
}

// addressOf is the address of an operand in memory, and whether its base is null.
func (c *crash) addressOf(o *disasm.Operand) (addr uint64, null, ok bool) {
	addr = uint64(o.Disp)
	if o.Base != "" {
		base, ok := c.register(o.Base)
		if !ok {
			return 0, false, false
		}
		addr += base
		null = base == 0
	}
	if o.Index != "" {
		index, ok := c.register(o.Index)
		if !ok {
			return 0, false, false
		}
		switch o.Extend {
		case disasm.ZeroExtend:
			index = uint64(uint32(index))
		case disasm.SignExtend:
			index = uint64(int64(int32(index)))
		}
		addr += index * uint64(o.Scale)
	}
	start, ok := c.segment(o.Segment)
	return c.truncate(addr + start), null, ok
}

// register is the value of a register of an address.
func (c *crash) register(name string) (uint64, bool) {
	if n, ok := c.registers.CPU.RegisterNumber(name); ok {
		v, ok := c.registers.Get(n)
		if ok && !c.compat && n == c.registers.CPU.InstructionPointer() {
			// Addresses count from the end of the instruction; rust-minidump counts
			// from its start.
			v += uint64(c.inst.Len)
		}
		return v, ok
	}
	if c.compat || c.registers.CPU != minidump.AMD64 {
		return 0, false
	}
	// The lower half of a register of 64 bits.
	if n, ok := c.registers.CPU.RegisterNumber(whole(name)); ok {
		v, ok := c.register(c.registers.CPU.RegisterName(n))
		return uint64(uint32(v)), ok
	}
	return 0, false
}

// whole is the register of 64 bits of which name is the lower half.
func whole(name string) string {
	if name[0] == 'e' {
		return "r" + name[1:]
	}
	if last := len(name) - 1; name[last] == 'd' {
		return name[:last]
	}
	return name
}

// segment is where a segment starts. Of fs and gs the dump only knows the one that
// Windows keeps the thread's block in.
func (c *crash) segment(name string) (start uint64, ok bool) {
	if c.compat || name != "fs" && name != "gs" {
		return 0, true
	}
	thread := c.thread()
	block := "gs"
	if c.registers.CPU == minidump.X86 {
		block = "fs"
	}
	if c.dump.System.OS != minidump.Windows || name != block || thread == nil || thread.TEB == 0 {
		return 0, false
	}
	return thread.TEB, true
}

// truncate takes off what is no part of an address: bits beyond the CPU's width,
// and the byte that 64-bit ARM systems let programs keep tags in.
func (c *crash) truncate(addr uint64) uint64 {
	switch c.registers.CPU {
	case minidump.X86:
		return addr & 0xffff_ffff
	case minidump.ARM64, minidump.ARM64Old:
		return addr & 0x00ff_ffff_ffff_ffff
	}
	return addr
}

// target fills in Result.Target.
func (c *crash) target() {
	switch c.inst.Flow {
	case disasm.Next:
		c.result.Target.Known = true
	case disasm.Jumps:
		c.jump(&c.inst.Operands[0])
	case disasm.Return:
		thread := c.thread()
		sp, ok := c.registers.Get(c.registers.CPU.StackPointer())
		if thread == nil || !ok {
			return
		}
		word := c.registers.CPU.PointerSize()
		addr, ok := c.stack(thread).Uint(sp, word, c.dump.Memory.Order())
		if !ok && !c.compat {
			addr, ok = c.dump.Memory.Uint(sp, word)
		}
		c.goesTo(addr, ok)
	}
}

// stack is the memory of a thread's stack.
func (c *crash) stack(t *minidump.Thread) minidump.Region {
	if len(t.Stack.Data) > 0 {
		return t.Stack
	}
	region, _ := c.dump.Memory.At(t.StackBase)
	return region
}

// jump follows a register or a pointer in memory. Branches that are relative, or to
// an address in the instruction, are taken to be right.
func (c *crash) jump(o *disasm.Operand) {
	switch o.Kind {
	case disasm.Register:
		v, ok := c.register(o.Reg)
		c.goesTo(c.truncate(v), ok)
	case disasm.Memory:
		addr, _, ok := c.addressOf(o)
		if !ok {
			return
		}
		v, ok := c.dump.Memory.Uint(addr, c.registers.CPU.PointerSize())
		c.goesTo(v, ok)
	}
}

func (c *crash) goesTo(addr uint64, ok bool) {
	if ok {
		c.result.Target = Target{Known: true, Elsewhere: true, Address: addr, null: addr == 0}
	}
}
