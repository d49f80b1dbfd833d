/* SPDX-License-Identifier: MIT
 *
 * The type `mailing_lists`: all lists of an engine at once. Creates them, keeps their settings and
 * the declared members, and closes those no longer declared. Never unsubscribes anybody whom it did
 * not subscribe, and never deletes a list, its subscribers or its archive.
 *
 * A file beside each list holds the members that were declared last (.declared; NAME.declared for
 * Majordomo): it shows that the list is ours, and who has to leave when the manifest no longer
 * names them. Closed lists are in ROOT/closed, where the engine does not find them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>
#include "host/args.h"
#include "host/path.h"
#include "mailhost/mailing_list.h"
#include "mailhost/types.h"

enum { PORT_MAX = 65535 };

static const struct field list_fields[] = {
	{.name = "address",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "The list's address."},
	{.name = "owner",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "Address of its owner."},
	{.name = "moderators", .kind = FIELD_LIST, .doc = "Their addresses; default: the owner."},
	{.name = "members", .kind = FIELD_LIST, .doc = "Addresses to subscribe."},
	{.name = "post",
		.kind = FIELD_ENUM,
		.choices = "members anyone moderated",
		.dflt = "members",
		.doc = "Whose posts are distributed at once."},
	{.name = "subscription",
		.kind = FIELD_ENUM,
		.choices = "open moderated closed",
		.dflt = "open",
		.doc = "Who can subscribe by mail."},
	{.name = "subject_prefix", .kind = FIELD_STR, .doc = "Text before each subject."},
	{.name = "reply_to",
		.kind = FIELD_ENUM,
		.choices = "sender list",
		.dflt = "sender",
		.doc = "Where replies go."},
	{.name = "dmarc",
		.kind = FIELD_ENUM,
		.choices = "rewrite wrap none",
		.dflt = "none",
		.doc = "For the programs around the engine (role lists); this type ignores it."},
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
		.doc = "Folder of all lists, as DOMAIN/NAME. It must exist."},
	{.name = "engine",
		.kind = FIELD_ENUM,
		.choices = "mlmmj majordomo",
		.dflt = "mlmmj",
		.doc = "The program that the lists are for."},
	{.name = "lists",
		.kind = FIELD_LIST,
		.flags = FIELD_REQUIRED,
		.sub = list_fields,
		.doc = "All lists. A list that is not named is closed: its subscribers and "
		       "archive are kept, and it reopens with them when it is named again."},
	{.name = "hostname", .kind = FIELD_STR, .doc = "The name that mlmmj uses in HELO."},
	{.name = "port",
		.kind = FIELD_INT,
		.dflt = "25",
		.min = 1,
		.max = PORT_MAX,
		.doc = "Port on this host where mlmmj delivers posts."},
	{.name = "texts",
		.kind = FIELD_PATH,
		.dflt = "/usr/share/mlmmj/text.skel",
		.doc = "Folder of mlmmj's texts, by language."},
	{.name = "other",
		.kind = FIELD_PATH,
		.doc = "Root of the other engine's lists. Lists that are open there are moved "
		       "here with their subscribers."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field mailing_lists_returns[] = {
	{.name = "path", .kind = FIELD_STR, .doc = "The root."},
	{.name = "lists", .kind = FIELD_INT, .doc = "Number of lists."},
	{0},
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

/* Name and domain become names of folders. */
static bool address_valid(struct str s)
{
	const char *at = strchr(s.p, '@');
	return at && plain_name(s.p, (size_t)(at - s.p)) && plain_name(at + 1, strlen(at + 1)) &&
	       strlen(s.p) == s.n && strcmp(at + 1, MLIST_CLOSED) != 0;
}

static bool check_people(const struct value *def, const char *key, struct errs *errs)
{
	const struct value *v = map_at(def, key);
	bool ok = true;
	for (size_t i = 0; v && v->type == VALUE_LIST && i < v->list.n; i++)
		if (v->list.v[i]->type == VALUE_STR && !mlist_person_valid(v->list.v[i]->s))
			ok = errs_add(errs, v->list.v[i]->pos,
				"'%s' is not a valid address for a list", v->list.v[i]->s.p);
	return ok;
}

