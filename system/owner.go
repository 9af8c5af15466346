package system

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// An owner is the name under which this process claims crashes. It is the first
// free one of processor-1, processor-2, …: a lock on a file that the kernel lets
// go when the process ends, however it ends. So a process that takes a name
// knows that its last holder is dead, and that its claims may be worked on at
// once instead of after their lease.
type owner struct {
	name string
	lock *os.File
}

const maxOwners = 1000 // processes on one data directory

func takeOwner(data string) (*owner, error) {
	dir := filepath.Join(data, "owners")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for i := 1; i <= maxOwners; i++ {
		name := fmt.Sprintf("processor-%d", i)
		f, err := os.OpenFile(filepath.Join(dir, name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return &owner{name: name, lock: f}, nil
		}
		f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
	return nil, fmt.Errorf("%d processes already use %s", maxOwners, data)
}

// Close gives the name back.
func (o *owner) Close() error { return o.lock.Close() }
