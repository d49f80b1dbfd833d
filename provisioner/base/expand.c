/* SPDX-License-Identifier: MIT
 *
 * Expands ~ and $NAME in paths. Looks up users; touches no file.
 */
#include <pwd.h>
#include <unistd.h>
#include "base/base.h"

enum { EXPANDED_MAX = 64 << 10 };

/* The home folder for ~ or ~name; NULL: there is no such user. */
static const char *home_of(struct arena *a, const char *name, size_t n)
{
	const char *own = n == 0 ? getenv("HOME") : NULL;
	if (own && *own)
		return own;
	struct passwd *pw =
		n ? getpwnam(arena_printf(a, "%.*s", (int)n, name)) : getpwuid(geteuid());
	return pw ? arena_strdup(a, pw->pw_dir) : NULL;
}

/* The value of $NAME or ${NAME} at p, and the length of the reference in *n; NULL: leave it
 * unchanged. */
static const char *variable_at(struct arena *a, const char *p, size_t *n)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	bool braces = p[1] == '{';
	const char *name = p + 1 + braces;
	size_t len = strspn(name, letters);
	if (len == 0 || (braces && name[len] != '}'))
		return NULL;
	*n = len + 1 + (size_t)2 * braces;
	return getenv(arena_printf(a, "%.*s", (int)len, name));
}

const char *path_expand(struct arena *a, const char *path, struct err *e)
{
	struct buf b;
	buf_init(&b, EXPANDED_MAX);
	if (*path == '~') {
		size_t n = strcspn(path, "/");
		const char *home = home_of(a, path + 1, n - 1);
		if (!home) {
			buf_free(&b);
			err_set(e, ERR_CONFIG, "%s: there is no user '%.*s'", path, (int)n - 1,
				path + 1);
			return NULL;
		}
		buf_adds(&b, home);
		path += n;
	}
	while (*path) {
		size_t n = 1;
		const char *text = *path == '$' ? variable_at(a, path, &n) : NULL;
		if (text)
			buf_adds(&b, text);
		else
			buf_add(&b, path, n = 1);
		path += n;
	}
	const char *out = buf_str(a, &b).p;
	buf_free(&b);
	return out;
}
