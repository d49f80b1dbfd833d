/* SPDX-License-Identifier: MIT
 *
 * The session with the controller: sends HELLO, then handles one message after the other until BYE
 * or the end of the input. Runs no program itself, and reads only what HELLO contains.
 */
#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/session.h"

const char *now_text(struct arena *a)
{
	char text[32];
	time_t now = time(NULL);
	struct tm tm;
	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return arena_strdup(a, text);
}

/* ---- HELLO ---- */

static void put_last(struct arena *a, struct value *hello, const char *dir)
{
	struct last_run last;
	struct value *v = value_map(a);
	if (!journal_last(a, dir, &last))
		return;
	if (state_locked(a, dir)) /* locked by that run, or by one that has changed nothing yet */
		last.status = "running";
	map_put(a, v, "run", value_text(a, last.run));
	map_put(a, v, "status", value_text(a, last.status));
	if (last.step)
		map_put(a, v, "step", value_text(a, last.step));
	if (last.at)
		map_put(a, v, "at", value_text(a, last.at));
	map_put(a, hello, "last", v);
}

static const char *user_name(struct arena *a)
{
	struct passwd *pw = getpwuid(geteuid());
	return pw ? pw->pw_name : arena_printf(a, "%u", (unsigned)geteuid());
}

static void say_hello(struct session *s)
{
	struct arena *a = arena_new();
	struct value *hello = value_map(a);
	struct err e = {0};
	const char *dir = state_dir(a);
	struct value *pending = pending_load(a, dir, &e);
	map_put(a, hello, "version", value_int(a, WIRE_VERSION));
	map_put(a, hello, "facts", facts_gather(a));
	map_put(a, hello, "uid", value_int(a, geteuid()));
	map_put(a, hello, "user", value_text(a, user_name(a)));
	map_put(a, hello, "landlock", value_bool(a, s->landlock));
	/* an unreadable list is reported when an APPLY needs it */
	map_put(a, hello, "pending", pending ? pending : value_list(a));
	put_last(a, hello, dir);
	stream_raw(&s->io, WIRE_SYNC);
	stream_send(&s->io, FRAME_HELLO, hello);
	stream_flush(&s->io);
	arena_free(a);
}

static int send_fatal(struct session *s, const char *text)
{
	struct arena *a = arena_new();
	struct value *msg = value_map(a);
	map_put(a, msg, "msg", value_text(a, text));
	stream_send(&s->io, FRAME_FATAL, msg);
	stream_flush(&s->io);
	arena_free(a);
	return 1;
}

/* ---- messages ---- */

enum next { NEXT_GO_ON, NEXT_BYE, NEXT_FATAL };

static enum next dispatch_message(struct session *s, enum frame_type type, const struct value *msg,
	struct arena *a, struct err *e)
{
	switch (type) {
	case FRAME_OBSERVE:
		stream_busy(&s->io, true);
		session_observe(s, msg, a, e);
		stream_busy(&s->io, false);
		return e->kind ? NEXT_FATAL : NEXT_GO_ON;
	case FRAME_APPLY:
		stream_busy(&s->io, true);
		session_apply(s, msg, a);
		stream_busy(&s->io, false);
		return NEXT_GO_ON;
	case FRAME_STOP: /* for an APPLY that has already ended */
		return NEXT_GO_ON;
	case FRAME_BYE:
		return NEXT_BYE;
	case FRAME_FATAL:
		err_set(e, ERR_PERMANENT, "the controller ended the session: %s",
			map_cstr(msg, "msg", ""));
		return NEXT_FATAL;
	default:
		err_set(e, ERR_PERMANENT, "unexpected message %s from the controller",
			frame_name(type));
		return NEXT_FATAL;
	}
}

static enum next one_message(struct session *s, struct err *e)
{
	struct arena *a = arena_new();
	enum frame_type type;
	struct value *msg;
	enum next next = NEXT_BYE;
	enum stream_status got = stream_read(&s->io, a, &type, &msg, e);
	if (got == STREAM_BAD)
		next = NEXT_FATAL;
	else if (got == STREAM_FRAME)
		next = dispatch_message(s, type, msg, a, e);
	arena_free(a);
	return s->io.broken && next == NEXT_GO_ON ? NEXT_BYE : next;
}

static int talk_on(struct session *s)
{
	struct err e = {0};
	enum next next;
	say_hello(s);
	do
		next = one_message(s, &e);
	while (next == NEXT_GO_ON);
	return next == NEXT_FATAL ? send_fatal(s, e.msg) : 0;
}

static int print_usage(void)
{
	write_literal(STDERR_FILENO,
		"usage: provision-agent [--version]\n"
		"The part of provision that works on a host; provision starts it and talks to "
		"it.\n");
	return 1;
}

int agent_main(int argc, char **argv)
{
	struct session s = {0};
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		struct page *p = page_new(false);
		page_addf(p, "provision-agent, wire version %d\n", WIRE_VERSION);
		bool ok = page_write(p, STDOUT_FILENO);
		page_free(p);
		return ok ? 0 : 1;
	}
	if (argc > 1 || !stream_open(&s.io))
		return print_usage();
	umask(077);
	if (chdir("/") < 0)
		return 1;
	s.a = arena_new();
	s.landlock = landlock_available();
	int status = talk_on(&s);
	arena_free(s.a);
	stream_close(&s.io);
	return status;
}
