package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Headers of a webhook, as the Standard Webhooks specification names them, for which most languages have a library
// (https://www.standardwebhooks.com).
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// userAgent is how requests name themselves.
const userAgent = "aftership-bulk"

// Sign is the signature of a webhook: "v1," and, in base64, HMAC-SHA256 over id.timestamp.body. A secret that begins with whsec_ is base64
// after that; any other is taken as it is.
func Sign(secret, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, secretBytes(secret))
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func secretBytes(secret string) []byte {
	if text, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if key, err := base64.StdEncoding.DecodeString(text); err == nil {
			return key
		}
	}
	return []byte(secret)
}

func (n *Notifier) addWebhook() error {
	if n.opts.WebhookURL == "" {
		return nil
	}
	u, err := n.address(n.opts.WebhookURL)
	if err == nil && n.opts.WebhookSecret == "" {
		err = errors.New("there is no secret to sign with")
	}
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	n.add(Webhook, channel{when: n.opts.WebhookWhen, to: u.Host, send: func(ctx context.Context, m Message) error {
		body, err := json.Marshal(m)
		if err != nil {
			return err
		}
		at := n.opts.Now()
		return n.post(ctx, u, body, http.Header{
			HeaderID:        {m.ID},
			HeaderTimestamp: {strconv.FormatInt(at.Unix(), 10)},
			HeaderSignature: {Sign(n.opts.WebhookSecret, m.ID, at, body)},
		})
	}})
	return nil
}

func (n *Notifier) addSlack() error {
	if n.opts.SlackURL == "" {
		return nil
	}
	u, err := n.address(n.opts.SlackURL)
	if err != nil {
		return fmt.Errorf("Slack: %w", err)
	}
	n.add(Slack, channel{when: n.opts.SlackWhen, to: u.Host, send: func(ctx context.Context, m Message) error {
		body, err := json.Marshal(map[string]string{"text": slackText(m)})
		if err != nil {
			return err
		}
		return n.post(ctx, u, body, nil)
	}})
	return nil
}

// post sends a body and judges the answer.
func (n *Notifier) post(ctx context.Context, u *url.URL, body []byte, header http.Header) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the address can't be used (it is not shown)")
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", userAgent)
	resp, err := n.client.Do(req)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err // the outer one shows the address, which may hold a token
		}
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // what is said there is nothing to us
	return judge(resp)
}

// judge says what an answer means.
func judge(resp *http.Response) error {
	status := resp.StatusCode
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return &Error{Permanent: true, Err: fmt.Errorf("it answered %d, which leads elsewhere: give the address that it ends at", status)}
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		return &Error{Err: fmt.Errorf("it answered %d", status), After: retryAfter(resp)}
	}
	return &Error{Permanent: true, Err: fmt.Errorf("it answered %d: look whether the address, and what it allows, still hold", status)}
}

// longestAfter bounds what another side may ask for.
const longestAfter = time.Hour

func retryAfter(resp *http.Response) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 1<<20))*time.Second, longestAfter)
}
