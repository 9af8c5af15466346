package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"socorro"
)

// row is one line of details. Only rows with a value are shown.
type row struct {
	Name  string
	Value string
	Hint  string // shown small beside the value
	Link  string
	Mono  bool
	Long  bool // a text of several lines
}

type section struct {
	Name string
	Rows []row
}

func (s *section) add(r row) {
	if r.Value = strings.TrimSpace(r.Value); r.Value != "" {
		s.Rows = append(s.Rows, r)
	}
}

// facts stand at the top of the report.
func facts(c *socorro.ProcessedCrash) []row {
	var s section
	s.add(row{Name: "Reason", Value: c.Reason})
	s.add(row{Name: "Address", Value: c.Address, Mono: true})
	s.add(row{Name: "System", Value: cmp.Or(c.OSPrettyVersion, strings.TrimSpace(c.OSName+" "+c.OSVersion))})
	s.add(row{Name: "CPU", Value: c.CPUArch})
	s.add(row{Name: "Process", Value: c.ProcessType})
	s.add(row{Name: "Uptime", Value: seconds(c.Uptime)})
	return s.Rows
}

// details are all fields of the report that are set, in groups. raw may be nil.
func details(c *socorro.ProcessedCrash, raw *socorro.RawCrash, w *walk, protected bool) []section {
	all := []section{crashDetails(c, w), systemDetails(c, w), programDetails(c), memoryDetails(c)}
	if protected {
		all = append(all, personalDetails(c, raw, w))
	}
	return slices.DeleteFunc(all, func(s section) bool { return len(s.Rows) == 0 })
}

func crashDetails(c *socorro.ProcessedCrash, w *walk) section {
	s := section{Name: "Crash"}
	s.add(row{Name: "Signature", Value: c.Signature, Link: crashesURL(c.Signature, "", 0), Mono: true})
	s.add(row{Name: "Crash ID", Value: string(c.ID), Mono: true})
	s.add(stamp("Received", c.Submitted))
	s.add(stamp("Crashed", c.ClientDate))
	s.add(stamp("Processed", c.Completed))
	s.add(row{Name: "Crash reason", Value: c.Reason, Mono: true})
	s.add(row{Name: "Crash address", Value: c.Address, Mono: true})
	if a := w.CrashInfo.Adjusted; a != nil {
		s.add(row{Name: "Address means", Value: strings.TrimSpace(a.Kind + " " + trimHex(cmp.Or(a.Address, a.Offset)))})
	}
	s.add(row{Name: "Instruction", Value: w.CrashInfo.Instruction, Mono: true})
	s.add(row{Name: "Memory access", Value: accesses(w.CrashInfo.Accesses), Mono: true})
	s.add(row{Name: "Assertion", Value: w.CrashInfo.Assertion, Mono: true})
	s.add(row{Name: "Possible bit flips", Value: bitFlips(w.CrashInfo.BitFlips), Mono: true})
	s.add(row{Name: "Inconsistencies", Value: strings.Join(w.CrashInfo.Inconsistent, ", ")})
	s.add(other(c, "Abort message", "abort_message"))
	s.add(other(c, "MOZ_CRASH reason", "moz_crash_reason"))
	s.add(other(c, "Last error", "last_error_value"))
	s.add(other(c, "Hang", "hang"))
	s.add(other(c, "Report type", "report_type"))
	s.add(other(c, "Startup crash", "startup_crash"))
	s.add(other(c, "Shutdown progress", "shutdown_progress"))
	s.add(other(c, "Async shutdown timeout", "async_shutdown_timeout"))
	s.add(other(c, "IPC channel error", "ipc_channel_error"))
	java := other(c, "Java stack trace", "java_stack_trace")
	java.Long = true
	s.add(java)
	if c.MDSWStatus != "OK" {
		s.add(row{Name: "Stack walker", Value: c.MDSWStatus})
	}
	return s
}

func programDetails(c *socorro.ProcessedCrash) section {
	s := section{Name: "Application"}
	s.add(row{Name: "Product", Value: c.Product, Link: crashesURL("", c.Product, 0)})
	s.add(row{Name: "Version", Value: c.Version})
	s.add(row{Name: "Build ID", Value: c.BuildID, Mono: true})
	s.add(row{Name: "Release channel", Value: c.ReleaseChannel})
	s.add(row{Name: "Vendor", Value: c.Vendor})
	s.add(row{Name: "Process type", Value: c.ProcessType})
	s.add(row{Name: "Uptime", Value: seconds(c.Uptime)})
	s.add(row{Name: "Since last crash", Value: seconds(c.LastCrash)})
	s.add(row{Name: "Install age", Value: seconds(c.InstallAge)})
	if n, ok := whole(c, "install_time"); ok && n > 0 {
		s.add(row{Name: "Installed", Value: utc(time.Unix(n, 0)) + " UTC"})
	}
	s.add(other(c, "Distribution", "distribution_id"))
	s.add(other(c, "Locale", "useragent_locale"))
	s.add(other(c, "Background task", "background_task_name"))
	s.add(other(c, "Safe mode", "safe_mode"))
	s.add(other(c, "Submitted from", "submitted_from"))
	notes := other(c, "App notes", "app_notes")
	notes.Long = true
	s.add(notes)
	return s
}

