/* SPDX-License-Identifier: MIT
 *
 * A growing buffer on the heap with a limit. Content beyond the limit is dropped, and `over` set.
 * After the first addition a NUL follows the content.
 */
#include "base/base.h"

enum { BUF_FIRST = 256 };

void buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf){.limit = limit};
}

void buf_free(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->over = false;
	if (b->p)
		b->p[0] = 0;
}

/* Makes room for n more bytes and the NUL. */
static void reserve_room(struct buf *b, size_t n)
{
	size_t need = b->n + n + 1;
	if (need <= b->cap)
		return;
	size_t cap = b->cap ? b->cap : BUF_FIRST;
	while (cap < need)
		cap += cap / 2 + 1;
	char *p = realloc(b->p, cap);
	if (!p)
		panic("out of memory (%zu bytes)", cap);
	b->p = p;
	b->cap = cap;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n > b->limit - b->n) {
		n = b->limit - b->n;
		b->over = true;
	}
	reserve_room(b, n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = 0;
	if (b->sink && b->n > BUF_PIECE)
		buf_consume(b, b->sink(b->ctx, b->p, b->n));
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	char small[512];
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0)
		panic("buf_addf: bad format '%s'", fmt);
	if ((size_t)n < sizeof(small)) {
		buf_add(b, small, (size_t)n);
	} else {
		char *large = malloc((size_t)n + 1);
		if (!large)
			panic("out of memory (%d bytes)", n);
		vsnprintf(large, (size_t)n + 1, fmt, again);
		buf_add(b, large, (size_t)n);
		free(large);
	}
	va_end(again);
	va_end(ap);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n > b->n)
		panic("buf_consume: %zu of %zu bytes", n, b->n);
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	b->p[b->n] = 0;
}

struct str buf_str(struct arena *a, const struct buf *b)
{
	return str_dup(a, b->p, b->n);
}
