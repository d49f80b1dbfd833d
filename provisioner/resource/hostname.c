/* SPDX-License-Identifier: MIT
 *
 * The type `hostname`: the kernel's host name, and /etc/hostname, which sets it at boot. Never
 * changes /etc/hosts.
 */
#include <unistd.h>
#include "host/path.h"
#include "resource/types.h"

#define HOSTNAME_FILE "/etc/hostname"

enum { NAME_LEN_MAX = 64, LABEL_MAX = 63, FILE_LEN_MAX = 4096 };

static const struct field hostname_fields[] = {
	{.name = "name",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "The host's name, fully qualified or not."},
	{.name = "use",
		.kind = FIELD_ENUM,
		.choices = "systemd debian generic",
		.flags = FIELD_ACTION,
		.doc = "Accepted; the host name is set in the same way for every value."},
	{0},
};

static const struct field hostname_returns[] = {
	{.name = "name", .kind = FIELD_STR, .doc = "The host's name."},
	{0},
};

/* RFC 1123 2.1, and the kernel's limit of 64. */
static bool is_valid(struct str name)
{
	size_t label = 0;
	if (name.n == 0 || name.n > NAME_LEN_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool word =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		bool last = i + 1 == name.n || name.p[i + 1] == '.';
		if (c == '.' && label > 0 && i + 1 < name.n)
			label = 0;
		else if (word || (c == '-' && label > 0 && !last))
			label++;
		else
			return false;
		if (label > LABEL_MAX)
			return false;
	}
	return true;
}

static bool hostname_check(const struct value *params, struct errs *errs)
{
	const struct value *name = map_at(params, "name");
	if (!name || name->type != VALUE_STR || is_valid(name->s))
		return true;
	return errs_add(errs, name->pos,
		"'%s' is not a host name; write labels of letters, digits and '-', separated by "
		"'.', at most %d characters",
		name->s.p, NAME_LEN_MAX);
}

/* The first line that is not a comment (hostname(5)). */
static const char *name_in_file(struct arena *a, struct str text)
{
	while (text.n) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;
		struct str line = str_trim(a, str_dup(a, text.p, n));
		if (line.n && line.p[0] != '#')
			return line.p;
		text.p += n + (end != NULL);
		text.n -= n + (end != NULL);
	}
	return NULL;
}

/* Owned by root and readable by all, because programs read it. */
static const struct value *file_attrs(struct arena *a)
{
	struct value *v = value_map(a);
	map_put(a, v, "owner", value_text(a, "root"));
	map_put(a, v, "group", value_text(a, "root"));
	map_put(a, v, "mode", value_text(a, "0644"));
	return v;
}

static bool hostname_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *want = map_cstr(params, "name", "");
	char now[NAME_LEN_MAX + 1] = "";
	const struct str *text;
	observation_init(h, o);
	if (gethostname(now, sizeof(now)) < 0)
		return err_errno(e, "cannot read the host name");
	now[NAME_LEN_MAX] = 0;
	if (!path_read_own(h, HOSTNAME_FILE, FILE_LEN_MAX, &text, o, e))
		return false;
	const char *boot = text ? name_in_file(h->a, *text) : NULL;
	if (strcmp(now, want) != 0)
		observe_attr(h, o, "name", now, want);
	if (!boot || strcmp(boot, want) != 0)
		observe_attr(h, o, "name at boot", boot, want);
	if (text && !attr_observe(h, HOSTNAME_FILE, file_attrs(h->a), o, e))
		return false;
	map_put(h->a, o->result, "name", value_text(h->a, want));
	return true;
}

static bool hostname_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *want = map_cstr(params, "name", "");
	struct str text = str_printf(h->a, "%s\n", want);
	const struct value *attrs = file_attrs(h->a);
	if (observed_change(o, "name at boot") &&
		!write_file(h, HOSTNAME_FILE, text, attrs, 0644, e))
		return false;
	if (!attr_apply(h, HOSTNAME_FILE, attrs, e))
		return false;
	if (observed_change(o, "name") && sethostname(want, strlen(want)) < 0)
		return err_errno(e, "cannot set the host name to %s", want);
	return true;
}

const struct restype restype_hostname = {
	.name = "hostname",
	.full_names = BUILTIN_NAMES("hostname"),
	.key = "name",
	.doc = "The host's name, now and after the next boot.",
	.example = "- name: The name that mail servers see\n  hostname:\n"
		   "    name: mx1.example.com\n",
	.fields = hostname_fields,
	.returns = hostname_returns,
	.class = RES_HOST,
	.touches = RES_HOST | RES_COMMAND,
	.check = hostname_check,
	.observe = hostname_observe,
	.apply = hostname_apply,
};
