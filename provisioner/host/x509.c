/* SPDX-License-Identifier: MIT
 *
 * Parses PEM and the part of DER that is needed to compare keys and certificates. Checks every
 * length against the input; decodes nothing else.
 */
#include <arpa/inet.h>
#include "host/args.h"
#include "host/x509.h"

enum {
	TAG_INTEGER = 0x02,
	TAG_BIT_STRING = 0x03,
	TAG_OCTET_STRING = 0x04,
	TAG_OID = 0x06,
	TAG_UTC_TIME = 0x17,
	TAG_GENERALIZED_TIME = 0x18,
	TAG_SEQUENCE = 0x30,
	TAG_SET = 0x31,
	TAG_VERSION = 0xa0,
	TAG_EC_PARAMETERS = 0xa0,
	TAG_EC_PUBLIC = 0xa1,
	TAG_EXTENSIONS = 0xa3,
	TAG_DNS_NAME = 0x82,
	TAG_IP_ADDRESS = 0x87,
	IPV4_LEN = 4,
	IPV6_LEN = 16,
};

/* ---- PEM ---- */

/* Decodes the first block with this label; false when there is none. */
static bool pem_block(struct arena *a, struct str pem, const char *label, struct str *der)
{
	const char *begin = arena_printf(a, "-----BEGIN %s-----", label);
	const char *end = arena_printf(a, "-----END %s-----", label);
	const char *start = strstr(pem.p, begin);
	start = start ? start + strlen(begin) : NULL; /* the dashes of both lines are not shared */
	const char *stop = start ? strstr(start, end) : NULL;
	if (!stop)
		return false;
	char *text = arena_alloc(a, (size_t)(stop - start) + 1);
	size_t n = 0;
	for (const char *p = start; p < stop; p++)
		if (!strchr(" \t\r\n", *p))
			text[n++] = *p;
	text[n] = 0;
	return base64_decode(a, (struct str){text, n}, der);
}

/* The label of the line "-----WORD LABEL-----"; p NULL: another kind of line. */
static struct str pem_label(struct arena *a, struct line line, const char *word)
{
	struct str s = str_trim(a, str_dup(a, line.p, line.n));
	size_t head = strlen("-----") + strlen(word) + 1, tail = strlen("-----");
	if (s.n < head + tail || strncmp(s.p, arena_printf(a, "-----%s ", word), head) != 0 ||
		strcmp(s.p + s.n - tail, "-----") != 0)
		return (struct str){NULL, 0};
	return str_dup(a, s.p + head, s.n - head - tail);
}

/* All private keys count as one kind, whatever their encoding. */
static struct str pem_kind(struct str label)
{
	return str_ends(label, "PRIVATE KEY") ? str_c("PRIVATE KEY") : label;
}

struct str pem_only(struct arena *a, struct str text)
{
	struct value *seen = value_map(a);
	struct str rest = text, label = {NULL, 0}, kind, out;
	struct line line;
	struct buf b;
	bool beside = false, keep = false;
	buf_init(&b, text.n + 2);
	while (line_next(&rest, &line)) {
		bool inside = label.p != NULL;
		if (!inside && (label = pem_label(a, line, "BEGIN")).p) {
			kind = pem_kind(label);
			keep = !map_get(seen, kind);
			map_set(a, seen, kind, value_null(a));
			inside = true;
		}
		beside = beside || (inside ? !keep : !line_is_blank(line));
		if (inside && keep) {
			buf_add(&b, line.p, line.n);
			buf_addc(&b, '\n');
		}
		if (inside && str_eq(pem_label(a, line, "END"), label))
			label.p = NULL;
	}
	out = beside ? buf_str(a, &b) : text;
	buf_free(&b);
	return out;
}

/* ---- DER ---- */

struct der { /* the rest of the input */
	const unsigned char *p;
	size_t n;
};

static struct der der_of(struct str s)
{
	return (struct der){(const unsigned char *)s.p, s.n};
}

/* The length octets; at most four of them (X.690 8.1.3). */
static bool der_length(struct der *d, size_t *out)
{
	if (d->n == 0)
		return false;
	size_t first = *d->p++, len = 0;
	d->n--;
	if (first < 0x80) {
		*out = first;
		return first <= d->n;
	}
	size_t octets = first & 0x7f;
	if (octets == 0 || octets > 4 || octets > d->n)
		return false;
	for (size_t i = 0; i < octets; i++)
		len = len << 8 | *d->p++;
	d->n -= octets;
	*out = len;
	return len <= d->n;
}

