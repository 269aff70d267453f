package schema

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"daybook/events"
)

// format is a named kind of string. Its valid accepts what the description
// says with pattern, maxLen and enum and, for validators that assert formats,
// the format's name in JSON Schema.
type format struct {
	name    string // in JSON Schema; "" where it knows none
	noun    string // for messages
	pattern string
	maxLen  int // characters
	enum    []string
	example string
	valid   func(string) bool
}

// formats are the formats by the name that a rule gives them.
var formats = map[string]*format{
	"email": {
		name: "email", noun: "an email address", example: "ada@example.com",
		pattern: `^[A-Za-z0-9!#$%&'*+/=?^_` + "`" + `{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_` + "`" + `{|}~-]+)*` +
			`@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`,
		maxLen: 254, valid: isEmail,
	},
	"uri": {
		name: "uri", noun: "an absolute URI", example: "https://example.com/",
		pattern: `^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+$`,
		maxLen:  2048, valid: isURI,
	},
	"uuid": {
		name: "uuid", noun: "a UUID", example: "0198c0de-7e57-7a11-8000-00000000002a",
		pattern: `^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`,
		maxLen:  36, valid: isUUID,
	},
	"date-time": {
		name: "date-time", noun: "a date and time as in 2026-01-31T09:30:00Z (RFC 3339)", example: "2026-01-31T09:30:00Z",
		pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$`,
		maxLen:  64, valid: isDateTime,
	},
	// id is what events.ValidateID accepts: for the ids of other aggregates.
	"id": {
		noun: "an id: no control characters", example: "7",
		pattern: `^[^\x00-\x1f\x7f-\x9f]+$`,
		maxLen:  events.MaxIDLength, valid: func(s string) bool { return events.ValidateID("", s) == nil },
	},
	"iso4217": {
		noun: "an ISO 4217 currency code", example: "EUR",
		maxLen: 3, enum: currencies,
		valid: func(s string) bool { _, ok := slices.BinarySearch(currencies, s); return ok },
	},
}

// currencies are the currencies in circulation by ISO 4217 List One of January
// 2026: no funds, metals, units of account or test codes.
var currencies = strings.Fields(`
	AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD
	BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP
	ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS
	INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR
	LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN
	NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
	SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
	TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER
	ZAR ZMW ZWG`)

// isEmail accepts the addresses of RFC 5321 with a dot-atom before the @ and a
// host name after it: no quoted words, no address literals, ASCII only.
func isEmail(s string) bool {
	local, host, ok := strings.Cut(s, "@")
	if !ok || len(local) > 64 || len(host) > 253 { // RFC 5321, 4.5.3.1
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool {
			return !isAlphanumeric(r) && !strings.ContainsRune("!#$%&'*+/=?^_`{|}~-", r)
		}) {
			return false
		}
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool { return !isAlphanumeric(r) && r != '-' }) {
			return false
		}
	}
	return true
}

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// isURI accepts absolute URIs by RFC 3986, with a fragment or without.
func isURI(s string) bool {
	if strings.ContainsFunc(s, func(r rune) bool {
		return !isAlphanumeric(r) && !strings.ContainsRune("-._~:/?#[]@!$&'()*+,;=%", r)
	}) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || !u.IsAbs() || len(s) == len(u.Scheme)+1 {
		return false
	}
	if host := u.Hostname(); strings.Contains(host, ":") {
		address, err := netip.ParseAddr(host)
		return err == nil && strings.HasPrefix(u.Host, "[") && address.Zone() == ""
	}
	return true
}

// isUUID accepts the text form of RFC 9562.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range []byte(s) {
		switch i {
		case 8, 13, 18, 23:
			if r != '-' {
				return false
			}
		default:
			if !(r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F') {
				return false
			}
		}
	}
	return true
}

// isDateTime accepts what encoding/json/v2 reads a time.Time from: RFC 3339
// without leap seconds, T and Z upper-case. time.Parse alone is more lenient.
func isDateTime(s string) bool {
	const wall = "2006-01-02T15:04:05"
	if len(s) <= len(wall) {
		return false
	}
	zone := strings.TrimLeft(s[len(wall):], ".0123456789")
	fraction := s[len(wall) : len(s)-len(zone)]
	if fraction == "." || fraction != "" && fraction[0] != '.' || strings.Count(fraction, ".") > 1 {
		return false
	}
	if zone != "Z" && (len(zone) != len("+00:00") || zone[1:3] > "23" || zone[4:6] > "59") {
		return false
	}
	_, err := time.Parse(time.RFC3339, s)
	return err == nil && s[len("2006-01-02T15")] == ':'
}
