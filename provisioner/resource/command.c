/* SPDX-License-Identifier: MIT
 *
 * command and shell: a program that is run once. command never starts a shell. The effect is not
 * known before it runs, so a plan only says that it runs.
 */
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/foresight.h"
#include "resource/types.h"

enum { SAID_MAX = 300 };

/* ---- creates, removes ---- */

/* A path or a glob pattern, as in Ansible, resolved on the host as earlier steps will leave it. */
static bool any_match(struct host *h, const char *pattern)
{
	struct stat st;
	glob_t g = {0};
	bool found = false;
	if (there_then(h, pattern, lstat(pattern, &st) == 0))
		return true;
	if (!strpbrk(pattern, "*?["))
		return false;
	if (glob(pattern, GLOB_NOSORT, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc && !found; i++)
			found = there_then(h, g.gl_pathv[i], true);
	globfree(&g);
	return found || foreseen_match(h, pattern);
}

/* An earlier command may create or remove it, because the effect of commands is unknown. Only a
 * path that `creates` names and that exists is assumed to stay. */
static bool may_move(struct host *h, const char *pattern)
{
	return (h->pending & RES_COMMAND) && foreseen(h, pattern) == FORESEEN_NOTHING;
}

/* The path, relative to the folder of the command. NULL: the parameter is absent, empty, or wrong
 * (e). */
static const char *find_condition(
	struct host *h, const struct value *params, const char *name, struct err *e)
{
	const char *text = map_cstr(params, name, "");
	const char *path = text[0] ? path_expand(h->a, text, e) : NULL;
	const char *dir = map_cstr(params, "chdir", NULL);
	if (text[0] && !path)
		err_prefix(e, "%s", name);
	if (path && path[0] != '/' && !dir)
		dir = path_expand(h->a, "~", e);
	return path && dir ? path_join(h->a, dir, path) : path;
}

/* *why: the reason to skip the command, or NULL. *perhaps: this depends on earlier steps. */
static bool is_needless(
	struct host *h, const struct value *params, const char **why, bool *perhaps, struct err *e)
{
	const char *creates = find_condition(h, params, "creates", e);
	const char *removes = e->kind ? NULL : find_condition(h, params, "removes", e);
	*why = NULL;
	*perhaps = false;
	/* the user of a path with ~NAME may be one that an earlier step makes */
	if (e->kind && (h->pending & (RES_ACCOUNT | RES_PACKAGE))) {
		*e = (struct err){0};
		*perhaps = true;
		return true;
	}
	if (e->kind)
		return false;
	bool made = creates && any_match(h, creates);
	bool gone = removes && !any_match(h, removes);
	*perhaps = (creates && may_move(h, creates)) || (removes && may_move(h, removes));
	if (made)
		*why = arena_printf(
			h->a, "skipped, since %s exists", map_cstr(params, "creates", ""));
	else if (gone && !may_move(h, removes))
		*why = arena_printf(
			h->a, "skipped, since %s does not exist", map_cstr(params, "removes", ""));
	return true;
}

/* ---- result ---- */

static struct value *lines_of(struct arena *a, struct str s)
{
	struct value *list = value_list(a);
	for (size_t at = 0; at < s.n;) {
		const char *nl = memchr(s.p + at, '\n', s.n - at);
		size_t n = nl ? (size_t)(nl - s.p) - at : s.n - at;
		size_t cut = n > 0 && s.p[at + n - 1] == '\r';
		struct value *v = value_str(a, str_dup(a, s.p + at, n - cut));
		v->literal = true;
		list_add(a, list, v);
		at += n + 1;
	}
	return list;
}

static struct str strip_ends(struct arena *a, struct str s)
{
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return str_dup(a, s.p, s.n);
}

static void result_stream(struct host *h, const struct value *params, struct observation *o,
	const char *name, struct str s)
{
	if (map_bool(params, "strip_empty_ends", true))
		s = strip_ends(h->a, s);
	struct value *v = value_str(h->a, s);
	v->literal = true;
	map_put(h->a, o->result, name, v);
	map_put(h->a, o->result, arena_printf(h->a, "%s_lines", name), lines_of(h->a, s));
}

static void result_set(struct host *h, const struct value *params, struct observation *o, int rc,
	struct str out, struct str err_out)
{
	const struct value *cmd = map_at(params, "cmd");
	if (!cmd)
		cmd = map_at(params, "argv");
	map_put(h->a, o->result, "cmd", value_copy(h->a, cmd));
	map_put(h->a, o->result, "rc", value_int(h->a, rc));
	result_stream(h, params, o, "stdout", out);
	result_stream(h, params, o, "stderr", err_out);
}

/* ---- running ---- */

static bool argv_from_list(
	struct arena *a, const struct value *list, const char ***argv, struct err *e)
{
	*argv = ARENA_ARRAY(a, const char *, list->list.n + 1);
	for (size_t i = 0; i < list->list.n; i++) {
		const struct value *v = list->list.v[i];
		if (v->type != VALUE_STR)
			return err_set(e, ERR_CONFIG, "argv[%zu] must be a string, not %s", i,
				value_type_name(v));
		(*argv)[i] = v->s.p;
	}
	return list->list.n > 0 || err_set(e, ERR_CONFIG, "argv is empty");
}

static bool command_argv(
	struct host *h, const struct value *params, bool shell, const char ***argv, struct err *e)
{
	const char *cmd = map_cstr(params, "cmd", NULL);
	const struct value *list = map_at(params, "argv");
	if (!shell && list)
		return argv_from_list(h->a, list, argv, e);
	if (!cmd)
		return err_set(e, ERR_CONFIG, "no command is given");
	if (!shell)
		return split_words(h->a, str_c(cmd), argv, e) &&
		       ((*argv)[0] || err_set(e, ERR_CONFIG, "command is empty"));
	*argv = ARENA_ARRAY(h->a, const char *, 4);
	(*argv)[0] = map_cstr(params, "executable", "/bin/sh");
	(*argv)[1] = "-c";
	(*argv)[2] = cmd;
	return true;
}

static struct str command_input(struct host *h, const struct value *params)
{
	const struct value *v = map_at(params, "stdin");
	if (!v || v->type != VALUE_STR)
		return (struct str){NULL, 0};
	bool newline = map_bool(params, "stdin_add_newline", true);
	return str_printf(h->a, STR_FMT "%s", STR_ARG(v->s), newline ? "\n" : "");
}

/* The last lines of its output on one line; none of them when the task has a secret. */
static const char *last_words(
	struct host *h, const struct value *params, const struct proc_result *r)
{
	struct str s = str_trim(h->a, r->err_out.n ? r->err_out : r->out);
	if (s.n == 0 || value_has_secret(params))
		return "";
	if (s.n > SAID_MAX)
		s = str_c(s.p + s.n - SAID_MAX);
	char *line = arena_printf(h->a, ": %s", s.p);
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return line;
}

static bool run_command(struct host *h, const struct value *params, bool shell,
	struct observation *o, struct err *e)
{
	struct proc p = {.uid = (uid_t)-1, .users = true, .dir = map_cstr(params, "chdir", NULL)};
	struct proc_result r = {0};
	const char **argv;
	if (!command_argv(h, params, shell, &argv, e))
		return false;
	p.argv = argv;
	p.input = command_input(h, params);
	if (!proc_run(h->a, &p, &r, e))
		return false;
	result_set(h, params, o, r.status, r.out, r.err_out);
	if (r.timed_out)
		return err_set(e, ERR_PERMANENT,
			"the command was killed because it ran longer than %d s", r.limit_s);
	if (r.cut)
		map_put(h->a, o->result, "cut", value_bool(h->a, true));
	if (r.status != 0)
		return err_set(e, ERR_PERMANENT, "the command failed (exit %d)%s", r.status,
			last_words(h, params, &r));
	return true;
}

/* ---- verbs ---- */

static const char *show_command(struct host *h, const struct value *params)
{
	const struct value *cmd = map_at(params, "cmd");
	struct buf b;
	if (value_has_secret(params))
		return SECRET_TEXT;
	if (cmd)
		return map_cstr(params, "cmd", "");
	buf_init(&b, TEXT_MAX);
	json_write(&b, map_at(params, "argv"));
	const char *text = buf_str(h->a, &b).p;
	buf_free(&b);
	return text;
}

static bool observe_either(struct host *h, const struct value *params, bool shell,
	struct observation *o, struct err *e)
{
	const struct restype *type = shell ? &restype_shell : &restype_command;
	bool probe = map_bool(params, "_probe", false);
	if (probe && probe_waits(h, type, o))
		return true;
	const char *why;
	bool perhaps;
	if (!is_needless(h, params, &why, &perhaps, e))
		return false;
	if (why) {
		result_set(h, params, o, 0, str_c(why), str_c(""));
		return true;
	}
	if (probe) {
		bool ok = run_command(h, params, shell, o, e);
		if (o->result->map.n) /* a command that ran counts as changed, as in Ansible */
			map_put(h->a, o->result, "changed", value_bool(h->a, true));
		return ok;
	}
	if (perhaps)
		observe_maybe(h, o, "until the steps before it have run (creates, removes)");
	observe_run(h, o, "run", show_command(h, params));
	return true;
}

static void command_foresee(
	const struct value *params, const struct observation *o, struct foresight *f)
{
	const char *creates = map_cstr(params, "creates", "");
	if (observed_change(o, "run") && creates[0] == '/' && !strpbrk(creates, "*?[$"))
		foresee_made(f, creates);
}

static bool command_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	return observe_either(h, params, false, o, e);
}

