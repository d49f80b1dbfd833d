/* SPDX-License-Identifier: MIT
 *
 * The keywords of a play about batches of hosts: serial, strategy, max_fail_percentage and
 * any_errors_fatal. Accepts what Ansible accepts, and reports a problem with its place where
 * Ansible would stop with a stack trace.
 */
#include <math.h>
#include "site/vars.h"

/* "25%", " 30 ", "2.5": the whole text is a number, except for the percent sign. */
static bool number_of(struct arena *a, const struct value *v, struct share *out)
{
	char *end;
	const char *text;
	*out = (struct share){0};
	if (v->type == VALUE_INT || v->type == VALUE_FLOAT) {
		out->n = v->type == VALUE_INT ? (double)v->i : v->f;
		return isfinite(out->n);
	}
	if (v->type != VALUE_STR)
		return false;
	text = str_trim(a, v->s).p;
	if (strspn(text, "+-0123456789.% ") != strlen(text))
		return false;
	out->n = strtod(text, &end);
	if (end == text)
		return false;
	end += strspn(end, " ");
	out->percent = *end == '%';
	return end[out->percent] == 0;
}

/* The value with its templates evaluated for the play's first host; NULL: a problem. */
static struct value *evaluate_value(
	struct site *s, struct play_in *p, struct value *v, struct errs *errs)
{
	struct err e = {0};
	struct vars *vars;
	struct value *out;
	if (!has_template(v))
		return v;
	if (!p->shown.hosts[0]) /* the play has no host */
		return NULL;
	vars = vars_new(s, s->a, inventory_host(s->inv, str_c(p->shown.hosts[0])), p, NULL);
	vars_enter(vars, &p->root, NULL);
	out = vars_resolve(vars, v, &e);
	if (out && value_find_type(out, VALUE_UNKNOWN)) {
		err_at(&e, v->pos,
			"it depends on facts, but is needed before any host is contacted");
		out = NULL;
	}
	if (out)
		return out;
	e.pos = e.pos.line ? e.pos : v->pos;
	errs_take(errs, &e);
	return NULL;
}

static void read_serial(struct site *s, struct play_in *p, struct value *v, struct errs *errs)
{
	struct value *list = as_list(s->a, evaluate_value(s, p, v, errs));
	size_t n = list ? list->list.n : 0;
	struct share *out = ARENA_ARRAY(s->a, struct share, n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct value *one = list->list.v[i];
		if (!number_of(s->a, one, &out[i]) || (out[i].percent && out[i].n < 0))
			errs_add(errs, one->pos.line ? one->pos : v->pos,
				"serial must be a number of hosts (0: all of them), a share such "
				"as 25%%, or a list of those");
	}
	p->shown.serial = out;
	p->shown.n_serial = n;
}

static void read_max_fail(struct site *s, struct play_in *p, struct value *v, struct errs *errs)
{
	const struct value *one = evaluate_value(s, p, v, errs);
	struct share share;
	if (!one || one->type == VALUE_NULL)
		return;
	if (number_of(s->a, one, &share) && share.n >= 0 && share.n <= 100)
		p->shown.max_fail_percentage = share.n;
	else
		errs_add(errs, v->pos,
			"max_fail_percentage must be a number from 0 to 100, such as 25, 29.9 or "
			"\"30%%\"");
}

void play_batches(struct site *s, struct play_in *p, const struct value *kw, struct errs *errs)
{
	struct value *serial = map_at(kw, "serial"), *max_fail = map_at(kw, "max_fail_percentage");
	p->shown.own_pace = strcmp(map_cstr(kw, "strategy", "linear"), "linear") != 0;
	p->shown.any_errors_fatal = map_bool(kw, "any_errors_fatal", false);
	p->shown.max_fail_percentage = -1;
	if (serial)
		read_serial(s, p, serial, errs);
	if (max_fail)
		read_max_fail(s, p, max_fail, errs);
	if (p->shown.own_pace && (p->shown.any_errors_fatal || p->shown.max_fail_percentage >= 0))
		errs_warn(errs, map_at(kw, "strategy")->pos,
			"with this strategy each host runs on its own, so max_fail_percentage and "
			"any_errors_fatal stop no other host");
}
