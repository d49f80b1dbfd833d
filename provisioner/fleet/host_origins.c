/* SPDX-License-Identifier: MIT
 *
 * When a program on the host refused what a step wrote or activates: where the user's files set it.
 * The lines of files that the program names are taken from the plan.
 */
#include "fleet/host_origins.h"
#include "host/args.h"

/* A host may send more than an agent of ours. */
enum { ERROR_MAX = 4096, TEXT_LINE_MAX = 4096, NAMED_MAX = 8 };

/* Can its failure be the refusal of a value by a program that reads it? */
static bool may_be_refused(const struct step *s)
{
	return s->type && !s->no_log &&
	       (s->handler || s->type->refuses || s->type->class == RES_SERVICE ||
		       (s->params && map_at(s->params, "validate")));
}

static struct str bytes_of(const struct value *v)
{
	if (v && v->type == VALUE_STR)
		return v->s;
	if (v && v->type == VALUE_BLOB && v->blob.bytes.p)
		return v->blob.bytes;
	return (struct str){NULL, 0};
}

/* The text of a file that the step writes; p NULL: it is not known here. */
static struct str text_written(const struct planned *p)
{
	struct str text = bytes_of(map_at(p->step->params, "content"));
	for (size_t i = 0; !text.p && p->changes && i < p->changes->list.n; i++) {
		const struct value *c = p->changes->list.v[i];
		if (strcmp(map_cstr(c, "field", ""), "content") == 0)
			text = bytes_of(map_at(c, "after"));
	}
	return text;
}

/* The number in " line 12", ", line 12:", ": line 12", " (line 12)" or ":12:"; 0: none. */
static unsigned long line_number(const char *after)
{
	bool colon = *after == ':';
	after += strspn(after, "\":, (");
	if (strncmp(after, "line ", 5) == 0)
		after += 5;
	else if (!colon)
		return 0;
	return strtoul(after, NULL, 10);
}

static struct str nth_line(struct str text, unsigned long n)
{
	struct line line = {0};
	while (n > 0 && line_next(&text, &line))
		n--;
	return n ? (struct str){NULL, 0} : (struct str){line.p, line.n};
}

static void add_lines(
	struct arena *a, struct value *lines, const char *error, const char *path, struct str text)
{
	const char *at = error;
	for (; text.p && lines->list.n < NAMED_MAX && (at = strstr(at, path)); at++) {
		unsigned long n = line_number(at + strlen(path));
		struct str line = n ? nth_line(text, n) : (struct str){NULL, 0};
		if (line.p && line.n < TEXT_LINE_MAX)
			list_add(a, lines, value_str(a, str_dup(a, line.p, line.n)));
	}
}

/* The lines of files that the error names, of all files that the plan writes. */
static struct value *named_lines(const struct fleet_host *h, const char *error)
{
	struct value *lines = value_list(h->a);
	for (size_t i = 0; i < h->plan->n; i++) {
		const struct planned *p = h->plan->v[i];
		const char *path = p->step->params ? map_cstr(p->step->params, "path", NULL) : NULL;
		if (p->step->params && !path)
			path = map_cstr(p->step->params, "dest", NULL);
		if (path && !p->step->no_log && strstr(error, path))
			add_lines(h->a, lines, error, path, text_written(p));
	}
	return lines;
}

void host_keep_settings(struct fleet_host *h)
{
	bool planning = h->resolver && h->f->o->mode == FLEET_PLAN;
	struct value *settings = planning ? resolver_settings(h->resolver) : NULL;
	if (settings)
		h->plan->settings = settings;
}

/* A task of a role is named "role : task". */
static const char *role_of(struct arena *a, const struct step *s)
{
	const char *end = strstr(s->name, " : ");
	return end ? str_dup(a, s->name, (size_t)(end - s->name)).p : NULL;
}

static struct origins search_origins(struct fleet_host *h, const struct step *s, const char *error)
{
	const struct value *lines = named_lines(h, error);
	if (h->resolver)
		return resolver_origins(h->resolver, s, error, lines);
	if (!h->saved || !h->saved->settings)
		return (struct origins){0};
	return settings_origins(h->a, h->saved->settings, role_of(h->a, s), error, lines);
}

void host_find_origins(struct fleet_host *h, struct planned *p, const char *error)
{
	if (!error || p->origins || !may_be_refused(p->step))
		return;
	error = str_dup(h->a, error, strnlen(error, ERROR_MAX)).p;
	struct origins found = search_origins(h, p->step, error);
	if (!found.n)
		return;
	struct origins *kept = ARENA_NEW(h->a, struct origins);
	*kept = found;
	p->origins = kept;
}
