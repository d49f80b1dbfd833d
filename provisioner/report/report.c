/* SPDX-License-Identifier: MIT
 *
 * Opens a format and passes the events to it. One table lists the formats.
 */
#include "report/report_private.h"
#include "net/loop.h"
#include <unistd.h>

static const struct report_ops *const outputs[] = {&report_text, &report_json};

struct report *report_open(const struct report_options *o)
{
	struct report *r = calloc(1, sizeof(*r));
	if (!r)
		panic("report_open: out of memory");
	r->opt = *o;
	r->a = arena_new();
	r->ops = outputs[o->json ? 1 : 0];
	r->started_ms = now_ms();
	if (!o->json)
		r->live = live_new(o->fd, o->tty);
	return r;
}

void report_event(struct report *r, const struct event *e)
{
	if (e->kind == EVENT_HOST)
		recap_add(r, e);
	r->ops->event(r, e);
}

void report_tick(struct report *r)
{
	if (r->ops->tick)
		r->ops->tick(r);
}

void report_close(struct report *r)
{
	if (r->ops->close)
		r->ops->close(r);
	live_free(r->live);
	arena_free(r->a);
	free(r->rows);
	free(r);
}

struct page *report_page(struct report *r)
{
	struct page *p = page_new(r->opt.color);
	if (r->live)
		live_hide(r->live);
	page_stream(p, r->opt.fd);
	return p;
}

void report_out(struct report *r, struct page *p)
{
	if (r->live)
		live_hide(r->live);
	/* if the reader has exited (`| head`), the changes on the hosts go on */
	(void)!page_write(p, r->opt.fd);
	if (r->live)
		live_show(r->live, true);
}

const char *step_status_name(enum step_status s)
{
	static const char *const names[] = {"ok", "changed", "failed", "skipped", "ignored"};
	return names[s];
}
