package redisconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options says where Redis is and how to talk to it.
type Options struct {
	// URL is the address, in one of these forms:
	//
	//	redis://[user:password@]host[:6379][/db]
	//	redis-sentinel://[user:password@]host[:26379][,host...]/master[/db]
	//	redis-cluster://[user:password@]host[:6379][,host...]
	//	unix://[user:password@]/path/to/socket
	//
	// With TLS the schemes are rediss, rediss-sentinel and rediss-cluster.
	// Settings of go-redis may follow as a query, such as
	// ?dial_timeout=3s&pool_size=20; sentinels with a password of their own
	// take sentinel_username and sentinel_password there.
	URL string

	// TLS replaces the TLS configuration that the scheme implies, for example
	// for a private certificate authority. Defaults to the system's roots and
	// the host's name.
	TLS *tls.Config

	// RepairSyncer makes the client carry out commands whose context was
	// cancelled before they were sent, which asynq needs and nothing else
	// should have. Defaults to false.
	RepairSyncer bool
}

// ErrURL is the error of an address that cannot be understood, in contrast to
// a server that does not answer.
var ErrURL = errors.New("not an address of Redis")

// Dial connects to Redis and makes sure that it answers. The password stands
// in no error.
func Dial(ctx context.Context, o Options) (redis.UniversalClient, error) {
	u, err := universal(o)
	if err != nil {
		return nil, err
	}
	c := redis.NewUniversalClient(u)
	if o.RepairSyncer {
		c.AddHook(syncerRepair{})
	}
	if err := c.Ping(ctx).Err(); err != nil {
		_ = c.Close() // the ping's error is the one to tell
		return nil, fmt.Errorf("redis at %s does not answer: %w; check that it runs and that REDIS_URL is right",
			strings.Join(u.Addrs, ", "), err)
	}
	return c, nil
}

var secretQuery = regexp.MustCompile(`(?i)([?&][^=&]*(?:pass|user)[^=&]*=)[^&]*`)

// Redacted is the address without user name and password, for logs and errors.
// It keeps its promise for addresses that cannot be parsed as well.
func Redacted(address string) string {
	address = secretQuery.ReplaceAllString(address, "${1}***")
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		scheme, rest = "", address
	} else {
		scheme += "://"
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = "***" + rest[i:]
	}
	return scheme + rest
}

// universal turns an address into go-redis' options.
func universal(o Options) (*redis.UniversalOptions, error) {
	scheme, rest, found := strings.Cut(o.URL, "://")
	if !found {
		return nil, badURL(o.URL, "it has no scheme such as redis://")
	}
	if at := strings.IndexAny(rest, "/?#"); scheme != "unix" && at >= 0 && strings.ContainsRune(rest[at:], '@') {
		return nil, badURL(o.URL, "a password with / ? # or @ in it must be percent-encoded, as in %2F %3F %23 %40")
	}
	u, err := byScheme(scheme, rest)
	if err != nil {
		return nil, badURL(o.URL, err.Error())
	}
	if o.TLS != nil {
		u.TLSConfig = o.TLS
	}
	u.ContextTimeoutEnabled = true
	u.DisableIdentity = true
	u.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return u, nil
}

func badURL(address, why string) error {
	return fmt.Errorf("%w: %s: %s", ErrURL, Redacted(address), why)
}

func byScheme(scheme, rest string) (*redis.UniversalOptions, error) {
	switch scheme {
	case "redis", "rediss", "unix":
		return single(scheme, rest)
	case "redis-sentinel", "rediss-sentinel":
		return sentinel(strings.TrimSuffix(scheme, "-sentinel"), rest)
	case "redis-cluster", "rediss-cluster":
		return cluster(strings.TrimSuffix(scheme, "-cluster"), rest)
	}
	return nil, errors.New("its scheme is none of redis, rediss, unix, redis-sentinel, rediss-sentinel, redis-cluster, rediss-cluster")
}

