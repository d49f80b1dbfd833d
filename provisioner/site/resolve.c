/* SPDX-License-Identifier: MIT
 *
 * Walks a play for one host and returns its steps in order. Decides nothing about the host: it asks
 * for what it must know, and reports what it cannot know.
 */
#include <pwd.h>
#include <unistd.h>
#include "site/flush.h"
#include "site/systems.h"

/* The places of the frames, from the first of the file that repeats: "a.yml:3 -> b.yml:2". */
static const char *way_here(const struct resolver *r)
{
	enum { SHOWN = 8 };
	const char *text = NULL;
	size_t shown = 0;

	for (size_t i = r->n_frames; i-- > 0 && shown < SHOWN;) {
		const struct frame *f = &r->frame[i];
		const struct task *t = f->n ? f->v[f->i < f->n ? f->i : f->n - 1] : NULL;
		if (!t || !t->dynamic || !t->pos.file)
			continue;
		shown++;
		text = arena_printf(r->a, "%s:%u%s%s", t->pos.file, t->pos.line, text ? " -> " : "",
			text ? text : "");
	}
	return text ? text : "blocks";
}

static bool too_deep(const struct resolver *r, struct err *e)
{
	const struct frame *f = &r->frame[r->n_frames - 1];
	const struct task *t = f->v[f->i < f->n ? f->i : f->n - 1];
	return err_at(e, t->pos,
		"includes and blocks are nested more than %d levels deep; the last ones: %s",
		FRAMES, way_here(r));
}

bool frame_push(
	struct resolver *r, struct task **v, size_t n, struct include_scope *scope, struct err *e)
{
	if (r->n_frames == FRAMES)
		return too_deep(r, e);
	r->frame[r->n_frames++] = (struct frame){.v = v, .n = n, .scope = scope, .handler = -1};
	return true;
}

/* ---- the walk ---- */
size_t levels_below(const struct resolver *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n_frames; i++)
		n += r->frame[i].deeper;
	return n;
}

void take_place(struct resolver *r, const struct task *t)
{
	uint32_t *id = ARENA_ARRAY(r->a, uint32_t, 2 * levels_below(r) + 1);
	size_t n = 0;
	for (size_t i = 0; i < r->n_frames; i++)
		if (r->frame[i].deeper) {
			id[n++] = r->frame[i].from;
			id[n++] = r->frame[i].item;
		}
	id[n++] = t->id;
	r->at.id = id;
	r->at.n = n;
	peer_moved(r);
}

static enum outcome walk_step(struct resolver *r, struct step **out, struct err *e)
{
	struct frame *f = &r->frame[r->n_frames - 1];
	struct task *t;
	if (f->i == f->n) {
		r->n_frames--;
		return OUT_NONE;
	}
	t = f->v[f->i];
	if (!t->type && (!t->control || t->control->kind == CONTROL_IMPORT_TASKS ||
				t->control->kind == CONTROL_IMPORT_ROLE)) {
		f->i++;
		return frame_push(r, t->child, t->n_child, f->scope, e) ? OUT_PUSH : OUT_FAIL;
	}
	if (f->handler < 0 && !task_selected(r->s, t)) {
		f->i++;
		return OUT_NONE;
	}
	return task_run(r, f, t, out, e);
}

/* The next frame when one is due: handlers of a flush, then the next section. false: the end. */
static bool next_frames(struct resolver *r, struct err *e)
{
	while (r->flushing ? r->n_frames == r->flush_depth : r->n_frames == 0) {
		if (r->flushing) {
			if (flush_next(r, e))
				return true;
			if (e->kind)
				return false;
			r->flushing = false;
		} else if (!r->section_flushed) {
			r->section_flushed = true;
			flush_start(r, r->section >= SECTION_MAIN);
		} else if (++r->section < SECTIONS) {
			r->section_flushed = false;
			return frame_push(r, &r->p->section[r->section], 1, NULL, e);
		} else {
			return false;
		}
	}
	return true;
}

static enum resolve_status fail_resolver(struct resolver *r, struct err *e)
{
	r->failed = true;
	r->err = *e;
	return RESOLVE_FAILED;
}

enum resolve_status resolver_next(struct resolver *r, struct step **out, struct err *e)
{
	struct err own = {0};
	if (r->failed) {
		*e = r->err;
		return RESOLVE_FAILED;
	}
	reg_catch_up(r);
	while (!r->ended) {
		enum outcome o = OUT_NONE;
		if (!next_frames(r, &own)) {
			r->ended = true;
			break;
		}
		o = walk_step(r, out, &own);
		if (o == OUT_STEP)
			return RESOLVE_STEP;
		if (o == OUT_WAIT)
			return r->wait;
		if (o == OUT_END)
			r->ended = true;
		if (o == OUT_FLUSH && !r->flushing)
			flush_start(r, false);
		if (o == OUT_FAIL && !task_pass_over(r, &own))
			break;
	}
	peer_moved(r);
	if (!own.kind)
		return RESOLVE_END;
	*e = own;
	return fail_resolver(r, e);
}

