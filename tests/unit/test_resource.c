/* SPDX-License-Identifier: MIT
 *
 * The file types, by data: the cases of tests/cases/resource say what stands in a folder, what is
 * asked, what observe must find, and what must stand there after apply. Every case that applies is
 * observed again and must have converged.
 *
 * A case has "type" and "params" ($T is its folder), and may have: "setup": what is there before;
 * "foreseen", "pending": what earlier steps will do; "changes": what observe must find (none: it
 * has converged); "tree": the folder afterwards; "result": fields of the result; "error" or
 * "problem": a part of the message of observe or apply, or of the check; and with yes or no "root",
 * "as_other_user", "observe_only", "error_in_apply", "never_converges".
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cases.h"
#include "jinja/jinja.h"
#include "host/foresight.h"
#include "host/path.h"
#include "resource/resource.h"
#include "printed.h"
#include "yaml/yaml.h"
#include "agent/restype.h"

enum { OTHER_USER = 65534, TEXT_LIMIT = 1 << 20 };

struct bench {
	struct arena *a;
	const char *dir; /* the case's folder, $T in its texts */
	const char *originals;
	struct host h;
	const char *problem; /* what went wrong in the case */
};

/* ---- texts with $T ---- */

static const char *swap_text(struct arena *a, const char *s, const char *from, const char *to)
{
	struct buf b;
	size_t n = strlen(from);
	buf_init(&b, TEXT_LIMIT);
	for (const char *at; (at = strstr(s, from)); s = at + n) {
		buf_add(&b, s, (size_t)(at - s));
		buf_adds(&b, to);
	}
	buf_adds(&b, s);
	const char *out = buf_str(a, &b).p;
	buf_free(&b);
	return out;
}

static struct value *place_value(struct bench *t, const struct value *v)
{
	struct value *c = value_shallow(t->a, v);
	if (v->type == VALUE_STR && strstr(v->s.p, "$T"))
		c->s = str_c(swap_text(t->a, v->s.p, "$T", t->dir));
	for (size_t i = 0; v->type == VALUE_LIST && i < v->list.n; i++)
		c->list.v[i] = place_value(t, v->list.v[i]);
	for (size_t i = 0; v->type == VALUE_MAP && i < v->map.n; i++)
		c->map.e[i].value = place_value(t, v->map.e[i].value);
	return c;
}

/* ---- the folder ---- */

static void must_hold(bool ok, const char *what)
{
	if (!ok)
		fail_msg("%s: %s", what, strerror(errno));
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	must_hold(fd >= 0 && write_all(fd, text, strlen(text)), path);
	close(fd);
}

static int link_named(struct bench *t, const char *name, const char *path)
{
	return link(path_join(t->a, t->dir, name), path);
}

/* {path, dir: true | file: text | link: target | hard: name | fifo: true | size: n, mode, uid} */
static void set_up_one(struct bench *t, const struct value *s)
{
	const char *path = path_join(t->a, t->dir, map_cstr(s, "path", ""));
	const char *link = map_cstr(s, "link", NULL), *mode = map_cstr(s, "mode", NULL);
	if (link)
		must_hold(symlink(swap_text(t->a, link, "$T", t->dir), path) == 0, path);
	else if (map_cstr(s, "hard", NULL))
		must_hold(link_named(t, map_cstr(s, "hard", ""), path) == 0, path);
	else if (map_bool(s, "dir", false))
		must_hold(mkdir(path, 0755) == 0, path);
	else if (map_bool(s, "fifo", false))
		must_hold(mkfifo(path, 0644) == 0, path);
	else
		write_text(path, map_cstr(s, "file", ""));
	if (map_int(s, "size", 0))
		must_hold(truncate(path, map_int(s, "size", 0)) == 0, path);
	if (map_int(s, "uid", -1) >= 0)
		must_hold(lchown(path, (uid_t)map_int(s, "uid", 0), (gid_t)-1) == 0, path);
	if (mode)
		must_hold(chmod(path, (mode_t)strtoul(mode, NULL, 8)) == 0, path);
}

static const char *owner_note(struct arena *a, const struct stat *st)
{
	if (st->st_uid == getuid() && st->st_gid == getgid())
		return "";
	return arena_printf(a, " %u:%u", (unsigned)st->st_uid, (unsigned)st->st_gid);
}