// single reads the address of one server with go-redis' own parser.
func single(scheme, rest string) (*redis.UniversalOptions, error) {
	o, err := redis.ParseURL(scheme + "://" + rest)
	if err != nil {
		return nil, parseProblem(err)
	}
	u := &redis.UniversalOptions{
		Addrs: []string{o.Addr}, DB: o.DB, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
		Protocol: o.Protocol, ClientName: o.ClientName,
		MaxRetries: o.MaxRetries, MinRetryBackoff: o.MinRetryBackoff, MaxRetryBackoff: o.MaxRetryBackoff,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		PoolFIFO: o.PoolFIFO, PoolSize: o.PoolSize, PoolTimeout: o.PoolTimeout,
		MinIdleConns: o.MinIdleConns, MaxIdleConns: o.MaxIdleConns, MaxActiveConns: o.MaxActiveConns,
		ConnMaxIdleTime: o.ConnMaxIdleTime, ConnMaxLifetime: o.ConnMaxLifetime,
	}
	if scheme == "unix" {
		u.Dialer = func(ctx context.Context, _, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", addr)
		}
	}
	return u, nil
}

// several reads the address of several servers: as that of the first one, but
// with all hosts.
func several(scheme, db string, a address) (*redis.UniversalOptions, error) {
	u, err := single(scheme, a.hosts[0]+"/"+db+"?"+a.query.Encode())
	if err != nil {
		return nil, err
	}
	u.Addrs, u.Username, u.Password, u.TLSConfig = a.hosts, a.user, a.password, perHost(u.TLSConfig)
	return u, nil
}

func sentinel(scheme, rest string) (*redis.UniversalOptions, error) {
	a, err := split(rest, "26379")
	if err != nil {
		return nil, err
	}
	master, db, _ := strings.Cut(strings.Trim(a.path, "/"), "/")
	if master == "" {
		return nil, errors.New("the name of the sentinel's master is missing: redis-sentinel://host:26379/mymaster")
	}
	user, password := a.query.Get("sentinel_username"), a.query.Get("sentinel_password")
	a.query.Del("sentinel_username")
	a.query.Del("sentinel_password")
	u, err := several(scheme, db, a)
	if err != nil {
		return nil, err
	}
	u.MasterName, u.SentinelUsername, u.SentinelPassword = master, user, password
	return u, nil
}

func cluster(scheme, rest string) (*redis.UniversalOptions, error) {
	a, err := split(rest, "6379")
	if err != nil {
		return nil, err
	}
	if p := strings.Trim(a.path, "/"); p != "" && p != "0" {
		return nil, errors.New("a cluster has only the database 0")
	}
	u, err := several(scheme, "", a)
	if err != nil {
		return nil, err
	}
	u.IsClusterMode = true
	return u, nil
}

// perHost drops the server name that the parser took from the first host, so
// that each host's certificate is checked against its own name.
func perHost(c *tls.Config) *tls.Config {
	if c != nil {
		c.ServerName = ""
		c.MinVersion = tls.VersionTLS12
	}
	return c
}

// parseProblem drops the address that net/url puts into its errors, password
// and all.
func parseProblem(err error) error {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return errors.New("it cannot be read as a URL; special characters in user and password must be percent-encoded")
	}
	return err
}

// address is a URL with several hosts, which net/url does not know.
type address struct {
	user, password string
	hosts          []string
	path           string
	query          url.Values
}

// split takes apart what stands after the scheme.
func split(rest, port string) (address, error) {
	a := address{query: url.Values{}}
	authority := rest
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority = rest[:i]
		path, query, _ := strings.Cut(rest[i:], "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return a, errors.New("the part after ? cannot be read")
		}
		a.path, a.query = path, values
	}
	hosts := authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		hosts = authority[i+1:]
		if err := a.login(authority[:i]); err != nil {
			return a, err
		}
	}
	for host := range strings.SplitSeq(hosts, ",") {
		host, err := withPort(strings.TrimSpace(host), port)
		if err != nil {
			return a, err
		}
		a.hosts = append(a.hosts, host)
	}
	return a, nil
}

// login reads user:password.
func (a *address) login(text string) error {
	user, password, _ := strings.Cut(text, ":")
	var err1, err2 error
	a.user, err1 = url.PathUnescape(user)
	a.password, err2 = url.PathUnescape(password)
	if err1 != nil || err2 != nil {
		return errors.New("a % in user or password must be written as %25")
	}
	return nil
}

// withPort adds the port to a host that has none.
func withPort(host, port string) (string, error) {
	if host == "" {
		return "", errors.New("a host is missing")
	}
	if h, p, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(p, 10, 16); err != nil {
			return "", errors.New("a port is not a number")
		}
		return net.JoinHostPort(h, p), nil
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.Contains(bare, ":") && net.ParseIP(bare) == nil {
		return "", errors.New("a host has more than one port")
	}
	return net.JoinHostPort(bare, port), nil
}
