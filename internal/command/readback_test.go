package command

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/export"
)

// eras are versions of each kind: one shared limit and wrapped bodies, a limit for each endpoint, ids and cursors.
var eras = []aftership.Version{aftership.V4, aftership.V202404, aftership.V202407, aftership.V202507, aftership.V202607}

// desk is a person with a sandbox and a directory.
type desk struct {
	*testing.T
	sandbox *sandbox.Sandbox
	dir     string
	env     []string
	out     string // of the last command
	err     string
}

func newDesk(t *testing.T, v aftership.Version) *desk {
	t.Helper()
	t.Parallel() // the tests mostly wait for the pace of a process that knows no limit yet
	d := &desk{T: t, sandbox: sandbox.New(sandbox.Options{Limit: -1}), dir: t.TempDir()}
	server := httptest.NewServer(d.sandbox)
	t.Cleanup(server.Close)
	d.env = []string{"HOME=" + d.dir, "STATE_DIR=" + d.path("state"), "REPORT_DIR=" + d.path("reports"), "AFTERSHIP_BASE_URL=" + server.URL,
		"AFTERSHIP_API_KEY=" + sandbox.DefaultKey, "AFTERSHIP_API_VERSION=" + string(v), "RATE_LIMIT=1000"}
	return d
}

func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *desk) write(name, text string) string {
	d.Helper()
	if err := os.WriteFile(d.path(name), []byte(text), 0o600); err != nil {
		d.Fatal(err)
	}
	return d.path(name)
}

// do runs a command and checks its exit code.
func (d *desk) do(code int, args ...string) {
	d.Helper()
	d.doIn(d.Context(), code, args...)
}

func (d *desk) doIn(ctx context.Context, code int, args ...string) {
	d.Helper()
	var out, errs bytes.Buffer
	got := Run(ctx, args, d.env, strings.NewReader(""), &out, &errs)
	d.out, d.err = out.String(), errs.String()
	if got != code {
		d.Fatalf("enqueue %s ended with %d, want %d\n%s%s", strings.Join(args, " "), got, code, d.out, d.err)
	}
}

// table reads a CSV as its rows by column.
func (d *desk) table(text string) (rows []map[string]string) {
	d.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(all) == 0 {
		d.Fatalf("%v in %q", err, text)
	}
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = strings.TrimPrefix(cells[i], "'")
		}
		rows = append(rows, row)
	}
	return rows
}

func (d *desk) read(name string) []map[string]string {
	d.Helper()
	text, err := os.ReadFile(d.path(name))
	if err != nil {
		d.Fatal(err)
	}
	return d.table(string(text))
}

func (d *desk) seed(seeds ...sandbox.Seed) {
	d.Helper()
	if err := d.sandbox.Seed(seeds...); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) fault(f sandbox.Fault) {
	d.Helper()
	if _, err := d.sandbox.Fault(f); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) calls(e aftership.Endpoint) (n int) {
	for _, c := range d.sandbox.Calls() {
		if c.Endpoint == e {
			n++
		}
	}
	return n
}

func upsNumber(i int) string { return fmt.Sprintf("1Z999AA1%010d", i) }

// shipments are trackings of many kinds.
func shipments(n int) []sandbox.Seed {
	seeds := make([]sandbox.Seed, n)
	for i := range seeds {
		seeds[i] = sandbox.Seed{Slug: "ups", Number: upsNumber(i), Tag: "InTransit", Created: time.Now().Add(-time.Duration(n-i) * time.Minute), Fields: map[string]any{
			"title": fmt.Sprintf("Order %d", i), "note": "=1+1", "order_id": fmt.Sprintf("00%d", i),
			"customers":     []map[string]string{{"name": "Ann", "email": "ann@shop.example", "phone_number": "+4915112345678"}},
			"custom_fields": map[string]string{"shop": fmt.Sprint(i % 3), "colour": "red"}, "destination_country_region": "DEU",
		}}
	}
	return seeds
}

func eachEra(t *testing.T, test func(*testing.T, *desk, aftership.Version)) {
	t.Parallel() // else the other tests would wait for its parts
	for _, v := range eras {
		t.Run(string(v), func(t *testing.T) { test(t, newDesk(t, v), v) })
	}
}