static const char *entry_line(struct bench *t, const char *path)
{
	struct stat st;
	struct err e = {0};
	struct str text;
	must_hold(lstat(path, &st) == 0, path);
	if (S_ISLNK(st.st_mode))
		return arena_printf(t->a, "link -> %s",
			swap_text(t->a, path_link_target(t->a, path, &e), t->dir, "$T"));
	const char *line = arena_printf(t->a, "%s %04o%s", file_kind(st.st_mode),
		st.st_mode & 07777, owner_note(t->a, &st));
	if (!S_ISREG(st.st_mode) || st.st_size > 1000 || st.st_size == 0)
		return line;
	assert_true(file_read(t->a, path, TEXT_LIMIT, &text, &e));
	struct buf b;
	buf_init(&b, TEXT_LIMIT);
	json_quote(&b, text);
	line = arena_printf(t->a, "%s %s", line, buf_str(t->a, &b).p);
	buf_free(&b);
	return line;
}

/* Backups carry the time in their name: "x.123.2024-01-01@10:00:00~" is shown as "x.BACKUP". */
static const char *steady_name(struct arena *a, const char *name)
{
	size_t n = strlen(name);
	if (n < 22 || name[n - 1] != '~')
		return name;
	const char *stamp = name + n - 20;
	while (stamp > name && stamp[-1] != '.')
		stamp--;
	for (stamp--; stamp > name && stamp[-1] != '.';)
		stamp--;
	return arena_printf(a, "%.*sBACKUP", (int)(stamp - name), name);
}

static void list_tree(struct bench *t, const char *dir, const char *prefix, struct value *out)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);
	must_hold(n >= 0, dir);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			const char *path = path_join(t->a, dir, name);
			const char *shown =
				arena_printf(t->a, "%s%s", prefix, steady_name(t->a, name));
			struct stat st;
			map_put(t->a, out, shown, value_text(t->a, entry_line(t, path)));
			if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
				list_tree(t, path, arena_printf(t->a, "%s/", shown), out);
		}
		free(names[i]);
	}
	free(names);
}

/* ---- changes as text ---- */

static void add_side(struct buf *b, const struct value *v, bool quoted)
{
	if (v->type == VALUE_NULL)
		buf_adds(b, "absent");
	else if (v->type == VALUE_BLOB)
		buf_addf(b, "blob(%llu)", (unsigned long long)v->blob.size);
	else if (quoted)
		json_quote(b, v->s);
	else
		buf_add(b, v->s.p, v->s.n);
}

static struct value *change_line(struct bench *t, const struct value *c)
{
	struct buf b;
	const char *kind = map_cstr(c, "kind", "");
	bool text = strcmp(kind, "text") == 0;
	buf_init(&b, TEXT_LIMIT);
	buf_addf(&b, "%s: ", map_cstr(c, "field", ""));
	if (strcmp(kind, "run") != 0 && strcmp(kind, "maybe") != 0) {
		add_side(&b, map_at(c, "before"), text);
		buf_adds(&b, " -> ");
	}
	add_side(&b, map_at(c, "after"), text);
	struct value *v = value_text(t->a, swap_text(t->a, buf_str(t->a, &b).p, t->dir, "$T"));
	buf_free(&b);
	return v;
}

static struct value *change_lines(struct bench *t, const struct observation *o)
{
	struct value *l = value_list(t->a);
	for (size_t i = 0; i < o->changes->list.n; i++)
		list_add(t->a, l, change_line(t, o->changes->list.v[i]));
	return l;
}

/* ---- a case ---- */

static bool report_fault(struct bench *t, const char *what)
{
	t->problem = what;
	return false;
}

static struct str print_pretty(struct bench *t, const struct value *v)
{
	struct buf b;
	buf_init(&b, TEXT_LIMIT);
	json_write_pretty(&b, v, 0);
	buf_addc(&b, '\n');
	struct str s = buf_str(t->a, &b);
	buf_free(&b);
	return s;
}

static bool report_difference(
	struct bench *t, const char *what, const struct value *want, const struct value *got)
{
	return report_fault(
		t, arena_printf(t->a, "%s: - expected, + found\n%s", what,
			   diff_text(t->a, what, print_pretty(t, want), print_pretty(t, got)).p));
}

