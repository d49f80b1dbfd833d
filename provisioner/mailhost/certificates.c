/* SPDX-License-Identifier: MIT
 *
 * The type `certificates`: a folder with one file for each name: key, certificate and chain
 * together, so that a daemon never reads a key and a certificate that do not match. They are given
 * as text or obtained by ACME. Never writes a pair that openssl refuses, and never replaces a
 * working one when a new one cannot be obtained.
 */
#include <dirent.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>
#include "mailhost/acme.h"
#include "host/args.h"
#include "host/path.h"
#include "mailhost/types.h"
#include "host/x509.h"

enum {
	PEM_MAX = 1 << 20,
	LISTED_MAX = 50,
	REFUSED_MAX = 5,
	FILE_MODE = 0600,
	DIGEST_SHOWN = 8,
	SAID_MAX = 500
};

static const struct field certificates_fields[] = {
	{.name = "path",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.doc = "Folder of the files NAME.pem."},
	{.name = "given",
		.kind = FIELD_MAP,
		.flags = FIELD_SECRET,
		.dflt = "{}",
		.doc = "Name -> PEM text of its key, certificate and chain."},
	{.name = "acme",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Names to obtain a certificate for, one for each, by certbot, which "
		       "answers on port 80."},
	{.name = "directory",
		.kind = FIELD_STR,
		.dflt = "https://acme-v02.api.letsencrypt.org/directory",
		.doc = "URL of the authority's ACME directory. A certificate from another "
		       "directory is replaced."},
	{.name = "email", .kind = FIELD_STR, .doc = "Contact address at the authority."},
	{.name = "ca",
		.kind = FIELD_PATH,
		.doc = "File on the host with the CA certificate of the directory's own server."},
	{.name = "certbot",
		.kind = FIELD_PATH,
		.dflt = "/etc/letsencrypt",
		.doc = "certbot's folder."},
	{.name = "fallback",
		.kind = FIELD_LIST,
		.dflt = "[]",
		.doc = "Files (key, certificate) to use until a certificate has been obtained."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "written obtained",
		.dflt = "written",
		.doc = "written: every name has a file that lets daemons start; for an ACME name "
		       "without a certificate that is the fallback. obtained: missing "
		       "certificates are obtained by ACME, and files of other names are removed."},
	{.name = "hook",
		.kind = FIELD_PATH,
		.flags = FIELD_ACTION,
		.doc = "Program to run when state obtained has changed a file."},
	{0},
};

static const struct field certificates_returns[] = {
	{.name = "path", .kind = FIELD_STR, .doc = "The folder."},
	{0},
};

enum action_kind { ACTION_WRITE, ACTION_OBTAIN, ACTION_REMOVE, ACTION_ACCESS };
struct action {
	enum action_kind kind;
	const char *name, *path;
	struct str pem; /* ACTION_WRITE */
	bool given;     /* openssl must check it first */
	bool again;     /* ACTION_OBTAIN: there is one, but it must be replaced */
	const char *before, *after;
};
struct survey {
	struct host *h;
	const struct value *params;
	const char *folder;
	struct acme acme;
	bool obtain;
	const char *hook;    /* to run after changes; or NULL */
	const char *mark;    /* exists while the hook still has to run */
	bool owed;           /* left by an interrupted run, or by a failed hook */
	struct value *names; /* the names of `acme` */
	struct action *v;
	size_t n, cap;
};

/* ---- rules ---- */

/* A host name: it becomes the name of a file and an argument of certbot. */
static bool name_ok(const char *s)
{
	size_t n = strlen(s);
	return n > 0 && n < 254 && s[0] != '-' && s[0] != '.' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n;
}

static bool certificates_check(const struct value *params, struct errs *errs)
{
	const struct value *given = map_at(params, "given"), *acme = map_at(params, "acme");
	bool ok = true;
	for (size_t i = 0; given && given->type == VALUE_MAP && i < given->map.n; i++) {
		const struct map_entry *e = &given->map.e[i];
		struct pos pos = e->value->pos.line ? e->value->pos : given->pos;
		if (!name_ok(e->key.p))
			ok = errs_add(errs, e->key_pos.line ? e->key_pos : pos,
				"'%s' is not a host name", e->key.p);
		if (e->value->type != VALUE_STR && e->value->type != VALUE_UNKNOWN)
			ok = errs_add(errs, pos, "'%s' must have a PEM text", e->key.p);
	}
	for (size_t i = 0; acme && acme->type == VALUE_LIST && i < acme->list.n; i++) {
		const struct value *v = acme->list.v[i];
		if (v->type == VALUE_STR && !name_ok(v->s.p))
			ok = errs_add(errs, v->pos, "'%s' is not a host name", v->s.p);
		else if (v->type == VALUE_STR && map_at(given, v->s.p))
			ok = errs_add(errs, v->pos, "'%s' is in both given and acme", v->s.p);
	}
	return ok;
}

