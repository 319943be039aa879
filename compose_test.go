package aftershipbulk_test

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/config"
)

// compose loads docker-compose.yml as the docker command does, with variables
// as from the shell or .env.
func compose(t *testing.T, env []string, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"docker-compose.yml"}, cli.WithEnv(env), cli.WithProfiles(profiles))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func service(t *testing.T, p *types.Project, name string) types.ServiceConfig {
	t.Helper()
	s, err := p.GetService(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What starts, by profile.
func TestComposeServices(t *testing.T) {
	for profile, want := range map[string][]string{
		"":      {"redis", "worker"},
		"tools": {"enqueue", "redis", "worker"},
		"demo":  {"demo", "demo-worker", "redis", "sandbox", "worker"},
	} {
		names := compose(t, nil, profile).ServiceNames()
		slices.Sort(names)
		if !slices.Equal(names, want) {
			t.Errorf("profile %q starts %v, want %v", profile, names, want)
		}
	}
	worker := service(t, compose(t, nil), "worker")
	if n := worker.GetScale(); n != 2 {
		t.Errorf("%d workers start", n)
	}
	if worker.StopGracePeriod == nil || *worker.StopGracePeriod < types.Duration(45e9) {
		t.Error("a worker may need longer to record its last calls")
	}
	if worker.DependsOn["redis"].Condition != types.ServiceConditionHealthy {
		t.Error("a worker does not wait for Redis")
	}
}

// Redis keeps what it is told, and keeps it compact.
func TestComposeRedis(t *testing.T) {
	redis := service(t, compose(t, nil), "redis")
	line := strings.Join(redis.Command, " ")
	for _, want := range []string{"--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction", "--hash-max-listpack-value 512"} {
		if !strings.Contains(line, want) {
			t.Errorf("redis runs as %q, without %s", line, want)
		}
	}
	if len(redis.Volumes) != 1 || redis.Volumes[0].Target != "/data" || redis.HealthCheck == nil {
		t.Errorf("redis needs a volume at /data and a health check: %+v", redis.Volumes)
	}
	if len(redis.Ports) != 0 {
		t.Error("redis has no password, so it must not be reachable from outside")
	}
	if !strings.Contains(read(t, "README.md"), "--hash-max-listpack-value 512") {
		t.Error("the README starts another Redis than docker-compose.yml")
	}
}

// notForContainers are the settings that a container does not take from the shell:
// they name files and directories, which are other ones inside.
var notForContainers = []string{"AFTERSHIP_BULK_CONFIG", "AFTERSHIP_API_KEY_FILE", "AFTERSHIP_API_SECRET_FILE", "AFTERSHIP_WEBHOOK_SECRET_FILE", "NOTIFY_WEBHOOK_URL_FILE", "NOTIFY_WEBHOOK_SECRET_FILE", "NOTIFY_SLACK_URL_FILE", "NOTIFY_MAIL_PASSWORD_FILE", "REDIS_URL", "REPORT_DIR", "UPDATES_DIR", "STATE_DIR", "INBOX_DIR"}

// Every variable is a setting, and every setting reaches the programs.
func TestComposeEnvironment(t *testing.T) {
	var known, shell []string
	for _, s := range config.Settings() {
		if s.Env != "" {
			known = append(known, s.Env)
			if !slices.Contains(notForContainers, s.Env) {
				shell = append(shell, s.Env)
			}
		}
	}
	var env []string
	for _, name := range shell {
		env = append(env, name+"=set-"+name)
	}
	p := compose(t, env, "demo", "tools")
	for name, s := range p.Services {
		for variable := range s.Environment {
			if !slices.Contains(known, variable) {
				t.Errorf("%s sets %s, which is no setting", name, variable)
			}
		}
	}
	for _, name := range []string{"worker", "enqueue"} {
		s := service(t, p, name)
		for _, variable := range shell {
			if v := s.Environment[variable]; v == nil || *v != "set-"+variable {
				t.Errorf("%s does not get %s from the shell or .env", name, variable)
			}
		}
	}
	for _, v := range service(t, p, "demo-worker").Environment {
		if v == nil || strings.HasPrefix(*v, "set-") {
			t.Error("the demo takes something from the real account")
		}
	}
	if env := service(t, compose(t, nil), "worker").Environment; len(env.Resolve(func(string) (string, bool) { return "", false }).RemoveEmpty()) != 1 {
		t.Errorf("what is not set must stay unset: %v", env)
	}
}

// The demo, as compose would start it: the real programs with the containers'
// commands and variables, on this machine instead of in containers.
func TestComposeDemo(t *testing.T) {
	t.Parallel()
	p := compose(t, []string{"AFTERSHIP_API_KEY=asat_real", "AFTERSHIP_BASE_URL=http://127.0.0.1:1"}, "demo")
	w := newWorld(t)
	w.withRedis()
	box := w.start(containerCommand(t, service(t, p, "sandbox"), "0.0.0.0:8321", "127.0.0.1:0"))
	box.says(t, "/_sandbox/")
	address, _, _ := strings.Cut(box.said.String(), "\n")
	w.host(p, "demo-worker", address)
	w.start(containerCommand(t, service(t, p, "demo-worker")))
	demo := service(t, p, "demo")
	w.host(p, "demo", address)
	r := w.must(1, containerCommand(t, demo, "/samples", filepath.Join(w.clone, "samples")))
	for _, text := range []string{"17 created", "2 already so", "2 rejected", "3 invalid"} {
		if !strings.Contains(r.stdout, text) {
			t.Errorf("the demo does not say %q: %s", text, r)
		}
	}
	if !strings.Contains(w.must(0, "enqueue batches").stdout, "  demo  ") {
		t.Error("the demo's batch is not of the account demo")
	}
	if !slices.ContainsFunc(demo.Volumes, func(v types.ServiceVolumeConfig) bool {
		return v.Target == "/samples" && filepath.Base(v.Source) == "samples"
	}) {
		t.Error("the demo has no /samples")
	}
	for _, dependency := range []string{"redis", "sandbox", "demo-worker"} {
		if _, ok := demo.DependsOn[dependency]; !ok {
			t.Errorf("`docker compose run demo` does not start %s", dependency)
		}
	}
}

// host gives the world the variables of a service, with this machine's addresses.
func (w *world) host(p *types.Project, name, sandboxAddress string) {
	w.Helper()
	redis := w.env["REDIS_URL"]
	for variable, value := range service(w.T, p, name).Environment {
		if value == nil {
			w.Fatalf("%s: %s has no value", name, variable)
		}
		w.env[variable] = *value
	}
	if w.env["REDIS_URL"] != "redis://redis:6379/0" || w.env["AFTERSHIP_BASE_URL"] != "http://sandbox:8321" || w.env["AFTERSHIP_API_KEY"] != sandbox.DefaultKey {
		w.Errorf("%s: %v", name, w.env)
	}
	w.env["REDIS_URL"], w.env["AFTERSHIP_BASE_URL"] = redis, sandboxAddress
}

// containerCommand is what runs in a container of the service, with replacements.
func containerCommand(t *testing.T, s types.ServiceConfig, replace ...string) string {
	t.Helper()
	entry := s.Entrypoint
	if len(entry) == 0 {
		found := regexp.MustCompile(`(?m)^ENTRYPOINT \["(.*)"\]$`).FindStringSubmatch(read(t, "Dockerfile"))
		entry = found[1:]
	}
	line := strings.TrimPrefix(strings.Join(append(slices.Clone(entry), s.Command...), " "), "/bin/")
	return strings.NewReplacer(replace...).Replace(line)
}

// checkComposeCommand checks a docker compose command of the documentation
// against docker-compose.yml, as there may be no Docker to run it.
func checkComposeCommand(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)[2:]
	var profiles []string
	if words[0] == "--profile" {
		profiles, words = words[1:2], words[2:]
	}
	p := compose(t, nil, "demo", "tools")
	verb, words := words[0], words[1:]
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		if words[0] == "-v" {
			words = words[1:]
		}
		words = words[1:]
	}
	for _, profile := range profiles {
		if !slices.ContainsFunc(p.ServiceNames(), func(s string) bool { return slices.Contains(p.Services[s].Profiles, profile) }) {
			t.Errorf("no service has the profile %s", profile)
		}
	}
	switch verb {
	case "up", "stop":
		for _, name := range words {
			service(t, p, name)
		}
	case "run":
		checkComposeRun(t, p, words)
	case "cp":
		from, path, _ := strings.Cut(words[0], ":")
		if s := service(t, p, from); !slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == path }) {
			t.Errorf("%s has nothing at %s", from, path)
		}
	default:
		t.Errorf("no test knows docker compose %s", verb)
	}
}

