package aftershipbulk_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/robfig/cron/v3"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"aftership-bulk/config"
	"aftership-bulk/internal/command"
	"aftership-bulk/slots"
	"aftership-bulk/web"
)

// enqueueLine checks a command line of an example with enqueue's own flags.
func enqueueLine(t *testing.T, where string, words []string) {
	t.Helper()
	if filepath.Base(words[0]) != "enqueue" {
		t.Errorf("%s: %q is not enqueue", where, words[0])
	} else if err := command.CheckArgs(words[1:]); err != nil {
		t.Errorf("%s: %v", where, err)
	}
}

var assignment = regexp.MustCompile(`^[A-Z_]+=\S+$`)

func TestExampleCrontab(t *testing.T) {
	jobs := 0
	for n, line := range strings.Split(read(t, "examples/cron/crontab"), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0, strings.HasPrefix(line, "#"), assignment.MatchString(line):
			continue
		case len(fields) < 7:
			t.Errorf("line %d is no line of a crontab: %s", n+1, line)
			continue
		}
		jobs++
		if _, err := cron.ParseStandard(strings.Join(fields[:5], " ")); err != nil {
			t.Errorf("line %d: %v", n+1, err)
		}
		if strings.ContainsAny(line, `%"'\`) {
			t.Errorf("line %d has what cron or the shell reads in its own way: %s", n+1, line)
		}
		enqueueLine(t, "crontab", fields[5:])
	}
	if jobs < 3 {
		t.Errorf("there are %d lines", jobs)
	}
}

// The schedules of the documentation are what the programs take.
func TestDocumentedSchedules(t *testing.T) {
	block := regexp.MustCompile(`(?s)\n    # settings.yml\n(.*?)\n\n`).FindStringSubmatch(read(t, "docs/automation.md"))
	if block == nil {
		t.Fatal("docs/automation.md shows no settings.yml")
	}
	path := filepath.Join(t.TempDir(), "settings.yml")
	text := strings.ReplaceAll("\n"+block[1], "\n    ", "\n") + "\naccounts: {europe: {api_key: k}}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Input{Env: []string{"AFTERSHIP_BULK_CONFIG=" + path}, Command: command.CheckArgs})
	if err != nil || len(cfg.Schedules) != 4 || cfg.Schedules[2].Account != "europe" || cfg.Schedules[3].Enabled {
		t.Errorf("%+v %v", cfg.Schedules, err)
	}
}

// kinds are the types of the objects in the Kubernetes examples.
var kinds = map[string]func() any{
	"ConfigMap":  func() any { return &corev1.ConfigMap{} },
	"Deployment": func() any { return &appsv1.Deployment{} },
	"CronJob":    func() any { return &batchv1.CronJob{} },
}

// objects decodes the objects of a file, each field of which Kubernetes must know.
func objects(t *testing.T, path string) (all []any) {
	t.Helper()
	for _, text := range regexp.MustCompile(`(?m)^---$`).Split(read(t, path), -1) {
		var head struct{ Kind, APIVersion string }
		if err := yaml.Unmarshal([]byte(text), &head); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		make, known := kinds[head.Kind]
		if !known {
			t.Fatalf("%s: the test does not know the kind %q", path, head.Kind)
		}
		object := make()
		if err := decodeStrict([]byte(text), object); err != nil {
			t.Fatalf("%s: %s: %v", path, head.Kind, err)
		}
		all = append(all, object)
	}
	return all
}

// decodeStrict decodes an object as strictly as Kubernetes does: every field is
// known, by its name in upper and lower case.
func decodeStrict(text []byte, object any) error {
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		return err
	}
	var given, understood any
	back, err := yaml.Marshal(object)
	if err := errors.Join(err, yaml.Unmarshal(text, &given), yaml.Unmarshal(back, &understood)); err != nil {
		return err
	}
	return sameFields("", given, understood)
}

