package signature

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// rules2018 is the pipeline of March 2018. Where a rule is that of 2026, it is
// the same function.
var rules2018 = []rule{
	{
		generationRule, nil, generate2018,
		"Makes the first signature: of a Java stack trace if there is one, else of the first 40 frames of the crashing thread, or of thread 0 " +
			"when the browser hung (hang type 1). The frames start at the first sentinel, lose those on the irrelevant list, are cut at ``@`` and " +
			"merged when they are on the trim list, and end with the first one that is not on the prefix list. ``chromehang`` or ``hang`` comes in front.",
	},
	{
		"StackwalkerErrorSignatureRule", emptyWithStatus, appendStatus,
		"Puts the stack walker's status behind a signature that begins with ``EMPTY``: why there is no stack.",
	},
	{
		"OOMSignature", outOfMemory2018, prefixOOM2018,
		"Puts ``OOM | large`` or ``OOM | unknown`` in front when the client says so or a function of the signature does. At 256 KiB and less the whole " +
			"signature becomes ``OOM | small``.",
	},
	{
		"AbortSignature", aborted, prefixAbort2018,
		"Puts ``Abort |`` and the abort message in front, without source lines and at most 80 characters of it.",
	},
	{
		"SignatureShutdownTimeout", shutdownTimedOut, replaceByShutdown2018,
		"Replaces the signature by ``AsyncShutdownTimeout``, the phase that did not end, and what it waited for.",
	},
	{
		"SignatureRunWatchDog", watchdogFired, regenerateForThread0In2018,
		"Makes the signature of thread 0 and puts ``shutdownhang`` in front when the signature contains ``RunWatchdog``.",
	},
	{
		"SignatureIPCChannelError", ipcChannelFailed, replaceByIPCError2018,
		"Replaces the signature by ``IPCError-browser`` or ``IPCError-content`` and the first 100 characters of the channel's error.",
	},
	{
		"SignatureIPCMessageName", ipcMessageNamed, appendIPCMessage2018,
		"Puts ``IPC_Message_Name=`` and the name of the message that was handled behind the signature.",
	},
	{
		"SignatureParentIDNotEqualsChildID", buildsDiffer, replaceByBuilds,
		"Replaces the signature by ``parentBuildID != childBuildID`` when that assertion failed: an update happened while the program ran.",
	},
	{
		"SignatureJitCategory", jitted, replaceByJIT,
		"Replaces the signature by ``jit |`` and the category when code crashed that a compiler made on the fly.",
	},
	{
		"SigFixWhitespace", nil, fixWhitespace2018,
		"Drops white space at both ends and makes one space of any other.",
	},
	{
		"SigTruncate", tooLong2018, truncate2018,
		"Cuts signatures of more than 255 characters after 252 and puts ``...`` behind.",
	},
}

// pythonBytes fails as Python 2 did when a text with other than ASCII characters
// met a byte string: the rule gave up. The crash kept a worse name for having a
// letter of another alphabet in it, so this is for Config.Compat only.
func (r *run) pythonBytes(texts ...string) error {
	if !r.g.compat {
		return nil
	}
	for _, text := range texts {
		if at := strings.IndexFunc(text, func(c rune) bool { return c >= utf8.RuneSelf }); at >= 0 {
			return fmt.Errorf("'ascii' codec can't encode the character at byte %d", at)
		}
	}
	return nil
}

func outOfMemory2018(r *run) bool {
	in := r.in
	return in.OOMAllocationSize != nil && *in.OOMAllocationSize != 0 || in.odd != nil && in.odd.oomNamed ||
		slices.ContainsFunc(oomFunctions, func(f string) bool { return strings.Contains(r.Signature, f) })
}

// prefixOOM2018 knows nothing of the allocator of JavaScript.
func prefixOOM2018(r *run) error {
	switch {
	case r.in.fault("oom_allocation_size") != "":
		return errors.New(r.in.fault("oom_allocation_size"))
	case r.in.OOMAllocationSize == nil:
		r.set("OOM | unknown | " + r.Signature)
	case *r.in.OOMAllocationSize <= smallAllocation:
		r.set("OOM | small")
	default:
		r.set("OOM | large | " + r.Signature)
	}
	return nil
}

func prefixAbort2018(r *run) error {
	if r.in.fault("abort_message") == "" {
		if err := r.pythonBytes(r.Signature); err != nil {
			return err
		}
	}
	return prefixAbortWith(r, ascii)
}

// ascii drops all but ASCII; control characters stay.
func ascii(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= utf8.RuneSelf {
			return -1
		}
		return c
	}, s)
}

func regenerateForThread0In2018(r *run) error {
	if err := r.generateFromCrash2018(0, true); err != nil {
		return err
	}
	r.set("shutdownhang | " + r.Signature)
	return nil
}

func replaceByIPCError2018(r *run) error {
	if fault := r.in.fault("ipc_channel_error"); fault != "" {
		return errors.New(fault)
	}
	side := "content"
	if slices.Equal(r.in.AdditionalMinidumps, []string{"browser"}) {
		side = "browser"
	}
	channelError := firstRunes(r.in.IPCChannelError, maxIPCError)
	if err := r.pythonBytes(channelError, r.Signature); err != nil {
		return err
	}
	r.note(fmt.Sprintf(`Signature replaced with an IPC Channel Error, was: "%s"`, r.Signature))
	r.set("IPCError-" + side + " | " + channelError)
	return nil
}

func appendIPCMessage2018(r *run) error {
	if err := r.pythonBytes(r.Signature, r.in.IPCMessageName); err != nil {
		return err
	}
	return appendIPCMessage(r)
}

func buildsDiffer(r *run) bool {
	return r.in.MozCrashReason == "MOZ_RELEASE_ASSERT(parentBuildID == childBuildID)"
}

func replaceByBuilds(r *run) error {
	if err := r.pythonBytes(r.Signature); err != nil {
		return err
	}
	r.note(fmt.Sprintf(`Signature replaced with MozCrashAssert, was: "%s"`, r.Signature))
	r.set("parentBuildID != childBuildID")
	return nil
}

func jitted(r *run) bool { return r.in.JITCategory != "" || r.in.fault("jit_category") != "" }

func replaceByJIT(r *run) error {
	if fault := r.in.fault("jit_category"); fault != "" {
		return errors.New(fault)
	}
	if err := r.pythonBytes(r.Signature); err != nil {
		return err
	}
	r.note(fmt.Sprintf(`Signature replaced with a JIT Crash Category, was: "%s"`, r.Signature))
	if err := r.pythonBytes(r.in.JITCategory); err != nil {
		return err
	}
	r.set("jit | " + r.in.JITCategory)
	return nil
}

// fixWhitespace2018 leaves other than ASCII characters alone, as Python 2 did.
func fixWhitespace2018(r *run) error {
	s := strip(r.Signature)
	s = strings.Map(func(c rune) rune {
		if c >= '\t' && c <= '\r' {
			return ' '
		}
		return c
	}, s)
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	if s != r.Signature {
		r.set(s)
	}
	return nil
}

func tooLong2018(r *run) bool { return utf8.RuneCountInString(r.Signature) > maxLength }

func truncate2018(r *run) error {
	r.set(firstRunes(r.Signature, maxLength-3) + "...")
	r.note("SigTrunc: signature truncated due to length")
	return nil
}
