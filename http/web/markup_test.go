package web

import (
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/gofiber/fiber/v2"
)

func (a answer) wants(t *testing.T, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(a.body, p) {
			t.Errorf("the page lacks %q; it is %d bytes and begins %.200q", p, len(a.body), a.body)
		}
	}
}

func (a answer) lacks(t *testing.T, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if p != "" && strings.Contains(a.body, p) {
			t.Errorf("the page contains %q", p)
		}
	}
}

// checkPage reads a page strictly: our templates are well-formed XML, which is
// more than HTML asks, so that the standard library can judge them.
func checkPage(t *testing.T, app *fiber.App, a answer) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(a.body))
	d.Entity = xml.HTMLEntity
	ids := map[string]bool{}
	var links, wanted []string
	title, depth := "", []string{}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			at := d.InputOffset()
			t.Fatalf("not well-formed: %v, at ...%s", err, a.body[max(0, at-200):min(at+20, int64(len(a.body)))])
		}
		switch e := tok.(type) {
		case xml.StartElement:
			depth = append(depth, e.Name.Local)
			l, w := checkElement(t, e, ids)
			links, wanted = append(links, l...), append(wanted, w...)
		case xml.EndElement:
			depth = depth[:len(depth)-1]
		case xml.CharData:
			if len(depth) > 0 && depth[len(depth)-1] == "title" {
				title += string(e)
			}
			checkText(t, string(e))
		}
	}
	if strings.TrimSpace(title) == "" {
		t.Error("the page has no title")
	}
	for _, id := range wanted {
		if !ids[id] {
			t.Errorf("a link or button points at #%s, which is not on the page", id)
		}
	}
	checkLinks(t, app, links)
}

// checkElement returns the addresses and the ids that e refers to.
func checkElement(t *testing.T, e xml.StartElement, ids map[string]bool) (links, wanted []string) {
	t.Helper()
	attr := map[string]string{}
	for _, a := range e.Attr {
		name := a.Name.Local
		if _, twice := attr[name]; twice {
			t.Errorf("<%s> has %s twice", e.Name.Local, name)
		}
		attr[name] = a.Value
		if strings.HasPrefix(name, "on") || name == "style" || name == "srcdoc" {
			t.Errorf("<%s> has the attribute %s, which the policy forbids", e.Name.Local, name)
		}
		if name != "value" { // what a form sends back stays as it is
			checkText(t, a.Value)
		}
	}
	if id, ok := attr["id"]; ok {
		if ids[id] || id == "" {
			t.Errorf("the id %q is empty or used twice", id)
		}
		ids[id] = true
	}
	switch e.Name.Local {
	case "script":
		if !strings.HasPrefix(attr["src"], "/static/") {
			t.Errorf("a script from %q", attr["src"])
		}
	case "img", "iframe", "object", "embed", "base", "style":
		t.Errorf("<%s> has no business here", e.Name.Local)
	case "th":
		if attr["scope"] == "" {
			t.Error("a <th> has no scope")
		}
	case "button":
		if attr["type"] == "" {
			t.Error("a <button> has no type")
		}
	}
	for _, name := range []string{"href", "src", "action", "data-events"} {
		if v := attr[name]; strings.HasPrefix(v, "#") {
			wanted = append(wanted, v[1:])
		} else if v != "" {
			links = append(links, v)
		}
	}
	for _, name := range []string{"data-copy", "data-filter", "data-copy-stack", "data-open-all", "data-template"} {
		if v := strings.TrimPrefix(attr[name], "#"); v != "" {
			wanted = append(wanted, v)
		}
	}
	return links, wanted
}

func checkText(t *testing.T, s string) {
	t.Helper()
	for _, r := range s {
		if unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) && r != '\n' && r != '\t' {
			t.Errorf("the character U+%04X is on the page as it is, in %.80q", r, s)
			return
		}
	}
}

// checkLinks wants each address to be one of our routes, or source code at one
// of the two hosts that we link to.
func checkLinks(t *testing.T, app *fiber.App, links []string) {
	t.Helper()
	var routes []string
	for _, r := range app.GetRoutes(true) {
		if r.Method == fiber.MethodGet {
			routes = append(routes, r.Path)
		}
	}
	for _, l := range links {
		u, err := url.Parse(l)
		if err != nil {
			t.Errorf("the link %.200q: %v", l, err)
			continue
		}
		if u.Host == "github.com" || u.Host == "hg.mozilla.org" {
			continue
		}
		if u.Scheme != "" || u.Host != "" || !resolves(routes, u.Path) {
			t.Errorf("the link %.200q leads nowhere", l)
		}
	}
}

func resolves(routes []string, path string) bool {
	for _, r := range routes {
		if before, _, param := strings.Cut(r, ":"); r == path || param && strings.HasPrefix(path, before) && len(path) > len(before) {
			return true
		}
	}
	return false
}
