/* SPDX-License-Identifier: MIT
 *
 * Reads and makes one DKIM key. Only openssl(1) does cryptography; this code parses no more of a
 * key than its public half needs, and never shows the private half.
 */
#include "mailhost/dkim_key.h"
#include "host/args.h"
#include "host/x509.h"

enum { ED25519_LEN = 32, SAID_MAX = 500, NAME_LEN_MAX = 200, LABEL_MAX = 63 };
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

/* ---- rules ---- */

static bool domain_valid(struct str s)
{
	return s.n > 0 && s.n <= NAME_LEN_MAX && s.p[0] != '.' && s.p[0] != '-' &&
	       !strstr(s.p, "..") && s.p[s.n - 1] != '.' &&
	       strspn(s.p, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == s.n;
}

/* One label (RFC 6376 3.1 allows more): otherwise the file name would be ambiguous. */
static bool selector_valid(struct str s)
{
	return s.n > 0 && s.n <= LABEL_MAX && s.p[0] != '-' && s.p[s.n - 1] != '-' &&
	       strspn(s.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
		       s.n;
}

const char *dkim_key_name(struct arena *a, const struct value *key)
{
	return arena_printf(a, "%s.%s", map_cstr(key, "domain", ""), map_cstr(key, "selector", ""));
}

bool dkim_keys_check(const struct value *params, struct errs *errs)
{
	const struct value *keys = map_at(params, "keys");
	struct arena *a = arena_new();
	struct value *seen = value_map(a);
	bool ok = true;
	for (size_t i = 0; keys && keys->type == VALUE_LIST && i < keys->list.n; i++) {
		const struct value *k = keys->list.v[i];
		if (k->type != VALUE_MAP || value_find_type(k, VALUE_UNKNOWN))
			continue;
		if (!domain_valid(str_c(map_cstr(k, "domain", ""))))
			ok = errs_add(errs, k->pos, "'%s' is not a domain in lower-case ASCII",
				map_cstr(k, "domain", ""));
		if (!selector_valid(str_c(map_cstr(k, "selector", ""))))
			ok = errs_add(errs, k->pos,
				"'%s' is not a selector; write one label of letters, digits and "
				"'-'",
				map_cstr(k, "selector", ""));
		struct str name = str_c(dkim_key_name(a, k));
		if (map_get(seen, name))
			ok = errs_add(errs, k->pos, "%s is listed twice", name.p);
		map_set(a, seen, name, value_null(a));
	}
	arena_free(a);
	return ok;
}

/* ---- the public half of an RSA key as SubjectPublicKeyInfo (RFC 5280 4.1) ---- */

static void der_head(struct buf *b, unsigned char tag, size_t n)
{
	buf_addc(b, (char)tag);
	if (n >= 0x100)
		buf_addc(b, (char)0x82);
	else if (n >= 0x80)
		buf_addc(b, (char)0x81);
	if (n >= 0x100)
		buf_addc(b, (char)(n >> 8));
	buf_addc(b, (char)n);
}

/* DER adds a zero byte before a number whose first bit is set: it would be negative. */
static void der_integer(struct buf *b, struct str number)
{
	bool sign = number.n == 0 || ((unsigned char)number.p[0] & 0x80);
	der_head(b, 0x02, number.n + sign);
	if (sign)
		buf_addc(b, 0);
	buf_add(b, number.p, number.n);
}

static const unsigned char RSA_ALGORITHM[] = {
	0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0};

static struct str rsa_public(struct arena *a, const struct key_info *k)
{
	struct buf numbers, body, all;
	buf_init(&numbers, DKIM_FILE_MAX);
	buf_init(&body, DKIM_FILE_MAX);
	buf_init(&all, DKIM_FILE_MAX);
	der_integer(&numbers, k->id);
	der_integer(&numbers, k->exponent);
	der_head(&all, 0x30, numbers.n);
	buf_add(&all, numbers.p, numbers.n);
	buf_add(&body, RSA_ALGORITHM, sizeof(RSA_ALGORITHM));
	der_head(&body, 0x03, all.n + 1);
	buf_addc(&body, 0); /* a bit string begins with its number of unused bits: none */
	buf_add(&body, all.p, all.n);
	buf_clear(&all);
	der_head(&all, 0x30, body.n);
	buf_add(&all, body.p, body.n);
	struct str out = base64(a, all.p, all.n);
	buf_free(&all);
	buf_free(&body);
	buf_free(&numbers);
	return out;
}

/* ---- openssl ---- */

static bool run_openssl(
	struct host *h, const char *const *argv, struct str input, struct str *out, struct err *e)
{
	struct proc_result r;
	if (!run_with(h, argv, input, &r, e))
		return false;
	if (r.status != 0)
		return err_set(e, ERR_PERMANENT, "openssl %s failed (exit %d): %s", argv[1],
			r.status, last_words(h->a, r.err_out, SAID_MAX));
	*out = r.out;
	return true;
}

/* A PrivateKeyInfo of Ed25519 (RFC 8410 7) is this and the seed. */
static const unsigned char ED25519_PRIVATE[] = {
	0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20};

/* The last 32 bytes of the SubjectPublicKeyInfo are the key itself. */
static bool ed25519_public(struct host *h, struct str seed, struct str *public, struct err *e)
{
	static const char *const argv[] = {
		"openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER", NULL};
	struct buf der;
	struct str out;
	buf_init(&der, DKIM_FILE_MAX);
	buf_add(&der, ED25519_PRIVATE, sizeof(ED25519_PRIVATE));
	buf_add(&der, seed.p, seed.n);
	bool ok = run_openssl(h, argv, buf_str(h->a, &der), &out, e);
	buf_free(&der);
	if (ok && out.n <= ED25519_LEN)
		ok = err_set(e, ERR_PERMANENT, "openssl pkey printed no public key");
	if (ok)
		*public = str_dup(h->a, out.p + out.n - ED25519_LEN, ED25519_LEN);
	return ok;
}

/* ---- reading ---- */

static bool read_ed25519(struct host *h, struct str text, struct dkim_public *out)
{
	struct str raw, half;
	struct err e = {0};
	if (!base64_decode(h->a, str_trim(h->a, text), &raw))
		return false;
	if (raw.n == (size_t)2 * ED25519_LEN)
		half = str_dup(h->a, raw.p + ED25519_LEN, ED25519_LEN);
	else if (raw.n != ED25519_LEN || !ed25519_public(h, raw, &half, &e))
		return false;
	*out = (struct dkim_public){.algorithm = "ed25519", .p = base64(h->a, half.p, half.n)};
	return true;
}

bool dkim_key_read(struct host *h, struct str text, struct dkim_public *out)
{
	struct key_info k;
	if (!strstr(text.p, "-----BEGIN"))
		return read_ed25519(h, text, out);
	if (!key_read(h->a, text, &k) || k.type != KEY_RSA || !k.exponent.p)
		return false;
	*out = (struct dkim_public){.algorithm = "rsa", .bits = k.bits, .p = rsa_public(h->a, &k)};
	return true;
}

/* Base64 may be wrapped: all following lines that contain nothing else belong to it. */
static struct str base64_alone(struct arena *a, struct str text)
{
	struct str rest = text, out;
	struct line line;
	struct buf b;
	bool ended = false, beside = false;
	buf_init(&b, DKIM_FILE_MAX);
	while (line_next(&rest, &line)) {
		struct str s = str_trim(a, str_dup(a, line.p, line.n));
		ended = ended || (s.n && strspn(s.p, BASE64) != s.n);
		beside = beside || (ended && s.n);
		if (!ended)
			buf_addf(&b, "%s\n", s.p);
	}
	out = beside ? buf_str(a, &b) : text;
	buf_free(&b);
	return out;
}

struct str dkim_key_alone(struct arena *a, struct str text)
{
	return strstr(text.p, "-----BEGIN") ? pem_only(a, text) : base64_alone(a, text);
}

static bool rsa_sound(struct host *h, struct str text, bool *sound, struct err *e)
{
	static const char *const argv[] = {"openssl", "pkey", "-check", "-noout", NULL};
	struct proc_result r;
	if (!run_with(h, argv, text, &r, e))
		return false;
	*sound = r.status == 0;
	return true;
}

/* A file that holds the seed alone has nothing that could differ. */
static bool ed25519_sound(struct host *h, struct str text, bool *sound, struct err *e)
{
	struct str raw, half;
	*sound = base64_decode(h->a, str_trim(h->a, text), &raw);
	if (!*sound || raw.n != (size_t)2 * ED25519_LEN)
		return true;
	if (!ed25519_public(h, str_dup(h->a, raw.p, ED25519_LEN), &half, e))
		return false;
	*sound = memcmp(half.p, raw.p + ED25519_LEN, ED25519_LEN) == 0;
	return true;
}

bool dkim_key_sound(struct host *h, const char *path, struct str text,
	const struct dkim_public *key, struct err *e)
{
	bool rsa = strcmp(key->algorithm, "rsa") == 0, sound = false;
	if (!(rsa ? rsa_sound(h, text, &sound, e) : ed25519_sound(h, text, &sound, e)))
		return false;
	return sound ||
	       err_set(e, ERR_PERMANENT,
		       "%s was changed by hand and is damaged: its parts do not match; restore it "
		       "from a copy, or remove it to make a new key, whose record you then have "
		       "to publish",
		       path);
}

/* ---- making ---- */

static bool make_ed25519(struct host *h, struct str *text, struct err *e)
{
	static const char *const argv[] = {
		"openssl", "genpkey", "-algorithm", "ED25519", "-outform", "DER", NULL};
	struct str der, public;
	char key[2 * ED25519_LEN];
	if (!run_openssl(h, argv, (struct str){0}, &der, e))
		return false;
	if (der.n != sizeof(ED25519_PRIVATE) + ED25519_LEN ||
		memcmp(der.p, ED25519_PRIVATE, sizeof(ED25519_PRIVATE)) != 0)
		return err_set(e, ERR_PERMANENT, "openssl genpkey printed no Ed25519 key");
	struct str seed = str_dup(h->a, der.p + sizeof(ED25519_PRIVATE), ED25519_LEN);
	if (!ed25519_public(h, seed, &public, e))
		return false;
	memcpy(key, seed.p, ED25519_LEN);
	memcpy(key + ED25519_LEN, public.p, ED25519_LEN);
	*text = base64(h->a, key, sizeof(key));
	explicit_bzero(key, sizeof(key));
	return true;
}

bool dkim_key_make(struct host *h, const char *algorithm, int bits, struct str *text, struct err *e)
{
	struct dkim_public made;
	if (strcmp(algorithm, "ed25519") == 0)
		return make_ed25519(h, text, e);
	const char *size = arena_printf(h->a, "rsa_keygen_bits:%d", bits);
	const char *const argv[] = {
		"openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", size, NULL};
	if (!run_openssl(h, argv, (struct str){0}, text, e))
		return false;
	if (!dkim_key_read(h, *text, &made) || made.bits != bits)
		return err_set(
			e, ERR_PERMANENT, "openssl genpkey printed no RSA key of %d bits", bits);
	return true;
}

struct str dkim_record(struct arena *a, const struct dkim_public *key)
{
	return str_printf(a, "v=DKIM1; k=%s; p=%s", key->algorithm, key->p.p);
}