/* It becomes a line of a file, and part of an SMTP command. */
static bool host_valid(struct str s)
{
	return s.n > 0 && s.n <= 255 && strlen(s.p) == s.n &&
	       strspn(s.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
		       s.n;
}

/* The name of a folder below `texts`. */
static bool language_valid(struct str s)
{
	return s.n > 0 && s.n <= 32 && strlen(s.p) == s.n &&
	       strspn(s.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		       s.n;
}

static bool check_text(const struct value *map, const char *key, bool (*valid)(struct str),
	const char *what, struct errs *errs)
{
	const struct value *v = map_at(map, key);
	return !v || v->type != VALUE_STR || valid(v->s) ||
	       errs_add(errs, v->pos, "%s '%s' is not %s", key, v->s.p, what);
}

static bool check_def(const struct value *def, struct value *seen, struct errs *errs)
{
	const struct value *address = map_at(def, "address"), *owner = map_at(def, "owner");
	const struct value *prefix = map_at(def, "subject_prefix");
	bool ok = check_people(def, "moderators", errs);
	ok = check_people(def, "members", errs) && ok;
	ok = check_text(def, "language", language_valid, "a valid folder name", errs) && ok;
	if (owner && owner->type == VALUE_STR && !mlist_person_valid(owner->s))
		ok = errs_add(
			errs, owner->pos, "'%s' is not a valid address for a list", owner->s.p);
	if (prefix && prefix->type == VALUE_STR &&
		(strpbrk(prefix->s.p, "\r\n") || strlen(prefix->s.p) != prefix->s.n))
		ok = errs_add(errs, prefix->pos, "subject_prefix must be one line");
	if (!address || address->type != VALUE_STR)
		return ok;
	if (!address_valid(address->s))
		return errs_add(
			errs, address->pos, "'%s' is not a valid address of a list", address->s.p);
	if (map_get(seen, address->s))
		return errs_add(errs, address->pos, "list '%s' is listed twice", address->s.p);
	map_set(errs->a, seen, address->s, value_null(errs->a));
	return ok;
}

static bool mailing_lists_check(const struct value *params, struct errs *errs)
{
	const struct value *lists = map_at(params, "lists");
	struct value *seen = value_map(errs->a);
	bool ok = check_text(params, "hostname", host_valid, "a host name", errs);
	for (size_t i = 0; lists && lists->type == VALUE_LIST && i < lists->list.n; i++)
		if (lists->list.v[i]->type == VALUE_MAP)
			ok = check_def(lists->list.v[i], seen, errs) && ok;
	return ok;
}

/* ---- the walk ---- */
/* While the account does not exist yet, the owner of files is not compared. */
static bool read_owner(struct mlist_walk *w, struct err *e)
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

static void walk_close(struct mlist_walk *w)
{
	if (w->root >= 0)
		close(w->root);
	if (w->other_root >= 0)
		close(w->other_root);
}

static bool walk_open(
	struct mlist_walk *w, struct host *h, const struct value *params, struct err *e)
{
	const char *other = map_cstr(params, "other", NULL);
	bool majordomo = strcmp(map_cstr(params, "engine", "mlmmj"), "majordomo") == 0;
	*w = (struct mlist_walk){.h = h,
		.params = params,
		.lists = map_at(params, "lists"),
		.root_path = map_cstr(params, "root", ""),
		.root = -1,
		.other_root = -1};
	w->eng = majordomo ? &mlist_majordomo : &mlist_mlmmj;
	w->other = majordomo ? &mlist_mlmmj : &mlist_majordomo;
	w->root = folder_open(w->root_path, e);
	if (e->kind)
		return false;
	if (w->root < 0 && errno == ENOENT && !w->lists->list.n)
		return true; /* it never had any, and needs none */
	if (w->root < 0 && !(errno == ENOENT && files_pending(h)))
		return err_errno(e,
			"cannot open the folder of the lists, %s; create it first (file: state: "
			"directory)",
			w->root_path);
	if (other)
		w->other_root = folder_open(other, e);
	if (!e->kind && read_owner(w, e))
		return true;
	walk_close(w);
	return false;
}

static void mlist_of(struct mlist_walk *w, const struct value *def, struct mlist *l)
{
	const char *address = map_cstr(def, "address", "");
	const char *at = strchr(address, '@');
	*l = (struct mlist){.a = w->h->a, .def = def, .all = w->params, .address = address};
	l->name = str_dup(w->h->a, address, (size_t)(at - address)).p;
	l->domain = at + 1;
}

/* ---- lists no longer declared ---- */
static bool is_ours(struct mlist_walk *w, int domain, const char *entry, const char **name)
{
	size_t n = strlen(entry), tail = strlen(MLIST_DECLARED);
	if (w->eng->own_home) {
		*name = entry;
		return mlist_exists(domain, arena_printf(w->h->a, "%s/" MLIST_DECLARED, entry));
	}
	if (n <= tail || strcmp(entry + n - tail, MLIST_DECLARED) != 0)
		return false;
	*name = str_dup(w->h->a, entry, n - tail).p;
	return true;
}

static bool list_entries(
	struct mlist_walk *w, int at, const char *path, struct args *out, struct err *e)
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
	struct mlist_walk *w, const struct value *declared, const char *domain, struct err *e)
{
	struct args names = {0};
	struct mlist l = {.a = w->h->a, .all = w->params, .domain = domain};
	int fd = mlist_folder(w->root, domain, NULL);
	bool ok = fd < 0 || list_entries(w, w->root, domain, &names, e);
	for (size_t i = 0; ok && fd >= 0 && i < names.n; i++) {
		if (!is_ours(w, fd, names.v[i], &l.name))
			continue;
		l.address = arena_printf(l.a, "%s@%s", l.name, domain);
		if (map_get(declared, str_c(l.address)))
			continue;
		if (w->o)
			mlist_tell(
				w, &l, NULL, "open", "closed (subscribers and archive are kept)");
		else
			ok = mlist_move(w, &l, true, e);
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool close_others(struct mlist_walk *w, struct err *e)
{
	struct value *declared = value_map(w->h->a);
	struct args domains = {0};
	bool ok;
	for (size_t i = 0; i < w->lists->list.n; i++)
		map_set(w->h->a, declared, map_at(w->lists->list.v[i], "address")->s,
			value_null(w->h->a));
	ok = w->root < 0 || list_entries(w, w->root, "", &domains, e);
	for (size_t i = 0; ok && i < domains.n; i++)
		if (strcmp(domains.v[i], MLIST_CLOSED) != 0)
			ok = close_in(w, declared, domains.v[i], e);
	return ok;
}

/* ---- the type ---- */
static bool walk_all(struct mlist_walk *w, struct err *e)
{
	struct mlist l;
	bool ok = close_others(w, e);
	for (size_t i = 0; ok && i < w->lists->list.n; i++) {
		mlist_of(w, w->lists->list.v[i], &l);
		ok = w->o ? mlist_observe(w, &l, e) : mlist_make(w, &l, e);
		if (ok && !w->o && w->h->note && (i + 1) % 1000 == 0)
			w->h->note(w->h->ctx, "%zu lists", i + 1);
	}
	return ok;
}

static bool mailing_lists_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct mlist_walk w;
	bool ok;
	observation_init(h, o);
	if (!walk_open(&w, h, params, e))
		return false;
	w.o = o;
	ok = walk_all(&w, e);
	if (w.told > MLIST_LISTED)
		observe_attr(h, o, "more", NULL,
			arena_printf(h->a, "and %zu more changes", w.told - MLIST_LISTED));
	map_put(h->a, o->result, "path", value_text(h->a, w.root_path));
	map_put(h->a, o->result, "lists", value_int(h->a, (int64_t)w.lists->list.n));
	walk_close(&w);
	return ok;
}

/* One sync for all lists instead of one for each file. */
static bool mailing_lists_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	struct mlist_walk w;
	bool ok;
	(void)o;
	if (!walk_open(&w, h, params, e))
		return false;
	ok = w.root >= 0 || !w.lists->list.n ||
	     err_set(e, ERR_PERMANENT, "the folder %s does not exist", w.root_path);
	ok = ok && walk_all(&w, e);
	if (ok && w.root >= 0 && syncfs(w.root) < 0)
		ok = err_errno(e, "cannot flush %s to the disk", w.root_path);
	walk_close(&w);
	return ok;
}

const struct restype restype_mailing_lists = {
	.name = "mailing_lists",
	.key = "root",
	.doc = "All mailing lists of an engine. People who subscribed by mail stay; a list that "
	       "is no longer named is closed and kept.",
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
