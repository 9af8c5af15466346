package minidump

import "time"

// ThreadInfo is what Windows knows about a thread beyond where it stood.
type ThreadInfo struct {
	DumpFlags    uint32 // MINIDUMP_THREAD_INFO_ bits: what of this could not be had
	DumpError    uint32 // an HRESULT
	ExitStatus   uint32 // 0x103 while it runs
	CreateTime   time.Time
	ExitTime     time.Time // zero while it runs
	KernelTime   time.Duration
	UserTime     time.Duration
	StartAddress uint64
	Affinity     uint64 // one bit for each processor it may run on
}

const threadInfoSize = 64

// threadInfoList gives the threads their times and where they began. An entry for
// a thread that the dump does not have is of no use and passed over.
func (p *parser) threadInfoList(b *buf) {
	n, _ := b.countEx(threadInfoSize)
	infos := make(map[uint32]*ThreadInfo, len(p.d.Threads))
	for i := range p.d.Threads {
		infos[p.d.Threads[i].ID] = nil
	}
	for range n {
		id := b.u32()
		t := ThreadInfo{DumpFlags: b.u32(), DumpError: b.u32(), ExitStatus: b.u32()}
		t.CreateTime, t.ExitTime = fileTime(b.u64()), fileTime(b.u64())
		t.KernelTime, t.UserTime = ticks(b.u64()), ticks(b.u64())
		t.StartAddress, t.Affinity = b.u64(), b.u64()
		if b.err != nil {
			return
		}
		if first, ok := infos[id]; ok && first == nil {
			infos[id] = &t
		}
	}
	for i := range p.d.Threads {
		p.d.Threads[i].Info = infos[p.d.Threads[i].ID]
	}
}

// fileTime is Windows' time: tenths of microseconds since 1601. 0 is no time.
func fileTime(v uint64) time.Time {
	const (
		perSecond = 10_000_000
		to1970    = 11_644_473_600 // seconds
	)
	if v == 0 {
		return time.Time{}
	}
	return time.Unix(int64(v/perSecond)-to1970, int64(v%perSecond)*100).UTC()
}

// ticks is a number of tenths of microseconds. One that a Duration cannot hold
// (292 years) is cut.
func ticks(v uint64) time.Duration {
	return time.Duration(min(v, uint64(1<<63-1)/100)) * 100
}
