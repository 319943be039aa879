package sandbox

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"aftership-bulk/aftership"
)

//go:embed couriers.txt
var courierText string

// requiredText is what GET /couriers of 2022-11-10 said about extra fields, in the names of that time.
//
//go:embed required-fields-2022-11.json
var requiredText []byte

// courier is one of the couriers that the sandbox knows.
type courier struct {
	slug, name, other  string
	retired            bool
	Required, Optional []string // in the names up to 2024-10
}

var (
	couriers        = map[string]*courier{}
	courierSlugs    []string // sorted
	defaultInactive []string
)

func init() {
	extra := map[string]*courier{}
	if err := json.Unmarshal(requiredText, &extra); err != nil {
		panic("sandbox: required-fields-2022-11.json: " + err.Error()) // part of the program
	}
	for line := range strings.Lines(courierText) {
		parts := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") || len(parts) < 2 {
			continue
		}
		c := or(extra[parts[0]], &courier{})
		c.slug, c.name = parts[0], parts[1]
		for _, part := range parts[2:] {
			c.more(part)
		}
		couriers[c.slug] = c
		courierSlugs = append(courierSlugs, c.slug)
	}
	slices.Sort(courierSlugs)
}

// more takes a mark or the other names.
func (c *courier) more(part string) {
	switch part {
	case "!retired":
		c.retired = true
	case "!inactive":
		defaultInactive = append(defaultInactive, c.slug)
	default:
		c.other = part
	}
}

// extraNames holds the renames of the courier's extra fields after 2024-10.
var extraNames = map[string]struct{ in202501, since202504 string }{
	"tracking_postal_code":         {"tracking_postal_code", "destination_postal_code"},
	"tracking_state":               {"tracking_state", "destination_state"},
	"tracking_origin_country":      {"tracking_origin_country_region", "origin_country_region"},
	"tracking_destination_country": {"tracking_destination_country_region", "destination_country_region"},
}

// extraName is the name of a courier's extra field in a version.
func extraName(name string, v aftership.Version) string {
	names, renamed := extraNames[name]
	switch {
	case !renamed || v.Before(aftership.V202501):
		return name
	case v == aftership.V202501:
		return names.in202501
	}
	return names.since202504
}

func extraNamesOf(names []string, v aftership.Version) []string {
	renamed := make([]string, len(names))
	for i, name := range names {
		renamed[i] = extraName(name, v)
	}
	return renamed
}

// kept is the name under which a tracking keeps an extra field that came in a version.
func kept(name string, v aftership.Version) string {
	if v.Before(aftership.V202504) {
		return name
	}
	return extraName(name, v)
}

// missing lists the fields that the courier requires and the content lacks, in the version's names.
func (c *courier) missing(of *content, v aftership.Version) []string {
	var names []string
	for _, name := range c.Required {
		if of.texts.get(kept(name, v)) == "" {
			names = append(names, extraName(name, v))
		}
	}
	return names
}

// render writes the courier as GET /couriers and detect do.
func (c *courier) render(v aftership.Version) []byte {
	o := newObject()
	o.str("slug", c.slug)
	o.str("name", c.name)
	o.opt("phone", "")
	o.opt("other_name", c.other)
	o.str("web_url", "https://example.com/"+c.slug)
	o.list("required_fields", extraNamesOf(c.Required, v))
	o.list("optional_fields", extraNamesOf(c.Optional, v))
	o.str("default_language", "en")
	o.list("support_languages", []string{"en"})
	if v.Before(aftership.V202501) {
		o.list("service_from_country_iso3", nil)
	} else {
		o.list("service_from_country_regions", nil)
	}
	if v.AtLeast(aftership.V202504) {
		o.raw("credentials", []byte(`{"fields":[]}`))
	}
	return o.end()
}

// renderCouriers writes a list of couriers as data.
func renderCouriers(slugs []string, v aftership.Version) []byte {
	items := make([][]byte, len(slugs))
	for i, slug := range slugs {
		items[i] = couriers[slug].render(v)
	}
	o := newObject()
	o.num("total", len(slugs))
	o.raw("couriers", arrayOf(items))
	return o.end()
}

