/* SPDX-License-Identifier: MIT
 *
 * The type `maildirs`: the folders of many mailboxes at once. Makes what is missing; never removes
 * anything, and never looks into a mailbox.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>
#include "resource/look.h"
#include "resource/types.h"

static const char MORE[] = "more mailboxes"; /* than LISTED_MAX: no path, for it has no slash */

enum { LISTED_MAX = 20, FOLDERS_MAX = 64, NAME_LEN_MAX = 200 };

static const struct field maildirs_fields[] = {
	{.name = "root",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.aliases = "path",
		.doc = "The folder that all mailboxes lie in. It has to be there."},
	{.name = "mailboxes",
		.kind = FIELD_LIST,
		.flags = FIELD_REQUIRED,
		.doc = "Home folders below root, as domain/name."},
	{.name = "maildir",
		.kind = FIELD_STR,
		.dflt = "Maildir",
		.doc = "Name of the Maildir in each home."},
	{.name = "folders",
		.kind = FIELD_LIST,
		.doc = "Mail folders that each mailbox has (Spam, Sent; Archive.2024 lies in "
		       "Archive), as Maildir++ lays them out."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field maildirs_returns[] = {
	{.name = "path", .kind = FIELD_STR, .doc = "The root."},
	{.name = "mailboxes", .kind = FIELD_INT, .doc = "How many mailboxes there are to be."},
	{0},
};

/* One run over all mailboxes. */
struct walk {
	struct host *h;
	const struct value *mailboxes, *folders; /* folders may be NULL */
	const char *root_path, *maildir;
	const struct value *attrs; /* owner, group, mode */
	int root;                  /* -1: the root is not there yet */
	uid_t uid;                 /* -1: not asked for */
	gid_t gid;
	size_t wrong; /* mailboxes that something is wrong with */
};

/* ---- rules ---- */

/* A relative path without empty, "." or ".." parts and without control characters. */
static bool path_valid(struct str path)
{
	for (size_t i = 0; i < path.n; i++)
		if ((unsigned char)path.p[i] < ' ' || path.p[i] == 127)
			return false;
	for (const char *p = path.p; p;) {
		size_t n = strcspn(p, "/");
		if (n == 0 || n > NAME_LEN_MAX || (n == 1 && p[0] == '.') ||
			(n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p = p[n] ? p + n + 1 : NULL;
	}
	return true;
}

/* Maildir++: no slash, no empty part between dots. */
static bool folder_valid(struct str name)
{
	if (!path_valid(name) || strchr(name.p, '/') || name.p[0] == '.')
		return false;
	return name.p[name.n - 1] != '.' && !strstr(name.p, "..");
}

static bool check_list(
	const struct value *list, bool (*valid)(struct str), const char *what, struct errs *errs)
{
	bool ok = true;
	if (!list || list->type != VALUE_LIST)
		return true;
	for (size_t i = 0; i < list->list.n; i++) {
		const struct value *v = list->list.v[i];
		if (v->type == VALUE_STR && !valid(v->s))
			ok = errs_add(errs, v->pos, "'%s' cannot be %s", v->s.p, what);
	}
	return ok;
}

static bool maildirs_check(const struct value *params, struct errs *errs)
{
	const struct value *maildir = map_at(params, "maildir");
	const struct value *folders = map_at(params, "folders");
	bool ok = check_list(map_at(params, "mailboxes"), path_valid,
		"a mailbox's folder below root (domain/name)", errs);
	ok = check_list(folders, folder_valid, "the name of a mail folder", errs) && ok;
	if (folders && folders->type == VALUE_LIST && folders->list.n > FOLDERS_MAX)
		ok = errs_add(errs, folders->pos, "more than %d folders", FOLDERS_MAX);
	if (maildir && maildir->type == VALUE_STR &&
		(!path_valid(maildir->s) || strchr(maildir->s.p, '/')))
		ok = errs_add(
			errs, maildir->pos, "'%s' cannot be the name of a Maildir", maildir->s.p);
	return ok;
}

/* ---- looking ---- */

/* The ids come from the one place that knows how owners are named. */
static bool read_ids(struct walk *w, const struct value *params, struct err *e)
{
	struct value *v = value_map(w->h->a);
	struct file_attr attr;
	const char *const keys[] = {"owner", "group"};
	w->attrs = v;
	w->uid = (uid_t)-1;
	w->gid = (gid_t)-1;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (map_at(params, keys[i]))
			map_put(w->h->a, v, keys[i], map_at(params, keys[i]));
	struct err missing = {0};
	/* no file of this name: only what the parameters say */
	const char *none = path_join(w->h->a, w->root_path, ".provision-none");
	if (attr_for_write(w->h, none, v, 0, &attr, &missing)) {
		w->uid = attr.uid;
		w->gid = attr.gid;
		return true;
	}
	if (w->h->pending & (RES_ACCOUNT | RES_PACKAGE))
		return true;
	*e = missing;
	return false;
}

static bool walk_open(struct walk *w, struct host *h, const struct value *params, struct err *e)
{
	*w = (struct walk){.h = h,
		.mailboxes = map_at(params, "mailboxes"),
		.folders = map_at(params, "folders"),
		.root_path = map_cstr(params, "root", ""),
		.maildir = map_cstr(params, "maildir", "Maildir"),
		.root = -1};
	if (!read_ids(w, params, e))
		return false;
	w->root = open(w->root_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w->root >= 0 || (errno == ENOENT && files_pending(h)))
		return true;
	return err_errno(e,
		"cannot open the folder of the mailboxes, %s (make it first: file: "
		"state: directory)",
		w->root_path);
}

static void walk_close(struct walk *w)
{
	if (w->root >= 0)
		close(w->root);
}

static bool owner_right(const struct walk *w, const struct stat *st)
{
	return (w->uid == (uid_t)-1 || st->st_uid == w->uid) &&
	       (w->gid == (gid_t)-1 || st->st_gid == w->gid);
}

/* A folder with cur, new and tmp: tmp is made last, so it stands for all three. One call to the
 * kernel, for there may be ten thousand mailboxes. `folder` NULL: the Maildir itself. */
static bool complete(const struct walk *w, const char *mailbox, const char *folder, struct stat *st)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s/%s%s%stmp", mailbox, w->maildir,
		folder ? "." : "", folder ? folder : "", folder ? "/" : "");
	return n > 0 && (size_t)n < sizeof(path) &&
	       fstatat(w->root, path, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st->st_mode);
}

static const char *owner_text(struct arena *a, const char *user, const char *group)
{
	return arena_printf(a, "owner %s:%s", user, group);
}

static const char *absent_or_incomplete(const struct walk *w, const char *mailbox)
{
	struct stat st;
	const char *path = arena_printf(w->h->a, "%s/%s", mailbox, w->maildir);
	return w->root < 0 || fstatat(w->root, path, &st, 0) < 0 ? "absent" : "incomplete";
}

/* What is wrong with one mailbox; NULL: nothing. The first thing found is told. */
static const char *fault(const struct walk *w, const char *mailbox, const char **after)
{
	struct arena *a = w->h->a;
	struct stat st;
	*after = w->maildir;
	if (w->root < 0 || !complete(w, mailbox, NULL, &st))
		return absent_or_incomplete(w, mailbox);
	if (!owner_right(w, &st)) {
		*after = owner_text(a, map_cstr(w->attrs, "owner", "as it is"),
			map_cstr(w->attrs, "group", "as it is"));
		return owner_text(a, attr_user_name(a, st.st_uid), attr_group_name(a, st.st_gid));
	}
	for (size_t i = 0; w->folders && i < w->folders->list.n; i++) {
		const char *folder = w->folders->list.v[i]->s.p;
		if (!complete(w, mailbox, folder, &st)) {
			*after = arena_printf(a, "with %s", folder);
			return arena_printf(a, "without %s", folder);
		}
	}
	return NULL;
}

static bool maildirs_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct walk w;
	const char *after;
	observation_init(h, o);
	if (!walk_open(&w, h, params, e))
		return false;
	for (size_t i = 0; i < w.mailboxes->list.n; i++) {
		const char *mailbox = w.mailboxes->list.v[i]->s.p;
		const char *wrong = fault(&w, mailbox, &after);
		if (wrong && w.wrong++ < LISTED_MAX)
			observe_attr(h, o, mailbox, strcmp(wrong, "absent") ? wrong : NULL, after);
	}
	if (w.wrong > LISTED_MAX)
		observe_attr(
			h, o, MORE, NULL, arena_printf(h->a, "and %zu more", w.wrong - LISTED_MAX));
	map_put(h->a, o->result, "path", value_text(h->a, w.root_path));
	map_put(h->a, o->result, "mailboxes", value_int(h->a, (int64_t)w.mailboxes->list.n));
	walk_close(&w);
	return true;
}

/* ---- making ---- */

static mode_t folder_mode(const struct value *params)
{
	mode_t mode;
	const char *text = map_cstr(params, "mode", "0700");
	return mode_parse(text, 0700, true, &mode) ? mode : 0700;
}

/* Opens `name` in `dir`, making it when it is missing; its owner is set either way. Never through
 * a link: the owner of a mailbox may have put one there. */
static int make_folder(const struct walk *w, int dir, const char *name, mode_t mode)
{
	bool made = mkdirat(dir, name, mode) == 0;
	if (!made && errno != EEXIST)
		return -1;
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return -1;
	bool ok = fstat(fd, &st) == 0;
	if (ok && !owner_right(w, &st))
		ok = fchown(fd, w->uid, w->gid) == 0;
	if (ok && made)
		ok = fchmod(fd, mode) == 0; /* mkdir's mode went through the umask */
	if (ok)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

/* cur, new, then tmp: observe takes tmp for a sign that all are there. */
static bool make_maildir(const struct walk *w, int maildir, mode_t mode)
{
	static const char *const parts[] = {"cur", "new", "tmp"};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int fd = make_folder(w, maildir, parts[i], mode);
		if (fd < 0)
			return false;
		close(fd);
	}
	return true;
}

/* A Maildir++ folder has an empty file that tells deliveries they are in a subfolder. One that is
 * there may belong to anybody, so only a new one gets an owner. */
static bool mark_folder(const struct walk *w, int folder)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	int fd = openat(folder, "maildirfolder", flags, 0600);
	if (fd < 0)
		return errno == EEXIST;
	bool ok = fchown(fd, w->uid, w->gid) == 0;
	close(fd);
	return ok;
}

