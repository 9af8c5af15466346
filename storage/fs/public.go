package fs

import (
	"bytes"
	"encoding/json"
	"strings"

	"socorro"
)

// exported tells which fields of a processed crash may leave the house: what
// everybody may see, less what holds protected data somewhere inside and is
// not worth taking apart.
func exported(name string) bool {
	switch name {
	case "java_exception", "upload_file_minidump_browser", "processor_history":
		return false
	}
	return socorro.PublicField(name)
}

// exportName is the name of a field in the export, where Socorro's telemetry
// schema calls some of them differently.
func exportName(field string) string {
	switch field {
	case "build":
		return "build_id"
	case "date_processed":
		return "date"
	case "os_pretty_version":
		return "platform_pretty_version"
	case "os_name":
		return "platform"
	case "os_version":
		return "platform_version"
	}
	return field
}

// publicDump is what may leave of json_dump: no registers, no memory, no
// instruction text, no environment. An asterisk means every element of a list.
const publicDump = `
	status
	crash_info.type crash_info.address crash_info.crashing_thread crash_info.assertion
	system_info.os system_info.os_ver system_info.cpu_arch system_info.cpu_info
	system_info.cpu_count system_info.cpu_microcode_version
	main_module thread_count modules_contains_cert_info
	largest_free_vm_block tiny_block_size write_combine_size
	modules.*.base_addr modules.*.end_addr modules.*.filename modules.*.version
	modules.*.debug_file modules.*.debug_id modules.*.code_id
	modules.*.missing_symbols modules.*.loaded_symbols modules.*.corrupt_symbols
	crashing_thread.thread_index crashing_thread.thread_name
	crashing_thread.total_frames crashing_thread.frame_count
	crashing_thread.frames.*.frame crashing_thread.frames.*.module
	crashing_thread.frames.*.module_offset crashing_thread.frames.*.function
	crashing_thread.frames.*.function_offset crashing_thread.frames.*.file
	crashing_thread.frames.*.line crashing_thread.frames.*.offset
	crashing_thread.frames.*.trust crashing_thread.frames.*.missing_symbols
	crashing_thread.frames.*.inlines.*.function crashing_thread.frames.*.inlines.*.file
	crashing_thread.frames.*.inlines.*.line
	threads.*.thread_name threads.*.frame_count
	threads.*.frames.*.frame threads.*.frames.*.module
	threads.*.frames.*.module_offset threads.*.frames.*.function
	threads.*.frames.*.function_offset threads.*.frames.*.file
	threads.*.frames.*.line threads.*.frames.*.offset
	threads.*.frames.*.trust threads.*.frames.*.missing_symbols
	threads.*.frames.*.inlines.*.function threads.*.frames.*.inlines.*.file
	threads.*.frames.*.inlines.*.line`

func reduceCrash(fields map[string]json.RawMessage) map[string]any {
	out := make(map[string]any, len(fields))
	for name, value := range fields {
		switch {
		case !exported(name) || string(value) == "null":
		case name == "json_dump":
			if dump := reduceDump(value); dump != nil {
				out[name] = dump
			}
		default:
			out[exportName(name)] = value
		}
	}
	return out
}

func reduceDump(text json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var dump any
	if dec.Decode(&dump) != nil {
		return nil
	}
	return allowedDump().reduce(dump)
}

// allow is a tree of names; a node without children lets plain values pass.
type allow map[string]allow

func allowedDump() allow {
	root := allow{}
	for path := range strings.FieldsSeq(publicDump) {
		node := root
		for name := range strings.SplitSeq(path, ".") {
			if node[name] == nil {
				node[name] = allow{}
			}
			node = node[name]
		}
	}
	return root
}

// reduce drops what the tree does not name, and lists and objects where it
// expects a plain value: nothing rides along in a field of an odd shape.
func (a allow) reduce(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, sub := range a {
			if name == "*" {
				continue
			}
			if kept := sub.reduce(v[name]); kept != nil {
				out[name] = kept
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		each := a["*"]
		if each == nil {
			return nil
		}
		out := make([]any, 0, len(v))
		for _, e := range v {
			if kept := each.reduce(e); kept != nil {
				out = append(out, kept)
			}
		}
		return out
	default:
		if len(a) > 0 {
			return nil
		}
		return v
	}
}
