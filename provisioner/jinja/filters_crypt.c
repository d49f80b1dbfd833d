/* SPDX-License-Identifier: MIT
 *
 * Filters for base64, digests and password hashes. None is random: a plan must be repeatable.
 */
#include <crypt.h>
#include <openssl/evp.h>
#include "jinja/call.h"

static const struct {
	const char *name, *ident;
	size_t salt_min, salt_max;
} schemes[] = {
	{"sha512", "6", 1, 16},
	{"sha512_crypt", "6", 1, 16},
	{"sha256", "5", 1, 16},
	{"sha256_crypt", "5", 1, 16},
	{"md5", "1", 1, 8},
	{"md5_crypt", "1", 1, 8},
	{"blowfish", "2b", 22, 22},
	{"bcrypt", "2b", 22, 22},
};

/* ---- base64, digests ---- */
static struct value *f_b64encode(struct call *c)
{
	struct str s = call_text(c, c->v);
	return call_str(c, base64(c->a, s.p, s.n));
}

static struct value *f_b64decode(struct call *c)
{
	struct str out;
	if (!base64_decode(c->a, call_text(c, c->v), &out))
		return call_fail(c, "the text is not base64");
	if (!str_utf8(out))
		return call_fail(c, "the decoded bytes are no text (UTF-8)");
	return call_str(c, out);
}

static struct value *make_digest(struct call *c, const char *name)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char text[EVP_MAX_MD_SIZE * 2 + 1];
	struct str s = call_text(c, c->v);
	static const char *const known[] = {"md5", "sha1", "sha224", "sha256", "sha384", "sha512",
		"blake2b", "blake2s", "sha3_256", "sha3_512"};
	size_t i = 0;
	while (i < ARRAY_LEN(known) && strcmp(known[i], name) != 0)
		i++;
	if (i == ARRAY_LEN(known))
		return call_fail(c, "there is no digest '%s'", name);
	if (str_starts(str_c(name), "blake2"))
		name = strcmp(name, "blake2b") == 0 ? "blake2b512" : "blake2s256";
	else if (str_starts(str_c(name), "sha3_"))
		name = strcmp(name, "sha3_256") == 0 ? "sha3-256" : "sha3-512";
	const EVP_MD *type = EVP_get_digestbyname(name);
	if (!type || !EVP_Digest(s.p, s.n, md, &n, type, NULL))
		return call_fail(c, "the digest '%s' is not available", name);
	hex(md, n, text);
	return call_str(c, str_dup(c->a, text, n * 2));
}

static struct value *f_hash(struct call *c)
{
	return make_digest(c, call_arg(c, 0, "sha1").p);
}

static struct value *f_md5(struct call *c)
{
	return make_digest(c, "md5");
}

static struct value *f_sha1(struct call *c)
{
	return make_digest(c, "sha1");
}

/* RFC 4122, version 5; the default name space is Ansible's. */
static struct value *f_to_uuid(struct call *c)
{
	unsigned char bytes[16], md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char h[33];
	struct str space = call_arg(c, 0, "361E6D51-FAEC-444A-9079-341386DA8E2E");
	struct str s = call_text(c, c->v);
	size_t k = 0;
	for (size_t i = 0; i < space.n && k < 32; i++) {
		const char *digits = "0123456789abcdef";
		char ch = space.p[i];
		const char *at =
			ch ? strchr(digits, ch >= 'A' && ch <= 'F' ? ch | 0x20 : ch) : NULL;
		if (!at && ch != '-')
			return call_fail(c, "the name space is no UUID");
		if (!at)
			continue;
		unsigned d = (unsigned)(at - digits);
		bytes[k / 2] = (unsigned char)(k % 2 ? bytes[k / 2] | d : d << 4);
		k++;
	}
	if (k != 32)
		return call_fail(c, "the name space is no UUID");
	struct str all = {arena_alloc(c->a, 16 + s.n + 1), 16 + s.n};
	memcpy((char *)all.p, bytes, 16);
	memcpy((char *)all.p + 16, s.p, s.n);
	if (!EVP_Digest(all.p, all.n, md, &n, EVP_sha1(), NULL))
		return call_fail(c, "SHA-1 is not available");
	md[6] = (unsigned char)((md[6] & 0x0f) | 0x50);
	md[8] = (unsigned char)((md[8] & 0x3f) | 0x80);
	hex(md, 16, h);
	return call_str(
		c, str_printf(c->a, "%.8s-%.4s-%.4s-%.4s-%.12s", h, h + 8, h + 12, h + 16, h + 20));
}

static struct value *crypt_password(struct call *c, struct str password, const char *setting)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	if (!data)
		panic("out of memory");
	if (strlen(password.p) != password.n) {
		free(data);
		return call_fail(c, "a password cannot contain a NUL character");
	}
	const char *out = crypt_r(password.p, setting, data);
	struct value *v =
		out && out[0] == '$' ? call_str(c, str_dup(c->a, out, strlen(out))) : NULL;
	explicit_bzero(data, sizeof(*data));
	free(data);
	if (!v)
		return call_fail(c, "this salt, scheme or number of rounds does not work here");
	v->secret = true; /* from a hash a weak password can be guessed */
	return v;
}

