/* SPDX-License-Identifier: MIT
 *
 * Roles: finds them, reads their folders, includes them with their dependencies. Reads only below
 * the role's folder.
 */
#include <limits.h>
#include <unistd.h>
#include "site/circle.h"
#include "site/keyword.h"
#include "site/control.h"
#include "site/role.h"

static bool has_slash(struct str s)
{
	return memchr(s.p, '/', s.n) != NULL;
}

static const char *role_find(const struct site *s, struct str name, struct arena *a)
{
	const char *path;
	if (has_slash(name)) {
		path = dir_join(a, s->dir, name.p);
		return is_dir(path) ? path : NULL;
	}
	for (size_t i = 0; s->roles_path[i]; i++) {
		path = dir_join(a, s->roles_path[i], name.p);
		if (is_dir(path))
			return path;
	}
	return NULL;
}

const char *site_role_dir(const struct site *s, struct arena *a, const char *role)
{
	return role_find(s, str_c(role), a);
}

/* The first of NAME, NAME.yml, NAME.yaml in a folder of the role; or NULL. */
static const char *part_path(struct build *b, const char *role, const char *kind, const char *name)
{
	static const char *const ends[] = {".yml", ".yaml", ".json", ""};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const char *path = dir_join(
			b->s->a, role, arena_printf(b->s->a, "%s/%s%s", kind, name, ends[i]));
		if (is_there(path))
			return path;
	}
	return NULL;
}

static struct value *part_map(struct build *b, const char *role, const char *kind, const char *name)
{
	const char *path = part_path(b, role, kind, name);
	struct value *doc = path ? files_yaml(&b->s->files, path, b->errs) : NULL;
	if (!path && strcmp(name, "main") != 0)
		errs_add(b->errs, (struct pos){0}, "the role folder '%s' has no %s/%s.yml", role,
			kind, name);
	if (!doc || doc->type == VALUE_NULL)
		return value_map(b->s->a);
	if (doc->type != VALUE_MAP) {
		errs_add(
			b->errs, doc->pos, "this file must be a map, not %s", value_type_name(doc));
		return value_map(b->s->a);
	}
	check_syntax(b, doc, false);
	return doc;
}

static const char *from_of(struct arena *a, const struct value *from, const char *key)
{
	const struct value *v = from ? map_at(from, key) : NULL;
	static const char *const ends[] = {".yml", ".yaml"};

	if (!v || v->type != VALUE_STR)
		return "main";
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(v->s, ends[i]))
			return str_dup(a, v->s.p, v->s.n - strlen(ends[i])).p;
	return v->s.p;
}

static const char *nearest_role(struct build *b, const char *word)
{
	const char **all = NULL;
	size_t n = 0, cap = 0;
	for (size_t i = 0; b->s->roles_path[i]; i++) {
		const char **names;
		size_t k = dir_list(b->s->a, b->s->roles_path[i], &names);
		for (size_t j = 0; j < k; j++)
			PUSH(b->s->a, all, n, cap, names[j]);
	}
	PUSH(b->s->a, all, n, cap, NULL);
	return str_nearest(word, all);
}

static struct role *role_get(
	struct build *b, struct str name, struct pos pos, const struct value *from)
{
	const char *path = role_find(b->s, name, b->s->a), *near;
	char abs[PATH_MAX];
	struct role *r;
	if (!path) {
		near = nearest_role(b, name.p);
		errs_add(b->errs, pos,
			"there is no role '%s'%s%s%s; roles are looked up in %s and among the "
			"installed ones (--roles-path names other folders)",
			name.p, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "",
			b->s->roles_path[0]);
		return NULL;
	}
	r = ARENA_NEW(b->s->a, struct role);
	r->name = arena_strdup(b->s->a, path_base(name.p));
	r->path = path;
	r->abs_path = arena_strdup(b->s->a, realpath(path, abs) ? abs : path);
	r->defaults = part_map(b, path, "defaults", from_of(b->s->a, from, "defaults_from"));
	r->vars = part_map(b, path, "vars", from_of(b->s->a, from, "vars_from"));
	refuse_reach(b, r->defaults, "a role");
	refuse_reach(b, r->vars, "a role");
	r->meta = part_map(b, path, "meta", "main");
	return r;
}

static struct value *merge_maps(
	struct arena *a, const struct value *under, const struct value *over)
{
	struct value *out = under && under->map.n ? value_shallow(a, under) : value_map(a);
	for (size_t i = 0; over && i < over->map.n; i++)
		map_set(a, out, over->map.e[i].key, over->map.e[i].value);
	return out;
}

/* As in Ansible, the whole play sees the defaults and vars of its roles, and the `vars:` of their
 * entries. */
static void play_sees(struct build *b, const struct role *r, const struct value *given)
{
	struct play_in *p = b->play;
	p->all_defaults = merge_maps(b->s->a, p->all_defaults, r->defaults);
	p->all_vars = merge_maps(b->s->a, merge_maps(b->s->a, p->all_vars, given), r->vars);
	if (!map_at(p->role_index, r->name)) {
		map_put(b->s->a, p->role_index, r->name, value_null(b->s->a));
		PUSH(b->s->a, p->roles, p->n_roles, p->cap_roles, (struct role *)r);
		((struct role *)r)->dependency = b->role != NULL;
	}
}

