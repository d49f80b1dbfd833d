/* SPDX-License-Identifier: MIT
 *
 * For users: the plan with its diffs, a line for each change, the recap. On a terminal live lines
 * of the busy hosts are below.
 */
#include "report/report_private.h"

static void add_task(struct page *out, const struct planned *p)
{
	page_paintf(out, PAINT_BOLD, "%s", p->step->name);
	if (p->step->item)
		page_addf(out, " (item=%s)", p->step->no_log ? SECRET_TEXT : p->step->item);
}

static void add_place(struct report *r, struct page *out, const struct planned *p)
{
	if (p->step->pos.line &&
		(r->opt.verbosity > 0 || p->kind == PLANNED_FAILED || p->kind == PLANNED_IGNORED))
		page_addf(out, "  [%s:%u]", p->step->pos.file, p->step->pos.line);
}

static void add_error(struct page *out, const char *error)
{
	page_addf(out, "      ");
	page_paint(out, PAINT_RED);
	page_prose(out, 6, str_c(error));
	page_paint(out, PAINT_PLAIN);
	page_addf(out, "\n");
}

/* The cause, and where the user's files set what was refused. */
static void add_failure(struct page *out, const struct planned *p, const char *error)
{
	add_error(out, error);
	origins_print(out, 6, p->origins);
}

static void add_changes(
	struct page *out, const struct planned *p, const struct value *changes, bool diff)
{
	struct arena *a = arena_new();
	for (size_t i = 0; changes && i < changes->list.n; i++)
		change_print(out, a, p, changes->list.v[i], 6, diff);
	arena_free(a);
}

/* Of a script the first line is enough to identify it. */
static void add_resource(struct page *out, const struct planned *p)
{
	struct arena *a = arena_new();
	if (p->step->type) {
		const char *key = planned_key(a, p);
		size_t n = strcspn(key, "\n");
		page_addf(out, "    ");
		page_paintf(out, PAINT_CYAN, "%s %.*s%s", p->step->type->name, (int)n, key,
			key[n] && key[n + 1] ? " ..." : "");
		page_addf(out, "\n");
	}
	arena_free(a);
}

/* What a handler will do; handlers are not observed before they run. */
static void add_summary(struct page *out, const struct planned *p)
{
	struct arena *a = arena_new();
	const struct restype *type = p->step->type;
	if (type && type->summary && !p->step->no_log)
		page_addf(out, "      %s\n", type->summary(a, p->step->params));
	arena_free(a);
}

/* The mark before a step in a plan. */
static const char *const marks[] = {[PLANNED_OK] = " ",
	[PLANNED_CHANGE] = "~",
	[PLANNED_RUN] = ">",
	[PLANNED_HANDLER] = "!",
	[PLANNED_QUIET] = " ",
	[PLANNED_SKIPPED] = " ",
	[PLANNED_LOCAL] = ".",
	[PLANNED_UNKNOWN] = "?",
	[PLANNED_FAILED] = "x",
	[PLANNED_IGNORED] = "x",
	[PLANNED_MAYBE] = "?",
	[PLANNED_HANDLER_MAYBE] = "?"};

/* A handler that runs on the controller (set_fact, debug). */
static bool is_local_handler(const struct planned *p)
{
	return p->kind == PLANNED_LOCAL && p->step->handler;
}

/* Steps without changes are shown with -v, skipped and converged ones with -vv. */
static bool is_shown(const struct report *r, const struct planned *p)
{
	switch (p->kind) {
	case PLANNED_OK:
	case PLANNED_QUIET:
	case PLANNED_SKIPPED:
		return r->opt.verbosity >= 2 || p->step->dropped;
	case PLANNED_RUN:
	case PLANNED_LOCAL:
		return r->opt.verbosity >= 1 || is_local_handler(p);
	default:
		return true;
	}
}

static void add_change(struct report *r, struct page *out, const struct planned *p)
{
	page_addf(out, "\n");
	add_resource(out, p);
	if (p->kind == PLANNED_CHANGE && (!p->changes || !p->changes->list.n))
		page_addf(out, "      counts as changed%s\n",
			p->step->changed == 1 || !p->step->type ? " (changed_when)" : "");
	add_changes(out, p, p->changes, r->opt.diff);
}

