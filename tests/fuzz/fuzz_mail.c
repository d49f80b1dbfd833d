/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the rules of the declared mail state. The bytes choose keys of the schema and values of
 * every shape, so that most of it is wrong somewhere: it is told, and what passes can be derived.
 */
#include "dns/dns.h"
#include "jinja/jinja.h"
#include "mail/mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH_MAX = 5, ENTRIES_MAX = 6 };
struct input {
	struct arena *a;
	const uint8_t *p, *end;
};
static const char *const texts[] = {"", "a", "b", "A@d.test", "a@d.test", "b+x@D.test", "c@e.test",
	"x@far.test", "l", "l@d.test", "postmaster", "abuse@e.test", "@d.test", "a@", "+x", "null",
	"gmail", "mxroute", "builtin", "v=spf1 a mx ~all", "v=DMARC1; p=none; rua=mailto:a@e.test",
	"192.0.2.1", "2001:db8::1", "192.0.2.0/24", "d.test",
	("b\xc3\xbc"
	 "cher.test"),
	"global", "both", "members", "spamassassin", "none", "majordomo", "error:x", "relaylim",
	"[h.test]", "$6$abcdefghijklmnop$abcdefghijklmnopqrstuvwxyz", "/x/ REJECT", "x\ny",
	"mx1.x.test"};
static const char *const names[] = {"a", "b", "c", "l", "m", "d.test", "e.test", "D.TEST",
	("b\xc3\xbc"
	 "cher.test"),
	"xn--bcher-kva.test", "postmaster", "abuse", "team", ""};

static unsigned next_number(struct input *in, unsigned below)
{
	return in->p < in->end ? *in->p++ % below : 0;
}

static struct value *make_value(struct input *in, int depth);

static struct value *make_text(struct input *in)
{
	struct value *v = value_text(in->a, texts[next_number(in, ARRAY_LEN(texts))]);
	v->pos = (struct pos){"fuzz.yml", 1, 1};
	return v;
}

/* A map with keys of the table, or with names where the keys are the user's. */
static struct value *make_map(struct input *in, const struct field *table, int depth)
{
	struct value *v = value_map(in->a);
	size_t n = 0;
	for (; table && table[n].name; n++)
		;
	for (unsigned left = next_number(in, n ? (unsigned)n + 1 : ENTRIES_MAX); left; left--) {
		const struct field *f = n ? &table[next_number(in, (unsigned)n)] : NULL;
		const char *key = f ? f->name : names[next_number(in, ARRAY_LEN(names))];
		struct value *one = NULL;
		if (!f || next_number(in, 8) == 0)
			one = make_value(in, depth - 1);
		else if (f->kind == FIELD_MAP && f->sub)
			one = make_map(in, f->sub, depth - 1);
		else if (f->kind == FIELD_MAP)
			one = make_map(in, NULL, depth - 1);
		else if (f->kind == FIELD_BOOL)
			one = value_bool(in->a, next_number(in, 2));
		else if (f->kind == FIELD_MAPOF) {
			one = value_map(in->a);
			for (unsigned m = next_number(in, ENTRIES_MAX); m; m--)
				map_put(in->a, one, names[next_number(in, ARRAY_LEN(names))],
					make_map(in, f->sub, depth - 1));
		} else if (f->kind == FIELD_LIST) {
			one = value_list(in->a);
			for (unsigned m = next_number(in, ENTRIES_MAX); m; m--)
				list_add(in->a, one,
					f->sub ? make_map(in, f->sub, depth - 1) : make_text(in));
		} else
			one = make_text(in);
		map_put(in->a, v, key, one);
	}
	v->pos = (struct pos){"fuzz.yml", 1, 1};
	return v;
}

static struct value *make_value(struct input *in, int depth)
{
	struct value *v;
	switch (next_number(in, depth > 0 ? 8 : 5)) {
	case 0:
		return value_null(in->a);
	case 1:
		return value_int(in->a, next_number(in, 256));
	case 2:
		return value_unknown(in->a, "until later");
	case 3:
	case 4:
		return make_text(in);
	case 5:
		return make_map(in, NULL, depth - 1);
	default:
		v = value_list(in->a);
		for (unsigned m = next_number(in, ENTRIES_MAX); m; m--)
			list_add(in->a, v, make_value(in, depth - 1));
		return v;
	}
}

/* What passed, as mail_derive and `provision dns records` take it. */
static void derive_lists(struct arena *a, struct value *mail, const struct mail_state *parsed)
{
	struct value *out = value_map(a);
	struct dns_records records = {.a = a};
	struct dns_host h = {.mail = mail};
	struct buf b;
	mail_lists_derive(a, parsed, out);
	mail_derive_outbound(a, parsed, out);
	mail_zones(a, parsed, out);
	h.zones = map_at(out, "mail_zones");
	dns_host_records(&records, &h, map_at(out, "mail_host_dkim"));
	for (size_t i = 0; i < h.zones->list.n; i++)
		dns_domain(&records, &h, h.zones->list.v[i], NULL);
	buf_init(&b, 1 << 24);
	dns_print(&records, &b);
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct input in = {a, data, data + size};
	struct value *mail = make_map(&in, mail_fields, DEPTH_MAX), *checked;
	const struct mail_state *parsed;
	struct errs errs;
	errs_init(&errs, a);
	map_put(a, mail, "hostname", value_text(a, "mx1.x.test"));
	checked = fields_check(a, mail_fields, mail, "mail", &errs);
	mail = checked ? checked : mail;
	parsed = mail_parse(a, mail);
	mail_rules(a, parsed, &errs);
	mail_fail2ban_rules(parsed, &errs);
	if (!errs.n && !value_find_type(mail, VALUE_UNKNOWN))
		derive_lists(a, mail, parsed);
	arena_free(a);
	return 0;
}
