/* SPDX-License-Identifier: MIT
 *
 * For people: the plan with its diffs, a line for each change made, the recap. On a terminal the
 * busy hosts have a live line each below it.
 */
#include "report/report_private.h"

static const char *paint(const struct report *r, const char *code)
{
	return r->opt.color ? code : "";
}
#define BOLD(r) paint((r), "\033[1m")
#define RED(r) paint((r), "\033[31m")
#define GREEN(r) paint((r), "\033[32m")
#define YELLOW(r) paint((r), "\033[33m")
#define CYAN(r) paint((r), "\033[36m")
#define PLAIN(r) paint((r), "\033[0m")

static void add_task(struct report *r, struct buf *out, const struct planned *p)
{
	buf_addf(out, "%s%s%s", BOLD(r), p->step->name, PLAIN(r));
	if (p->step->item)
		buf_addf(out, " (item=%s)", p->step->no_log ? SECRET_TEXT : p->step->item);
}

static void add_place(struct report *r, struct buf *out, const struct planned *p)
{
	if (p->step->pos.line &&
		(r->opt.verbosity > 0 || p->kind == PLANNED_FAILED || p->kind == PLANNED_IGNORED))
		buf_addf(out, "  [%s:%u]", p->step->pos.file, p->step->pos.line);
}

static void add_changes(struct report *r, struct buf *out, const struct planned *p,
	const struct value *changes, bool diff)
{
	struct arena *a = arena_new();
	for (size_t i = 0; changes && i < changes->list.n; i++)
		change_print(out, a, p, changes->list.v[i], 6, diff, r->opt.color);
	arena_free(a);
}

/* A script has many lines; the first tells which it is. */
static void add_resource(struct report *r, struct buf *out, const struct planned *p)
{
	struct arena *a = arena_new();
	if (p->step->type) {
		const char *key = planned_key(a, p);
		size_t n = strcspn(key, "\n");

		buf_addf(out, "    %s%s %.*s%s%s\n", CYAN(r), p->step->type->name, (int)n, key,
			key[n] && key[n + 1] ? " ..." : "", PLAIN(r));
	}
	arena_free(a);
}

/* What a handler will do, which is not observed before it is due. */
static void add_summary(struct buf *out, const struct planned *p)
{
	struct arena *a = arena_new();
	const struct restype *type = p->step->type;
	if (type && type->summary && !p->step->no_log)
		buf_addf(out, "      %s\n", type->summary(a, p->step->params));
	arena_free(a);
}

static void plan_step(struct report *r, struct buf *out, const struct planned *p)
{
	static const char *const marks[] = {" ", "~", ">", "!", " ", " ", ".", "?", "x", "x", "?"};
	bool quiet =
		p->kind == PLANNED_OK || p->kind == PLANNED_QUIET || p->kind == PLANNED_SKIPPED;
	if (quiet && r->opt.verbosity < 2 && !p->step->dropped)
		return;
	bool handler = p->kind == PLANNED_LOCAL && p->step->handler;
	if ((p->kind == PLANNED_RUN || p->kind == PLANNED_LOCAL) && !handler &&
		r->opt.verbosity < 1)
		return;
	buf_addf(out, "%s ", marks[handler ? PLANNED_HANDLER : p->kind]);
	add_task(r, out, p);
	add_place(r, out, p);
	if (p->step->dropped) {
		buf_adds(out, "  (handler, left over from an unfinished run: not owed any more)\n");
		return;
	}
	switch (p->kind) {
	case PLANNED_UNKNOWN:
	case PLANNED_MAYBE:
		buf_addf(out, "\n      %sunknown %s%s\n", YELLOW(r), plan_unknown(p), PLAIN(r));
		if (p->kind == PLANNED_UNKNOWN)
			return;
		add_resource(r, out, p);
		add_changes(r, out, p, p->changes, r->opt.diff);
		return;
	case PLANNED_FAILED:
	case PLANNED_IGNORED:
		buf_addf(out, "%s\n      %s%s%s\n",
			p->kind == PLANNED_IGNORED ? "  (fails, and is ignored)" : "", RED(r),
			planned_error(p), PLAIN(r));
		return;
	case PLANNED_HANDLER:
		buf_addf(out, "  (handler%s)\n",
			p->step->was_pending ? ", left over from an unfinished run" : "");
		add_resource(r, out, p);
		add_summary(out, p);
		return;
	case PLANNED_LOCAL:
		buf_addf(out, "%s  %s\n", handler ? "  (handler)" : "",
			p->step->message ? p->step->message : "");
		return;
	default:
		buf_addc(out, '\n');
		add_resource(r, out, p);
		if (p->kind == PLANNED_CHANGE && (!p->changes || !p->changes->list.n))
			buf_addf(out, "      counts as changed%s\n",
				p->step->changed == 1 || !p->step->type ? " (changed_when)" : "");
		add_changes(r, out, p, p->changes, r->opt.diff);
	}
}