static void plan_step(struct report *r, struct page *out, const struct planned *p)
{
	bool handler = is_local_handler(p);
	if (!is_shown(r, p))
		return;
	page_addf(out, "%s ", marks[handler ? PLANNED_HANDLER : p->kind]);
	add_task(out, p);
	add_place(r, out, p);
	if (p->step->dropped) {
		page_addf(out, "  (handler, left over from an unfinished run: no longer needed)\n");
		return;
	}
	switch (p->kind) {
	case PLANNED_UNKNOWN:
	case PLANNED_MAYBE:
		page_addf(out, "\n      ");
		page_paintf(out, PAINT_YELLOW, "unknown %s", plan_unknown(p));
		page_addf(out, "\n");
		if (p->kind == PLANNED_UNKNOWN)
			return;
		add_resource(out, p);
		add_changes(out, p, p->changes, r->opt.diff);
		return;
	case PLANNED_FAILED:
	case PLANNED_IGNORED:
		page_addf(
			out, "%s\n", p->kind == PLANNED_IGNORED ? "  (fails, and is ignored)" : "");
		add_failure(out, p, planned_error(p));
		return;
	case PLANNED_HANDLER:
		page_addf(out, "  (handler%s)\n",
			p->step->was_pending ? ", left over from an unfinished run" : "");
		add_resource(out, p);
		add_summary(out, p);
		return;
	case PLANNED_HANDLER_MAYBE:
		page_addf(out, "  (handler, if a step that notifies it changes anything)\n");
		add_resource(out, p);
		add_summary(out, p);
		return;
	case PLANNED_LOCAL:
		page_addf(out, "%s  ", handler ? "  (handler)" : "");
		page_prose(out, 6, str_c(p->step->message ? p->step->message : ""));
		page_addf(out, "\n");
		return;
	default:
		add_change(r, out, p);
	}
}

static void add_counts(struct page *out, const struct plan_counts *c)
{
	page_addf(out, "%zu to change, %zu unchanged", c->change, c->unchanged);
	if (c->handler)
		page_addf(out, ", %zu handler%s to run", c->handler, c->handler == 1 ? "" : "s");
	if (c->unknown)
		page_addf(out, ", %zu unknown", c->unknown);
	if (c->failed)
		page_addf(out, ", %zu fail%s", c->failed, c->failed == 1 ? "s" : "");
	if (c->ignored)
		page_addf(out, ", %zu fail%s and %s ignored", c->ignored,
			c->ignored == 1 ? "s" : "", c->ignored == 1 ? "is" : "are");
}

static void add_target(struct report *r, struct page *out, const struct event *e)
{
	const struct plan_target *target = e->plan;
	if (!r->opt.planning) {
		if (target->counts.change + target->counts.handler + target->counts.unknown == 0)
			return;
		page_addf(out, "%s: ", target->name);
		add_counts(out, &target->counts);
		page_addf(out, "\n");
		return;
	}
	page_addf(out, "\n");
	page_paintf(
		out, PAINT_BOLD, "%s%s", target->kind == TARGET_ZONE ? "zone " : "", target->name);
	page_addf(out, ": ");
	add_counts(out, &target->counts);
	page_addf(out, "\n");
	for (size_t i = 0; i < target->n; i++)
		plan_step(r, out, target->v[i]);
}

static enum paint status_paint(enum step_status s)
{
	switch (s) {
	case STEP_CHANGED:
		return PAINT_YELLOW;
	case STEP_FAILED:
		return PAINT_RED;
	default:
		return PAINT_GREEN;
	}
}

/* The restored files of a handler that failed; its error names the first ones. */
static void add_put_back(struct page *out, const struct planned *p, const char *error)
{
	const struct value *paths = p->result ? map_at(p->result, "rolled_back") : NULL;
	for (size_t i = 0; paths && paths->type == VALUE_LIST && i < paths->list.n; i++) {
		const struct value *path = paths->list.v[i];
		if (path->type == VALUE_STR && !(error && strstr(error, path->s.p)))
			page_addf(out, "      put back: %s\n", path->s.p);
	}
}

static void step_done(struct report *r, struct page *out, const struct event *e)
{
	const struct planned *p = e->step;
	bool shown = e->status == STEP_CHANGED || e->status == STEP_FAILED ||
		     e->status == STEP_IGNORED || (p->step->local && p->step->message);
	if (!shown && r->opt.verbosity < 1)
		return;
	page_paintf(out, status_paint(e->status), "%s: %s", step_status_name(e->status), e->host);
	page_addf(out, ": ");
	add_task(out, p);
	if (e->ms >= 500)
		page_addf(out, "  (%.1f s)", (double)e->ms / 1000.0);
	add_place(r, out, p);
	page_addf(out, "\n");
	if (p->step->local && p->step->message) {
		page_addf(out, "      ");
		page_prose(out, 6, str_c(p->step->message));
		page_addf(out, "\n");
	}
	if (e->error)
		add_failure(out, p, e->error);
	if (e->status == STEP_CHANGED && r->opt.diff) {
		add_resource(out, p);
		add_changes(out, p, e->changes ? e->changes : p->changes, true);
	} else if (e->status == STEP_FAILED) {
		add_resource(out, p);
		add_changes(out, p, e->changes, true);
		add_put_back(out, p, e->error);
	}
}