// What was exported is good input: an update with it changes nothing but what a person changed, and it can be completed.
func TestExportIsGoodInput(t *testing.T) {
	eachEra(t, func(t *testing.T, d *desk, v aftership.Version) {
		d.seed(shipments(30)...)
		for _, name := range []string{"all.csv", "all.xlsx"} {
			d.do(0, "export", "-o", d.path(name))
			before := d.sandbox.Trackings()
			d.do(0, "update", "--yes", d.path(name))
			if n := d.calls(aftership.EndpointUpdate); n != 30 {
				t.Fatalf("%d updates\n%s", n, d.out)
			}
			for i, now := range d.sandbox.Trackings() {
				for _, fields := range []map[string]any{before[i].Fields, now.Fields} {
					delete(fields, "tracking_destination_country") // which the client fills from the address while a version has both
				}
				was, is := fmt.Sprint(before[i].Fields, before[i].Slug, before[i].Tag), fmt.Sprint(now.Fields, now.Slug, now.Tag)
				if was != is {
					t.Fatalf("%s: an update with what was exported changed %s\nwas %s\nis  %s", name, now.Number, was, is)
				}
			}
			d.sandbox.ClearCalls()
		}
		rows := d.read("all.csv")
		if len(rows) != 30 || rows[0]["title"] != "Order 29" || rows[0]["note"] != "=1+1" || rows[0]["order_id"] != "0029" || rows[0]["custom_fields.colour"] != "red" {
			t.Errorf("%d rows, first %v", len(rows), rows[0])
		}
		d.do(0, "mark-complete", "--yes", "--reason", "DELIVERED", d.path("all.csv"))
		d.do(0, "export", "--fields", "id,tag,last_checkpoint_tag", d.path("all.csv"))
		for _, row := range d.table(d.out) {
			if row["tag"] != "Delivered" || row["export_result"] != "found" {
				t.Fatalf("%v", row)
			}
		}
	})
}

// Every row of a file is answered once, in its order, fifty in a call.
func TestExportRows(t *testing.T) {
	eachEra(t, func(t *testing.T, d *desk, v aftership.Version) {
		d.seed(shipments(120)...)
		var text strings.Builder
		text.WriteString("Tracking Number,Carrier,My note\n")
		for i := range 120 {
			fmt.Fprintf(&text, "%s,UPS,row %d\n", upsNumber(119-i), i)
		}
		text.WriteString(upsNumber(5000) + ",ups,missing\n9.40551E+21,ups,damaged\n,,nothing\n")
		d.do(1, "export", d.write("rows.csv", text.String()), "-o", d.path("state.csv"))
		rows := d.read("state.csv")
		if len(rows) != 123 {
			t.Fatalf("%d rows", len(rows))
		}
		for i, row := range rows[:120] {
			if row["tracking_number"] != upsNumber(119-i) || row["export_result"] != "found" || row["export_line"] != fmt.Sprint(i+2) || row["tag"] != "InTransit" {
				t.Fatalf("row %d is %v", i, row)
			}
		}
		for i, want := range []string{"not_found", "invalid", "invalid"} {
			if got := rows[120+i]; got["export_result"] != want || got["export_message"] == "" || got["tag"] != "" {
				t.Errorf("row %d: %v", 120+i, got)
			}
		}
		if n := d.calls(aftership.EndpointList); n != 3 {
			t.Errorf("%d calls of the list", n)
		}
	})
}

