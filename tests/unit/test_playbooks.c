/* SPDX-License-Identifier: MIT
 *
 * Whole runs beside ansible-core: tests/cases/playbooks holds plays and what ansible-playbook says
 * of each (record_playbooks writes it). The hosts are real agents on this machine, each with a
 * state of its own; the plays change nothing on it. Sections of a case:
 *   site      the manifest          hosts  its inventory; none: one host, h1
 *   ansible   TASK: HOST STATUS, ... then the recap, then "rc N"; "TASK (ITEM): HOST STATUS" where
 *             an item is a plain word or path
 *   ours      the same, where we mean to differ; lines that begin with # say why
 *   refused   a part of the problem that is found before any host is contacted
 *   plan      HOST KIND TASK of what the plan shows; then the saved plan and a second apply must
 *             give the same, too
 */
#include "case_file.h"
#include <libgen.h>
#include <limits.h>
#include <unistd.h>
#include "fleet/fleet.h"
#include "printed.h"
#include "yaml/yaml.h"

static char root[PATH_MAX]; /* where the tests were started */
static char dir[] = "/tmp/test_playbooks.XXXXXX";
static char states[] = "/dev/shm/test_playbooks.XXXXXX"; /* an agent syncs what it notes */

/* ---- what was said, as lines ---- */
struct said {
	struct arena *a;
	struct value *lines; /* set of "TASK: HOST STATUS", of rows and of "rc N" */
	struct value *status;
};

/* A host that no play came to has a row of zeros or none, and one that cannot be reached is said to
 * be so by a task or by its row alone. */
static void add_line(struct arena *a, struct value *lines, const char *line)
{
	if (*line && *line != '#' && !strstr(line, ": u0") &&
		!strstr(line, " ok=0 changed=0 unreachable=0 failed=0 skipped=0 rescued=0"))
		map_put(a, lines, arena_strdup(a, line), value_null(a));
}

/* The gravest item of a loop is the task's, and an item that is skipped counts least. */
static int rank_status(const char *status)
{
	static const char *const words[] = {"skipped", "ok", "changed", "ignored", "failed"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(status, words[i]))
			return (int)i;
	return -1;
}