static struct value *f_password_hash(struct call *c)
{
	struct str scheme = call_arg(c, 0, "sha512"), salt = call_arg(c, 1, NULL);
	int64_t rounds;
	size_t i = 0;
	if (!call_int(c, 3, 0, &rounds))
		return NULL;
	while (i < ARRAY_LEN(schemes) && !str_is(scheme, schemes[i].name))
		i++;
	if (i == ARRAY_LEN(schemes))
		return call_fail(c, "there is no scheme '" STR_FMT "'", STR_ARG(scheme));
	if (!salt.p || !salt.n)
		return call_fail(c,
			"give it a salt, or use password_hash_stable(name): a plan must "
			"be repeatable");
	if (strspn(salt.p, salt_digits) != salt.n || salt.n < schemes[i].salt_min ||
		salt.n > schemes[i].salt_max)
		return call_fail(c, "the salt must be %zu to %zu of the characters a-z A-Z 0-9 . /",
			schemes[i].salt_min, schemes[i].salt_max);
	bool bcrypt = str_is(str_c(schemes[i].ident), "2b");
	if (rounds < 0 || rounds > 999999999 || (bcrypt && rounds > 20))
		return call_fail(c, "the number of rounds is out of range");
	const char *setting;
	if (bcrypt)
		setting = arena_printf(
			c->a, "$2b$%02d$" STR_FMT, rounds > 3 ? (int)rounds : 12, STR_ARG(salt));
	else if (rounds && rounds != 5000 && schemes[i].salt_max == 16)
		setting = arena_printf(c->a, "$%s$rounds=%lld$" STR_FMT "$", schemes[i].ident,
			(long long)rounds, STR_ARG(salt));
	else
		setting = arena_printf(c->a, "$%s$" STR_FMT "$", schemes[i].ident, STR_ARG(salt));
	return crypt_password(c, call_text(c, c->v), setting);
}

/* SHA512-crypt with a salt derived from the name: the same password and name give the same hash,
 * since a plan must be repeatable. */
static struct value *f_password_hash_stable(struct call *c)
{
	struct stable_hash h = {call_text(c, c->v), call_text(c, c->arg[0]), ""};
	stable_hashes(&h, 1);
	if (!h.text[0])
		return call_fail(c, "this password cannot be hashed");
	struct value *v = call_str(c, str_dup(c->a, h.text, strlen(h.text)));
	v->secret = true; /* from a hash a weak password can be guessed */
	return v;
}

const struct callable filters_crypt[] = {
	{"b64decode", f_b64decode, "encoding", 0, "The text that a text in base64 stands for.",
		"'bWFpbA==' | b64decode", "\"mail\""},
	{"b64encode", f_b64encode, "encoding", 0, "The text in base64.", "'mail' | b64encode",
		"\"bWFpbA==\""},
	{"checksum", f_sha1, "", 0, "The same as sha1.", "'mail' | checksum",
		"\"1d6e1cf70ec6f9ab28d3ea4b27a49a77654d370e\""},
	{"hash", f_hash, "hashtype", 0,
		"The digest in hexadecimal. hashtype: md5, sha1 (default), sha224, sha256, sha384, "
		"sha512, blake2b, blake2s, sha3_256 or sha3_512.",
		"'mail' | hash('sha256')",
		"\"00d8d3f11739d2f3537099982b4674c29fc59a8fda350fca1379613adbb09119\""},
	{"md5", f_md5, "", 0, "The MD5 digest in hexadecimal.", "'mail' | md5",
		"\"b83a886a5c437ccd9ac15473fd6f1788\""},
	{"password_hash", f_password_hash, "hashtype salt salt_size rounds ident", 0,
		"The password as a hash of crypt(5), which is secret. hashtype: sha512 (default), "
		"sha256, md5 or bcrypt. The salt has to be given; password_hash_stable makes one.",
		"'secret' | password_hash('sha256', 'saltsalt', rounds=1000)", "\"********\""},
	{"password_hash_stable", f_password_hash_stable, "!name", 0,
		"The password as a hash of crypt(5), which is secret. Its salt is made of name and "
		"password, so each run makes the same hash.",
		"'secret' | password_hash_stable('alice@example.com')", "\"********\""},
	{"sha1", f_sha1, "", 0, "The SHA-1 digest in hexadecimal.", "'mail' | sha1",
		"\"1d6e1cf70ec6f9ab28d3ea4b27a49a77654d370e\""},
	{"to_uuid", f_to_uuid, "namespace", 0,
		"A UUID made of the text: the same for the same text and namespace.",
		"'mx1' | to_uuid", "\"393c2fc8-9e4c-501d-ab88-dde2335109f3\""},
	{NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
