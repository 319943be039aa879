// Package config reads the settings: flags go before the environment, the
// environment before a YAML file, the file before the defaults. It checks every
// value, remembers where it came from, and keeps secrets out of everything that
// is printed. It connects to nothing, and it never looks at the process itself:
// flags and environment are handed to [Load].
package config
