/* SPDX-License-Identifier: MIT
 *
 * Hostile hosts: every lie that was tried, all at once beside good hosts, which finish; and each
 * alone, for the memory that it costs.
 */
#include "bad_servers.h"
#include "fleet/fleet.h"
#include "liars.h"

enum {
	GOOD = 10,
	SILENCE_S = 5,     /* shorter than in earnest, yet long for a loaded machine */
	WORK_S = 12,       /* the same */
	MEMORY = 64 << 20, /* that a peer may cost */
};

/* ---- memory: every allocation is counted by the sanitizer's hooks ---- */

#ifdef __SANITIZE_ADDRESS__
int __sanitizer_install_malloc_and_free_hooks(
	void (*)(const volatile void *, size_t), void (*)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *p);
static int64_t live, peak;

static void on_malloc(const volatile void *p, size_t n)
{
	(void)p;
	live += (int64_t)n;
	if (live > peak)
		peak = live;
}

static void on_free(const volatile void *p)
{
	if (p)
		live -= (int64_t)__sanitizer_get_allocated_size(p);
}
#endif

/* ---- bad servers ---- */

static void start_servers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_servers); i++) {
		int fd = listener(16, &served[i].port);
		served[i].pid = fork();
		if (served[i].pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			signal(SIGPIPE, SIG_IGN);
			signal(SIGCHLD, SIG_IGN);
			for (;;) {
				int c = accept(fd, NULL, NULL);
				if (fork() == 0) {
					prctl(PR_SET_PDEATHSIG, SIGKILL);
					bad_servers[i].serve(c);
					_exit(0);
				}
				close(c);
			}
		}
		close(fd);
	}
}

static void stop_servers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_servers); i++) {
		kill(served[i].pid, SIGKILL);
		waitpid(served[i].pid, NULL, 0);
	}
}

/* ---- a run ---- */

struct outcome {
	struct value *hosts;  /* name -> its "host" event */
	struct value *events; /* all, in order */
	int exit_code;
};

static void write_site(const char *inventory)
{
	script("site.yml", arena_printf(a,
				   "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: "
				   "/bin/true {{ item }}\n"
				   "      loop: \"{{ range(%d) | list }}\"\n",
				   LIAR_STEPS));
	script("hosts.ini", inventory);
}

static const char *server_line(size_t i)
{
	return arena_printf(a,
		"%s ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=%d "
		"ansible_user=root "
		"ansible_ssh_private_key_file=%s/id_ed25519\n",
		bad_servers[i].name, served[i].port, dir);
}

static const char *liar_line(const char *name)
{
	return arena_printf(a, "%s ansible_connection=openssh ansible_host=%s\n", name, name);
}

static void fleet(struct arena *mem, struct report *r)
{
	const char *inventories[] = {path_join(mem, dir, "hosts.ini"), NULL};
	struct site_options so = {
		.manifest = path_join(mem, dir, "site.yml"), .inventories = inventories};
	struct errs errs;
	struct err e = {0};
	struct fleet_result result = {0};
	errs_init(&errs, mem);
	struct fleet_options o = {.mode = FLEET_APPLY,
		.site = site_load(mem, &so, &errs),
		.forks = 200,
		.timeout_s = SILENCE_S,
		.silence_s = SILENCE_S,
		.host_timeout_s = WORK_S,
		.known_hosts = path_join(mem, dir, "known_hosts"),
		.accept_new = true,
		.image = image,
		.report = r};
	if (!o.site)
		fail_msg("%s", errs.v[0].msg);
	if (!fleet_run(mem, &o, &result, &e))
		fail_msg("%s", e.msg);
	fleet_result_free(&result);
}

static void run_fleet(struct outcome *out)
{
	const char *path = path_join(a, dir, "events");
	struct str text;
	struct err e = {0};
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct arena *mem = arena_new();
	struct report *r = report_open(&(struct report_options){.json = true, .fd = fd});
	fleet(mem, r);
	report_close(r);
	arena_free(mem);
	close(fd);
	*out = (struct outcome){.hosts = value_map(a), .events = value_list(a)};
	assert_true(file_read(a, path, FILE_MAX, &text, &e));
	for (const char *p = text.p; *p;) {
		size_t n = strcspn(p, "\n");
		struct value *v = json_parse(a, (struct str){str_dup(a, p, n).p, n}, &e);
		if (!v)
			fail_msg("%s", e.msg);
		list_add(a, out->events, v);
		if (strcmp(map_cstr(v, "event", ""), "host") == 0)
			map_put(a, out->hosts, map_cstr(v, "host", ""), v);
		p += n + 1;
	}
}

static void has_failed(const struct outcome *out, const char *name, const char *says)
{
	const struct value *host = map_at(out->hosts, name);
	const char *error = host ? map_cstr(host, "error", "") : "";
	if (!host || !(map_int(host, "failed", 0) + map_int(host, "unreachable", 0)))
		fail_msg("%s has not failed", name);
	/* on a loaded machine time may be over before the lie is told */
	bool late = strstr(error, SILENT) || strstr(error, "took longer") ||
		    strstr(error, "no answer within");
	if (!late && !strstr(error, says))
		fail_msg("%s: '%s' does not say '%s'", name, error, says);
}

