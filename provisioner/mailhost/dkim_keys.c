/* SPDX-License-Identifier: MIT
 *
 * The type `dkim_keys`: the DKIM keys of many domains at once, DOMAIN.SELECTOR.key in one folder,
 * each with its record beside it (.txt). Never replaces a key. Removes one only when it is ours (it
 * has a record beside it), its domain is listed and its selector is not.
 *
 * A key that somebody changed is kept when it is valid, and the plan says when its new record has
 * to be published. If a key is lost but its record remains, a new key is made, and the plan says
 * so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "mailhost/dkim_key.h"
#include "mailhost/dkim_made.h"
#include "host/path.h"
#include "mailhost/types.h"

enum { LISTED_MAX = 20, KEY_MODE = 0600, RECORD_MODE = 0644 };

static const struct field key_fields[] = {
	{.name = "domain",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "Domain that signs, or global: one key for several."},
	{.name = "selector",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "Selector of the key, one label."},
	{.name = "algorithm",
		.kind = FIELD_ENUM,
		.choices = "rsa ed25519",
		.dflt = "rsa",
		.doc = "Kind of key."},
	{.name = "bits",
		.kind = FIELD_INT,
		.dflt = "2048",
		.min = 1024,
		.max = 4096,
		.doc = "Size of a new RSA key; an existing key stays."},
	{0},
};

static const struct field dkim_keys_fields[] = {
	{.name = "folder",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.aliases = "path",
		.doc = "Folder of the keys: DOMAIN.SELECTOR.key, each with its record beside it "
		       "as .txt."},
	{.name = "keys",
		.kind = FIELD_LIST,
		.sub = key_fields,
		.flags = FIELD_REQUIRED,
		.doc = "The keys to have."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "present expired read",
		.dflt = "present",
		.doc = "present: makes missing keys. expired: removes keys of the listed domains "
		       "under other selectors, if this type made them, and makes none; for a "
		       "separate step after the signer has switched. read: changes nothing and "
		       "returns the public halves of the existing keys."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field dkim_keys_returns[] = {
	{.name = "folder", .kind = FIELD_STR, .doc = "The folder."},
	{.name = "records",
		.kind = FIELD_LIST,
		.doc = "With state read: {domain, selector, algorithm, p} of each key that is "
		       "there."},
	{0},
};

/* ---- one key ---- */

struct walk {
	struct host *h;
	const struct value *params, *keys;
	const char *folder;
	struct attr_want *want;
	struct dkim_made made;
	int dir;           /* -1: the folder does not exist yet */
	size_t changed;    /* number of keys to change */
	struct value *out; /* records; NULL: state is not read */
};
struct look_at { /* what was found of one key */
	bool found, attrs_wrong, record_wrong, record_attrs_wrong;
	bool record_there; /* with found false: the key is lost */
	bool changed;      /* since it was made by this type */
	bool beside;       /* the file holds something beside the key */
	struct str text;   /* of the key alone */
	struct dkim_public public;
};

static bool walk_open(struct walk *w, struct host *h, const struct value *params, struct err *e)
{
	*w = (struct walk){.h = h,
		.params = params,
		.keys = map_at(params, "keys"),
		.folder = map_cstr(params, "folder", ""),
		.want = attr_want_new(h, params, e),
		.dir = -1};
	if (!w->want)
		return false;
	w->dir = folder_open(w->folder, e);
	if (strcmp(map_cstr(params, "state", "present"), "read") == 0)
		w->out = value_list(h->a);
	if (w->dir >= 0 && !dkim_made_read(&w->made, h, w->folder, e)) {
		close(w->dir);
		return false;
	}
	if (w->dir >= 0 || (errno == ENOENT && (w->out || files_pending(h))))
		return true;
	return err_errno(e,
		"cannot open the folder of the DKIM keys, %s; create it first (file: state: "
		"directory)",
		w->folder);
}

static void walk_close(struct walk *w)
{
	if (w->dir >= 0)
		close(w->dir);
}

static const char *path_of(const struct walk *w, const char *name, const char *ending)
{
	return arena_printf(w->h->a, "%s/%s.%s", w->folder, name, ending);
}

