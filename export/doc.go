// Package export reads trackings back: it asks AfterShip what it knows, and writes that as a sheet.
//
// What was read goes to a [Part] first, a file of records beside the one that is wanted, so that an export that was
// interrupted goes on where it was, and the sheet is whole or absent. Calls that fail for a while are repeated by a
// [Caller], which judges answers as jobs does. Nothing here changes anything at AfterShip.
package export
