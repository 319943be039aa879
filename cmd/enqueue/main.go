// Command enqueue puts the rows of spreadsheets on the queue, or carries them
// out itself where there is no Redis, and looks after batches.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a machine without a time zone database, such as a small container, reads --time-zone alike

	"aftership-bulk/internal/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // the first signal asks politely, the second one ends the process at once
	os.Exit(command.Run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
