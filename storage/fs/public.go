package fs

import (
	"bytes"
	"encoding/json"
	"strings"
)

// publicFields are the fields of a processed crash that may leave the house:
// those that Socorro's schema of 2026 calls public, less what a client filled
// freely (telemetry_environment, java_exception, memory_measures' sources).
// A field that is not listed does not leave, whatever a later rule may add.
const publicFields = `
	abort_message accessibility accessibility_client accessibility_in_proc_client
	adapter_device_id adapter_driver_version adapter_subsys_id adapter_vendor_id
	addons addons_checked address android_board android_brand android_cpu_abi
	android_cpu_abi2 android_device android_display android_fingerprint
	android_hardware android_manufacturer android_model android_packagename
	android_version app_init_dlls app_notes application_build_id
	async_shutdown_timeout available_page_file available_physical_memory
	available_virtual_memory background_task_name build claim_epoch
	client_crash_date co_marshal_interface_failure co_unmarshal_interface_result
	completed_datetime content_sandbox_capabilities content_sandbox_capable
	content_sandbox_enabled content_sandbox_level cpu_arch cpu_count cpu_info
	cpu_microcode_version crash_id crash_inconsistencies crash_report_keys
	crash_time crashing_thread crashing_thread_name date_processed
	distribution_id dom_fission_enabled dom_ipc_enabled em_check_compatibility
	gmp_plugin graphics_critical_error graphics_startup_test hang
	has_device_touch_screen has_mac_boot_args install_age install_time
	ipc_channel_error ipc_fatal_error_msg ipc_fatal_error_protocol
	ipc_message_name ipc_message_size ipc_shutdown_state ipc_system_error
	is_garbage_collecting java_stack_trace js_large_allocation_failure json_dump
	last_crash last_error_value mac_available_memory_sysctl mac_crash_info
	mac_memory_pressure mac_memory_pressure_critical_time
	mac_memory_pressure_normal_time mac_memory_pressure_sysctl
	mac_memory_pressure_warning_time major_version marionette mdsw_status_string
	memory_measures minidump_sha256_hash missing_symbols modules_in_stack
	moz_crash_reason oom_allocation_size os_name os_pretty_version os_version
	plugin_filename plugin_name plugin_version
	possible_bit_flips_max_confidence process_type processor_notes product
	productid proto_signature quota_manager_shutdown_timeout reason
	release_channel remote_agent report_type safe_mode shutdown_progress
	shutdown_reason signature stackwalk_version started_datetime startup_crash
	startup_time submitted_from submitted_timestamp success
	system_memory_use_percentage thread_count throttleable topmost_filenames
	total_page_file total_physical_memory total_virtual_memory uptime uptime_ts
	useragent_locale utility_actors_name utility_process_sandboxing_kind uuid
	vendor version windows_error_reporting xpcom_spin_event_loop_stack`

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
	for name := range strings.FieldsSeq(publicFields) {
		value, ok := fields[name]
		if !ok || string(value) == "null" {
			continue
		}
		if name != "json_dump" {
			out[exportName(name)] = value
			continue
		}
		if dump := reduceDump(value); dump != nil {
			out[name] = dump
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
