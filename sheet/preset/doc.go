// Package preset knows the exports of shops, marketplaces and warehouses: which of their columns mean what, which of
// their rows are no parcels, and which of them hold no tracking number at all.
//
// [Recognise] finds the preset of a header, [Named] one by its name, [Read] one that a person wrote. [Preset.Choices]
// decides the columns for [sheet.Map]; [Rules.Reader] goes through the rows in the order of the file and says what a row
// inherits and why it is left out.
//
// # The format
//
// A preset is one YAML file; those in data/ are built in, those of users are the same. An unknown key is an error. A name
// of a column is compared by letters and digits only ([sheet.Normal]); a name that holds ": " or " #" must be quoted, as
// YAML wants it.
//
//	name: my-warehouse            # lower case letters, digits and dashes
//	title: Parcels of my warehouse
//	proof: verified               # verified, documented or unproven: how well the format is known
//	source: where that is known from
//	export: how to export such a file
//	match:                        # recognised if one of these signatures fits (built-in presets only)
//	  - all: [Parcel, Shipper]    #   every one of these columns is there; NAME* is any column that begins so
//	    any: [Ref, Order]         #   and at least one of these
//	    none: [Weight]            #   and none of these
//	    only: true                #   and no other column at all
//	columns:                      # column: field of the API; "-" leaves it out
//	  "Parcel #": tracking_number
//	  Colour: custom_fields.colour
//	ignore: [Weight, Price]       # columns that are never sent, though their names may sound like a field
//	reading:                      # how to read the file when this preset is asked for by name
//	  encoding: windows-1252
//	  delimiter: ";"              # or tab
//	  quote: "'"                  # or none
//	  escape: "\\"
//	  header_line: 3              # the first line of the header, from 1; without it the header is found by the columns named here
//	  header_lines: 2
//	  columns: [carrier, number]  # names for a file without a header
//	  sheet: Parcels              # of a workbook
//	  encoding_hint: {contains: ORDERS-V2, encoding: shift_jis} # when the bytes alone leave it open
//	rules:
//	  dates: DD.MM.YYYY           # how dates are written; without it only those that can't be mistaken are read
//	  carry: {key: Order, columns: [Country, E-mail]} # empty cells take the value of the row above that has the same key;
//	                              # an empty key is the key of the row above only if the key itself is among the columns
//	  skip:                       # rows that are no parcels; the first rule that fits gives the reason
//	    - {column: Voided, values: [Y, Yes], why: the label was voided}
//	    - {column: Type, except: [Parcel], why: the row is no parcel}      # an empty cell doesn't count
//	    - {column: Parcel, contains: [records found], why: a footer}
//	    - {column: Parcel, blank: true, why: not shipped yet}
//	  first_of:                   # a field of several columns: the first that is not empty and not one of these words
//	    slug: {columns: [Carrier code, Carrier name], not: [Other]}
//	  values:                     # words of the file for words of a field
//	    reason: {Zugestellt: DELIVERED}
//	no_tracking: what the file is, and what to export instead; such a file can't be imported
package preset