/* ---- what is there, what is wanted ---- */

/* "until 2031-11-21 (sha256 0a1b2c3d)": enough to tell two apart, nothing of the key. */
static const char *describe_certificate(struct arena *a, struct str pem)
{
	unsigned char sha[SHA256_LEN];
	char digest[SHA256_HEX], day[32];
	struct cert_info c;
	struct tm tm;
	if (!cert_read(a, pem, &c))
		return "no certificate";
	time_t end = (time_t)c.not_after;
	gmtime_r(&end, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	sha256(pem.p, pem.n, sha);
	hex(sha, sizeof(sha), digest);
	return arena_printf(a, "%s until %s (sha256 %.*s)",
		c.self_issued ? "self-signed" : "signed", day, DIGEST_SHOWN, digest);
}

static void add_action(struct survey *s, struct action x)
{
	PUSH(s->h->a, s->v, s->n, s->cap, x);
}

static bool look_at(struct survey *s, const char *name, struct action *x, struct str *now,
	bool *found, struct err *e)
{
	*x = (struct action){
		.name = name, .path = arena_printf(s->h->a, "%s/%s.pem", s->folder, name)};
	if (!path_read(s->h->a, x->path, PEM_MAX, now, found, e))
		return false;
	x->before = *found ? describe_certificate(s->h->a, *now) : NULL;
	return true;
}

static const char *access_text(struct arena *a, const struct stat *st)
{
	return arena_printf(a, "%s:%s %04o", attr_user_name(a, st->st_uid),
		attr_group_name(a, st->st_gid), (unsigned)st->st_mode & 07777);
}

/* A file with the right content may still have wrong access rights or another owner. */
static bool access_right(struct survey *s, struct action x, struct err *e)
{
	struct stat st, to_be = {.st_mode = FILE_MODE, .st_uid = geteuid(), .st_gid = getegid()};
	bool found;
	if (!path_stat(x.path, &st, &found, e))
		return false;
	if (!found || ((st.st_mode & 07777) == FILE_MODE && st.st_uid == to_be.st_uid &&
			      st.st_gid == to_be.st_gid))
		return true;
	x.kind = ACTION_ACCESS;
	x.before = access_text(s->h->a, &st);
	x.after = access_text(s->h->a, &to_be);
	add_action(s, x);
	return true;
}

/* Writes `pem` unless the file has it already. */
static bool want_file(
	struct survey *s, struct action x, struct str pem, const struct str *now, struct err *e)
{
	if (!now || !str_eq(*now, pem)) {
		x.kind = ACTION_WRITE;
		x.pem = pem;
		x.after = describe_certificate(s->h->a, pem);
		add_action(s, x);
		return true;
	}
	return access_right(s, x, e);
}

static bool survey_given(struct survey *s, const struct map_entry *entry, struct err *e)
{
	struct str now, pem = str_printf(s->h->a, "%s\n", str_trim(s->h->a, entry->value->s).p);
	struct action x;
	bool found;
	if (!look_at(s, entry->key.p, &x, &now, &found, e))
		return false;
	x.given = true;
	return want_file(s, x, pem, found ? &now : NULL, e);
}

static bool survey_acme(struct survey *s, const char *name, struct err *e)
{
	struct lineage l;
	struct cert_info c;
	struct action x;
	struct str now;
	bool found;
	if (!look_at(s, name, &x, &now, &found, e) || !acme_read(s->h, &s->acme, name, &l, e))
		return false;
	if (l.due && s->obtain) {
		x.kind = ACTION_OBTAIN;
		x.again = l.there;
		x.before = l.why;
		x.after = arena_printf(s->h->a, "from %s", s->acme.directory);
		add_action(s, x);
		return true;
	}
	if (l.there)
		return want_file(s, x, l.pem, found ? &now : NULL, e);
	if (found && cert_read(s->h->a, now, &c))
		return access_right(s, x, e);
	x.after = "the fallback, until a certificate is obtained";
	/* its text is read when it is written: an earlier step may still make it */
	add_action(s, x);
	return true;
}

static bool is_listed(const struct survey *s, const char *name)
{
	return map_at(s->names, name) || map_at(map_at(s->params, "given"), name);
}

static bool survey_others(struct survey *s, struct err *e)
{
	int fd = folder_open(s->folder, e);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	if (!d)
		return e->kind == ERR_NONE;
	while ((entry = readdir(d))) {
		size_t n = strlen(entry->d_name);
		if (n < 5 || strcmp(entry->d_name + n - 4, ".pem") != 0)
			continue;
		struct action x = {.kind = ACTION_REMOVE,
			.name = str_dup(s->h->a, entry->d_name, n - 4).p,
			.before = "present",
			.after = "absent"};
		x.path = path_join(s->h->a, s->folder, arena_strdup(s->h->a, entry->d_name));
		if (!is_listed(s, x.name))
			add_action(s, x);
	}
	closedir(d);
	return true;
}

static void survey_init(struct survey *s, struct host *h, const struct value *params)
{
	const struct value *acme = map_at(params, "acme");
	*s = (struct survey){.h = h, .params = params, .names = value_map(h->a)};
	for (size_t i = 0; acme && i < acme->list.n; i++)
		map_set(h->a, s->names, acme->list.v[i]->s, acme->list.v[i]);
	s->folder = clean_path(h->a, map_cstr(params, "path", ""));
	s->obtain = strcmp(map_cstr(params, "state", "written"), "obtained") == 0;
	s->hook = s->obtain ? map_cstr(params, "hook", NULL) : NULL;
	s->mark = path_join(h->a, s->folder, ".hook");
	s->owed = s->hook && access(s->mark, F_OK) == 0;
	s->acme.folder = map_cstr(params, "certbot", "/etc/letsencrypt");
	s->acme.directory = map_cstr(params, "directory", "");
	s->acme.email = map_cstr(params, "email", NULL);
	s->acme.ca = map_cstr(params, "ca", NULL);
}

static bool survey_all(struct survey *s, struct err *e)
{
	const struct value *given = map_at(s->params, "given"), *acme = map_at(s->params, "acme");
	for (size_t i = 0; given && !s->obtain && i < given->map.n; i++)
		if (!survey_given(s, &given->map.e[i], e))
			return false;
	for (size_t i = 0; acme && i < acme->list.n; i++)
		if (!survey_acme(s, acme->list.v[i]->s.p, e))
			return false;
	return !s->obtain || survey_others(s, e);
}

static bool certificates_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct survey s;
	observation_init(h, o);
	survey_init(&s, h, params);
	if (!survey_all(&s, e))
		return false;
	if (s.n && !path_is_dir(s.folder) && !files_pending(h))
		return err_set(e, ERR_PERMANENT, "the folder %s does not exist", s.folder);
	for (size_t i = 0; i < s.n && i < LISTED_MAX; i++)
		observe_attr(h, o, s.v[i].name, s.v[i].before, s.v[i].after);
	if (s.n > LISTED_MAX)
		observe_attr(h, o, "others", NULL, arena_printf(h->a, "%zu", s.n - LISTED_MAX));
	if (s.owed && !s.n)
		observe_run(h, o, "hook", "run the hook that is still due from an earlier change");
	map_put(h->a, o->result, "path", value_text(h->a, s.folder));
	return true;
}

