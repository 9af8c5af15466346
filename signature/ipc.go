package signature

import (
	"errors"
	"slices"
	"strings"
)

// maxIPCError is in characters.
const maxIPCError = 100

func ipcChannelFailed(r *run) bool {
	return r.in.IPCChannelError != "" || r.in.fault("ipc_channel_error") != ""
}

// replaceByIPCError names the crash after the error: the process was ended from
// outside, and what it did at that moment does not matter.
func replaceByIPCError(r *run) error {
	if fault := r.in.fault("ipc_channel_error"); fault != "" {
		return errors.New(fault)
	}
	side := "content"
	if slices.ContainsFunc(r.in.AdditionalMinidumps, isBrowserDump) {
		side = "browser"
	}
	r.set("IPCError-" + side + " | " + firstRunes(r.in.IPCChannelError, maxIPCError))
	r.note("IPC Channel Error stomped on signature")
	return nil
}

// isBrowserDump takes a list of names in one text as well, as raw crashes had it.
func isBrowserDump(name string) bool {
	return slices.Contains(strings.Split(name, ","), "upload_file_minidump_browser")
}

func ipcMessageNamed(r *run) bool { return r.in.IPCMessageName != "" }

func appendIPCMessage(r *run) error {
	r.set(r.Signature + " | IPC_Message_Name=" + r.in.IPCMessageName)
	return nil
}
