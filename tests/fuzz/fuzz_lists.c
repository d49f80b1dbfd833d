/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what is read of a mailing list that its engine's account has written: subscribers, and
 * Majordomo's NAME.config, in which settings are replaced: what was made of it is as it is to be.
 */
#include <fcntl.h>
#include <unistd.h>
#include "jinja/jinja.h"
#include "mailhost/mailing_list.h"
#include "yaml/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/dev/shm/provision-fuzz-XXXXXX";

static void remove_folder(void)
{
	rmdir(path);
}

static int make_folder(void)
{
	static int fd = -1;
	if (fd < 0) {
		fd = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (fd < 0 || atexit(remove_folder) != 0)
			panic("cannot make %s", path);
	}
	return fd;
}

/* No address has a blank or a capital letter, and read again they are the same. */
static void check_subscribers(struct arena *a, struct str text)
{
	struct value *once = value_map(a), *again = value_map(a);
	struct buf b;
	mlist_parse(a, text, once);
	buf_init(&b, 1 << 24);
	for (size_t i = 0; i < once->map.n; i++) {
		struct str address = once->map.e[i].key;
		if (!address.n || strpbrk(address.p, " \t\n") ||
			(mlist_person_valid(address) && strchr(address.p, '/')))
			panic("'%s' is an address", address.p);
		if (mlist_person_valid(address))
			buf_addf(&b, "%s\n", address.p);
	}
	mlist_parse(a, buf_str(a, &b), again);
	buf_free(&b);
	for (size_t i = 0; i < again->map.n; i++)
		if (!map_get(once, again->map.e[i].key))
			panic("'%s' came of nothing", again->map.e[i].key.p);
}

static struct str set_config(const struct mlist *l, struct str text)
{
	struct mlist_files files = {0};
	struct mlist_owner who = {(uid_t)-1, (gid_t)-1};
	struct err e = {0};
	if (!mlist_write(make_folder(), "l.config", text, &who, &e) ||
		!mlist_majordomo.files(l, make_folder(), true, &files, &e))
		panic("%s", e.msg);
	for (size_t i = 0; i < files.n; i++)
		if (strcmp(files.v[i].path, "l.config") == 0)
			return files.v[i].content;
	panic("no l.config");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct str text = str_dup(a, (const char *)data, size), first, second;
	struct mlist l = {.a = a, .address = "l@x.test", .name = "l", .domain = "x.test"};
	struct err e = {0};
	l.def = json_parse(a,
		str_c("{\"owner\": \"o@x.test\", \"post\": \"members\", \"subject_prefix\": "
		      "\"[l]\"}"),
		&e);
	l.all = value_map(a);
	check_subscribers(a, text);
	if (strlen(text.p) == text.n) {
		first = set_config(&l, text);
		second = set_config(&l, first);
		if (!str_eq(first, second))
			panic("the settings do not stay:\n%s\n----\n%s", first.p, second.p);
	}
	if (!mlist_remove(make_folder(), "l.config", &e) && e.kind)
		panic("%s", e.msg);
	arena_free(a);
	return 0;
}
