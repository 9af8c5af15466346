package web

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"socorro"

	"github.com/gofiber/fiber/v2"
)

//go:embed static
var staticFiles embed.FS

// asset is a static file; its URL carries a hash of its bytes, so that browsers
// keep it for ever and still see the next version at once.
type asset struct {
	data []byte
	mime string
	hash string
}

func loadAssets() map[string]asset {
	mimes := map[string]string{
		".css": "text/css; charset=utf-8",
		".js":  "text/javascript; charset=utf-8",
		".svg": "image/svg+xml",
	}
	out := map[string]asset{}
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // the folder is inside the program
	}
	for _, e := range entries {
		data, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(data)
		out[e.Name()] = asset{data, mimes[path.Ext(e.Name())], hex.EncodeToString(sum[:6])}
	}
	return out
}

func (p *Pages) assetURL(name string) (string, error) {
	a, ok := p.assets[name]
	if !ok {
		return "", fmt.Errorf("web: static file %s: %w", name, socorro.ErrNotFound)
	}
	return "/static/" + name + "?v=" + a.hash, nil
}

func (p *Pages) static(_ context.Context, c *fiber.Ctx) error {
	a, ok := p.assets[c.Params("name")]
	if !ok {
		return fmt.Errorf("web: static file: %w", socorro.ErrNotFound)
	}
	etag := `"` + a.hash + `"`
	c.Set(fiber.HeaderETag, etag)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderCacheControl, "public, max-age=60")
	if c.Query("v") == a.hash {
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	}
	if strings.Contains(c.Get(fiber.HeaderIfNoneMatch), etag) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, a.mime)
	return c.Send(a.data)
}

func (p *Pages) favicon(_ context.Context, c *fiber.Ctx) error {
	to, err := p.assetURL("favicon.svg")
	if err != nil {
		return err
	}
	return c.Redirect(to, fiber.StatusFound)
}

// Crash reports are nobody's search results.
func (p *Pages) robots(_ context.Context, c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	return c.SendString("User-agent: *\nDisallow: /\n")
}
