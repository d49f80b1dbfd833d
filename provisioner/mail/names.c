/* SPDX-License-Identifier: MIT
 *
 * The syntax of domains, local parts, password hashes and networks in the mail state. Does not look
 * up any of them.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <idn2.h>
#include <locale.h>
#include <wctype.h>
#include "mail/mail.h"

enum { DOMAIN_MAX = 253, LABEL_MAX = 63, LOCAL_MAX = 64 };
#define TOO_LONG "it has more than 64 characters before the @ (RFC 5321, 4.5.3.1.1)"

/* RFC 1035 and 1123: letters, digits and inner hyphens, two labels at least. */
static bool host_syntax(const char *p)
{
	size_t labels = 0;
	if (strlen(p) > DOMAIN_MAX)
		return false;
	while (*p) {
		size_t n = strcspn(p, ".");
		if (n == 0 || n > LABEL_MAX || p[0] == '-' || p[n - 1] == '-')
			return false;
		for (size_t i = 0; i < n; i++)
			if (!isalnum((unsigned char)p[i]) && p[i] != '-')
				return false;
		labels++;
		p += n;
		if (*p == '.' && !*++p)
			return false;
	}
	return labels >= 2;
}

bool mail_fqdn(struct str name)
{
	return strlen(name.p) == name.n && host_syntax(name.p) &&
	       strspn(strrchr(name.p, '.') + 1, "0123456789") != strlen(strrchr(name.p, '.') + 1);
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

bool mail_domain_ascii(struct arena *a, struct str domain, struct str *out)
{
	char *ascii = NULL;
	if (strlen(domain.p) != domain.n)
		return false;
	if (is_ascii(domain)) {
		char *lower = arena_strdup(a, domain.p);
		for (char *p = lower; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		*out = str_c(lower);
	} else {
		if (idn2_to_ascii_8z(domain.p, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
			return false;
		*out = str_dup(a, ascii, strlen(ascii));
		idn2_free(ascii);
	}
	return mail_fqdn(*out);
}

/* By the rules of mail_domain_ascii, for the Unicode form as well. */
static bool domain_ok(const char *p)
{
	char *ascii = NULL;
	bool ok;
	if (is_ascii(str_c(p)))
		return mail_fqdn(str_c(p));
	if (idn2_to_ascii_8z(p, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	ok = mail_fqdn(str_c(ascii));
	idn2_free(ascii);
	return ok;
}

/* The same name with its non-ASCII letters in capitals: a client may send a login that way. */
static char *in_capitals(struct arena *a, const char *p)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before;
	wchar_t wide[DOMAIN_MAX + 1];
	char *out = NULL;
	size_t n;
	if (!utf8)
		return NULL;
	before = uselocale(utf8);
	n = mbstowcs(wide, p, DOMAIN_MAX);
	if (n < DOMAIN_MAX) {
		wide[n] = 0;
		for (size_t i = 0; i < n; i++)
			if (wide[i] >= 0x80)
				wide[i] = (wchar_t)towupper((wint_t)wide[i]);
		out = arena_alloc(a, n * 4 + 1);
		if (wcstombs(out, wide, n * 4 + 1) == (size_t)-1)
			out = NULL;
	}
	uselocale(before);
	freelocale(utf8);
	return out;
}

static void add_spelling(
	struct arena *a, struct value *list, const char *unicode, struct str domain)
{
	struct str ascii;
	for (size_t i = 0; i < list->list.n; i++)
		if (str_is(list->list.v[i]->s, unicode))
			return;
	if (mail_domain_ascii(a, str_c(unicode), &ascii) && str_eq(ascii, domain)) {
		list_add(a, list, value_str(a, str_c(arena_strdup(a, unicode))));
		list->list.v[list->list.n - 1]->literal = true;
	}
}

void mail_domain_unicode(struct arena *a, struct str domain, struct value *list)
{
	char *unicode = NULL, *capitals;
	if (!strstr(domain.p, "xn--") || idn2_to_unicode_8z8z(domain.p, &unicode, 0) != IDN2_OK)
		return;
	if (!is_ascii(str_c(unicode))) {
		add_spelling(a, list, unicode, domain);
		capitals = in_capitals(a, unicode);
		if (capitals)
			add_spelling(a, list, capitals, domain);
	}
	idn2_free(unicode);
}

static bool ascii_before(struct str s, size_t n)
{
	return is_ascii((struct str){s.p, n});
}

/* Local parts of other servers may be odd, but Postfix refuses one that begins with a hyphen
 * (allow_min_user). */
const char *mail_target_wrong(struct str t)
{
	const char *at = memchr(t.p, '@', t.n);
	size_t n = at ? (size_t)(at - t.p) : t.n;
	if (!ascii_before(t, n))
		return "it has non-ASCII letters before the @, and this server does not support "
		       "SMTPUTF8";
	if (n > LOCAL_MAX)
		return TOO_LONG;
	if (n == 0 || t.p[0] == '-' || strlen(t.p) != t.n || strpbrk(t.p, " ,;:|<>()[]\"\\/"))
		return "it begins with '-' or has a character that is not allowed in an address "
		       "here";
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] < ' ' || t.p[i] == 127)
			return "it has a control character";
	return !at || domain_ok(at + 1) ? NULL : "the part behind the @ is not a domain name";
}

/* What may stand before the @ of a mailbox or alias here. It becomes a folder's name and a line in
 * tables, so less is allowed than in RFC 5321. No '+': it separates an address from its extension.
 */
const char *mail_local_wrong(struct str s)
{
	if (!is_ascii(s))
		return "it has non-ASCII letters, and this server does not support SMTPUTF8";
	for (size_t i = 0; i < s.n; i++)
		if (!islower((unsigned char)s.p[i]) && !isdigit((unsigned char)s.p[i]) &&
			!strchr("._-=~", s.p[i]))
			return "use lower-case letters, digits and . _ - = ~";
	if (s.n == 0 || strlen(s.p) != s.n)
		return "use lower-case letters, digits and . _ - = ~";
	if (s.n > LOCAL_MAX)
		return TOO_LONG;
	if (s.p[0] == '-')
		return "it begins with '-', which Postfix refuses in every recipient";
	if (s.p[0] == '.' || s.p[s.n - 1] == '.' || strstr(s.p, ".."))
		return "a '.' is allowed only between two other characters (RFC 5321, 4.1.2)";
	return NULL;
}

bool mail_hash_ok(struct str hash)
{
	static const char *const strong[] = {
		"$y$", "$7$", "$gy$", "$6$", "$5$", "$2b$", "$2y$", "$2a$"};
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(strong); i++)
		known = known || str_starts(hash, strong[i]);
	for (size_t i = 0; i < hash.n; i++)
		if (!isalnum((unsigned char)hash.p[i]) && !strchr("./$=,", hash.p[i]))
			return false;
	return known && hash.n > 20 && hash.n < 400 && strlen(hash.p) == hash.n;
}

static bool only_zeros(const unsigned char *addr, long from, long to)
{
	for (long bit = from; bit < to; bit++)
		if (addr[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

bool mail_network_ok(struct str s, bool *first)
{
	char text[64], *slash, *end;
	unsigned char addr[16];
	long bits, most;
	if (s.n >= sizeof(text) || strlen(s.p) != s.n)
		return false;
	memcpy(text, s.p, s.n + 1);
	slash = strchr(text, '/');
	if (slash)
		*slash++ = 0;
	if (inet_pton(AF_INET, text, addr) == 1)
		most = 32;
	else if (inet_pton(AF_INET6, text, addr) == 1)
		most = 128;
	else
		return false;
	bits = slash ? strtol(slash, &end, 10) : most;
	if (slash && (end == slash || *end || bits <= 0 || bits > most))
		return false;
	*first = only_zeros(addr, bits, most);
	return true;
}

struct str mail_join(struct arena *a, struct str left, char between, struct str right)
{
	char *p = arena_alloc(a, left.n + right.n + 2);
	memcpy(p, left.p, left.n);
	p[left.n] = between;
	memcpy(p + left.n + 1, right.p, right.n);
	return (struct str){p, left.n + 1 + right.n};
}

struct str mail_address(struct arena *a, struct str target, struct str domain)
{
	const char *at = memchr(target.p, '@', target.n);
	struct str local = {target.p, at ? (size_t)(at - target.p) : target.n};
	struct str host = at ? (struct str){at + 1, target.n - local.n - 1} : domain, ascii, out;
	if (!is_ascii(host) && mail_domain_ascii(a, host, &ascii))
		host = ascii;
	out = mail_join(a, local, '@', host);
	for (char *p = (char *)out.p; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return out;
}
