// Package value reads the values of a sheet's cells as people and programs write them, repairs what is certain, and refuses what
// is not. It is pure: the same cell gives the same answer, and nothing is read or written.
//
// A repair is certain if the cell can mean nothing else; each one is told in a [Note]. What a program has damaged beyond repair is a
// [*Damage], what can be read in several ways or in none is an [*Unclear], and both say what to do. What is probably right and worth a
// look is taken with a warning.
//
// # Digits lost after the fifteenth
//
// A spreadsheet keeps fifteen digits of a number and fills up with zeros; pandas and JavaScript keep a binary floating point number of
// fifty-three bits. A long number that looks so may look so by chance. The chance is 10^-k where k zeros follow the fifteenth digit
// and nothing else, and 2^-n where a binary number has n bits to spare. It decides:
//
//   - less likely than one in 100,000 (five zeros): refused, whatever the check digit says. One damaged number in ten passes its check
//     digit by chance, so that in a file that went through a spreadsheet those that pass are still a hundred times more often damaged
//     than sound.
//   - less likely than one in 1,000 (three or four zeros): refused, unless the check digit of a known shape holds. Then it is taken with a
//     warning.
//   - more likely (one or two zeros, sixteen or seventeen digits): taken with a warning, unless a check digit holds. One in ten of all
//     sound numbers of sixteen digits ends in a zero; [Rounded] lets a caller look at a whole column.
//
// Zeros in front are not counted among the fifteen. They show that the cell was text, or had a format that fills up with zeros; so a
// number with zeros in front and a check digit that holds is never refused.
//
// # Scientific notation
//
// One to three digits, a decimal mark or E+, and an exponent: 1.2E+21, 3,4043E17, 2E+21. It is written out where all of its digits
// are there (7.84512369012345E+14), else refused. Digits, E and digits without a mark (12E45678) are a number like any other; where
// one or two digits follow the E a warning is given.
//
// # Check digits and shapes
//
// They are evidence, never the only ground of a refusal: many couriers share a shape, and rules change. A check digit holds by chance
// for one number in ten, so that it proves nothing alone. A shape that one courier alone uses (1Z..., two letters, nine digits, two
// letters) together with a check digit that holds is proof enough to drop spaces and dashes.
//
// # Zeros lost in front
//
// They are put back for numbers of Deutsche Post DHL alone, whose twenty digits begin with 00340434: eight known digits and a check
// digit leave no room for chance. Elsewhere one number in ten would pass, and so there is a warning at most.
//
// # Spaces, dashes and dots in a number
//
// A space goes if what is left has a shape of one courier alone and passes its check digit, or if all groups are of five digits or
// fewer. A dash or a dot may belong to a number (1LS7119013618127-1); it goes if what is left has such a shape, or if there are several
// short groups and a check digit holds.
//
// # Several numbers in one text
//
// Digits are one number only up to thirty-four of them. What is made of equally long parts, or of parts with a slash or the like between
// them, is taken apart if each part has a known shape and a check digit that holds; it is refused if the parts have known shapes or begin
// alike, because to send it as one would make a tracking of a parcel that does not exist.
//
// # What is no tracking number
//
// A text without a digit, a date or a time in any form that programs write, and a decimal number are refused: each made of a number by a
// program, or put there until there is one. The number of an order may be a date, so that there it is worth a warning.
//
// # Words instead of values
//
// n/a, none, null, nan, - and their like say that there is no value: they are read as an empty cell, with a note. The errors of
// spreadsheets (#NAME?, ########) and truth values are damage: there was a value.
//
// # Dates
//
// Taken without a form: those that begin with a year of four digits; those with the name of a month; those with dots, in which the
// day comes first everywhere; and others if every order that is in use and gives a day gives the same one, so that 31/12/2026 is taken
// and 05/06/2026 is refused. A year of two digits is of this century. Where year, month and day all have two digits, the year may
// also come first, so that 31/12/25 is refused and 09/25/26 is taken.
package value
