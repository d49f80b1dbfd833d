/* SPDX-License-Identifier: MIT
 *
 * Shared by several subcommands: loading the site, prompting for passwords, running the fleet.
 */
#include "command/command.h"
#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

void cli_page(struct page *p)
{
	(void)!page_write(p, STDOUT_FILENO);
	page_free(p);
}

void cli_print(const struct buf *b)
{
	struct page *p = page_new(false);
	page_lines(p, 0, (struct str){b->p, b->n});
	cli_page(p);
}

static void to_stderr(struct page *p)
{
	(void)!page_write(p, STDERR_FILENO);
	page_free(p);
}

void cli_say(const char *fmt, ...)
{
	struct page *p = page_new(false);
	va_list ap;
	va_start(ap, fmt);
	page_vaddf(p, fmt, ap);
	va_end(ap);
	to_stderr(p);
}

void cli_problems(const struct cli *c, const struct errs *errs)
{
	struct page *p = page_new(false);
	struct buf b;
	buf_init(&b, 1 << 20);
	if (c->json) {
		errs_json(errs, &b);
		cli_print(&b);
	}
	page_wrap(p, STDERR_FILENO);
	if (!c->json || errs->n)
		errs_print(errs, p);
	to_stderr(p);
	buf_free(&b);
}

int cli_error(const struct err *e)
{
	struct page *p = page_new(false);
	page_wrap(p, STDERR_FILENO);
	err_print(e, p);
	to_stderr(p);
	return EXIT_BEFORE;
}

const char *cli_manifest(struct cli *c)
{
	if (c->n_args == 1)
		return c->args[0];
	if (c->n_args > 1) {
		cli_say("provision: one site at a time, not %zu\n", c->n_args);
		return NULL;
	}
	if (access("site.yml", R_OK) == 0)
		return "site.yml";
	cli_say("provision: which site? Name its file (there is no site.yml here)\n");
	return NULL;
}

struct site *cli_site(struct cli *c, const char *manifest)
{
	struct errs errs;
	errs_init(&errs, c->a);
	c->site.manifest = manifest;
	c->site.forks = c->forks ? c->forks : FLEET_FORKS;
	c->site.verbosity = c->verbosity;
	struct site *s = site_load(c->a, &c->site, &errs);
	if (s)
		site_warnings(s, &errs);
	cli_problems(c, &errs);
	c->warnings = errs.n_warn + errs.dropped_warn;
	if (!s || errs.n) {
		cli_say("%zu problem%s; no host was contacted\n", errs.n + errs.dropped,
			errs.n + errs.dropped == 1 ? "" : "s");
		return NULL;
	}
	return s;
}

static const char *ask_password(struct cli *c, bool login)
{
	struct termios old, quiet;
	char line[1024];
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	bool tty = fd >= 0 && tcgetattr(fd, &old) == 0;
	FILE *in = tty ? fdopen(fd, "r+") : stdin;
	if (tty) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(fd, TCSAFLUSH, &quiet);
		if (login)
			write_literal(fd, "SSH password: ");
		else
			write_literal(fd, "sudo password: ");
	}
	char *got = fgets(line, sizeof(line), in);
	if (tty) {
		tcsetattr(fd, TCSAFLUSH, &old);
		write_literal(fd, "\n");
		fclose(in);
	}
	if (!got)
		return NULL;
	line[strcspn(line, "\n")] = 0;
	const char *answer = arena_strdup(c->a, line);
	explicit_bzero(line, sizeof(line));
	return answer;
}

bool cli_passwords(struct cli *c)
{
	if (c->ask_pass && !(c->password = ask_password(c, true))) {
		cli_say("provision: no SSH password was given\n");
		return false;
	}
	if (c->ask_become_pass && !(c->become_password = ask_password(c, false))) {
		cli_say("provision: no sudo password was given\n");
		return false;
	}
	return true;
}

/* The agents finish on their own, so an interrupt loses nothing; tells the user so. */
static void on_interrupt(int sig)
{
	/* NOLINTNEXTLINE(bugprone-signal-handler): it is one write(2) */
	write_literal(STDERR_FILENO,
		"\ninterrupted: hosts finish what they were sent; run it again to "
		"see where they are\n");
	_exit(128 + sig);
}

bool cli_fleet(struct cli *c, struct fleet_options *o, bool planning, struct fleet_result *r)
{
	struct err e = {0};
	const char *term = getenv("TERM");
	int fd = c->stdout_is_data ? STDERR_FILENO : STDOUT_FILENO;
	bool tty = isatty(fd) && term && strcmp(term, "dumb") != 0;
	struct report_options ro = {
		.json = c->json && !c->stdout_is_data,
		.tty = tty,
		.color = tty && !getenv("NO_COLOR"),
		.diff = planning || c->diff,
		.verbosity = c->verbosity,
		.planning = planning,
		.fd = fd,
	};
	if (!cli_passwords(c) || !agent_image_load(c->a, &o->image, &e)) {
		if (e.kind)
			cli_error(&e);
		return false;
	}
	o->forks = (size_t)c->forks;
	o->timeout_s = c->timeout;
	o->lock_timeout_s = c->lock_timeout;
	o->host_timeout_s = c->host_timeout;
	o->known_hosts = c->known_hosts;
	o->accept_new = c->accept_new;
	o->password = c->password;
	o->become_password = c->become_password;
	o->report = report_open(&ro);
	if (o->mode == FLEET_APPLY)
		signal(SIGINT, on_interrupt);
	bool ok = fleet_run(c->a, o, r, &e);
	if (!ok)
		cli_error(&e);
	struct event end = {.kind = EVENT_END, .exit_code = r->exit_code};
	if (ok && o->mode == FLEET_PLAN)
		end.whole = r->plan;
	if (ok && o->mode != FLEET_FACTS)
		report_event(o->report, &end);
	report_close(o->report);
	return ok;
}
