/* SPDX-License-Identifier: MIT
 *
 * Every lie that was tried, all at once beside good hosts, which finish; and each alone.
 */
#include <sys/mman.h>
#include "bad_servers.h"
#include "fleet/fleet.h"
#include "liars.h"
#include "yaml/yaml.h"

enum {
	MANY = 20000,      /* resources of one host */
	MEMORY = 64 << 20, /* that a peer may cost */
	AT_ONCE = 12,      /* controllers that are measured */
};

/* Shorter than in earnest, yet long for a loaded machine. */
static const struct patience {
	int silence_s, work_s;
} together = {20, 40}, alone = {5, 6}, silent = {4, 100};

/* ---- memory ---- */

/* With the sanitizer's hooks every allocation is counted; without, what the process holds. */
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

static int64_t memory_now(void)
{
	return peak = live;
}

static int64_t memory_peak(void)
{
	return peak;
}
#else
static int64_t memory_of(const char *key)
{
	struct str text;
	struct err e = {0};
	assert_true(file_read(a, "/proc/self/status", 1 << 16, &text, &e));
	return strtoll(strstr(text.p, key) + strlen(key), NULL, 10) * 1024;
}

/* The peak begins anew: proc(5), clear_refs. */
static int64_t memory_now(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	assert_true(write_all(fd, "5", 1));
	close(fd);
	return memory_of("VmRSS:");
}

