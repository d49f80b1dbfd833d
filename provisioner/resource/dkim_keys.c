/* SPDX-License-Identifier: MIT
 *
 * The type `dkim_keys`: the DKIM keys of many domains at once, DOMAIN.SELECTOR.key in one folder,
 * each with its record beside it (.txt). A key that is there is never replaced; one is removed only
 * when it was ours (its record stands beside it), its domain is listed and its selector no more.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "resource/dkim_key.h"
#include "resource/look.h"
#include "resource/types.h"

enum { LISTED_MAX = 20, NAME_LEN_MAX = 200, LABEL_MAX = 63, KEY_MODE = 0600, RECORD_MODE = 0644 };

static const struct field key_fields[] = {
	{.name = "domain",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "The domain that signs, or global: one key for many."},
	{.name = "selector",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "Name of the key in the DNS, one label."},
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
		.doc = "Size of an RSA key that is made; one that is there stays as it is."},
	{0},
};

static const struct field dkim_keys_fields[] = {
	{.name = "folder",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.aliases = "path",
		.doc = "Where the keys lie: DOMAIN.SELECTOR.key, the record beside each as .txt."},
	{.name = "keys",
		.kind = FIELD_LIST,
		.sub = key_fields,
		.flags = FIELD_REQUIRED,
		.doc = "The keys that there are to be."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "present expired read",
		.dflt = "present",
		.doc = "present: what is missing is made. expired: keys of the listed domains "
		       "under other selectors, made by this type, are removed, and nothing is "
		       "made: for a step of its own, after the signer has changed over. read: "
		       "nothing changes, the public halves of the keys that are there come "
		       "back."},
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

/* ---- rules ---- */

