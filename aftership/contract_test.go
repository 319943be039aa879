package aftership_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
)

// These tests run the client against the sandbox, which reads and writes the wire format on its own.

func against(t *testing.T, v aftership.Version, o sandbox.Options, more ...func(*aftership.Options)) (*aftership.Client, *sandbox.Sandbox) {
	t.Helper()
	o.Limit = -1
	s := sandbox.New(o)
	server := httptest.NewServer(s)
	transport := &http.Transport{}
	options := aftership.Options{BaseURL: server.URL, APIKey: sandbox.DefaultKey, Version: v, HTTP: &http.Client{Transport: transport}}
	for _, change := range more {
		change(&options)
	}
	c, err := aftership.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return c, s
}

// settings are the switches that change what a reply looks like, or what a request may be.
var settings = map[string]sandbox.Options{
	"defaults":           {},
	"4003 in tracking":   {Shape4003: sandbox.Shape4003Tracking},
	"4003 without id":    {Shape4003: sandbox.Shape4003None, NoDate4003: true},
	"extra value":        {ExtraValueWrap: true},
	"strict":             {UnknownFields400: true, NeedContentType: true, SlugPathNeedsFields: true},
	"marked once":        {MarkTwice400: true, RetrackLimit: 1, RetrackKeepsTag: true},
	"letters kept":       {Case: sandbox.CaseKeep, ExtraInKey: true, CursorAbsent: true},
	"unrecognized, gone": {Unrecognized: true, OldGone: true, AnySlugCollides: true},
}

