package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"socorro"
)

// publicAnnotations are the annotations that hold nothing personal: Mozilla's
// list, and what Crashpad and Electron send. Left out are, among others, comments,
// addresses of pages, client ids (guid) and anything that quotes memory.
const publicAnnotations = `
_companyName _productName _version AbortMessage Accessibility AccessibilityClient AccessibilityInProcClient
AdapterDeviceID AdapterDriverVersion AdapterSubsysID AdapterVendorID Add-ons Android_Board Android_Brand
Android_CPU_ABI Android_CPU_ABI2 Android_Device Android_Display Android_Fingerprint Android_Hardware
Android_Manufacturer Android_Model Android_PackageName Android_Version AppInitDLLs ApplicationBuildID appName
appVersion AsyncShutdownTimeout AvailablePageFile AvailablePhysicalMemory AvailableVirtualMemory BackgroundTaskName
build_id BuildID buildid channel CoMarshalInterfaceFailure ContentSandboxCapabilities ContentSandboxCapable
ContentSandboxEnabled ContentSandboxLevel CoUnmarshalInterfaceResult CPUArchitecture CPUInfo CPUMicrocodeVersion
CrashTime DistributionID DOMFissionEnabled DOMIPCEnabled EMCheckCompatibility GMPPlugin GraphicsCriticalError
GraphicsStartupTest Hang HasDeviceTouchScreen InstallTime ipc_channel_error IPCFatalErrorMsg IPCFatalErrorProtocol
IPCMessageName IPCMessageSize IPCShutdownState IPCSystemError IsGarbageCollecting JSLargeAllocationFailure
LinuxLSBDescription lsb-release MacAvailableMemorySysctl MacMemoryPressure MacMemoryPressureCriticalTime
MacMemoryPressureNormalTime MacMemoryPressureSysctl MacMemoryPressureWarningTime Marionette Notes OOMAllocationSize
OS osarch OSVersion plat platform PluginFilename PluginName PluginVersion process_type ProcessType prod product
ProductID ProductName ptype QuotaManagerShutdownTimeout ReleaseChannel RemoteAgent SafeMode SecondsSinceLastCrash
ShutdownProgress ShutdownReason StartupCrash StartupTime SubmittedFrom SubmittedFromInfobar
SystemMemoryUsePercentage TelemetryEnvironment Throttleable TotalPageFile TotalPhysicalMemory TotalVirtualMemory
UptimeTS useragent_locale UtilityActorsName UtilityProcessSandboxingKind Vendor ver Version WindowsErrorReporting
Winsock_LSP XPCOMSpinEventLoopStack
`

// publicFields are the fields of a processed crash that hold nothing personal.
const publicFields = `
abort_message accessibility accessibility_client accessibility_in_proc_client adapter_device_id
adapter_driver_version adapter_subsys_id adapter_vendor_id additional_minidumps addons addons_checked address
android_board android_brand android_cpu_abi android_cpu_abi2 android_device android_display android_fingerprint
android_hardware android_manufacturer android_model android_packagename android_version app_init_dlls app_notes
application_build_id async_shutdown_timeout available_page_file available_physical_memory available_virtual_memory
background_task_name build claim_epoch client_crash_date co_marshal_interface_failure co_unmarshal_interface_result
completed_datetime content_sandbox_capabilities content_sandbox_capable content_sandbox_enabled
content_sandbox_level cpu_arch cpu_count cpu_info cpu_microcode_version crash_id crash_inconsistencies
crash_report_keys crash_time crashing_thread crashing_thread_name date_processed distribution_id dom_fission_enabled
dom_ipc_enabled em_check_compatibility gmp_plugin graphics_critical_error graphics_startup_test hang
has_device_touch_screen has_mac_boot_args install_age install_time ipc_channel_error ipc_fatal_error_msg
ipc_fatal_error_protocol ipc_message_name ipc_message_size ipc_shutdown_state ipc_system_error is_garbage_collecting
java_exception java_stack_trace js_large_allocation_failure json_dump last_crash last_error_value
mac_available_memory_sysctl mac_crash_info mac_memory_pressure mac_memory_pressure_critical_time
mac_memory_pressure_normal_time mac_memory_pressure_sysctl mac_memory_pressure_warning_time major_version marionette
mdsw_status_string memory_measures minidump_sha256_hash missing_symbols modules_in_stack moz_crash_reason
oom_allocation_size os_name os_pretty_version os_version plugin_filename plugin_name plugin_version
possible_bit_flips_max_confidence process_type processor_history processor_notes product productid proto_signature
quota_manager_shutdown_timeout reason release_channel remote_agent report_type safe_mode shutdown_progress
shutdown_reason signature stackwalk_version started_datetime startup_crash startup_time submitted_from
submitted_timestamp success system_memory_use_percentage telemetry_environment thread_count throttleable
topmost_filenames total_page_file total_physical_memory total_virtual_memory upload_file_minidump_browser uptime
uptime_ts useragent_locale utility_actors_name utility_process_sandboxing_kind uuid vendor version
windows_error_reporting xpcom_spin_event_loop_stack
`

// protectedWithin are keys that are dropped at any depth of a public field:
// register contents and messages may quote what the user had in memory.
const protectedWithin = "registers soft_errors mac_boot_args is_likely_guard_page mdsw_stderr mdsw_return_code"

func words(list string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		set[w] = true
	}
	return set
}

// publicRaw is a raw crash without what is not for everybody, and without the
// collector's metadata.
func publicRaw(r *socorro.RawCrash) map[string]any {
	allowed := words(publicAnnotations)
	out := map[string]any{
		"uuid":                r.ID,
		"submitted_timestamp": socorro.Timestamp(r.Submitted),
		"version":             socorro.RawCrashVersion,
	}
	for k, v := range r.Annotations {
		if allowed[k] {
			out[k] = v
		}
	}
	return out
}

// publicProcessed is a processed crash without what is not for everybody.
func publicProcessed(p *socorro.ProcessedCrash) (map[string]any, error) {
	data, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("http/api: encode %s: %w", p.ID, err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var all map[string]any
	if err := dec.Decode(&all); err != nil {
		return nil, fmt.Errorf("http/api: decode %s: %w", p.ID, err)
	}
	allowed, hidden := words(publicFields), words(protectedWithin)
	for k := range all {
		if !allowed[k] {
			delete(all, k)
			continue
		}
		scrub(all[k], hidden)
	}
	scrubJava(all["java_exception"])
	return all, nil
}

// scrub deletes keys from an object and everything inside it.
func scrub(value any, hidden map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for k, inner := range v {
			if hidden[k] {
				delete(v, k)
				continue
			}
			scrub(inner, hidden)
		}
	case []any:
		for _, inner := range v {
			scrub(inner, hidden)
		}
	}
}

// scrubJava deletes the exceptions' messages, which quote arguments.
func scrubJava(value any) {
	object, _ := value.(map[string]any)
	exception, _ := object["exception"].(map[string]any)
	values, _ := exception["values"].([]any)
	for _, one := range values {
		entry, _ := one.(map[string]any)
		if trace, ok := entry["stacktrace"].(map[string]any); ok {
			delete(trace, "value")
		}
	}
}
