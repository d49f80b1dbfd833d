/* SPDX-License-Identifier: MIT
 *
 * Owner, group and mode of a path, for every file type. Never follows a link at the path, and never
 * changes what the parameters do not name.
 */
#include <fcntl.h>
#include <unistd.h>
#include "host/foresight.h"
#include "host/path.h"

enum { PERM = 07777, ASSUMED_UMASK = 022 };

struct attr_want {
	const char *owner, *group, *mode; /* texts; NULL: not given */
	uid_t uid;                        /* (uid_t)-1: not given, or no account yet */
	gid_t gid;
};

/* Can a missing account be ignored? Yes, if an earlier change of the plan may create it. */
static bool account_will_be(struct host *h, unsigned pending, const char *what, const char *name,
	bool there, struct err *e)
{
	if (foreseen(h, thing_named(h->a, what, name)) == FORESEEN_REMOVED)
		return err_set(e, ERR_PERMANENT,
			"an earlier step removes the %s '%s' that this one names", what, name);
	if (there || (pending & (RES_ACCOUNT | RES_PACKAGE)))
		return true;
	return err_set(e, ERR_PERMANENT,
		"there is no %s '%s' on the host; create it first (%s: name: %s)", what, name, what,
		name);
}

static bool wanted_read(struct host *h, unsigned pending, const struct value *params,
	struct attr_want *w, struct err *e)
{
	w->owner = map_cstr(params, "owner", NULL);
	w->group = map_cstr(params, "group", NULL);
	w->mode = map_cstr(params, "mode", NULL);
	w->uid = (uid_t)-1;
	w->gid = (gid_t)-1;
	if (w->owner && !account_will_be(h, pending, "user", w->owner,
				attr_user_id(h->a, w->owner, &w->uid), e))
		return false;
	return !w->group || account_will_be(h, pending, "group", w->group,
				    attr_group_id(h->a, w->group, &w->gid), e);
}

/* ---- modes ---- */

static bool parse_octal(const char *text, mode_t *out)
{
	char *end;
	if (text[0] < '0' || text[0] > '7')
		return false;
	unsigned long v = strtoul(text, &end, 8);
	if (*end || v > PERM)
		return false;
	*out = (mode_t)v;
	return true;
}

/* The bits of rwxXst for all three classes; setuid and setgid in their places. */
static bool perm_bits(const char **p, mode_t now, bool dir, mode_t *bits)
{
	*bits = 0;
	for (; **p && **p != ',' && !strchr("+-=", **p); (*p)++) {
		switch (**p) {
		case 'r':
			*bits |= 0444;
			break;
		case 'w':
			*bits |= 0222;
			break;
		case 'x':
			*bits |= 0111;
			break;
		case 'X':
			*bits |= dir || (now & 0111) ? 0111 : 0;
			break;
		case 's':
			*bits |= S_ISUID | S_ISGID;
			break;
		case 't':
			*bits |= S_ISVTX;
			break;
		case 'u':
			*bits |= ((now >> 6) & 7) * 0111;
			break;
		case 'g':
			*bits |= ((now >> 3) & 7) * 0111;
			break;
		case 'o':
			*bits |= (now & 7) * 0111;
			break;
		default:
			return false;
		}
	}
	return true;
}

static mode_t who_mask(const char **p)
{
	mode_t mask = 0;
	for (; **p && strchr("ugoa", **p); (*p)++) {
		if (**p == 'u')
			mask |= S_ISUID | 0700;
		else if (**p == 'g')
			mask |= S_ISGID | 0070;
		else if (**p == 'o')
			mask |= S_ISVTX | 0007;
		else
			mask |= PERM;
	}
	return mask;
}

/* Applies one clause of a symbolic mode: u=rw, g-w, +x (without a letter: all, less the umask). */
static bool mode_clause(const char **p, mode_t *now, bool dir)
{
	mode_t mask = who_mask(p), bits;
	if (!mask)
		mask = PERM & ~(mode_t)ASSUMED_UMASK;
	if (!**p || !strchr("+-=", **p))
		return false;
	while (**p && strchr("+-=", **p)) {
		char op = *(*p)++;
		if (!perm_bits(p, *now, dir, &bits))
			return false;
		if (op == '=')
			*now = (*now & ~mask) | (bits & mask);
		else
			*now = op == '+' ? *now | (bits & mask) : *now & ~(bits & mask);
	}
	return true;
}

bool mode_parse(const char *text, mode_t now, bool dir, mode_t *out)
{
	if (parse_octal(text, out))
		return true;
	*out = now & PERM;
	for (const char *p = text;; p++) {
		if (!mode_clause(&p, out, dir))
			return false;
		if (!*p)
			return true;
		if (*p != ',')
			return false;
	}
}

static bool wanted_mode(const struct attr_want *w, mode_t now, bool dir, mode_t *out, struct err *e)
{
	if (mode_parse(w->mode, now, dir, out))
		return true;
	return err_set(
		e, ERR_CONFIG, "'%s' is not a valid mode; write '0644' or 'u=rw,g=r,o='", w->mode);
}

/* ---- observe ---- */

static void observe_absent(struct host *h, const struct attr_want *w, struct observation *o)
{
	if (w->mode)
		observe_attr(h, o, "mode", NULL, w->mode);
	if (w->owner)
		observe_attr(h, o, "owner", NULL, w->owner);
	if (w->group)
		observe_attr(h, o, "group", NULL, w->group);
}

static bool observe_mode(struct host *h, const struct stat *st, const struct attr_want *w,
	struct observation *o, struct err *e)
{
	mode_t mode;
	if (!w->mode || S_ISLNK(st->st_mode)) /* a link has no mode of its own */
		return true;
	if (!wanted_mode(w, st->st_mode, S_ISDIR(st->st_mode), &mode, e))
		return false;
	if (mode != (st->st_mode & PERM))
		observe_attr(h, o, "mode", arena_printf(h->a, "%04o", st->st_mode & PERM),
			arena_printf(h->a, "%04o", mode));
	return true;
}

