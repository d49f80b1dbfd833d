/* SPDX-License-Identifier: MIT
 *
 * Starts Postfix's daemons with a configuration that is not in place yet: only the daemons parse
 * the values. They have no clients and accept no mail; they log to the system's log.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "mailhost/postfix.h"
#include "host/logs.h"

enum { TRY_S = 10, LINES_MAX = 20 };

/* The server, the client, and the daemon that queues mail. */
static const char *const daemons[] = {"smtpd", "smtp", "cleanup"};

static const char *find_daemon(struct arena *a, const char *name)
{
	static const char *const places[] = {"/usr/lib/postfix/sbin", "/usr/libexec/postfix"};
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const char *path = path_join(a, places[i], name);
		if (access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}

/* The server connects to other daemons when it starts, and waits long for missing ones. */
static bool postfix_runs(void)
{
	struct sockaddr_un at = {
		.sun_family = AF_UNIX, .sun_path = "/var/spool/postfix/private/proxymap"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* The result of one daemon's start, and where it logs. */
struct said {
	struct unit_log log;
	bool failed, unknown;
};

static struct said start_daemon(struct host *h, const char *name, const char *folder)
{
	static unsigned count;
	const char *path = find_daemon(h->a, name);
	const char *tag = arena_printf(h->a, "provision-%d-%u", (int)getpid(), count++);
	const char *log = arena_printf(h->a, "syslog_name=%s", tag);
	/* it waits until its output pipe has been read and answered */
	const char *argv[] = {"/bin/sh", "-c", "exec \"$0\" \"$@\" </dev/null >/dev/null", path,
		"-S", "-n", name, "-t", "unix", "-o", log, NULL};
	const char *env[] = {arena_printf(h->a, "MAIL_CONFIG=%s", folder), NULL};
	struct proc p = {.argv = argv, .env = env, .uid = (uid_t)-1, .timeout_s = TRY_S};
	struct proc_result r;
	struct err ignored = {0}; /* no result: the activation will show it */
	struct said said = {.log = unit_log_open(h, NULL, NULL)};
	said.unknown = !path || !proc_run(h->a, &p, &r, &ignored) || r.timed_out;
	said.failed = !said.unknown && r.status != 0;
	said.log.tag = arena_printf(h->a, "%s/%s", tag, name);
	return said;
}

/* At most max log lines that begin with fatal or panic, and with error when `errors`. */
static size_t lines_of(
	struct host *h, struct unit_log *log, bool errors, const char **out, size_t max)
{
	struct str rest = unit_log_lines(h, log);
	struct line line;
	size_t n = 0;
	while (n < max && line_next(&rest, &line)) {
		const char *text = str_dup(h->a, line.p, line.n).p;
		if (str_starts(str_c(text), "fatal: ") || str_starts(str_c(text), "panic: ") ||
			(errors && str_starts(str_c(text), "error: ")))
			out[n++] = text;
	}
	return n;
}

/* The last message of a daemon that did not start. Before it knows the name that it should log
 * under, it uses its own, as the daemons in service do. */
static const char *last_fatal(struct host *h, struct unit_log *log)
{
	const char *lines[LINES_MAX];
	size_t n = lines_of(h, log, false, lines, LINES_MAX);
	if (!n) {
		log->tag = NULL;
		n = lines_of(h, log, false, lines, LINES_MAX);
	}
	return n ? lines[n - 1] : "a daemon does not start with it, and its log gives no reason";
}

/* An error of a daemon that starts anyway: only one that does not occur with the present
 * configuration. */
static const char *new_error(
	struct host *h, const char *name, struct unit_log *log, const char *before)
{
	const char *now[LINES_MAX], *then[LINES_MAX];
	size_t n = lines_of(h, log, true, now, LINES_MAX), old;
	if (!n)
		return NULL;
	struct said said = start_daemon(h, name, before);
	old = lines_of(h, &said.log, true, then, LINES_MAX);
	for (size_t i = 0; i < n; i++) {
		bool known = false;
		for (size_t j = 0; j < old && !known; j++)
			known = strcmp(now[i], then[j]) == 0;
		if (!known)
			return now[i];
	}
	return NULL;
}

/* The daemons ask the running proxymap for a table proxy:..., and it allows those of the running
 * configuration only. Its refusal is no verdict about the new one. */
static bool of_running_proxymap(const char *trouble)
{
	return strstr(trouble, "proxymap service is not configured for table") != NULL;
}

const char *postfix_try(struct host *h, const char *folder, const char *before)
{
	bool runs = postfix_runs();
	for (size_t i = 0; i < ARRAY_LEN(daemons); i++) {
		const char *trouble = NULL;
		if (!runs && strcmp(daemons[i], "smtpd") == 0)
			continue;
		struct said said = start_daemon(h, daemons[i], folder);
		if (said.failed)
			trouble = last_fatal(h, &said.log);
		else if (!said.unknown)
			trouble = new_error(h, daemons[i], &said.log, before);
		if (trouble && !of_running_proxymap(trouble))
			return trouble;
	}
	return NULL;
}
