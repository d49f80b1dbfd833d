/* SPDX-License-Identifier: MIT
 *
 * The type `mailing_lists`: all lists of an engine at once. Makes them, keeps their settings and
 * the members that are declared, and closes those no longer declared. Never unsubscribes anybody
 * it did not subscribe, and never deletes a list, its subscribers or its archive.
 *
 * Beside each list stands a file of the members that were declared last (.declared; NAME.declared
 * for Majordomo): it says that the list is ours, and who leaves when a name goes from the
 * manifest. A closed list lies in ROOT/closed, where the engine does not look.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>
#include "resource/args.h"
#include "resource/look.h"
#include "resource/mailing_list.h"
#include "resource/types.h"

enum { LISTED_MAX = 40, NAMED_MAX = 6, PORT_MAX = 65535, SHOWN_MAX = 60 };
#define CLOSED "closed"
#define DECLARED ".declared"

static const struct field list_fields[] = {
	{.name = "address",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "The list's address."},
	{.name = "owner",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "Address of its owner."},
	{.name = "moderators", .kind = FIELD_LIST, .doc = "Addresses; default: the owner."},
	{.name = "members", .kind = FIELD_LIST, .doc = "Addresses that are to be subscribed."},
	{.name = "post",
		.kind = FIELD_ENUM,
		.choices = "members anyone moderated",
		.dflt = "members",
		.doc = "Whose posts go out at once."},
	{.name = "subscription",
		.kind = FIELD_ENUM,
		.choices = "open moderated closed",
		.dflt = "open",
		.doc = "Who can subscribe by mail."},
	{.name = "subject_prefix", .kind = FIELD_STR, .doc = "Put before each subject."},
	{.name = "reply_to",
		.kind = FIELD_ENUM,
		.choices = "sender list",
		.dflt = "sender",
		.doc = "Where answers go."},
	{.name = "language",
		.kind = FIELD_STR,
		.dflt = "en",
		.doc = "Folder of mlmmj's texts below `texts`."},
	{0},
};

static const struct field mailing_lists_fields[] = {
	{.name = "root",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.aliases = "path",
		.doc = "The folder that all lists lie in, as DOMAIN/NAME. It has to be there."},
	{.name = "engine",
		.kind = FIELD_ENUM,
		.choices = "mlmmj majordomo",
		.dflt = "mlmmj",
		.doc = "The program whose files they are."},
	{.name = "lists",
		.kind = FIELD_LIST,
		.flags = FIELD_REQUIRED,
		.sub = list_fields,
		.doc = "All lists. One that is not named is closed; its subscribers and its "
		       "archive "
		       "are kept, and it opens with them when it is named again."},
	{.name = "hostname", .kind = FIELD_STR, .doc = "How mlmmj greets the mail server."},
	{.name = "port",
		.kind = FIELD_INT,
		.dflt = "25",
		.min = 1,
		.max = PORT_MAX,
		.doc = "Where on this host mlmmj hands in mail."},
	{.name = "texts",
		.kind = FIELD_PATH,
		.dflt = "/usr/share/mlmmj/text.skel",
		.doc = "Where mlmmj's texts lie, by language."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field mailing_lists_returns[] = {
	{.name = "path", .kind = FIELD_STR, .doc = "The root."},
	{.name = "lists", .kind = FIELD_INT, .doc = "How many lists there are to be."},
	{0},
};

/* One run over all lists. */
struct walk {
	struct host *h;
	const struct value *params, *lists;
	const struct mlist_engine *eng;
	const char *root_path;
	int root; /* -1: not there yet */
	struct mlist_owner who;
	struct observation *o; /* observing: what is found goes here; NULL: applying */
	size_t told;
};

