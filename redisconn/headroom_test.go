package redisconn_test

import (
	"testing"

	"aftership-bulk/internal/redistest"
	"aftership-bulk/redisconn"
)

func TestHeadRoom(t *testing.T) {
	const most = 64 << 20
	if room, err := redisconn.HeadRoom(t.Context(), redistest.Client(t, redistest.MaxMemory(most))); room <= 0 || room >= most || err != nil {
		t.Errorf("of %d bytes: %d, %v", most, room, err)
	}
	if room, err := redisconn.HeadRoom(t.Context(), redistest.Client(t, redistest.MaxMemory(1))); room != 1 || err != nil {
		t.Errorf("a full server: %d, %v", room, err)
	}
	if room, err := redisconn.HeadRoom(t.Context(), redistest.Client(t)); room != 0 || err != nil {
		t.Errorf("without a bound: %d, %v", room, err)
	}
}