/* ---- lifetime ---- */
/* The user of steps without become, where the agent itself has become another one. */
static const char *login_user(struct resolver *r)
{
	const struct site *s = r->s;
	const char *host = r->v->host->name;
	struct connection c;
	struct err e = {0};
	struct passwd *pw;
	if (!r->p->becomes && !r->p->vars_become && s->opt.become != 1 &&
		!vars_value(r->v, "ansible_become", &e))
		return NULL;
	if (!site_connection(s, host, &c, &e) || !c.become)
		return NULL;
	if (!c.user) {
		pw = getpwuid(getuid());
		c.user = pw ? pw->pw_name : "root";
	}
	return strcmp(c.user, "root") == 0 ? NULL : arena_strdup(s->a, c.user);
}

/* The first existing file; NULL and *unknown: their names are not known yet. */
static const char *vars_file(
	struct resolver *r, struct value *item, const struct value **unknown, struct err *e)
{
	struct value *names = vars_resolve(r->v, as_list(r->a, item), e);
	const char *path = NULL;
	*unknown = names ? value_find_type(names, VALUE_UNKNOWN) : NULL;
	if (!names || *unknown)
		return NULL;
	for (size_t i = 0; !path && i < names->list.n; i++)
		path = task_file(
			r->s, &r->p->root, "vars", value_print(r->a, names->list.v[i]).p, r->a);
	if (!path)
		err_at(e, item->pos, "none of these vars_files exists");
	return path;
}

static bool read_vars_files(struct resolver *r, struct err *e)
{
	struct value *list = r->p->vars_files;
	if (!list)
		return true;
	r->v->play_files = value_map(r->a);
	for (size_t i = 0; i < list->list.n; i++) {
		const struct value *unknown;
		const char *path = vars_file(r, list->list.v[i], &unknown, e);
		struct errs errs;
		struct value *doc;
		if (unknown && r->dry) { /* nothing more can be checked without facts */
			r->past_visible = r->ended = true;
			break;
		}
		if (unknown)
			return err_at(e, list->list.v[i]->pos,
				"the name of this file must be known when the play begins (%s)",
				unknown->s.p);
		if (!path)
			return false;
		errs_init(&errs, r->a);
		doc = files_vars(&r->s->files, path, &errs);
		if (!doc && errs.n) {
			*e = errs.v[0];
			return false;
		}
		for (size_t j = 0; doc && j < doc->map.n; j++)
			map_set(r->a, r->v->play_files, doc->map.e[j].key, doc->map.e[j].value);
	}
	vars_play(r->v, r->p);
	return true;
}

static void start_play(struct resolver *r, size_t play)
{
	r->p = r->s->plays[play];
	r->at = (struct place){.play = play};
	r->v->resolver = r;
	if (!r->dry)
		peer_resolver(r);
	r->n_frames = 0;
	r->ended = r->flushing = r->failed = r->section_flushed = false;
	r->notice = NULL;
	r->n_notice = 0;
	r->flush_from = r->play_from = r->n_steps;
	r->held = r->p->installed >= 0 &&
		  map_at(r->pending, r->p->handlers[r->p->installed].id) != NULL;
	r->package = NULL;
	r->user = login_user(r);
	r->section = SECTION_PRE;
	frame_push(r, &r->p->section[SECTION_PRE], 1, NULL, &r->err);
	if (!read_vars_files(r, &r->err))
		r->failed = true;
}

static struct resolver *make_resolver(
	struct site *s, struct arena *a, const char *host, size_t play, struct value *facts)
{
	struct resolver *r = ARENA_NEW(a, struct resolver);
	struct invhost *h = inventory_host(s->inv, str_c(host));
	if (!h || play >= s->n_plays)
		panic("internal error: resolver_new: no host '%s' or no play %zu", host, play);
	r->s = s;
	r->a = a;
	r->pending = value_map(a);
	r->v = vars_new(s, a, h, s->plays[play], facts);
	return r;
}

struct resolver *resolver_new(
	const struct site *s, struct arena *a, const struct resolve_start *start)
{
	struct value *facts = start->facts ? start->facts : value_map(a);
	struct resolver *r = make_resolver((struct site *)s, a, start->host, start->play, facts);
	r->mode = start->mode;
	for (size_t i = 0; start->pending && start->pending[i]; i++)
		map_put(a, r->pending, start->pending[i], value_null(a));
	start_play(r, start->play);
	if (!r->failed && !systems_supported(r, &r->err))
		r->failed = true;
	return r;
}

struct resolver *resolver_dry(
	struct site *s, struct arena *a, const char *host, size_t play, struct errs *found)
{
	struct resolver *r = make_resolver(s, a, host, play, NULL);
	r->mode = RESOLVE_PLAN;
	r->dry = true;
	r->found = r->v->found = found;
	start_play(r, play);
	return r;
}

struct resolver *resolver_continue(struct resolver *done, size_t play)
{
	vars_play(done->v, done->s->plays[play]);
	start_play(done, play);
	return done;
}
