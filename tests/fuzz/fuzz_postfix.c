/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the edits of a host's main.cf and master.cf: whatever they hold, what was edited is as it
 * is to be, so a second edit changes nothing.
 */
#include "mailhost/postfix_main.h"
#include "mailhost/postfix_master.h"
#include "yaml/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct value *parse_wanted(struct arena *a, const char *json)
{
	struct err e = {0};
	struct value *v = json_parse(a, str_c(json), &e);
	if (!v)
		panic("%s", e.msg);
	return v;
}

static void check_same(const char *what, struct str once, struct str twice)
{
	if (!str_eq(once, twice))
		panic("%s is edited twice:\n%s\n----\n%s", what, once.p, twice.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct str text = str_dup(a, (const char *)data, size), once;
	struct value *settings = parse_wanted(
		a, "{\"myhostname\": \"mx.x.test\", \"relayhost\": null, \"biff\": \"no\"}");
	struct value *services = parse_wanted(a, "{\"smtp/inet\": {\"command\": \"smtpd -o a=1\"}, "
						 "\"uucp/unix\": null}");
	once = main_cf_edit(a, text, settings, NULL);
	check_same("main.cf", once, main_cf_edit(a, once, settings, NULL));
	once = master_cf_edit(a, text, services);
	check_same("master.cf", once, master_cf_edit(a, once, services));
	arena_free(a);
	return 0;
}