/* A key of another kind is an error: verifiers rely on what they know of a selector. */
static bool right_kind(const struct walk *w, const struct value *key, const char *name,
	const struct look_at *l, struct err *e)
{
	const char *want = map_cstr(key, "algorithm", "rsa");
	if (strcmp(l->public.algorithm, want) == 0)
		return true;
	return err_set(e, ERR_PERMANENT,
		"%s has the algorithm %s, but %s is declared; a key is never replaced: declare "
		"another selector",
		path_of(w, name, "key"), l->public.algorithm, want);
}

/* A link does not count as a record: a record replaces it. */
static bool record_right(struct walk *w, const char *name, struct look_at *l, struct err *e)
{
	struct str want = dkim_record(w->h->a, &l->public), now;
	struct stat st;
	const char *path = path_of(w, name, "txt");
	bool found = fstatat(w->dir, path_base(path), &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (found && S_ISLNK(st.st_mode))
		found = false;
	if (found && !path_read(w->h->a, path, DKIM_FILE_MAX, &now, &found, e))
		return false;
	l->record_wrong = !found || !str_eq(str_trim(w->h->a, now), want);
	l->record_attrs_wrong = found && ((st.st_mode & 07777) != RECORD_MODE ||
						 st.st_uid != geteuid() || st.st_gid != getegid());
	return true;
}

static bool look_at_key(
	struct walk *w, const struct value *key, const char *name, struct look_at *l, struct err *e)
{
	struct stat st;
	struct str text;
	const char *path = path_of(w, name, "key");
	*l = (struct look_at){0};
	if (w->dir < 0)
		return true;
	if (!path_read(w->h->a, path, DKIM_FILE_MAX, &text, &l->found, e))
		return false;
	l->found = l->found && str_trim(w->h->a, text).n;
	l->record_there =
		fstatat(w->dir, path_base(path_of(w, name, "txt")), &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!l->found)
		return true;
	l->text = dkim_key_alone(w->h->a, text);
	l->beside = l->text.p != text.p;
	l->changed = dkim_made_differs(&w->made, name, l->text);
	if (!dkim_key_read(w->h, l->text, &l->public))
		return err_set(e, ERR_PERMANENT, "%s holds no key that rspamd can sign with", path);
	if (w->out)
		return true;
	if (fstatat(w->dir, path_base(path), &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "cannot stat %s", path);
	return right_kind(w, key, name, l, e) &&
	       attr_want_differs(w->want, &st, &l->attrs_wrong, e) && record_right(w, name, l, e);
}

/* ---- observe ---- */

static void note_change(struct walk *w, struct observation *o, const char *name, const char *before,
	const char *after)
{
	if (w->changed++ < LISTED_MAX)
		observe_attr(w->h, o, name, before, after);
}

static void note_rest(struct walk *w, struct observation *o)
{
	if (w->changed > LISTED_MAX)
		observe_attr(w->h, o, "more keys", NULL,
			arena_printf(w->h->a, "and %zu more", w->changed - LISTED_MAX));
}

static const char *owner_text(struct walk *w, const char *name, const char *ending)
{
	struct stat st;
	struct arena *a = w->h->a;
	if (fstatat(w->dir, path_base(path_of(w, name, ending)), &st, AT_SYMLINK_NOFOLLOW) < 0)
		return "unknown";
	return arena_printf(a, "%s:%s %04o", attr_user_name(a, st.st_uid),
		attr_group_name(a, st.st_gid), st.st_mode & 07777);
}

static void note_missing(struct walk *w, const struct value *key, const char *name,
	const struct look_at *l, struct observation *o)
{
	struct arena *a = w->h->a;
	bool rsa = strcmp(map_cstr(key, "algorithm", "rsa"), "rsa") == 0;
	const char *kind =
		rsa ? arena_printf(a, "RSA %d", (int)map_int(key, "bits", 2048)) : "Ed25519";
	if (l->record_there)
		note_change(w, o, name, "lost (its record remains)",
			arena_printf(a, "a new key, %s: publish its record", kind));
	else
		note_change(w, o, name, NULL, kind);
}

static void note_found(struct walk *w, const struct value *key, const char *name,
	const struct look_at *l, struct observation *o)
{
	struct arena *a = w->h->a;
	const char *path = arena_printf(a, "%s.key", name);
	if (!l->found)
		note_missing(w, key, name, l, o);
	if (l->beside)
		note_change(w, o, path, "the key and something beside it", "the key alone");
	if (l->changed)
		note_change(w, o, path, "changed since it was made",
			l->record_wrong ? "kept: publish its record" : "kept, if it is valid");
	if (l->attrs_wrong)
		note_change(w, o, path, owner_text(w, name, "key"),
			arena_printf(a, "%s:%s %s", map_cstr(w->params, "owner", "as it is"),
				map_cstr(w->params, "group", "as it is"),
				map_cstr(w->params, "mode", "as it is")));
	if (l->record_wrong)
		note_change(w, o, arena_printf(a, "%s.txt", name), "of another key",
			"the key's public half");
	else if (l->record_attrs_wrong)
		note_change(w, o, arena_printf(a, "%s.txt", name), owner_text(w, name, "txt"),
			arena_printf(a, "%s:%s %04o", attr_user_name(a, geteuid()),
				attr_group_name(a, getegid()), RECORD_MODE));
}

static void add_record(struct walk *w, const struct value *key, const struct look_at *l)
{
	struct value *m;
	if (!l->found)
		return;
	m = value_map(w->h->a);
	map_put(w->h->a, m, "domain", map_at(key, "domain"));
	map_put(w->h->a, m, "selector", map_at(key, "selector"));
	map_put(w->h->a, m, "algorithm", value_text(w->h->a, l->public.algorithm));
	map_put(w->h->a, m, "p", value_str(w->h->a, l->public.p));
	list_add(w->h->a, w->out, m);
}

static bool observe_present(struct walk *w, struct observation *o, struct err *e)
{
	struct look_at l;
	for (size_t i = 0; i < w->keys->list.n; i++) {
		const struct value *key = w->keys->list.v[i];
		const char *name = dkim_key_name(w->h->a, key);
		if (!look_at_key(w, key, name, &l, e))
			return false;
		if (w->out)
			add_record(w, key, &l);
		else
			note_found(w, key, name, &l, o);
	}
	return true;
}

/* ---- expiry ---- */

struct declared {
	struct value *domains, *names;
};

static struct declared declared_keys(struct walk *w)
{
	struct arena *a = w->h->a;
	struct declared d = {value_map(a), value_map(a)};
	for (size_t i = 0; i < w->keys->list.n; i++) {
		const struct value *key = w->keys->list.v[i];
		map_set(a, d.domains, map_at(key, "domain")->s, value_null(a));
		map_set(a, d.names, str_c(dkim_key_name(a, key)), value_null(a));
	}
	return d;
}

/* DOMAIN.SELECTOR of a file that is one of our keys and no longer declared; else NULL. */
static const char *find_expired(struct walk *w, const struct declared *d, const char *file)
{
	struct arena *a = w->h->a;
	struct stat st;
	size_t n = strlen(file);
	if (n < 5 || strcmp(file + n - 4, ".key") != 0)
		return NULL;
	struct str name = str_dup(a, file, n - 4);
	const char *dot = strrchr(name.p, '.');
	if (!dot || !map_get(d->domains, str_dup(a, name.p, (size_t)(dot - name.p))) ||
		map_get(d->names, name))
		return NULL;
	const char *record = arena_printf(a, "%s.txt", name.p);
	bool ours = fstatat(w->dir, record, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
	return ours ? name.p : NULL;
}

static bool each_expired(struct walk *w,
	bool (*visit)(struct walk *w, const char *name, void *ctx, struct err *e), void *ctx,
	struct err *e)
{
	struct declared d = declared_keys(w);
	struct dirent *entry;
	int fd = w->dir < 0 ? -1 : dup(w->dir);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool ok = true;
	if (w->dir < 0)
		return true;
	if (!dir)
		return err_errno(e, "cannot read the folder %s", w->folder);
	rewinddir(dir);
	while (ok && (entry = readdir(dir))) {
		const char *name = find_expired(w, &d, entry->d_name);
		ok = !name || visit(w, name, ctx, e);
	}
	closedir(dir);
	return ok;
}

static bool note_expired(struct walk *w, const char *name, void *ctx, struct err *e)
{
	(void)e;
	note_change(w, ctx, name, "present", NULL);
	return true;
}

/* The record goes last: while it exists, the key counts as ours. */
static bool remove_expired(struct walk *w, const char *name, void *ctx, struct err *e)
{
	static const char *const endings[] = {"key", "txt"};
	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		const char *path = path_of(w, name, endings[i]);
		if (!remove_file(w->h, path, e))
			return false;
	}
	return true;
}

static bool is_expiry(const struct value *params)
{
	return strcmp(map_cstr(params, "state", "present"), "expired") == 0;
}

static bool dkim_keys_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct walk w;
	observation_init(h, o);
	if (!walk_open(&w, h, params, e))
		return false;
	bool ok = is_expiry(params) ? each_expired(&w, note_expired, o, e)
				    : observe_present(&w, o, e);
	note_rest(&w, o);
	map_put(h->a, o->result, "folder", value_text(h->a, w.folder));
	if (w.out)
		map_put(h->a, o->result, "records", w.out);
	walk_close(&w);
	return ok;
}

/* ---- apply ---- */

static bool write_record(
	struct walk *w, const char *name, const struct dkim_public *public, struct err *e)
{
	struct value *attrs = value_map(w->h->a);
	struct str text = str_printf(w->h->a, "%s\n", dkim_record(w->h->a, public).p);
	map_put(w->h->a, attrs, "owner", value_printf(w->h->a, "%u", (unsigned)geteuid()));
	map_put(w->h->a, attrs, "group", value_printf(w->h->a, "%u", (unsigned)getegid()));
	map_put(w->h->a, attrs, "mode", value_printf(w->h->a, "%04o", RECORD_MODE));
	return write_file(w->h, path_of(w, name, "txt"), text, attrs, RECORD_MODE, e);
}

static bool make_key(
	struct walk *w, const struct value *key, const char *name, struct look_at *l, struct err *e)
{
	return dkim_key_make(w->h, map_cstr(key, "algorithm", "rsa"),
		       (int)map_int(key, "bits", 2048), &l->text, e) &&
	       write_file(w->h, path_of(w, name, "key"), l->text, w->params, KEY_MODE, e) &&
	       dkim_key_read(w->h, l->text, &l->public) && write_record(w, name, &l->public, e);
}

static bool set_key_right(struct walk *w, const char *name, const struct look_at *l, struct err *e)
{
	const char *path = path_of(w, name, "key");
	if (l->beside && !write_file(w->h, path, l->text, w->params, KEY_MODE, e))
		return false;
	if (l->changed && !dkim_key_sound(w->h, path, l->text, &l->public, e))
		return false;
	return !l->attrs_wrong || attr_want_set(w->want, w->dir, path_base(path), e);
}

static bool set_right(struct walk *w, const struct value *key, size_t *made, struct err *e)
{
	const char *name = dkim_key_name(w->h->a, key);
	struct look_at l;
	if (!look_at_key(w, key, name, &l, e))
		return false;
	if (!l.found) {
		if (w->h->note && ++*made % 100 == 0)
			w->h->note(w->h->ctx, "%zu DKIM keys made", *made);
		if (!make_key(w, key, name, &l, e))
			return false;
	} else if (!set_key_right(w, name, &l, e) ||
		   ((l.record_wrong || l.record_attrs_wrong) &&
			   !write_record(w, name, &l.public, e))) {
		return false;
	}
	dkim_made_note(&w->made, name, l.text);
	return true;
}

static bool dkim_keys_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct walk w;
	size_t made = 0;
	bool ok = true;
	(void)o;
	if (!walk_open(&w, h, params, e))
		return false;
	if (w.dir < 0)
		ok = err_set(e, ERR_PERMANENT, "the folder %s does not exist", w.folder);
	else if (is_expiry(params))
		ok = each_expired(&w, remove_expired, NULL, e);
	for (size_t i = 0; ok && !is_expiry(params) && !w.out && i < w.keys->list.n; i++)
		ok = set_right(&w, w.keys->list.v[i], &made, e);
	struct err late = {0};
	if (w.dir >= 0 && !dkim_made_write(&w.made, ok ? e : &late))
		ok = false;
	walk_close(&w);
	return ok;
}

const struct restype restype_dkim_keys = {
	.name = "dkim_keys",
	.key = "folder",
	.doc = "The DKIM keys of many domains, made on the host and never shown; each has its "
	       "record beside it. An existing key is never replaced.",
	.example = "- name: Keys\n  dkim_keys:\n    folder: /var/lib/rspamd/dkim\n"
		   "    keys: [{domain: example.com, selector: dkim, algorithm: rsa}]\n"
		   "    owner: root\n    group: _rspamd\n    mode: '0640'\n",
	.fields = dkim_keys_fields,
	.returns = dkim_keys_returns,
	.class = RES_FILE,
	.touches = RES_FILE,
	.check = dkim_keys_check,
	.observe = dkim_keys_observe,
	.apply = dkim_keys_apply,
};
