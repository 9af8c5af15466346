package web

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// walk is what the pages read of the stack walker's report. Frames stay raw
// until one is shown: a stack overflow has 30,000 of them and shows 300.
type walk struct {
	CrashInfo struct {
		Type         string        `json:"type"`
		Address      string        `json:"address"`
		Thread       *int          `json:"crashing_thread"`
		Instruction  string        `json:"instruction"`
		Assertion    string        `json:"assertion"`
		Accesses     []access      `json:"memory_accesses"`
		BitFlips     []bitFlip     `json:"possible_bit_flips"`
		Inconsistent []string      `json:"crash_inconsistencies"`
		Adjusted     *adjustedAddr `json:"adjusted_address"`
	} `json:"crash_info"`
	Crashing  json.RawMessage `json:"crashing_thread"`
	Threads   []thread        `json:"threads"`
	Modules   []module        `json:"modules"`
	Unloaded  []module        `json:"unloaded_modules"`
	LSB       *lsb            `json:"lsb_release"`
	PID       *int64          `json:"pid"`
	MainIndex int             `json:"main_module"`
}

type access struct {
	Address string `json:"address"`
	Size    *int   `json:"size"`
	Kind    string `json:"access_type"`
	Guard   bool   `json:"is_likely_guard_page"`
}

type bitFlip struct {
	Address    string  `json:"address"`
	Register   string  `json:"source_register"`
	Confidence float64 `json:"confidence"`
}

type adjustedAddr struct {
	Kind    string `json:"kind"`
	Address string `json:"address"`
	Offset  string `json:"offset"`
}

type lsb struct {
	Description string `json:"description"`
}

type thread struct {
	ID        json.Number       `json:"thread_id"`
	Name      string            `json:"thread_name"`
	LastError string            `json:"last_error_value"`
	Count     int               `json:"frame_count"`
	Frames    []json.RawMessage `json:"frames"`
}

type frame struct {
	Number         *int   `json:"frame"`
	Module         string `json:"module"`
	ModuleOffset   string `json:"module_offset"`
	Function       string `json:"function"`
	File           string `json:"file"`
	Line           int64  `json:"line"`
	Offset         string `json:"offset"`
	Trust          string `json:"trust"`
	MissingSymbols bool   `json:"missing_symbols"`
	Inlines        []struct {
		Function string `json:"function"`
		File     string `json:"file"`
		Line     int64  `json:"line"`
	} `json:"inlines"`
	Unloaded []struct {
		Module  string   `json:"module"`
		Offsets []string `json:"offsets"`
	} `json:"unloaded_modules"`
	Truncated *struct {
		Message string `json:"msg"`
	} `json:"truncated"`
	Registers map[string]string `json:"registers"`
}

type module struct {
	Base      string `json:"base_addr"`
	End       string `json:"end_addr"`
	File      string `json:"filename"`
	Version   string `json:"version"`
	DebugFile string `json:"debug_file"`
	DebugID   string `json:"debug_id"`
	CodeID    string `json:"code_id"`
	Cert      string `json:"cert_subject"`
	Loaded    bool   `json:"loaded_symbols"`
	Missing   bool   `json:"missing_symbols"`
	Corrupt   bool   `json:"corrupt_symbols"`
}

// readWalk reads as much of the report as has the right shape; the error then
// tells what has not. The result is never nil.
func readWalk(data json.RawMessage) (*walk, error) {
	w := &walk{}
	if data = bytes.TrimSpace(data); len(data) == 0 || string(data) == "null" {
		return w, nil
	}
	if err := json.Unmarshal(data, w); err != nil {
		return w, fmt.Errorf("a part of json_dump cannot be shown: %w", err)
	}
	// Walkers of 2018 wrote the crashing thread only.
	if len(w.Threads) == 0 && len(w.Crashing) > 0 {
		var t struct {
			thread
			Index int `json:"threads_index"`
		}
		if err := json.Unmarshal(w.Crashing, &t); err != nil {
			return w, fmt.Errorf("json_dump.crashing_thread cannot be shown: %w", err)
		}
		if len(t.Frames) > 0 {
			w.Threads, w.CrashInfo.Thread = []thread{t.thread}, new(int)
		}
	}
	return w, nil
}

// crashingThread is an index into Threads, or -1.
func (w *walk) crashingThread(processed *int) int {
	for _, i := range []*int{processed, w.CrashInfo.Thread} {
		if i != nil && *i >= 0 && *i < len(w.Threads) {
			return *i
		}
	}
	return -1
}

// registers are those of the crashing thread's first frame; nil when unknown.
func (w *walk) registers() map[string]string {
	var t struct {
		Frames []json.RawMessage `json:"frames"`
	}
	if len(w.Crashing) == 0 || json.Unmarshal(w.Crashing, &t) != nil || len(t.Frames) == 0 {
		return nil
	}
	var f frame
	if json.Unmarshal(t.Frames[0], &f) != nil {
		return nil
	}
	return f.Registers
}