static bool make_mail_folder(const struct walk *w, int maildir, const char *name, mode_t mode)
{
	int fd = make_folder(w, maildir, arena_printf(w->h->a, ".%s", name), mode);
	if (fd < 0)
		return false;
	bool ok = mark_folder(w, fd) && make_maildir(w, fd, mode);
	close(fd);
	return ok;
}

/* Opens the home, making each part of "domain/name"; the domain's folder can be passed through. */
static int make_home(const struct walk *w, const char *mailbox, mode_t mode)
{
	int dir = dup(w->root);
	for (const char *p = mailbox; dir >= 0 && *p;) {
		size_t n = strcspn(p, "/");
		int next = make_folder(w, dir, str_dup(w->h->a, p, n).p, mode);
		int why = errno;
		close(dir);
		errno = why;
		dir = next;
		p += n + (p[n] == '/');
	}
	return dir;
}

static bool make_mailbox(const struct walk *w, const char *mailbox, mode_t mode)
{
	int home = make_home(w, mailbox, mode);
	int maildir = home < 0 ? -1 : make_folder(w, home, w->maildir, mode);
	bool ok = maildir >= 0 && make_maildir(w, maildir, mode);
	for (size_t i = 0; ok && w->folders && i < w->folders->list.n; i++)
		ok = make_mail_folder(w, maildir, w->folders->list.v[i]->s.p, mode);
	int why = errno;
	if (maildir >= 0)
		close(maildir);
	if (home >= 0)
		close(home);
	errno = why;
	return ok;
}

