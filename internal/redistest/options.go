package redistest

import "fmt"

type settings struct {
	lines   []string
	dir     string
	port    int
	cluster bool
	env     []string
}

// Option changes the configuration of a private server.
type Option func(*settings)

// AppendOnly switches the append-only file on; fsync is "always", "everysec"
// or "no". With "always" a killed and restarted server has every write that it
// answered. Defaults to off.
func AppendOnly(fsync string) Option {
	return func(s *settings) {
		s.lines = append(s.lines, "appendonly yes", "appendfsync "+fsync)
	}
}

// MaxMemory limits the server's memory, with the policy that refuses writes
// instead of evicting keys. Defaults to no limit.
func MaxMemory(bytes int64) Option {
	return func(s *settings) {
		s.lines = append(s.lines, fmt.Sprintf("maxmemory %d", bytes), "maxmemory-policy noeviction")
	}
}

// Config adds lines to the server's configuration file, as redis.conf has them.
func Config(lines ...string) Option {
	return func(s *settings) { s.lines = append(s.lines, lines...) }
}

// Dir keeps the server's files in dir. Defaults to a directory of the test's
// own, or in Start to a temporary one that Stop removes.
func Dir(dir string) Option {
	return func(s *settings) { s.dir = dir }
}

// Port fixes the port. Defaults to a free one.
func Port(port int) Option {
	return func(s *settings) { s.port = port }
}

// Env adds variables to the server's environment, as NAME=VALUE. Defaults to none.
func Env(vars ...string) Option {
	return func(s *settings) { s.env = append(s.env, vars...) }
}

func clusterMode(s *settings) { s.cluster = true }