static void add_dependencies(struct build *b, struct role_use *use, struct task *into)
{
	struct value *deps = map_at(use->role->meta, "dependencies");
	if (!deps || deps->type != VALUE_LIST)
		return;
	for (size_t i = 0; i < deps->list.n; i++)
		role_entry(b, deps->list.v[i], into);
}

/* The first task of the role: it checks the arguments. */
static void add_argspec(
	struct build *b, struct role_use *use, const struct value *from, struct task *into)
{
	struct value *specs = part_map(b, use->role->path, "meta", "main"), *spec, *options;
	const char *path = part_path(b, use->role->path, "meta", "argument_specs");
	struct build inner = *b;
	struct task *t;
	if (path)
		specs = part_map(b, use->role->path, "meta", "argument_specs");
	specs = map_at(specs, "argument_specs");
	spec = specs && specs->type == VALUE_MAP
		       ? map_at(specs, from_of(b->s->a, from, "tasks_from"))
		       : NULL;
	options = spec && spec->type == VALUE_MAP ? map_at(spec, "options") : NULL;
	if (!options || options->type != VALUE_MAP)
		return;
	inner.parent = into;
	t = task_new(&inner, into->pos);
	t->control = &control_validate;
	t->action = control_validate.name;
	t->args = options;
	t->tags = tags_read(b->s->a, value_text(b->s->a, "always"), t->tags, b->errs);
	PUSH(b->s->a, into->child, into->n_child, into->cap_child, t);
}

static void add_tasks(
	struct build *b, struct role_use *use, const struct value *from, struct task *into)
{
	struct build inner = *b;
	const char *name = from_of(b->s->a, from, "tasks_from");
	const char *path = part_path(b, use->role->path, "tasks", name);
	if (path) {
		inner.file = path;
		tasks_build(&inner, files_yaml(&b->s->files, path, b->errs), into);
		task_templates(b, into);
	} else if (strcmp(name, "main") != 0) {
		errs_add(
			b->errs, into->pos, "role '%s' has no tasks/%s.yml", use->role->name, name);
	}
	path = part_path(b, use->role->path, "handlers", from_of(b->s->a, from, "handlers_from"));
	if (path) {
		inner.file = path;
		handlers_build(&inner, files_yaml(&b->s->files, path, b->errs));
	}
}

static struct value *role_facts(struct build *b, const struct role *r)
{
	struct value *m = value_map(b->s->a);
	map_put(b->s->a, m, "role_name", value_text(b->s->a, r->name));
	map_put(b->s->a, m, "ansible_role_name", value_text(b->s->a, r->name));
	map_put(b->s->a, m, "role_path", value_text(b->s->a, r->abs_path));
	for (size_t i = 0; i < m->map.n; i++)
		m->map.e[i].value->literal = true;
	return m;
}

static bool yes_or_no(struct build *b, const struct value *map, const char *key)
{
	struct err e = {0};
	bool yes;
	if (!option_bool(map, key, false, &yes, &e))
		errs_take(b->errs, &e);
	return yes;
}

static void refuse_once(struct build *b, const struct value *from)
{
	struct err e = {0};
	bool again;
	if (option_bool(from, "allow_duplicates", true, &again, &e) && !again)
		err_at(&e, map_at(from, "allow_duplicates")->pos,
			"allow_duplicates: false is not supported: the role runs each time; give "
			"the task a condition");
	if (e.kind)
		errs_take(b->errs, &e);
}

struct role_use *role_use_build(struct build *b, const struct role_call *call, struct task *into)
{
	const struct value *from = call->args;
	struct build inner = *b;
	struct role_use *use;
	struct role *r = role_get(b, call->name, call->pos, from);
	const char *tasks = from_of(b->s->a, from, "tasks_from");
	if (!r || role_circle(b, r, tasks, call->pos))
		return NULL;
	if (from)
		refuse_once(b, from);
	use = ARENA_NEW(b->s->a, struct role_use);
	*use = (struct role_use){.role = r, .parent = b->role, .tasks = tasks, .node = into};
	use->params = call->params;
	use->facts = role_facts(b, r);
	use->defaults = merge_maps(b->s->a, b->role ? b->role->defaults : NULL, r->defaults);
	use->vars = merge_maps(b->s->a, b->role ? b->role->vars : NULL, call->vars);
	use->vars = merge_maps(b->s->a, use->vars, r->vars);
	if (!b->dynamic || (from && yes_or_no(b, from, "public")))
		play_sees(b, r, call->vars);
	into->role = use;
	inner.role = use;
	inner.parent = into;
	add_dependencies(&inner, use, into);
	add_argspec(&inner, use, from, into);
	add_tasks(&inner, use, from, into);
	return use;
}