/* The next element of any tag. */
static bool der_any(struct der *d, unsigned *tag, struct der *content)
{
	size_t len;
	if (d->n == 0)
		return false;
	*tag = *d->p++;
	d->n--;
	if (!der_length(d, &len))
		return false;
	*content = (struct der){d->p, len};
	d->p += len;
	d->n -= len;
	return true;
}

/* The next element, which must have this tag. */
static bool der_take(struct der *d, unsigned tag, struct der *content)
{
	unsigned got;
	return d->n > 0 && *d->p == tag && der_any(d, &got, content);
}

/* As der_take, for an element that may be missing. */
static bool der_optional(struct der *d, unsigned tag, struct der *content)
{
	*content = (struct der){NULL, 0};
	return d->n == 0 || *d->p != tag || der_take(d, tag, content);
}

static bool der_is(struct der d, const unsigned char *bytes, size_t n)
{
	return d.n == n && memcmp(d.p, bytes, n) == 0;
}

static struct str der_str(struct arena *a, struct der d)
{
	return str_dup(a, (const char *)d.p, d.n);
}

/* A bit string of whole bytes, without its count of unused bits. */
static bool bit_string(struct der *d, struct der *out)
{
	if (!der_take(d, TAG_BIT_STRING, out) || out->n < 1 || out->p[0] != 0)
		return false;
	out->p++;
	out->n--;
	return true;
}

/* ---- keys ---- */