static bool domain_valid(struct str s)
{
	return s.n > 0 && s.n <= NAME_LEN_MAX && s.p[0] != '.' && s.p[0] != '-' &&
	       !strstr(s.p, "..") && s.p[s.n - 1] != '.' &&
	       strspn(s.p, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == s.n;
}

/* One label (RFC 6376 3.1 allows more): the file's name has to say where it begins. */
static bool selector_valid(struct str s)
{
	return s.n > 0 && s.n <= LABEL_MAX && s.p[0] != '-' && s.p[s.n - 1] != '-' &&
	       strspn(s.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
		       s.n;
}

static const char *name_of(struct arena *a, const struct value *key)
{
	return arena_printf(a, "%s.%s", map_cstr(key, "domain", ""), map_cstr(key, "selector", ""));
}

static bool dkim_keys_check(const struct value *params, struct errs *errs)
{
	const struct value *keys = map_at(params, "keys");
	struct arena *a = arena_new();
	struct value *seen = value_map(a);
	bool ok = true;
	for (size_t i = 0; keys && keys->type == VALUE_LIST && i < keys->list.n; i++) {
		const struct value *k = keys->list.v[i];
		if (k->type != VALUE_MAP || value_find_type(k, VALUE_UNKNOWN))
			continue;
		if (!domain_valid(str_c(map_cstr(k, "domain", ""))))
			ok = errs_add(errs, k->pos, "'%s' is no domain in lower case ASCII",
				map_cstr(k, "domain", ""));
		if (!selector_valid(str_c(map_cstr(k, "selector", ""))))
			ok = errs_add(errs, k->pos,
				"'%s' is no selector: one label of letters, digits and -",
				map_cstr(k, "selector", ""));
		struct str name = str_c(name_of(a, k));
		if (map_get(seen, name))
			ok = errs_add(errs, k->pos, "%s is there twice", name.p);
		map_set(a, seen, name, value_null(a));
	}
	arena_free(a);
	return ok;
}

/* ---- one key ---- */

struct walk {
	struct host *h;
	const struct value *params, *keys;
	const char *folder;
	struct attr_want *want;
	int dir;           /* -1: the folder is not there yet */
	size_t changed;    /* keys that something is wrong with */
	struct value *out; /* records; NULL: state is not read */
};
struct look_at { /* what was found of one key */
	bool found, attrs_wrong, record_wrong;
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
	w->dir = open(w->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (strcmp(map_cstr(params, "state", "present"), "read") == 0)
		w->out = value_list(h->a);
	if (w->dir >= 0 || (errno == ENOENT && (w->out || files_pending(h))))
		return true;
	return err_errno(e,
		"cannot open the folder of the DKIM keys, %s (make it first: file: state: "
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

/* A key of another kind is an error: what verifiers know of a selector must not change under them.
 */
static bool right_kind(const struct walk *w, const struct value *key, const char *name,
	const struct look_at *l, struct err *e)
{
	const char *want = map_cstr(key, "algorithm", "rsa");
	if (strcmp(l->public.algorithm, want) == 0)
		return true;
	return err_set(e, ERR_PERMANENT,
		"%s holds an %s key, and %s is declared; a key is never replaced: declare another "
		"selector",
		path_of(w, name, "key"), l->public.algorithm, want);
}

static bool record_right(struct walk *w, const char *name, struct look_at *l, struct err *e)
{
	struct str want = dkim_record(w->h->a, &l->public), now;
	bool found;
	if (!look_read(w->h->a, path_of(w, name, "txt"), DKIM_FILE_MAX, &now, &found, e))
		return false;
	l->record_wrong = !found || !str_eq(str_trim(w->h->a, now), want);
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
	if (!look_read(w->h->a, path, DKIM_FILE_MAX, &text, &l->found, e))
		return false;
	if (!l->found)
		return true;
	if (!dkim_key_read(w->h, text, &l->public))
		return err_set(e, ERR_PERMANENT, "%s holds no key that rspamd signs with", path);
	if (w->out)
		return true;
	if (fstatat(w->dir, path_base(path), &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "cannot look at %s", path);
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

static const char *owner_text(struct walk *w, const char *name)
{
	struct stat st;
	struct arena *a = w->h->a;
	if (fstatat(w->dir, path_base(path_of(w, name, "key")), &st, AT_SYMLINK_NOFOLLOW) < 0)
		return "unknown";
	return arena_printf(a, "%s:%s %04o", attr_user_name(a, st.st_uid),
		attr_group_name(a, st.st_gid), st.st_mode & 07777);
}

static void note_found(struct walk *w, const struct value *key, const char *name,
	const struct look_at *l, struct observation *o)
{
	struct arena *a = w->h->a;
	bool rsa = strcmp(map_cstr(key, "algorithm", "rsa"), "rsa") == 0;
	if (!l->found)
		note_change(w, o, name, NULL,
			rsa ? arena_printf(a, "RSA %d", (int)map_int(key, "bits", 2048))
			    : "Ed25519");
	if (l->attrs_wrong)
		note_change(w, o, arena_printf(a, "%s.key", name), owner_text(w, name),
			arena_printf(a, "%s:%s %s", map_cstr(w->params, "owner", "as it is"),
				map_cstr(w->params, "group", "as it is"),
				map_cstr(w->params, "mode", "as it is")));
	if (l->record_wrong)
		note_change(w, o, arena_printf(a, "%s.txt", name), "not of this key",
			"the key's public half");
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
		const char *name = name_of(w->h->a, key);
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
		map_set(a, d.names, str_c(name_of(a, key)), value_null(a));
	}
	return d;
}

/* DOMAIN.SELECTOR of a file that is a key of ours and not declared any more; else NULL. */
static const char *expired(struct walk *w, const struct declared *d, const char *file)
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
		const char *name = expired(w, &d, entry->d_name);
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

/* The record last: as long as it stands there, the key is known as ours. */
static bool remove_expired(struct walk *w, const char *name, void *ctx, struct err *e)
{
	static const char *const endings[] = {"key", "txt"};
	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		const char *path = path_of(w, name, endings[i]);
		if (!keep_original(w->h, path, e))
			return false;
		if (unlinkat(w->dir, path_base(path), 0) < 0 && errno != ENOENT)
			return err_errno(e, "cannot remove %s", path);
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
	map_put(w->h->a, attrs, "mode", value_printf(w->h->a, "%04o", RECORD_MODE));
	return write_file(w->h, path_of(w, name, "txt"), text, attrs, RECORD_MODE, NULL, e);
}

static bool make_key(
	struct walk *w, const struct value *key, const char *name, struct look_at *l, struct err *e)
{
	struct str text;
	return dkim_key_make(w->h, map_cstr(key, "algorithm", "rsa"),
		       (int)map_int(key, "bits", 2048), &text, e) &&
	       write_file(w->h, path_of(w, name, "key"), text, w->params, KEY_MODE, NULL, e) &&
	       dkim_key_read(w->h, text, &l->public) && write_record(w, name, &l->public, e);
}

static bool set_right(struct walk *w, const struct value *key, size_t *made, struct err *e)
{
	const char *name = name_of(w->h->a, key);
	struct look_at l;
	if (!look_at_key(w, key, name, &l, e))
		return false;
	if (!l.found) {
		if (w->h->note && ++*made % 100 == 0)
			w->h->note(w->h->ctx, "%zu DKIM keys made", *made);
		return make_key(w, key, name, &l, e);
	}
	if (l.attrs_wrong && !attr_want_set(w->want, w->dir, path_base(path_of(w, name, "key")), e))
		return false;
	return !l.record_wrong || write_record(w, name, &l.public, e);
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
		ok = err_set(e, ERR_PERMANENT, "the folder %s is not there", w.folder);
	else if (is_expiry(params))
		ok = each_expired(&w, remove_expired, NULL, e);
	for (size_t i = 0; ok && !is_expiry(params) && !w.out && i < w.keys->list.n; i++)
		ok = set_right(&w, w.keys->list.v[i], &made, e);
	walk_close(&w);
	return ok;
}

const struct restype restype_dkim_keys = {
	.name = "dkim_keys",
	.key = "folder",
	.doc = "The DKIM keys of many domains, made on the host and never shown; each has its "
	       "record beside it. A key that is there is never replaced.",
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
