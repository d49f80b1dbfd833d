/* SPDX-License-Identifier: MIT
 *
 * One mailing list of the type `mailing_lists`: finds what differs from the declaration, and
 * changes it. Knows nothing of lists that are not declared.
 */
#include <dirent.h>
#include <errno.h>
#include <unistd.h>
#include "mailhost/mailing_list.h"

enum { NAMED_MAX = 6, SHOWN_MAX = 60 };

static const char *home_of(const struct mlist_engine *eng, const struct mlist *l, bool closed)
{
	return arena_printf(l->a, "%s%s%s%s", closed ? MLIST_CLOSED "/" : "", l->domain,
		eng->own_home ? "/" : "", eng->own_home ? l->name : "");
}

static const char *declared_file(const struct mlist_engine *eng, const struct mlist *l)
{
	return eng->own_home ? MLIST_DECLARED : arena_printf(l->a, "%s" MLIST_DECLARED, l->name);
}

/* Differences beyond MLIST_LISTED are only counted. */
void mlist_tell(struct mlist_walk *w, const struct mlist *l, const char *what, const char *before,
	const char *after)
{
	const char *field = l->address;
	if (w->told++ >= MLIST_LISTED)
		return;
	if (what)
		field = arena_printf(w->h->a, "%s %s", l->address, what);
	observe_attr(w->h, w->o, field, before, after);
}

/* ---- members ---- */
struct members {
	struct value *declared, *last, *now; /* address -> null */
	struct value *add, *remove;
	bool noted; /* the last declaration equals the present one */
};

static struct value *names_without(
	struct arena *a, const struct value *all, const struct value *not_these)
{
	struct value *out = value_map(a);
	for (size_t i = 0; i < all->map.n; i++)
		if (!map_get(not_these, all->map.e[i].key))
			map_set(a, out, all->map.e[i].key, value_null(a));
	return out;
}

/* While the other engine still has the list open, the list is being moved: its subscribers are
 * taken over from there, and nobody else. */
static bool members_over(
	struct mlist_walk *w, const struct mlist *l, struct members *m, struct err *e)
{
	struct value *theirs, *named = value_map(l->a);
	struct mlist_text last;
	int home = -1;
	bool ok = true;
	if (w->other_root >= 0)
		home = mlist_folder(w->other_root, home_of(w->other, l, false), NULL);
	if (home >= 0 && mlist_exists(home, declared_file(w->other, l))) {
		ok = mlist_subscribers(w->other, l, home, &theirs, e) &&
		     mlist_read(l->a, home, declared_file(w->other, l), &last, e);
		if (ok && last.found)
			mlist_parse(l->a, last.text, named);
		if (ok) /* the manifest subscribed them there, but does not name them any more */
			theirs = names_without(
				l->a, theirs, names_without(l->a, named, m->declared));
		for (size_t i = 0; ok && i < theirs->map.n; i++)
			if (!map_get(m->now, theirs->map.e[i].key) &&
				mlist_person_valid(theirs->map.e[i].key))
				map_set(l->a, m->add, theirs->map.e[i].key, value_null(l->a));
		for (size_t i = 0; ok && i < m->now->map.n; i++)
			if (!map_get(theirs, m->now->map.e[i].key))
				map_set(l->a, m->remove, m->now->map.e[i].key, value_null(l->a));
	}
	if (home >= 0)
		close(home);
	return ok;
}

static bool members_read(
	struct mlist_walk *w, const struct mlist *l, int home, struct members *m, struct err *e)
{
	const struct value *list = map_at(l->def, "members");
	struct mlist_text last;
	*m = (struct members){.declared = value_map(l->a), .last = value_map(l->a)};
	m->add = value_map(l->a);
	m->remove = value_map(l->a);
	for (size_t i = 0; list && i < list->list.n; i++)
		mlist_parse(l->a, list->list.v[i]->s, m->declared);
	if (!mlist_subscribers(w->eng, l, home, &m->now, e) ||
		!mlist_read(l->a, home, declared_file(w->eng, l), &last, e))
		return false;
	if (last.found)
		mlist_parse(l->a, last.text, m->last);
	if (!members_over(w, l, m, e))
		return false;
	for (size_t i = 0; i < m->declared->map.n; i++)
		if (!map_get(m->now, m->declared->map.e[i].key))
			map_set(l->a, m->add, m->declared->map.e[i].key, value_null(l->a));
	for (size_t i = 0; i < m->last->map.n; i++) {
		struct str key = m->last->map.e[i].key;
		if (!map_get(m->declared, key) && map_get(m->now, key))
			map_set(l->a, m->remove, key, value_null(l->a));
	}
	m->remove = names_without(l->a, m->remove, m->declared);
	m->noted = last.found && value_equal(m->last, m->declared);
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
		buf_addf(&b, " and %u more", map->map.n - NAMED_MAX);
	out = buf_str(a, &b);
	buf_free(&b);
	return out.p;
}

