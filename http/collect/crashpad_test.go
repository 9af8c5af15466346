package collect

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Whatever the bytes, reading ends and costs no more than they are.
func FuzzCrashpad(f *testing.F) {
	dumps, _ := filepath.Glob(filepath.Join("..", "..", "testdata", "crashes", "*.dmp"))
	for _, path := range dumps[:min(len(dumps), 2)] {
		if data, err := os.ReadFile(path); err == nil {
			f.Add(data)
		}
	}
	f.Add([]byte(crashpadDump()))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, found, _ := readCrashpad(bytes.NewReader(data), int64(len(data)))
		if len(found) > maxCrashpad {
			t.Errorf("%d annotations", len(found))
		}
	})
}

// crashpadDump is a minidump with nothing but a Crashpad stream of one simple
// annotation, prod=Tour.
func crashpadDump() string {
	u32 := func(values ...uint32) (s string) {
		for _, v := range values {
			s += string([]byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)})
		}
		return s
	}
	head := "MDMP" + u32(0xa793, 1, 32, 0, 0, 0, 0)                                                      // 32 bytes
	directory := u32(crashpadStream, 52, 44)                                                             // 44
	info := u32(1, 0x01020304, 0x06070005, 0x0b0a0908, 0x0f0e0d0c) + u32(0, 0, 0, 0) + u32(12, 96, 0, 0) // 96
	dictionary := u32(1, 108, 116)                                                                       // 108
	return head + directory + info + dictionary + u32(4) + "prod" + u32(4) + "Tour"
}

func TestAnnotationsOfADump(t *testing.T) {
	t.Parallel()
	dump := crashpadDump()
	report, found, err := readCrashpad(bytes.NewReader([]byte(dump)), int64(len(dump)))
	if err != nil || report != "01020304-0005-0607-0809-0a0b0c0d0e0f" || len(found) != 1 || found["prod"] != "Tour" {
		t.Errorf("report %q, annotations %v, %v", report, found, err)
	}
	for cut := range len(dump) {
		readCrashpad(bytes.NewReader([]byte(dump[:cut])), int64(cut)) // must not panic
	}
}
