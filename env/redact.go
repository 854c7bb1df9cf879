package env

import (
	"net/url"
	"regexp"
	"strings"
)

// Redacted stands where a secret was.
const Redacted = "REDACTED"

// secretFlag matches flags whose value is nobody's business: --api-key, but
// neither --tokens nor --max-new-tokens.
var secretFlag = regexp.MustCompile(`(?i)^--?(?:[\w-]*[-_])?(?:key|token|secret|password|passwd|credentials?|authorization|bearer)$`)

// address matches what may be a URL with a user in it.
var address = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+`)

// Redact returns a copy of a command line without the values of flags that hold
// secrets, and without user names, passwords and queries in URLs.
func Redact(args []string) []string {
	clean := make([]string, len(args))
	hide := false
	for i, arg := range args {
		name, value, joined := strings.Cut(arg, "=")
		switch {
		case hide:
			clean[i], hide = Redacted, false
		case joined && secretFlag.MatchString(name):
			clean[i] = name + "=" + Redacted
		case !joined && secretFlag.MatchString(arg):
			clean[i], hide = arg, true
		case joined && strings.HasPrefix(name, "-"):
			clean[i] = name + "=" + redactAddresses(value)
		default:
			clean[i] = redactAddresses(arg)
		}
	}
	return clean
}

func redactAddresses(text string) string {
	return address.ReplaceAllStringFunc(text, func(raw string) string {
		u, err := url.Parse(raw)
		if err != nil {
			return Redacted
		}
		if u.User == nil && u.RawQuery == "" {
			return raw
		}
		if u.User != nil {
			u.User = url.User(Redacted)
		}
		if u.RawQuery != "" {
			u.RawQuery = Redacted
		}
		return u.String()
	})
}
