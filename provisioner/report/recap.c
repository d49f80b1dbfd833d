/* SPDX-License-Identifier: MIT
 *
 * The final table, in Ansible's format, which users and their scripts know.
 */
#include "report/report_private.h"
#include "net/loop.h"

/* A host that no play reached has no row, as in Ansible: a row of zeros would look like success. */
static bool never_began(const struct event *e)
{
	const struct host_stats *s = e->stats;
	return e->error && !(s->ok + s->unreachable + s->failed + s->skipped);
}

void recap_add(struct report *r, const struct event *e)
{
	if (never_began(e))
		return;
	struct recap_row row = {
		.host = arena_strdup(r->a, e->host),
		.stats = *e->stats,
		.error = e->error ? arena_strdup(r->a, e->error) : NULL,
	};
	PUSH(NULL, r->rows, r->n_rows, r->cap_rows, row);
}

static int by_host(const void *a, const void *b)
{
	const struct recap_row *x = a, *y = b;
	return strcmp(x->host, y->host);
}

void recap_print(const struct report *r, struct page *out)
{
	if (r->n_rows)
		qsort(r->rows, r->n_rows, sizeof(r->rows[0]), by_host);
	page_addf(out, "\nPLAY RECAP ");
	for (int i = 0; i < 69; i++)
		page_addf(out, "*");
	page_addf(out, "\n");
	for (size_t i = 0; i < r->n_rows; i++) {
		const struct host_stats *s = &r->rows[i].stats;
		enum paint paint = s->unreachable || s->failed ? PAINT_RED
				   : s->changed                ? PAINT_YELLOW
							       : PAINT_GREEN;
		page_paintf(out, paint, "%-26s", r->rows[i].host);
		page_addf(out,
			" : ok=%-4u changed=%-4u unreachable=%-4u failed=%-4u "
			"skipped=%-4u rescued=%-4u ignored=%-4u\n",
			s->ok, s->changed, s->unreachable, s->failed, s->skipped, s->rescued,
			s->ignored);
	}
}

const char *recap_took(const struct report *r, struct arena *a)
{
	return arena_printf(a, "%.1f s", (double)(now_ms() - r->started_ms) / 1000.0);
}
