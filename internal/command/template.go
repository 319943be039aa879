package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/report"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/book"
)

// operations are the names by which operations go on the command line.
var operations = map[string]batch.Operation{
	"create": batch.Create, "update": batch.Update, "mark-complete": batch.Complete, "retrack-expired": batch.Retrack,
	"complete": batch.Complete, "retrack": batch.Retrack, "delete": batch.Delete, "sync": batch.Sync,
}

// operationNames lists the operations as the commands are called.
func operationNames() []string {
	var names []string
	for _, op := range batch.AllOperations() {
		names = append(names, commandOf(op))
	}
	return names
}

func noOperation(name string) error {
	return usage(fmt.Errorf("there is no operation %q", name), "use one of "+strings.Join(operationNames(), ", "))
}

func (c *cli) templateCommand() *cobra.Command {
	var workbook bool
	var out string
	cmd := &cobra.Command{
		Use: "template OPERATION", Short: "Print an example sheet with every column of an operation",
		Long: `Prints a CSV with every column that the operation can use in the API version of
the settings, and one example row, which an import leaves out. Only the columns that you need must stand in
your sheet, in any order.

With --xlsx it is an Excel workbook to fill in: cells that keep long numbers and
leading zeros, notes on the header, lists to choose from. Write over the example
row or delete it.`,
		Example: "  enqueue template create > shipments.csv\n  enqueue template mark-complete\n" +
			"  enqueue template create --xlsx -o shipments.xlsx",
		ValidArgs: operationNames(), Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, ok := operations[args[0]]; !ok {
				return noOperation(args[0])
			}
			return c.template(args[0], workbook, out)
		},
	}
	cmd.Flags().BoolVar(&workbook, "xlsx", false, "make an Excel workbook to fill in")
	cmd.Flags().StringVarP(&out, "output", "o", "-", "write it to this new `FILE`; - is stdout")
	return cmd
}

// template writes the template of an operation where it is wanted.
func (c *cli) template(operation string, workbook bool, out string) error {
	named := report.FormatOf(out) == report.XLSX
	switch {
	case workbook && out != "-" && !named:
		return usage(fmt.Errorf("%s is no name of a workbook", out), "end the name in .xlsx, or leave out --xlsx")
	case (workbook || named) && out == "-" && isTerminal(c.ui.stdout):
		return usage(errors.New("a workbook can't be shown in a terminal"), "name a file: -o "+operation+".xlsx")
	}
	var text bytes.Buffer
	write := c.plainTemplate
	if workbook || named {
		write = c.formTemplate
	}
	if err := write(&text, operation); err != nil {
		return err
	}
	if out == "-" {
		_, err := text.WriteTo(c.ui.stdout)
		return err
	}
	return newFile(out, text.Bytes())
}

// newFile writes a file that must not be there: it may be a template that was filled in.
func newFile(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return usage(fmt.Errorf("%s is there already", path), "name a new file, or remove that one")
	}
	if err != nil {
		return usage(fmt.Errorf("can't write the template: %w", err), "choose another place with -o")
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

func (c *cli) plainTemplate(out io.Writer, operation string) error {
	header, example := jobs.Template(operations[operation], wire.Version(c.cfg))
	w, err := sheet.NewWriter(out, sheet.WriterOptions{})
	if err != nil {
		return err
	}
	return errors.Join(w.Write(header), w.Write(example), w.Flush())
}

func (c *cli) formTemplate(out io.Writer, operation string) error {
	op := operations[operation]
	header, example := jobs.Template(op, wire.Version(c.cfg))
	form := book.Form{Sheet: operation, Example: "An example: write over it or delete the row before you import the sheet."}
	for i, name := range header {
		field, _ := aftership.LookupField(name)
		form.Fields = append(form.Fields, book.Field{
			Name: name, Note: noteOn(field, op, example[i]), Required: needed(op, name) != "", Choices: field.Enum, Example: example[i],
		})
	}
	return form.Write(out)
}

// noteOn is what a person who fills in a column should know.
func noteOn(f aftership.Field, op batch.Operation, example string) string {
	lines := []string{f.Doc}
	if need := needed(op, f.Name); need != "" {
		lines = append(lines, need)
	}
	if len(f.Enum) > 0 {
		lines = append(lines, "One of: "+strings.Join(f.Enum, ", "))
	} else if example == "" {
		example = f.Example
	}
	if len(f.Enum) == 0 && example != "" {
		lines = append(lines, "Example: "+example)
	}
	if limits := limitsOf(f); limits != "" {
		lines = append(lines, limits)
	}
	return strings.Join(lines, "\n")
}

// needed says that a row needs something in a column; it is empty where a row doesn't.
func needed(op batch.Operation, column string) string {
	switch {
	case jobs.Creates(op) && column == "tracking_number":
		return "Required."
	case op == batch.Complete && column == "reason":
		return "Required, unless the command says --reason."
	case !jobs.Creates(op) && (column == "tracking_number" || column == "slug"):
		return "Required, unless id is filled in."
	}
	return ""
}

// limitsOf says how long a value and how many of them AfterShip takes.
func limitsOf(f aftership.Field) string {
	var parts []string
	if f.List && f.MaxItems > 0 {
		parts = append(parts, fmt.Sprintf("at most %d values", f.MaxItems))
	}
	switch {
	case f.MinLen > 1 && f.MaxLen > 0:
		parts = append(parts, fmt.Sprintf("%d to %d characters", f.MinLen, f.MaxLen))
	case f.MaxLen > 0:
		parts = append(parts, fmt.Sprintf("at most %d characters", f.MaxLen))
	}
	if len(parts) == 0 {
		return ""
	}
	return "Limits: " + strings.Join(parts, ", of ") + "."
}
