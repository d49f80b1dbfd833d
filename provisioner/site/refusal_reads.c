/* SPDX-License-Identifier: MIT
 *
 * Where the site's files set what a failed step was made of: the variables that its task read, and
 * the declared mail state. Evaluates the task once more, only when it has failed.
 */
#include "site/refusal.h"
#include "site/resolve.h"

static bool is_below(const char *file, const char *folder)
{
	size_t n = strlen(folder);
	return strncmp(file, folder, n) == 0 && file[n] == '/';
}

/* Roles set values of their own; the user's are those of the manifest and of variable files. */
static bool of_role(const struct resolver *r, struct pos pos)
{
	for (size_t i = 0; pos.file && i < r->p->n_roles; i++)
		if (is_below(pos.file, r->p->roles[i]->path))
			return true;
	return false;
}

/* The values that the step's task found for the names that it uses; those that live shorter than
 * the site, like facts, are not among them. */
static const struct value *read_again(struct resolver *r, const struct step_record *s)
{
	struct vars *v = r->v;
	const struct restype *type = s->t->type;
	const struct value *unknown = NULL, *reads;
	struct outer_reads outer;
	struct err ignored = {0};
	vars_enter(v, s->t, s->scope);
	vars_loop(v, s->loop);
	outer = vars_reads_begin(v);
	module_params(r, s->t, &type, &unknown, &ignored);
	reads = v->reads;
	vars_reads_end(v, outer);
	return reads;
}

static void find_in_task(struct finding *f, struct resolver *r, const struct step_record *s)
{
	const struct value *reads = s->t->type ? read_again(r, s) : NULL;
	for (size_t i = 0; reads && i < reads->map.n; i++) {
		const struct map_entry *e = &reads->map.e[i];
		if (e->value->pos.line && !of_role(r, e->value->pos) && !mail_name(e->key))
			find_in_variable(f, e->key, e->value);
	}
}

static bool notifies_handler(const struct step_record *s, const char *handler)
{
	for (const char *const *id = s->notify; id && *id; id++)
		if (strcmp(*id, handler) == 0)
			return true;
	return false;
}

/* What a handler activates, the tasks that notify it have written. */
static void find_in_notifiers(struct finding *f, struct resolver *r, const struct step *handler)
{
	const struct task *last = NULL;
	for (size_t i = r->play_from; i < r->n_steps; i++) {
		const struct step_record *s = r->steps[i];
		if (s->t != last && notifies_handler(s, handler->handler))
			find_in_task(f, r, s);
		last = s->t;
	}
}

static struct refusal refusal_of(
	struct arena *a, const char *error, const struct value *lines, const char *daemon)
{
	return (struct refusal){refusal_words(a, error), lines, daemon};
}

/* The places, with names that live longer than the comparison's memory, which ends here. */
static struct origins keep_places(struct arena *a, struct finding *f)
{
	struct origins found = finding_end(f);
	for (size_t i = 0; i < found.n; i++)
		found.v[i].key = arena_strdup(a, found.v[i].key);
	arena_free(f->a);
	return found;
}

struct origins resolver_origins(
	struct resolver *r, const struct step *step, const char *error, const struct value *lines)
{
	const struct step_record *s = step->id <= r->n_steps ? r->steps[step->id - 1] : NULL;
	const struct role_use *role = s ? s->t->role : NULL;
	const struct value *mail = r->v->mail ? map_at(r->v->mail, "mail") : NULL;
	if (!s || s->t->play != r->p)
		return (struct origins){0};
	struct finding f = {.a = arena_new()};
	struct refusal refusal = refusal_of(f.a, error, lines, role ? role->role->name : NULL);
	f.r = &refusal;
	find_in_task(&f, r, s);
	if (step->handler)
		find_in_notifiers(&f, r, step);
	if (mail)
		find_in_fields(&f, mail_fields, mail, "mail");
	return keep_places(r->a, &f);
}

struct origins settings_origins(struct arena *a, const struct value *settings, const char *daemon,
	const char *error, const struct value *lines)
{
	struct finding f = {.a = arena_new()};
	struct refusal refusal = refusal_of(f.a, error, lines, daemon);
	f.r = &refusal;
	find_in_fields(&f, mail_fields, settings, "mail");
	return keep_places(a, &f);
}

struct value *resolver_settings(struct resolver *r)
{
	const struct value *mail = r->v->mail ? map_at(r->v->mail, "mail") : NULL;
	return mail ? settings_only(r->a, mail_fields, mail) : NULL;
}