/* The frames of one good host, and those that a flooding host got in between. */
static size_t check_turns(const struct outcome *out, const char *good, const char *hostile)
{
	size_t between = 0, seen = 0, beside = 0;
	for (size_t i = 0; i < out->events->list.n; i++) {
		const struct value *v = out->events->list.v[i];
		const char *host = map_cstr(v, "host", ""), *kind = map_cstr(v, "event", "");
		const char *text = map_cstr(v, "text", "");
		bool frame = strcmp(kind, "step") == 0 ||
			     (strcmp(kind, "progress") == 0 && str_starts(str_c(text), "command"));
		if (strcmp(host, good) == 0 && frame) {
			seen++;
			between = 0;
		} else if (seen && seen < 2 * LIAR_STEPS && strcmp(host, hostile) == 0 &&
			   str_starts(str_c(text), "nnnn")) {
			beside++;
			if (++between > 1)
				fail_msg("%s had two turns between frames of %s", hostile, good);
		}
	}
	assert_int_equal(seen, 2 * LIAR_STEPS);
	return beside;
}

static void all_at_once(void **state)
{
	struct buf inventory;
	struct outcome out;
	(void)state;
	buf_init(&inventory, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(lies); i++)
		buf_adds(&inventory, liar_line(lies[i].name));
	for (int i = 0; i < GOOD; i++)
		buf_adds(&inventory, liar_line(arena_printf(a, "good%d", i)));
	for (size_t i = 0; i < ARRAY_LEN(bad_servers); i++)
		buf_adds(&inventory, server_line(i));
	write_site(inventory.p);
	buf_free(&inventory);
	run_fleet(&out);
	for (int i = 0; i < GOOD; i++) {
		const struct value *host = map_at(out.hosts, arena_printf(a, "good%d", i));
		assert_non_null(host);
		if (map_at(host, "error"))
			fail_msg("a good host: %s", map_cstr(host, "error", ""));
		assert_int_equal(map_int(host, "changed", 0), 1);
		const char *good = arena_printf(a, "good%d", i);
		size_t beside = check_turns(&out, good, "apply_notes") +
				check_turns(&out, good, "apply_notes_large");
		assert_true(beside > 0); /* they were at it at the same time */
	}
	for (size_t i = 0; i < ARRAY_LEN(lies); i++)
		if (lies[i].says)
			has_failed(&out, lies[i].name, lies[i].says);
	for (size_t i = 0; i < ARRAY_LEN(bad_servers); i++)
		has_failed(&out, bad_servers[i].name, bad_servers[i].says);
}

static void measure(const char *line)
{
#ifdef __SANITIZE_ADDRESS__
	const struct report_options reports[] = {{.json = true}, {.diff = true, .verbosity = 2}};
	write_site(line);
	bool shown = strstr(line, "_text") || strstr(line, "_changes");
	for (size_t i = 0; i < (shown ? ARRAY_LEN(reports) : 1); i++) {
		struct report_options o = reports[i];
		struct arena *mem = arena_new();
		o.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		struct report *r = report_open(&o);
		int64_t before = live;
		peak = live;
		fleet(mem, r);
		int64_t cost = peak - before;
		report_close(r);
		arena_free(mem);
		close(o.fd);
		print_message("           %5.1f MB  %.*s", (double)cost / (1 << 20),
			(int)strcspn(line, " "), line);
		print_message("%s\n", o.json ? " (JSON)" : "");
		if (cost > MEMORY)
			fail_msg("it costs %lld bytes", (long long)cost);
	}
#else
	(void)line;
	skip();
#endif
}

static void no_peer_takes_much_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies); i++)
		if (lies[i].floods && !strstr(lies[i].says, "no sign of life"))
			measure(liar_line(lies[i].name));
	for (size_t i = 0; i < ARRAY_LEN(bad_servers); i++)
		if (bad_servers[i].floods)
			measure(server_line(i));
}

static int group_set_up(void **state)
{
	int rc = set_up(state);
	struct file_attr attr = {.mode = 0700, .uid = (uid_t)-1, .gid = (gid_t)-1};
	struct err e = {0};
	a = *state;
	if (rc || !file_replace(path_join(a, dir, "ssh"), image.bytes.p, image.bytes.n, attr, NULL,
			  NULL, &e))
		return -1;
	make_key("ed25519", "id_ed25519");
	script("known_hosts", "");
	setenv("PATH", arena_printf(a, "%s:%s", dir, getenv("PATH")), 1);
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
#endif
	start_servers();
	return 0;
}

static int group_tear_down(void **state)
{
	stop_servers();
	return tear_down(state);
}

int main(int argc, char **argv)
{
	if (strcmp(path_base(argv[0]), "ssh") == 0)
		return lie_as(argv[argc - 2]);
	const struct CMUnitTest tests[] = {
		CASE(all_at_once),
		CASE(no_peer_takes_much_memory),
	};
	return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
