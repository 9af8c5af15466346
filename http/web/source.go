package web

import (
	"fmt"
	"net/url"
	"strings"
)

// source is a place in source code, with a link when the file's name tells the repository.
type source struct {
	Short string // the end of the path, with the line
	Full  string
	URL   string
}

const shownPath = 2 // folders are rarely worth more than one

func sourceOf(file string, line int64) source {
	if file == "" {
		return source{}
	}
	s := source{Full: shorten(visible(file), 500), URL: repositoryURL(file, line)}
	path := file
	if part := strings.Split(file, ":"); s.URL != "" {
		path = part[2]
	}
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
	s.Short = strings.Join(parts[max(0, len(parts)-shownPath):], "/")
	if s.Short == "" {
		s.Short = path
	}
	s.Short = shorten(visible(s.Short), 120)
	if line > 0 {
		s.Short += fmt.Sprintf(":%d", line)
		s.Full += fmt.Sprintf(":%d", line)
	}
	return s
}

// repositoryURL understands the file names that build machines write into
// symbols, "git:github.com/rust-lang/rust:library/std/src/rt.rs:5680fa18feaa"
// and "hg:hg.mozilla.org/mozilla-central:xpcom/base/nsDebug.cpp:7ea8...". Names
// are a client's word, so only these two hosts and plain revisions make a link.
func repositoryURL(file string, line int64) string {
	part := strings.Split(file, ":")
	if len(part) != 4 || part[2] == "" || strings.Trim(part[3], "0123456789abcdef") != "" || part[3] == "" {
		return ""
	}
	host, repo, _ := strings.Cut(part[1], "/")
	if repo == "" || strings.Contains(repo+"/"+part[2], "..") {
		return ""
	}
	u := url.URL{Scheme: "https", Host: host}
	switch {
	case part[0] == "git" && host == "github.com":
		u.Path = "/" + repo + "/blob/" + part[3] + "/" + part[2]
		u.Fragment = fmt.Sprintf("L%d", line)
	case part[0] == "hg" && host == "hg.mozilla.org":
		u.Path = "/" + repo + "/file/" + part[3] + "/" + part[2]
		u.Fragment = fmt.Sprintf("l%d", line)
	default:
		return ""
	}
	if line <= 0 {
		u.Fragment = ""
	}
	return u.String()
}
