// Package notify tells people and programs how a batch ended: by a webhook of ours, by Slack's incoming webhooks, and by e-mail.
//
// A message holds counts, the reasons for which most rows failed, and where the report is; never a row. What a reason quotes of a cell is
// taken out, so that no personal data leaves with it. Secrets stand in requests alone: not in errors, and not in messages.
//
// [Notifier.Send] tries once. Who calls it decides whether and when to try again, by the error that says if that makes sense, and keeps
// the message's ID, by which a receiver knows a message that comes twice.
//
// The addresses are settings of whoever runs the program, so private ones are fine. But they must be encrypted, unless they are on this
// machine or plain text was allowed, since a message names files and hosts.
package notify
