/* SPDX-License-Identifier: MIT
 *
 * Password hashes of users, compared without the '!' that locks them. Never unlocks a user unless
 * password_lock says so, and never shows a hash.
 */
#include "host/args.h"
#include "resource/password.h"

#define LOCK_CHANGE "password lock"

static const char *behind_lock(const char *hash)
{
	return hash + strspn(hash, "!");
}

/* Only '!' and '*': nobody can log in with it. */
static bool is_none(const char *hash)
{
	return hash[strspn(hash, "!*")] == 0;
}

/* $id$salt$hash with an id of crypt(5). The old forms without '$' look like a password. */
static bool is_hash(const char *hash)
{
	static const char *const ids[] = {"1", "2a", "2b", "2x", "2y", "3", "5", "6", "7", "y",
		"gy", "sha1", "md5", "argon2id", "argon2i"};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789./$=,_-+";
	size_t n = hash[0] == '$' ? strcspn(hash + 1, "$") : 0;
	if (n == 0 || hash[1 + n] != '$' || hash[strspn(hash, letters)] != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (strlen(ids[i]) == n && memcmp(hash + 1, ids[i], n) == 0)
			return strchr(hash + n + 2, '$') && hash[strlen(hash) - 1] != '$';
	return false;
}

bool password_check(const struct value *params, struct errs *errs)
{
	const struct value *v = map_at(params, "password");
	if (!v || v->type != VALUE_STR)
		return true;
	if (v->s.n == 0)
		return errs_add(errs, v->pos,
			"an empty password would let anybody log in; write '!' or '*' for no "
			"password");
	if (!is_none(v->s.p) && !is_hash(behind_lock(v->s.p)))
		return errs_add(errs, v->pos,
			"the password must be a hash, as `openssl passwd -6` makes it, not the "
			"password itself; write '!' or '*' for no password");
	if (behind_lock(v->s.p) != v->s.p && !is_none(v->s.p) && map_at(params, "password_lock") &&
		!map_bool(params, "password_lock", true))
		return errs_add(errs, v->pos,
			"a '!' before the hash locks the user, but password_lock is false");
	return true;
}

/* Was the present password locked on purpose? useradd itself writes a '!' without a hash. */
static bool is_locked(const char *hash)
{
	return hash[0] == '!' && !is_none(hash);
}

/* Should it be locked, when it is `locked` now? */
static bool lock_wanted(const struct value *params, bool locked)
{
	const char *want = map_cstr(params, "password", "*");
	if (is_locked(want))
		return true;
	return map_bool(params, "password_lock", locked);
}

/* The declared hash, when it applies; NULL: none. */
static const char *hash_wanted(const struct value *params, const struct account_user *u)
{
	bool always = strcmp(map_cstr(params, "update_password", "always"), "always") == 0;
	return u && !always ? NULL : map_cstr(params, "password", NULL);
}

/* Is the hash of the user another than the one wanted? */
static bool hash_differs(const char *want, const struct account_user *u)
{
	if (!want)
		return false;
	return !u || strcmp(behind_lock(want), behind_lock(u->password)) != 0 ||
	       (is_none(want) && !is_none(u->password));
}

static void observe_lock(struct host *h, const struct value *params, const struct account_user *u,
	struct observation *o)
{
	bool locked = u && is_locked(u->password), lock = lock_wanted(params, locked);
	if (lock != locked)
		observe_attr(
			h, o, LOCK_CHANGE, u ? (locked ? "yes" : "no") : NULL, lock ? "yes" : "no");
}

bool password_observe(struct host *h, const struct value *params, const struct account_user *u,
	struct observation *o, struct err *e)
{
	const char *want = hash_wanted(params, u);
	bool about_lock = map_at(params, "password_lock") || (want && is_locked(want));
	if (!want && !about_lock)
		return true;
	if (u && !u->password)
		return err_set(e, ERR_PERMANENT,
			"cannot compare the password of '%s': /etc/shadow is not readable "
			"(become: true?)",
			u->name);
	bool differs = hash_differs(want, u);
	if (differs)
		observe_attr(h, o, "password", u ? "another" : NULL, "as declared");
	/* there is no password to lock, and none that a lock disables */
	bool nothing_to_lock = u ? is_none(u->password) && !differs : !want;
	if (about_lock && !nothing_to_lock)
		observe_lock(h, params, u, o);
	return true;
}

static bool set_hash(struct host *h, const char *name, const char *hash, bool lock, struct err *e)
{
	const char *argv[] = {"chpasswd", "--encrypted", NULL};
	struct str input = str_printf(h->a, "%s:%s%s\n", name, lock && !is_none(hash) ? "!" : "",
		is_none(hash) ? hash : behind_lock(hash));
	struct proc_result r;
	if (!run_with(h, argv, input, &r, e))
		return false;
	if (r.status != 0)
		return err_set(e, ERR_PERMANENT, "chpasswd failed (exit %d): %s", r.status,
			last_words(h->a, r.err_out, 300));
	return true;
}

bool password_apply(struct host *h, const struct value *params, const struct account_user *u,
	const struct observation *o, struct err *e)
{
	const char *name = map_cstr(params, "name", "");
	bool lock = lock_wanted(params, u && u->password && is_locked(u->password));
	const char *argv[] = {"usermod", lock ? "--lock" : "--unlock", name, NULL};
	if (observed_change(o, "password"))
		return set_hash(h, name, map_cstr(params, "password", "!"), lock, e);
	return !observed_change(o, LOCK_CHANGE) || run_program(h, argv, NULL, e);
}