static const unsigned char OID_RSA[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const unsigned char OID_EC[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const unsigned char OID_ED25519[] = {0x2b, 0x65, 0x70};
static const unsigned char OID_ED448[] = {0x2b, 0x65, 0x71};
static const unsigned char OID_P256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const unsigned char OID_P384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};
static const unsigned char OID_P521[] = {0x2b, 0x81, 0x04, 0x00, 0x23};
static const unsigned char OID_COMMON_NAME[] = {0x55, 0x04, 0x03};
static const unsigned char OID_ALT_NAMES[] = {0x55, 0x1d, 0x11};

const char *key_type_name(enum key_type type)
{
	static const char *const names[] = {
		[KEY_UNKNOWN] = "unknown",
		[KEY_RSA] = "RSA",
		[KEY_EC] = "ECC",
		[KEY_ED25519] = "Ed25519",
		[KEY_ED448] = "Ed448",
	};
	return names[type];
}

/* The number's bytes without the sign octet. */
static struct der unsigned_of(struct der number)
{
	while (number.n > 0 && number.p[0] == 0) {
		number.p++;
		number.n--;
	}
	return number;
}

static bool set_modulus(struct arena *a, struct der number, struct key_info *k)
{
	struct der m = unsigned_of(number);
	if (m.n == 0 || m.n > 1 << 16)
		return false;
	k->type = KEY_RSA;
	k->bits = (int)m.n * 8;
	for (unsigned char top = m.p[0]; !(top & 0x80); top <<= 1)
		k->bits--;
	k->id = der_str(a, m);
	return true;
}

static void set_curve(struct der oid, struct key_info *k)
{
	k->type = KEY_EC;
	if (der_is(oid, OID_P256, sizeof(OID_P256))) {
		k->curve = "secp256r1";
		k->bits = 256;
	} else if (der_is(oid, OID_P384, sizeof(OID_P384))) {
		k->curve = "secp384r1";
		k->bits = 384;
	} else if (der_is(oid, OID_P521, sizeof(OID_P521))) {
		k->curve = "secp521r1";
		k->bits = 521;
	}
}

/* RSAPrivateKey (RFC 8017 A.1.2): version, modulus, public exponent, ... */
static bool rsa_private(struct arena *a, struct der d, struct key_info *k)
{
	struct der seq, version, modulus, exponent;
	if (!der_take(&d, TAG_SEQUENCE, &seq) || !der_take(&seq, TAG_INTEGER, &version) ||
		!der_take(&seq, TAG_INTEGER, &modulus) || !set_modulus(a, modulus, k) ||
		!der_take(&seq, TAG_INTEGER, &exponent))
		return false;
	k->exponent = der_str(a, unsigned_of(exponent));
	return true;
}

/* ECPrivateKey (RFC 5915 3): version, key, [0] curve, [1] public key */
static bool ec_private(struct arena *a, struct der d, struct key_info *k)
{
	struct der seq, version, key, curve, public, oid, point;
	if (!der_take(&d, TAG_SEQUENCE, &seq) || !der_take(&seq, TAG_INTEGER, &version) ||
		!der_take(&seq, TAG_OCTET_STRING, &key) ||
		!der_optional(&seq, TAG_EC_PARAMETERS, &curve) ||
		!der_optional(&seq, TAG_EC_PUBLIC, &public))
		return false;
	k->type = KEY_EC;
	if (curve.p && der_take(&curve, TAG_OID, &oid))
		set_curve(oid, k);
	if (public.p && bit_string(&public, &point))
		k->id = der_str(a, point);
	return true;
}

/* AlgorithmIdentifier: sets the type; `oid` of EC's curve too. */
static bool read_algorithm(struct der *d, struct key_info *k)
{
	struct der seq, oid, curve;
	if (!der_take(d, TAG_SEQUENCE, &seq) || !der_take(&seq, TAG_OID, &oid))
		return false;
	if (der_is(oid, OID_RSA, sizeof(OID_RSA)))
		k->type = KEY_RSA;
	else if (der_is(oid, OID_ED25519, sizeof(OID_ED25519)))
		k->type = KEY_ED25519;
	else if (der_is(oid, OID_ED448, sizeof(OID_ED448)))
		k->type = KEY_ED448;
	else if (der_is(oid, OID_EC, sizeof(OID_EC)) && der_take(&seq, TAG_OID, &curve))
		set_curve(curve, k);
	return true;
}

/* PrivateKeyInfo (RFC 5208 5): version, algorithm, key */
static bool read_pkcs8(struct arena *a, struct der d, struct key_info *k)
{
	struct der seq, version, key;
	if (!der_take(&d, TAG_SEQUENCE, &seq) || !der_take(&seq, TAG_INTEGER, &version) ||
		!read_algorithm(&seq, k) || !der_take(&seq, TAG_OCTET_STRING, &key))
		return false;
	if (k->type == KEY_RSA)
		return rsa_private(a, key, k);
	struct key_info inner = {0};
	if (k->type == KEY_EC && ec_private(a, key, &inner))
		k->id = inner.id;
	return true;
}

bool key_read(struct arena *a, struct str pem, struct key_info *out)
{
	struct str der;
	*out = (struct key_info){0};
	if (strstr(pem.p, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
		strstr(pem.p, "Proc-Type: 4,ENCRYPTED")) {
		out->encrypted = true;
		return true;
	}
	if (pem_block(a, pem, "PRIVATE KEY", &der))
		return read_pkcs8(a, der_of(der), out);
	if (pem_block(a, pem, "RSA PRIVATE KEY", &der))
		return rsa_private(a, der_of(der), out);
	if (pem_block(a, pem, "EC PRIVATE KEY", &der))
		return ec_private(a, der_of(der), out);
	return false;
}

/* ---- certificates ---- */

/* SubjectPublicKeyInfo: algorithm, key */
static bool public_key(struct arena *a, struct der *d, struct key_info *k)
{
	struct der seq, bits, rsa, modulus;
	if (!der_take(d, TAG_SEQUENCE, &seq) || !read_algorithm(&seq, k) ||
		!bit_string(&seq, &bits))
		return false;
	if (k->type != KEY_RSA) {
		k->id = der_str(a, bits);
		return true;
	}
	return der_take(&bits, TAG_SEQUENCE, &rsa) && der_take(&rsa, TAG_INTEGER, &modulus) &&
	       set_modulus(a, modulus, k);
}

/* Name: a sequence of sets of (oid, text); the last common name counts. */
static bool common_name(struct arena *a, struct der name, const char **out)
{
	struct der set, pair, oid, text;
	unsigned tag;
	while (name.n) {
		if (!der_take(&name, TAG_SET, &set) || !der_take(&set, TAG_SEQUENCE, &pair) ||
			!der_take(&pair, TAG_OID, &oid) || !der_any(&pair, &tag, &text))
			return false;
		if (der_is(oid, OID_COMMON_NAME, sizeof(OID_COMMON_NAME)))
			*out = der_str(a, text).p;
	}
	return true;
}

static bool read_digits(const unsigned char *p, size_t n, int *out)
{
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*out = *out * 10 + (p[i] - '0');
	}
	return true;
}

/* UTCTime YYMMDDhhmmssZ (RFC 5280: 50 and up is 19xx), GeneralizedTime YYYYMMDDhhmmssZ */
static bool time_read(struct der *d, int64_t *out)
{
	unsigned tag;
	struct der t;
	struct tm tm = {0};
	int year;
	if (!der_any(d, &tag, &t))
		return false;
	size_t years = tag == TAG_UTC_TIME ? 2 : 4;
	if ((tag != TAG_UTC_TIME && tag != TAG_GENERALIZED_TIME) || t.n != years + 11 ||
		t.p[t.n - 1] != 'Z')
		return false;
	const unsigned char *p = t.p + years;
	if (!read_digits(t.p, years, &year) || !read_digits(p, 2, &tm.tm_mon) ||
		!read_digits(p + 2, 2, &tm.tm_mday) || !read_digits(p + 4, 2, &tm.tm_hour) ||
		!read_digits(p + 6, 2, &tm.tm_min) || !read_digits(p + 8, 2, &tm.tm_sec))
		return false;
	if (years == 2)
		year += year < 50 ? 2000 : 1900;
	tm.tm_year = year - 1900;
	tm.tm_mon--;
	*out = timegm(&tm);
	return true;
}

static void add_name(struct arena *a, unsigned tag, struct der value, struct cert_info *c)
{
	char text[INET6_ADDRSTRLEN];
	if (c->n_names == CERT_NAMES_MAX)
		return;
	if (tag == TAG_DNS_NAME)
		c->names[c->n_names++] = arena_printf(a, "DNS:%s", der_str(a, value).p);
	else if (tag == TAG_IP_ADDRESS && value.n == IPV4_LEN)
		c->names[c->n_names++] =
			arena_printf(a, "IP:%s", inet_ntop(AF_INET, value.p, text, sizeof(text)));
	else if (tag == TAG_IP_ADDRESS && value.n == IPV6_LEN)
		c->names[c->n_names++] =
			arena_printf(a, "IP:%s", inet_ntop(AF_INET6, value.p, text, sizeof(text)));
}

/* Extensions: each oid, perhaps critical, octets; of these only the alternative names. */
static bool alt_names(struct arena *a, struct der extensions, struct cert_info *c)
{
	struct der all, one, oid, octets, list, value, flag;
	unsigned tag;
	if (!der_take(&extensions, TAG_SEQUENCE, &all))
		return false;
	while (all.n) {
		if (!der_take(&all, TAG_SEQUENCE, &one) || !der_take(&one, TAG_OID, &oid) ||
			!der_optional(&one, 0x01, &flag) ||
			!der_take(&one, TAG_OCTET_STRING, &octets))
			return false;
		if (!der_is(oid, OID_ALT_NAMES, sizeof(OID_ALT_NAMES)))
			continue;
		if (!der_take(&octets, TAG_SEQUENCE, &list))
			return false;
		while (list.n) {
			if (!der_any(&list, &tag, &value))
				return false;
			add_name(a, tag, value, c);
		}
	}
	return true;
}

/* TBSCertificate (RFC 5280 4.1) in its order. */
static bool tbs_read(struct arena *a, struct der tbs, struct cert_info *c)
{
	struct der skip, serial, signature, issuer, validity, subject, extensions;
	if (!der_optional(&tbs, TAG_VERSION, &skip) || !der_take(&tbs, TAG_INTEGER, &serial) ||
		!der_take(&tbs, TAG_SEQUENCE, &signature) ||
		!der_take(&tbs, TAG_SEQUENCE, &issuer) ||
		!der_take(&tbs, TAG_SEQUENCE, &validity) || !time_read(&validity, &c->not_before) ||
		!time_read(&validity, &c->not_after) || !der_take(&tbs, TAG_SEQUENCE, &subject) ||
		!public_key(a, &tbs, &c->key) || !common_name(a, subject, &c->common_name))
		return false;
	c->self_issued = der_is(issuer, subject.p, subject.n);
	while (tbs.n) {
		unsigned tag;
		if (!der_any(&tbs, &tag, &extensions))
			return false;
		if (tag == TAG_EXTENSIONS && !alt_names(a, extensions, c))
			return false;
	}
	return true;
}

bool cert_read(struct arena *a, struct str pem, struct cert_info *out)
{
	struct str bytes;
	struct der cert, tbs;
	*out = (struct cert_info){
		.common_name = "", .names = ARENA_ARRAY(a, const char *, CERT_NAMES_MAX)};
	if (!pem_block(a, pem, "CERTIFICATE", &bytes))
		return false;
	struct der d = der_of(bytes);
	return der_take(&d, TAG_SEQUENCE, &cert) && der_take(&cert, TAG_SEQUENCE, &tbs) &&
	       tbs_read(a, tbs, out);
}
