/* SPDX-License-Identifier: MIT
 *
 * Lets Postfix's SMTP server start with a configuration that is not in place: only a daemon reads
 * the values. It talks to nobody and takes no mail; what it logs stands in the system's log.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "resource/postfix.h"
#include "resource/unit_log.h"

enum { TRY_S = 10 };

static const char *smtpd(void)
{
	static const char *const places[] = {
		"/usr/lib/postfix/sbin/smtpd", "/usr/libexec/postfix/smtpd"};
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* Without the rest of Postfix it would wait for it, to no end. */
static bool postfix_answers(void)
{
	struct sockaddr_un to = {
		.sun_family = AF_UNIX, .sun_path = "/var/spool/postfix/private/proxymap"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answers = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
	if (fd >= 0)
		close(fd);
	return answers;
}

/* It tells its log alone, where others write too. */
static const char *last_fatal(struct host *h, struct unit_log *log)
{
	struct str rest = unit_log_lines(h, log);
	const char *found = "it does not start with it, and its log does not say why";
	struct line line;
	while (line_next(&rest, &line)) {
		const char *text = str_dup(h->a, line.p, line.n).p;
		if (str_starts(str_c(text), "fatal: ") || str_starts(str_c(text), "panic: "))
			found = text;
	}
	return found;
}

const char *postfix_try(struct host *h, const char *folder)
{
	const char *argv[] = {smtpd(), "-S", NULL};
	const char *env[] = {arena_printf(h->a, "MAIL_CONFIG=%s", folder), NULL};
	struct proc p = {.argv = argv,
		.env = env,
		.input = str_c("QUIT\r\n"),
		.uid = (uid_t)-1,
		.timeout_s = TRY_S};
	struct proc_result r;
	struct err ignored = {0}; /* no verdict: the activation will tell */
	if (!argv[0] || !postfix_answers())
		return NULL;
	struct unit_log log = unit_log_open(h, NULL, NULL);
	if (!proc_run(h->a, &p, &r, &ignored) || r.timed_out || r.status == 0)
		return NULL;
	return last_fatal(h, &log);
}
