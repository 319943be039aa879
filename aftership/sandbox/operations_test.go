package sandbox

import (
	"testing"

	"aftership-bulk/aftership"
)

func TestLifeInEveryVersion(t *testing.T) {
	for _, v := range aftership.Versions() {
		t.Run(string(v), func(t *testing.T) {
			s, _ := unlimited()
			base := v.BasePath() + "/trackings"
			made := ask(t, s, "POST", base, body(v, `{"tracking_number":"1Z999AA10123456784","title":"Shoes"}`))
			if made.HTTP != 201 || made.Code != 201 || made.one()["slug"] != "ups" || made.one()["active"] != true {
				t.Fatalf("create: %+v", made)
			}
			id := made.one()["id"].(string)
			wantLen := 32
			if v.Wrapped() {
				wantLen = 24
			}
			if len(id) != wantLen {
				t.Errorf("id %q has %d characters, not %d", id, len(id), wantLen)
			}
			for _, step := range []struct {
				method, path, body string
				code               int
			}{
				{"GET", base + "/" + id, "", 200},
				{"PUT", base + "/" + id, body(v, `{"title":"Boots"}`), 200},
				{"POST", base + "/" + id + "/retrack", "", 4013},
				{"POST", base + "/" + id + "/mark-as-completed", `{"reason":"DELIVERED"}`, 200},
				{"POST", base + "/" + id + "/retrack", "", 200},
				{"POST", base, body(v, `{"tracking_number":"1z999aa10123456784","slug":"ups"}`), 4003},
				{"DELETE", base + "/" + id, "", 200},
				{"GET", base + "/" + id, "", 4004},
			} {
				if got := ask(t, s, step.method, step.path, step.body); got.Code != step.code {
					t.Errorf("%s %s: code %d, not %d: %s", step.method, step.path, got.Code, step.code, got.Raw)
				}
			}
		})
	}
}
