/* SPDX-License-Identifier: MIT
 *
 * libFuzzer: any bytes as an inventory in INI form and in YAML, then its order and a pattern.
 */
#include "inventory/host_pattern.h"
#include "yaml/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void match_text(struct inventory *inv, struct arena *a, struct str text)
{
	size_t line = strcspn(text.p, "\n");
	const char **out;
	struct err e = {0};
	size_t found;
	inventory_finish(inv);
	pattern_match(inv, a, str_dup(a, text.p, line).p, &out, &found, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct str text = str_dup(a, (const char *)p, n);
	struct inventory *inv = inventory_new(a);
	struct value *doc;
	struct errs errs;
	errs_init(&errs, a);
	inventory_ini(inv, text, "fuzz", &errs);
	match_text(inv, a, text);
	inv = inventory_new(a);
	doc = yaml_parse(a, "fuzz", text, &errs);
	if (doc)
		inventory_yaml(inv, doc, "fuzz", &errs);
	match_text(inv, a, text);
	arena_free(a);
	return 0;
}
