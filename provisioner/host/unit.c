/* SPDX-License-Identifier: MIT
 *
 * Asks systemd about many units with one process, or runs the status action of SysV scripts. Never
 * changes a service.
 */
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/sdbus.h"
#include "host/unit.h"

#define SHOWN                                                                            \
	"--property=Id,LoadState,ActiveState,SubState,UnitFileState,Type,Result,PartOf," \
	"NeedDaemonReload,DropInPaths"

bool unit_settles(const struct unit *u)
{
	return strcmp(u->type, "simple") == 0 || strcmp(u->type, "exec") == 0 ||
	       strcmp(u->type, "idle") == 0;
}

bool unit_did_its_work(const struct unit *u)
{
	return strcmp(u->type, "oneshot") == 0 && strcmp(u->active, "inactive") == 0 &&
	       strcmp(u->result, "success") == 0;
}

bool unit_name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:_.@\\-";
	size_t n = strlen(name);
	return n > 0 && n < 200 && name[0] != '-' && name[0] != '.' && strspn(name, allowed) == n;
}

/* "postfix" -> "postfix.service"; "x.timer" stays. */
static const char *with_suffix(struct arena *a, const char *name)
{
	static const char *const suffixes[] = {".service", ".socket", ".target", ".timer", ".path",
		".mount", ".automount", ".swap", ".slice", ".scope", ".device"};
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (str_ends(str_c(name), suffixes[i]))
			return name;
	return arena_printf(a, "%s.service", name);
}

static const char *script_name(struct arena *a, const char *name)
{
	if (!str_ends(str_c(name), ".service"))
		return name;
	return str_dup(a, name, strlen(name) - strlen(".service")).p;
}

/* Does a SysV script start at boot? insserv makes the links (update-rc.d(8)). */
static bool rc_links(struct arena *a, const char *name)
{
	glob_t found;
	const char *pattern = arena_printf(a, "/etc/rc[2-5].d/S[0-9][0-9]%s", script_name(a, name));
	bool any = glob(pattern, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc > 0;
	globfree(&found);
	return any;
}

/* ---- systemd ---- */

static bool any_file(struct arena *a, const char *folders, const char *unit)
{
	glob_t found = {0};
	if (strpbrk(unit, "*?[\\")) /* escaped names are no patterns */
		return false;
	bool any = glob(arena_printf(a, "/etc/systemd/system/*%s/%s", folders, unit), GLOB_NOSORT,
			   NULL, &found) == 0 &&
		   found.gl_pathc > 0;
	globfree(&found);
	return any;
}

/* A masked unit may still have links that start it at boot, but systemd does not report them. */
static bool wants_links(struct arena *a, const char *unit)
{
	return any_file(a, ".wants", unit) || any_file(a, ".requires", unit);
}

static void set_property(struct arena *a, struct shown *s, struct line line)
{
	const struct {
		const char *key;
		const char **to;
	} keys[] = {{"Id=", &s->id}, {"LoadState=", &s->load}, {"ActiveState=", &s->active},
		{"SubState=", &s->sub}, {"UnitFileState=", &s->file_state}, {"Type=", &s->type},
		{"Result=", &s->result}, {"PartOf=", &s->part_of},
		{"NeedDaemonReload=", &s->need_reload}, {"DropInPaths=", &s->dropins}};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		size_t n = strlen(keys[i].key);
		if (line.n >= n && memcmp(line.p, keys[i].key, n) == 0)
			*keys[i].to = str_dup(a, line.p + n, line.n - n).p;
	}
}

/* The next block of the answer; an empty line separates blocks. */
static bool next_block(struct arena *a, struct str *rest, struct shown *s)
{
	struct line line;
	bool any = false;
	*s = (struct shown)SHOWN_NOTHING;
	while (line_next(rest, &line)) {
		if (line.n == 0 && any)
			return true;
		any = any || line.n > 0;
		set_property(a, s, line);
	}
	return any;
}

static bool text_is(const char *s, const char *what)
{
	return strcmp(s, what) == 0;
}

/* Active by systemctl is-active, except between two failing starts of a unit. */
static bool unit_runs(const struct shown *s)
{
	if (text_is(s->sub, "auto-restart"))
		return false;
	return text_is(s->active, "active") || text_is(s->active, "activating") ||
	       text_is(s->active, "reloading") || text_is(s->active, "refreshing");
}

static enum unit_enabled enabled_of(struct arena *a, const struct shown *s)
{
	const char *f = s->file_state;
	if (text_is(f, "enabled") || text_is(f, "alias"))
		return UNIT_ENABLED;
	if (text_is(f, "enabled-runtime"))
		return UNIT_RUNTIME;
	if (strncmp(f, "masked", 6) == 0)
		return wants_links(a, s->id) ? UNIT_ENABLED : UNIT_DISABLED;
	if (text_is(f, "static") || text_is(f, "indirect") || text_is(f, "transient"))
		return UNIT_FIXED;
	if (!text_is(f, "generated"))
		return UNIT_DISABLED;
	const char *script = arena_printf(a, "/etc/init.d/%s", script_name(a, s->id));
	if (access(script, F_OK) != 0)
		return UNIT_FIXED;
	return rc_links(a, s->id) ? UNIT_ENABLED : UNIT_DISABLED;
}

