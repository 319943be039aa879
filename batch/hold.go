package batch

import (
	"context"
	"fmt"
	"strings"
	"time"
)

var (
	scriptHold   = script("hold")
	scriptUnhold = script("unhold")
)

// holdKey is the key of what one job at a time may work on, across batches.
func holdKey(account, what string) string {
	return "aftership:{hold:" + account + "}:" + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(what)
}

// Hold takes a tracking of an account for one owner, for a while at most: no other owner has it meanwhile. It says whether the
// owner has it now; who has it already may take it again.
func (s *Store) Hold(ctx context.Context, account, what, owner string, most time.Duration) (bool, error) {
	ns, err := numbers(scriptHold.Run(ctx, s.rdb, []string{holdKey(account, what)}, owner, most.Milliseconds()))
	if err != nil {
		return false, fmt.Errorf("hold %s of %s: %w", what, account, err)
	}
	return ns[0] == 1, nil
}

// Unhold gives back what the owner holds.
func (s *Store) Unhold(ctx context.Context, account, what, owner string) error {
	if err := scriptUnhold.Run(ctx, s.rdb, []string{holdKey(account, what)}, owner).Err(); err != nil {
		return fmt.Errorf("give back %s of %s: %w", what, account, err)
	}
	return nil
}