static int64_t memory_peak(void)
{
	return memory_of("VmHWM:");
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

static void write_site(int steps, const char *more)
{
	write_script(
		"site.yml", arena_printf(a,
				    "- hosts: all\n  tasks:\n    - command: /bin/true {{ item }}\n"
				    "      loop: \"{{ range(%d) | list }}\"\n%s",
				    steps, more));
}

static const char *server_line(size_t i)
{
	return arena_printf(a,
		"%s ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=%d "
		"ansible_user=root "
		"ansible_ssh_private_key_file=%s/id_ed25519\n",
		bad_servers[i].name, served[i].port, dir);
}

/* ---- two ways to a liar: a program in the place of ssh, and a real sshd through libssh2 ---- */

static struct server sshd;

static const char *child_line(const char *name)
{
	return arena_printf(a, "%s ansible_connection=openssh ansible_host=%s\n", name, name);
}

static const char *sshd_line(const char *name)
{
	return arena_printf(a,
		"%s ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=%d "
		"ansible_user=root ansible_ssh_private_key_file=%s/as_%s\n",
		name, sshd.port, dir, name);
}

/* A key for each liar, which may run nothing but its lie. */
static void authorize_key(struct buf *all, const char *name)
{
	struct str pub;
	struct err e = {0};
	const char *key = arena_printf(a, "as_%s", name);
	make_key("ed25519", key);
	assert_true(
		file_read(a, path_join(a, dir, arena_printf(a, "%s.pub", key)), 1 << 14, &pub, &e));
	buf_adds(all, arena_printf(a, "command=\"exec %s/ssh %s -\" %s", dir, name, pub.p));
}

static const char *good_name(int i)
{
	return arena_printf(a, "good%d", i);
}

static void start_liars(void)
{
	struct buf all;
	sshd = start_sshd(ed25519_only, "MaxStartups 1000");
	buf_init(&all, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(lies); i++)
		authorize_key(&all, lies[i].name);
	for (int i = 0; i < GOOD; i++)
		authorize_key(&all, good_name(i));
	write_script("authorized", all.p);
	buf_free(&all);
}

static void fleet_with_inventory(
	struct arena *mem, const char *inventory, const struct patience *p, struct report *r)
{
	const char *inventories[] = {inventory, NULL};
	struct site_options so = {
		.manifest = path_join(mem, dir, "site.yml"), .inventories = inventories};
	struct errs errs;
	struct err e = {0};
	struct fleet_result result = {0};
	errs_init(&errs, mem);
	struct fleet_options o = {.mode = FLEET_APPLY,
		.site = site_load(mem, &so, &errs),
		.forks = 200,
		.timeout_s = p->silence_s,
		.silence_s = p->silence_s,
		.host_timeout_s = p->work_s,
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

static void run_fleet(const char *inventory, const struct patience *p, struct outcome *out)
{
	const char *path = path_join(a, dir, "events");
	struct str text;
	struct err e = {0};
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct arena *mem = arena_new();
	struct report *r = report_open(&(struct report_options){.json = true, .fd = fd});
	fleet_with_inventory(mem, inventory, p, r);
	report_close(r);
	arena_free(mem);
	close(fd);
	*out = (struct outcome){.hosts = value_map(a), .events = value_list(a)};
	assert_true(file_read(a, path, FILE_MAX, &text, &e));
	for (const char *at = text.p; *at;) {
		size_t n = strcspn(at, "\n");
		struct value *v = json_parse(a, (struct str){str_dup(a, at, n).p, n}, &e);
		if (!v)
			fail_msg("%s", e.msg);
		list_add(a, out->events, v);
		if (strcmp(map_cstr(v, "event", ""), "host") == 0)
			map_put(a, out->hosts, map_cstr(v, "host", ""), v);
		at += n + 1;
	}
}

static size_t count_events(const struct outcome *out, const char *kind)
{
	size_t n = 0;
	for (size_t i = 0; i < out->events->list.n; i++)
		n += strcmp(map_cstr(out->events->list.v[i], "event", ""), kind) == 0;
	return n;
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
	/* a flood of standard error is ended by its size, or by the silence beside it */
	bool flood = strstr(name, "_errors") && strstr(error, "bytes beside the agent's");
	if (!late && !flood && !strstr(error, says))
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

static void check_good(const struct outcome *out, const char *name)
{
	const struct value *host = map_at(out->hosts, name);
	assert_non_null(host);
	if (map_at(host, "error"))
		fail_msg("a good host: %s", map_cstr(host, "error", ""));
	assert_int_equal(map_int(host, "changed", 0), 1);
	size_t beside =
		check_turns(out, name, "apply_notes") + check_turns(out, name, "apply_notes_large");
	assert_true(beside > 0); /* they were at it at the same time */
}

/* The good ones and those they are compared with come first. */
static void all_at_once(const char *(*line)(const char *name))
{
	struct buf inventory;
	struct outcome out;
	write_script("gate", "");
	buf_init(&inventory, 1 << 20);
	for (int i = 0; i < GOOD; i++)
		buf_adds(&inventory, line(good_name(i)));
	for (size_t i = ARRAY_LEN(lies); i-- > 0;)
		buf_adds(&inventory, line(lies[i].name));
	for (size_t i = 0; i < ARRAY_LEN(bad_servers); i++)
		buf_adds(&inventory, server_line(i));
	run_fleet(write_script("hosts.ini", inventory.p), &together, &out);
	buf_free(&inventory);
	for (int i = 0; i < GOOD; i++)
		check_good(&out, good_name(i));
	for (size_t i = 0; i < ARRAY_LEN(lies); i++)
		if (lies[i].says)
			has_failed(&out, lies[i].name, lies[i].says);
	for (size_t i = 0; i < ARRAY_LEN(bad_servers); i++)
		has_failed(&out, bad_servers[i].name, bad_servers[i].says);
}

static void all_at_once_as_children(void **state)
{
	(void)state;
	all_at_once(child_line);
}

static void all_at_once_behind_sshd(void **state)
{
	(void)state;
	start_liars();
	all_at_once(sshd_line);
	stop_sshd(&sshd);
}

/* Silence ends a host in each phase, long before the time that its work may take is over. */
static void silence_is_noticed(void **state)
{
	static const char *const names[] = {"pre_trickle", "hello_half", "observe_silent",
		"observe_stopped", "observe_trickle", "apply_silent", "apply_stopped"};
	const char *inventory = "";
	struct outcome out;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		inventory = arena_printf(a, "%s%s", inventory, child_line(names[i]));
	run_fleet(write_script("hosts.ini", inventory), &silent, &out);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct value *host = map_at(out.hosts, names[i]);
		assert_non_null(strstr(map_cstr(host, "error", ""), SILENT));
	}
}

/* What a host may tell is bounded, and a plan of many resources stays within it. */
static void a_host_may_have_many_resources(void **state)
{
	struct outcome out;
	(void)state;
	write_site(MANY, "");
	run_fleet(write_script("hosts.ini", child_line(good_name(0))), &together, &out);
	write_site(LIAR_STEPS, "      register: told\n");
	const struct value *host = map_at(out.hosts, good_name(0));
	if (map_at(host, "error"))
		fail_msg("%s", map_cstr(host, "error", ""));
	assert_int_equal(map_int(host, "changed", 0), 1);
	assert_int_equal(count_events(&out, "step"), MANY);
}

/* ---- what one alone costs: a controller of its own for each ---- */

static void measure_cost(const char *inventory, bool json, int64_t *cost)
{
	struct report_options o = {.json = json, .diff = !json, .verbosity = json ? 0 : 2};
	struct arena *mem = arena_new();
	o.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct report *r = report_open(&o);
	int64_t before = memory_now();
	fleet_with_inventory(mem, inventory, &alone, r);
	*cost = memory_peak() - before;
}

static pid_t start_measuring(const char *inventory, bool json, int64_t *cost)
{
	*cost = INT64_MAX; /* until it is known */
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	measure_cost(inventory, json, cost);
	_exit(0);
}

static void check_cost(const char *line, bool json, int64_t cost)
{
	print_message("           %5.1f MB  %.*s%s\n", (double)cost / (1 << 20),
		(int)strcspn(line, " "), line, json ? " (JSON)" : "");
	if (cost > MEMORY)
		fail_msg("it costs %lld bytes", (long long)cost);
}

struct alone_line {
	const char *text;
	bool json;
};

static void measure_all(const struct alone_line *v, size_t n)
{
	pid_t pids[AT_ONCE];
	int64_t *cost = mmap(NULL, AT_ONCE * sizeof(*cost), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < n + AT_ONCE; i++) {
		size_t at = i % AT_ONCE, earlier = i - AT_ONCE;
		if (i >= AT_ONCE && earlier < n) {
			waitpid(pids[at], NULL, 0);
			check_cost(v[earlier].text, v[earlier].json, cost[at]);
		}
		if (i < n)
			pids[at] = start_measuring(
				write_script(arena_printf(a, "alone-%zu.ini", at), v[i].text),
				v[i].json, &cost[at]);
	}
	munmap(cost, AT_ONCE * sizeof(*cost));
}

/* What floods, as text and as JSON: what is shown of it may cost too. */
static void measure_liars(const char *(*line)(const char *name), bool all)
{
	struct alone_line v[2 * ARRAY_LEN(lies)];
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		const char *text = line(lies[i].name);
		if (all || lies[i].floods)
			v[n++] = (struct alone_line){text, true};
		if (lies[i].floods)
			v[n++] = (struct alone_line){text, false};
	}
	measure_all(v, n);
}

static void no_child_takes_much_memory(void **state)
{
	(void)state;
	measure_liars(child_line, false);
}

static void no_host_takes_much_memory(void **state)
{
	(void)state;
	start_liars();
	measure_liars(sshd_line, true);
	stop_sshd(&sshd);
}

static void no_server_takes_much_memory(void **state)
{
	struct alone_line v[ARRAY_LEN(bad_servers)];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_servers); i++)
		v[i] = (struct alone_line){server_line(i), true};
	measure_all(v, ARRAY_LEN(v));
}

static int group_set_up(void **state)
{
	int rc = set_up(state);
	struct file_attr attr = {.mode = 0700, .uid = (uid_t)-1, .gid = (gid_t)-1};
	struct err e = {0};
	a = *state;
	if (rc || !file_replace(path_join(a, dir, "ssh"), image.bytes.p, image.bytes.n, attr, &e))
		return -1;
	make_key("ed25519", "id_ed25519");
	write_script("known_hosts", "");
	setenv("PATH", arena_printf(a, "%s:%s", dir, getenv("PATH")), 1);
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
#endif
	write_site(LIAR_STEPS, "      register: told\n");
	write_script("gate", "open: more than are compared");
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
		CASE(all_at_once_as_children),
		CASE(all_at_once_behind_sshd),
		CASE(silence_is_noticed),
		CASE(a_host_may_have_many_resources),
		CASE(no_child_takes_much_memory),
		CASE(no_host_takes_much_memory),
		CASE(no_server_takes_much_memory),
	};
	return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
