/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the checkers of SPF and DMARC, and the zone's text: what passes is one line of plain
 * ASCII, and a text of any bytes comes back whole from the record that it was printed as.
 */
#include <ctype.h>
#include "dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_message(void *ctx, bool warning, const char *what)
{
	if (!what || !*what)
		panic("nothing is said");
	*(bool *)ctx = *(bool *)ctx || !warning;
}

static void check_record(
	struct str text, void (*checker)(struct str, dns_said_fn *, void *), const char *begins)
{
	bool wrong = false;
	checker(text, take_message, &wrong);
	if (wrong)
		return;
	if (strncasecmp(text.p, begins, strlen(begins)) != 0)
		panic("passed and does not begin with %s", begins);
	for (size_t i = 0; i < text.n; i++)
		if ((text.p[i] < ' ' && text.p[i] != '\t') || text.p[i] > '~')
			panic("passed with byte %d", text.p[i]);
}

/* The strings between quotes of a line, joined, escapes undone (RFC 1035 5.1). */
static struct str read_back(struct arena *a, const char *p)
{
	char *out = arena_alloc(a, strlen(p) + 1);
	size_t n = 0, part = 0;
	for (bool in = false; *p && *p != '\n'; p++) {
		if (*p == '"') {
			in = !in;
			part = 0;
			continue;
		}
		if (!in)
			continue;
		if (p[0] == '\\' && isdigit((unsigned char)p[1])) {
			out[n++] = (char)((p[1] - '0') * 100 + (p[2] - '0') * 10 + p[3] - '0');
			p += 3;
		} else {
			p += *p == '\\';
			out[n++] = *p;
		}
		if (++part > DNS_STRING_MAX)
			panic("a string of more than %d octets", DNS_STRING_MAX);
	}
	out[n] = 0;
	return (struct str){out, n};
}

static void print_zone(struct arena *a, struct str text)
{
	struct dns_record one = {"x.test", "TXT", text};
	struct dns_records r = {.a = a, .v = &one, .n = 1, .cap = 1};
	struct buf b;
	struct str line;
	buf_init(&b, 1 << 24);
	dns_print(&r, &b);
	line = buf_str(a, &b);
	buf_free(&b);
	if (strcspn(line.p, "\n") + 1 != line.n)
		panic("more than one line");
	if (!str_eq(read_back(a, line.p), text))
		panic("another text comes back");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct str text = str_dup(a, (const char *)data, size);
	check_record(text, spf_check, "v=spf1");
	check_record(str_printf(a, "v=spf1 %s", text.p), spf_check, "v=spf1");
	check_record(text, dmarc_check, "v");
	check_record(str_printf(a, "v=DMARC1; p=none; %s", text.p), dmarc_check, "v");
	print_zone(a, text);
	arena_free(a);
	return 0;
}