static void unit_from(struct arena *a, const struct shown *s, const char *name, struct unit *u)
{
	*u = (struct unit){.name = name,
		.id = s->id[0] ? s->id : with_suffix(a, name),
		.active = s->active,
		.sub = s->sub,
		.load = s->load,
		.file_state = s->file_state,
		.type = s->type,
		.result = s->result,
		.running = unit_runs(s),
		.masked = strncmp(s->file_state, "masked", 6) == 0 || text_is(s->load, "masked"),
		.need_reload = text_is(s->need_reload, "yes"),
		.dropins = s->dropins};
	u->found = (s->load[0] && !text_is(s->load, "not-found")) || u->running;
	u->enabled = enabled_of(a, s);
	if (text_is(s->active, "failed") || text_is(s->sub, "auto-restart"))
		u->trouble = u->id;
}

/* A unit like Postfix's only groups its instances and stays "active (exited)" when they have ended:
 * then it does not run. */
static void count_instance(const struct shown *s, struct unit *units, size_t n)
{
	if (unit_runs(s) || !s->part_of[0])
		return;
	for (size_t i = 0; i < n; i++) {
		if (!text_is(units[i].sub, "exited") || !word_in(s->part_of, str_c(units[i].id)))
			continue;
		units[i].running = false;
		units[i].trouble = s->id;
	}
}

void unit_parse(
	struct arena *a, struct str answer, const char *const *names, size_t n, struct unit *out)
{
	struct shown s;
	for (size_t i = 0; i < n; i++) {
		if (!next_block(a, &answer, &s))
			s = (struct shown)SHOWN_NOTHING;
		unit_from(a, &s, names[i], &out[i]);
	}
	while (next_block(a, &answer, &s))
		count_instance(&s, out, n);
}

/* The answer begins with the names, in their order, followed by the matches of the patterns. */
static bool ask_systemd(
	struct host *h, const char *const *names, size_t n, struct str *answer, struct err *e)
{
	struct args argv = {0};
	args_add(h->a, &argv, "systemctl");
	args_add(h->a, &argv, "show");
	args_add(h->a, &argv, "--no-pager");
	args_add(h->a, &argv, "--all"); /* patterns match stopped instances too */
	args_add(h->a, &argv, SHOWN);
	args_add(h->a, &argv, "--");
	for (size_t i = 0; i < n; i++)
		args_add(h->a, &argv, with_suffix(h->a, names[i]));
	for (size_t i = 0; i < n; i++) {
		const char *name = with_suffix(h->a, names[i]);
		if (str_ends(str_c(name), ".service") && !strchr(name, '@'))
			args_addf(h->a, &argv, "%s@*.service", script_name(h->a, name));
	}
	return run_program(h, argv.v, answer, e);
}

/* A unit that groups instances was started with them. */
int64_t unit_runs_since(struct host *h, const char *name)
{
	const char *full = with_suffix(h->a, name);
	const char *argv[] = {"systemctl", "show", "--no-pager",
		"--property=InactiveExitTimestampMonotonic", "--", full,
		arena_printf(h->a, "%s@*.service", script_name(h->a, full)), NULL};
	struct str answer;
	struct line line;
	struct err ignored = {0};
	int64_t first = 0;
	if (!systemd_runs() || !run_program(h, argv, &answer, &ignored))
		return 0;
	while (line_next(&answer, &line)) {
		const char *at = memchr(line.p, '=', line.n);
		if (!at)
			continue;
		int64_t us = strtoll(at + 1, NULL, 10);
		if (us <= 0)
			return 0;
		first = first == 0 || us < first ? us : first;
	}
	return first;
}

/* Is the path, which may contain blanks, in a list of paths separated by blanks? */
static bool lists_path(const char *list, const char *path)
{
	size_t n = strlen(path);
	for (const char *at = list; (at = strstr(at, path)); at += n)
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0))
			return true;
	return false;
}

/* Has the unit a drop-in that is not in `known`, paths separated by blanks? */
static bool dropin_unread(struct host *h, const char *unit, const char *known)
{
	const char *pattern = arena_printf(h->a, "/etc/systemd/system/%s.d/*.conf", unit);
	glob_t found = {0};
	bool unread = false;
	if (strpbrk(unit, "*?[\\")) /* escaped names are no patterns */
		return false;
	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			unread = unread || !lists_path(known, found.gl_pathv[i]);
	globfree(&found);
	return unread;
}

bool unit_needs_reload(struct host *h, const struct unit *u)
{
	return u->need_reload || (systemd_runs() && dropin_unread(h, u->id, u->dropins));
}

bool unit_any_needs_reload(struct host *h, bool *needs, struct err *e)
{
	const char *argv[] = {"systemctl", "show", "--no-pager",
		"--property=Id,NeedDaemonReload,DropInPaths", "*.service", "*.socket", "*.timer",
		NULL};
	struct str answer;
	struct shown s;
	*needs = false;
	if (!systemd_runs())
		return true;
	if (!run_program(h, argv, &answer, e))
		return false;
	while (!*needs && next_block(h->a, &answer, &s))
		*needs = text_is(s.need_reload, "yes") || dropin_unread(h, s.id, s.dropins);
	return true;
}