bool attr_observe(struct host *h, const char *path, const struct value *params,
	struct observation *o, struct err *e)
{
	struct attr_want w;
	struct stat st;
	bool found;
	if (!wanted_read(h, h->pending, params, &w, e) || !path_stat(path, &st, &found, e))
		return false;
	if (!found) {
		observe_absent(h, &w, o);
		return true;
	}
	if (!observe_mode(h, &st, &w, o, e))
		return false;
	/* an account that does not exist yet (uid -1) cannot own the file: so this is a change */
	if (w.owner && w.uid != st.st_uid)
		observe_attr(h, o, "owner", attr_user_name(h->a, st.st_uid), w.owner);
	if (w.group && w.gid != st.st_gid)
		observe_attr(h, o, "group", attr_group_name(h->a, st.st_gid), w.group);
	return true;
}

/* ---- apply ---- */

/* chmod by descriptor: on this kernel, fchmodat cannot refuse to follow a link. */
static bool chmod_fd(int fd, const char *path, mode_t mode, struct err *e)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (chmod(link, mode) < 0)
		return err_errno(e, "cannot set mode %04o of %s", mode, path);
	return true;
}

static bool set_owner(
	int fd, const char *path, const struct attr_want *w, struct stat *st, struct err *e)
{
	uid_t uid = w->uid == st->st_uid ? (uid_t)-1 : w->uid;
	gid_t gid = w->gid == st->st_gid ? (gid_t)-1 : w->gid;
	if (uid == (uid_t)-1 && gid == (gid_t)-1)
		return true;
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return err_errno(e, "cannot set the owner of %s to %s:%s", path,
			w->owner ? w->owner : "(same)", w->group ? w->group : "(same)");
	if (fstat(fd, st) < 0) /* a change of owner clears setuid and setgid */
		return err_errno(e, "cannot stat %s", path);
	return true;
}

static bool set_attrs(int fd, const char *path, const struct attr_want *w, struct err *e)
{
	struct stat st;
	mode_t mode = 0;
	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot stat %s", path);
	bool set_mode = w->mode && !S_ISLNK(st.st_mode);
	/* symbolic modes are relative to the bits before the change of owner */
	if (set_mode && !wanted_mode(w, st.st_mode, S_ISDIR(st.st_mode), &mode, e))
		return false;
	if (!set_owner(fd, path, w, &st, e))
		return false;
	if (set_mode && mode != (st.st_mode & PERM))
		return chmod_fd(fd, path, mode, e);
	return true;
}

struct attr_want *attr_want_new(struct host *h, const struct value *params, struct err *e)
{
	struct attr_want *w = ARENA_NEW(h->a, struct attr_want);
	return wanted_read(h, h->pending, params, w, e) ? w : NULL;
}

bool attr_want_differs(
	const struct attr_want *w, const struct stat *st, bool *differs, struct err *e)
{
	mode_t mode = st->st_mode & PERM;
	if (w->mode && !S_ISLNK(st->st_mode) &&
		!wanted_mode(w, st->st_mode, S_ISDIR(st->st_mode), &mode, e))
		return false;
	*differs = mode != (st->st_mode & PERM) || (w->owner && w->uid != st->st_uid) ||
		   (w->group && w->gid != st->st_gid);
	return true;
}

bool attr_want_set(const struct attr_want *w, int dirfd, const char *name, struct err *e)
{
	int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "cannot open %s to set its owner and mode", name);
	bool ok = set_attrs(fd, name, w, e);
	close(fd);
	return ok;
}

static bool set_at_path(const struct attr_want *w, const char *path, struct err *e)
{
	struct place p;
	if (!place_open(path, &p, e))
		return false;
	int fd = openat(p.dir, p.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	bool ok = fd >= 0 ? set_attrs(fd, path, w, e)
			  : err_errno(e, "cannot open %s to set its owner and mode", path);
	if (fd >= 0)
		close(fd);
	place_close(&p);
	return ok;
}

/* A rollback may need a file of which only the attributes change, too. */
static bool keep_attr(struct host *h, const struct attr_want *w, const char *path, struct err *e)
{
	struct stat st;
	bool found, differs = false;
	if (!h->keep)
		return true;
	if (!path_stat(path, &st, &found, e))
		return false;
	if (!found || !S_ISREG(st.st_mode))
		return true;
	return attr_want_differs(w, &st, &differs, e) && (!differs || keep_for_undo(h, path, e));
}

bool attr_apply(struct host *h, const char *path, const struct value *params, struct err *e)
{
	struct attr_want w;
	if (!wanted_read(h, 0, params, &w, e))
		return false;
	if (!w.owner && !w.group && !w.mode)
		return true;
	return keep_attr(h, &w, path, e) && set_at_path(&w, path, e);
}

bool attr_for_write(struct host *h, const char *path, const struct value *params, mode_t dflt_mode,
	struct file_attr *out, struct err *e)
{
	struct attr_want w;
	struct stat st;
	bool found;
	if (!wanted_read(h, 0, params, &w, e) || !path_stat(path, &st, &found, e))
		return false;
	bool regular = found && S_ISREG(st.st_mode);
	mode_t now = regular ? st.st_mode & PERM : dflt_mode;
	out->mode = now;
	out->uid = w.uid != (uid_t)-1 || !regular ? w.uid : st.st_uid;
	out->gid = w.gid != (gid_t)-1 || !regular ? w.gid : st.st_gid;
	return !w.mode || wanted_mode(&w, now, false, &out->mode, e);
}
