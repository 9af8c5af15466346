package fs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"socorro"
)

const (
	nameBranch = "name"
	dateBranch = "date"
	dateRoot   = "date_root"
	dayForm    = "20060102"

	writtenDepth = 2
)

// readDepths are tried in this order: ours first, then those that Socorro's
// own ids asked for by their seventh last character (0 meant 4). Antenna keeps
// the throttle digit there, so the character itself says nothing.
var readDepths = [...]int{writtenDepth, 4, 1, 3}

// parse makes sure that nothing but a crash id becomes part of a path.
func parse(id socorro.CrashID) (socorro.CrashID, error) {
	clean, err := socorro.ParseCrashID(string(id))
	if err != nil {
		return "", err
	}
	if clean != id {
		return "", fmt.Errorf("crash id %q is not in its plain form %q: %w", id, clean, socorro.ErrInvalid)
	}
	return clean, nil
}

func day(id socorro.CrashID) string { return id.Date().Format(dayForm) }

// leaf is the folder of a crash at a depth of the radix tree.
func (s *Store) leaf(id socorro.CrashID, depth int) string {
	path := []string{s.root, day(id), nameBranch}
	for i := range depth {
		path = append(path, string(id[2*i:2*i+2]))
	}
	return filepath.Join(append(path, string(id))...)
}

// find is the folder that holds the raw crash, whatever its depth.
func (s *Store) find(id socorro.CrashID) (string, error) {
	if _, err := parse(id); err != nil {
		return "", err
	}
	for _, depth := range readDepths {
		leaf := s.leaf(id, depth)
		_, err := os.Lstat(filepath.Join(leaf, rawFile(id)))
		if err == nil {
			return leaf, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", kind(err)
		}
	}
	if err := s.mounted(); err != nil {
		return "", err
	}
	return "", socorro.ErrNotFound
}

// slot is the path of a moment below a day, for example date/13/07_03.
func (s *Store) slot(t time.Time) string {
	t = t.UTC()
	return filepath.Join(dateBranch, t.Format("15"), fmt.Sprintf("%02d_%02d", t.Minute(), t.Second()/s.cfg.MinuteSlice))
}

// slotOf follows the back link of a crash's folder; "" when there is none.
// The link may only lead to a slot of the same day.
func (s *Store) slotOf(id socorro.CrashID, leaf string) (string, error) {
	target, err := os.Readlink(filepath.Join(leaf, dateRoot))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrInvalid) {
		return "", nil
	}
	if err != nil {
		return "", kind(err)
	}
	slot := filepath.Join(leaf, target)
	rest, ok := strings.CutPrefix(slot, filepath.Join(s.root, day(id), dateBranch)+string(filepath.Separator))
	if filepath.IsAbs(target) || !ok || strings.Count(rest, string(filepath.Separator)) != 1 {
		return "", fmt.Errorf("%s in %s leads to %q, which is no slot of its day: %w", dateRoot, leaf, target, socorro.ErrInvalid)
	}
	return slot, nil
}

func rawFile(id socorro.CrashID) string       { return string(id) + ".json" }
func dumpNamesFile(id socorro.CrashID) string { return string(id) + ".dump_names.json" }
func processedFile(id socorro.CrashID) string { return string(id) + ".jsonz" }

const dumpSuffix = ".dump"

// dumpFile is the file name of a dump. The main dump has none of its own in
// it; "" means the main dump too, as in Socorro's API.
func dumpFile(id socorro.CrashID, name string) (string, error) {
	if name == "" || name == socorro.MainDump {
		return string(id) + dumpSuffix, nil
	}
	if err := checkDumpName(name); err != nil {
		return "", err
	}
	return string(id) + "." + name + dumpSuffix, nil
}

// dumpName is the inverse of dumpFile.
func dumpName(id socorro.CrashID, file string) (string, bool) {
	rest, ok := strings.CutPrefix(file, string(id))
	if !ok {
		return "", false
	}
	rest, ok = strings.CutSuffix(rest, dumpSuffix)
	if !ok {
		return "", false
	}
	if rest == "" {
		return socorro.MainDump, true
	}
	name, ok := strings.CutPrefix(rest, ".")
	return name, ok && name != "" && name != socorro.MainDump && checkDumpName(name) == nil
}

const maxDumpName = 30

func checkDumpName(name string) error {
	if len(name) > maxDumpName {
		return fmt.Errorf("dump name %.60q is longer than %d characters: %w", name, maxDumpName, socorro.ErrInvalid)
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		default:
			return fmt.Errorf("dump name %q: only letters, digits and _ are allowed: %w", name, socorro.ErrInvalid)
		}
	}
	return nil
}