static bool shell_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	return observe_either(h, params, true, o, e);
}

static bool command_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	return !observed_change(o, "run") || run_command(h, params, false, o, e);
}

static bool shell_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	return !observed_change(o, "run") || run_command(h, params, true, o, e);
}

/* ---- the types ---- */

static bool command_check(const struct value *params, struct errs *errs)
{
	const struct value *cmd = map_at(params, "cmd"), *argv = map_at(params, "argv");
	const char **words;
	struct err e = {0};
	if (!cmd && !argv)
		return errs_add(errs, params->pos, "the task has no command");
	if (cmd && argv)
		return errs_add(
			errs, argv->pos, "the task has both a command text and argv; remove one");
	if (!cmd || cmd->type != VALUE_STR)
		return true;
	if (!split_words(errs->a, cmd->s, &words, &e))
		return errs_add(errs, cmd->pos, "%s", e.msg);
	return words[0] || errs_add(errs, cmd->pos, "command is empty");
}

#define COMMON_FIELDS                                                                             \
	{.name = "chdir", .kind = FIELD_PATH, .doc = "Folder in which it runs."},                 \
		{.name = "creates",                                                               \
			.kind = FIELD_STR,                                                        \
			.doc = "A path or pattern, also with ~ or $HOME: if it exists, the "      \
			       "command does not run."},                                          \
		{.name = "removes",                                                               \
			.kind = FIELD_STR,                                                        \
			.doc = "A path or pattern, as in creates: if it does not exist, "         \
			       "the command does not run."},                                      \
		{.name = "stdin", .kind = FIELD_STR, .doc = "Text for standard input."},          \
		{.name = "stdin_add_newline",                                                     \
			.kind = FIELD_BOOL,                                                       \
			.dflt = "true",                                                           \
			.doc = "Append a newline to stdin."},                                     \
		{.name = "strip_empty_ends",                                                      \
			.kind = FIELD_BOOL,                                                       \
			.dflt = "true",                                                           \
			.doc = "Drop the newlines at the end of stdout and stderr."},             \
	{                                                                                         \
		.name = "_probe", .kind = FIELD_BOOL, .dflt = "false",                            \
		.doc = "Internal: the command only reads (check_mode: false), so a plan runs it." \
	}

