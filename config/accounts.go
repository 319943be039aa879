package config

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// accounts reads the current account and those of the file.
func (l *loader) accounts(current string) map[string]Account {
	all := map[string]Account{}
	if current == "" { // its name is wrong, which is said already
		return all
	}
	l.envOf(current)
	all[current] = l.account(current, setNames)
	for _, name := range l.layers[layerFile].values.MapKeys("accounts") {
		if _, err := accountName(name); err == nil && name != current {
			all[name] = l.account(name, fileKeys)
		}
	}
	l.sameKey(all)
	return all
}

// How an account's settings are called when they are shown: by the setting's
// name for the current one, by the file's key for the others.
func setNames(s Setting) string { return s.Name }
func fileKeys(s Setting) string { return s.Key }

// envOf gives the account of that name what the environment says about its key.
func (l *loader) envOf(account string) {
	for _, s := range settings {
		if v := l.env.get(s.Env); v != "" && s.ofAccount() {
			// only fails for a custom merge function
			_ = l.layers[layerEnv].values.Set(s.in(account).Key, v)
		}
	}
}

func (l *loader) account(name string, label func(Setting) string) Account {
	a := Account{Name: name}
	a.APIKey = l.secret(name, setKey, setKeyFile, label, apiKey)
	a.APISecret = l.secret(name, setSecret, setSecretFile, label, anyText)
	a.Signing = l.signing(a, label)
	a.WebhookSecrets = webhookSecrets(l.secret(name, setHook, setHookFile, label, webhookSecret))
	a.RateLimit = l.accountRate(name, label)
	return a
}

// secret reads a secret, or the file that holds it, from the first layer that has either.
func (l *loader) secret(account, name, fileName string, label func(Setting) string, check func(string) error) Secret {
	s, inFile := named(name).in(account), named(fileName).in(account)
	var value, path found
	for _, i := range []int{layerEnv, layerFile} {
		var direct, byFile bool
		value, direct = l.at(i, s)
		path, byFile = l.at(i, inFile)
		if direct && byFile {
			l.problem("%s (%s) and %s (%s) are both set: keep one of them", value.label(), value.origin, path.label(), path.origin)
		}
		if direct || byFile {
			break
		}
	}
	if path.text != "" && value.text == "" {
		value = l.secretFile(s, path)
	}
	if value.text != "" {
		if err := check(value.text); err != nil {
			l.wrong(value, err)
		}
	}
	secret := NewSecret(value.text)
	l.show(label(s), secret.String(), cmp.Or(value.origin, "default"))
	shownPath := path.text
	if shownPath != "" && looksSecret(shownPath) {
		shownPath = mask
	}
	l.show(label(inFile), shownPath, cmp.Or(path.origin, "default"))
	return secret
}

// secretFile reads the file that holds a secret.
func (l *loader) secretFile(s Setting, path found) found {
	text, err := readSecret(l.env.home(path.text))
	if err != nil {
		if looksSecret(path.text) {
			path.Secret = true // someone put the key where its file belongs
			err = errors.New("the value looks like a key, so it is not shown: give the path of the file that holds it, or use the setting without _FILE")
		}
		l.wrong(path, err)
	}
	return found{Setting: s, text: text, origin: path.origin, layer: path.layer}
}

func anyText(string) error { return nil }

// webhookSecrets are the secrets in a text.
func webhookSecrets(text Secret) []Secret {
	var all []Secret
	for part := range strings.FieldsFuncSeq(text.Value(), func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, NewSecret(part))
		}
	}
	return all
}

// webhookSecret refuses what holds no secret, or some that stand side by side.
func webhookSecret(text string) error {
	all := webhookSecrets(NewSecret(text))
	if len(all) == 0 || slices.ContainsFunc(all, func(s Secret) bool { return strings.ContainsAny(s.Value(), " \t") }) {
		return errors.New("give a secret, or several with commas or line breaks between them (the value is not shown)")
	}
	return nil
}

// apiKey refuses what cannot be sent as a header.
func apiKey(key string) error {
	odd := func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII || r == 0x7f }
	if strings.ContainsFunc(key, odd) {
		return errors.New("a key has no spaces, line breaks or special letters: copy it again from AfterShip's admin (its value is not shown)")
	}
	return nil
}

// signing reads how the account signs, which must fit its secret.
func (l *loader) signing(a Account, label func(Setting) string) string {
	f := l.find(named(setSigning).in(a.Name))
	how, err := oneOf(Signings()...)(cmp.Or(f.text, "none"))
	switch {
	case err != nil:
		l.wrong(f, err)
	case how == "none" && f.text == "" && a.APISecret.Value() != "":
		l.problem("account %s has an API secret, but not how to sign with it: set AFTERSHIP_API_SIGNING (in the file: %s) to aes or rsa, or to none if the secret is of no use", a.Name, f.Key)
	case how != "none" && a.APISecret.Value() == "":
		l.problem("%s is %q (%s), but account %s has no API secret: set AFTERSHIP_API_SECRET or AFTERSHIP_API_SECRET_FILE (in the file: accounts.%s.api_secret_file)", f.label(), how, f.origin, a.Name, a.Name)
	}
	l.show(label(f.Setting), how, f.origin)
	return how
}

// accountRate is the account's own limit. What flag or environment say in
// general goes before it, as they go before all of the file.
func (l *loader) accountRate(account string, label func(Setting) string) RateLimit {
	f := l.find(named(setAccountRate).in(account))
	rate, err := ParseRateLimit(f.text)
	if err != nil {
		l.wrong(f, err)
	}
	if f.text == "" {
		return rate
	}
	if l.rateFrom.layer < layerFile {
		rate, f.origin = l.rate.over(rate), l.rateFrom.origin+" over "+f.origin
	}
	l.show(label(f.Setting), rate.String(), f.origin)
	return rate
}

// sameKey refuses two names for one key: each would be paced as if it had the
// whole limit.
func (l *loader) sameKey(all map[string]Account) {
	owner := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		key := all[name].APIKey.Value()
		if first := owner[key]; first != "" && key != "" {
			l.problem("accounts %s and %s have the same API key, so together they would send twice its limit: keep one of the two names", first, name)
		}
		owner[key] = name
	}
	l.sameWebhookSecret(all)
}

// sameWebhookSecret refuses two names for one webhook secret: it is the secret
// that says which account a webhook is about.
func (l *loader) sameWebhookSecret(all map[string]Account) {
	owner := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, secret := range all[name].WebhookSecrets {
			if first := owner[secret.Value()]; first != "" && first != name {
				l.problem("accounts %s and %s have the same webhook secret, which is to tell their webhooks apart: keep it at one of them", first, name)
			}
			owner[secret.Value()] = name
		}
	}
}