// sameFields looks whether what was given was understood by its own name.
func sameFields(path string, given, understood any) error {
	switch given := given.(type) {
	case map[string]any:
		known, _ := understood.(map[string]any)
		for key, value := range given {
			if _, ok := known[key]; !ok {
				return fmt.Errorf("%s.%s is no field", path, key)
			}
			if err := sameFields(path+"."+key, value, known[key]); err != nil {
				return err
			}
		}
	case []any:
		known, _ := understood.([]any)
		for i, value := range given {
			if i >= len(known) {
				return fmt.Errorf("%s[%d] was lost", path, i)
			}
			if err := sameFields(fmt.Sprintf("%s[%d]", path, i), value, known[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestExampleKubernetesWorker(t *testing.T) {
	all := objects(t, "examples/kubernetes/worker.yml")
	if len(all) != 2 {
		t.Fatalf("%d objects", len(all))
	}
	settings := all[0].(*corev1.ConfigMap)
	path := filepath.Join(t.TempDir(), "settings.yml")
	if err := os.WriteFile(path, []byte(settings.Data["settings.yml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Input{Env: []string{"AFTERSHIP_BULK_CONFIG=" + path}, Command: command.CheckArgs})
	if err != nil || len(cfg.Schedules) != 2 || cfg.RedisURL.Value() == "" {
		t.Fatalf("%+v %v", cfg, err)
	}
	d := all[1].(*appsv1.Deployment)
	pod := d.Spec.Template.Spec
	worker := pod.Containers[0]
	if d.APIVersion != "apps/v1" || !matches(d.Spec.Selector.MatchLabels, d.Spec.Template.Labels) || *pod.TerminationGracePeriodSeconds < 50 {
		t.Errorf("%+v", d)
	}
	if worker.LivenessProbe.HTTPGet.Path != web.PathHealth || worker.ReadinessProbe.HTTPGet.Path != web.PathReady || !strings.HasSuffix(cfg.HTTPAddr, ":8080") || worker.Ports[0].ContainerPort != 8080 {
		t.Errorf("the probes ask for what is not there: %+v", worker)
	}
	mounted(t, pod)
	for _, v := range pod.Volumes {
		if v.ConfigMap != nil && v.ConfigMap.Name != settings.Name {
			t.Errorf("%s is mounted, and the settings are %s", v.ConfigMap.Name, settings.Name)
		}
	}
}

func matches(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}

// mounted looks whether what is mounted is there, and what the environment and the
// arguments name is mounted.
func mounted(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	c := pod.Containers[0]
	var paths []string
	for _, m := range c.VolumeMounts {
		paths = append(paths, m.MountPath+"/")
		if !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) {
			t.Errorf("%s mounts %s, which is not there", c.Name, m.Name)
		}
	}
	named := slices.Clone(c.Args)
	for _, v := range c.Env {
		named = append(named, v.Value)
	}
	for _, name := range named {
		if strings.HasPrefix(name, "/") && !slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(name+"/", p) }) {
			t.Errorf("%s names %s, which is not mounted", c.Name, name)
		}
	}
}

func TestExampleKubernetesCronJob(t *testing.T) {
	all := objects(t, "examples/kubernetes/cronjob.yml")
	job := all[0].(*batchv1.CronJob)
	pod := job.Spec.JobTemplate.Spec.Template.Spec
	c := pod.Containers[0]
	if _, err := slots.Parse(job.Spec.Schedule, *job.Spec.TimeZone); err != nil {
		t.Error(err)
	}
	enqueueLine(t, "cronjob.yml", append(slices.Clone(c.Command), c.Args...))
	mounted(t, pod)
	policy := job.Spec.JobTemplate.Spec.PodFailurePolicy.Rules[0].OnExitCodes
	if job.APIVersion != "batch/v1" || job.Spec.ConcurrencyPolicy != batchv1.ForbidConcurrent || pod.RestartPolicy != corev1.RestartPolicyNever || *policy.ContainerName != c.Name {
		t.Errorf("%+v", job)
	}
}

// A field that is misspelt, and a flag that is not there, are found.
func TestExamplesAreReallyChecked(t *testing.T) {
	for _, text := range []string{"kind: CronJob\nspec: {timezone: UTC}", "kind: Deployment\nspec: {replica: 2}"} {
		if err := decodeStrict([]byte(text), &batchv1.CronJob{}); err == nil {
			t.Errorf("%s passes", text)
		}
	}
	if command.CheckArgs([]string{"create", "--qiet", "f.csv"}) == nil {
		t.Error("a wrong flag passes")
	}
}