static void members_tell(struct mlist_walk *w, const struct mlist *l, const struct members *m)
{
	if (m->add->map.n)
		mlist_tell(w, l, "members", NULL, some_names(l->a, m->add));
	if (m->remove->map.n)
		mlist_tell(w, l, "members", some_names(l->a, m->remove), NULL);
	/* membership stays the same, but which members are declared changes */
	if (!m->noted && !m->add->map.n && !m->remove->map.n)
		mlist_tell(w, l, "declared members", some_names(l->a, m->last),
			some_names(l->a, m->declared));
}

static bool declared_text(
	const struct mlist *l, const struct members *m, struct str *out, struct err *e)
{
	struct buf b;
	bool fits;
	buf_init(&b, FILE_MAX);
	for (size_t i = 0; i < m->declared->map.n; i++)
		buf_addf(&b, "%s\n", m->declared->map.e[i].key.p);
	*out = buf_str(l->a, &b);
	fits = !b.over;
	buf_free(&b);
	return fits || err_set(e, ERR_PERMANENT, "the members of %s take more than %d MB",
			       l->address, FILE_MAX >> 20);
}

/* ---- one file ---- */
/* NULL: as it should be. Else the present state as text; *after is the wanted one. */
static const char *show_text(struct arena *a, struct str s)
{
	size_t n = s.n ? strcspn(s.p, "\n") : 0;
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

static bool file_look(struct mlist_walk *w, const struct mlist *l, int home,
	const struct mlist_file *f, struct file_state *s, struct err *e)
{
	struct mlist_text now;
	const char *target;
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
	if (!mlist_read(l->a, home, f->path, &now, e))
		return false;
	s->found = now.found;
	s->text = now.text;
	if (s->found)
		s->owned = (w->who.uid == (uid_t)-1 || w->who.uid == now.st.st_uid) &&
			   (w->who.gid == (gid_t)-1 || w->who.gid == now.st.st_gid) &&
			   (now.st.st_mode & (f->how == MLIST_EXACT ? 0027 : 0007)) == 0;
	if (f->how == MLIST_ABSENT)
		s->same = !s->found;
	else if (f->how == MLIST_SEED)
		s->same = s->found;
	else
		s->same = s->found && str_eq(s->text, f->content);
	return true;
}

static void file_tell(struct mlist_walk *w, const struct mlist *l, const struct mlist_file *f,
	const struct file_state *s)
{
	bool goes = f->how == MLIST_ABSENT || f->how == MLIST_NOLINK;
	if (s->same && !s->owned)
		mlist_tell(w, l, f->path, "wrong owner or mode", "right");
	else if (f->told)
		mlist_tell(w, l, f->path, s->found ? "other settings" : NULL, f->told);
	else
		mlist_tell(w, l, f->path, s->found ? show_text(l->a, s->text) : NULL,
			goes ? NULL : show_text(l->a, f->content));
}

static bool file_make(struct mlist_walk *w, const struct mlist *l, int home,
	const struct mlist_file *f, const struct file_state *s, struct err *e)
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
	panic("a file of a list has an unknown kind");
}

/* ---- one list ---- */
static bool list_files(
	struct mlist_walk *w, const struct mlist *l, int home, bool quiet, struct err *e)
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

/* Tells the first folder that is missing, or whose owner or mode is wrong. */
static void folders_tell(struct mlist_walk *w, const struct mlist *l, int home)
{
	bool right = mlist_folder_right(home, &w->who);
	if (!right)
		mlist_tell(w, l, "folder", "wrong owner or mode", "right");
	for (size_t i = 0; right && w->eng->folders[i]; i++) {
		int fd = mlist_folder(home, w->eng->folders[i], NULL);
		right = fd >= 0 && mlist_folder_right(fd, &w->who);
		if (!right)
			mlist_tell(w, l, w->eng->folders[i], fd < 0 ? NULL : "wrong owner or mode",
				"folder");
		if (fd >= 0)
			close(fd);
	}
}

