package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Paths of the server.
const (
	PathWebhooks = "/webhooks/aftership" // POST: AfterShip
	PathHealth   = "/healthz"            // the process lives
	PathReady    = "/readyz"             // the process does its work
	PathMetrics  = "/metrics"            // Prometheus
)

// Options say what a server offers.
type Options struct {
	// Accounts are those whose webhooks are taken. Without any, the path of the
	// webhooks is not there.
	Accounts []WebhookAccount
	// Updates takes the webhooks' events.
	Updates Taker
	// Ready says why the process does not do its work just now; nil while it does.
	Ready func(context.Context) error
	// Metrics are what is shown.
	Metrics *Metrics
	// Log takes the server's log. Defaults to [slog.Default].
	Log *slog.Logger
}

// Server is a listening server.
type Server struct {
	http   *http.Server
	listen net.Listener
	log    *slog.Logger
	going  *atomic.Bool
	done   chan struct{}
}

// readyTime is how long the question whether Redis answers may take.
const readyTime = time.Second

// Listen starts a server on an address. It returns when the port is open.
func Listen(addr string, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	listen, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on HTTP_ADDR: %w", err)
	}
	s := &Server{listen: listen, log: o.Log, going: &atomic.Bool{}, done: make(chan struct{})}
	s.http = &http.Server{
		Handler:           handler(o, s.going),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	go s.serve()
	return s, nil
}

func (s *Server) serve() {
	defer close(s.done)
	if err := s.http.Serve(s.listen); !errors.Is(err, http.ErrServerClosed) {
		s.log.Error("the server for webhooks and metrics ended", "error", err)
	}
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.listen.Addr().String() }

// GoDown makes /readyz say that the process goes down, so that nothing new is sent
// to it. What comes is still answered.
func (s *Server) GoDown() { s.going.Store(true) }

// Shutdown lets the answers under way end, and closes the port.
func (s *Server) Shutdown(ctx context.Context) error {
	s.GoDown()
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	<-s.done
	return err
}

func handler(o Options, going *atomic.Bool) http.Handler {
	mux := http.NewServeMux()
	if len(o.Accounts) > 0 {
		mux.Handle("POST "+PathWebhooks, &webhooks{accounts: o.Accounts, updates: o.Updates, metrics: o.Metrics, log: o.Log, room: make(chan struct{}, mostAtOnce)})
	}
	mux.HandleFunc("GET "+PathHealth, func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET "+PathReady, func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context(), o, going); err != nil {
			say(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		say(w, http.StatusOK, "ready")
	})
	mux.Handle("GET "+PathMetrics, o.Metrics.handler())
	return mux
}

var errGoingDown = errors.New("going down")

func ready(ctx context.Context, o Options, going *atomic.Bool) error {
	if going.Load() {
		return errGoingDown
	}
	if o.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	return o.Ready(ctx)
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // whoever asked may be gone
}