// The commands in the file's own comment are as good as the README's.
func TestComposeComment(t *testing.T) {
	for _, line := range regexp.MustCompile(`(?m)^#   (docker compose .*)$`).FindAllStringSubmatch(read(t, "docker-compose.yml"), -1) {
		checkComposeCommand(t, line[1])
	}
}

// checkComposeRun checks that what is run is a program's command.
func checkComposeRun(t *testing.T, p *types.Project, words []string) {
	t.Helper()
	s := service(t, p, words[0])
	if len(words) > 1 {
		s.Command = words[1:]
	}
	w := newWorld(t)
	help := strings.Fields(containerCommand(t, s))
	w.must(0, strings.Join(help[:2], " ")+" --help")
	for _, word := range help[2:] {
		if sample, ok := strings.CutPrefix(word, "/samples/"); ok {
			read(t, filepath.Join("samples", sample))
		}
	}
}

// The image holds nothing but the programs, which run as nobody in particular.
func TestDockerfile(t *testing.T) {
	build, image, ok := strings.Cut(read(t, "Dockerfile"), "\nFROM scratch\n")
	if !ok || strings.Contains(image, "\nFROM ") {
		t.Fatal("the image's base is not empty")
	}
	if !strings.Contains(build, "CGO_ENABLED=0 go build") {
		t.Error("the programs are not static")
	}
	user := regexp.MustCompile(`(?m)^USER (\d+):(\d+)$`).FindStringSubmatch(image)
	if user == nil || user[1] == "0" || user[2] == "0" {
		t.Errorf("the user is %v, want numbers that are not root's", user)
	}
	if !strings.Contains(image, "--chown="+user[1]+":"+user[2]+" /out/own/ /") {
		t.Error("what the programs write does not belong to the user")
	}
	for _, dir := range []string{"data/reports", "data/state", "tmp"} {
		if !strings.Contains(build, "/out/own/"+dir) {
			t.Errorf("the image has no /%s, which the programs write to", dir)
		}
	}
	var known []string
	for _, s := range config.Settings() {
		known = append(known, s.Env)
	}
	for _, env := range regexp.MustCompile(`([A-Z_]+)=/`).FindAllStringSubmatch(image, -1) {
		if !slices.Contains(known, env[1]) {
			t.Errorf("ENV %s is no setting", env[1])
		}
	}
	version := regexp.MustCompile(`FROM golang:(\S+)`).FindStringSubmatch(build)
	if !strings.Contains(read(t, "go.mod"), "\ngo "+version[1]) {
		t.Errorf("the image is built with Go %s, which is not that of go.mod", version[1])
	}
}