/* ---- apply ---- */

static bool read_fallback(struct survey *s, struct str *pem, struct err *e)
{
	const struct value *files = map_at(s->params, "fallback");
	struct str part, all = str_c("");
	bool found;
	for (size_t i = 0; files && i < files->list.n; i++) {
		const char *path = files->list.v[i]->s.p;
		if (!path_read(s->h->a, path, PEM_MAX, &part, &found, e))
			return false;
		if (!found)
			return err_set(e, ERR_PERMANENT,
				"the fallback certificate %s does not exist", path);
		all = str_printf(s->h->a, "%s%s", all.p, part.p);
	}
	*pem = all;
	return all.n ||
	       err_set(e, ERR_CONFIG, "there is no certificate yet, and no fallback is given");
}

/* Only our own account has access. */
static const struct value *own_attrs(struct survey *s)
{
	struct arena *a = s->h->a;
	struct value *attr = value_map(a);
	map_put(a, attr, "owner", value_printf(a, "%u", (unsigned)geteuid()));
	map_put(a, attr, "group", value_printf(a, "%u", (unsigned)getegid()));
	map_put(a, attr, "mode", value_printf(a, "%04o", FILE_MODE));
	return attr;
}

/* Do key and certificate match? Passed on standard input, because a path could change meanwhile. */
static bool openssl_takes(struct survey *s, const struct action *x, struct str pem, struct err *e)
{
	static const char *const argv[] = {"openssl", "pkcs12", "-export", "-in", "/dev/stdin",
		"-passin", "pass:", "-passout", "pass:", "-out", "/dev/null", NULL};
	struct proc_result r;
	if (!run_with(s->h, argv, pem, &r, e))
		return false;
	return r.status == 0 ||
	       err_set(e, ERR_PERMANENT,
		       "openssl refuses the key and certificate for %s; nothing was changed: %s",
		       x->name, last_words(s->h->a, r.err_out, SAID_MAX));
}