static void add_counts(struct buf *out, const struct plan_counts *c)
{
	buf_addf(out, "%zu to change, %zu unchanged", c->change, c->unchanged);
	if (c->handler)
		buf_addf(out, ", %zu handler%s to run", c->handler, c->handler == 1 ? "" : "s");
	if (c->unknown)
		buf_addf(out, ", %zu unknown", c->unknown);
	if (c->failed)
		buf_addf(out, ", %zu fail%s", c->failed, c->failed == 1 ? "s" : "");
	if (c->ignored)
		buf_addf(out, ", %zu fail%s and %s ignored", c->ignored, c->ignored == 1 ? "s" : "",
			c->ignored == 1 ? "is" : "are");
}

static void host_plan(struct report *r, struct buf *out, const struct event *e)
{
	const struct host_plan *hp = e->plan;
	if (!r->opt.planning) {
		if (hp->counts.change + hp->counts.handler + hp->counts.unknown == 0)
			return;
		buf_addf(out, "%s: ", hp->host);
		add_counts(out, &hp->counts);
		buf_addc(out, '\n');
		return;
	}
	buf_addf(out, "\n%s%s%s: ", BOLD(r), hp->host, PLAIN(r));
	add_counts(out, &hp->counts);
	buf_addc(out, '\n');
	for (size_t i = 0; i < hp->n; i++)
		plan_step(r, out, hp->v[i]);
}

static const char *status_color(const struct report *r, enum step_status s)
{
	switch (s) {
	case STEP_CHANGED:
		return YELLOW(r);
	case STEP_FAILED:
		return RED(r);
	default:
		return GREEN(r);
	}
}

/* The files that led to a handler, when it failed and they were put back. */
static void add_put_back(struct buf *out, const struct planned *p)
{
	const struct value *paths = p->result ? map_at(p->result, "rolled_back") : NULL;
	for (size_t i = 0; paths && paths->type == VALUE_LIST && i < paths->list.n; i++)
		buf_addf(out, "      put back: %s\n",
			paths->list.v[i]->type == VALUE_STR ? paths->list.v[i]->s.p : "");
}

static void step_done(struct report *r, struct buf *out, const struct event *e)
{
	const struct planned *p = e->step;
	bool shown = e->status == STEP_CHANGED || e->status == STEP_FAILED ||
		     e->status == STEP_IGNORED || (p->step->local && p->step->message);
	if (!shown && r->opt.verbosity < 1)
		return;
	buf_addf(out, "%s%s: %s%s: ", status_color(r, e->status), step_status_name(e->status),
		e->host, PLAIN(r));
	add_task(r, out, p);
	if (e->ms >= 500)
		buf_addf(out, "  (%.1f s)", (double)e->ms / 1000.0);
	add_place(r, out, p);
	buf_addc(out, '\n');
	if (p->step->local && p->step->message)
		buf_addf(out, "      %s\n", p->step->message);
	if (e->error)
		buf_addf(out, "      %s%s%s\n", RED(r), e->error, PLAIN(r));
	if (e->status == STEP_CHANGED && r->opt.diff) {
		add_resource(r, out, p);
		add_changes(r, out, p, e->changes ? e->changes : p->changes, true);
	} else if (e->status == STEP_FAILED) {
		add_resource(r, out, p);
		add_changes(r, out, p, e->changes, true);
		add_put_back(out, p);
	}
}