static bool declared_owned(struct mlist_walk *w, const struct mlist *l, int home)
{
	struct mlist_file f = {.path = declared_file(w->eng, l), .how = MLIST_SEED};
	struct file_state s;
	struct err ignored = {0};
	return !file_look(w, l, home, &f, &s, &ignored) || !s.found || s.owned;
}

bool mlist_observe(struct mlist_walk *w, const struct mlist *l, struct err *e)
{
	int home = mlist_folder(w->root, home_of(w->eng, l, false), NULL);
	const char *declared = declared_file(w->eng, l);
	bool open = home >= 0 && mlist_exists(home, declared), closed = false, ok;
	struct members m;
	if (!open) {
		int old = mlist_folder(w->root, home_of(w->eng, l, true), NULL);
		closed = old >= 0 && mlist_exists(old, declared);
		if (closed && home >= 0)
			close(home);
		if (closed)
			home = old;
		else if (old >= 0)
			close(old);
		mlist_tell(w, l, NULL, closed ? "closed" : NULL, "open");
	} else {
		folders_tell(w, l, home);
		if (!declared_owned(w, l, home))
			mlist_tell(w, l, declared, "wrong owner or mode", "right");
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

/* Does this file of a folder that lists share belong to the list? NAME, and NAME.something; a name
 * has no dot. */
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

/* Moves a list between the engine's folder and that of closed lists, in one rename. */
bool mlist_move(struct mlist_walk *w, const struct mlist *l, bool closing, struct err *e)
{
	const char *parent[2] = {l->domain, arena_printf(l->a, MLIST_CLOSED "/%s", l->domain)};
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

static bool reopen_list(struct mlist_walk *w, const struct mlist *l, struct err *e)
{
	int home = mlist_folder(w->root, home_of(w->eng, l, false), NULL);
	int old = mlist_folder(w->root, home_of(w->eng, l, true), NULL);
	const char *declared = declared_file(w->eng, l);
	bool open = home >= 0 && mlist_exists(home, declared);
	bool closed = old >= 0 && mlist_exists(old, declared);
	if (home >= 0)
		close(home);
	if (old >= 0)
		close(old);
	return open || !closed || mlist_move(w, l, false, e);
}

/* Writes the file of declared members last: after an interruption, the next run does the rest. */
static bool list_fill(struct mlist_walk *w, const struct mlist *l, int home, struct err *e)
{
	struct mlist_file declared = {.path = declared_file(w->eng, l), .how = MLIST_EXACT};
	struct file_state s;
	struct members m;
	for (size_t i = 0; w->eng->folders[i]; i++) {
		int fd = mlist_folder(home, w->eng->folders[i], &w->who);
		bool ok = fd >= 0 && mlist_folder_give(fd, &w->who);
		if (!ok)
			err_errno(e, "cannot create %s of %s", w->eng->folders[i], l->address);
		if (fd >= 0)
			close(fd);
		if (!ok)
			return false;
	}
	if (!list_files(w, l, home, false, e) || !members_read(w, l, home, &m, e) ||
		(m.remove->map.n && !mlist_unsubscribe(w->eng, l, home, m.remove, &w->who, e)) ||
		(m.add->map.n && !mlist_subscribe(w->eng, l, home, m.add, &w->who, e)))
		return false;
	return declared_text(l, &m, &declared.content, e) &&
	       file_look(w, l, home, &declared, &s, e) &&
	       ((s.same && s.owned) ||
		       mlist_write(home, declared.path, declared.content, &w->who, e));
}

bool mlist_make(struct mlist_walk *w, const struct mlist *l, struct err *e)
{
	int home;
	bool ok;
	if (!reopen_list(w, l, e))
		return false;
	home = mlist_folder(w->root, home_of(w->eng, l, false), &w->who);
	if (home < 0)
		return err_errno(e, "cannot create the folder of the list %s", l->address);
	ok = mlist_folder_give(home, &w->who)
		     ? list_fill(w, l, home, e)
		     : err_errno(e, "cannot set the owner of the folder of %s", l->address);
	close(home);
	return ok;
}