static bool put_file(struct survey *s, const struct action *x, struct str pem, struct err *e)
{
	return (!x->given || openssl_takes(s, x, pem, e)) &&
	       write_file(s->h, x->path, pem, own_attrs(s), FILE_MODE, e);
}

/* The old file stays where none could be obtained; without an old one the fallback is written. */
static bool obtain_certificate(struct survey *s, const struct action *x, struct err *e)
{
	struct err none = {0};
	struct lineage l;
	struct stat st;
	struct str pem;
	bool got = acme_obtain(s->h, &s->acme, x->name, x->again, e), found;
	if (!got && path_stat(x->path, &st, &found, &none) && !found &&
		read_fallback(s, &pem, &none))
		put_file(s, x, pem, &none);
	if (!got)
		return false;
	if (!acme_read(s->h, &s->acme, x->name, &l, e))
		return false;
	if (!l.there)
		return err_set(e, ERR_PERMANENT,
			"certbot reported a certificate for %s, but there is none in %s/live/%s",
			x->name, s->acme.folder, x->name);
	return put_file(s, x, l.pem, e);
}

static bool carry_out(struct survey *s, const struct action *x, struct err *e)
{
	struct str pem = x->pem;
	switch (x->kind) {
	case ACTION_OBTAIN:
		return obtain_certificate(s, x, e);
	case ACTION_REMOVE:
		return remove_file(s->h, x->path, e);
	case ACTION_ACCESS:
		return attr_apply(s->h, x->path, own_attrs(s), e);
	case ACTION_WRITE:
		break;
	}
	return (pem.p || read_fallback(s, &pem, e)) && put_file(s, x, pem, e);
}

/* A name that the authority refuses does not stop the others. */
static size_t act_all(struct survey *s, size_t *done, struct err *e)
{
	size_t refused = 0;
	for (size_t i = 0; i < s->n && refused < REFUSED_MAX; i++) {
		struct err own = {0};
		bool ok = carry_out(s, &s->v[i], &own);
		*done += ok;
		if (!ok && refused++ == 0)
			*e = own;
		if (!ok && s->v[i].kind != ACTION_OBTAIN)
			break;
	}
	return refused;
}

static bool owe_hook(struct survey *s, struct err *e)
{
	struct file_attr attr = {FILE_MODE, (uid_t)-1, (gid_t)-1};
	return !s->hook || !s->n || s->owed || file_replace(s->mark, "", 0, attr, e);
}

static bool run_hook(struct survey *s, bool due, struct err *e)
{
	const char *const argv[] = {s->hook, NULL};
	struct err own = {0};
	bool ok = !due || run_program(s->h, argv, NULL, &own);
	ok = ok && remove_name(s->mark, false, &own);
	if (!ok && e->kind == ERR_NONE)
		*e = own;
	return ok;
}

static bool certificates_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	size_t done = 0;
	struct survey s;
	(void)o;
	survey_init(&s, h, params);
	if (!survey_all(&s, e) || !owe_hook(&s, e))
		return false;
	size_t refused = act_all(&s, &done, e);
	return (!s.hook || run_hook(&s, s.owed || done, e)) && refused == 0;
}

const struct restype restype_certificates = {
	.name = "certificates",
	.key = "path",
	.doc = "A folder of certificates, each in one file with its key, given or obtained by "
	       "ACME.",
	.example = "- name: The certificates that clients are shown\n  certificates:\n"
		   "    path: /etc/ssl/mail\n    given:\n"
		   "      mx1.example.com: \"{{ lookup('file', 'mx1.key') }}\\n{{ lookup('file', "
		   "'mx1.pem') }}\"\n",
	.fields = certificates_fields,
	.returns = certificates_returns,
	.class = RES_FILE,
	.touches = RES_FILE,
	.check = certificates_check,
	.observe = certificates_observe,
	.apply = certificates_apply,
};