// Filters choose, and the window of time is always said.
func TestExportFilters(t *testing.T) {
	eachEra(t, func(t *testing.T, d *desk, v aftership.Version) {
		day := func(n int) time.Time { return time.Now().AddDate(0, 0, -n) }
		d.seed(sandbox.Seed{Slug: "ups", Number: "NEW1234", Created: day(1)}, sandbox.Seed{Slug: "ups", Number: "DONE1234", Tag: "Delivered", Created: day(10), Updated: day(2)},
			sandbox.Seed{Slug: "usps", Number: "OTHER1234", Created: day(30)}, sandbox.Seed{Slug: "ups", Number: "OLD1234", Created: day(130)})
		for args, want := range map[string]string{
			"": "DONE1234 NEW1234 OTHER1234", "--tag Delivered": "DONE1234", "--slug usps": "OTHER1234", "--created-after 7d": "NEW1234",
			"--created-before 7d": "DONE1234 OTHER1234", "--updated-after 50h": "DONE1234 NEW1234", "--keyword other1": "OTHER1234", "--slug ups --tag Pending": "NEW1234",
			"--created-after 2020-01-01": "DONE1234 NEW1234 OTHER1234", "--tag Expired": "",
		} {
			d.do(0, append([]string{"export", "--fields", "tracking_number"}, strings.Fields(args)...)...)
			var got []string
			for _, row := range d.table(d.out) {
				got = append(got, row["tracking_number"])
			}
			slices.Sort(got)
			if strings.Join(got, " ") != want {
				t.Errorf("export %s gives %v, want %s", args, got, want)
			}
			if !strings.Contains(d.err, "created from 20") {
				t.Errorf("export %s does not say its window: %s", args, d.err)
			}
			if strings.Contains(args, "2020") != strings.Contains(d.err, "last 120 days") {
				t.Errorf("export %s: %s", args, d.err)
			}
		}
	})
}

