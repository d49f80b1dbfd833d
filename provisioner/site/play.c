/* SPDX-License-Identifier: MIT
 *
 * Plays: keywords, their hosts, and the tree of their roles and tasks.
 */
#include "site/circle.h"
#include "site/keyword.h"
#include "site/control.h"
#include "site/listing.h"
#include "site/role.h"

static const struct field fields_of_play[] = {
	{.name = "name", .kind = FIELD_STR, .doc = "Description of the play."},
	{.name = "hosts",
		.kind = FIELD_ANY,
		.flags = FIELD_REQUIRED,
		.doc = "Pattern of hosts and groups."},
	{.name = "mail", .kind = FIELD_ANY, .doc = "The declared state of the mail server."},
	{.name = "vars", .kind = FIELD_MAP, .doc = "Variables of the play."},
	{.name = "vars_files", .kind = FIELD_ANY, .doc = "Files of variables."},
	{.name = "roles", .kind = FIELD_ANY, .doc = "Roles that run before the tasks."},
	{.name = "pre_tasks", .kind = FIELD_ANY, .doc = "Tasks before the roles."},
	{.name = "tasks", .kind = FIELD_ANY, .doc = "Tasks after the roles."},
	{.name = "post_tasks",
		.kind = FIELD_ANY,
		.doc = "Tasks that run after those and their handlers."},
	{.name = "handlers", .kind = FIELD_ANY, .doc = "Tasks that run when they are notified."},
	{.name = "become",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "Run as become_user."},
	{.name = "become_user", .kind = FIELD_ANY, .doc = "User to become; default root."},
	{.name = "become_method",
		.kind = FIELD_ENUM,
		.choices = "sudo",
		.doc = "Only sudo is supported."},
	{.name = "tags", .kind = FIELD_ANY, .doc = "Tags for every task."},
	{.name = "serial",
		.kind = FIELD_ANY,
		.doc = "Sizes of the batches: 1, 25%, or a list; 0: all remaining hosts."},
	{.name = "max_fail_percentage",
		.kind = FIELD_ANY,
		.doc = "If more hosts of a batch than this are lost, the batch and all plays "
		       "stop; unreachable hosts count."},
	{.name = "any_errors_fatal",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "One failed or unreachable host stops its batch and all plays."},
	{.name = "gather_facts",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "Accepted; facts are always known."},
	{.name = "gather_subset", .kind = FIELD_ANY, .doc = "Accepted."},
	{.name = "gather_timeout", .kind = FIELD_ANY, .doc = "Accepted."},
	{.name = "fact_path",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Folder of local facts."},
	{.name = "remote_user", .kind = FIELD_STR, .doc = "User for the login."},
	{.name = "port",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Port; not supported here, set ansible_port instead."},
	{.name = "connection", .kind = FIELD_STR, .doc = "ssh, openssh or local."},
	{.name = "no_log",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "Hide parameters and results."},
	{.name = "ignore_errors",
		.kind = FIELD_BOOL,
		.flags = FIELD_PER_HOST,
		.doc = "Failures do not end the play."},
	{.name = "check_mode", .kind = FIELD_BOOL, .flags = FIELD_PER_HOST, .doc = "As on a task."},
	{.name = "diff", .kind = FIELD_BOOL, .flags = FIELD_PER_HOST, .doc = "As on a task."},
	{.name = "when",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Not allowed here; put it on tasks."},
	{.name = "strategy",
		.kind = FIELD_ENUM,
		.choices = "linear free host_pinned",
		.doc = "linear: max_fail_percentage and any_errors_fatal apply; free, "
		       "host_pinned: they do not."},
	{.name = "collections", .kind = FIELD_ANY, .doc = "Accepted; all types are built in."},
	{.name = "force_handlers",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "Run handlers after a failure, too."},
	{.name = "order",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.dflt = "inventory",
		.doc = "Order of the hosts."},
	{.name = "vars_prompt",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Ask for variables on the terminal."},
	{.name = "environment",
		.kind = FIELD_ANY,
		.doc = "Environment of all programs that the play runs."},
	{.name = "module_defaults",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Default parameters by module."},
	{.name = "become_flags", .kind = FIELD_STR, .flags = FIELD_LATER, .doc = "Flags of sudo."},
	{.name = "throttle",
		.kind = FIELD_ANY,
		.flags = FIELD_LATER,
		.doc = "Limit for hosts at once."},
	{.name = "run_once",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "Run on the first host only."},
	{.name = "timeout",
		.kind = FIELD_ANY,
		.doc = "Time limit for a task's programs, in seconds."},
	{.name = "ignore_unreachable",
		.kind = FIELD_BOOL,
		.flags = FIELD_LATER,
		.dflt = "false",
		.doc = "An unreachable host does not count as a failure."},
	{.name = "debugger",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.doc = "Interactive debugger."},
	{.name = NULL},
};

const struct field *site_play_fields(void)
{
	return fields_of_play;
}

static const char *pattern_text(struct site *s, struct value *hosts, struct errs *errs)
{
	struct value *list = as_list(s->a, hosts);
	struct buf b;
	const char *out;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; list && i < list->list.n; i++) {
		struct value *v = list->list.v[i];
		struct value *extra = NULL;
		struct str text = value_print(s->a, v);
		if (has_template(
			    v)) { /* hosts: "{{ target }}" takes extra variables, as in Ansible */
			struct str name = str_trim(
				s->a, str_dup(s->a, text.p + 2, text.n > 4 ? text.n - 4 : 0));

			extra = map_get(s->extra, name);
			if (!extra)
				errs_add(errs, v->pos,
					"hosts can contain only an extra variable (-e), and '%s' "
					"is not one",
					name.p);
			else
				text = value_print(s->a, extra);
		}
		buf_addf(&b, "%s%s", i ? "," : "", text.p);
	}
	out = buf_str(s->a, &b).p;
	buf_free(&b);
	return out;
}

bool play_has(const struct play_in *p, const char *host)
{
	return map_at(p->host_set, host) != NULL;
}

static void play_hosts(struct site *s, struct play_in *p, struct value *hosts, struct errs *errs)
{
	const char *pattern = pattern_text(s, hosts, errs), **all, **kept = NULL;
	size_t n, n_kept = 0, cap = 0;
	struct err e = {0};
	if (!pattern_match(s->inv, s->a, pattern, &all, &n, &e) ||
		(n == 0 && !pattern_none(s->inv, s->a, pattern, &e))) {
		e.pos = hosts->pos;
		errs_take(errs, &e);
		n = 0;
	}
	p->hosts_var = value_list(s->a);
	p->hosts_var->literal = true;
	p->host_set = value_map(s->a);
	for (size_t i = 0; i < n; i++)
		if (!s->limited || map_at(s->limited, all[i])) {
			PUSH(s->a, kept, n_kept, cap, all[i]);
			map_put(s->a, p->host_set, all[i], value_null(s->a));
			list_add(s->a, p->hosts_var, value_text(s->a, all[i]));
		}
	PUSH(s->a, kept, n_kept, cap, NULL);
	p->shown.hosts = kept;
	if (!p->shown.name)
		p->shown.name = pattern;
}

static void vars_file(struct build *b, struct play_in *p, struct value *v)
{
	struct value *doc;
	const char *path;
	if (v->type != VALUE_STR && v->type != VALUE_LIST) {
		errs_add(b->errs, v->pos,
			"an entry of vars_files must be a file or a list of files, not %s",
			value_type_name(v));
		return;
	}
	if (v->type == VALUE_LIST || text_is_template(v->s)) {
		if (!p->vars_files)
			p->vars_files = value_list(b->s->a);
		list_add(b->s->a, p->vars_files, v);
		return;
	}
	path = task_file(b->s, &p->root, "vars", v->s.p, b->s->a);
	doc = path ? files_vars(&b->s->files, path, b->errs) : NULL;
	if (!path)
		errs_add(b->errs, v->pos, "there is no file '%s'", v->s.p);
	for (size_t i = 0; doc && i < doc->map.n; i++)
		map_set(b->s->a, p->files_vars, doc->map.e[i].key, doc->map.e[i].value);
}

static void init_play(struct site *s, struct play_in *p, struct build *b)
{
	p->handler_ids = value_map(s->a);
	p->handler_names = value_map(s->a);
	p->handler_topics = value_map(s->a);
	p->roles_seen = value_map(s->a);
	p->role_index = value_map(s->a);
	p->all_defaults = value_map(s->a);
	p->all_vars = value_map(s->a);
	p->files_vars = value_map(s->a);
	p->root.file = b->file;
	p->root.play = p;
	p->root.loop_var = "item";
}

static void build_section(
	struct build *b, struct play_in *p, int i, struct value *roles, struct value *tasks)
{
	struct build inner = *b;
	struct task *node;
	inner.parent = &p->root;
	node = task_new(&inner, p->shown.pos);
	inner.parent = node;
	p->section[i] = node;
	if (roles && roles->type != VALUE_LIST && roles->type != VALUE_NULL)
		errs_add(b->errs, roles->pos, "roles must be a list of roles");
	for (size_t j = 0; roles && roles->type == VALUE_LIST && j < roles->list.n; j++)
		role_entry(&inner, roles->list.v[j], node);
	tasks_build(&inner, tasks, node);
}

static bool may_be_true(const struct value *v)
{
	bool b = true;
	return v && (!value_as_bool(v, &b) || b);
}

static void find_becomes(struct play_in *p, const struct task *t)
{
	p->becomes = p->becomes || may_be_true(t->become);
	p->vars_become =
		p->vars_become || (t->vars && may_be_true(map_at(t->vars, "ansible_become")));
	p->vars_become_user =
		p->vars_become_user || (t->vars && map_at(t->vars, "ansible_become_user"));
	for (size_t i = 0; i < t->n_child; i++)
		find_becomes(p, t->child[i]);
}

static void finish_play(struct build *b, struct play_in *p)
{
	find_becomes(p, &p->root);
	for (int i = 0; i < SECTIONS; i++) {
		for (size_t j = 0; j < p->section[i]->n_child; j++)
			if (!p->section[i]->child[j]->role) /* roles have checked their own */
				task_templates(b, p->section[i]->child[j]);
		handlers_link(b, p->section[i]);
		find_becomes(p, p->section[i]);
	}
	for (size_t i = 0; i < p->n_handlers; i++) {
		handlers_link(b, p->handlers[i].task);
		find_becomes(p, p->handlers[i].task);
	}
}

static void build_play(struct build *b, struct value *doc)
{
	struct play_in *p = ARENA_NEW(b->s->a, struct play_in);
	struct value *kw = keywords_check(b, fields_of_play, doc, "a play");
	struct value *list;
	if (!kw)
		return;
	init_play(b->s, p, b);
	b->play = p;
	p->doc = doc;
	p->shown.pos = doc->pos;
	p->shown.name = map_cstr(kw, "name", NULL);
	p->mail = map_at(kw, "mail");
	play_hosts(b->s, p, map_at(kw, "hosts"), b->errs);
	task_inherited(b, &p->root, kw);
	p->vars = p->root.vars;
	p->root.vars = NULL;
	list = as_list(b->s->a, map_at(kw, "vars_files"));
	for (size_t i = 0; list && i < list->list.n; i++)
		vars_file(b, p, list->list.v[i]);
	build_section(b, p, SECTION_PRE, NULL, map_at(kw, "pre_tasks"));
	build_section(b, p, SECTION_MAIN, map_at(kw, "roles"), map_at(kw, "tasks"));
	build_section(b, p, SECTION_POST, NULL, map_at(kw, "post_tasks"));
	b->parent = &p->root;
	handlers_build(b, map_at(kw, "handlers"));
	handlers_add_installed(b);
	finish_play(b, p);
	play_batches(b->s, p, kw, b->errs);
	PUSH(b->s->a, b->s->plays, b->s->n_plays, b->s->cap_plays, p);
}

static void build_doc(struct site *s, const char *path, int depth, struct errs *errs);

static bool import_playbook(
	struct site *s, const struct value *doc, const char *file, int depth, struct errs *errs)
{
	const struct map_entry *e = NULL;
	const char *path;
	for (size_t i = 0; i < doc->map.n; i++)
		if (str_is(builtin_name(doc->map.e[i].key), "import_playbook"))
			e = &doc->map.e[i];
	if (!e)
		return false;
	if (e->value->type != VALUE_STR) {
		errs_add(errs, e->key_pos, "import_playbook needs the name of a file");
		return true;
	}
	if (depth >= IMPORT_DEPTH) {
		errs_add(errs, e->value->pos,
			"playbooks import one another more than %d levels deep, again '%s'; do "
			"they form a circle?",
			IMPORT_DEPTH, e->value->s.p);
		return true;
	}
	path = dir_join(s->a, path_dir(s->a, file), e->value->s.p);
	if (is_there(path))
		build_doc(s, path, depth + 1, errs);
	else
		errs_add(errs, e->value->pos, "there is no file '%s'", path);
	return true;
}

static void build_doc(struct site *s, const char *path, int depth, struct errs *errs)
{
	struct value *doc = files_yaml(&s->files, path, errs);
	if (!doc)
		return;
	if (doc->type != VALUE_LIST) {
		errs_add(errs, doc->pos,
			"a manifest must be a list of plays ('- hosts: ...'), not %s",
			value_type_name(doc));
		return;
	}
	for (size_t i = 0; i < doc->list.n; i++) {
		struct build b = {.s = s, .file = path, .errs = errs};
		struct value *play = doc->list.v[i];
		if (play->type != VALUE_MAP)
			errs_add(errs, play->pos, "a play must be a map, not %s",
				value_type_name(play));
		else if (!import_playbook(s, play, path, depth, errs))
			build_play(&b, play);
	}
}

void site_plays_load(struct site *s, struct errs *errs)
{
	build_doc(s, s->opt.manifest, 0, errs);
	s->shown = arena_calloc(s->a, s->n_plays + 1, sizeof(*s->shown));
	for (size_t i = 0; i < s->n_plays; i++)
		s->shown[i] = s->plays[i]->shown;
}

size_t site_plays(const struct site *s, const struct play **out)
{
	*out = s->shown;
	return s->n_plays;
}

const char *task_label(struct arena *a, const struct task *t)
{
	const char *name = t->name ? t->name : t->action ? t->action : "block";
	return t->role ? arena_printf(a, "%s : %s", t->role->role->name, name) : name;
}

static void list_tasks(const struct site *s, const struct task *t, struct page *out)
{
	bool leaf = (t->type || t->control) && t->n_child == 0 && t->control != &control_validate;
	if (leaf && task_selected(s, t)) {
		page_addf(out, "    %s\ttags: [", task_label(s->a, t));
		for (size_t i = 0; t->tags && t->tags[i]; i++)
			page_addf(out, "%s%s", i ? ", " : "", t->tags[i]);
		page_addf(out, "]\n");
	}
	for (size_t i = 0; i < t->n_child; i++)
		list_tasks(s, t->child[i], out);
}

static void list_play(const struct site *s, size_t i, struct page *out)
{
	if (i)
		page_addf(out, "\n");
	page_addf(out, "  play #%zu (%s)\n", i + 1, s->plays[i]->shown.name);
}

void site_list_hosts(const struct site *s, struct page *out)
{
	for (size_t i = 0; i < s->n_plays; i++) {
		list_play(s, i, out);
		for (const char *const *h = s->plays[i]->shown.hosts; *h; h++)
			page_addf(out, "    %s\n", *h);
	}
}

void site_list_tasks(const struct site *s, struct page *out)
{
	for (size_t i = 0; i < s->n_plays; i++) {
		list_play(s, i, out);
		for (int j = 0; j < SECTIONS; j++)
			list_tasks(s, s->plays[i]->section[j], out);
	}
}
