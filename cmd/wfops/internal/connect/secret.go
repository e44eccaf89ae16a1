package connect

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// hidden stands for a password.
const hidden = "••••"

// Addresses that are shown. Whatever looks otherwise may hold a secret.
var address = regexp.MustCompile(`^(\[[0-9a-fA-F:.]+\]|[\w.-]+)?(:\d+)?(,(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d+)?)*(/[\w./-]*)?$`)

// String returns where the store is: never a password, nor a setting, which may be
// one. Of what can't be told apart for sure only the scheme is left.
func (t Target) String() string {
	scheme, rest, found := strings.Cut(t.dsn, "://")
	switch {
	case t.file != "", t.dsn == memoryDSN, inMemory(t.dsn), IsBundle(t.dsn):
		before, _, _ := strings.Cut(t.dsn, "?")
		return before
	case !found:
		scheme, _, _ = strings.Cut(t.dsn, ":")
		return regexp.MustCompile(`\W`).ReplaceAllString(scheme, "") + ":" + hidden
	}
	user, host := "", rest
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		name, _, secret := strings.Cut(rest[:at], ":")
		user, host = name+"@", rest[at+1:]
		if secret {
			user = name + ":" + hidden + "@"
		}
		if strings.ContainsAny(rest[:at], "?#/") || !address.MatchString(name) {
			return scheme + "://" + hidden
		}
	}
	host, _, _ = strings.Cut(host, "?")
	if !address.MatchString(host) {
		return scheme + "://" + hidden
	}
	return scheme + "://" + user + host
}

// concealed is an error whose text had secrets.
type concealed struct {
	err     error
	secrets []string
}

func (c concealed) Error() string {
	text := c.err.Error()
	for _, s := range c.secrets {
		text = strings.ReplaceAll(text, s, hidden)
	}
	return text
}

func (c concealed) Unwrap() error { return c.err }

// shortest is the length from which on a piece of a DSN is taken for a secret in the
// text of an error. Shorter ones would make any text unreadable.
const shortest = 4

// hide keeps what may be secret in the DSN out of the text of err, in case a driver
// repeats it.
func (t Target) hide(err error) error {
	if secrets := t.secrets(); len(secrets) > 0 {
		return concealed{err: err, secrets: secrets}
	}
	return err
}

// secrets are the password and the values of settings that may be one, as they are
// written and as they are meant; the longest first, so that none leaves a rest.
func (t Target) secrets() []string {
	_, rest, _ := strings.Cut(t.dsn, "://")
	var found []string
	add := func(s string) {
		for _, form := range []string{s, unescape(s)} {
			if len(form) >= shortest && !slices.Contains(found, form) {
				found = append(found, form)
			}
		}
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		// One that is the user's name could be guessed, and hiding it would hide that.
		if user, password, ok := strings.Cut(rest[:at], ":"); ok && unescape(password) != unescape(user) {
			add(password)
		}
	}
	_, settings, _ := strings.Cut(rest, "?")
	for setting := range strings.SplitSeq(settings, "&") {
		name, value, _ := strings.Cut(setting, "=")
		if strings.Contains(strings.ToLower(name), "pass") {
			add(value)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) })
	return found
}

// holdsSecret reports whether a DSN may hold one, also where String would show it.
func holdsSecret(dsn string) bool {
	_, rest, _ := strings.Cut(dsn, "://")
	user, _, found := cutLast(rest, "@")
	_, settings, _ := strings.Cut(strings.ToLower(dsn), "?")
	return found && strings.Contains(user, ":") || strings.Contains(settings, "pass") || strings.Contains(Target{dsn: dsn, file: localFile(dsn)}.String(), hidden)
}

// unescape returns s as it is where it can't be decoded.
func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// hasSetting looks behind every '?' of a DSN.
func hasSetting(dsn, setting string) bool {
	_, settings, _ := cutLast(dsn, "?")
	return slices.Contains(strings.Split(settings, "&"), setting)
}

func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}
