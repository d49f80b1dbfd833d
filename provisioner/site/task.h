/* SPDX-License-Identifier: MIT
 *
 * Plays, roles and tasks as written in the files: a tree of nodes, unevaluated.
 *
 * Static imports and roles are nodes with children, so their keywords (when, tags, become, vars)
 * are inherited through `parent`. The children of a dynamic include point to it too, but inherit
 * only its vars (as in Ansible: the include's own `when` has already decided).
 */
#pragma once
#include "site/load.h"

struct control;
struct task {
	uint32_t id;
	struct pos pos;
	const char *file;              /* its file; includes are searched beside it */
	const char *name;              /* as written, or NULL */
	const char *action;            /* the name used: "copy" */
	const struct restype *type;    /* or */
	const struct control *control; /* or a block: none of the two */
	bool dynamic;
	struct value *args;    /* as written */
	struct value *checked; /* checked parameters, when args hold no template */
	struct value *when;    /* list of conditions; NULL: none */
	struct value *vars;
	struct value *loop;
	const char *loop_kind; /* "loop", "items", "dict", ...; NULL: no loop */
	const char *loop_var, *index_var;
	struct value *loop_label;
	const char *register_as;
	struct value *notify, *listen, *environment; /* lists */
	const char *const *notify_ids; /* handler ids; NULL: the names contain templates */
	struct value *changed_when, *failed_when;
	struct value *become, *become_user, *no_log, *ignore_errors, *check_mode, *diff, *timeout;
	const char *const *tags; /* including the inherited ones */
	struct task **child;
	size_t n_child, cap_child;
	struct task *parent;
	struct role_use *role;
	struct play_in *play;
	const struct field *fields; /* of the type or the control */
};
struct role { /* one folder, read once per play */
	const char *name, *path, *abs_path;
	struct value *defaults, *vars; /* maps */
	struct value *meta;
	bool dependency; /* no play names it, only a role's meta */
};
struct role_use { /* one inclusion of a role */
	struct role *role;
	struct role_use *parent; /* the role that includes it */
	const char *tasks;       /* which of its files of tasks: "main" */
	struct value *params;    /* of `- role: x, port: 25`; else NULL */
	struct value *defaults;  /* its own override its dependencies' and its parents' */
	struct value *vars;
	struct value *facts; /* role_name, role_path */
	struct task *node;
};
struct handler {
	const char *id; /* "role : name" or "name" */
	struct task *task;
	struct task **earlier; /* of the same role, included before with other conditions */
	size_t n_earlier, cap_earlier;
};
enum { SECTION_PRE, SECTION_MAIN, SECTION_POST, SECTIONS };
struct play_in {
	struct play shown;
	struct value *doc;
	struct value *vars;
	struct value *mail;             /* the keyword's map, or NULL */
	struct value *vars_files;       /* list; those with templates are read per host */
	struct value *files_vars;       /* of the vars_files without templates */
	struct task root;               /* the play itself: become, tags, vars */
	struct task *section[SECTIONS]; /* blocks below root */
	bool dynamic_roles;             /* include_role may add handlers later */
	struct handler *handlers;       /* in the order of definition */
	size_t n_handlers, cap_handlers;
	long installed; /* index of the handler that starts installed services; -1: none */
	struct value *handler_ids;             /* id -> number in handlers */
	struct value *handler_names;           /* id and name -> number */
	struct value *handler_topics;          /* listen -> list of numbers */
	struct value *all_defaults, *all_vars; /* of every role of the play */
	struct value *roles_seen;              /* digest of a role entry: included already */
	struct value *hosts_var;
	struct value *batch_of; /* host -> hosts that run it together; NULL: not set */
	size_t batches;
	struct value *left;       /* the last answer of peers_left */
	struct value *host_set;   /* the names of shown.hosts */
	struct value *role_index; /* name -> number in roles */
	struct role **roles;
	size_t n_roles, cap_roles;
	bool becomes;                       /* some node in it uses the keyword */
	bool vars_become, vars_become_user; /* a task or block sets ansible_become, .._user */
};

/* batch.c: fills in p->shown, or reports a problem. */
void play_batches(struct site *s, struct play_in *p, const struct value *kw, struct errs *errs);
bool play_has(const struct play_in *p, const char *host);

struct build { /* the present place of the builder of the tree */
	struct site *s;
	struct play_in *play;
	struct role_use *role;
	struct task *parent;
	const char *file;
	int depth;
	bool handlers;
	bool dynamic; /* while a host is resolved, for a dynamic include */
	struct errs *errs;
};
/* Adds the tasks of a list to the node's children. */
void tasks_build(struct build *b, struct value *list, struct task *into);
struct task *task_new(struct build *b, struct pos pos);
const char *const *tags_read(
	struct arena *a, struct value *v, const char *const *inherited, struct errs *errs);
/* Keywords shared by plays, blocks, tasks and roles: when, vars, become, tags, ... */
void task_inherited(struct build *b, struct task *t, const struct value *map);
bool has_template(const struct value *v); /* deep */
void check_syntax(struct build *b, struct value *v, bool expression);
const char *task_label(struct arena *a, const struct task *t); /* "role : name" */
bool task_selected(const struct site *s, const struct task *t);
/* Warns of values of --tags and --skip-tags that no task has: without it, nothing would be said. */
void tags_warn(const struct site *s, struct errs *errs);
void beside_names_warn(const struct site *s, struct errs *errs); /* beside_names.c */

/* task_args.c */
bool task_old_action(struct build *b, const struct value *v, struct str *word, struct value **args);
struct value *task_args_read(struct build *b, struct task *t, struct value *v); /* NULL: problem */
struct value *task_args_more(struct build *b, struct value *args, struct value *more);
void task_args_check(struct build *b, struct task *t);
/* The block and variable markers that a template task sets; false: none. */
bool task_marks(const struct value *args, struct template_marks *marks);
void task_templates(struct build *b, const struct task *t); /* and below it */

/* handlers.c */
void handlers_build(struct build *b, struct value *list);
void handlers_add_installed(struct build *b); /* at the end of a play which may change packages */
/* Turns the notify lists below t into handler ids; reports a name without a handler. */
void handlers_link(struct build *b, struct task *t);
bool handlers_ids(const struct play_in *p, struct arena *a, const struct value *names,
	const char *const **out, struct err *e);
/* The path of a file that a task names: in the role's `kind` folder, the task's folder, the
 * manifest's. */
const char *task_file(const struct site *s, const struct task *t, const char *kind,
	const char *name, struct arena *a);
