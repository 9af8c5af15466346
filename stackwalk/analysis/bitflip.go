package analysis

import (
	"slices"

	"socorro/stackwalk/minidump"
)

// A BitFlip is an address that was possibly meant: one bit of it makes the one that
// crashed, and it is mapped, or null.
type BitFlip struct {
	Address    uint64
	Register   string  // that held the address with the wrong bit; "" for that of the access
	Confidence float32 // from 0 to 1, pulled out of a hat

	NonCanonical bool // the wrong bit is one that must not differ
	Null         bool // Address is 0
	Low          bool // Null, and the address that crashed is small, so likely a plain number
	Nearby       int  // registers with values close to Address
	Poison       bool // a register has a pattern that freed memory is filled with
}

// bits is the range of bits that are flipped.
type bits struct{ from, to int }

// flips fills in Result.BitFlips. Only the address spaces of 64 bits are empty
// enough for that: in others any address is close to a mapped one.
func (c *crash) flips() {
	cpu := c.dump.System.CPU
	arm := cpu == minidump.ARM64 || cpu == minidump.ARM64Old
	switch {
	case cpu == minidump.AMD64 || cpu == minidump.MIPS64 || cpu == minidump.PPC64:
	case arm && !c.compat && c.result.Accesses != nil:
		// Without the instruction a null pointer with an offset would look like a flip.
	default:
		return
	}
	address, flip := c.address, bits{0, 64}
	switch {
	case c.result.Adjusted.Kind == NullPointer:
		return
	case c.result.Adjusted.Kind == NonCanonical:
		address, flip = c.result.Adjusted.Value, bits{48, 64}
	case cpu == minidump.AMD64 || arm:
		flip = bits{0, 48}
	}
	size := 0
	i := slices.IndexFunc(c.result.Accesses, func(a Access) bool {
		end := a.Address + uint64(a.Size)
		if end < a.Address {
			end = 1<<64 - 1
		}
		return a.Address <= c.address && c.address < end
	})
	if i >= 0 {
		// The address of the crash may be in the midst of the access.
		address, size = c.result.Accesses[i].Address, c.result.Accesses[i].Size
	}
	c.flipsOf(address, "", flip, size)
	for _, name := range c.addressRegisters() {
		if n, ok := c.registers.CPU.RegisterNumber(name); ok {
			if v, ok := c.registers.Get(n); ok {
				c.flipsOf(c.truncate(v), name, flip, size)
			}
		}
	}
}

// addressRegisters are the registers of the instruction's addresses, by name.
func (c *crash) addressRegisters() []string {
	if !c.decoded {
		return nil
	}
	var names []string
	for i := range c.inst.Operands {
		for _, name := range [...]string{c.inst.Operands[i].Base, c.inst.Operands[i].Index} {
			if name != "" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// flipsOf adds the flips of one address. size is that of the access, 0 when unknown.
func (c *crash) flipsOf(address uint64, register string, flip bits, size int) {
	if i := c.mapped.at(address); i >= 0 && c.possible(&c.mapped[i]) {
		return // it is no wrong address
	}
	if gap, ok := c.distance(address); ok && gap < uint64(size) {
		return // one step too far is likelier than a flip
	}
	for bit := flip.from; bit < flip.to; bit++ {
		candidate := address ^ 1<<bit
		if candidate == 0 {
			c.addFlip(candidate, address, register, flip)
		}
		if i := c.mapped.at(candidate); i >= 0 && c.possible(&c.mapped[i]) {
			c.addFlip(candidate, address, register, flip)
		}
	}
}

// possible says whether the operation that crashed may be done in a region, as far
// as we know what it was.
func (c *crash) possible(r *region) bool {
	switch c.cause {
	case readViolation:
		return r.read
	case writeViolation:
		return r.write
	case executeViolation:
		return r.execute
	default:
		return true
	}
}

// distance is how far an address is from the closest possible region.
func (c *crash) distance(addr uint64) (gap uint64, ok bool) {
	for i := range c.mapped {
		r := &c.mapped[i]
		if !c.possible(r) {
			continue
		}
		d := uint64(0)
		switch {
		case addr < r.first:
			d = r.first - addr
		case addr > r.last:
			d = addr - r.last
		}
		if !ok || d < gap {
			gap, ok = d, true
		}
	}
	return gap, ok
}

const (
	nearby = 4096       // bytes between a register and an address that have to do with each other
	low    = 2 * nearby // addresses up to this are often no addresses
)

func (c *crash) addFlip(address, original uint64, register string, flip bits) {
	f := BitFlip{
		Address: address, Register: register,
		NonCanonical: flip.from == 48,
		Null:         address == 0,
		Low:          address == 0 && original <= low,
	}
	if c.registers != nil {
		for n := range c.registers.CPU.RegisterCount() {
			v, ok := c.registers.Get(n)
			if !ok {
				continue
			}
			if address > low && max(v, address)-min(v, address) <= nearby {
				f.Nearby++
			}
			f.Poison = f.Poison || c.poison(v)
		}
	}
	f.Confidence = f.confidence()
	c.result.BitFlips = append(c.result.BitFlips, f)
}

// poison says whether a register is full of a byte that allocators fill freed
// memory with: Firefox' jemalloc has e5, its JavaScript engine several others.
func (c *crash) poison(v uint64) bool {
	repeated := v&0xff*0x0101_0101_0101_0101 == v
	if c.registers.CPU.PointerSize() == 4 && c.registers.CPU != minidump.MIPS {
		repeated = v&0xff*0x0101_0101 == v
	}
	if !repeated {
		return false
	}
	switch v & 0xff {
	case 0x2b, 0x2d, 0x2f, 0x49, 0x4b, 0x4d, 0x4f, 0x6b, 0x8b, 0x9b, 0x9f, 0xa5, 0xbb, 0xcc, 0xcd, 0xce, 0xdb, 0xe5:
		return true
	}
	return false
}

// confidence puts signs together as if they were independent. The numbers are
// rust-minidump's, and so is the arithmetic in 32 bits: reports have all digits.
func (f *BitFlip) confidence() float32 {
	not := float32(1) // that none of the signs means a flip
	sign := func(v float32) { not = float32(not * (1 - v)) }
	sign(0.25)
	if f.NonCanonical {
		sign(0.9)
	}
	if f.Null && f.Low {
		sign(0.5 * 0.5)
	} else if f.Null {
		sign(0.5)
	}
	if f.Nearby > 0 {
		half, step := float32(0.5), [...]float32{0, 0.05, 0.1, 0.15}
		sign(half + step[min(f.Nearby, len(step))-1])
	}
	sum := 1 - not
	if f.Poison {
		sum *= 0.5
	}
	return sum
}
