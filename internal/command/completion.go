package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/config"
)

// completed is how many batches the shell offers, the newest.
const completed = 50

// completes says that a command's argument is a batch, for the shell.
func (c *cli) completes(cmd *cobra.Command) *cobra.Command {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 || c.configure(cmd.Flags()) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		s, err := c.open(cmd.Context(), readOnly)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		defer s.close()
		var ids []string
		for b, err := range s.ledger.List(cmd.Context()) {
			if err == nil {
				ids = append(ids, fmt.Sprintf("%s\t%s %s, %s", b.ID, b.CreatedAt.Local().Format(time.DateOnly), b.Source, b.State))
			}
			if len(ids) == completed {
				break
			}
		}
		return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
	return cmd
}

// offer tells the shell the values of a flag.
func offer(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

// offerSettings tells the shell the values of the settings that are closed sets.
func offerSettings(root *cobra.Command) {
	offer(root, "api-version", config.Versions()...)
	offer(root, "log-level", "debug", "info", "warn", "error")
	offer(root, "log-format", "text", "json")
	offer(root, "report-format", "csv", "xlsx")
	offer(root, "report-guard", "auto", "off")
}
