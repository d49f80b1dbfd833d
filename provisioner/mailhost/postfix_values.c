/* SPDX-License-Identifier: MIT
 *
 * Values of main.cf whose mistakes show only when mail is delivered: transports, tables, next hops,
 * TLS values, milters. Checks the values that we set, as Postfix resolves them; looks up no table
 * and uses no network.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <unistd.h>
#include "mailhost/postfix.h"

enum { SHOWN_MAX = 200, PORT_MAX = 40 };

struct values {
	struct host *h;
	const char *folder;
	struct str services, types; /* the output of postconf; empty until needed */
};

/* The problem with one word, or NULL. */
typedef const char *judge_fn(struct values *v, struct str word);

static struct str run_postconf(struct values *v, const char *option)
{
	const char *argv[] = {"postconf", "-c", v->folder, option, NULL};
	struct proc_result r;
	struct err ignored = {0};
	return run_with(v->h, argv, (struct str){0}, &r, &ignored) && r.status == 0 ? r.out
										    : str_c("");
}

/* ---- transports ---- */
/* Lines of the form "name  type  private ...": is one a service that other programs of Postfix can
 * connect to? */
static bool has_service(struct arena *a, struct str list, struct str name)
{
	struct line line;
	while (line_next(&list, &line)) {
		const char *p = str_dup(a, line.p, line.n).p;
		if (strncmp(p, name.p, name.n) == 0 && isblank((unsigned char)p[name.n])) {
			p += name.n + strspn(p + name.n, " \t");
			if (strncmp(p, "inet ", 5) != 0 && strncmp(p, "pass ", 5) != 0)
				return true;
		}
	}
	return false;
}

static const char *judge_transport(struct values *v, struct str word)
{
	struct str name = str_dup(v->h->a, word.p, strcspn(word.p, ":"));
	if (!v->services.n)
		v->services = run_postconf(v, "-M");
	if (!v->services.n || has_service(v->h->a, v->services, name))
		return NULL;
	return arena_printf(
		v->h->a, "master.cf has no service '%s' for mail; define it there first", name.p);
}

/* ---- tables ---- */
static bool has_line(struct arena *a, struct str list, const char *text)
{
	struct line line;
	while (line_next(&list, &line))
		if (strcmp(str_trim(a, str_dup(a, line.p, line.n)).p, text) == 0)
			return true;
	return false;
}

/* The file of a table with that type and name; NULL: it has none, or the type is not known here. */
static const char *table_file(struct arena *a, const char *type, const char *name)
{
	static const char *const files[][2] = {{"hash", ".db"}, {"btree", ".db"}, {"cdb", ".cdb"},
		{"lmdb", ".lmdb"}, {"dbm", ".pag"}, {"sdbm", ".pag"}, {"texthash", ""},
		{"regexp", ""}, {"pcre", ""}, {"cidr", ""}};
	for (size_t i = 0; name[0] == '/' && i < ARRAY_LEN(files); i++)
		if (strcmp(files[i][0], type) == 0)
			return arena_printf(a, "%s%s", name, files[i][1]);
	return NULL;
}

static const char *judge_table(struct values *v, struct str word)
{
	size_t n = strspn(word.p, "abcdefghijklmnopqrstuvwxyz");
	struct arena *a = v->h->a;
	if (!n || word.p[n] != ':')
		return NULL;
	if (!v->types.n)
		v->types = run_postconf(v, "-m");
	const char *type = str_dup(a, word.p, n).p, *name = word.p + n + 1;
	if (v->types.n && !has_line(a, v->types, type))
		return arena_printf(a,
			"this Postfix does not support tables of the type '%s' (postconf -m)",
			type);
	if (strcmp(type, "proxy") == 0)
		return judge_table(v, str_c(name));
	const char *file = table_file(a, type, name);
	if (file && access(file, F_OK) != 0)
		return arena_printf(a, "%s does not exist", file);
	return NULL;
}

/* ---- next hops, addresses, milters ---- */
static const char *judge_hop(struct values *v, struct str word)
{
	static const char odd[] = "is not a next hop; write relay.example.net, "
				  "[relay.example.net] or [192.0.2.1]:587";
	const char *p = word.p, *end = p;
	(void)v;
	if (str_starts(word, "unix:") || str_starts(word, "inet:"))
		return NULL;
	if (*p == '[') {
		end = strchr(p, ']');
		if (!end || end == p + 1)
			return odd;
		end++;
	} else {
		end += strcspn(p, ":");
	}
	for (const char *c = p; c < end; c++)
		if (!isalnum((unsigned char)*c) && !strchr("[].:_-", *c) && !(*c & 0x80))
			return odd;
	if (end == p || strpbrk(p + (*p == '['), "[") || (*p != '[' && strchr(p, ']')))
		return odd;
	if (!*end)
		return NULL;
	size_t port = strcspn(end + 1, ":[]/ ");
	return *end == ':' && port > 0 && port < PORT_MAX && !end[1 + port] ? NULL : odd;
}

static const char *judge_address(struct values *v, struct str word)
{
	unsigned char ip[16];
	(void)v;
	if (inet_pton(AF_INET, word.p, ip) == 1 || inet_pton(AF_INET6, word.p, ip) == 1)
		return NULL;
	return "is not an IP address";
}

static const char *judge_milter(struct values *v, struct str word)
{
	(void)v;
	if (word.p[0] == '{' || str_starts(word, "inet:") || str_starts(word, "unix:") ||
		str_starts(word, "local:"))
		return NULL;
	return "is not a milter; write inet:127.0.0.1:PORT or unix:/PATH";
}

