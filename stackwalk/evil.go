package stackwalk

import (
	"encoding/json"
	"strconv"
	"strings"
)

// evilInfo is what annotations know that the dump does not. rust-minidump calls
// the file evil because ModuleSignatureInfo may be an object or a string with the
// JSON of one.
type evilInfo struct {
	certs     map[string]string // file name -> who signed it
	microcode *uint64
}

func parseEvil(data []byte) (evilInfo, error) {
	var e evilInfo
	if len(data) == 0 {
		return e, nil
	}
	var fields struct {
		ModuleSignatureInfo json.RawMessage
		CPUMicrocodeVersion any
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		return e, err
	}
	signed := []byte(fields.ModuleSignatureInfo)
	var text string
	if json.Unmarshal(signed, &text) == nil {
		signed = []byte(text)
	}
	var certs map[string][]string
	// Signatures are a nicety: a client that sends nonsense here still crashed.
	if json.Unmarshal(signed, &certs) == nil {
		e.certs = map[string]string{}
		for cert, files := range certs {
			for _, file := range files {
				// Of two signers of one file name the same must win every time.
				if old, ok := e.certs[file]; !ok || cert < old {
					e.certs[file] = cert
				}
			}
		}
	}
	if text, ok := fields.CPUMicrocodeVersion.(string); ok {
		if digits, ok := strings.CutPrefix(text, "0x"); ok {
			if v, err := strconv.ParseUint(digits, 16, 64); err == nil {
				e.microcode = &v
			}
		}
	}
	return e, nil
}
