/* SPDX-License-Identifier: MIT
 *
 * A file that a program makes from another one, its source, and that lies beside it.
 */
#pragma once
#include <sys/stat.h>
#include "host/host.h"

/* Puts what was made at `from` in place at `to`, with the source's owner and its time, `later_s`
 * seconds added. It can be read as the source can, whatever the compiler would have. Its
 * original is not kept: the source's is enough to make it again. */
bool compiled_install(struct host *h, const char *source, const char *from, const char *to,
	time_t later_s, struct err *e);
/* Is `made` as compiled_install leaves it beside the source as it is now? */
bool compiled_fits(const struct stat *source, const struct stat *made, time_t later_s);