static const char *judge_file(struct values *v, struct str word)
{
	return word.p[0] != '/' || access(word.p, F_OK) == 0
		       ? NULL
		       : arena_printf(v->h->a, "%s does not exist", word.p);
}

/* ---- words of TLS ---- */
static const char *judge_protocol(struct values *v, struct str word)
{
	static const char *const names[] = {
		"SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
	const char *p = word.p + strspn(word.p, "!<>=");
	(void)v;
	if (isdigit((unsigned char)*p) || !*p)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(p, names[i]) == 0)
			return NULL;
	return "is not a TLS protocol; write >=TLSv1.2";
}

static const char *judge_cipher(struct values *v, struct str word)
{
	static const char *const grades[] = {"export", "low", "medium", "high", "null"};
	(void)v;
	for (size_t i = 0; i < ARRAY_LEN(grades); i++)
		if (strcasecmp(word.p, grades[i]) == 0)
			return NULL;
	return "is not a cipher grade; write medium or high";
}

/* ---- numbers, which the queue manager alone reads ---- */
static const char *judge_number(struct values *v, struct str word)
{
	(void)v;
	return word.p[strspn(word.p, "0123456789")] ? "is not a number" : NULL;
}

static const char *judge_time(struct values *v, struct str word)
{
	size_t n = strspn(word.p, "0123456789");
	(void)v;
	if (n && (!word.p[n] ||
			 (strchr("smhdw", tolower((unsigned char)word.p[n])) && !word.p[n + 1])))
		return NULL;
	return "is not a duration; write 30s, 10m, 2h or 5d";
}

/* ---- which is which ---- */
static const struct {
	const char *name; /* "*_maps": every name with this ending */
	judge_fn *judge;
} kinds[] = {
	{"default_transport", judge_transport},
	{"local_transport", judge_transport},
	{"virtual_transport", judge_transport},
	{"relay_transport", judge_transport},
	{"mailbox_transport", judge_transport},
	{"fallback_transport", judge_transport},
	{"content_filter", judge_transport},
	{"relayhost", judge_hop},
	{"smtp_fallback_relay", judge_hop},
	{"smtp_bind_address", judge_address},
	{"smtp_bind_address6", judge_address},
	{"smtpd_milters", judge_milter},
	{"non_smtpd_milters", judge_milter},
	{"smtp_tls_CAfile", judge_file},
	{"smtp_tls_cert_file", judge_file},
	{"smtp_tls_key_file", judge_file},
	{"*_tls_protocols", judge_protocol},
	{"*_tls_mandatory_protocols", judge_protocol},
	{"*_tls_ciphers", judge_cipher},
	{"*_tls_mandatory_ciphers", judge_cipher},
	{"*_time_limit", judge_time},
	{"*_limit", judge_number},
	{"*_lifetime", judge_time},
	{"*_backoff_time", judge_time},
	{"*_retry_time", judge_time},
	{"*_run_delay", judge_time},
	{"*_rate_delay", judge_time},
	{"*_warning_time", judge_time},
	{"*_maps", judge_table},
	{"*_checks", judge_table},
};

static judge_fn *judge_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].name[0] == '*' ? str_ends(str_c(name), kinds[i].name + 1)
					    : strcmp(kinds[i].name, name) == 0)
			return kinds[i].judge;
	return NULL;
}

/* The length of the first word of p: up to white space or a comma outside braces. */
static size_t word_length(const char *p)
{
	size_t n = 0;
	int depth = 0;
	for (; p[n]; n++) {
		if (p[n] == '{')
			depth++;
		else if (p[n] == '}')
			depth--;
		else if (depth <= 0 && strchr(", \t", p[n]))
			break;
	}
	return n;
}

static const char *judge_value(struct values *v, const char *name, const char *value)
{
	judge_fn *judge = judge_of(name);
	struct arena *a = v->h->a;
	value += strspn(value, " \t");
	if (judge == judge_transport) /* anything may follow the colon */
		value = str_dup(a, value, strcspn(value, " \t")).p;
	for (size_t n; judge && *(value += strspn(value, ", \t")); value += n) {
		struct str word = str_dup(a, value, n = word_length(value));
		const char *trouble = strchr(word.p, '$') ? NULL : judge(v, word);
		if (trouble)
			return arena_printf(a, "%s: '%.*s'%s %s", name, SHOWN_MAX, word.p,
				str_starts(str_c(trouble), "is ") ? "" : ":", trouble);
	}
	return NULL;
}

const char *postfix_values(struct host *h, const char *folder, const struct value *managed)
{
	struct values v = {.h = h, .folder = folder};
	struct args argv = {0};
	struct proc_result r;
	struct err ignored = {0}; /* no result: the activation will show it */
	struct line line;
	args_add(h->a, &argv, "postconf");
	args_add(h->a, &argv, "-c");
	args_add(h->a, &argv, folder);
	args_add(h->a, &argv, "-x");
	size_t options = argv.n;
	for (size_t i = 0; managed && i < managed->map.n; i++)
		if (managed->map.e[i].value->type != VALUE_NULL &&
			judge_of(managed->map.e[i].key.p))
			args_add(h->a, &argv, managed->map.e[i].key.p);
	if (argv.n == options || !run_with(h, argv.v, (struct str){0}, &r, &ignored))
		return NULL;
	while (line_next(&r.out, &line)) {
		const char *text = str_dup(h->a, line.p, line.n).p, *equals = strstr(text, " =");
		const char *trouble =
			equals ? judge_value(&v, str_dup(h->a, text, (size_t)(equals - text)).p,
					 equals + 2)
			       : NULL;
		if (trouble)
			return trouble;
	}
	return NULL;
}
