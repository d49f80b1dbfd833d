/* SPDX-License-Identifier: MIT
 *
 * The type `activation`, for handlers: makes a daemon load its new configuration and verifies that
 * it works with it. Never relies on an exit code alone; the agent restores the old files.
 */
#include <unistd.h>
#include "host/args.h"
#include "host/regex.h"
#include "mailhost/health_check.h"
#include "resource/service.h"
#include "mailhost/types.h"
#include "host/logs.h"

enum { SAID_MAX = 600, READY_MS = 3000, READY_TICK_US = 10000, TIMEOUT_MAX = 600 };
#define REFUSE_DEFAULT "(?i)(warning|error|fatal): "
#define COMPLAINTS_DEFAULT "(?i)(fatal|panic): "

static const struct field activation_fields[] = {
	{.name = "name", .kind = FIELD_STR, .flags = FIELD_REQUIRED, .doc = "The service's name."},
	{.name = "action",
		.kind = FIELD_ENUM,
		.choices = "reloaded restarted",
		.dflt = "reloaded",
		.doc = "How the service loads its configuration. Both start a stopped service."},
	{.name = "command",
		.kind = FIELD_LIST,
		.doc = "Instead of the service manager: a program and its arguments that make the "
		       "service load its configuration. The name is then only a label."},
	{.name = "check",
		.kind = FIELD_LIST,
		.doc = "Commands that check the configuration first: they must exit with 0 and "
		       "print no line that matches refuse. No shell is used."},
	{.name = "refuse",
		.kind = FIELD_STR,
		.dflt = REFUSE_DEFAULT,
		.doc = "Pattern of output lines that mean that a check failed, whatever its exit "
		       "code."},
	{.name = "ready",
		.kind = FIELD_STR,
		.doc = "Pattern of the journal line that shows that the new configuration is in "
		       "use; the probes wait for it where there is a journal."},
	{.name = "complaints",
		.kind = FIELD_STR,
		.dflt = COMPLAINTS_DEFAULT,
		.doc = "Pattern of lines in the service's journal that mean that it failed, even "
		       "if it still answers."},
	{.name = "stuck",
		.kind = FIELD_STR,
		.doc = "Pattern of journal lines after which a reload is not enough: the service "
		       "is restarted when its old files are back."},
	{.name = "log",
		.kind = FIELD_PATH,
		.doc = "Log file of the service beside the journal; its lines must begin with the "
		       "time, as in 2026-11-21 15:06:41."},
	{.name = "probes",
		.kind = FIELD_LIST,
		.sub = probe_fields,
		.doc = "Probes that must succeed afterwards."},
	{.name = "timeout",
		.kind = FIELD_INT,
		.min = 1,
		.max = TIMEOUT_MAX,
		.dflt = "30",
		.doc = "Seconds that each probe may take to succeed."},
	{.name = NULL},
};

static const struct field activation_returns[] = {
	{.name = "name", .kind = FIELD_STR, .doc = "The service's name."},
	{.name = "rolled_back",
		.kind = FIELD_LIST,
		.doc = "Files that were restored after a failure."},
	{.name = NULL},
};

static bool activation_check(const struct value *params, struct errs *errs)
{
	const struct value *probes = map_at(params, "probes");
	static const char *const patterns[] = {"refuse", "ready", "complaints", "stuck"};
	bool ok = true;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		ok = pattern_check(params, patterns[i], 0, errs) && ok;
	for (size_t i = 0; probes && probes->type == VALUE_LIST && i < probes->list.n; i++)
		if (probes->list.v[i]->type == VALUE_MAP)
			ok = probe_check(probes->list.v[i], errs) && ok;
	return ok;
}

static bool wants_restart(const struct value *params)
{
	return strcmp(map_cstr(params, "action", ""), "restarted") == 0;
}

static const char *activation_summary(struct arena *a, const struct value *params)
{
	const struct value *probes = map_at(params, "probes");
	struct buf b;
	buf_init(&b, 4096);
	buf_addf(&b, "%s %s", wants_restart(params) ? "restart" : "reload",
		map_cstr(params, "name", ""));
	for (size_t i = 0; probes && probes->type == VALUE_LIST && i < probes->list.n; i++)
		buf_addf(&b, "%s%s", i ? ", " : ", then probe ", probe_name(probes->list.v[i]));
	const char *text = buf_str(a, &b).p;
	buf_free(&b);
	return text;
}

static bool activation_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *name = map_cstr(params, "name", "");
	observation_init(h, o);
	if (map_at(params, "command"))
		observe_run(h, o, "state", wants_restart(params) ? "restart" : "reload");
	else if (!service_activation_look(h, name, wants_restart(params), o, e))
		return false;
	o->result = value_map(h->a);
	map_put(h->a, o->result, "name", value_text(h->a, name));
	return true;
}

/* ---- checks before ---- */

