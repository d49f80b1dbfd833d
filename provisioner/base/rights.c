/* SPDX-License-Identifier: MIT
 *
 * Copies the POSIX ACL and extended attributes of a file to the file that replaces it. Does not
 * copy those which depend on the content (capabilities, signatures).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/base.h"

enum { XATTR_NAMES = 64 << 10, XATTR_VALUE = 64 << 10 }; /* the kernel's limits */

static bool outlives_content(const char *name)
{
	static const char *const of_content[] = {
		"security.capability", "security.ima", "security.evm"};
	for (size_t i = 0; i < ARRAY_LEN(of_content); i++)
		if (strcmp(name, of_content[i]) == 0)
			return false;
	return true;
}

/* Security labels: the host's policy may refuse to set them, which is no error. */
static bool may_be_refused(const char *name)
{
	return strncmp(name, "security.", 9) == 0;
}

static bool copy_one(
	const char *from, int to, const char *name, char *value, const char *path, struct err *e)
{
	ssize_t n = getxattr(from, name, value, XATTR_VALUE);
	if (n < 0 && (errno == ENODATA || errno == ENOTSUP || may_be_refused(name)))
		return true;
	if (n < 0)
		return err_errno(e, "cannot read the attribute %s of %s", name, path);
	if (fsetxattr(to, name, value, (size_t)n, 0) == 0 || may_be_refused(name))
		return true;
	if (errno == ENOTSUP) /* the file system of the copy does not support them */
		return true;
	return err_errno(e, "cannot keep the attribute %s of %s", name, path);
}

bool rights_copy(int from, int to, const char *path, struct err *e)
{
	/* this name also works for a descriptor that is not open for reading */
	char self[64];
	snprintf(self, sizeof(self), "/proc/self/fd/%d", from);
	if (from < 0)
		return true;
	struct arena *a = arena_new();
	char *names = arena_alloc(a, XATTR_NAMES), *value = arena_alloc(a, XATTR_VALUE);
	ssize_t n = listxattr(self, names, XATTR_NAMES);
	bool ok = n >= 0 || errno == ENOTSUP;
	if (!ok)
		err_errno(e, "cannot list the attributes of %s", path);
	for (const char *at = names; ok && n > 0 && at < names + n; at += strlen(at) + 1)
		if (outlives_content(at))
			ok = copy_one(self, to, at, value, path, e);
	arena_free(a);
	return ok;
}