// patterns say which couriers a number looks like, the most likely first.
var patterns = []struct {
	form  *regexp.Regexp
	slugs []string
}{
	{regexp.MustCompile(`^1Z[0-9A-Z]{16}$`), []string{"ups"}},
	{regexp.MustCompile(`^(9[1-5]\d{20}|420\d{27,31}|82\d{8})$`), []string{"usps"}},
	{regexp.MustCompile(`^[A-Z]{2}\d{9}US$`), []string{"usps"}},
	{regexp.MustCompile(`^[A-Z]{2}\d{9}GB$`), []string{"royal-mail", "parcel-force"}},
	{regexp.MustCompile(`^[A-Z]{2}\d{9}CN$`), []string{"china-post", "china-ems"}},
	{regexp.MustCompile(`^[A-Z]{2}\d{9}JP$`), []string{"japan-post"}},
	{regexp.MustCompile(`^[A-Z]{2}\d{9}DE$`), []string{"deutsch-post"}},
	{regexp.MustCompile(`^[A-Z]{2}\d{9}NL$`), []string{"postnl-international"}},
	{regexp.MustCompile(`^[A-Z]{2}\d{9}AU$`), []string{"australia-post"}},
	{regexp.MustCompile(`^[A-Z]{2}\d{9}SG$`), []string{"singapore-post"}},
	{regexp.MustCompile(`^[A-Z]{2}\d{9}HK$`), []string{"hong-kong-post"}},
	{regexp.MustCompile(`^\d{12}$|^\d{15}$`), []string{"fedex"}},
	{regexp.MustCompile(`^\d{10}$`), []string{"dhl"}},
	{regexp.MustCompile(`^(JJD|JVGL)\d{10,20}$|^00340\d{15}$`), []string{"dhl-germany", "dhl"}},
	{regexp.MustCompile(`^\d{14}$`), []string{"dpd", "dpd-uk"}},
	{regexp.MustCompile(`^\d{11}$`), []string{"gls"}},
	{regexp.MustCompile(`^3S[0-9A-Z]{9,13}$`), []string{"postnl-3s"}},
	{regexp.MustCompile(`^JNET\d{8,12}$`), []string{"j-net"}},
	{regexp.MustCompile(`^JD[A-Z]{1,2}\d{9,15}$`), []string{"jd-worldwide"}},
	{regexp.MustCompile(`^SF\d{12,13}$`), []string{"sf-express"}},
	{regexp.MustCompile(`^YT\d{16}$`), []string{"yunexpress"}},
	{regexp.MustCompile(`^LP\d{14}$`), []string{"cainiao"}},
	{regexp.MustCompile(`^TBA\d{12}$`), []string{"amazon"}},
	{regexp.MustCompile(`^4PX\d{13}CN$`), []string{"4px"}},
	{regexp.MustCompile(`^C\d{14}$`), []string{"ontrac"}},
	{regexp.MustCompile(`^ZT\d{12}$`), []string{"zto-express"}},
}

// lookLike lists the couriers whose numbers look like this one, retired ones left out.
func lookLike(number string) []string {
	number = strings.ToUpper(number)
	var slugs []string
	for _, p := range patterns {
		if p.form.MatchString(number) {
			slugs = append(slugs, p.slugs...)
		}
	}
	return slugs
}

// hasForm reports whether the sandbox knows what a courier's numbers look like.
func hasForm(slug string) bool {
	for _, p := range patterns {
		if slices.Contains(p.slugs, slug) {
			return true
		}
	}
	return false
}

// inGroup reports whether a courier belongs to a group such as fedex-group.
func inGroup(slug, group string) bool {
	base := strings.TrimSuffix(group, "-group")
	return slug == base || strings.HasPrefix(slug, base+"-")
}

// isGroup reports whether there is such a group.
func isGroup(group string) bool {
	base, ok := strings.CutSuffix(group, "-group")
	return ok && couriers[base] != nil
}