static bool expect_error(struct bench *t, const struct value *c, bool ok, const struct err *e)
{
	const char *want = map_cstr(c, "error", NULL);
	const char *got = swap_text(t->a, e->msg, t->dir, "$T");
	if (!want)
		return ok || report_fault(t, arena_printf(t->a, "error: %s", got));
	if (ok)
		return report_fault(t, "an error was expected");
	return strstr(got, want) || report_fault(t, arena_printf(t->a, "another error: %s", got));
}

static bool expect_result(struct bench *t, const struct value *c, const struct observation *o)
{
	const struct value *want = map_at(c, "result");
	for (size_t i = 0; want && i < want->map.n; i++) {
		const struct value *got = map_get(o->result, want->map.e[i].key);
		if (!got || !value_equal(place_value(t, want->map.e[i].value), got))
			return report_difference(t, "the result", place_value(t, want), o->result);
	}
	return true;
}

static bool expect_tree(struct bench *t, const struct value *c)
{
	const struct value *want = map_at(c, "tree");
	struct value *got = value_map(t->a);
	if (!want)
		return true;
	list_tree(t, t->dir, "", got);
	return value_equal(want, got) || report_difference(t, "the folder", want, got);
}

static bool expect_converged(struct bench *t, const struct restype *type,
	const struct value *params, const struct value *c)
{
	struct observation o;
	struct err e = {0};
	if (map_bool(c, "never_converges", false))
		return true;
	observation_init(&t->h, &o);
	t->h.pending = 0;
	if (!type->observe(&t->h, params, &o, &e))
		return report_fault(t, arena_printf(t->a, "observing again: %s", e.msg));
	return o.changes->list.n == 0 || report_difference(t, "what is left to change",
						 value_list(t->a), change_lines(t, &o));
}

static bool run_verbs(struct bench *t, const struct restype *type, const struct value *params,
	const struct value *c)
{
	const struct value *want = map_at(c, "changes");
	struct observation o;
	struct err e = {0};
	observation_init(&t->h, &o);
	bool ok = type->observe(&t->h, params, &o, &e);
	bool late = map_bool(c, "error_in_apply", false);
	if (!ok || (map_at(c, "error") && !late))
		return expect_error(t, c, ok, &e) && expect_result(t, c, &o);
	struct value *got = change_lines(t, &o);
	if (want ? !value_equal(want, got) : got->list.n > 0)
		return report_difference(t, "the changes", want ? want : value_list(t->a), got);
	if (type->apply && !map_bool(c, "observe_only", false) && got->list.n > 0) {
		ok = type->apply(&t->h, params, &o, &e);
		if (!expect_error(t, c, ok, &e) || !expect_tree(t, c))
			return false;
		if (ok && !expect_converged(t, type, params, c))
			return false;
	}
	return expect_tree(t, c) && expect_result(t, c, &o);
}

/* Problems of the parameters, as `check` and the table find them. */
static bool run_check(
	struct bench *t, const struct restype *type, const struct value *c, struct value **params)
{
	const struct value *want = map_at(c, "problem");
	struct errs errs;
	errs_init(&errs, t->a);
	*params = fields_check(
		t->a, type->fields, place_value(t, map_at(c, "params")), "module", &errs);
	if (*params && type->check)
		type->check(*params, &errs);
	if (!want && errs.n)
		return report_fault(t, errs.v[0].msg);
	if (want && (!errs.n || !strstr(errs.v[0].msg, want->s.p)))
		return report_fault(t, errs.n ? errs.v[0].msg : "no problem was found");
	return true;
}

/* What earlier steps of a plan do: {made: path}, {removed: path}, {written: path, text: ...}. */
static struct foresight *foresight_of(struct bench *t, const struct value *c)
{
	const struct value *list = map_at(c, "foreseen");
	struct foresight *f = foresight_new(t->a);
	for (size_t i = 0; list && i < list->list.n; i++) {
		const struct value *one = place_value(t, list->list.v[i]);
		const char *made = map_cstr(one, "made", NULL);
		const char *removed = map_cstr(one, "removed", NULL);
		if (made)
			foresee_made(f, made);
		else if (removed)
			foresee_removed(f, removed);
		else
			foresee_text(f, map_cstr(one, "written", ""), map_at(one, "text"));
	}
	return f;
}

