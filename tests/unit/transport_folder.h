/* SPDX-License-Identifier: MIT
 *
 * For the transport's tests: their folder with keys, scripts and the agent, and what every case
 * begins and ends with.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "transport/transport.h"
#include "fake_agent.h"

#define HELPER __attribute__((unused)) static

static struct arena *a; /* of the running test */
static char dir[64];    /* keys, known_hosts, the agent under its name */
static struct agent_image image;

static const char *write_script(const char *name, const char *text)
{
	struct err e = {0};
	struct file_attr attr = {.mode = 0700, .uid = (uid_t)-1, .gid = (gid_t)-1};
	const char *path = path_join(a, dir, name);
	if (!file_replace(path, text, strlen(text), attr, &e))
		fail_msg("%s", e.msg);
	return path;
}

HELPER int run_argv(const char *const *argv)
{
	struct proc p = {.argv = argv, .uid = (uid_t)-1, .timeout_s = 60};
	struct proc_result r;
	struct err e = {0};
	return proc_run(a, &p, &r, &e) ? r.status : -1;
}

HELPER void make_key(const char *type, const char *name)
{
	const char *path = path_join(a, dir, name);
	const char *argv[] = {"ssh-keygen", "-q", "-t", type, "-N", "", "-f", path, NULL};
	if (access(path, R_OK) != 0 && run_argv(argv) != 0)
		skip();
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, each_set_up, each_tear_down)

HELPER int each_set_up(void **state)
{
	(void)state;
	a = arena_new();
	return 0;
}

HELPER int each_tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

HELPER int set_up(void **state)
{
	static struct arena *all;
	struct err e = {0};
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/provision-transport-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	*state = all = arena_new();
	setenv("PROVISION_AGENT", "/proc/self/exe", 1);
	if (!agent_image_load(all, &image, &e))
		fail_msg("%s", e.msg);
	image.path = path_join(all, dir, "agent-local");
	struct file_attr attr = {.mode = 0700, .uid = (uid_t)-1, .gid = (gid_t)-1};
	return file_replace(image.path, image.bytes.p, image.bytes.n, attr, &e) ? 0 : -1;
}

HELPER int tear_down(void **state)
{
	a = *state;
	const char *argv[] = {"rm", "-rf", dir, NULL};
	int rc = run_argv(argv);
	arena_free(a);
	return rc;
}
