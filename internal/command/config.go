package command

import (
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"aftership-bulk/config"
)

func (c *cli) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Look at the settings",
		RunE: func(*cobra.Command, []string) error {
			return usage(errors.New("config needs a command"), "enqueue config show")
		},
	}
	var faults error // settings that can't be used are shown, too
	cmd.AddCommand(&cobra.Command{
		Use: "show", Short: "Print every setting, its value (secrets masked) and where it came from",
		Example: "  enqueue config show\n  enqueue config show --json", Args: cobra.NoArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			c.cfg, faults = config.Load(config.Input{Flags: cmd.Flags(), Env: c.env, Command: CheckArgs})
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			if err := c.configShow(); err != nil || faults == nil {
				return err
			}
			return usage(faults, "mend these settings")
		},
	})
	return cmd
}

// settingView is a setting as programs see it.
type settingView struct {
	Setting string `json:"setting"`
	Value   string `json:"value"`
	Origin  string `json:"origin"`
}

func (c *cli) configShow() error {
	views, rows := []settingView{}, [][]string{{"SETTING", "VALUE", "FROM"}}
	for _, v := range c.cfg.Show() {
		views = append(views, settingView{v.Name, v.Value, v.Origin})
		rows = append(rows, []string{v.Name, v.Value, v.Origin})
	}
	if c.ui.json {
		return json.NewEncoder(c.ui.stdout).Encode(map[string]any{"settings": views})
	}
	if len(views) > 0 {
		c.ui.table(rows)
	}
	return nil
}
