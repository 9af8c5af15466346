package collect

import (
	"fmt"
	"net/http"

	"socorro"
)

// Reason is one way in which an upload can be malformed.
type Reason struct {
	Name   string // as in "Discarded=malformed_<Name>" and the reason label of the metric
	Status int    // HTTP
	Help   string // what was wrong, for whoever builds the client
}

const (
	noContentType       = "no_content_type"
	wrongContentType    = "wrong_content_type"
	noBoundary          = "no_boundary"
	noContentLength     = "no_content_length"
	unknownEncoding     = "unknown_encoding"
	badGzip             = "bad_gzip"
	badDeflate          = "bad_deflate"
	badZstd             = "bad_zstd"
	invalidStructure    = "invalid_payload_structure"
	invalidJSON         = "invalid_json"
	invalidJSONValue    = "invalid_json_value"
	invalidDumpName     = "invalid_dump_name"
	noAnnotations       = "no_annotations"
	invalidUUID         = "invalid_uuid"
	bodyTooLarge        = "body_too_large"
	inflatedTooLarge    = "inflated_too_large"
	inflateRatio        = "inflate_ratio"
	tooManyParts        = "too_many_parts"
	nameTooLong         = "annotation_name_too_long"
	annotationsTooLarge = "annotations_too_large"
	jsonTooLarge        = "json_too_large"
	bodyTimeout         = "body_timeout"
	noMinidump          = "no_minidump"
)

// Reasons lists every reason, in the order in which they are checked. The
// documentation is made of it.
func Reasons() []Reason {
	return []Reason{
		{noContentType, http.StatusBadRequest, "There is no Content-Type header and the body is not a minidump."},
		{wrongContentType, http.StatusBadRequest, "The Content-Type is neither multipart/form-data nor multipart/mixed, and the body is not a minidump."},
		{noBoundary, http.StatusBadRequest, "The multipart Content-Type has no boundary, or one longer than 200 characters."},
		{noContentLength, http.StatusBadRequest, "The body is empty: Content-Length is missing or 0 and the body is not chunked."},
		{bodyTooLarge, http.StatusRequestEntityTooLarge, "The body has more bytes on the wire than MaxBody."},
		{bodyTimeout, http.StatusRequestTimeout, "The client paused longer than ReadIdle or needed longer than ReadTotal."},
		{unknownEncoding, http.StatusUnsupportedMediaType, "The Content-Encoding is not gzip, deflate, zstd or identity."},
		{badGzip, http.StatusBadRequest, "The body is not valid gzip although Content-Encoding says so."},
		{badDeflate, http.StatusBadRequest, "The body is not valid deflate although Content-Encoding says so."},
		{badZstd, http.StatusBadRequest, "The body is not valid zstd although Content-Encoding says so."},
		{inflatedTooLarge, http.StatusRequestEntityTooLarge, "The decompressed body has more bytes than MaxInflated."},
		{inflateRatio, http.StatusRequestEntityTooLarge, "The body decompresses to an implausible multiple of its size (MaxRatio)."},
		{invalidStructure, http.StatusBadRequest, "The multipart body is cut off or not well-formed: each part ends with CRLF and the boundary, the last boundary with two dashes."},
		{tooManyParts, http.StatusBadRequest, "The body has more parts than MaxParts."},
		{nameTooLong, http.StatusBadRequest, "The name of an annotation is longer than MaxName."},
		{annotationsTooLarge, http.StatusBadRequest, "All annotations together are larger than MaxAnnotations."},
		{jsonTooLarge, http.StatusBadRequest, "The JSON part is larger than MaxText or holds more than 100,000 values."},
		{invalidJSON, http.StatusBadRequest, "A part of type application/json is not valid JSON."},
		{invalidJSONValue, http.StatusBadRequest, "A part of type application/json is not a JSON object."},
		{invalidDumpName, http.StatusBadRequest, "A file is called raw_crash, processed_crash or dump_names, which are reserved."},
		{noAnnotations, http.StatusBadRequest, "There is neither an annotation nor a minidump."},
		{noMinidump, http.StatusOK, "A Sentry envelope has no minidump: a session, a metric or an event of a script. Its client would send it again if it were told no."},
		{invalidUUID, http.StatusBadRequest, "The authenticated client sent a uuid that is not a crash id."},
	}
}

// malformed is an upload that cannot be accepted. It wraps socorro.ErrInvalid.
type malformed struct {
	reason string
	err    error // what exactly was wrong, for the log; may be nil
}

func (m *malformed) Error() string {
	if m.err == nil {
		return "malformed: " + m.reason
	}
	return fmt.Sprintf("malformed: %s: %v", m.reason, m.err)
}

func (m *malformed) Unwrap() []error { return []error{socorro.ErrInvalid, m.err} }

func (m *malformed) status() int {
	for _, r := range Reasons() {
		if r.Name == m.reason {
			return r.Status
		}
	}
	return http.StatusBadRequest
}
