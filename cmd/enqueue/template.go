package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"aftership-bulk/batch"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/sheet"
)

// operations are the names by which operations go on the command line.
var operations = map[string]batch.Operation{
	"create": batch.Create, "update": batch.Update, "mark-complete": batch.Complete, "retrack-expired": batch.Retrack,
	"complete": batch.Complete, "retrack": batch.Retrack,
}

func (c *cli) templateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "template OPERATION", Short: "Print an example sheet with every column of an operation",
		Long: `Prints a CSV with every column that the operation can use in the API version of
the settings, and one example row. Only the columns that you need must stand in
your sheet, in any order.`,
		Example:   "  enqueue template create > shipments.csv\n  enqueue template mark-complete",
		ValidArgs: []string{"create", "update", "mark-complete", "retrack-expired"}, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			op, ok := operations[args[0]]
			if !ok {
				return usage(fmt.Errorf("there is no operation %q", args[0]), "use create, update, mark-complete or retrack-expired")
			}
			return c.template(op)
		},
	}
}

func (c *cli) template(op batch.Operation) error {
	header, example := jobs.Template(op, wire.Version(c.cfg))
	w, err := sheet.NewWriter(c.ui.stdout, sheet.WriterOptions{})
	if err != nil {
		return err
	}
	return errors.Join(w.Write(header), w.Write(example), w.Flush())
}
