/* SPDX-License-Identifier: MIT
 *
 * Tasks: turns their YAML into nodes of the tree. Checks keywords, modules and the constant
 * parameters; evaluates nothing.
 */
#include "site/circle.h"
#include "site/control.h"
#include "site/keyword.h"
#include "site/role.h"
#include "agent/restype.h"

static const struct field loop_control_fields[] = {
	{.name = "loop_var", .kind = FIELD_STR, .doc = "Name of the loop variable; default: item."},
	{.name = "index_var", .kind = FIELD_STR, .doc = "Variable that counts the items from 0."},
	{.name = "label", .kind = FIELD_ANY, .doc = "Text that represents the item in the output."},
	{.name = "pause", .kind = FIELD_ANY, .flags = FIELD_LATER, .doc = "Seconds between items."},
	{.name = "extended",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "Set ansible_loop."},
	{.name = "extended_allitems",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "true",
		.doc = "Include all items in ansible_loop."},
	{.name = NULL},
};
static const struct field fields_of_task[] = {
	{.name = "name", .kind = FIELD_STR, .doc = "Description of the task, shown in the output."},
	{.name = "action",
		.kind = FIELD_ANY,
		.doc = "The module and its parameters, in the old form."},
	{.name = "args", .kind = FIELD_ANY, .doc = "Further parameters of the module."},
	{.name = "when",
		.kind = FIELD_ANY,
		.doc = "Condition, or a list of conditions that must all hold."},
	{.name = "loop", .kind = FIELD_ANY, .doc = "List; the task runs once for each item."},
	{.name = "loop_control",
		.kind = FIELD_MAP,
		.sub = loop_control_fields,
		.doc = "Settings of the loop, such as the name of its variable."},
	{.name = "register", .kind = FIELD_STR, .doc = "Variable that gets the result."},
	{.name = "notify", .kind = FIELD_ANY, .doc = "Handlers or topics to notify on a change."},
	{.name = "listen", .kind = FIELD_ANY, .doc = "Topics that also notify this handler."},
	{.name = "changed_when",
		.kind = FIELD_ANY,
		.doc = "Condition: does the result count as a change?"},
	{.name = "failed_when",
		.kind = FIELD_ANY,
		.doc = "Condition: does the result count as a failure?"},
	{.name = "vars", .kind = FIELD_MAP, .doc = "Variables of this task."},
	{.name = "tags", .kind = FIELD_ANY, .doc = "Tags, for --tags and --skip-tags."},
	{.name = "become",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "Run as become_user."},
	{.name = "become_user", .kind = FIELD_ANY, .doc = "User to become; default root."},
	{.name = "become_method",
		.kind = FIELD_ENUM,
		.choices = "sudo",
		.doc = "Only sudo is supported."},
	{.name = "become_flags", .kind = FIELD_STR, .flags = FIELD_LATER, .doc = "Flags of sudo."},
	{.name = "no_log",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "Hide parameters, diff and result."},
	{.name = "ignore_errors",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "A failure does not end the play."},
	{.name = "check_mode",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "false on a command: it only reads, so it runs when the plan is made. true "
		       "is not supported: a plan shows what would change."},
	{.name = "diff",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "false: do not show the text of changes."},
	{.name = "block", .kind = FIELD_ANY, .doc = "List of tasks that share these keywords."},
	{.name = "rescue",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Tasks that run after a failure."},
	{.name = "always",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Tasks that run in any case."},
	{.name = "delegate_to",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Run on another host."},
	{.name = "delegate_facts",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "Facts belong to the other host."},
	{.name = "local_action",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Run the module on the controller."},
	{.name = "run_once",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "Run on the first host only."},
	{.name = "until",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Repeat until this condition holds."},
	{.name = "retries",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Maximum number of tries."},
	{.name = "delay", .kind = FIELD_ANY, .flags = FIELD_LATER, .doc = "Seconds between tries."},
	{.name = "async",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Run in the background for up to so many seconds."},
	{.name = "poll", .kind = FIELD_ANY, .flags = FIELD_LATER, .doc = "Seconds between checks."},
	{.name = "environment",
		.kind = FIELD_ANY,
		.doc = "Environment of the programs that run on the host: a map, or a list of "
		       "maps. Inner levels override outer ones."},
	{.name = "any_errors_fatal",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "A failure ends the play for all hosts; supported only on a play."},
	{.name = "connection",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.doc = "Another transport."},
	{.name = "remote_user",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.doc = "User for the login."},
	{.name = "port", .kind = FIELD_ANY, .flags = FIELD_LATER, .doc = "Port for the login."},
	{.name = "timeout", .kind = FIELD_ANY, .doc = "Time limit for its programs, in seconds."},
	{.name = "throttle",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Limit for hosts at once."},
	{.name = "module_defaults",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Default parameters by module."},
	{.name = "ignore_unreachable",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "An unreachable host does not count as a failure."},
	{.name = "debugger",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.doc = "Interactive debugger."},
	{.name = "collections", .kind = FIELD_ANY, .doc = "Accepted; all types are built in."},
	{.name = NULL},
};

const struct field *site_task_fields(void)
{
	return fields_of_task;
}

struct task *task_new(struct build *b, struct pos pos)
{
	struct task *t = ARENA_NEW(b->s->a, struct task);
	t->id = ++b->s->tasks;
	t->pos = pos;
	t->file = b->file;
	t->parent = b->parent;
	t->role = b->role;
	t->play = b->play;
	t->tags = b->parent && !b->parent->dynamic ? b->parent->tags : NULL;
	t->loop_var = "item";
	return t;
}

/* ---- actions ---- */
struct action {
	const struct map_entry *entry; /* module: parameters */
	const struct map_entry *loop;  /* with_x or loop */
	struct value *keywords;
	size_t n; /* actions found; more than one is a problem */
};

static bool is_keyword(struct str key)
{
	return field_find(fields_of_task, key) != NULL;
}

static bool is_action(struct str key)
{
	return restype_find(key) || control_find(key);
}

static bool sort_keys(struct build *b, const struct value *map, struct action *out)
{
	bool ok = true;
	out->keywords = value_map(b->s->a);
	out->keywords->pos = map->pos;
	for (size_t i = 0; i < map->map.n; i++) {
		const struct map_entry *e = &map->map.e[i];
		if (str_starts(e->key, "with_") || str_is(e->key, "loop")) {
			if (out->loop)
				ok = errs_add(b->errs, e->key_pos,
					"a task has one loop, but this one has '%s' and '%s'",
					out->loop->key.p, e->key.p);
			out->loop = e;
		} else if (is_action(e->key) || !is_keyword(e->key)) {
			if (!is_action(e->key)) {
				word_unknown(b, e);
				ok = false;
			} else if (out->entry) {
				ok = errs_add(b->errs, e->key_pos,
					"a task has one action, but this one has '%s' and '%s'",
					out->entry->key.p, e->key.p);
			}
			out->entry = e;
		} else {
			map_set(b->s->a, out->keywords, e->key, e->value);
			out->keywords->map.e[out->keywords->map.n - 1].key_pos = e->key_pos;
		}
	}
	return ok;
}

/* ---- keywords ---- */
static const char *text_of(const struct value *map, const char *key)
{
	const struct value *v = map_at(map, key);
	return v && v->type == VALUE_STR ? v->s.p : NULL;
}

void task_inherited(struct build *b, struct task *t, const struct value *map)
{
	struct value *vars = map_at(map, "vars");
	t->when = as_list(b->s->a, map_at(map, "when"));
	t->become = map_at(map, "become");
	t->become_user = map_at(map, "become_user");
	t->no_log = map_at(map, "no_log");
	t->ignore_errors = map_at(map, "ignore_errors");
	t->check_mode = map_at(map, "check_mode");
	t->timeout = map_at(map, "timeout");
	t->diff = map_at(map, "diff");
	t->environment = as_list(b->s->a, map_at(map, "environment"));
	t->tags = tags_read(b->s->a, map_at(map, "tags"), t->tags, b->errs);
	if (vars && vars->type == VALUE_MAP)
		t->vars = vars;
	if (t != &b->play->root)
		refuse_reach(b, t->vars, "a task, block or role");
	check_syntax(b, t->when, true);
	check_syntax(b, t->vars, false);
	check_syntax(b, t->environment, false);
}

static void own_keywords(struct build *b, struct task *t, const struct value *map)
{
	struct value *control = map_at(map, "loop_control");
	t->name = text_of(map, "name");
	t->register_as = text_of(map, "register");
	t->notify = as_list(b->s->a, map_at(map, "notify"));
	t->listen = as_list(b->s->a, map_at(map, "listen"));
	t->changed_when = map_at(map, "changed_when");
	t->failed_when = map_at(map, "failed_when");
	check_syntax(b, t->changed_when, true);
	check_syntax(b, t->failed_when, true);
	if (control && control->type == VALUE_MAP) {
		t->loop_var = map_cstr(control, "loop_var", "item");
		t->index_var = map_cstr(control, "index_var", NULL);
		t->loop_label = map_at(control, "label");
	}
	if (t->listen && !b->handlers)
		errs_add(b->errs, t->listen->pos, "listen is allowed only on handlers");
}

static bool loop_known(struct str kind)
{
	static const char *const kinds[] = {"items", "list", "dict", "flattened", "fileglob",
		"first_found", "sequence", "nested", "together", "indexed_items", "subelements"};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_is(kind, kinds[i]))
			return true;
	return false;
}

/* Loop kinds whose text is not the name of a variable. */
static bool takes_text(struct str kind)
{
	return str_is(kind, "fileglob") || str_is(kind, "first_found") || str_is(kind, "sequence");
}

static void read_loop(struct build *b, struct task *t, const struct map_entry *loop)
{
	struct str kind = loop->key;
	if (str_starts(kind, "with_"))
		kind = str_c(kind.p + 5);
	if (!str_is(kind, "loop") && !loop_known(kind)) {
		errs_add(b->errs, loop->key_pos,
			"'%s' is not supported; write loop with a filter or "
			"lookup instead",
			loop->key.p);
		return;
	}
	t->loop_kind = kind.p;
	t->loop = loop->value;
	/* an old form: with_items: mylist */
	if (str_starts(loop->key, "with_") && !takes_text(kind) && t->loop->type == VALUE_STR &&
		!text_is_template(t->loop->s)) {
		t->loop = value_printf(b->s->a, "{{ %s }}", t->loop->s.p);
		t->loop->pos = loop->value->pos;
	}
	check_syntax(b, t->loop, false);
}

/* ---- building ---- */
static void build_block(struct build *b, struct task *t, const struct value *keywords)
{
	struct value *list = map_at(keywords, "block");
	struct build inner = *b;
	if (list->type != VALUE_LIST) {
		errs_add(b->errs, list->pos, "block must be a list of tasks");
		return;
	}
	inner.parent = t;
	tasks_build(&inner, list, t);
}

static void import_tasks(struct build *b, struct task *t)
{
	struct value *file = map_at(t->args, "file");
	struct build inner = *b;
	const char *path;
	struct value *list;
	if (t->loop || t->register_as)
		errs_add(b->errs, t->pos,
			"import_tasks does not support loop and register; use include_tasks");
	if (!file || file->type != VALUE_STR)
		return;
	if (text_is_template(file->s)) {
		errs_add(b->errs, file->pos,
			"import_tasks is read before any host is contacted, so its file name "
			"cannot contain a template; use include_tasks");
		return;
	}
	path = task_file(b->s, t, "tasks", file->s.p, b->s->a);
	if (!path) {
		errs_add(b->errs, file->pos, "there is no file '%s'", file->s.p);
		return;
	}
	if (import_circle(b, t, path, file->pos))
		return;
	if (b->depth >= IMPORT_DEPTH) {
		errs_add(b->errs, file->pos, "imports are nested more than %d levels deep ('%s')",
			IMPORT_DEPTH, file->s.p);
		return;
	}
	list = files_yaml(&b->s->files, path, b->errs);
	inner.parent = t;
	inner.file = path;
	inner.depth++;
	if (list)
		tasks_build(&inner, list, t);
}

static void import_role(struct build *b, struct task *t)
{
	struct value *name = map_at(t->args, "name");
	struct build inner = *b;
	if (t->loop || t->register_as)
		errs_add(b->errs, t->pos,
			"import_role does not support loop and register; use include_role");
	if (!name || name->type != VALUE_STR)
		return;
	if (text_is_template(name->s)) {
		errs_add(b->errs, name->pos,
			"import_role is read before any host is contacted, so its name cannot "
			"contain a template; use include_role");
		return;
	}
	inner.parent = t;
	inner.depth++;
	role_use_build(&inner,
		&(struct role_call){
			.name = name->s, .pos = name->pos, .vars = t->vars, .args = t->args},
		t);
}

static void finish_action(struct build *b, struct task *t)
{
	t->dynamic = t->control && (t->control->kind == CONTROL_INCLUDE_TASKS ||
					   t->control->kind == CONTROL_INCLUDE_ROLE);
	if (t->dynamic && b->handlers)
		errs_add(b->errs, t->pos,
			"'%s' among handlers is not supported yet; use import_tasks", t->action);
	if (t->control && t->control->kind == CONTROL_INCLUDE_ROLE)
		b->play->dynamic_roles = true;
	task_args_check(b, t);
	check_syntax(b, t->args, false);
	if (t->control && t->control->kind == CONTROL_ASSERT)
		check_syntax(b, map_at(t->args, "that"), true);
	if (t->control && t->checked)
		t->args = t->checked; /* aliases resolved */
	if (t->control && t->control->kind == CONTROL_IMPORT_TASKS)
		import_tasks(b, t);
	else if (t->control && t->control->kind == CONTROL_IMPORT_ROLE)
		import_role(b, t);
}

static void build_action(
	struct build *b, struct task *t, struct str word, struct value *args, struct value *more)
{
	t->action = word.p;
	t->type = restype_find(word);
	t->control = t->type ? NULL : control_find(word);
	if (t->type)
		t->action = t->type->name;
	if (!t->type && !t->control) {
		errs_add(b->errs, args->pos, "module '%s' is not supported%s", word.p,
			module_namesake(b->s->a, word));
		return;
	}
	t->fields = t->type ? t->type->fields : t->control->fields;
	args = task_args_read(b, t, args);
	if (!args)
		return;
	t->args = task_args_more(b, args, more);
	finish_action(b, t);
}

static void build_one(struct build *b, struct value *map, struct task *into)
{
	struct action act = {0};
	struct value *kw, *old, *args;
	struct str word;
	struct task *t;
	if (map->type != VALUE_MAP) {
		errs_add(b->errs, map->pos, "a task must be a map, not %s", value_type_name(map));
		return;
	}
	if (!sort_keys(b, map, &act))
		return;
	kw = keywords_check(b, fields_of_task, act.keywords, "a task");
	if (!kw)
		return;
	t = task_new(b, map->pos);
	PUSH(b->s->a, into->child, into->n_child, into->cap_child, t);
	task_inherited(b, t, kw);
	own_keywords(b, t, kw);
	if (act.loop)
		read_loop(b, t, act.loop);
	old = map_at(kw, "action");
	if (map_at(kw, "block") && !act.entry && !old)
		build_block(b, t, kw);
	else if (act.entry && !old && !map_at(kw, "block"))
		build_action(b, t, act.entry->key, act.entry->value, map_at(kw, "args"));
	else if (old && !act.entry && task_old_action(b, old, &word, &args))
		build_action(b, t, word, args, map_at(kw, "args"));
	else if (!old && !act.entry)
		errs_add(b->errs, map->pos, "this task has no module");
	else if (act.entry)
		errs_add(b->errs, act.entry->key_pos,
			"a task has either a module or a block, but this one has both");
	control_result_keywords(b, t, act.keywords);
}

void tasks_build(struct build *b, struct value *list, struct task *into)
{
	if (!list || list->type == VALUE_NULL)
		return;
	if (list->type != VALUE_LIST) {
		errs_add(b->errs, list->pos, "expected a list of tasks, not %s",
			value_type_name(list));
		return;
	}
	if (b->depth > IMPORT_DEPTH) {
		errs_add(b->errs, list->pos, "tasks are nested more than %d levels deep",
			IMPORT_DEPTH);
		return;
	}
	b->depth++;
	for (size_t i = 0; i < list->list.n; i++)
		build_one(b, list->list.v[i], into);
	b->depth--;
}
