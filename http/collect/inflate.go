package collect

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// inflater decompresses a body while it watches for decompression bombs.
type inflater struct {
	src      io.Reader
	close    func()
	wire     *wire
	reason   string // what malformed data is called
	max      int64
	maxRatio float64

	n     int64 // decompressed bytes
	spent time.Duration
	err   error // sticky
}

// inflate wraps body in a decoder for the Content-Encoding header, or returns
// nil when the body is not compressed. Encodings are matched ignoring case.
func inflate(encoding string, body *wire, cfg Config, pools *bufferPools) (*inflater, error) {
	if cfg.Strict && encoding != "gzip" {
		return nil, nil // whatever it is: Antenna looks for nothing else
	}
	name := strings.ToLower(strings.TrimSpace(encoding))
	// A list such as "gzip, identity" means the same as its only real member.
	var real []string
	for part := range strings.SplitSeq(name, ",") {
		if part = strings.TrimSpace(part); part != "" && part != "identity" {
			real = append(real, part)
		}
	}
	if len(real) == 0 {
		return nil, nil
	}
	if len(real) > 1 {
		return nil, &malformed{unknownEncoding, fmt.Errorf("%.80q compresses more than once", encoding)}
	}
	br := newSource(body, pools)
	in := &inflater{wire: body, max: cfg.MaxInflated, maxRatio: cfg.MaxRatio, close: br.release}
	var err error
	switch real[0] {
	case "gzip", "x-gzip":
		in.reason = badGzip
		in.src, err = newGzipMembers(br, !cfg.Strict)
	case "deflate":
		in.reason = badDeflate
		in.src, err = newDeflate(br)
	case "zstd":
		in.reason = badZstd
		var dec *zstd.Decoder
		dec, err = zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(8<<20)) // RFC 9659: what an HTTP receiver must support, and no more
		if err == nil {
			in.src, in.close = dec, func() { dec.Close(); br.release() }
		}
	default:
		return nil, &malformed{unknownEncoding, fmt.Errorf("%.80q is not gzip, deflate or zstd", encoding)}
	}
	if err != nil {
		in.close()
		return nil, in.explain(err)
	}
	return in, nil
}

func (in *inflater) Read(p []byte) (int, error) {
	if in.err != nil {
		return 0, in.err
	}
	start, waited := time.Now(), in.wire.waited
	n, err := in.src.Read(p)
	in.spent += time.Since(start) - (in.wire.waited - waited)
	in.n += int64(n)
	switch {
	case in.n > in.max:
		in.err = &malformed{inflatedTooLarge, fmt.Errorf("more than %d bytes", in.max)}
	case in.n > ratioFloor && float64(in.n) > in.maxRatio*float64(in.wire.n):
		in.err = &malformed{inflateRatio, fmt.Errorf("%d bytes became more than %d", in.wire.n, in.n)}
	case err == io.EOF:
		in.err = io.EOF
		return n, io.EOF
	case err != nil:
		in.err = in.explain(err)
	default:
		return n, nil
	}
	return 0, in.err
}

// explain tells damaged data from a wire that broke or ran into its limits.
func (in *inflater) explain(err error) error {
	if m, ok := errors.AsType[*malformed](in.wire.err); ok {
		return m
	}
	return &malformed{in.reason, err}
}

// gzipMembers reads one gzip member after another. What follows the last one
// and is no gzip is ignored: some clients pad their bodies.
type gzipMembers struct {
	br  *source
	z   *gzip.Reader
	all bool // not only the first
}

func newGzipMembers(br *source, all bool) (*gzipMembers, error) {
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipMembers{br, z, all}, nil
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if n > 0 || err != io.EOF {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		if magic, _ := g.br.Peek(2); !g.all || string(magic) != "\x1f\x8b" {
			return 0, io.EOF
		}
		if err := g.z.Reset(g.br); err != nil {
			return 0, err
		}
		g.z.Multistream(false)
	}
}

// newDeflate reads what HTTP calls deflate, the zlib format, and what some
// clients send under that name, bare deflate data.
func newDeflate(br *source) (io.Reader, error) {
	head, err := br.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(br)
	}
	return flate.NewReader(br), nil
}
