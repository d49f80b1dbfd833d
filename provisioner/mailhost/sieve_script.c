/* SPDX-License-Identifier: MIT
 *
 * The type `sieve_script`: a Sieve script with the compiled form that Dovecot runs (sievec(1)); the
 * users who run it cannot compile it themselves. The compiled file gets the script's modification
 * time plus one second: any other time means that somebody changed one of the two.
 */
#include <unistd.h>
#include "host/args.h"
#include "host/path.h"
#include "host/scratch.h"
#include "mailhost/compiled.h"
#include "mailhost/types.h"

enum { SAID_MAX = 500, NEWER_S = 1 /* Pigeonhole requires it to be newer than its script */ };
#define ENDING ".sieve"
#define COMPILED_ENDING ".svbin"

static const struct field sieve_script_fields[] = {
	{.name = "path",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.aliases = "dest name",
		.doc = "The script, NAME.sieve; the compiled form NAME.svbin is beside it."},
	{.name = "content", .kind = FIELD_STR, .flags = FIELD_REQUIRED, .doc = "Its text."},
	WRITE_FIELDS,
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field sieve_script_returns[] = {
	{.name = "path", .kind = FIELD_STR, .doc = "The script."},
	{.name = "compiled", .kind = FIELD_STR, .doc = "The compiled form."},
	{0},
};

static bool sieve_script_check(const struct value *params, struct errs *errs)
{
	const struct value *path = map_at(params, "path");
	bool ok = check_validate(params, errs);
	if (path && path->type == VALUE_STR && !str_ends(path->s, ENDING))
		ok = errs_add(errs, path->pos, "'%s' must end in " ENDING, path->s.p);
	return ok;
}

static const char *compiled_path(struct arena *a, const char *path)
{
	return arena_printf(a, "%.*s" COMPILED_ENDING, (int)(strlen(path) - strlen(ENDING)), path);
}

/* "absent", "stale", or NULL when the compiled file is up to date. */
static const char *compiled_state(struct host *h, const char *path)
{
	struct stat script, made;
	if (lstat(path, &script) < 0 || lstat(compiled_path(h->a, path), &made) < 0)
		return "absent";
	return compiled_fits(&script, &made, NEWER_S) ? NULL : "stale";
}

static bool sieve_script_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	const struct value *content = map_at(params, "content");
	const struct str *now;
	observation_init(h, o);
	if (!path_read_own(h, path, FILE_MAX, &now, o, e) || (!now && !parent_there(h, path, e)))
		return false;
	if (!now || !str_eq(*now, content->s))
		observe_content(h, o, now, content->s, value_has_secret(content));
	if (!attr_observe(h, path, params, o, e))
		return false;
	const char *state = compiled_state(h, path);
	if (state || o->changes->list.n)
		observe_attr(h, o, "compiled", state ? state : "stale", "current");
	map_put(h->a, o->result, "path", value_text(h->a, path));
	map_put(h->a, o->result, "compiled", value_text(h->a, compiled_path(h->a, path)));
	return true;
}

/* ---- compiling ---- */

/* Compiles the script in its final place, because the compiled form contains its path; so nobody
 * else may be able to replace the script meanwhile. Names the configuration: otherwise sievec asks
 * the running Dovecot, which may not have loaded it yet. */
static bool compile_script(struct host *h, const char *path, const char *to, struct err *e)
{
	const char *argv[] = {"sievec", "-c", "/etc/dovecot/dovecot.conf", path, to, NULL};
	struct proc_result r;
	if (!program_there("sievec"))
		return err_set(e, ERR_PERMANENT,
			"%s cannot be compiled: sievec is not installed on the host; install "
			"dovecot-sieve in an earlier step",
			path);
	if (!run_with(h, argv, (struct str){0}, &r, e))
		return false;
	return r.status == 0 || err_set(e, ERR_CONFIG, "%s does not compile: %s", path,
					last_words(h->a, r.err_out, SAID_MAX));
}

static bool sieve_script_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	char folder[SCRATCH_MAX];
	if (!folder_is_guarded(path_dir(h->a, path), e) || !apply_content(h, path, params, o, e))
		return false;
	if (!scratch_open(SCRATCH_MEMORY, folder, e))
		return false;
	const char *made = path_join(h->a, folder, path_base(compiled_path(h->a, path)));
	bool ok = compile_script(h, path, made, e) &&
		  compiled_install(h, path, made, compiled_path(h->a, path), NEWER_S, e);
	scratch_close(folder);
	return ok;
}

const struct restype restype_sieve_script = {
	.name = "sieve_script",
	.key = "path",
	.doc = "A Sieve script for all users with its compiled form. Dovecot's configuration "
	       "determines which extensions it may use, so write that first.",
	.example = "- name: What a move into Spam does\n  sieve_script:\n"
		   "    path: /etc/dovecot/sieve/learn-spam.sieve\n"
		   "    content: \"{{ lookup('template', 'learn-spam.sieve.j2') }}\"\n"
		   "    owner: root\n    group: root\n    mode: '0644'\n",
	.fields = sieve_script_fields,
	.returns = sieve_script_returns,
	.class = RES_FILE,
	.touches = RES_FILE | RES_COMMAND,
	.refuses = true,
	.check = sieve_script_check,
	.observe = sieve_script_observe,
	.apply = sieve_script_apply,
};
