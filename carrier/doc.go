// Package carrier finds the courier that a name in a sheet means.
//
// Sheets name carriers as people and shops do ("DHL Paket", "Evri", "Royal Mail"), and AfterShip by slugs ("dhl-germany",
// "myhermes-uk", "royal-mail"). A [Table] holds the account's own courier list, the built-in aliases and the user's own table,
// and [Table.Resolve] finds the slug of a name, or says which couriers it may mean. A wrong slug is worse than none, because
// a parcel is then looked for at the wrong company for weeks. So a name is settled only where that is certain:
//
//   - The user's own table wins over everything. It can also say that a name is to be left to AfterShip's own detection.
//   - A slug as AfterShip writes it is taken as it is.
//   - Names are compared by their letters and digits alone. Case, accents, spaces, punctuation and the word "and" make no
//     difference. A legal form at the end (GmbH, Inc, Ltd) makes none if the name is found no other way; forms that are also
//     the code of a country or state (SA, AS, CO) stay.
//   - A courier's name and the aliases come first, then its other names, then its slug in other writing. Of one family with
//     several couriers ("DHL", "Fastway") the bare name settles nothing, unless a courier has just that name ("GLS", "DPD").
//   - Where the bare name of a courier begins the names of couriers of other companies or countries ("InPost", "Hermes",
//     "Correos", "DHL eCommerce"), it is settled only if both the courier's name and its slug are this very name, as with GLS,
//     DPD, UPS, FedEx, USPS and Royal Mail. Others whose names only add a service ("Yodel International") don't count.
//   - A name that fits nothing as a whole may be one with a service behind it ("UPS Ground", "Royal Mail Tracked 48"): the longest
//     beginning that is a courier's name decides, if that is certain itself, if what follows are words for services and nothing
//     else, and if no other courier's name begins so ("FedEx International" may be FedEx International MailService).
//   - A dash, "N/A", "Other" and the like say that there is no carrier, and are left to AfterShip's detection.
//   - A connection to a courier (its slug ends with -api, -ftp, -connum and the like) is meant only by a name of its own.
//   - What the account has activated counts. Of several couriers that have the very same name, the only activated one is
//     meant. If the courier of that name is not activated while a relative of it is ("DPD" where only DPD UK is), that is
//     doubt, and the person is asked. An activated courier alone settles nothing that its name does not say: accounts come
//     with couriers that nobody chose.
//   - Countries settle nothing: a parcel from Germany to France under "DPD" can be at either company.
//
// The package is pure: it reads what it is given and sends nothing.
package carrier