static const struct field command_fields[] = {
	{.name = "cmd",
		.kind = FIELD_STR,
		.aliases = "_raw_params",
		.doc = "The command line, split into words as by a shell; nothing is expanded."},
	{.name = "argv", .kind = FIELD_LIST, .doc = "The command as a list of arguments."},
	COMMON_FIELDS,
	{.name = NULL},
};

static const struct field shell_fields[] = {
	{.name = "cmd",
		.kind = FIELD_STR,
		.aliases = "_raw_params",
		.flags = FIELD_REQUIRED,
		.doc = "The script."},
	{.name = "executable",
		.kind = FIELD_PATH,
		.dflt = "/bin/sh",
		.doc = "The shell that runs it."},
	COMMON_FIELDS,
	{.name = NULL},
};

static const struct field returns[] = {
	{.name = "rc", .kind = FIELD_INT, .doc = "Exit status."},
	{.name = "stdout", .kind = FIELD_STR, .doc = "Standard output."},
	{.name = "stdout_lines", .kind = FIELD_LIST, .doc = "Standard output as a list of lines."},
	{.name = "stderr", .kind = FIELD_STR, .doc = "Standard error."},
	{.name = "stderr_lines", .kind = FIELD_LIST, .doc = "Standard error as a list of lines."},
	{.name = "cmd", .kind = FIELD_ANY, .doc = "The command."},
	{.name = NULL},
};

const struct restype restype_command = {
	.name = "command",
	.full_names = BUILTIN_NAMES("command"),
	.key = "cmd",
	.doc = "Runs a program, without a shell. With creates or removes it runs only when "
	       "needed; with check_mode: false it only reads, and runs when the plan is made.",
	.example = "- command:\n    cmd: newaliases\n    creates: /etc/aliases.db\n",
	.fields = command_fields,
	.returns = returns,
	.class = RES_ALL,
	.touches = RES_ALL,
	.check = command_check,
	.foresee = command_foresee,
	.observe = command_observe,
	.apply = command_apply,
};

const struct restype restype_shell = {
	.name = "shell",
	.full_names = BUILTIN_NAMES("shell"),
	.key = "cmd",
	.doc = "Runs a script in a shell. Everything else is as in command.",
	.example = "- shell: postqueue -p | grep -c '^[A-F0-9]'\n  check_mode: false\n",
	.fields = shell_fields,
	.returns = returns,
	.class = RES_ALL,
	.touches = RES_ALL,
	.foresee = command_foresee,
	.observe = shell_observe,
	.apply = shell_apply,
};
