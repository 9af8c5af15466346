package spool_test

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"socorro/storage/spool"
)

// lineWith is a line of a journal with its sum.
func lineWith(text string) string {
	return fmt.Sprintf("%08x %s\n", crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)), text)
}

// Whatever a journal holds, the spool opens and keeps crashes.
func FuzzJournal(f *testing.F) {
	f.Add([]byte("junk\n"), `{"done":"x"}`)
	f.Add([]byte("00000000 {}\n"), `{"raw":{"uuid":"00000001-0000-4000-8000-000000261123"},"dumps":[{"file":".."}]}`)
	f.Add([]byte("\n\n "), `{"raw":null,"dumps":[]}`)
	f.Fuzz(func(t *testing.T, junk []byte, text string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "journal-00000007"), append(junk, "\n"+lineWith(text)...), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := spool.Open(spool.Config{Dir: dir, MinFree: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		keep(t, s, 99)
	})
}
