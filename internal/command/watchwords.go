package command

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aftership-bulk/batch"
	"aftership-bulk/inbox"
)

// result is what a run's end means for whoever has put the file into the folder.
func (in Inbox) result(job inbox.Job, code int, said string, err error, events *lastEvent) inbox.Result {
	r := inbox.Result{Code: code, Output: said, Told: events.told(job.Taken)}
	switch lock, locked := errors.AsType[*batch.LockedError](err); {
	case locked:
		r.Output = lockedText(lock)
		if lock.Batch != "" {
			r.Told = []any{"waits_for", lock.Batch}
		}
		return r
	case code == exitErrorBudget && len(events.result.Batches) > 0:
		r.Output = in.spentText(job, events.result, time.Now())
	}
	r.Output = optionWords(r.Output, job, afterChange(code))
	return r
}

// lockedText says what a file waits for, and what there is to do. It stays the same for as long as that does.
func lockedText(e *batch.LockedError) string {
	switch {
	case e.Batch == "":
		held := *e
		held.Short = false // what is left of a lease changes with each look
		return held.Error() + "\nTry: nothing; the file is taken when that run has ended"
	case e.State.Held():
		return fmt.Sprintf("batch %[1]s, which is %[2]s, holds %[3]s until somebody decides about it\n"+
			"Try: `enqueue resume %[1]s` goes on with that batch, `enqueue cancel %[1]s` gives it up, `enqueue status %[1]s` says why it is %[2]s; "+
			"this file is taken soon after that batch has ended", e.Batch, e.State, e.Lock)
	}
	return fmt.Sprintf("batch %[1]s, which is under way, holds %[2]s\n"+
		"Try: nothing; the file is taken soon after that batch has ended. `enqueue status %[1]s` shows how far it is", e.Batch, e.Lock)
}

// spentText says that too much of a file has failed, where its report is, and who must decide what. The text stays beside
// the file when somebody has decided, so that it says of when it is.
func (in Inbox) spentText(job inbox.Job, result event, at time.Time) string {
	b := result.Batches[0]
	failed := 0
	for outcome, n := range b.Outcomes {
		if batch.Outcome(outcome).Spends() {
			failed += n
		}
	}
	ended := b.State != string(batch.Stopped)
	what, left, report := "is stopped", are(b.Pending)+" not sent", "Its report so far"
	if ended {
		what, left, report = "has ended", "every row was gone through all the same", "Its report"
	}
	text := fmt.Sprintf("error: %s\nAs of %s: batch %s, which is this file, %s: %d of %s failed, %s.\n%s\n",
		b.Reason, at.UTC().Format("2006-01-02 15:04 UTC"), b.Batch, what, failed, count(b.Rows, "row"), left, whereReport(report, b.Batch, result))
	switch {
	case ended:
		return text + "Try: mend the rows that failed, and put them there as a file of their own"
	case slices.Contains(in.Args, "--sandbox"):
		return text + "Try: mend the file, then put it there again; this was the sandbox, which keeps no batch"
	}
	text += fmt.Sprintf("Try: `enqueue resume %[1]s` goes on with the rest, and as many may fail again; `enqueue cancel %[1]s` gives it up. "+
		"`enqueue status %[1]s` tells how it stands by now, `enqueue report %[1]s -o FILE` writes its whole report in the end", b.Batch)
	for _, o := range job.Options {
		if o.Name == "name" {
			text += fmt.Sprintf("\nUntil that batch has ended, the next files of this folder wait, because options.yaml says `name: %s`.", o.Value)
		}
	}
	return text
}

// are is a number with the verb that goes with it.
func are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

// whereReport says where a report is, which it is given the name of.
func whereReport(report string, id batch.ID, result event) string {
	switch {
	case result.Report == "":
		return fmt.Sprintf("Its report could not be written; `enqueue report %s -o FILE` writes it.", id)
	case result.Failed == "":
		return report + " lies beside the file (.report)."
	}
	return report + " lies beside the file (.report), and so do the rows that failed (.failed)."
}

