package config_test

import (
	"fmt"
	"os"
	"path/filepath"

	"aftership-bulk/config"
)

func ExampleLoad() {
	dir, err := os.MkdirTemp("", "settings")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "settings.yml")
	text := `
max_attempts: 5
rate_limit: 8
accounts:
  europe: {api_key: asat_1234, rate_limit: 4}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	cfg, err := config.Load(config.Input{Env: []string{"AFTERSHIP_BULK_CONFIG=" + file, "AFTERSHIP_ACCOUNT=europe", "MAX_ATTEMPTS=6"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	europe, err := cfg.AccountNamed("europe")
	fmt.Println(cfg.MaxAttempts, cfg.RateLimit, europe.RateLimit, europe.APIKey, err)
	// Output: 6 8 4 ******** <nil>
}
