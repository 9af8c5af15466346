package minidump

import "fmt"

// Open reads the minidump at path. The file is mapped into memory where the
// system can, not read: a full dump has gigabytes of which a walk touches a few
// pages. So the file must not be cut short before Close. Stores that replace
// files by rename, as ours do, are safe; deleting it is too.
//
// The error is the system's or a [*FormatError], and names the path.
func Open(path string) (*Dump, error) {
	data, closer, err := mapFile(path)
	if err != nil {
		return nil, fmt.Errorf("minidump: open: %w", err)
	}
	d, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, joinClose(err, closer))
	}
	d.close = closer
	return d, nil
}

func joinClose(err error, closer func() error) error {
	if cerr := closer(); cerr != nil {
		return fmt.Errorf("%w (and %w)", err, cerr)
	}
	return err
}
