package web

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"socorro"

	"github.com/gofiber/fiber/v2"
)

const (
	pageSize       = 50
	lastPage       = 200_000 // keeps the offset far from overflow
	longestQuery   = 4_000   // characters of a signature in a URL
	signatureLimit = 200
)

type crashesBody struct {
	Signature, Contains, Product string
	Days                         int
	Products                     []string
	Rows                         []socorro.CrashSummary
	Total, Page, Pages           int
	First, Last                  int // of the rows on this page, from 1
	Prev, Next, End              string
	AnySignature, AnyProduct     string // this list without that filter
}

func (p *Pages) crashes(ctx context.Context, c *fiber.Ctx) error {
	b, err := readFilter(c)
	if err != nil {
		return err
	}
	f := socorro.CrashFilter{
		Product:           b.Product,
		Signature:         b.Signature,
		SignatureContains: b.Contains,
		Since:             since(p.cfg.Now(), b.Days),
	}
	if b.Total, err = p.deps.Index.Count(ctx, f); err != nil {
		return fmt.Errorf("web: count crashes: %w", err)
	}
	f.Limit, f.Offset = pageSize, (b.Page-1)*pageSize
	if b.Rows, err = p.deps.Index.Recent(ctx, f); err != nil {
		return fmt.Errorf("web: list crashes: %w", err)
	}
	if b.Products, err = p.deps.Index.Products(ctx, f.Since); err != nil {
		return fmt.Errorf("web: list products: %w", err)
	}
	b.paginate()
	title := "Crashes"
	if s := b.Signature + b.Contains; s != "" {
		title = "Crashes in " + shorten(visible(s), 80)
	}
	return p.render(c, fiber.StatusOK, "crashes", view{
		Title: title, Nav: "crashes", Query: b.Contains, Live: b.Page == 1, Body: b,
	})
}

// readFilter takes signature (exactly), contains, product, days and page.
func readFilter(c *fiber.Ctx) (crashesBody, error) {
	b := crashesBody{
		Signature: strings.Clone(c.Query("signature")),
		Contains:  strings.Clone(strings.TrimSpace(strings.Map(typed, c.Query("contains")))),
		Product:   strings.Clone(c.Query("product")),
		Page:      1,
	}
	if n := max(len(b.Signature), len(b.Contains), len(b.Product)); n > longestQuery {
		return b, fmt.Errorf("web: a filter of %d bytes is too long, at most %d: %w", n, longestQuery, socorro.ErrInvalid)
	}
	var err error
	if b.Page, err = number(c, "page", 1, lastPage, 1); err != nil {
		return b, err
	}
	b.Days, err = number(c, "days", 0, 3650, 0)
	return b, err
}

// typed drops what nobody types and no form can send back.
func typed(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

// sendable tells whether a form brings s back as it is: HTML has no way to
// write control characters, which a hostile client may put into a product's name.
func sendable(s string) bool { return utf8.ValidString(s) && strings.Map(typed, s) == s }

func number(c *fiber.Ctx, name string, low, high, def int) (int, error) {
	text := c.Query(name)
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("web: the parameter %s=%.40q is not a number from %d to %s: %w", name, text, low, grouped(high), socorro.ErrInvalid)
	}
	return n, nil
}

func (b *crashesBody) paginate() {
	b.Pages = max(1, (b.Total+pageSize-1)/pageSize)
	if len(b.Rows) > 0 {
		b.First = (b.Page-1)*pageSize + 1
		b.Last = b.First + len(b.Rows) - 1
	}
	if b.Page > 1 {
		b.Prev = b.url(min(b.Page-1, b.Pages))
	}
	if b.Page < b.Pages {
		b.Next = b.url(b.Page + 1)
	}
	b.End = b.url(b.Pages)
	rest := *b
	rest.Signature, rest.Contains = "", ""
	b.AnySignature = rest.url(1)
	rest = *b
	rest.Product = ""
	b.AnyProduct = rest.url(1)
}

func (b *crashesBody) url(page int) string {
	pg, days := "", ""
	if page > 1 {
		pg = strconv.Itoa(page)
	}
	if b.Days > 0 {
		days = strconv.Itoa(b.Days)
	}
	return "/crashes/" + query("signature", b.Signature, "contains", b.Contains, "product", b.Product, "days", days, "page", pg)
}

type signaturesBody struct {
	Days   int
	Limit  int
	Spans  []spanLink
	Top    []topRow
	Capped bool
}

type spanLink struct {
	Days    int
	Text    string
	Current bool
}

func (p *Pages) signatures(ctx context.Context, c *fiber.Ctx) error {
	days, err := number(c, "days", 1, 3650, homeDays)
	if err != nil {
		return err
	}
	top, err := p.deps.Index.Signatures(ctx, since(p.cfg.Now(), days), signatureLimit)
	if err != nil {
		return fmt.Errorf("web: signatures: %w", err)
	}
	b := signaturesBody{Days: days, Limit: signatureLimit, Top: rank(top), Capped: len(top) >= signatureLimit}
	for _, s := range []spanLink{{1, "24 hours", false}, {7, "7 days", false}, {30, "30 days", false}, {365, "1 year", false}} {
		s.Current = s.Days == days
		b.Spans = append(b.Spans, s)
	}
	return p.render(c, fiber.StatusOK, "signatures", view{Title: "Signatures", Nav: "signatures", Live: true, Body: b})
}

// signature keeps Socorro's address of a signature alive.
func (p *Pages) signature(_ context.Context, c *fiber.Ctx) error {
	s := c.Query("signature")
	if s == "" {
		return fmt.Errorf("web: the signature parameter is missing: %w", socorro.ErrInvalid)
	}
	return c.Redirect(crashesURL(s, "", 0), fiber.StatusFound)
}

// quickSearch opens the report of a crash id, and looks for anything else in signatures.
func (p *Pages) quickSearch(_ context.Context, c *fiber.Ctx) error {
	q := strings.TrimSpace(c.Query("query"))
	if id, err := socorro.ParseCrashID(q); err == nil {
		return c.Redirect("/report/index/"+string(id), fiber.StatusFound)
	}
	return c.Redirect("/crashes/"+query("contains", q), fiber.StatusFound)
}
