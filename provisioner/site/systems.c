/* SPDX-License-Identifier: MIT
 *
 * The systems that roles support, by `systems.yml` beside them: a play with such a role is refused
 * on any other system before its first task. Roles without such a file run anywhere.
 */
#include "site/systems.h"

static const struct field system_fields[] = {
	{.name = "distribution",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "The fact distribution: Debian."},
	{.name = "major_version",
		.kind = FIELD_STR,
		.doc = "The fact distribution_major_version; omitted: every version."},
	{.name = "release", .kind = FIELD_STR, .doc = "The fact distribution_release."},
	{.name = NULL},
};

/* A checked list of systems; NULL: no such file, or with e. */
static struct value *systems_of(struct site *s, const struct role *role, struct err *e)
{
	const char *path = dir_join(s->a, path_dir(s->a, role->path), "systems.yml");
	struct errs errs;
	struct value *doc, *out = value_list(s->a), *one;
	errs_init(&errs, s->a);
	doc = files_yaml(&s->files, path, &errs);
	if (doc && doc->type != VALUE_LIST)
		errs_add(&errs, doc->pos, "%s must be a list of systems", path);
	for (size_t i = 0; doc && doc->type == VALUE_LIST && i < doc->list.n; i++) {
		one = fields_check(s->a, system_fields, doc->list.v[i], "a system", &errs);
		if (one)
			list_add(s->a, out, one);
	}
	if (errs.n)
		*e = errs.v[0];
	return doc && !errs.n ? out : NULL;
}

/* Do the host's facts match the row? */
static bool is_system(const struct value *system, const struct value *facts)
{
	static const char *const facts_of[][2] = {{"distribution", "distribution"},
		{"major_version", "distribution_major_version"},
		{"release", "distribution_release"}};

	for (size_t i = 0; i < ARRAY_LEN(facts_of); i++) {
		const char *want = map_cstr(system, facts_of[i][0], NULL);
		if (want && strcmp(map_cstr(facts, facts_of[i][1], ""), want) != 0)
			return false;
	}
	return true;
}

static const char *list_systems(struct arena *a, const struct value *systems)
{
	const char *out = "";
	for (size_t i = 0; i < systems->list.n; i++) {
		const struct value *s = systems->list.v[i];
		out = arena_printf(a, "%s%s%s %s (%s)", out, i ? ", " : "",
			map_cstr(s, "distribution", ""), map_cstr(s, "major_version", "any"),
			map_cstr(s, "release", "any"));
	}
	return out;
}

bool system_supported(struct resolver *r, const struct role *role, struct err *e)
{
	const char *name = r->v->facts ? map_cstr(r->v->facts, "distribution", NULL) : NULL;
	struct value *systems;
	if (!name || r->s->opt.unsupported_ok)
		return true;
	systems = systems_of(r->s, role, e);
	if (!systems)
		return e->kind == ERR_NONE;
	for (size_t i = 0; i < systems->list.n; i++)
		if (is_system(systems->list.v[i], r->v->facts))
			return true;
	return err_set(e, ERR_CONFIG,
		"this host is %s %s (%s), but the role '%s' supports only %s; nothing was changed "
		"(--unsupported-ok continues anyway)",
		name, map_cstr(r->v->facts, "distribution_version", ""),
		map_cstr(r->v->facts, "distribution_release", ""), role->name,
		list_systems(r->a, systems));
}

bool systems_supported(struct resolver *r, struct err *e)
{
	for (size_t i = 0; i < r->s->n_plays; i++) {
		const struct play_in *p = r->s->plays[i];
		for (size_t k = 0; play_has(p, r->v->host->name) && k < p->n_roles; k++)
			if (!system_supported(r, p->roles[k], e))
				return false;
	}
	return true;
}