/* ---- entries of `roles:` and of `dependencies:` ---- */
static const struct field entry_fields[] = {
	{.name = "role", .kind = FIELD_STR, .aliases = "name src", .doc = "The role."},
	{.name = "when", .kind = FIELD_ANY, .doc = "Condition for all its tasks."},
	{.name = "tags", .kind = FIELD_ANY, .doc = "Tags for all its tasks."},
	{.name = "become",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "Run its tasks as become_user."},
	{.name = "become_user", .kind = FIELD_ANY, .doc = "User to become."},
	{.name = "vars", .kind = FIELD_MAP, .doc = "Variables for its tasks."},
	{.name = "no_log",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "Hide parameters and results."},
	{.name = "ignore_errors",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "Failures do not end the play."},
	{.name = "timeout",
		.kind = FIELD_ANY,
		.doc = "Time limit for a task's programs, in seconds."},
	{.name = "delegate_to", .kind = FIELD_ANY, .flags = FIELD_LATER, .doc = "Another host."},
	{.name = "environment", .kind = FIELD_ANY, .doc = "Environment of its programs."},
	{.name = NULL},
};

/* Was the role included before with the same parameters, conditions and tags? */
static bool seen_before(struct build *b, struct value *keywords, struct value *params)
{
	struct value *entry = value_list(b->s->a);
	const char *key;
	list_add(b->s->a, entry, keywords);
	if (params)
		list_add(b->s->a, entry, params);
	key = digest_key(b->s->a, entry);
	if (map_at(b->play->roles_seen, key))
		return true;
	map_put(b->s->a, b->play->roles_seen, key, value_null(b->s->a));
	return false;
}

static struct value *split_entry(struct build *b, struct value *entry, struct value **params)
{
	struct value *known = value_map(b->s->a);
	known->pos = entry->pos;
	*params = NULL;
	if (entry->type == VALUE_STR) {
		map_put(b->s->a, known, "role", entry);
		return known;
	}
	for (size_t i = 0; i < entry->map.n; i++) {
		const struct map_entry *e = &entry->map.e[i];
		struct value *to = known;
		if (!field_find(entry_fields, e->key)) {
			to = *params = *params ? *params : value_map(b->s->a);
		}
		map_set(b->s->a, to, e->key, e->value);
		to->map.e[to->map.n - 1].key_pos = e->key_pos;
	}
	return keywords_check(b, entry_fields, known, "a role");
}

void role_entry(struct build *b, struct value *entry, struct task *into)
{
	struct value *params, *kw, *name, *given;
	struct build inner = *b;
	const char *path;
	struct task *t;
	if (entry->type != VALUE_STR && entry->type != VALUE_MAP) {
		errs_add(b->errs, entry->pos, "a role must be a name or a map with 'role', not %s",
			value_type_name(entry));
		return;
	}
	kw = split_entry(b, entry, &params);
	name = kw ? map_at(kw, "role") : NULL;
	if (!name) {
		if (kw)
			errs_add(b->errs, entry->pos, "this role has no name; write role: NAME");
		return;
	}
	path = role_find(b->s, name->s, b->s->a);
	/* before those included already are left out: that would hide the circle */
	if (path && dependency_circle(b, name->s, path, name->pos))
		return;
	if (seen_before(b, kw, params) && path &&
		!yes_or_no(b, part_map(b, path, "meta", "main"), "allow_duplicates"))
		return;
	t = task_new(b, entry->pos);
	PUSH(b->s->a, into->child, into->n_child, into->cap_child, t);
	task_inherited(b, t, kw);
	given = t->vars;
	refuse_reach(b, params, "a role");
	t->vars = NULL; /* they rank as the role's own, not as a task's */
	inner.parent = t;
	inner.depth++;
	role_use_build(&inner,
		&(struct role_call){
			.name = name->s, .pos = name->pos, .params = params, .vars = given},
		t);
}

/* DIR/NAME, if it exists and is not a folder; else NULL. */
static const char *find_list(struct arena *a, const char *dir, const char *name)
{
	const char *path = dir_join(a, dir, name);
	return is_there(path) && !is_dir(path) ? path : NULL;
}

/* DIR/KIND/NAME, else DIR/NAME; NULL: neither exists. */
static const char *find_kind(struct arena *a, const char *dir, const char *kind, const char *name)
{
	const char *path = dir_join(a, dir_join(a, dir, kind), name);
	if (!is_there(path))
		path = dir_join(a, dir, name);
	return is_there(path) ? path : NULL;
}

const char *task_file(const struct site *s, const struct task *t, const char *kind,
	const char *name, struct arena *a)
{
	const char *here = t && t->file ? path_dir(a, t->file) : NULL, *path = NULL;
	if (name[0] == '~')
		name = path_expand(a, name, &(struct err){0});
	if (!name)
		return NULL;
	if (name[0] == '/')
		return is_there(name) ? name : NULL;
	if (here && strcmp(kind, "tasks") == 0)
		path = find_list(a, here, name);
	for (const struct role_use *u = t ? t->role : NULL; !path && u; u = u->parent) {
		path = find_kind(a, u->role->path, kind, name);
		if (!path)
			path = find_list(a, arena_printf(a, "%s/tasks", u->role->path), name);
	}
	if (!path && here)
		path = find_kind(a, here, kind, name);
	return path ? path : find_kind(a, s->dir, kind, name);
}
