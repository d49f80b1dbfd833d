/* SPDX-License-Identifier: MIT
 *
 * What systemd says about units, over D-Bus or by systemctl, and what its folders hold. Never
 * changes a service.
 */
#include <dirent.h>
#include <glob.h>
#include <unistd.h>
#include "host/sdbus.h"
#include "host/systemd.h"
#include "host/sysv.h"

#define LINKS_FOLDER "/etc/systemd/system"
enum { LINKS_MAX = 4096 };

#define SHOWN                                                                            \
	"--property=Id,LoadState,ActiveState,SubState,UnitFileState,Type,Result,PartOf," \
	"NeedDaemonReload,DropInPaths"

bool systemd_runs(void)
{
	return access("/run/systemd/system", F_OK) == 0; /* sd_booted(3) */
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
	return script_at_boot(a, s->id) ? UNIT_ENABLED : UNIT_DISABLED;
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
static bool show_units(
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

bool systemd_query(
	struct host *h, const char *const *names, size_t n, struct unit *out, struct err *e)
{
	struct str answer;
	if (n == 0)
		return true;
	if (!show_units(h, names, n, &answer, e))
		return false;
	unit_parse(h->a, answer, names, n, out);
	return true;
}

/* A unit that groups instances was started with them. */
int64_t systemd_runs_since(struct host *h, const char *name)
{
	const char *full = with_suffix(h->a, name);
	const char *argv[] = {"systemctl", "show", "--no-pager",
		"--property=InactiveExitTimestampMonotonic", "--", full,
		arena_printf(h->a, "%s@*.service", script_name(h->a, full)), NULL};
	struct str answer;
	struct line line;
	struct err ignored = {0};
	int64_t first = 0;
	if (!run_program(h, argv, &answer, &ignored))
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

/* ---- files that systemd has not read ---- */

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

static bool find_changed(struct host *h, bool *changed, struct err *e)
{
	const char *argv[] = {"systemctl", "show", "--no-pager",
		"--property=Id,NeedDaemonReload,DropInPaths", "*.service", "*.socket", "*.timer",
		NULL};
	struct str answer;
	struct shown s;
	if (!run_program(h, argv, &answer, e))
		return false;
	while (!*changed && next_block(h->a, &answer, &s))
		*changed = text_is(s.need_reload, "yes") || dropin_unread(h, s.id, s.dropins);
	return true;
}

bool systemd_files_changed(struct host *h, const struct unit *u, bool *changed, struct err *e)
{
	*changed = u && (u->need_reload || dropin_unread(h, u->id, u->dropins));
	return u || find_changed(h, changed, e);
}

/* ---- lists of units ---- */

bool systemd_list_running(struct host *h, struct args *names, struct err *e)
{
	const char *argv[] = {"systemctl", "list-units", "--type=service", "--state=active",
		"--plain", "--no-legend", "--no-pager", NULL};
	struct str out;
	struct line line;
	if (!run_program(h, argv, &out, e))
		return false;
	while (line_next(&out, &line)) {
		size_t n = 0;
		while (n < line.n && line.p[n] != ' ')
			n++;
		if (n > 8 && memcmp(line.p + n - 8, ".service", 8) == 0)
			args_add(h->a, names, str_dup(h->a, line.p, n - 8).p);
	}
	return true;
}

static void links_of(struct arena *a, const char *folder, struct args *names)
{
	DIR *dir = opendir(folder);
	const struct dirent *d;
	while (dir && names->n < LINKS_MAX && (d = readdir(dir)))
		if (d->d_name[0] != '.' && unit_name_valid(d->d_name))
			args_add(a, names, arena_strdup(a, d->d_name));
	if (dir)
		closedir(dir);
}

void systemd_list_enabled(struct arena *a, struct args *names)
{
	DIR *dir = opendir(LINKS_FOLDER);
	const struct dirent *d;
	while (dir && (d = readdir(dir)))
		if (str_ends(str_c(d->d_name), ".wants") || str_ends(str_c(d->d_name), ".requires"))
			links_of(a, path_join(a, LINKS_FOLDER, d->d_name), names);
	if (dir)
		closedir(dir);
}

/* ---- over D-Bus ---- */

/* Counts the instances of a group unit which is "active (exited)". */
static bool look_at_parts(struct arena *a, const struct shown *s, struct unit *u)
{
	struct args parts = {0};
	if (!text_is(s->sub, "exited"))
		return true;
	for (const char *p = s->consists_of; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");
		args_add(a, &parts, str_dup(a, p, len).p);
		p += len;
	}
	struct shown *found = ARENA_ARRAY(a, struct shown, parts.n);
	if (parts.n && !sdbus_show(a, parts.v, parts.n, found))
		return false;
	for (size_t i = 0; i < parts.n; i++) {
		found[i].part_of = u->id;
		count_instance(&found[i], u, 1);
	}
	return true;
}

struct sdbus_talk *systemd_ask(struct arena *a, const char *const *names, size_t n)
{
	struct args full = {0};
	for (size_t i = 0; i < n; i++)
		args_add(a, &full, with_suffix(a, names[i]));
	return sdbus_ask(a, full.v, n);
}

bool systemd_answer(
	struct arena *a, struct sdbus_talk *t, size_t i, const char *name, struct unit *out)
{
	struct shown s;
	if (!sdbus_answer(t, i, &s))
		return false;
	unit_from(a, &s, name, out);
	return look_at_parts(a, &s, out);
}

bool systemd_look(struct host *h, const char *name, struct unit *out, struct err *e)
{
	const char *full = with_suffix(h->a, name);
	struct shown s;
	if (!sdbus_show(h->a, &full, 1, &s))
		return systemd_query(h, &name, 1, out, e);
	unit_from(h->a, &s, name, out);
	return look_at_parts(h->a, &s, out) || systemd_query(h, &name, 1, out, e);
}
