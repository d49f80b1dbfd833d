/* SPDX-License-Identifier: MIT
 *
 * For programs: each event as one JSON object on one line, written immediately.
 */
#include "report/report_private.h"
#include "net/loop.h"

static void put_step(struct arena *a, struct value *m, const struct event *e)
{
	const struct planned *p = e->step;
	struct shown shown = {
		.status = step_status_name(e->status),
		.ms = e->ms < UINT32_MAX ? (uint32_t)e->ms : UINT32_MAX,
	};
	const struct value *changes = e->changes ? e->changes : p->changes;
	shown_fill(&shown, a, p, e->status == STEP_OK ? NULL : changes);
	if (e->status == STEP_FAILED && p->result)
		shown.rolled_back = map_at(p->result, "rolled_back");
	shown_put(a, &shown, SHOWN_STEP, m);
}

static void put_stats(struct arena *a, struct value *m, const struct host_stats *s)
{
	const struct {
		const char *key;
		unsigned n;
	} rows[] = {{"ok", s->ok}, {"changed", s->changed}, {"unreachable", s->unreachable},
		{"failed", s->failed}, {"skipped", s->skipped}, {"rescued", s->rescued},
		{"ignored", s->ignored}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		map_put(a, m, rows[i].key, value_int(a, rows[i].n));
}

static void put_end(struct arena *a, struct value *m, const struct report *r, const struct event *e)
{
	if (e->whole) {
		map_put_text(a, m, "digest", e->whole->digest);
		map_put(a, m, "changes", value_int(a, (int64_t)e->whole->counts.change));
		map_put(a, m, "handlers", value_int(a, (int64_t)e->whole->counts.handler));
		map_put(a, m, "unknown", value_int(a, (int64_t)e->whole->counts.unknown));
	}
	map_put(a, m, "exit_code", value_int(a, e->exit_code));
	map_put(a, m, "ms", value_int(a, now_ms() - r->started_ms));
}

static void json_event(struct report *r, const struct event *e)
{
	static const char *const names[] = {
		"play", "progress", "plan", "step", "note", "host", "end"};
	struct arena *a = arena_new();
	struct value *m = e->kind == EVENT_PLAN ? plan_value(a, e->plan) : value_map(a);
	map_put_text(a, m, "event", names[e->kind]);
	map_put_text(a, m, "host", e->host);
	map_put_text(a, m, "text", e->text);
	if (e->kind == EVENT_PLAY)
		map_put(a, m, "hosts", value_int(a, (int64_t)e->count));
	if (e->step)
		put_step(a, m, e);
	map_put_text(a, m, "error", e->error);
	if (e->stats)
		put_stats(a, m, e->stats);
	if (e->kind == EVENT_END)
		put_end(a, m, r, e);
	struct page *line = report_page(r);
	struct buf out = page_buf(line);
	json_write(&out, m);
	buf_addc(&out, '\n');
	page_buf_end(&out);
	report_out(r, line);
	page_free(line);
	arena_free(a);
}

const struct report_ops report_json = {
	.name = "json",
	.event = json_event,
};
