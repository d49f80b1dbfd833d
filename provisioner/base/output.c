/* SPDX-License-Identifier: MIT
 *
 * Standard output: write errors are remembered and reported at the end, so that they do not stop a
 * run.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "base/base.h"

static int failed; /* errno of the first error */

/* The next opened file would get the number of a closed standard descriptor, and output would go
 * into that file. A closed standard output is replaced by a descriptor that cannot be written
 * to. */
void output_open(void)
{
	static const int flags[] = {O_RDONLY, O_RDONLY, O_WRONLY};
	for (int fd = 0; fd < (int)ARRAY_LEN(flags); fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", flags[fd]) != fd)
			panic("cannot open /dev/null in the place of a closed descriptor");
}

bool output_write(int fd, const void *p, size_t n)
{
	if (write_all(fd, p, n))
		return true;
	if (fd != STDERR_FILENO && !failed)
		failed = errno;
	return false;
}

bool output_close(struct err *e)
{
	errno = 0;
	if ((fflush(stdout) != 0 || ferror(stdout)) && !failed)
		failed = errno ? errno : EIO;
	errno = failed;
	return !failed || err_errno(e, "cannot write to standard output");
}
