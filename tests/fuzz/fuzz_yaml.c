/* SPDX-License-Identifier: MIT
 *
 * libFuzzer: any bytes as YAML and as JSON; what was read is written and read again.
 */
#include "jinja/jinja.h"
#include "yaml/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct str text = str_dup(a, (const char *)p, n);
	struct errs errs;
	struct err e = {0};
	struct buf b;
	errs_init(&errs, a);
	buf_init(&b, 1 << 20);
	struct value *v = yaml_parse(a, "fuzz", text, &errs);
	if (!v && !errs.n)
		panic("no value and no problem");
	if (v) {
		yaml_dump(&b, v, &(struct yaml_style){.indent = 2, .width = 100});
		errs_init(&errs, a);
		yaml_parse(a, "again", buf_str(a, &b), &errs);
	} else {
		struct page *out = page_new(false);
		errs_print(&errs, out);
		page_free(out);
	}
	if (!json_parse(a, text, &e) && e.kind == ERR_NONE)
		panic("no value and no error");
	buf_free(&b);
	arena_free(a);
	return 0;
}
