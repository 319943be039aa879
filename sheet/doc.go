// Package sheet reads and writes spreadsheets as people have them: text with delimiters in any usual encoding and Excel
// workbooks, packed or not.
//
// [Open] finds out what a file is. Whatever is not UTF-8 text is made so once, in a temporary file: package charset tells
// and reads encodings, package workbook turns a sheet of a workbook into records. Then it finds out the dialect and the
// header, and [Sheet.Rows] yields the rows one by one, as often as wanted, in constant memory. A broken line harms only
// itself: it comes as a [Row] with a [*LineError], and the reading goes on. [Map] says which column means which field; a
// [Decoder] turns the cells of a row into a struct; a [Writer] writes cells so that every reader gets them back unchanged.
// [Guard] and [Unguard] keep a spreadsheet program from running a cell as a formula.
//
// # How dialect and header are found
//
// The beginning of the text is read with each delimiter, quote and escape that its characters allow, and the reading that
// makes the best table is taken: one of our reports first, then the header with the most names that mean something
// ([Options.Known]), then the highest score. The score is the share of lines that have as many cells as most lines, times
// the share of cells that look like one value, times a weight that grows with the columns. The header is the line with
// known names, or else the first that is no preamble; a line that looks like the data below it is data, or one without a
// known name that has a long number where those below have one, and the sheet then has no header. Of a header of several lines
// the cells are joined per column, but a name that means something by its last line alone is just that. What is found stands
// in the fields of [Sheet], and given back as [Options] reads the sheet in the same way.
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
// quote, more cells than the header has, a cell or a line beyond the size limits, a NUL byte. Of a line that could not be
// split, the cells are empty and one more behind them holds the text, so that no guess of ours can be sent, not even when
// a report of it is fed back. A quote inside an unquoted cell (5" box) is text, as in every spreadsheet program, provided
// that the row has as many cells as the header. A cell that alone can't be trusted is a [Flaw] of its row.
//
// # How broken lines are mended
//
// With [Options.AnyWidth], for those who look at a sheet or clean it ([Sheet.WriteCSV]), no line is refused: of all
// readings of a broken line the one is taken that has as many cells as most lines and takes the fewest quotes for text,
// or one with another delimiter or quote if its cells look like those of their columns. Nothing read so may be sent.
package sheet
