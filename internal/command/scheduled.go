package command

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// unscheduled are the commands that make no sense on a schedule: they ask for
// another run, or have nothing to do without a person.
var unscheduled = []string{"schedules", "completion", "__complete", "__completeNoDesc", "help", "config", "watch"}

// CheckArgs says what is wrong with the arguments of enqueue that nobody is there
// to mend when they are run: an unknown command or flag, arguments that are
// missing. It runs nothing.
func CheckArgs(args []string) error {
	c := &cli{ui: newUI(io.Discard, io.Discard, nil)}
	root := c.rootCommand()
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root || !cmd.Runnable() {
		name := strings.Join(args[:min(1, len(args))], " ") // the others may hold an address with a password
		return fmt.Errorf("enqueue %s is no command: %s", name, commandsHint(root))
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return fmt.Errorf("%w (enqueue %s)", err, cmd.Name())
	}
	if help, _ := cmd.Flags().GetBool("help"); help || slices.Contains(unscheduled, topOf(cmd).Name()) {
		return fmt.Errorf("%s is nothing to be scheduled: %s", cmd.CommandPath(), commandsHint(root))
	}
	files := cmd.Flags().Args()
	if err := cmd.ValidateArgs(files); err != nil {
		return fmt.Errorf("%w (%s)", err, cmd.UseLine())
	}
	if slices.Contains(files, "-") {
		return errors.New("- is standard input, which a schedule does not have: name a file, an https address or a directory")
	}
	if asks(cmd) {
		return fmt.Errorf("enqueue %s asks before it does something, and a schedule has nobody to ask: say --yes", cmd.Name())
	}
	return cmd.ValidateRequiredFlags()
}

// asks says that a command, as its flags are, ends with a question.
func asks(cmd *cobra.Command) bool {
	said := func(flag string) bool {
		value, _ := cmd.Flags().GetBool(flag)
		return value
	}
	return slices.Contains([]string{"delete", "purge"}, cmd.Name()) && !said("yes") && !said("dry-run")
}

// topOf is the command of the root that a command belongs to.
func topOf(cmd *cobra.Command) *cobra.Command {
	for cmd.HasParent() && cmd.Parent().HasParent() {
		cmd = cmd.Parent()
	}
	return cmd
}

// commandsHint names the commands that can be scheduled.
func commandsHint(root *cobra.Command) string {
	var names []string
	for _, cmd := range root.Commands() {
		if !slices.Contains(unscheduled, cmd.Name()) {
			names = append(names, cmd.Name())
		}
	}
	return "use one of " + strings.Join(names, ", ")
}
