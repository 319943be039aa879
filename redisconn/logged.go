package redisconn

import (
	"fmt"
	"os"
	"strings"
)

// Logged lists the batches that have a log in the state directory, also those
// of which the ledger knows nothing any more. Without a state directory there
// are none.
func (e *Embedded) Logged() ([]string, error) {
	l := e.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logs == nil {
		return nil, nil
	}
	files, err := os.ReadDir(l.logs.dir)
	if err != nil {
		return nil, fmt.Errorf("list the ledger's logs: %w", err)
	}
	var ids []string
	for _, file := range files {
		if id, ok := strings.CutSuffix(file.Name(), logSuffix); ok && fileName(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
