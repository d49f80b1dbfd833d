/* SPDX-License-Identifier: MIT
 *
 * The reference of the template language: filters, tests, functions, methods and lookups.
 */
#include "reference/reference.h"
#include "jinja/callables.h"
#include "jinja/jinja.h"
#include "site/listing.h"

static const struct {
	const char *one, *lead;
} kinds[CALL_KINDS] = {
	[CALL_FILTERS] = {"Filter", "value | "},
	[CALL_TESTS] = {"Test", "value is "},
	[CALL_FUNCTIONS] = {"Function", ""},
	[CALL_STR_METHODS] = {"Method of a text", "text."},
	[CALL_LIST_METHODS] = {"Method of a list", "list."},
	[CALL_MAP_METHODS] = {"Method of a mapping", "mapping."},
};

/* "!old !new count *" becomes (old, new, [count], ...); called: () when there are none. */
static void add_params(struct buf *b, const char *params, bool called)
{
	bool first = true;
	if (!*params && !called)
		return;
	buf_addc(b, '(');
	for (size_t n; *params; params += n + (params[n] == ' ')) {
		n = strcspn(params, " ");
		buf_adds(b, first ? "" : ", ");
		first = false;
		if (*params == '*')
			buf_adds(b, n > 1 ? "name=..." : "...");
		else if (*params == '!')
			buf_add(b, params + 1, n - 1);
		else
			buf_addf(b, "[%.*s]", (int)n, params);
	}
	buf_addc(b, ')');
}

/* The result as the example stands: an expression's value, or what a template prints. */
static void write_example(struct form *f, const char *example, const char *result)
{
	struct buf b;
	buf_init(&b, 1 << 16);
	buf_addf(&b, "%s\n=> %s\n", example, result);
	form_code(f, "", b.p);
	buf_free(&b);
}

static void write_callable(struct form *f, enum callables kind, const struct callable *c)
{
	struct buf b;
	buf_init(&b, 1 << 16);
	bool called = kind == CALL_FUNCTIONS || kind >= CALL_STR_METHODS;
	bool sign = strchr("!<=>", *c->name) != NULL;
	if (sign) /* `is` takes words only */
		buf_addf(&b, "values | select('%s', other)", c->name);
	else
		buf_addf(&b, "%s%s", kinds[kind].lead, c->name);
	if (!sign)
		add_params(&b, c->params, called);
	form_section(f, c->name);
	form_text(f, "%s `%s`", kinds[kind].one, b.p);
	form_text(f, "%s", c->doc);
	write_example(f, c->example, c->result);
	buf_free(&b);
}

static void write_kind(struct form *f, enum callables kind)
{
	for (const struct callable *const *c = callables(kind); *c; c++)
		write_callable(f, kind, *c);
}

static void write_lookup(struct form *f, const struct site_lookup *l)
{
	form_section(f, l->name);
	form_text(f, "Lookup `lookup('%s', ...)`, `query('%s', ...)`", l->name, l->name);
	form_text(f, "%s", l->doc);
	write_example(f, l->example, l->result);
}

void language_topic_filters(struct form *f)
{
	form_text(f,
		"A filter makes a new value from a value: `value | filter(arguments)`. "
		"Arguments in brackets may be left out. Below each example is its value as JSON.");
	write_kind(f, CALL_FILTERS);
}

void language_topic_tests(struct form *f)
{
	form_text(f, "A test says whether something holds for a value: `value is test(arguments)`, "
		     "`value is not test`. Below each example is its value as JSON.");
	write_kind(f, CALL_TESTS);
}

void language_topic_functions(struct form *f)
{
	form_text(f, "Functions stand alone in an expression. Below each example is its value, or "
		     "what the template prints, as JSON.");
	write_kind(f, CALL_FUNCTIONS);
}

void language_topic_methods(struct form *f)
{
	form_text(f,
		"Methods of a text, a list or a mapping, as Python has them. Below each example "
		"is its value, or what the template prints, as JSON.");
	for (enum callables kind = CALL_STR_METHODS; kind < CALL_KINDS; kind++)
		write_kind(f, kind);
}

void language_topic_lookups(struct form *f)
{
	form_text(f,
		"A lookup reads values from files beside the manifest, from the environment or "
		"from the inventory. `lookup` gives one value, or texts joined with commas; "
		"`query` gives a list. The examples assume a file files/hello.txt with "
		"`hello`, a template templates/hello.j2 with `hello {{ name }}`, and a "
		"variable `name` with `mx1`.");
	for (size_t i = 0; site_lookup_row(i); i++)
		write_lookup(f, site_lookup_row(i));
}

bool language_entry(struct form *f, const char *name)
{
	bool found = false;
	struct str bare = builtin_name(str_c(name));
	for (enum callables kind = 0; kind < CALL_KINDS; kind++)
		for (const struct callable *const *c = callables(kind); *c; c++)
			if (str_is(bare, (*c)->name)) {
				write_callable(f, kind, *c);
				found = true;
			}
	for (size_t i = 0; site_lookup_row(i); i++)
		if (str_is(bare, site_lookup_row(i)->name)) {
			write_lookup(f, site_lookup_row(i));
			found = true;
		}
	return found;
}
