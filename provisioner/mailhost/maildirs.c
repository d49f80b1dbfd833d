/* SPDX-License-Identifier: MIT
 *
 * The type `maildirs`: the folders of many mailboxes at once. Makes what is missing and sets owner
 * and mode of the folders that it makes; never removes anything, and never looks at mail.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "host/path.h"
#include "mailhost/maildirs.h"
#include "mailhost/types.h"

static const char MORE[] = "more mailboxes"; /* not a path: it has no slash */

enum {
	LISTED_MAX = 20,
	FOLDERS_MAX = 64,
	NAME_LEN_MAX = 200,
	NEW_MODE = 0700,
};

static const struct field maildirs_fields[] = {
	{.name = "root",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.aliases = "path",
		.doc = "Folder of all mailboxes. It must exist."},
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
		.doc = "Mail folders of each mailbox (Spam, Sent; Archive.2024 is in Archive), as "
		       "Maildir++ names them."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field maildirs_returns[] = {
	{.name = "path", .kind = FIELD_STR, .doc = "The root."},
	{.name = "mailboxes", .kind = FIELD_INT, .doc = "Number of mailboxes."},
	{0},
};

/* ---- rules ---- */

/* A relative path without empty, "." or ".." components and without control characters. */
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

/* A Maildir++ folder name: no slash, no empty component between dots. */
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
			ok = errs_add(errs, v->pos, "'%s' is not %s", v->s.p, what);
	}
	return ok;
}

static bool maildirs_check(const struct value *params, struct errs *errs)
{
	const struct value *maildir = map_at(params, "maildir");
	const struct value *folders = map_at(params, "folders");
	bool ok = check_list(map_at(params, "mailboxes"), path_valid,
		"a valid folder of a mailbox below root (domain/name)", errs);
	ok = check_list(folders, folder_valid, "a valid name of a mail folder", errs) && ok;
	if (folders && folders->type == VALUE_LIST && folders->list.n > FOLDERS_MAX)
		ok = errs_add(errs, folders->pos, "there are more than %d folders", FOLDERS_MAX);
	if (maildir && maildir->type == VALUE_STR &&
		(!path_valid(maildir->s) || strchr(maildir->s.p, '/')))
		ok = errs_add(
			errs, maildir->pos, "'%s' is not a valid name of a Maildir", maildir->s.p);
	return ok;
}

/* ---- looking ---- */

/* attr.c resolves the names of owners and groups. */
static bool read_ids(struct maildirs_walk *w, const struct value *params, struct err *e)
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
	/* no such file: only the parameters count */
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

static mode_t folder_mode(const struct value *params)
{
	mode_t mode;
	const char *text = map_cstr(params, "mode", "0700");
	return mode_parse(text, NEW_MODE, true, &mode) ? mode : NEW_MODE;
}

static bool walk_open(
	struct maildirs_walk *w, struct host *h, const struct value *params, struct err *e)
{
	*w = (struct maildirs_walk){.h = h,
		.mailboxes = map_at(params, "mailboxes"),
		.folders = map_at(params, "folders"),
		.root_path = map_cstr(params, "root", ""),
		.maildir = map_cstr(params, "maildir", "Maildir"),
		.mode = folder_mode(params),
		.mode_asked = map_at(params, "mode") != NULL,
		.root = -1};
	if (!read_ids(w, params, e))
		return false;
	w->root = folder_open(w->root_path, e);
	if (w->root >= 0 || (errno == ENOENT && files_pending(h)))
		return true;
	return err_errno(e,
		"cannot open the folder of the mailboxes, %s; create it first (file: state: "
		"directory)",
		w->root_path);
}

static void walk_close(struct maildirs_walk *w)
{
	if (w->root >= 0)
		close(w->root);
}

static void note_mailbox(const struct maildirs_walk *w, const char *mailbox, struct observation *o)
{
	struct maildirs_found f = {.fault = FOLDER_ABSENT};
	const char *after;
	if (w->root >= 0 && maildirs_right(w, &f, mailbox, NULL))
		return;
	const char *before = maildirs_fault_text(w, &f, mailbox, &after);
	observe_attr(w->h, o, mailbox, before, after);
}

