// Package sheet reads and writes spreadsheets as people have them: text with delimiters in any usual encoding and Excel
// workbooks, packed or not.
//
// [Open] finds out what a file is. Whatever is not UTF-8 text is made so once, in a temporary file: package charset tells and
// reads encodings, package workbook turns a sheet of a workbook into records. Then it finds out delimiter and header, and [Sheet.Rows] yields its rows one by one, as often as
// wanted, in constant memory. A broken line harms only itself: it comes as a [Row] with a [*LineError], and the reading
// goes on. [Map] says which column means which field; a [Decoder] turns the cells of a row into a struct; a [Writer] writes
// cells so that every reader gets them back unchanged. [Guard] and [Unguard] keep a spreadsheet program from running a
// cell as a formula.
//
// # Why the lines are split here
//
// The splitter is our own, because encoding/csv turns CR LF inside a cell into LF (a report must give cells back
// unchanged), ends at nothing but LF, and loses everything up to the next quote when one quote is missing. On well-formed
// input both agree, which is tested against each other. gocsv decodes and encodes clean records only: its reader is never
// given a file, and none of its package variables is touched.
//
// # What a broken line is
//
// A line is broken when it can't be split into cells without guessing: a quote that is never closed, text after a closing
// quote, more cells than the header has, a cell or a line beyond the size limits, bytes that are not UTF-8. Of a line that
// could not be split, the first cell holds the whole text and the others are empty, so that no guess of ours can be sent,
// not even when a report of it is fed back. A quote inside an unquoted cell (5" box) is text, as in every spreadsheet
// program, provided that the row has as many cells as the header.
package sheet
