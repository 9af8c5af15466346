package system

import (
	"context"

	"socorro"
	"socorro/http/api"
	"socorro/siglists"
	"socorro/signature"
	"socorro/storage/sqlite"
)

// signedIndex lists crashes, and keeps beside each what its signature was made
// of, for `socorro siglists try`.
type signedIndex struct{ *sqlite.Index }

// Save lists a crash. One of which nothing can be packed is listed without: the
// lab then reads the crash itself, and says what is wrong with it.
func (x signedIndex) Save(ctx context.Context, raw *socorro.RawCrash, p *socorro.ProcessedCrash) error {
	var packed []byte
	if crash, err := signature.FromProcessed(p); err == nil {
		packed, _ = signature.Pack(crash)
	}
	return x.SaveSigning(ctx, raw, p, packed)
}

// generator makes the signatures of the server: today's rules, its lists.
func (c *Serve) generator() (*signature.Generator, error) {
	if c.SigLists == "" {
		return signature.New(nil), nil
	}
	lists, err := siglists.Load(c.SigLists)
	if err != nil {
		return nil, err
	}
	return signature.New(lists), nil
}

// signer answers the API's requests for signatures.
func signer(g *signature.Generator) func([]byte) (api.SignedCrash, error) {
	return func(text []byte) (api.SignedCrash, error) {
		crash := &signature.CrashData{}
		if err := crash.UnmarshalJSON(text); err != nil {
			return api.SignedCrash{}, err
		}
		r := g.Generate(crash)
		signed := api.SignedCrash{Signature: r.Signature, Notes: r.Notes, Extra: map[string]any{}}
		if r.HasProto {
			signed.Extra["proto_signature"] = r.ProtoSignature
		}
		return signed, nil
	}
}
