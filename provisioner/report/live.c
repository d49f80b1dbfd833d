/* SPDX-License-Identifier: MIT
 *
 * What each busy host is doing: on a terminal one line per host at the bottom, as many as fit;
 * elsewhere an occasional line about what takes long.
 */
#include "report/report_private.h"
#include "net/loop.h"
#include <sys/ioctl.h>
#include <unistd.h>

enum { REDRAW_MS = 80, TEXT_LEN = 160, OVERDUE_MS = 5000 };
struct live_host {
	const char *host;
	char text[TEXT_LEN];
	/* since when: busy; with this text; when last reported */
	int64_t since_ms, text_ms, said_ms;
};
struct live {
	int fd;
	bool draws;
	struct live_host *v;
	size_t n, cap;
	size_t drawn; /* lines now on the screen */
	int64_t drawn_ms;
};

struct live *live_new(int fd, bool draws)
{
	struct live *l = calloc(1, sizeof(*l));
	if (!l)
		panic("live_new: out of memory");
	l->fd = fd;
	l->draws = draws;
	return l;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	live_hide(l);
	free(l->v);
	free(l);
}

static void live_remove(struct live *l, const char *host)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].host, host) != 0)
			continue;
		memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof(l->v[0]));
		l->n--;
		return;
	}
}

static struct live_host *live_find(struct live *l, const char *host)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].host, host))
			return &l->v[i];
	PUSH(NULL, l->v, l->n, l->cap, ((struct live_host){.host = host, .since_ms = now_ms()}));
	return &l->v[l->n - 1];
}

void live_set(struct live *l, const char *host, const char *text)
{
	if (!text) {
		live_remove(l, host);
		return;
	}
	struct live_host *h = live_find(l, host);
	snprintf(h->text, sizeof(h->text), "%s", text);
	h->text_ms = h->said_ms = now_ms();
}

const char *live_overdue(struct live *l, const char **text, double *seconds)
{
	int64_t now = now_ms();
	for (size_t i = 0; !l->draws && i < l->n; i++) {
		struct live_host *h = &l->v[i];
		if (now - h->said_ms < OVERDUE_MS)
			continue;
		h->said_ms = now;
		*text = h->text;
		*seconds = (double)(now - h->text_ms) / 1000.0;
		return h->host;
	}
	return NULL;
}

void live_hide(struct live *l)
{
	struct page *p = page_new(false);
	for (size_t i = 0; i < l->drawn; i++)
		page_up(p);
	l->drawn = 0;
	(void)!page_write(p, l->fd);
	page_free(p);
}

void live_show(struct live *l, bool force)
{
	struct winsize w = {.ws_row = 24, .ws_col = 80};
	int64_t now = now_ms();
	if (!l->draws)
		return;
	if (!force && now - l->drawn_ms < REDRAW_MS)
		return;
	l->drawn_ms = now;
	if (ioctl(l->fd, TIOCGWINSZ, &w) < 0 || w.ws_col < 20 || w.ws_row < 4)
		w = (struct winsize){.ws_row = 24, .ws_col = 80};
	size_t lines = l->n < (size_t)w.ws_row - 2 ? l->n : (size_t)w.ws_row - 2;
	live_hide(l);
	struct page *p = page_new(false);
	for (size_t i = 0; i < lines; i++) {
		struct live_host *h = &l->v[i];
		size_t from = page_size(p);
		page_addf(p, "  %-24s %6.1fs  %s", h->host, (double)(now - h->since_ms) / 1000.0,
			h->text);
		page_cut(p, from, w.ws_col - 1U);
		page_addf(p, "\n");
	}
	l->drawn = lines;
	(void)!page_write(p, l->fd);
	page_free(p);
}
