package value

// oddCodes are codes that ISO 3166-1 does not have and that are in use all the same.
var oddCodes = map[string]string{"UK": "GBR", "EL": "GRC"}

// oddNames are names that are in use and stand in no list, and those that are shared or must not be guessed.
var oddNames = map[string][]string{
	"United States": {"USA"}, "United States of America": {"USA"}, "US of A": {"USA"}, "Vereinigte Staaten": {"USA"}, "Vereinigte Staaten von Amerika": {"USA"}, "Etats-Unis d'Amerique": {"USA"}, "Estados Unidos de America": {"USA"}, "Stati Uniti d'America": {"USA"}, "EE.UU.": {"USA"},
	"Great Britain": {"GBR"}, "Britain": {"GBR"}, "Grossbritannien": {"GBR"}, "Großbritannien": {"GBR"}, "Grande-Bretagne": {"GBR"}, "Gran Bretagna": {"GBR"}, "Gran Bretaña": {"GBR"},
	"England": {"GBR"}, "Scotland": {"GBR"}, "Wales": {"GBR"}, "Northern Ireland": {"GBR"}, "Schottland": {"GBR"}, "Nordirland": {"GBR"}, "Angleterre": {"GBR"}, "Inghilterra": {"GBR"}, "Inglaterra": {"GBR"},
	"United Kingdom of Great Britain and Northern Ireland": {"GBR"},
	"Holland": {"NLD"}, "The Netherlands": {"NLD"}, "Republic of Ireland": {"IRL"}, "Eire": {"IRL"}, "Czech Republic": {"CZE"}, "Czechia": {"CZE"}, "Tschechische Republik": {"CZE"}, "Slovak Republic": {"SVK"},
	"UAE": {"ARE"}, "VAE": {"ARE"}, "PRC": {"CHN"}, "KSA": {"SAU"}, "DRC": {"COD"}, "RSA": {"ZAF"},
	"GER": {"DEU"}, "SUI": {"CHE"}, "NED": {"NLD"}, "DEN": {"DNK"}, "POR": {"PRT"}, "CRO": {"HRV"}, "GRE": {"GRC"}, "SLO": {"SVN"}, "BUL": {"BGR"}, "LAT": {"LVA"}, // of the Olympic Committee
	"Federal Republic of Germany": {"DEU"}, "Bundesrepublik Deutschland": {"DEU"}, "BRD": {"DEU"}, "Schweiz": {"CHE"}, "Suisse": {"CHE"}, "Svizzera": {"CHE"}, "Svizra": {"CHE"},
	"Belgique": {"BEL"}, "Belgie": {"BEL"}, "Belgien": {"BEL"}, "Suomi": {"FIN"}, "Finland": {"FIN"}, "Hellas": {"GRC"}, "Macedonia": {"MKD"}, "FYROM": {"MKD"}, "Swaziland": {"SWZ"}, "Burma": {"MMR"}, "Ivory Coast": {"CIV"}, "Cape Verde": {"CPV"}, "East Timor": {"TLS"}, "Turkey": {"TUR"}, "Türkei": {"TUR"},
	"Vatican": {"VAT"}, "Vatikan": {"VAT"}, "Russia": {"RUS"}, "Russian Federation": {"RUS"}, "South Korea": {"KOR"}, "Republic of Korea": {"KOR"}, "North Korea": {"PRK"}, "Democratic People's Republic of Korea": {"PRK"}, "Korea South": {"KOR"}, "Südkorea": {"KOR"}, "Nordkorea": {"PRK"},
	"Taiwan": {"TWN"}, "Taiwan, Province of China": {"TWN"}, "Taiwan, Republic of China": {"TWN"}, "People's Republic of China": {"CHN"}, "Mainland China": {"CHN"}, "Hong Kong": {"HKG"}, "Macau": {"MAC"}, "Palestine": {"PSE"}, "Laos": {"LAO"}, "Syria": {"SYR"}, "Moldova": {"MDA"}, "Brunei": {"BRN"}, "Iran": {"IRN"}, "Tanzania": {"TZA"}, "Bolivia": {"BOL"}, "Venezuela": {"VEN"}, "Vietnam": {"VNM"}, "Emirates": {"ARE"}, "Kosovo": {"XKX"},
	"Korea": {"KOR", "PRK"}, "Korean": {"KOR", "PRK"}, "Corea": {"KOR", "PRK"}, "Coree": {"KOR", "PRK"},
	"Congo": {"COD", "COG"}, "Kongo": {"COD", "COG"}, "Democratic Republic of the Congo": {"COD"}, "DR Congo": {"COD"}, "Republic of the Congo": {"COG"}, "Congo-Kinshasa": {"COD"}, "Congo-Brazzaville": {"COG"},
	"Georgia": {"GEO", "USA"}, "Virgin Islands": {"VGB", "VIR"}, "Saint Martin": {"MAF", "SXM"}, "Sint Maarten": {"SXM"}, "Netherlands Antilles": {"BES", "CUW", "SXM"},
	"香港": {"HKG"}, "澳門": {"MAC"}, "Hong Kong, China": {"HKG"}, "Macao, China": {"MAC"}, "Bosnia": {"BIH"}, "Bosnien": {"BIH"}, "Trinidad": {"TTO"}, "Antigua": {"ATG"}, "St. Vincent": {"VCT"}, "Bonaire": {"BES"},
	"Canary Islands": {"ESP"}, "Kanaren": {"ESP"}, "Kanarische Inseln": {"ESP"}, "Islas Canarias": {"ESP"}, "Reunion Island": {"REU"}, "Ile de la Reunion": {"REU"},
	"Hong Kong SAR": {"HKG"}, "Hongkong SAR": {"HKG"}, "Macau SAR": {"MAC"}, "Macao SAR": {"MAC"}, "France métropolitaine": {"FRA"}, "Metropolitan France": {"FRA"}, "Mainland France": {"FRA"}, "France continentale": {"FRA"},
	"アメリカ": {"USA"}, "米国": {"USA"}, "アメリカ合衆国": {"USA"}, "英国": {"GBR"}, "英國": {"GBR"}, "グレートブリテン": {"GBR"}, "独国": {"DEU"}, "仏国": {"FRA"}, "豪州": {"AUS"}, "ホンコン": {"HKG"}, "南韓": {"KOR"}, "南韩": {"KOR"}, "韓國": {"KOR"}, "한국": {"KOR"}, "남한": {"KOR"}, "北朝鮮": {"PRK"}, "북한": {"PRK"},
	"中国大陆": {"CHN"}, "中國大陸": {"CHN"}, "中华人民共和国": {"CHN"}, "中華人民共和国": {"CHN"}, "中華人民共和國": {"CHN"}, "台湾": {"TWN"}, "臺灣": {"TWN"}, "台灣": {"TWN"}, "대만": {"TWN"}, "澳门": {"MAC"}, "マカオ": {"MAC"}, "홍콩": {"HKG"}, "마카오": {"MAC"}, "美國": {"USA"}, "美利坚合众国": {"USA"},
	"Serbia and Montenegro": {"MNE", "SRB"}, "Czechoslovakia": {"CZE", "SVK"}, "America": {"USA"}, "Amerika": {"USA"},
}