static bool maildirs_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct walk w;
	const char *after;
	mode_t mode = folder_mode(params);
	size_t made = 0;
	bool ok = true, named = !observed_change(o, MORE);
	if (!walk_open(&w, h, params, e))
		return false;
	for (size_t i = 0; ok && w.root >= 0 && i < w.mailboxes->list.n; i++) {
		const char *mailbox = w.mailboxes->list.v[i]->s.p;
		if (named ? !observed_change(o, mailbox) : !fault(&w, mailbox, &after))
			continue;
		ok = make_mailbox(&w, mailbox, mode);
		if (!ok)
			err_errno(e, "cannot make the mailbox %s/%s", w.root_path, mailbox);
		if (ok && h->note && ++made % 1000 == 0)
			h->note(h->ctx, "%zu mailboxes made", made);
	}
	if (ok && w.root < 0)
		ok = err_set(e, ERR_PERMANENT, "the folder %s is not there", w.root_path);
	walk_close(&w);
	return ok;
}

const struct restype restype_maildirs = {
	.name = "maildirs",
	.key = "root",
	.doc = "The folders of many mailboxes. What is missing is made; nothing is ever removed.",
	.example = "- name: Mailboxes\n  maildirs:\n    root: /var/vmail\n"
		   "    mailboxes: [example.com/alice, example.com/bob]\n"
		   "    folders: [Spam, Sent]\n    owner: vmail\n    group: vmail\n",
	.fields = maildirs_fields,
	.returns = maildirs_returns,
	.class = RES_FILE,
	.touches = RES_FILE,
	.check = maildirs_check,
	.observe = maildirs_observe,
	.apply = maildirs_apply,
};
