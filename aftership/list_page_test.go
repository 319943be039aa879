package aftership

import (
	"net/http"
	"slices"
	"testing"
)

// A list that is read page by page, each place taken from the page before, is the list.
func TestListPage(t *testing.T) {
	for version, pages := range map[Version][]string{
		V202404: {`{"page":1,"limit":2,"count":3,"trackings":[{"id":"a"},{"id":"b"}]}`, `{"page":2,"limit":2,"count":3,"trackings":[{"id":"c"}]}`},
		V202507: {`{"pagination":{"total":3,"next_cursor":"x","has_next_page":true},"trackings":[{"id":"a"},{"id":"b"}]}`, `{"pagination":{"total":3,"next_cursor":"","has_next_page":false},"trackings":[{"id":"c"}]}`},
	} {
		var asked []string
		c, mux := setup(t, version)
		mux.HandleFunc("/trackings", func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			at := q.Get("cursor") + q.Get("page")
			asked = append(asked, at)
			data := pages[0]
			if at == "x" || at == "2" {
				data = pages[1]
			}
			reply(w, http.StatusOK, `{"meta":{"code":200},"data":`+data+`}`)
		})
		var ids []string
		var at Place
		for more := true; more; {
			p, err := c.ListPage(t.Context(), Filter{PageSize: 2}, at)
			if err != nil {
				t.Fatal(version, err)
			}
			if p.Total != 3 {
				t.Errorf("%s: total %d", version, p.Total)
			}
			for _, tr := range p.Trackings {
				ids = append(ids, tr.ID)
			}
			at, more = p.Next, p.More
		}
		if !slices.Equal(ids, []string{"a", "b", "c"}) || len(asked) != 2 {
			t.Errorf("%s: %v, asked %v", version, ids, asked)
		}
	}
}