/* ---- SysV ---- */

static bool ask_script(struct host *h, const char *name, struct unit *u, struct err *e)
{
	const char *script = arena_printf(h->a, "/etc/init.d/%s", script_name(h->a, name));
	const char *argv[] = {script, "status", NULL};
	struct proc_result r;
	*u = (struct unit){.name = name,
		.id = script_name(h->a, name),
		.active = "inactive",
		.sub = "",
		.load = "not-found",
		.file_state = "",
		.type = "forking",
		.result = ""};
	if (access(script, X_OK) != 0)
		return true;
	if (!run_with(h, argv, (struct str){0}, &r, e))
		return false;
	u->found = true;
	u->running = r.status == 0; /* LSB: 0 runs, 1 to 3 does not */
	u->active = u->running ? "active" : "inactive";
	u->load = "loaded";
	u->enabled = rc_links(h->a, name) ? UNIT_ENABLED : UNIT_DISABLED;
	u->file_state = u->enabled == UNIT_ENABLED ? "enabled" : "disabled";
	return true;
}

/* The entry about a unit among those found, or NULL. */
static const struct shown *shown_of(const struct shown *s, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (text_is(s[i].id, id))
			return &s[i];
	return NULL;
}

/* The instances of those group units which are "active (exited)". */
static bool look_at_parts(struct arena *a, struct unit *units, const struct shown *s, size_t n)
{
	struct args parts = {0}, of = {0};
	for (size_t i = 0; i < n; i++) {
		if (!text_is(s[i].sub, "exited"))
			continue;
		for (const char *p = s[i].consists_of; *p; p += strspn(p, " ")) {
			size_t len = strcspn(p, " ");
			const char *name = str_dup(a, p, len).p;
			const struct shown *known = shown_of(s, n, name);
			p += len;
			if (known) {
				struct shown part = *known;
				part.part_of = units[i].id;
				count_instance(&part, units, n);
				continue;
			}
			args_add(a, &parts, name);
			args_add(a, &of, units[i].id);
		}
	}
	struct shown *found = ARENA_ARRAY(a, struct shown, parts.n);
	if (parts.n && !sdbus_show(a, parts.v, parts.n, found))
		return false;
	for (size_t i = 0; i < parts.n; i++) {
		found[i].part_of = of.v[i];
		count_instance(&found[i], units, n);
	}
	return true;
}

/* Asks for each unit once: an answer costs systemd about a millisecond. */
static bool show_once(struct arena *a, const char *const *names, size_t n, struct shown *out)
{
	struct args asked = {0};
	size_t *at = ARENA_ARRAY(a, size_t, n);
	for (size_t i = 0; i < n; i++) {
		while (at[i] < asked.n && !text_is(asked.v[at[i]], names[i]))
			at[i]++;
		if (at[i] == asked.n)
			args_add(a, &asked, names[i]);
	}
	struct shown *answers = ARENA_ARRAY(a, struct shown, asked.n);
	if (!sdbus_show(a, asked.v, asked.n, answers))
		return false;
	for (size_t i = 0; i < n; i++)
		out[i] = answers[at[i]];
	return true;
}

static const char *const *full_names(struct arena *a, const char *const *names, size_t n)
{
	struct args full = {0};
	for (size_t i = 0; i < n; i++)
		args_add(a, &full, with_suffix(a, names[i]));
	return full.v;
}

struct sdbus_talk *unit_ask(struct arena *a, const char *const *names, size_t n)
{
	return systemd_runs() ? sdbus_ask(a, full_names(a, names, n), n) : NULL;
}

bool unit_answer(
	struct arena *a, struct sdbus_talk *t, size_t i, const char *name, struct unit *out)
{
	struct shown s;
	if (!sdbus_answer(t, i, &s))
		return false;
	unit_from(a, &s, name, out);
	return look_at_parts(a, out, &s, 1);
}

bool unit_look(struct host *h, const char *const *names, size_t n, struct unit *out, struct err *e)
{
	struct shown *s = ARENA_ARRAY(h->a, struct shown, n);
	if (n == 0 || !systemd_runs() || !show_once(h->a, full_names(h->a, names, n), n, s))
		return unit_query(h, names, n, out, e);
	for (size_t i = 0; i < n; i++)
		unit_from(h->a, &s[i], names[i], &out[i]);
	return look_at_parts(h->a, out, s, n) || unit_query(h, names, n, out, e);
}

bool unit_query(struct host *h, const char *const *names, size_t n, struct unit *out, struct err *e)
{
	struct str answer;
	if (n == 0)
		return true;
	if (systemd_runs()) {
		if (!ask_systemd(h, names, n, &answer, e))
			return false;
		unit_parse(h->a, answer, names, n, out);
		return true;
	}
	for (size_t i = 0; i < n; i++)
		if (!ask_script(h, names[i], &out[i], e))
			return false;
	return true;
}
