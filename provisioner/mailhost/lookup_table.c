/* SPDX-License-Identifier: MIT
 *
 * The type `lookup_table`: a table of addresses, aliases or users, with the compiled form that the
 * daemons read (postmap(1), postalias(1), makeuserdb(8)). A table that does not compile replaces
 * nothing. The compiled file gets exactly the modification time of its source: when the two differ,
 * it is stale.
 */
#include <unistd.h>
#include "host/args.h"
#include "host/path.h"
#include "host/scratch.h"
#include "mailhost/compiled.h"
#include "mailhost/types.h"

enum { CONFIG_MODE = 0644, USERDB_MODE = 0600, SAID_MAX = 500, OUTPUTS_MAX = 2 };

static const struct field lookup_table_fields[] = {
	{.name = "path",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.aliases = "dest name",
		.doc = "The table's source; the compiled form is beside it."},
	{.name = "content",
		.kind = FIELD_BLOB,
		.doc = "The source's text. Either this or entries."},
	{.name = "entries",
		.kind = FIELD_MAP,
		.doc = "Keys and values of the lines; a list of values is joined by ', '."},
	{.name = "format",
		.kind = FIELD_ENUM,
		.choices = "hash btree cdb aliases userdb sni none",
		.dflt = "hash",
		.doc = "hash, btree and cdb are compiled by postmap, aliases (an aliases(5) file "
		       "as hash) by postalias, userdb by makeuserdb. sni: hash whose values name "
		       "files; their content is compiled in, and again when they change. none: "
		       "only the source."},
	{.name = "backup",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.dflt = "false",
		.doc = "Keep a copy of the old source beside it."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field lookup_table_returns[] = {
	{.name = "path", .kind = FIELD_STR, .doc = "The source."},
	{.name = "compiled", .kind = FIELD_STR, .doc = "The compiled file, if there is one."},
	{0},
};

/* How a format is compiled: `program TYPE:FILE` or `program -f FILE`. */
struct format {
	const char *name, *program, *type;
	const char *outputs[OUTPUTS_MAX]; /* suffix of the compiled file */
};
static const struct format formats[] = {
	{"hash", "postmap", "hash", {".db", NULL}},
	{"btree", "postmap", "btree", {".db", NULL}},
	{"cdb", "postmap", "cdb", {".cdb", NULL}},
	{"sni", "postmap", "hash", {".db", NULL}},
	{"aliases", "postalias", "hash", {".db", NULL}},
	{"userdb", "makeuserdb", NULL, {".dat", "shadow.dat"}},
	{"none", NULL, NULL, {NULL, NULL}},
};

static const struct format *format_of(const struct value *params)
{
	const char *name = map_cstr(params, "format", "hash");
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	panic("lookup_table: unchecked format '%s'", name);
}

static bool is_userdb(const struct format *f)
{
	return strcmp(f->name, "userdb") == 0;
}

static bool is_sni(const struct format *f)
{
	return strcmp(f->name, "sni") == 0;
}

/* ---- rules ---- */

static bool check_entry(const struct map_entry *entry, const struct format *f, struct errs *errs)
{
	const struct value *v = entry->value;
	bool aliases = strcmp(f->name, "aliases") == 0;
	bool bad_key = entry->key.n == 0 || entry->key.p[0] == '#' ||
		       entry->key.p[strcspn(entry->key.p, "\n")] ||
		       (!aliases && entry->key.p[strcspn(entry->key.p, " \t")]);
	if (bad_key)
		return errs_add(errs, entry->key_pos, "'%s' is not a valid key of a %s table",
			entry->key.p, f->name);
	if (v->type == VALUE_MAP || v->type == VALUE_NULL)
		return errs_add(
			errs, v->pos, "the value of '%s' must be a text or a list", entry->key.p);
	if (v->type == VALUE_STR && v->s.p[strcspn(v->s.p, "\n")])
		return errs_add(
			errs, v->pos, "the value of '%s' contains a line break", entry->key.p);
	return true;
}

static bool lookup_table_check(const struct value *params, struct errs *errs)
{
	const struct value *entries = map_at(params, "entries");
	const struct value *format = map_at(params, "format");
	bool ok = true;
	if (!entries == !map_at(params, "content"))
		return errs_add(errs, params->pos, "a table needs either content or entries");
	if (!entries || entries->type != VALUE_MAP || (format && format->type != VALUE_STR))
		return true;
	for (size_t i = 0; i < entries->map.n; i++)
		ok = check_entry(&entries->map.e[i], format_of(params), errs) && ok;
	return ok;
}

/* ---- the source ---- */

static void put_value(struct arena *a, struct buf *b, const struct value *v)
{
	if (v->type != VALUE_LIST) {
		struct str s = value_print(a, v);
		buf_add(b, s.p, s.n);
		return;
	}
	for (size_t i = 0; i < v->list.n; i++) {
		struct str s = value_print(a, v->list.v[i]);
		buf_adds(b, i ? ", " : "");
		buf_add(b, s.p, s.n);
	}
}

static struct str entries_text(struct arena *a, const struct value *entries, const struct format *f)
{
	const char *between = strcmp(f->name, "aliases") == 0 ? ": " : "\t";
	struct buf b;
	buf_init(&b, FILE_MAX);
	for (size_t i = 0; i < entries->map.n; i++) {
		const struct map_entry *entry = &entries->map.e[i];
		buf_add(&b, entry->key.p, entry->key.n);
		buf_adds(&b, between);
		put_value(a, &b, entry->value);
		buf_addc(&b, '\n');
	}
	struct str out = buf_str(a, &b);
	buf_free(&b);
	return out;
}

/* The wanted source as a blob; for observe the plan may hold its digest only. */
static struct value *wanted_source(struct host *h, const struct value *params)
{
	const struct format *f = format_of(params);
	const struct value *content = map_at(params, "content");
	const struct value *entries = map_at(params, "entries");
	struct value *v;
	if (entries) {
		v = value_blob(h->a, entries_text(h->a, entries, f));
		v->secret = value_has_secret(entries);
	} else if (content && content->type == VALUE_BLOB) {
		v = value_shallow(h->a, content);
	} else {
		v = value_blob(h->a, str_c(content ? map_cstr(params, "content", "") : ""));
		v->secret = content && content->secret;
	}
	if (is_userdb(f)) /* it holds password hashes */
		v->secret = true;
	return v;
}

static bool same_content(const struct value *want, struct str now)
{
	unsigned char sha[SHA256_LEN];
	if (want->blob.size != now.n)
		return false;
	sha256(now.p, now.n, sha);
	return memcmp(sha, want->blob.sha, SHA256_LEN) == 0;
}

static bool is_newer(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* Is a file that the source names newer than the compiled form? Compares change times, which nobody
 * can set. A missing file is reported by the compiler. */
static bool parts_changed(struct host *h, const char *path, const struct stat *compiled)
{
	struct str text;
	struct line line;
	struct stat st;
	bool found;
	struct err e = {0};
	if (!path_read(h->a, path, FILE_MAX, &text, &found, &e) || !found)
		return false;
	while (line_next(&text, &line)) {
		char *words = arena_strdup(h->a, str_dup(h->a, line.p, line.n).p), *rest = NULL;
		if (*words == '#' || !strtok_r(words, " \t", &rest))
			continue;
		for (char *w; (w = strtok_r(NULL, " \t,", &rest));)
			if (stat(w, &st) == 0 && is_newer(&st.st_ctim, &compiled->st_ctim))
				return true;
	}
	return false;
}

/* "absent", "stale", or NULL when every compiled file is up to date. */
static const char *compiled_state(struct host *h, const char *path, const struct format *f)
{
	struct stat source, compiled = {0};
	if (lstat(path, &source) < 0)
		return "absent";
	for (size_t i = 0; i < OUTPUTS_MAX && f->outputs[i]; i++) {
		const char *to = arena_printf(h->a, "%s%s", path, f->outputs[i]);
		if (lstat(to, &compiled) < 0)
			return "absent";
		if (!compiled_fits(&source, &compiled, 0))
			return "stale";
	}
	if (is_sni(f) && parts_changed(h, path, &compiled))
		return "stale";
	return NULL;
}

/* userdb's source must be private whatever the parameters say. */
static const struct value *with_mode(struct host *h, const struct value *params)
{
	if (!is_userdb(format_of(params)) || map_at(params, "mode"))
		return params;
	struct value *v = value_shallow(h->a, params);
	map_put(h->a, v, "mode", value_printf(h->a, "%04o", USERDB_MODE));
	return v;
}

static bool lookup_table_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	const struct format *f = format_of(params);
	struct value *want = wanted_source(h, params);
	const struct str *now;
	observation_init(h, o);
	if (!path_read_own(h, path, FILE_MAX, &now, o, e) || (!now && !parent_there(h, path, e)))
		return false;
	bool same = now && same_content(want, *now);
	if (!same && want->blob.bytes.p && want->blob.size <= TEXT_MAX)
		observe_content(h, o, now, want->blob.bytes, want->secret);
	else if (!same)
		observe_text(h, o, "content", now ? value_str(h->a, *now) : NULL, want);
	if (!attr_observe(h, path, with_mode(h, params), o, e))
		return false;
	/* after any change of the source, the compiled form is rebuilt */
	const char *state = f->program ? compiled_state(h, path, f) : NULL;
	if (state || (f->program && o->changes->list.n))
		observe_attr(h, o, "compiled", state ? state : "stale", "current");
	map_put(h->a, o->result, "path", value_text(h->a, path));
	if (f->outputs[0])
		map_put(h->a, o->result, "compiled",
			value_printf(h->a, "%s%s", path, f->outputs[0]));
	return true;
}

/* ---- compiling ---- */

struct compiler {
	struct host *h;
	const struct format *f;
	const char *path;          /* path of the real source */
	const char *folder, *work; /* folder of the copy that is compiled, and its path */
};

/* Postfix only warns about a line that it cannot parse, and skips it. */
static bool read_warnings(struct compiler *c, const struct proc_result *r, struct err *e)
{
	struct str rest = r->err_out;
	struct line line;
	while (line_next(&rest, &line)) {
		const char *text = str_dup(c->h->a, line.p, line.n).p;
		const char *said = strstr(text, c->work);
		said = said ? said + strlen(c->work) : text;
		said += strspn(said, ",: ");
		if (strstr(text, "expected format") || strstr(text, "need name:value") ||
			strstr(text, "malformed") || strstr(text, "skipping this entry"))
			return err_set(e, ERR_CONFIG,
				"%s does not compile (%s): %.*s; nothing was changed", c->path,
				c->f->program, SAID_MAX, said);
		if (c->h->note && strstr(text, "duplicate"))
			c->h->note(c->h->ctx, "%s: %s", c->path, said);
	}
	return true;
}

/* Postfix's tools read main.cf first, and wait while it is only seconds old. A table does not
 * depend on it, so they get an empty one. */
static bool put_main_cf(struct compiler *c, struct err *e)
{
	const struct timespec old[2] = {{1, 0}, {1, 0}};
	const char *path = path_join(c->h->a, c->folder, "main.cf");
	struct file_attr attr = {CONFIG_MODE, (uid_t)-1, (gid_t)-1};
	if (!file_replace(path, "", 0, attr, e))
		return false;
	return set_times(path, old, e);
}

static void compile_args(struct compiler *c, struct args *argv)
{
	struct arena *a = c->h->a;
	args_add(a, argv, c->f->program);
	args_add(a, argv, c->f->type ? "-c" : "-f");
	args_add(a, argv, c->f->type ? c->folder : c->work);
	if (is_sni(c->f))
		args_add(a, argv, "-F");
	if (c->f->type)
		args_addf(a, argv, "%s:%s", c->f->type, c->work);
}

static bool compile_source(struct compiler *c, struct str content, struct err *e)
{
	struct file_attr attr = {USERDB_MODE, (uid_t)-1, (gid_t)-1};
	struct args argv = {0};
	struct proc_result r;
	if (!program_there(c->f->program))
		return err_set(e, ERR_PERMANENT,
			"%s cannot be compiled: %s is not installed on the host; install its "
			"package in an earlier step",
			c->path, c->f->program);
	compile_args(c, &argv);
	if (!file_replace(c->work, content.p, content.n, attr, e) ||
		(c->f->type && !put_main_cf(c, e)) ||
		!run_with(c->h, argv.v, (struct str){0}, &r, e))
		return false;
	if (r.status != 0)
		return err_set(e, ERR_CONFIG, "%s does not compile: %s; nothing was changed",
			c->path, last_words(c->h->a, r.err_out.n ? r.err_out : r.out, SAID_MAX));
	return read_warnings(c, &r, e);
}

static bool install_all(struct compiler *c, struct err *e)
{
	struct arena *a = c->h->a;
	for (size_t i = 0; i < OUTPUTS_MAX && c->f->outputs[i]; i++) {
		const char *from = arena_printf(a, "%s%s", c->work, c->f->outputs[i]);
		const char *to = arena_printf(a, "%s%s", c->path, c->f->outputs[i]);
		if (!compiled_install(c->h, c->path, from, to, 0, e))
			return false;
	}
	return true;
}

/* The text to compile: the new source, or the one in place when only the compiled form is stale. */
static bool source_bytes(struct host *h, const struct value *params, struct str *out, struct err *e)
{
	struct value *want = wanted_source(h, params);
	if (want->blob.bytes.p || want->blob.size == 0) {
		*out = want->blob.bytes.p ? want->blob.bytes : str_c("");
		return true;
	}
	bool found;
	if (!path_read(h->a, map_cstr(params, "path", ""), FILE_MAX, out, &found, e))
		return false;
	return (found && same_content(want, *out)) ||
	       err_set(e, ERR_PERMANENT, "internal error: the table's content is not in the plan");
}

/* The copy is in memory and its path must not be longer than /etc/courier/userdb: makeuserdb cuts
 * that length off the path and takes the rest for a file name. So its name is one letter. */
static bool apply_compiled(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	char folder[SCRATCH_MAX];
	struct str content;
	if (!source_bytes(h, params, &content, e))
		return false;
	if (!scratch_open(SCRATCH_MEMORY, folder, e))
		return false;
	struct compiler c = {.h = h,
		.f = format_of(params),
		.path = map_cstr(params, "path", ""),
		.folder = folder,
		.work = path_join(h->a, folder, "u")};
	bool ok = compile_source(&c, content, e) &&
		  apply_content(h, c.path, with_mode(h, params), o, e) && install_all(&c, e);
	scratch_close(folder);
	if (!ok)
		scratch_unname(e, c.work, c.path);
	return ok;
}

static bool lookup_table_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	if (observed_change(o, "compiled"))
		return apply_compiled(h, params, o, e);
	return apply_content(h, map_cstr(params, "path", ""), with_mode(h, params), o, e);
}

const struct restype restype_lookup_table = {
	.name = "lookup_table",
	.key = "path",
	.doc = "A table that a mail server looks up, with its compiled form. A table that does "
	       "not compile replaces nothing.",
	.example = "- name: Where addresses lead\n  lookup_table:\n"
		   "    path: /etc/postfix/virtual\n    entries:\n"
		   "      sales@example.com: [alice@example.com, bob@example.net]\n",
	.fields = lookup_table_fields,
	.returns = lookup_table_returns,
	.class = RES_FILE,
	.touches = RES_FILE | RES_COMMAND,
	.refuses = true,
	.check = lookup_table_check,
	.observe = lookup_table_observe,
	.apply = lookup_table_apply,
};