static void host_done(struct report *r, struct buf *out, const struct event *e)
{
	if (!e->error)
		return;
	const char *word = e->stats->unreachable ? "unreachable"
			   : e->stats->failed    ? "failed"
						 : "left out";
	buf_addf(out, "%s%s: %s%s: %s\n", RED(r), word, e->host, PLAIN(r), e->error);
}

static size_t without_plan(const struct plan *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += p->v[i]->error != NULL;
	return n;
}

/* What was not looked at must not read as if it were fine. */
static void plan_end(struct report *r, struct buf *out, const struct plan *p)
{
	struct arena *a = arena_new();
	size_t lost = without_plan(p), seen = p->n - lost;
	const struct plan_counts *c = &p->counts;
	bool news = c->change || c->handler || c->unknown || c->failed || c->ignored;
	if (news) {
		buf_addf(out, "\n%sPlan:%s %zu host%s, ", BOLD(r), PLAIN(r), seen,
			seen == 1 ? "" : "s");
		add_counts(out, &p->counts);
	} else if (!seen)
		buf_addf(out, "\n%sNo plan:%s no host could be planned", RED(r), PLAIN(r));
	else if (!p->counts.resources)
		buf_addf(out, "\nNo changes. No task declares anything for %zu host%s", seen,
			seen == 1 ? "" : "s");
	else
		buf_addf(out, "\n%sNo changes.%s %zu host%s as declared", GREEN(r), PLAIN(r), seen,
			seen == 1 ? " is" : "s are");
	if (lost && (seen || news))
		buf_addf(out, "; %s%zu host%s could not be planned%s", RED(r), lost,
			lost == 1 ? "" : "s", PLAIN(r));
	buf_addf(out, ". Digest %.12s. %s\n", p->digest, recap_took(r, a));
	arena_free(a);
}

static void end(struct report *r, struct buf *out, const struct event *e)
{
	live_hide(r->live);
	if (r->opt.planning) {
		bool failed = false;
		for (size_t i = 0; i < r->n_rows; i++)
			failed = failed || r->rows[i].error;
		if (failed)
			recap_print(r, out);
		if (e->whole)
			plan_end(r, out, e->whole);
		return;
	}
	struct arena *a = arena_new();
	recap_print(r, out);
	buf_addf(out, "\n%s\n", recap_took(r, a));
	arena_free(a);
}

static void progress(struct report *r, struct buf *out, const struct event *e)
{
	live_set(r->live, e->host, e->text);
	live_show(r->live, false);
	if (e->text && ((r->opt.verbosity > 0 && !r->opt.tty) || e->kind == EVENT_NOTE))
		buf_addf(out, "%s: %s\n", e->host, e->text);
}

static void text_event(struct report *r, const struct event *e)
{
	struct buf out;
	buf_init(&out, (size_t)4 * FILE_MAX);
	switch (e->kind) {
	case EVENT_PLAY:
		if (!r->opt.planning)
			buf_addf(&out, "\n%sPLAY [%s]%s %zu host%s\n", BOLD(r), e->text, PLAIN(r),
				e->count, e->count == 1 ? "" : "s");
		break;
	case EVENT_PROGRESS:
	case EVENT_NOTE:
		progress(r, &out, e);
		break;
	case EVENT_PLAN:
		host_plan(r, &out, e);
		break;
	case EVENT_STEP:
		step_done(r, &out, e);
		break;
	case EVENT_HOST:
		live_set(r->live, e->host, NULL);
		host_done(r, &out, e);
		break;
	case EVENT_END:
		end(r, &out, e);
		break;
	}
	if (out.n)
		report_out(r, &out);
	buf_free(&out);
}

static void text_tick(struct report *r)
{
	const char *host, *text;
	double seconds;
	live_show(r->live, false);
	while ((host = live_overdue(r->live, &text, &seconds))) {
		struct buf out;
		buf_init(&out, 1 << 12);
		buf_addf(&out, "%s: %s (%.0f s so far)\n", host, text, seconds);
		report_out(r, &out);
		buf_free(&out);
	}
}

const struct report_ops report_text = {
	.name = "text",
	.event = text_event,
	.tick = text_tick,
};