/* The lines of a check's output that match `refuse`, and no others: it may also print the
 * configuration, with keys in it. NULL: there are none. */
static const char *find_refusal(struct host *h, const char *refuse, struct str said)
{
	struct err ignored = {0};
	struct pattern *p = pattern_compile(h->a, str_c(refuse), PATTERN_LINES, &ignored);
	struct line line;
	struct buf b;
	buf_init(&b, PROC_OUTPUT);
	while (p && line_next(&said, &line)) {
		const char *text = str_dup(h->a, line.p, line.n).p;
		if (pattern_search(p, text, false, NULL))
			buf_addf(&b, "%s\n", text);
	}
	const char *words = b.n ? last_words(h->a, buf_str(h->a, &b), SAID_MAX) : NULL;
	pattern_free(p);
	buf_free(&b);
	return words;
}

/* What the daemon logged: lines that match `complaints`, or else lines that look like errors. */
static const char *log_words(struct host *h, struct unit_log *log, const char *complaints)
{
	const char *words = complaints ? unit_log_words(h, log, complaints, SAID_MAX) : NULL;
	if (!words)
		words = unit_log_words(h, log, NULL, SAID_MAX);
	return words ? words : "it logged no error";
}

static bool run_check(struct host *h, const struct value *params, const char *text, struct err *e)
{
	const char *refuse = map_cstr(params, "refuse", REFUSE_DEFAULT);
	const char **argv;
	struct proc_result r;
	if (!split_words(h->a, str_c(text), &argv, e))
		return false;
	if (!argv[0])
		return err_set(e, ERR_CONFIG, "check is empty");
	struct unit_log log = unit_log_open(h, NULL, NULL); /* postfix check reports only there */
	if (!run_with(h, argv, (struct str){0}, &r, e))
		return false;
	const char *words = find_refusal(h, refuse, r.err_out);
	if (!words)
		words = find_refusal(h, refuse, r.out);
	if (r.status == 0)
		return !words || err_set(e, ERR_PERMANENT, "%s failed: %s", text, words);
	struct str said = r.err_out.n ? r.err_out : r.out;
	if (!words)
		words = said.n ? last_words(h->a, said, SAID_MAX) : log_words(h, &log, NULL);
	return err_set(e, ERR_PERMANENT, "%s failed (exit %d): %s", text, r.status, words);
}

static bool run_checks(struct host *h, const struct value *params, struct err *e)
{
	const struct value *checks = map_at(params, "check");
	for (size_t i = 0; checks && i < checks->list.n; i++)
		if (!run_check(h, params, value_print(h->a, checks->list.v[i]).p, e))
			return false;
	return true;
}

/* ---- the journal ---- */

/* Called many times, so its memory is freed each time. */
static bool log_has(struct host *h, struct unit_log *log, const char *pattern)
{
	struct err ignored = {0};
	struct host own = *h;
	if (!pattern || !*pattern || !unit_log_exists(log))
		return false;
	own.a = arena_new();
	struct pattern *p = pattern_compile(own.a, str_c(pattern), PATTERN_LINES, &ignored);
	bool found = p && pattern_search(p, unit_log_lines(&own, log).p, false, NULL);
	pattern_free(p);
	arena_free(own.a);
	return found;
}

/* A reload is only a signal: a daemon that answers at once may still use the old configuration. */
static void wait_until_ready(struct host *h, const struct value *params, struct unit_log *log)
{
	const char *ready = map_cstr(params, "ready", NULL);
	for (int waited = 0; ready && log->since && waited < READY_MS;
		waited += READY_TICK_US / 1000) {
		if (log_has(h, log, ready))
			return;
		usleep(READY_TICK_US);
	}
}

static const char *log_file(const struct value *params)
{
	return map_cstr(params, "log", NULL);
}

struct activating {
	struct host *h;
	const struct value *params;
	struct unit_log log;
};

static const char *complaints_of(const struct value *params)
{
	return map_cstr(params, "complaints", COMPLAINTS_DEFAULT);
}

static bool has_complained(void *ctx)
{
	struct activating *act = ctx;
	return log_has(act->h, &act->log, complaints_of(act->params));
}

static bool with_words(struct activating *act, struct err *e)
{
	struct err first = *e;
	*e = (struct err){0};
	if (has_complained(act))
		first.kind = ERR_PERMANENT;
	return err_set(e, first.kind, "%s; %s says: %s", first.msg,
		map_cstr(act->params, "name", ""),
		log_words(act->h, &act->log, complaints_of(act->params)));
}

/* ---- probes after ---- */

static bool run_probes(struct activating *act, int timeout_s, struct err *e)
{
	const struct value *probes = map_at(act->params, "probes");
	struct probe_patience patience = {timeout_s, has_complained, act};
	for (size_t i = 0; probes && i < probes->list.n; i++) {
		if (act->h->note)
			act->h->note(act->h->ctx, "probing %s", probe_name(probes->list.v[i]));
		if (!probe_run(act->h, probes->list.v[i], &patience, e))
			return false;
	}
	return !has_complained(act) ||
	       err_set(e, ERR_PERMANENT, "service '%s' reports errors with its new configuration",
		       map_cstr(act->params, "name", ""));
}