func systemDetails(c *socorro.ProcessedCrash, w *walk) section {
	s := section{Name: "System"}
	pretty := c.OSPrettyVersion
	if pretty == "" && w.LSB != nil {
		pretty = w.LSB.Description
	}
	s.add(row{Name: "OS", Value: cmp.Or(pretty, c.OSName)})
	s.add(row{Name: "OS version", Value: c.OSVersion})
	s.add(other(c, "Android version", "android_version"))
	s.add(other(c, "Android manufacturer", "android_manufacturer"))
	s.add(other(c, "Android model", "android_model"))
	s.add(other(c, "Android CPU ABI", "android_cpu_abi"))
	s.add(row{Name: "Architecture", Value: c.CPUArch})
	s.add(row{Name: "CPU", Value: c.CPUInfo})
	if c.CPUCount > 0 {
		s.add(row{Name: "CPU cores", Value: strconv.Itoa(c.CPUCount)})
	}
	s.add(other(c, "CPU microcode", "cpu_microcode_version"))
	s.add(other(c, "Graphics vendor", "adapter_vendor_id"))
	s.add(other(c, "Graphics device", "adapter_device_id"))
	s.add(other(c, "Graphics driver", "adapter_driver_version"))
	s.add(other(c, "Graphics error", "graphics_critical_error"))
	s.add(other(c, "Accessibility", "accessibility"))
	return s
}

func memoryDetails(c *socorro.ProcessedCrash) section {
	s := section{Name: "Memory"}
	for _, m := range []struct{ name, key string }{
		{"Total virtual", "total_virtual_memory"},
		{"Available virtual", "available_virtual_memory"},
		{"Total page file", "total_page_file"},
		{"Available page file", "available_page_file"},
		{"Total physical", "total_physical_memory"},
		{"Available physical", "available_physical_memory"},
		{"Allocation that failed", "oom_allocation_size"},
		{"Allocation in JavaScript", "js_large_allocation_failure"},
	} {
		if n, ok := whole(c, m.key); ok {
			s.add(row{Name: m.name, Value: size(n)})
		} else {
			s.add(other(c, m.name, m.key))
		}
	}
	if v := text(c.Other["system_memory_use_percentage"]); v != "" {
		s.add(row{Name: "In use", Value: v + " %"})
	}
	if m, ok := c.Other["memory_measures"].(map[string]any); ok {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			n, err := strconv.ParseInt(text(m[k]), 10, 64)
			if err == nil {
				s.add(row{Name: "MR: " + k, Value: size(n)})
			}
		}
	}
	return s
}

// personalDetails name a person, or show a piece of their memory.
func personalDetails(c *socorro.ProcessedCrash, raw *socorro.RawCrash, w *walk) section {
	s := section{Name: "Protected"}
	for _, r := range []row{
		other(c, "URL", "url"), other(c, "Email", "email"),
		other(c, "User comments", "user_comments"), other(c, "Remote type", "remote_type"),
	} {
		r.Long = true
		s.add(r)
	}
	if raw != nil {
		s.add(row{Name: "User agent", Value: raw.Metadata.UserAgent})
	}
	regs := w.registers()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(regs)) {
		fmt.Fprintf(&b, "%-7s %s\n", name, regs[name])
	}
	s.add(row{Name: "Registers", Value: b.String(), Long: true, Mono: true})
	return s
}

// text is a JSON value as text; "" for null and for what is no scalar.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	}
	return ""
}

func other(c *socorro.ProcessedCrash, name, key string) row {
	return row{Name: name, Value: text(c.Other[key])}
}

func whole(c *socorro.ProcessedCrash, key string) (int64, bool) {
	n, err := strconv.ParseInt(text(c.Other[key]), 10, 64)
	return n, err == nil
}

// stamp shows a time of our JSON in the form of all pages. What is no time is
// shown as it is.
func stamp(name, value string) row {
	if t, err := time.Parse(time.RFC3339, value); err == nil {
		return row{Name: name, Value: utc(t) + " UTC"}
	}
	return row{Name: name, Value: value}
}

func seconds(n *int64) string {
	if n == nil {
		return ""
	}
	exact := grouped(*n) + " s"
	if *n < 60 || *n > 100*365*86400 {
		return exact
	}
	return span(time.Duration(*n)*time.Second) + " (" + exact + ")"
}

const listed = 8 // of accesses and bit flips; more say nothing

func accesses(all []access) string {
	var out []string
	for _, a := range all[:min(len(all), listed)] {
		s := strings.TrimSpace(a.Kind + " " + trimHex(a.Address))
		if a.Size != nil {
			s += fmt.Sprintf(" (%d %s)", *a.Size, plural(*a.Size, "byte", "bytes"))
		}
		if a.Guard {
			s += " in a guard page"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func bitFlips(all []bitFlip) string {
	var out []string
	for _, f := range all[:min(len(all), listed)] {
		s := trimHex(f.Address)
		if f.Register != "" {
			s += " in " + f.Register
		}
		out = append(out, fmt.Sprintf("%s (%.0f %% sure)", s, f.Confidence*100))
	}
	return strings.Join(out, ", ")
}
