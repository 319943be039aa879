package sandbox

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// BenchmarkCreateHandler is a create without a network.
func BenchmarkCreateHandler(b *testing.B) {
	s := New(Options{Limit: -1, LogSize: 1000})
	for n := 0; b.Loop(); n++ {
		r := httptest.NewRequest("POST", "/tracking/2024-04/trackings", strings.NewReader(benchBody(n)))
		r.Header.Set("as-api-key", DefaultKey)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 201 {
			b.Fatal(w.Body.String())
		}
	}
}

// BenchmarkLoopback is creates over real connections, from a client that is as cheap as can be; req/s is the figure.
func BenchmarkLoopback(b *testing.B) {
	server := httptest.NewServer(New(Options{Limit: -1, LogSize: 1000}))
	defer server.Close()
	var next atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		replies := bufio.NewReader(conn)
		for pb.Next() {
			text := benchBody(int(next.Add(1)))
			if _, err := fmt.Fprintf(conn, "POST /tracking/2024-04/trackings HTTP/1.1\r\nHost: sandbox\r\nAs-Api-Key: %s\r\nContent-Length: %d\r\n\r\n%s", DefaultKey, len(text), text); err != nil {
				b.Error(err)
				return
			}
			if err := skipReply(replies); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

// skipReply reads over a reply and checks its status.
func skipReply(r *bufio.Reader) error {
	status, err := r.ReadString('\n')
	if err != nil || !strings.Contains(status, " 201 ") {
		return fmt.Errorf("status %q: %w", status, err)
	}
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if line == "\r\n" {
			break
		}
		if value, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return err
}

// BenchmarkLoopbackHTTPClient is the same with net/http on both sides, which costs the client as much as the server.
func BenchmarkLoopbackHTTPClient(b *testing.B) {
	server := httptest.NewServer(New(Options{Limit: -1, LogSize: 1000}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var next atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, _ := http.NewRequest("POST", server.URL+"/tracking/2024-04/trackings", strings.NewReader(benchBody(int(next.Add(1)))))
			req.Header.Set("as-api-key", DefaultKey)
			res, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

func benchBody(n int) string {
	return fmt.Sprintf(`{"tracking":{"tracking_number":"1Z%016d","slug":"ups","title":"Order %d","order_id":"%d","emails":["a%d@example.com"],"destination_country_iso3":"USA"}}`, n, n, n, n)
}