static bool run_command(struct host *h, const struct value *command, struct err *e)
{
	struct args argv = {0};
	for (size_t i = 0; i < command->list.n; i++)
		args_add(h->a, &argv, value_print(h->a, command->list.v[i]).p);
	if (!argv.n)
		return err_set(e, ERR_CONFIG, "the command is empty");
	return run_program(h, argv.v, NULL, e);
}

/* Did it start after the last change? Then it has read everything already. */
static bool started_with_it(struct host *h, const struct value *params, int64_t *since_us)
{
	if (h->changed_ms == 0 || map_at(params, "command"))
		return false;
	*since_us = service_runs_since(h, map_cstr(params, "name", ""));
	return *since_us >= h->changed_ms * 1000;
}

static bool daemon_serves(
	struct host *h, const struct value *params, int64_t since_us, int timeout_s)
{
	const char *name = map_cstr(params, "name", "");
	struct activating act = {h, params, unit_log_from(h, name, log_file(params), since_us)};
	struct err ignored = {0};
	return service_await(h, name, &ignored) && run_probes(&act, timeout_s, &ignored);
}

static bool activate_daemon(
	struct host *h, const struct value *params, bool restart, int timeout_s, struct err *e)
{
	const char *name = map_cstr(params, "name", "");
	struct activating act = {h, params, unit_log_open(h, name, log_file(params))};
	const struct value *command = map_at(params, "command");
	if (command ? !run_command(h, command, e) : !service_activate(h, name, restart, e))
		return false;
	if (!restart)
		wait_until_ready(h, params, &act.log);
	return run_probes(&act, timeout_s, e) || with_words(&act, e);
}

/* Reloads; restarts when nothing answers after that and the log has no error. Postfix's master does
 * not start a failed daemon again for a minute, even after a reload. */
static bool reload_daemon(struct host *h, const struct value *params, int timeout_s, struct err *e)
{
	struct err first = {0};
	if (activate_daemon(h, params, false, timeout_s, &first))
		return true;
	if (first.kind == ERR_TRANSIENT)
		return activate_daemon(h, params, true, timeout_s, e);
	*e = first;
	return false;
}

static bool activation_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	int timeout_s = (int)map_int(params, "timeout", 30);
	int64_t since_us;
	(void)o;
	if (!run_checks(h, params, e))
		return false;
	if (started_with_it(h, params, &since_us)) {
		/* When it started, files of other roles that it reads may still
		 * have been missing. */
		if (daemon_serves(h, params, since_us, timeout_s))
			return true;
		return activate_daemon(h, params, true, timeout_s, e);
	}
	return wants_restart(params) ? activate_daemon(h, params, true, timeout_s, e)
				     : reload_daemon(h, params, timeout_s, e);
}

static bool is_stuck(struct host *h, const struct value *params)
{
	enum { AGO_MS = 60000 };
	const char *pattern = map_cstr(params, "stuck", NULL);
	struct unit_log log = unit_log_from(
		h, map_cstr(params, "name", ""), log_file(params), (now_ms() - AGO_MS) * 1000);
	return pattern && log_has(h, &log, pattern);
}

/* Reloads, and restarts when that is not enough. */
static bool activation_reactivate(struct host *h, const struct value *params, struct err *e)
{
	enum { FIRST_TRY_S = 3 };
	struct err first = {0};
	if (!wants_restart(params) && !is_stuck(h, params) &&
		activate_daemon(h, params, false, FIRST_TRY_S, &first))
		return true;
	return activate_daemon(h, params, true, (int)map_int(params, "timeout", 30), e);
}

const struct restype restype_activation = {
	.name = "activation",
	.key = "name",
	.doc = "Makes a service load its new configuration and verifies with probes that it "
	       "works; for handlers. A service that was started after the last change is only "
	       "probed. On failure its changed files are restored, and it is activated again with "
	       "them.",
	.example = "- name: Reload Postfix\n  activation:\n    name: postfix\n    check: [postfix "
		   "check]\n"
		   "    probes:\n"
		   "      - name: SMTP\n        address: 127.0.0.1:25\n        dialog:\n"
		   "          - {expect: '^220 '}\n"
		   "          - {send: \"QUIT\\r\\n\", expect: '^221 '}\n",
	.fields = activation_fields,
	.returns = activation_returns,
	.class = RES_SERVICE,
	.touches = RES_SERVICE | RES_COMMAND,
	.check = activation_check,
	.summary = activation_summary,
	.observe = activation_observe,
	.apply = activation_apply,
	.reactivate = activation_reactivate,
};