/* Whether the failure of an item is ignored, the task says. */
static void take_item(struct said *s, const struct value *event)
{
	const char *item = map_cstr(event, "item", ""), *status = map_cstr(event, "status", "?");
	for (const char *p = item; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_/. ", *p))
			return;
	if (*item)
		add_line(s->a, s->lines,
			arena_printf(s->a, "%s (%s): %s %s", map_cstr(event, "task", "?"), item,
				map_cstr(event, "host", "?"),
				strcmp(status, "ignored") == 0 ? "failed" : status));
}

static void take_step(struct said *s, const struct value *event)
{
	take_item(s, event);
	const char *key = arena_printf(
		s->a, "%s: %s", map_cstr(event, "task", "?"), map_cstr(event, "host", "?"));
	const char *now = map_cstr(event, "status", "?");
	const char *then = map_cstr(s->status, key, NULL);
	if (!then || rank_status(now) > rank_status(then))
		map_put(s->a, s->status, key, value_text(s->a, now));
}

static void take_host(struct said *s, const struct value *event)
{
	static const char *const names[] = {
		"ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored"};
	struct buf b;
	buf_init(&b, 4096);
	buf_adds(&b, map_cstr(event, "host", "?"));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		buf_addf(&b, " %s=%d", names[i], (int)map_int(event, names[i], -1));
	add_line(s->a, s->lines, buf_str(s->a, &b).p);
	buf_free(&b);
}

static void take_plan(struct said *s, const struct value *plan)
{
	const struct value *steps = map_at(plan, "steps");
	for (size_t i = 0; steps && i < steps->list.n; i++) {
		const struct value *step = steps->list.v[i];
		const char *kind = map_cstr(step, "kind", "?");
		if (strcmp(kind, "local") != 0 && strcmp(kind, "run") != 0)
			add_line(s->a, s->lines,
				arena_printf(s->a, "%s %s %s", map_cstr(plan, "host", "?"), kind,
					map_cstr(step, "task", "?")));
	}
}

/* The events, a JSON object (so YAML) a line. */
static void take_events(struct said *s, struct str text, bool planning)
{
	for (const char *p = text.p, *end; *p; p = *end ? end + 1 : end) {
		struct errs errs;
		end = strchrnul(p, '\n');
		errs_init(&errs, s->a);
		struct value *e =
			yaml_parse(s->a, "event", str_dup(s->a, p, (size_t)(end - p)), &errs);
		const char *kind = e && e->type == VALUE_MAP ? map_cstr(e, "event", "") : "";
		if (!planning && !strcmp(kind, "step"))
			take_step(s, e);
		else if (!planning && !strcmp(kind, "host"))
			take_host(s, e);
		else if (planning && !strcmp(kind, "plan"))
			take_plan(s, e);
	}
	for (size_t i = 0; i < s->status->map.n; i++)
		add_line(s->a, s->lines,
			arena_printf(s->a, "%s %s", s->status->map.e[i].key.p,
				s->status->map.e[i].value->s.p));
}

/* ---- a run ---- */
static int run_site(
	struct said *s, const struct site *site, enum fleet_mode mode, const struct plan *saved)
{
	struct str text;
	struct err e = {0};
	struct report_options out = {.json = true, .planning = mode == FLEET_PLAN};
	struct fleet_options o = {
		.mode = mode, .site = site, .saved = saved, .forks = 12, .timeout_s = 10};
	struct fleet_result r = {0};
	FILE *f = fopen("events", "we+");
	assert_non_null(f);
	out.fd = fileno(f);
	o.report = report_open(&out);
	if (!agent_image_load(s->a, &o.image, &e))
		fail_msg("%s", e.msg);
	if (!fleet_run(s->a, &o, &r, &e))
		fail_msg("%s", e.msg);
	report_close(o.report);
	fclose(f);
	assert_true(file_read(s->a, "events", FILE_MAX, &text, &e));
	*s = (struct said){s->a, value_map(s->a), value_map(s->a)};
	take_events(s, text, mode == FLEET_PLAN);
	if (mode == FLEET_PLAN && !plan_save(r.plan, "saved", &e))
		unlink("saved");
	int code = r.exit_code ? r.exit_code : r.plan->counts.failed ? 2 : 0;
	fleet_result_free(&r);
	return code;
}

/* ---- comparing ---- */
/* "t: h1 ok, h2 failed" is two lines. */
static void add_expected(struct arena *a, struct value *want, const char *line)
{
	const char *colon = strstr(line, ": ");
	if (!colon || *line == '#') {
		add_line(a, want, line);
		return;
	}
	for (const char *p = colon + 2, *end; *p; p = *end ? end + 2 : end) {
		end = strstr(p, ", ");
		end = end ? end : p + strlen(p);
		add_line(a, want,
			arena_printf(
				a, "%.*s: %.*s", (int)(colon - line), line, (int)(end - p), p));
	}
}

static void print_missing(
	struct buf *out, char mark, const struct value *from, const struct value *in)
{
	for (size_t i = 0; i < from->map.n; i++)
		if (!map_at(in, from->map.e[i].key.p))
			buf_addf(out, "%c %s\n", mark, from->map.e[i].key.p);
}

static void compare_lines(struct said *s, const struct str *text, const char *what)
{
	struct value *want = value_map(s->a);
	struct buf b;
	buf_init(&b, 1 << 16);
	for (const char *p = text->p, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');
		add_expected(s->a, want, str_dup(s->a, p, (size_t)(end - p)).p);
	}
	print_missing(&b, '-', want, s->lines);
	print_missing(&b, '+', s->lines, want);
	if (b.n)
		fail_msg("%s\n%.*s", what, (int)b.n, b.p);
	buf_free(&b);
}

static void put_file(const char *name, const char *text)
{
	struct err e = {0};
	struct file_attr attr = {0644, (uid_t)-1, (gid_t)-1};
	if (!file_replace(name, text, strlen(text), attr, &e))
		fail_msg("%s", e.msg);
}

static void check_refused(struct arena *a, const struct errs *errs, const char *part)
{
	const char *text = print_errs(a, errs);
	if (!strstr(text, part))
		fail_msg("refused, but not for '%s':\n%s", part, text);
	arena_free(a);
}

static void apply_site(
	struct said *s, const struct site *site, const struct str *want, const char *what)
{
	int code = run_site(s, site, FLEET_APPLY, NULL);
	add_line(s->a, s->lines, arena_printf(s->a, "rc %d", code));
	compare_lines(s, want, what);
}

/* A plan that can be saved keeps its verdicts. */
static void apply_saved(struct said *s, const struct str *want)
{
	struct err e = {0};
	if (access("saved", R_OK) != 0)
		return;
	const struct plan *saved = plan_load(s->a, "saved", &e);
	if (!saved)
		fail_msg("%s", e.msg);
	int code = run_site(s, NULL, FLEET_APPLY, saved);
	add_line(s->a, s->lines, arena_printf(s->a, "rc %d", code));
	compare_lines(s, want, "apply of the saved plan");
}

static void run_case(void **state)
{
	const struct test_case *t = *state;
	static const char *const inventories[] = {"hosts.ini", NULL};
	struct site_options o = {.manifest = "site.yml", .inventories = inventories};
	struct arena *a = arena_new();
	struct said s = {.a = a};
	struct errs errs;
	const struct str *hosts = find_section(t, "hosts"), *refused = find_section(t, "refused");
	const struct str *want = find_section(t, find_section(t, "ours") ? "ours" : "ansible");
	put_file("site.yml", find_section(t, "site")->p);
	put_file("hosts.ini", hosts ? hosts->p : "h1 ansible_connection=local\n");
	errs_init(&errs, a);
	struct site *site = site_load(a, &o, &errs);
	if (refused) {
		assert_null(site);
		check_refused(a, &errs, refused->p);
		return;
	}
	if (!site)
		check_refused(a, &errs, "it should not be");
	if (find_section(t, "plan")) {
		run_site(&s, site, FLEET_PLAN, NULL);
		compare_lines(&s, find_section(t, "plan"), "plan");
		apply_saved(&s, want);
		apply_site(&s, site, want, "first apply");
	}
	apply_site(&s, site, want, "last apply");
	arena_free(a);
}

/* The agents share this machine: each gets a state of its own. */
static void make_agent(struct arena *a)
{
	char self[PATH_MAX];
	struct err e = {0};
	const char *given = getenv("PROVISION_AGENT");
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = 0;
	if (!given)
		given = path_join(a, dirname(dirname(self)), "provision-agent");
	const char *text =
		arena_printf(a, "#!/bin/sh\nPROVISION_STATE=%s/$$ exec %s \"$@\"\n", states, given);
	struct file_attr attr = {0755, (uid_t)-1, (gid_t)-1};
	if (!file_replace("agent", text, strlen(text), attr, &e))
		panic("%s", e.msg);
	setenv("PROVISION_AGENT", path_join(a, dir, "agent"), 1);
}

int main(void)
{
	struct arena *a = cases_arena();
	read_folder("tests/cases/playbooks", run_case);
	if (!getcwd(root, sizeof(root)) || !mkdtemp(dir) || !mkdtemp(states) || chdir(dir) < 0)
		return 1;
	make_agent(a);
	put_file("more.yml", "more: 1\n");
	const char *rm[] = {"rm", "-rf", dir, states, NULL};
	struct proc_result r;
	struct err e = {0};
	int failed = run_cases("playbooks");
	a = arena_new();
	if (chdir(root) < 0 || !proc_run(a, &(struct proc){.argv = rm, .uid = (uid_t)-1}, &r, &e))
		return 1;
	arena_free(a);
	return failed;
}