static unsigned pending_of(const struct value *c)
{
	const char *p = map_cstr(c, "pending", "");
	return strstr(p, "all") ? RES_ALL
				: (strstr(p, "file") ? RES_FILE : 0) |
					  (strstr(p, "account") ? RES_ACCOUNT : 0);
}

/* A misspelt key would leave its expectation unchecked. */
static bool knows_keys(struct bench *t, const struct value *c)
{
	static const char known[] = "name type params setup foreseen pending changes tree result "
				    "error problem root as_other_user observe_only error_in_apply "
				    "never_converges";
	for (size_t i = 0; i < c->map.n; i++)
		if (!word_in(known, c->map.e[i].key))
			return report_fault(
				t, arena_printf(t->a, "the case has an unknown key '%s'",
					   c->map.e[i].key.p));
	return true;
}

static bool carry_out(struct bench *t, const struct value *c)
{
	const struct restype *type = restype_find(str_c(map_cstr(c, "type", "")));
	const struct value *setup = map_at(c, "setup");
	struct value *params;
	if (!knows_keys(t, c))
		return false;
	if (!type)
		return report_fault(t, "there is no such type");
	for (size_t i = 0; setup && i < setup->list.n; i++)
		set_up_one(t, setup->list.v[i]);
	if (!run_check(t, type, c, &params))
		return false;
	if (map_at(c, "problem"))
		return true;
	t->h = (struct host){.a = t->a,
		.foresight = foresight_of(t, c),
		.pending = pending_of(c),
		.originals = t->originals};
	bool other = map_bool(c, "as_other_user", false);
	if (other)
		must_hold(seteuid(OTHER_USER) == 0, "seteuid");
	bool ok = run_verbs(t, type, params, c);
	if (other)
		must_hold(seteuid(0) == 0, "seteuid back");
	return ok;
}

/* ---- all cases ---- */

static void remove_tree(const char *path)
{
	struct arena *a = arena_new();
	struct host h = {.a = a};
	struct observation o;
	struct err e = {0};
	struct value *p = value_map(a);
	const struct restype *type = restype_find(str_c("file"));
	observation_init(&h, &o);
	map_put(a, p, "path", value_text(a, path));
	map_put(a, p, "state", value_text(a, "absent"));
	if (!type->observe(&h, p, &o, &e) || !type->apply(&h, p, &o, &e))
		fail_msg("%s", e.msg);
	arena_free(a);
}

static void run_case(void **state)
{
	char dir[] = "/tmp/provision-test-XXXXXX", kept[] = "/tmp/provision-kept-XXXXXX";
	const struct value *c = *state;
	if (map_bool(c, "root", false) && geteuid() != 0)
		skip();
	struct bench t = {.a = arena_new()};
	must_hold(mkdtemp(dir) && mkdtemp(kept) && chmod(dir, 0755) == 0, "temporary folder");
	t.dir = dir;
	t.originals = kept;
	bool ok = carry_out(&t, c);
	remove_tree(dir);
	remove_tree(kept);
	if (!ok)
		fail_with(arena_printf(
			t.a, "%s: %s: %s\n", c->pos.file, map_cstr(c, "name", "?"), t.problem));
	arena_free(t.a);
}

/* Each case is a test FILE:NAME. */
static void read_file(const char *path, const char *name)
{
	struct arena *a = cases_arena();
	struct errs errs;
	struct err e = {0};
	struct str text;
	errs_init(&errs, a);
	if (!file_read(a, path, TEXT_LIMIT, &text, &e))
		panic("%s", e.msg);
	struct value *v = yaml_parse(a, path, text, &errs);
	if (!v)
		panic("%s", print_errs(a, &errs));
	for (size_t i = 0; i < v->list.n; i++)
		add_case(arena_printf(a, "%.*s:%s", (int)(strlen(name) - strlen(".case")), name,
				 map_cstr(v->list.v[i], "name", "?")),
			run_case, v->list.v[i]);
}

int main(void)
{
	umask(022);
	each_entry("tests/cases/resource", ".case", read_file);
	return run_cases("resource");
}