static void host_done(struct page *out, const struct event *e)
{
	if (!e->error)
		return;
	const char *word = e->stats->unreachable ? "unreachable"
			   : e->stats->failed    ? "failed"
						 : "left out";
	page_paintf(out, PAINT_RED, "%s: %s", word, e->host);
	page_addf(out, ": ");
	page_prose(out, 6, str_c(e->error));
	page_addf(out, "\n");
}

static size_t without_plan(const struct plan *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += p->v[i]->error != NULL;
	return n;
}

/* What was not observed must not look converged. */
static void plan_end(struct report *r, struct page *out, const struct plan *p)
{
	struct arena *a = arena_new();
	size_t lost = without_plan(p), seen = p->n - lost;
	const struct plan_counts *c = &p->counts;
	bool news = c->change || c->handler || c->unknown || c->failed || c->ignored;
	page_addf(out, "\n");
	if (news) {
		page_paintf(out, PAINT_BOLD, "Plan:");
		page_addf(out, " %zu host%s, ", seen, seen == 1 ? "" : "s");
		add_counts(out, &p->counts);
	} else if (!seen) {
		page_paintf(out, PAINT_RED, "No plan:");
		page_addf(out, " no host could be planned");
	} else if (!p->counts.resources) {
		page_addf(out, "No changes. No task declares anything for %zu host%s", seen,
			seen == 1 ? "" : "s");
	} else {
		page_paintf(out, PAINT_GREEN, "No changes.");
		page_addf(out, " %zu host%s as declared", seen, seen == 1 ? " is" : "s are");
	}
	if (lost && (seen || news)) {
		page_addf(out, "; ");
		page_paintf(out, PAINT_RED, "%zu host%s could not be planned", lost,
			lost == 1 ? "" : "s");
	}
	page_addf(out, ". Digest %.12s. %s\n", p->digest, recap_took(r, a));
	arena_free(a);
}

static void show_end(struct report *r, struct page *out, const struct event *e)
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
	page_addf(out, "\n%s\n", recap_took(r, a));
	arena_free(a);
}

static void show_progress(struct report *r, struct page *out, const struct event *e)
{
	live_set(r->live, e->host, e->text);
	live_show(r->live, false);
	if (e->text && ((r->opt.verbosity > 0 && !r->opt.tty) || e->kind == EVENT_NOTE))
		page_addf(out, "%s: %s\n", e->host, e->text);
}

static void play_begins(struct page *out, const struct event *e)
{
	page_addf(out, "\n");
	page_paintf(out, PAINT_BOLD, "PLAY [%s]", e->text);
	page_addf(out, " %zu host%s\n", e->count, e->count == 1 ? "" : "s");
}

static void text_event(struct report *r, const struct event *e)
{
	bool is_long = e->kind == EVENT_PLAN || e->kind == EVENT_STEP;
	struct page *out = is_long ? report_page(r) : page_new(r->opt.color);
	page_wrap(out, r->opt.fd);
	switch (e->kind) {
	case EVENT_PLAY:
		if (!r->opt.planning)
			play_begins(out, e);
		break;
	case EVENT_PROGRESS:
	case EVENT_NOTE:
		show_progress(r, out, e);
		break;
	case EVENT_PLAN:
		add_target(r, out, e);
		break;
	case EVENT_STEP:
		step_done(r, out, e);
		break;
	case EVENT_HOST:
		live_set(r->live, e->host, NULL);
		host_done(out, e);
		break;
	case EVENT_END:
		show_end(r, out, e);
		break;
	}
	if (page_size(out) || is_long)
		report_out(r, out);
	page_free(out);
}

static void text_tick(struct report *r)
{
	const char *host, *text;
	double seconds;
	live_show(r->live, false);
	while ((host = live_overdue(r->live, &text, &seconds))) {
		struct page *out = page_new(false);
		page_addf(out, "%s: %s (%.0f s so far)\n", host, text, seconds);
		report_out(r, out);
		page_free(out);
	}
}

const struct report_ops report_text = {
	.name = "text",
	.event = text_event,
	.tick = text_tick,
};