/* ---- rules ---- */
static bool plain_name(const char *p, size_t n)
{
	if (n == 0 || n > 200 || p[0] == '.' || p[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-=~", p[i]))
			return false;
	return true;
}

/* Name and domain become folders. */
static bool address_valid(struct str s)
{
	const char *at = strchr(s.p, '@');

	return at && plain_name(s.p, (size_t)(at - s.p)) && plain_name(at + 1, strlen(at + 1)) &&
	       strlen(s.p) == s.n && strcmp(at + 1, CLOSED) != 0;
}

static bool person_valid(struct str s)
{
	if (s.n == 0 || s.n > 320 || strlen(s.p) != s.n || !strchr(s.p, '@') ||
		strpbrk(s.p, "/ ,;:<>()[]\"\\"))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return s.p[0] != '.' && s.p[0] != '-';
}

static bool check_people(const struct value *def, const char *key, struct errs *errs)
{
	const struct value *v = map_at(def, key);
	bool ok = true;

	for (size_t i = 0; v && v->type == VALUE_LIST && i < v->list.n; i++)
		if (v->list.v[i]->type == VALUE_STR && !person_valid(v->list.v[i]->s))
			ok = errs_add(errs, v->list.v[i]->pos, "'%s' is no address for a list",
				v->list.v[i]->s.p);
	return ok;
}

static bool check_def(const struct value *def, struct value *seen, struct errs *errs)
{
	const struct value *address = map_at(def, "address"), *owner = map_at(def, "owner");
	const struct value *prefix = map_at(def, "subject_prefix");
	bool ok = check_people(def, "moderators", errs) & check_people(def, "members", errs);

	if (owner && owner->type == VALUE_STR && !person_valid(owner->s))
		ok = errs_add(errs, owner->pos, "'%s' is no address for a list", owner->s.p);
	if (prefix && prefix->type == VALUE_STR && strpbrk(prefix->s.p, "\r\n"))
		ok = errs_add(errs, prefix->pos, "subject_prefix must be one line");
	if (!address || address->type != VALUE_STR)
		return ok;
	if (!address_valid(address->s))
		return errs_add(
			errs, address->pos, "'%s' cannot be the address of a list", address->s.p);
	if (map_get(seen, address->s))
		return errs_add(errs, address->pos, "list '%s' is there twice", address->s.p);
	map_set(errs->a, seen, address->s, value_null(errs->a));
	return ok;
}

static bool mailing_lists_check(const struct value *params, struct errs *errs)
{
	const struct value *lists = map_at(params, "lists");
	struct value *seen = value_map(errs->a);
	bool ok = true;

	for (size_t i = 0; lists && lists->type == VALUE_LIST && i < lists->list.n; i++)
		if (lists->list.v[i]->type == VALUE_MAP)
			ok = check_def(lists->list.v[i], seen, errs) && ok;
	return ok;
}

/* ---- the walk ---- */
/* While an account is still to be made, files count as owned rightly. */
static bool read_owner(struct walk *w, struct err *e)
{
	const char *owner = map_cstr(w->params, "owner", NULL);
	const char *group = map_cstr(w->params, "group", NULL);
	bool soon = w->h->pending & (RES_ACCOUNT | RES_PACKAGE);

	w->who = (struct mlist_owner){(uid_t)-1, (gid_t)-1};
	if (owner && !attr_user_id(w->h->a, owner, &w->who.uid) && !soon)
		return err_set(e, ERR_PERMANENT, "there is no user '%s' on the host", owner);
	if (group && !attr_group_id(w->h->a, group, &w->who.gid) && !soon)
		return err_set(e, ERR_PERMANENT, "there is no group '%s' on the host", group);
	return true;
}

static bool walk_open(struct walk *w, struct host *h, const struct value *params, struct err *e)
{
	*w = (struct walk){.h = h,
		.params = params,
		.lists = map_at(params, "lists"),
		.root_path = map_cstr(params, "root", ""),
		.root = -1};
	w->eng = strcmp(map_cstr(params, "engine", "mlmmj"), "majordomo") ? &mlist_mlmmj
									  : &mlist_majordomo;
	w->root = open(w->root_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w->root < 0 && errno == ENOENT && !w->lists->list.n)
		return true; /* never had any, and is to have none */
	if (w->root < 0 && !(errno == ENOENT && files_pending(h)))
		return err_errno(e,
			"cannot open the folder of the lists, %s (make it first: file: state: "
			"directory)",
			w->root_path);
	return read_owner(w, e);
}

static void mlist_of(struct walk *w, const struct value *def, struct mlist *l)
{
	const char *address = map_cstr(def, "address", "");
	const char *at = strchr(address, '@');

	*l = (struct mlist){.a = w->h->a, .def = def, .all = w->params, .address = address};
	l->name = str_dup(w->h->a, address, (size_t)(at - address)).p;
	l->domain = at + 1;
}

static const char *home_of(const struct walk *w, const struct mlist *l, bool closed)
{
	return arena_printf(l->a, "%s%s%s%s", closed ? CLOSED "/" : "", l->domain,
		w->eng->own_home ? "/" : "", w->eng->own_home ? l->name : "");
}

static const char *declared_file(const struct walk *w, const struct mlist *l)
{
	return w->eng->own_home ? DECLARED : arena_printf(l->a, "%s" DECLARED, l->name);
}

/* Past LISTED_MAX only counted. */
static void tell(struct walk *w, const struct mlist *l, const char *what, const char *before,
	const char *after)
{
	const char *field = l->address;

	if (w->told++ >= LISTED_MAX)
		return;
	if (what)
		field = arena_printf(w->h->a, "%s %s", l->address, what);
	observe_attr(w->h, w->o, field, before, after);
}

/* ---- members ---- */
struct members {
	struct value *declared, *last, *now; /* address -> null */
	struct value *add, *remove;
	bool noted; /* what was declared last is what is declared now */
};

static bool members_read(
	struct walk *w, const struct mlist *l, int home, struct members *m, struct err *e)
{
	const struct value *list = map_at(l->def, "members");
	struct str text = str_c("");
	struct stat st;
	bool found;

	*m = (struct members){.declared = value_map(l->a), .last = value_map(l->a)};
	m->add = value_map(l->a);
	m->remove = value_map(l->a);
	for (size_t i = 0; list && i < list->list.n; i++)
		mlist_parse(l->a, list->list.v[i]->s, m->declared);
	if (!mlist_subscribers(w->eng, l, home, &m->now, e) ||
		!mlist_read(l->a, home, declared_file(w, l), &text, &found, &st, e))
		return false;
	if (found)
		mlist_parse(l->a, text, m->last);
	for (size_t i = 0; i < m->declared->map.n; i++)
		if (!map_get(m->now, m->declared->map.e[i].key))
			map_set(l->a, m->add, m->declared->map.e[i].key, value_null(l->a));
	for (size_t i = 0; i < m->last->map.n; i++) {
		struct str key = m->last->map.e[i].key;

		if (!map_get(m->declared, key) && map_get(m->now, key))
			map_set(l->a, m->remove, key, value_null(l->a));
	}
	m->noted = found && value_equal(m->last, m->declared);
	return true;
}

static const char *some_names(struct arena *a, const struct value *map)
{
	struct buf b;
	struct str out;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < map->map.n && i < NAMED_MAX; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", map->map.e[i].key.p);
	if (map->map.n > NAMED_MAX)
		buf_addf(&b, " and %zu more", map->map.n - NAMED_MAX);
	out = buf_str(a, &b);
	buf_free(&b);
	return out.p;
}

static void members_tell(struct walk *w, const struct mlist *l, const struct members *m)
{
	if (m->add->map.n)
		tell(w, l, "members", NULL, some_names(l->a, m->add));
	if (m->remove->map.n)
		tell(w, l, "members", some_names(l->a, m->remove), NULL);
	/* nobody comes or goes by it, but whose subscription is ours is different */
	if (!m->noted && !m->add->map.n && !m->remove->map.n)
		tell(w, l, "declared members", some_names(l->a, m->last),
			some_names(l->a, m->declared));
}

static struct str declared_text(const struct mlist *l, const struct members *m)
{
	struct buf b;
	struct str out;

	buf_init(&b, FILE_MAX);
	for (size_t i = 0; i < m->declared->map.n; i++)
		buf_addf(&b, "%s\n", m->declared->map.e[i].key.p);
	out = buf_str(l->a, &b);
	buf_free(&b);
	return out;
}

/* ---- one file ---- */
/* NULL: as it is to be. Else what is there, in words; *after what comes. */
static const char *shown(struct arena *a, struct str s)
{
	size_t n = strcspn(s.p, "\n");

	if (s.n == 0)
		return "on";
	if (n > SHOWN_MAX || (n + 1 < s.n && s.p[n]))
		return arena_printf(a, "%zu bytes", s.n);
	return str_dup(a, s.p, n).p;
}

struct file_state {
	bool found, same, owned;
	struct str text;
};

static bool file_look(struct walk *w, const struct mlist *l, int home, const struct mlist_file *f,
	struct file_state *s, struct err *e)
{
	const char *target;
	struct stat st;

	*s = (struct file_state){.owned = true};
	if (f->how == MLIST_LINK || f->how == MLIST_NOLINK) {
		target = home < 0 ? NULL : mlist_link_target(l->a, home, f->path);
		s->found = target != NULL;
		s->text = str_c(target ? target : "");
		s->same = f->how == MLIST_NOLINK
				  ? !target
				  : (target ? str_is(f->content, target)
					    : home >= 0 && mlist_exists(home, f->path));
		return true;
	}
	if (!mlist_read(l->a, home, f->path, &s->text, &s->found, &st, e))
		return false;
	if (s->found)
		s->owned = (w->who.uid == (uid_t)-1 || w->who.uid == st.st_uid) &&
			   (w->who.gid == (gid_t)-1 || w->who.gid == st.st_gid) &&
			   (st.st_mode & 0007) == 0;
	if (f->how == MLIST_ABSENT)
		s->same = !s->found;
	else if (f->how == MLIST_SEED)
		s->same = s->found;
	else
		s->same = s->found && str_eq(s->text, f->content);
	return true;
}

static void file_tell(struct walk *w, const struct mlist *l, const struct mlist_file *f,
	const struct file_state *s)
{
	bool goes = f->how == MLIST_ABSENT || f->how == MLIST_NOLINK;

	if (s->same && !s->owned)
		tell(w, l, f->path, "wrong owner or mode", "right");
	else if (f->told)
		tell(w, l, f->path, s->found ? "other settings" : NULL, f->told);
	else
		tell(w, l, f->path, s->found ? shown(l->a, s->text) : NULL,
			goes ? NULL : shown(l->a, f->content));
}

static bool file_make(struct walk *w, const struct mlist *l, int home, const struct mlist_file *f,
	const struct file_state *s, struct err *e)
{
	(void)l;
	switch (f->how) {
	case MLIST_ABSENT:
	case MLIST_NOLINK:
		return mlist_remove(home, f->path, e);
	case MLIST_LINK:
		return mlist_link(home, f->path, f->content.p, e) &&
		       mlist_chown(home, f->path, &w->who, e);
	case MLIST_SEED:
		return mlist_write(home, f->path, s->found ? s->text : f->content, &w->who, e);
	case MLIST_EXACT:
		return mlist_write(home, f->path, f->content, &w->who, e);
	}
	panic("unknown way of a file");
}

/* ---- one list ---- */
static bool list_files(struct walk *w, const struct mlist *l, int home, bool quiet, struct err *e)
{
	struct mlist_files files = {0};
	struct file_state s;
	bool ok = w->eng->files(l, home, !w->o, &files, e);

	for (size_t i = 0; ok && i < files.n; i++) {
		ok = file_look(w, l, home, &files.v[i], &s, e);
		if (!ok || (s.same && s.owned))
			continue;
		if (!w->o)
			ok = file_make(w, l, home, &files.v[i], &s, e);
		else if (!quiet)
			file_tell(w, l, &files.v[i], &s);
	}
	return ok;
}

static bool missing_folders(struct walk *w, const struct mlist *l, int home)
{
	for (size_t i = 0; w->eng->folders[i]; i++)
		if (!mlist_exists(home, w->eng->folders[i])) {
			tell(w, l, w->eng->folders[i], NULL, "folder");
			return true;
		}
	return false;
}

static bool list_observe(struct walk *w, const struct mlist *l, struct err *e)
{
	int home = mlist_folder(w->root, home_of(w, l, false), NULL);
	const char *declared = declared_file(w, l);
	bool open = home >= 0 && mlist_exists(home, declared), closed = false, ok;
	struct members m;

	if (!open) {
		int old = mlist_folder(w->root, home_of(w, l, true), NULL);

		closed = old >= 0 && mlist_exists(old, declared);
		if (closed && home >= 0)
			close(home);
		if (closed)
			home = old;
		else if (old >= 0)
			close(old);
		tell(w, l, NULL, closed ? "closed" : NULL, "open");
	} else {
		missing_folders(w, l, home);
	}
	ok = members_read(w, l, home, &m, e);
	if (ok) {
		if (open || m.add->map.n || m.remove->map.n)
			members_tell(w, l, &m);
		ok = list_files(w, l, home, !open, e);
	}
	if (home >= 0)
		close(home);
	return ok;
}

/* What belongs to the list in a folder that lists share: NAME, and NAME.something; a name has no
 * dot there. */
static bool own_file(const struct mlist *l, const char *file)
{
	size_t n = strlen(l->name);

	return strncmp(file, l->name, n) == 0 && (file[n] == 0 || file[n] == '.');
}

static bool move_files(const struct mlist *l, int from, int to)
{
	DIR *dir = fdopendir(dup(from));
	bool ok = dir != NULL;

	if (dir)
		rewinddir(dir);
	for (struct dirent *d; ok && (d = readdir(dir));)
		if (own_file(l, d->d_name))
			ok = renameat(from, d->d_name, to, d->d_name) == 0;
	if (dir)
		closedir(dir);
	return ok;
}

/* Between the engine's folder and that of closed lists: whole, by its new name only. */
static bool list_move(struct walk *w, const struct mlist *l, bool closing, struct err *e)
{
	const char *parent[2] = {l->domain, arena_printf(l->a, CLOSED "/%s", l->domain)};
	int from = mlist_folder(w->root, parent[!closing], NULL);
	int to = mlist_folder(w->root, parent[closing], &w->who);
	bool ok = from >= 0 && to >= 0 &&
		  (w->eng->own_home ? renameat(from, l->name, to, l->name) == 0
				    : move_files(l, from, to));

	if (!ok)
		err_errno(e, "cannot %s the list %s", closing ? "close" : "open", l->address);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return ok;
}

static bool reopen(struct walk *w, const struct mlist *l, struct err *e)
{
	int home = mlist_folder(w->root, home_of(w, l, false), NULL);
	int old = mlist_folder(w->root, home_of(w, l, true), NULL);
	const char *declared = declared_file(w, l);
	bool open = home >= 0 && mlist_exists(home, declared);
	bool closed = old >= 0 && mlist_exists(old, declared);

	if (home >= 0)
		close(home);
	if (old >= 0)
		close(old);
	return open || !closed || list_move(w, l, false, e);
}

/* The file of declared members comes last: cut short, the next run does the rest. */
static bool list_fill(struct walk *w, const struct mlist *l, int home, struct err *e)
{
	struct mlist_file declared = {.path = declared_file(w, l), .how = MLIST_EXACT};
	struct file_state s;
	struct members m;

	for (size_t i = 0; w->eng->folders[i]; i++) {
		int fd = mlist_folder(home, w->eng->folders[i], &w->who);

		if (fd < 0)
			return err_errno(e, "cannot make %s of %s", w->eng->folders[i], l->address);
		close(fd);
	}
	if (!list_files(w, l, home, false, e) || !members_read(w, l, home, &m, e) ||
		(m.remove->map.n && !mlist_unsubscribe(w->eng, l, home, m.remove, &w->who, e)) ||
		(m.add->map.n && !mlist_subscribe(w->eng, l, home, m.add, &w->who, e)))
		return false;
	declared.content = declared_text(l, &m);
	return file_look(w, l, home, &declared, &s, e) &&
	       ((s.same && s.owned) ||
		       mlist_write(home, declared.path, declared.content, &w->who, e));
}

static bool list_make(struct walk *w, const struct mlist *l, struct err *e)
{
	int home;
	bool ok;

	if (!reopen(w, l, e))
		return false;
	home = mlist_folder(w->root, home_of(w, l, false), &w->who);
	if (home < 0)
		return err_errno(e, "cannot make the folder of the list %s", l->address);
	ok = list_fill(w, l, home, e);
	close(home);
	return ok;
}

/* ---- lists no longer declared ---- */
static bool ours(struct walk *w, int domain, const char *entry, const char **name)
{
	size_t n = strlen(entry), tail = strlen(DECLARED);

	if (w->eng->own_home) {
		*name = entry;
		return mlist_exists(domain, arena_printf(w->h->a, "%s/" DECLARED, entry));
	}
	if (n <= tail || strcmp(entry + n - tail, DECLARED) != 0)
		return false;
	*name = str_dup(w->h->a, entry, n - tail).p;
	return true;
}

static bool entries(struct walk *w, int at, const char *path, struct args *out, struct err *e)
{
	int fd = mlist_folder(at, path, NULL);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return errno == ENOTDIR || err_errno(e, "cannot read %s", w->root_path);
	}
	for (struct dirent *d; (d = readdir(dir));)
		if (d->d_name[0] != '.')
			args_add(w->h->a, out, arena_strdup(w->h->a, d->d_name));
	closedir(dir);
	return true;
}

static bool close_in(
	struct walk *w, const struct value *declared, const char *domain, struct err *e)
{
	struct args names = {0};
	struct mlist l = {.a = w->h->a, .all = w->params, .domain = domain};
	int fd = mlist_folder(w->root, domain, NULL);
	bool ok = fd < 0 || entries(w, w->root, domain, &names, e);

	for (size_t i = 0; ok && fd >= 0 && i < names.n; i++) {
		if (!ours(w, fd, names.v[i], &l.name))
			continue;
		l.address = arena_printf(l.a, "%s@%s", l.name, domain);
		if (map_get(declared, str_c(l.address)))
			continue;
		if (w->o)
			tell(w, &l, NULL, "open", "closed (subscribers and archive are kept)");
		else
			ok = list_move(w, &l, true, e);
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool close_others(struct walk *w, struct err *e)
{
	struct value *declared = value_map(w->h->a);
	struct args domains = {0};
	bool ok;

	for (size_t i = 0; i < w->lists->list.n; i++)
		map_set(w->h->a, declared, map_at(w->lists->list.v[i], "address")->s,
			value_null(w->h->a));
	ok = w->root < 0 || entries(w, w->root, "", &domains, e);
	for (size_t i = 0; ok && i < domains.n; i++)
		if (strcmp(domains.v[i], CLOSED) != 0)
			ok = close_in(w, declared, domains.v[i], e);
	return ok;
}

/* ---- the type ---- */
static bool walk_all(struct walk *w, struct err *e)
{
	struct mlist l;
	bool ok = close_others(w, e);

	for (size_t i = 0; ok && i < w->lists->list.n; i++) {
		mlist_of(w, w->lists->list.v[i], &l);
		ok = w->o ? list_observe(w, &l, e) : list_make(w, &l, e);
		if (ok && !w->o && w->h->note && (i + 1) % 1000 == 0)
			w->h->note(w->h->ctx, "%zu lists", i + 1);
	}
	return ok;
}

static bool mailing_lists_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct walk w;
	bool ok;

	observation_init(h, o);
	if (!walk_open(&w, h, params, e))
		return false;
	w.o = o;
	ok = walk_all(&w, e);
	if (w.told > LISTED_MAX)
		observe_attr(h, o, "more", NULL,
			arena_printf(h->a, "and %zu more changes", w.told - LISTED_MAX));
	map_put(h->a, o->result, "path", value_text(h->a, w.root_path));
	map_put(h->a, o->result, "lists", value_int(h->a, (int64_t)w.lists->list.n));
	if (w.root >= 0)
		close(w.root);
	return ok;
}

/* One flush for all lists instead of one a file. */
static bool mailing_lists_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct walk w;
	bool ok;

	(void)o;
	if (!walk_open(&w, h, params, e))
		return false;
	ok = w.root >= 0 || !w.lists->list.n ||
	     err_set(e, ERR_PERMANENT, "the folder %s is not there", w.root_path);
	ok = ok && walk_all(&w, e);
	if (ok && w.root >= 0 && syncfs(w.root) < 0)
		ok = err_errno(e, "cannot write %s to the disk", w.root_path);
	if (w.root >= 0)
		close(w.root);
	return ok;
}

const struct restype restype_mailing_lists = {
	.name = "mailing_lists",
	.key = "root",
	.doc = "All mailing lists of an engine. Who subscribed by mail stays; a list that is no "
	       "longer named is closed and kept.",
	.example = "- name: Lists\n  mailing_lists:\n    root: /var/lib/mlmmj\n    lists:\n"
		   "      - address: news@example.com\n        owner: alice@example.com\n"
		   "        members: [bob@example.com]\n    owner: mlmmj\n    group: mlmmj\n",
	.fields = mailing_lists_fields,
	.returns = mailing_lists_returns,
	.class = RES_FILE,
	.touches = RES_FILE,
	.check = mailing_lists_check,
	.observe = mailing_lists_observe,
	.apply = mailing_lists_apply,
};
