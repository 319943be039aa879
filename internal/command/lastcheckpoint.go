package command

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"aftership-bulk/export"
	"aftership-bulk/internal/wire"
)

func (c *cli) lastCheckpointCommand() *cobra.Command {
	var f readFlags
	cmd := &cobra.Command{
		Use: "last-checkpoint FILE", Short: "Write the newest event of each shipment of a sheet",
		Long: `Asks AfterShip for the newest event of the tracking that each row names, by id or
by tracking_number and slug, and writes one row for each, in the order of FILE,
with the columns ` + strings.Join(export.AnswerColumns(), ", ") + ` behind it.

Up to version 2024-04 that is one call for each row. Later versions have no such
call: there the event is taken from the tracking, as export does, fifty rows in
a call.

Exit codes: 0 every row is answered; 1 some rows were not found or not answered;
2 usage; 5 AfterShip or Redis cannot be reached, or the key was refused; 6
another run is under way; 130 interrupted, safe to run again.`,
		Example: `  enqueue last-checkpoint shipments.csv
  enqueue last-checkpoint shipments.csv --lang de -o events.xlsx
  enqueue last-checkpoint --sandbox samples/updates.csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error { return c.lastCheckpoint(cmd.Context(), f, files[0]) },
	}
	f.add(c, cmd, "the events")
	cmd.Flags().StringVar(&f.lang, "lang", "", "translate events into this `LANGUAGE`, as de or zh-Hans; one call for each row")
	cmd.Flags().StringVar(&f.slug, "slug", "", "courier of rows that name neither a courier nor an id")
	return cmd
}

func (c *cli) lastCheckpoint(ctx context.Context, f readFlags, file string) error {
	r, err := c.openReadback(ctx, f, "last checkpoint")
	if err != nil {
		return err
	}
	defer r.close()
	return r.exportRows(ctx, file, export.LastCheckpointColumns(wire.Version(c.cfg)), true)
}
