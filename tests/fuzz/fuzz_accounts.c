/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what reads passwd, group and shadow: the input is split at NULs into the three. Whom it
 * found is found by name, with numbers that the system could have.
 */
#include "host/account.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str next_part(struct arena *a, const uint8_t **p, const uint8_t *end)
{
	const uint8_t *nul = *p < end ? memchr(*p, 0, (size_t)(end - *p)) : NULL;
	const uint8_t *to = nul ? nul : end;
	struct str s = str_dup(a, (const char *)*p, (size_t)(to - *p));
	*p = nul ? nul + 1 : end;
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	const uint8_t *p = data, *end = data + size;
	struct str passwd = next_part(a, &p, end), group = next_part(a, &p, end);
	struct accounts all = {0};
	accounts_parse(a, passwd, group, next_part(a, &p, end), &all);
	for (size_t i = 0; i < all.n_users; i++) {
		const struct account_user *u = &all.users[i];
		const struct account_user *found = account_user(&all, u->name);
		if (!found || strcmp(found->name, u->name) != 0 || !u->shell || !u->home)
			panic("the user '%s'", u->name);
		if (strchr(u->name, ':') || strchr(u->name, '\n') || u->uid == (unsigned)-1)
			panic("the user '%s' has %u", u->name, u->uid);
	}
	for (size_t i = 0; i < all.n_groups; i++) {
		if (!account_group(&all, all.groups[i].name))
			panic("the group '%s'", all.groups[i].name);
		for (const char **m = all.groups[i].members; *m; m++)
			if (strchr(*m, ',') || strchr(*m, ':'))
				panic("the member '%s'", *m);
	}
	arena_free(a);
	return 0;
}