static bool maildirs_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct maildirs_walk w;
	observation_init(h, o);
	if (!walk_open(&w, h, params, e))
		return false;
	size_t n = w.mailboxes->list.n, bytes = n + 1;
	unsigned char *wrong =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (wrong == MAP_FAILED)
		err_errno(e, "cannot check %zu mailboxes", n);
	else
		maildirs_look(&w, wrong);
	for (size_t i = 0; e->kind == ERR_NONE && i < n; i++)
		if (wrong[i] && w.wrong++ < LISTED_MAX)
			note_mailbox(&w, w.mailboxes->list.v[i]->s.p, o);
	if (w.wrong > LISTED_MAX)
		observe_attr(
			h, o, MORE, NULL, arena_printf(h->a, "and %zu more", w.wrong - LISTED_MAX));
	map_put(h->a, o->result, "path", value_text(h->a, w.root_path));
	map_put(h->a, o->result, "mailboxes", value_int(h->a, (int64_t)n));
	if (wrong != MAP_FAILED)
		munmap(wrong, bytes);
	walk_close(&w);
	return e->kind == ERR_NONE;
}

/* ---- making ---- */

/* Opens `name` in `dir`, creating it when it is missing; sets owner and mode in either case.
 * Follows no link: the owner of a mailbox may have put one there. */
static int make_folder(const struct maildirs_walk *w, int dir, const char *name)
{
	struct stat st;
	bool made = mkdirat(dir, name, w->mode) == 0;
	if (!made && errno != EEXIST)
		return -1;
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	bool ok = fstat(fd, &st) == 0;
	if (ok && !maildirs_owner_right(w, &st))
		ok = fchown(fd, w->uid, w->gid) == 0;
	if (ok && (made || !maildirs_mode_right(w, &st)))
		ok = fchmod(fd, w->mode) == 0; /* mkdir applied the umask */
	if (ok)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

static bool make_maildir(const struct maildirs_walk *w, int maildir)
{
	for (size_t i = 0; i < MAILDIRS_PARTS; i++) {
		int fd = make_folder(w, maildir, maildirs_parts[i] + 1);
		if (fd < 0)
			return false;
		close(fd);
	}
	return true;
}

/* In each Maildir++ folder an empty file marks it as a subfolder. An existing one may belong to
 * anybody, so only a new one gets an owner. */
static bool mark_folder(const struct maildirs_walk *w, int folder)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	int fd = openat(folder, "maildirfolder", flags, 0600);
	if (fd < 0)
		return errno == EEXIST;
	bool ok = fchown(fd, w->uid, w->gid) == 0;
	close(fd);
	return ok;
}

static bool make_mail_folder(const struct maildirs_walk *w, int maildir, const char *name)
{
	int fd = make_folder(w, maildir, arena_printf(w->h->a, ".%s", name));
	if (fd < 0)
		return false;
	bool ok = mark_folder(w, fd) && make_maildir(w, fd);
	close(fd);
	return ok;
}

/* Opens the home, creating each part of "domain/name". */
static int make_home(const struct maildirs_walk *w, const char *mailbox)
{
	int dir = dup(w->root);
	for (const char *p = mailbox; dir >= 0 && *p;) {
		size_t n = strcspn(p, "/");
		int next = make_folder(w, dir, str_dup(w->h->a, p, n).p);
		int why = errno;
		close(dir);
		errno = why;
		dir = next;
		p += n + (p[n] == '/');
	}
	return dir;
}

static bool make_mailbox(const struct maildirs_walk *w, const char *mailbox)
{
	int home = make_home(w, mailbox);
	int maildir = home < 0 ? -1 : make_folder(w, home, w->maildir);
	bool ok = maildir >= 0 && make_maildir(w, maildir);
	for (size_t i = 0; ok && w->folders && i < w->folders->list.n; i++)
		ok = make_mail_folder(w, maildir, w->folders->list.v[i]->s.p);
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
	struct maildirs_walk w;
	struct maildirs_found f;
	size_t made = 0;
	bool ok = true, named = !observed_change(o, MORE);
	if (!walk_open(&w, h, params, e))
		return false;
	for (size_t i = 0; ok && w.root >= 0 && i < w.mailboxes->list.n; i++) {
		const char *mailbox = w.mailboxes->list.v[i]->s.p;
		if (named ? !observed_change(o, mailbox) : maildirs_right(&w, &f, mailbox, NULL))
			continue;
		ok = make_mailbox(&w, mailbox);
		if (!ok)
			err_errno(e, "cannot make the mailbox %s/%s", w.root_path, mailbox);
		if (ok && h->note && ++made % 1000 == 0)
			h->note(h->ctx, "%zu mailboxes made", made);
	}
	if (ok && w.root < 0)
		ok = err_set(e, ERR_PERMANENT, "the folder %s does not exist", w.root_path);
	walk_close(&w);
	return ok;
}

const struct restype restype_maildirs = {
	.name = "maildirs",
	.key = "root",
	.doc = "The folders of many mailboxes. Missing ones are created; nothing is ever removed.",
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
