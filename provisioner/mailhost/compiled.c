/* SPDX-License-Identifier: MIT
 *
 * Compiled files beside their sources.
 */
#include "host/path.h"
#include "mailhost/compiled.h"

enum { READABLE = 0666 };

bool compiled_install(struct host *h, const char *source, const char *from, const char *to,
	time_t later_s, struct err *e)
{
	struct stat st;
	struct str bytes;
	if (!path_stat_there(source, &st, e))
		return false;
	struct file_attr attr = {st.st_mode & READABLE, st.st_uid, st.st_gid};
	struct timespec times[2] = {st.st_atim, st.st_mtim};
	times[1].tv_sec += later_s;
	if (!keep_for_undo(h, to, e) || !file_read(h->a, from, FILE_MAX, &bytes, e) ||
		!file_replace(to, bytes.p, bytes.n, attr, e))
		return false;
	return set_times(to, times, e);
}

bool compiled_fits(const struct stat *source, const struct stat *made, time_t later_s)
{
	return S_ISREG(made->st_mode) && made->st_uid == source->st_uid &&
	       made->st_gid == source->st_gid &&
	       (made->st_mode & 07777) == (source->st_mode & READABLE) &&
	       made->st_mtim.tv_sec == source->st_mtim.tv_sec + later_s &&
	       made->st_mtim.tv_nsec == source->st_mtim.tv_nsec;
}