func eachSetting(t *testing.T, test func(t *testing.T, v aftership.Version, o sandbox.Options)) {
	for _, v := range aftership.Versions() {
		for name, o := range settings {
			t.Run(fmt.Sprintf("%s/%s", v, name), func(t *testing.T) { test(t, v, o) })
		}
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// The life of a tracking, in every version and under every switch.
func TestLifeOfATracking(t *testing.T) {
	eachSetting(t, func(t *testing.T, v aftership.Version, o sandbox.Options) {
		c, _ := against(t, v, o)
		ctx, ok := t.Context(), must[aftership.Reply](t)
		row := aftership.Shipment{TrackingNumber: "1Z999AA10123456784", Slug: "ups", Title: "first", Emails: aftership.List{"a@x.example"}}
		made := ok(c.Create(ctx, row)).Tracking
		checkAgain(t, c, row, made.ID, o.Shape4003)
		for _, ref := range refsOf(v, made) {
			if got := ok(c.Update(ctx, ref, aftership.Shipment{Title: "second"})).Tracking; got.Title != "second" {
				t.Errorf("update: %+v", got)
			}
			if got := ok(c.Get(ctx, ref, aftership.GetOptions{})).Tracking; got.Title != "second" || !got.Active || got.ID != made.ID {
				t.Errorf("get: %+v", got)
			}
		}
		ref := aftership.Ref{ID: made.ID}
		checkCode(t, second(c.Retrack(ctx, ref)), aftership.CodeStillActive)
		ok(c.Complete(ctx, ref, aftership.Completion{Reason: aftership.ReasonDelivered}))
		if got := ok(c.Get(ctx, ref, aftership.GetOptions{})).Tracking; got.Tag != aftership.TagDelivered || got.Active {
			t.Errorf("completed: %+v", got)
		}
		ok(c.Retrack(ctx, ref))
		ok(c.Delete(ctx, ref))
		checkCode(t, second(c.Delete(ctx, ref)), aftership.CodeNotFound)
	})
}

func second[T any](_ T, err error) error { return err }

func refsOf(v aftership.Version, tr aftership.Tracking) []aftership.Ref {
	refs := []aftership.Ref{{ID: tr.ID}}
	if v.SlugPaths() {
		refs = append(refs, aftership.Ref{Slug: tr.Slug, TrackingNumber: tr.TrackingNumber})
	}
	return refs
}

func checkCode(t *testing.T, err error, code int) {
	t.Helper()
	if e, ok := errors.AsType[*aftership.Error](err); !ok || e.Code != code || !e.JSON {
		t.Errorf("got %v, want code %d", err, code)
	}
}

// checkAgain creates what is there already. Up to 2024-04 the reply always names it.
func checkAgain(t *testing.T, c *aftership.Client, row aftership.Shipment, id string, shape sandbox.Shape4003) {
	t.Helper()
	_, err := c.Create(t.Context(), row)
	e, ok := errors.AsType[*aftership.Error](err)
	if !ok || !e.Exists() {
		t.Fatalf("created twice: %v", err)
	}
	named := shape != sandbox.Shape4003None || c.Version().Wrapped()
	if (e.Existing != nil) != named || named && e.Existing.ID != id {
		t.Errorf("existing: %+v, want %s", e.Existing, id)
	}
	found, err := c.Lookup(t.Context(), []aftership.Ref{{Slug: row.Slug, TrackingNumber: row.TrackingNumber}})
	if err != nil || found[0].Match != aftership.MatchFound || found[0].Tracking.ID != id {
		t.Errorf("look-up: %+v, %v", found, err)
	}
}

// Every field that this package says a version takes must be known to a server that refuses what it does not know.
func TestEveryFieldIsKnownToTheServer(t *testing.T) {
	for _, v := range aftership.Versions() {
		c, _ := against(t, v, sandbox.Options{UnknownFields400: true})
		made := must[aftership.Reply](t)(c.Create(t.Context(), aftership.Shipment{TrackingNumber: "BASE12345", Slug: "ups"}))
		for _, f := range aftership.Fields() {
			row := aftership.Shipment{TrackingNumber: "N-" + strings.ReplaceAll(f.Name, "_", "-"), Slug: "ups"}
			if f.Name == "slug_group" {
				row.Slug = ""
			}
			fill(&row, f)
			if v.Accepts(f.Name, aftership.EndpointCreate) {
				if _, err := c.Create(t.Context(), row); err != nil && f.Name != "slug_group" {
					t.Errorf("%s: create with %s: %v", v, f.Name, err)
				}
			}
			if v.Accepts(f.Name, aftership.EndpointUpdate) && !f.Key {
				if _, err := c.Update(t.Context(), aftership.Ref{ID: made.Tracking.ID}, row); err != nil {
					t.Errorf("%s: update with %s: %v", v, f.Name, err)
				}
			}
		}
	}
}

func fill(row *aftership.Shipment, f aftership.Field) {
	row.Set(strings.Replace(f.Name, "custom_fields", "custom_fields.colour", 1), f.Example)
	if strings.HasPrefix(f.Name, "last_mile_") {
		row.LastMileSlug, row.LastMileTrackingNumber = "usps", "9400111899223197428490"
	}
}

func TestListAgainstTheServer(t *testing.T) {
	for _, v := range aftership.Versions() {
		for _, absent := range []bool{false, true} {
			c, s := against(t, v, sandbox.Options{CursorAbsent: absent})
			seedMany(t, s, 45)
			seen := map[string]bool{}
			for tr, err := range c.List(t.Context(), aftership.Filter{PageSize: 10, Tag: aftership.TagExpired}) {
				if err != nil {
					t.Fatal(v, err)
				}
				seen[tr.ID] = true
			}
			if len(seen) != 45 {
				t.Errorf("%s: %d of 45 trackings", v, len(seen))
			}
		}
	}
}

func seedMany(t *testing.T, s *sandbox.Sandbox, n int) {
	t.Helper()
	for i := range n {
		seed := sandbox.Seed{Number: fmt.Sprintf("EXP%05d", i), Slug: "ups", Tag: "Expired", Inactive: true, Created: time.Now().Add(-time.Duration(i) * time.Hour)}
		if err := s.Seed(seed, sandbox.Seed{Number: fmt.Sprintf("NEW%05d", i), Slug: "ups"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServicesAgainstTheServer(t *testing.T) {
	for _, v := range aftership.Versions() {
		c, _ := against(t, v, sandbox.Options{ExtraValueWrap: true})
		ctx, ok := t.Context(), must[[]aftership.Courier](t)
		active, all := ok(c.Couriers(ctx)), ok(c.AllCouriers(ctx))
		if len(active) == 0 || len(all) < len(active) {
			t.Errorf("%s: %d active couriers of %d", v, len(active), len(all))
		}
		ok(c.Detect(ctx, aftership.Shipment{TrackingNumber: "1Z999AA10123456784"}))
		if v.Has(aftership.EndpointLastCheckpoint) {
			made := must[aftership.Reply](t)(c.Create(ctx, aftership.Shipment{TrackingNumber: "1Z999AA10123456784", Slug: "ups"}))
			got := must[aftership.LastCheckpointReply](t)(c.LastCheckpoint(ctx, aftership.Ref{ID: made.Tracking.ID}, aftership.GetOptions{}))
			if got.TrackingNumber != "1Z999AA10123456784" {
				t.Errorf("%s: last checkpoint: %+v", v, got)
			}
		}
	}
}

func TestSignedAgainstTheServer(t *testing.T) {
	const secret = "asaes_secret_0000"
	signer, err := aftership.AES(secret)
	if err != nil {
		t.Fatal(err)
	}
	key := sandbox.Key{Name: "signed", Value: sandbox.DefaultKey, Signing: sandbox.SigningAES, Secret: secret}
	for _, v := range aftership.Versions() {
		c, _ := against(t, v, sandbox.Options{Keys: []sandbox.Key{key}}, func(o *aftership.Options) { o.Signer = signer })
		must[aftership.Reply](t)(c.Create(t.Context(), aftership.Shipment{TrackingNumber: "1Z999AA10123456784", Slug: "ups", Title: "é & <b>"}))
		for _, err := range c.List(t.Context(), aftership.Filter{Keyword: "two words"}) {
			if err != nil {
				t.Error(v, err)
			}
		}
		unsigned, _ := against(t, v, sandbox.Options{Keys: []sandbox.Key{key}})
		checkCode(t, second(unsigned.Get(t.Context(), aftership.Ref{ID: "x"}, aftership.GetOptions{})), aftership.CodeUnauthorized)
	}
}
