/* SPDX-License-Identifier: MIT
 *
 * Errors as values. The first error is kept. A message does not end in a newline, and is not cut
 * within a UTF-8 character.
 */
#include <errno.h>
#include "base/base.h"

/* Removes newlines at the end, and a character truncated by the end of the buffer. */
static void tidy_message(struct err *e)
{
	size_t n = strlen(e->msg);
	if (n == sizeof(e->msg) - 1) {
		while (n > 0 && ((unsigned char)e->msg[n - 1] & 0xc0) == 0x80)
			n--;
		if (n > 0 && (unsigned char)e->msg[n - 1] >= 0xc0)
			n--;
	}
	while (n > 0 && (e->msg[n - 1] == '\n' || e->msg[n - 1] == '\r'))
		n--;
	e->msg[n] = 0;
}

static bool PRINTF(4, 0)
	set_error(struct err *e, enum err_kind kind, struct pos pos, const char *fmt, va_list ap)
{
	if (!e || e->kind != ERR_NONE)
		return false;
	e->kind = kind;
	e->pos = pos;
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	tidy_message(e);
	return false;
}

bool(err_set)(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_error(e, kind, (struct pos){0}, fmt, ap);
	va_end(ap);
	return false;
}

bool(err_at)(struct err *e, struct pos pos, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_error(e, ERR_CONFIG, pos, fmt, ap);
	va_end(ap);
	return false;
}

bool(err_undefined)(struct err *e, struct pos pos, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_error(e, ERR_UNDEFINED, pos, fmt, ap);
	va_end(ap);
	return false;
}

bool(err_errno)(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	if (!e || e->kind != ERR_NONE)
		return false;
	va_list ap;
	va_start(ap, fmt);
	set_error(e, ERR_PERMANENT, (struct pos){0}, fmt, ap);
	va_end(ap);
	size_t n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror(saved));
	tidy_message(e);
	errno = saved;
	return false;
}

bool(err_prefix)(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->msg)];
	if (!e || e->kind == ERR_NONE)
		return false;
	memcpy(old, e->msg, sizeof(old));
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	size_t n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", old);
	tidy_message(e);
	return false;
}
