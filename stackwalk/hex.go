package stackwalk

// Hex writes an address or an offset as the JSON does: 0x, then 8 digits for a
// CPU of 32 bits, 16 for others.
func (r *Report) Hex(v uint64) string {
	return string(appendAddress(nil, v, r.pointerSize))
}