// An export that was interrupted goes on where it was, asks nothing twice, and its file is whole or absent.
func TestExportGoesOn(t *testing.T) {
	eachEra(t, func(t *testing.T, d *desk, v aftership.Version) {
		d.seed(shipments(900)...)
		var rows strings.Builder
		rows.WriteString("id,tracking_number\n")
		for _, s := range d.sandbox.Trackings() {
			rows.WriteString("," + s.Number + "\n")
		}
		d.write("rows.csv", rows.String())
		for _, args := range [][]string{{"export", "-o", d.path("out.csv")}, {"export", d.path("rows.csv"), "-o", d.path("out.csv")}} {
			d.sandbox.ClearCalls()
			d.fault(sandbox.Fault{Kind: sandbox.FaultUnauthorized, Endpoints: []aftership.Endpoint{aftership.EndpointList}, After: 3})
			d.do(5, args...)
			if _, err := os.Stat(d.path("out.csv")); err == nil {
				t.Fatal("half an export has its name")
			}
			if !strings.Contains(d.err, "out.csv.part") {
				t.Errorf("nothing says how to go on: %s", d.err)
			}
			d.sandbox.ClearFaults()
			refused := d.calls(aftership.EndpointList)
			d.do(2, "export", "--tag", "Expired", "-o", d.path("out.csv")) // another export must not go on with it
			d.do(0, args...)
			if !strings.Contains(d.out, "Going on") {
				t.Errorf("%s%s", d.out, d.err)
			}
			got := d.read("out.csv")
			seen := map[string]bool{}
			for _, row := range got {
				seen[row["tracking_number"]] = true
			}
			if len(got) != 900 || len(seen) != 900 {
				t.Errorf("%d rows, %d trackings", len(got), len(seen))
			}
			pages := 5 // of 200
			if len(args) == 4 {
				pages = 18 // of 50
			}
			if n := d.calls(aftership.EndpointList); n != pages+1 || refused != 4 {
				t.Errorf("%d calls of the list, %d before", n, refused)
			}
			if left, _ := filepath.Glob(d.path("out.csv.*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if err := os.Remove(d.path("out.csv")); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A place in the list that AfterShip no longer takes is said, and --restart begins anew.
func TestExportCursorExpired(t *testing.T) {
	d := newDesk(t, aftership.V202507)
	d.seed(shipments(500)...)
	list := []aftership.Endpoint{aftership.EndpointList}
	d.fault(sandbox.Fault{Kind: sandbox.FaultUnauthorized, Endpoints: list, After: 1})
	d.do(5, "export", "-o", d.path("out.csv"))
	d.sandbox.ClearFaults()
	d.fault(sandbox.Fault{Kind: sandbox.FaultRefuse, Code: 400, Endpoints: list, First: 1})
	d.do(2, "export", "-o", d.path("out.csv"))
	if !strings.Contains(d.err, "--restart") {
		t.Error(d.err)
	}
	d.do(0, "export", "--restart", "-o", d.path("out.csv"))
	if n := len(d.read("out.csv")); n != 500 {
		t.Errorf("%d rows", n)
	}
}

// Ctrl-C ends an export with 130, and the same command goes on.
func TestExportInterrupted(t *testing.T) {
	d := newDesk(t, aftership.V202404)
	d.seed(shipments(900)...)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for d.calls(aftership.EndpointList) < 2 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	d.env = append(d.env, "RATE_LIMIT=20")
	d.doIn(ctx, 130, "export", "-o", d.path("out.csv"))
	d.do(0, "export", "-o", d.path("out.csv"))
	if n := len(d.read("out.csv")); n != 900 {
		t.Errorf("%d rows", n)
	}
}

// Faults that pass change nothing but the time.
func TestExportThroughFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range []sandbox.Fault{
		{Kind: sandbox.FaultStatus, Status: 502}, {Kind: sandbox.FaultReset}, {Kind: sandbox.FaultTruncated}, {Kind: sandbox.FaultBurst429, Delay: 10 * time.Millisecond},
	} {
		t.Run(string(fault.Kind), func(t *testing.T) {
			d := newDesk(t, aftership.V202507)
			d.seed(shipments(500)...)
			fault.After, fault.First = 1, 1
			d.fault(fault)
			d.do(0, "export", "-o", d.path("out.csv"))
			if n := len(d.read("out.csv")); n != 500 {
				t.Errorf("%d rows", n)
			}
		})
	}
}

// The newest events of a file's shipments, in every version.
func TestLastCheckpointCommand(t *testing.T) {
	eachEra(t, func(t *testing.T, d *desk, v aftership.Version) {
		d.seed(shipments(3)...)
		file := d.write("rows.csv", "tracking_number,slug\n"+upsNumber(2)+",ups\n"+upsNumber(0)+",ups\n"+upsNumber(7)+",ups\n")
		d.do(1, "last-checkpoint", file)
		rows := d.table(d.out)
		if len(rows) != 3 || rows[0]["tracking_number"] != upsNumber(2) || rows[1]["last_checkpoint_tag"] != "InTransit" || rows[2]["export_result"] != "not_found" {
			t.Errorf("%v", rows)
		}
		d.do(1, "last-checkpoint", "--lang", "de", file)
		if rows := d.table(d.out); !strings.HasPrefix(rows[0]["last_checkpoint_message"], "[de]") {
			t.Errorf("%v", rows)
		}
	})
}

// Dates of deliveries, five in a call, with the rows as they were.
func TestPredictCommand(t *testing.T) {
	eachEra(t, func(t *testing.T, d *desk, v aftership.Version) {
		var text strings.Builder
		text.WriteString("order,slug,origin_country,origin_postal_code,destination_country,destination_postal_code,pickup_time\n")
		for i := range 12 {
			fmt.Fprintf(&text, "00%d,ups,US,10001,Germany,8033%d,2026-11-23 15:00\n", i, i%10)
		}
		text.WriteString("bad,ups,US,,Germany,80331,2026-11-23 15:00\n")
		file := d.write("rows.csv", text.String())
		d.fault(sandbox.Fault{Kind: sandbox.FaultRefuse, Code: 4008, Endpoints: []aftership.Endpoint{aftership.EndpointPredictBatch}, First: 2})
		d.do(1, "predict", file, "-o", d.path("dates.csv"))
		rows := d.read("dates.csv")
		found := 0
		for i, row := range rows {
			if row["predict_result"] == "found" && row["predicted_delivery_date"] != "" {
				found++
			}
			if i < 12 && row["order"] != fmt.Sprintf("00%d", i) {
				t.Errorf("row %d is %v", i, row)
			}
		}
		if len(rows) != 13 || found < 11 || rows[12]["predict_result"] != "invalid" {
			t.Errorf("%d rows, %d found, last %v", len(rows), found, rows[12])
		}
		d.do(1, "predict", d.path("dates.csv")) // a sheet with dates is asked about again
		if rows := d.table(d.out); len(rows[0]) != len(d.read("dates.csv")[0]) {
			t.Errorf("%v", rows[0])
		}
		if err := d.sandbox.Change(func(o *sandbox.Options) { o.PredictForbidden = true }); err != nil {
			t.Fatal(err)
		}
		d.do(5, "predict", file)
		if !strings.Contains(d.err, "403") || !strings.Contains(d.err, "plan") {
			t.Error(d.err)
		}
	})
}

// Couriers are listed with what they require, activated ones first, and a number is recognised.
func TestCouriersCommand(t *testing.T) {
	eachEra(t, func(t *testing.T, d *desk, v aftership.Version) {
		type view struct {
			Couriers []courierView
			Detected []detection
		}
		list := func(args ...string) (v view) {
			d.do(0, append([]string{"couriers", "--json"}, args...)...)
			if err := json.Unmarshal([]byte(d.out), &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		active, all := list().Couriers, list("--all").Couriers
		if len(active) < 100 || len(all) <= len(active) || !active[0].Active || all[len(all)-1].Active || slices.ContainsFunc(active, func(c courierView) bool { return !c.Active }) {
			t.Errorf("%d active, %d in all", len(active), len(all))
		}
		if n := d.calls(aftership.EndpointCouriers) + d.calls(aftership.EndpointCouriersAll); n != 2 {
			t.Errorf("%d calls for two lists: the first is kept", n)
		}
		list("--refresh")
		if n := d.calls(aftership.EndpointCouriers) + d.calls(aftership.EndpointCouriersAll); n != 4 {
			t.Errorf("%d calls after --refresh", n)
		}
		if got := list("--detect", "1Z999AA10123456784").Detected; len(got) != 1 || got[0].Couriers[0].Slug != "ups" {
			t.Errorf("%+v", got)
		}
		d.do(1, "couriers", "--detect", "???")
		d.do(0, "couriers")
		if !strings.Contains(d.out, "NEEDS BESIDE THE NUMBER") {
			t.Error(d.out)
		}
	})
}

// What cannot be is refused before anything is asked.
func TestReadBackUsage(t *testing.T) {
	d := newDesk(t, aftership.V202507)
	file := d.write("rows.csv", "tracking_number\n"+upsNumber(1)+"\n")
	for _, args := range [][]string{
		{"export", "--tag", "Lost"}, {"export", "--fields", "nosuch"}, {"export", "--created-after", "yesterday"}, {"export", "--created-after", "1d", "--created-before", "2d"},
		{"export", file, "--tag", "Delivered"}, {"export", file, "-o", file}, {"export", "--priority", "urgent"}, {"export", "-o", d.path("no/such/out.csv")}, {"export", d.path("missing.csv")},
		{"last-checkpoint"}, {"predict", file}, {"predict", "--pickup-time", "soon", file}, {"couriers", "stray"},
	} {
		d.do(2, args...)
	}
	d.env = slices.DeleteFunc(d.env, func(kv string) bool { return strings.HasPrefix(kv, "AFTERSHIP_API_KEY") })
	for _, command := range []string{"export", "couriers"} {
		d.do(2, command)
		if !strings.Contains(d.err, "AFTERSHIP_API_KEY") {
			t.Error(d.err)
		}
		d.do(0, command, "--sandbox")
	}
	if n := len(d.sandbox.Calls()); n > 0 {
		t.Errorf("%d calls", n)
	}
	d.do(0, "export", "--list-fields")
	if got := strings.Fields(d.out); !slices.Equal(got, export.Columns(aftership.V202507)) {
		t.Error(got)
	}
}

// Programs get a line of JSON for each row, and the end.
func TestExportJSON(t *testing.T) {
	d := newDesk(t, aftership.V202607)
	d.seed(shipments(3)...)
	d.do(0, "export", "--json", "--fields", "id,tracking_number,custom_fields")
	lines := strings.Split(strings.TrimSpace(d.out), "\n")
	var row rowEvent
	if err := json.Unmarshal([]byte(lines[0]), &row); err != nil || len(lines) != 4 || row.Fields["custom_fields.colour"] != "red" || row.Fields["tracking_number"] == "" {
		t.Errorf("%v in %s", err, d.out)
	}
	if !strings.Contains(lines[3], `"exit_code":0`) {
		t.Error(lines[3])
	}
}

func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2026-11-01": "2026-11-01T00:00:00Z", "2026-11-01T08:00:00+01:00": "2026-11-01T07:00:00Z", "2026-11-01 08:00": "2026-11-01T08:00:00Z",
		"7d": "2026-11-15T10:00:00Z", "36h": "2026-11-20T22:00:00Z", "": "", "yesterday": "", "-3d": "", "-1h": "", "d": "", "99999999999d": "",
	} {
		got := ""
		if at, err := parseMoment(text, now); err == nil {
			got = at.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
