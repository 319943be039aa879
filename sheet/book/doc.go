// Package book writes workbooks (.xlsx): tables of any length, and forms to fill in.
//
// Every cell is text and has the format @, so that a spreadsheet program keeps long numbers, leading zeros and what looks like a date,
// also when someone types into it. Nothing is guarded and no cell is ever a formula. What a workbook can't hold is an error and never cut.
package book
