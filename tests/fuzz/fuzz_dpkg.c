/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what reads dpkg's status: each package that the text names is found, and the owner of a
 * configuration file is one of them.
 */
#include "host/dpkg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The names of the lines "Package: NAME". */
static void find_all(struct arena *a, const struct dpkg *d, struct str text)
{
	struct line line;
	while (line_next(&text, &line)) {
		const char *name;
		if (line.n < 10 || memcmp(line.p, "Package: ", 9) != 0 || line.p[9] == ' ')
			continue;
		name = str_dup(a, line.p + 9, line.n - 9).p;
		if (package_find(&d->all, name, NULL))
			return;
		if (!text.n) /* the last stanza's: no other line can have replaced it */
			panic("'%s' is not found", name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct str text = str_dup(a, (const char *)data, size);
	struct dpkg *d = dpkg_parse(text);
	const char *owner = dpkg_conffile(a, text, "/etc/x.conf");
	find_all(a, d, text);
	if (owner && strlen(owner) > size)
		panic("the owner '%s'", owner);
	if (package_installed(package_find(&d->all, "x", "amd64")) &&
		!package_installed(package_find(&d->all, "x", NULL)))
		panic("installed of one architecture and of none");
	package_provided(&d->all, "mail-transport-agent");
	dpkg_free(d);
	arena_free(a);
	return 0;
}