// afterChange says when changed options count for a file.
func afterChange(code int) string {
	if slices.Contains([]int{exitUnfinished, exitUnreachable, exitLocked, exitInterrupted}, code) {
		return "a change counts from the next try on"
	}
	return "after a change put the file there again"
}

// elsewhere are words about flags that mean something else in a folder.
var elsewhere = strings.NewReplacer(
	"choose another place with --report", "make sure that the folder can be written and its disk is not full, then put the file there again",
	"run the command once with --accept-columns", "say --accept-columns for this file, and take that out again afterwards",
)

// flagUse finds flags with what may be their values. What stands between backquotes and what begins as a command stays as it is.
var flagUse = regexp.MustCompile("`[^`\n]*`" + `|\benqueue [^;,)\n]*|"?--([a-z][a-z-]*)"?(?:([= ])('[^'\n]*'|"[^"\n]*"|[^\s'"(),;]+(?:,[^\s'"(),;]+)*))?`)

// optionWords writes the flags of a text as they are written in the options of the job's folder.
func optionWords(text string, job inbox.Job, then string) string {
	cmd, _, err := bareCommand().Find([]string{job.Operation})
	if err != nil {
		return text
	}
	o, named := optionWriter{cmd: cmd, known: cmd.LocalNonPersistentFlags()}, false
	text = elsewhere.Replace(text)
	text = flagUse.ReplaceAllStringFunc(text, func(use string) string {
		m := flagUse.FindStringSubmatch(use)
		if m[1] == "" {
			return use
		}
		written, isOption := o.write(m)
		named = named || isOption
		return written
	})
	if !named {
		return text
	}
	return fmt.Sprintf("%s\nOptions are lines of %s; %s.", strings.TrimRight(text, "\n"), path.Join("incoming", path.Dir(job.Name), "options.yaml"), then)
}

// optionWriter writes the flags of a command as a folder's options.
type optionWriter struct {
	cmd   *cobra.Command
	known *pflag.FlagSet
}

// write writes a use of a flag, and says whether a folder can say it.
func (o optionWriter) write(m []string) (text string, isOption bool) {
	use, name, between, value := m[0], m[1], m[2], m[3]
	flag := o.known.Lookup(name)
	switch {
	case name == "force":
		return "`enqueue " + o.cmd.Name() + " --force FILE`" + between + value, false
	case name == "sandbox":
		return "`enqueue watch --sandbox DIR`" + between + value, false
	case name != "account" && flag == nil || slices.Contains(ownFlags, name):
		return use, false
	case flag != nil && flag.Value.Type() == "bool":
		if between == "=" {
			return "`" + name + ": " + value + "`", true
		}
		return "`" + name + ": true`" + between + value, true
	}
	kept := value
	if !strings.HasSuffix(value, "...") {
		kept = strings.TrimRight(value, ".:") // the end of a sentence
	}
	switch unquoted, quoted := unquote(value); {
	case quoted:
		return "`" + name + ": " + strconv.Quote(unquoted) + "`", true
	case kept != "" && (between == "=" || o.isValue(name, kept)):
		return "`" + name + ": " + kept + "`" + value[len(kept):], true
	}
	return "`" + name + ":`" + between + value, true
}

// unquote takes the quotes of a shell, or of an error, off a value.
func unquote(value string) (string, bool) {
	if len(value) < 2 || !strings.ContainsAny(value[:1], `'"`) {
		return value, false
	}
	return value[1 : len(value)-1], true
}

// wordValues are values that look like words of a sentence, beside those that the shell offers.
var wordValues = []string{"last", "excel", "unix"}

// isValue tells a flag's value from the next word of the sentence.
func (o optionWriter) isValue(name, word string) bool {
	if slices.Contains(wordValues, word) {
		return true
	}
	if offers, ok := o.cmd.GetFlagCompletionFunc(name); ok {
		values, _ := offers(o.cmd, nil, "")
		return slices.Contains(values, word)
	}
	return strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLower(r) && r != '-' })
}
