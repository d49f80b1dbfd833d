/* SPDX-License-Identifier: MIT
 *
 * A host's connection from start to end: opens the right kind of link, starts the agent on it,
 * turns bytes into frames, and reports once how it ended. Does not interpret frames.
 */
#include <signal.h>
#include "transport/bootstrap.h"
#include "transport/openssh.h"
#include "transport/sshconfig.h"
#include "transport/transport_private.h"

enum {
	TIMEOUT_S = 10,
	CLOSE_MS = 2000,       /* for a child to exit after BYE */
	ERRORS_KEPT = 8 << 10, /* kept of the command's standard error */
	IN_MAX = REPLY_MAX + (2 << 20),
};

static void next_turn(void *ctx);

void in_next_turn(struct transport *t)
{
	if (!t->turn)
		t->turn = loop_timer(t->loop, 0, next_turn, t);
}

void transport_finish(struct transport *t, const struct err *why)
{
	if (t->phase == PHASE_ENDED)
		return;
	t->phase = PHASE_ENDED;
	if (why)
		t->why = *why;
	in_next_turn(t);
}

void transport_fail(struct transport *t, enum err_kind kind, const char *fmt, ...)
{
	struct err e = {0};
	char text[sizeof e.msg];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&e, kind, "%s: %s", t->label, text);
	transport_finish(t, &e);
}

void transport_progress(struct transport *t, const char *what)
{
	t->doing = what;
	if (t->phase != PHASE_ENDED && t->ev.on_progress)
		t->ev.on_progress(t->ctx, what);
}

void transport_enter(struct transport *t, enum phase phase, const char *doing)
{
	t->phase = phase;
	if (phase < PHASE_RUN)
		limits_begin(t);
	else
		limits_set(t, 0);
	transport_progress(t, doing);
}

/* ---- what the far side said besides frames, for messages ---- */

static const char *last_words(struct transport *t)
{
	const char *words = quote_tail(t->a, &t->errors);
	if (!words[0] && t->phase <= PHASE_BOOT)
		words = quote_tail(t->a, &t->in);
	return words[0] ? words : "it printed nothing";
}

bool transport_start_anew(struct transport *t)
{
	if (!t->found || t->anew)
		return false;
	t->anew = t->restarting = true;
	t->found = t->answered = false;
	t->phase = PHASE_LOGIN;
	buf_clear(&t->in);
	buf_clear(&t->errors);
	t->end = NULL;
	limits_set(t, (int64_t)t->target.timeout_s * 1000);
	transport_progress(t, "replacing a damaged agent");
	in_next_turn(t);
	return true;
}

/* The command ended before the agent spoke. */
static void explain_no_agent(struct transport *t, const struct link_end *end)
{
	const char *words = last_words(t);
	struct err known = {0};
	if (bootstrap_explain(&t->errors, t->answered, words, &known))
		transport_fail(t, known.kind, "%s", known.msg);
	else if (t->openssh && end->status == 255)
		transport_fail(t, ERR_UNREACHABLE, "ssh could not log in: %s%s%s%s", words,
			t->fallback ? " (ssh was used because " : "",
			t->fallback ? t->fallback : "", t->fallback ? ")" : "");
	else if (!transport_start_anew(t))
		transport_fail(t, ERR_UNREACHABLE, "the agent could not be started: %s (%s)", words,
			link_how(t->a, end));
}

/* ---- getting the agent going ---- */

void transport_flush(struct transport *t)
{
	if (t->link->out.over)
		transport_fail(
			t, ERR_PERMANENT, "there are more than %d MB to send", OUT_MAX >> 20);
	else
		t->link->ops->flush(t->link);
}

static void bring_agent(struct transport *t)
{
	if (t->brought) {
		transport_fail(t, ERR_PERMANENT, "the host requests the agent a second time");
		return;
	}
	t->brought = true;
	transport_progress(t, "sending the agent");
	buf_add(&t->link->out, t->img->bytes.p, t->img->bytes.n);
	transport_flush(t);
}

static void agent_runs(struct transport *t)
{
	transport_enter(t, PHASE_HELLO, "reading facts");
	buf_clear(&t->errors);
	if (t->held.n) {
		buf_add(&t->link->out, t->held.p, t->held.n);
		buf_free(&t->held);
		transport_flush(t);
	}
}

static void look_for_marks(struct transport *t)
{
	while (t->phase == PHASE_BOOT) {
		switch (bootstrap_scan(&t->in)) {
		case BOOT_MORE:
			return;
		case BOOT_FOUND:
			t->found = true;
			break;
		case BOOT_NEED:
			bring_agent(t);
			break;
		case BOOT_SYNC:
			agent_runs(t);
			break;
		case BOOT_NOISE:
			if (transport_start_anew(t))
				return;
			transport_fail(t, ERR_UNREACHABLE,
				"the login prints more than %d KB before the agent starts: %s",
				BOOT_NOISE_MAX >> 10, quote_tail(t->a, &t->in));
			return;
		}
	}
}

/* sudo asks once; a second time means that the password was wrong. */
static void look_for_prompt(struct transport *t)
{
	size_t n = strlen(t->prompt);
	char *at = t->errors.n ? memmem(t->errors.p, t->errors.n, t->prompt, n) : NULL;
	if (!at || !t->target.connection.become_password)
		return;
	if (t->answered) {
		transport_fail(t, ERR_CONFIG, "sudo refused the password");
		return;
	}
	t->answered = true;
	buf_consume(&t->errors, (size_t)(at - t->errors.p) + n);
	buf_adds(&t->link->out, t->target.connection.become_password);
	buf_addc(&t->link->out, '\n');
	transport_flush(t);
}

/* ---- the link's callbacks ---- */

static void link_progress(void *ctx, const char *what)
{
	transport_progress(ctx, what);
}

static void link_up(void *ctx)
{
	struct transport *t = ctx;
	if (t->phase == PHASE_LOGIN)
		transport_enter(t, PHASE_BOOT, "starting the agent");
}

static void take_errors(struct transport *t, const char *p, size_t n)
{
	keep_tail(&t->errors, p, n, ERRORS_KEPT);
	if (t->phase == PHASE_BOOT)
		look_for_prompt(t);
}

static bool link_data(void *ctx, enum link_stream from, const char *p, size_t n)
{
	struct transport *t = ctx;
	if (t->phase == PHASE_LOGIN && !t->restarting) /* a child does not report its login */
		link_up(t);
	if (t->phase >= PHASE_CLOSING || t->restarting)
		return t->phase != PHASE_ENDED && !t->restarting;
	if (from == LINK_ERR) {
		take_errors(t, p, n);
		return t->phase != PHASE_ENDED;
	}
	buf_add(&t->in, p, n);
	if (t->in.over)
		transport_fail(t, ERR_PERMANENT, "a message from the agent is too large");
	look_for_marks(t);
	if (talks(t) && frame_waits(&t->in)) {
		t->link->paused = true;
		in_next_turn(t);
	}
	return t->phase != PHASE_ENDED && !t->restarting;
}

static void link_end(void *ctx, const struct link_end *end)
{
	struct transport *t = ctx;
	if (talks(t) && frame_waits(&t->in)) {
		t->end = ARENA_NEW(t->a, struct link_end);
		*t->end = *end;
		in_next_turn(t);
	} else {
		transport_link_over(t, end);
	}
}

void transport_link_over(struct transport *t, const struct link_end *end)
{
	if (t->phase == PHASE_ENDED || t->restarting)
		return;
	if (t->phase == PHASE_CLOSING) {
		transport_finish(t, NULL);
	} else if (end->use_openssh && !t->openssh && openssh_there()) {
		size_t n = strlen(
			t->label); /* the message that this becomes part of also begins with it */
		const char *msg = end->err.msg;
		bool labelled = strncmp(msg, t->label, n) == 0 && strncmp(msg + n, ": ", 2) == 0;
		t->openssh = true;
		t->fallback = arena_strdup(t->a, labelled ? msg + n + 2 : msg);
		in_next_turn(t);
	} else if (end->err.kind) {
		struct err why = end->err;
		if (t->phase >= PHASE_RUN)
			why.kind = ERR_TRANSIENT;
		transport_finish(t, &why);
	} else if (t->phase <= PHASE_BOOT) {
		explain_no_agent(t, end);
	} else if (t->phase != PHASE_HELLO || !transport_start_anew(t)) {
		transport_fail(t, t->phase == PHASE_HELLO ? ERR_PERMANENT : ERR_TRANSIENT,
			"the agent ended (%s): %s", link_how(t->a, end), last_words(t));
	}
}

/* ---- opening ---- */

static void start_link(struct transport *t)
{
	static const struct link_events events = {link_progress, link_up, link_data, link_end};
	struct link base = {.loop = t->loop,
		.a = t->a,
		.target = &t->target,
		.label = t->label,
		.ev = &events,
		.ctx = t};
	struct err e = {0};
	buf_init(&base.out, OUT_MAX);
	if (target_is_local(&t->target)) {
		t->link = child_open(&base, local_argv(t->a, &t->target, t->img->path, t->prompt));
		link_up(t);
		return;
	}
	const char *command = bootstrap_command(t->a, &t->target, t->img, t->prompt, t->anew);
	const char *const *argv = NULL;
	if (!t->openssh)
		t->link = ssh2_open(&base, command);
	else if ((argv = openssh_argv(t->a, &t->target, command, &e)))
		t->link = child_open(&base, argv);
	else
		transport_finish(t, &e);
}

static void begin_transport(struct transport *t)
{
	struct err e = {0};
	if (!target_check(&t->target, &e)) {
		transport_finish(t, &e);
		return;
	}
	const char *args = t->target.connection.ssh_args;
	t->openssh = strcmp(t->target.connection.kind, "openssh") == 0 || (args && args[0]);
	if (!t->openssh && !target_is_local(&t->target))
		t->fallback = sshconfig_for_ssh(t->a, &t->target);
	t->openssh |= t->fallback && openssh_there();
	limits_set(t, (int64_t)t->target.timeout_s * 1000);
	transport_progress(t, "connecting");
	start_link(t);
}

/* ---- the end ---- */

static void tear_down(struct transport *t)
{
	if (t->link)
		t->link->ops->free(t->link);
	loop_timer_free(t->limit);
	loop_timer_free(t->turn);
	buf_free(&t->in);
	buf_free(&t->errors);
	buf_free(&t->held);
	t->ev.on_closed(t->ctx, &t->why);
}

/* BYE and the end of input have been sent: there is no need to wait for the host's reply, but a
 * child is reaped. */
static void say_bye(struct transport *t)
{
	bool child = t->openssh || target_is_local(&t->target);
	transport_flush(t);
	if (!child && link_all_sent(t->link))
		transport_finish(t, NULL);
}

/* What must not happen inside a callback of the link: its end, and its replacement. */
static void next_turn(void *ctx)
{
	struct transport *t = ctx;
	if (t->phase == PHASE_ENDED) {
		tear_down(t);
		return;
	}
	loop_timer_free(t->turn);
	t->turn = NULL;
	if (t->phase == PHASE_CLOSING) {
		say_bye(t);
	} else if (talks(t)) {
		talk_turn(t);
	} else if (!t->link) {
		begin_transport(t);
	} else {
		t->link->ops->free(t->link);
		t->link = NULL;
		t->restarting = false;
		start_link(t);
	}
}

struct transport *transport_open(struct loop *l, struct arena *a, const struct target *to,
	const struct agent_image *img, const struct transport_events *ev, void *ctx)
{
	struct transport *t = ARENA_NEW(a, struct transport);
	*t = (struct transport){.loop = l,
		.a = a,
		.target = *to,
		.img = img,
		.ev = *ev,
		.ctx = ctx,
		.doing = "connecting"};
	if (!t->target.connection.kind)
		t->target.connection.kind = "ssh";
	if (t->target.timeout_s <= 0)
		t->target.timeout_s = TIMEOUT_S;
	limits_init(t);
	t->room = SIZE_MAX;
	t->label = target_label(a, &t->target);
	make_prompt(t->prompt);
	buf_init(&t->in, IN_MAX);
	buf_init(&t->errors, 4 * ERRORS_KEPT);
	buf_init(&t->held, OUT_MAX);
	signal(SIGPIPE, SIG_IGN); /* a write to a closed peer must only fail */
	in_next_turn(t);
	return t;
}

void transport_close(struct transport *t)
{
	if (t->phase >= PHASE_CLOSING)
		return;
	if (t->phase < PHASE_HELLO) {
		transport_finish(t, NULL);
		return;
	}
	transport_send(t, FRAME_BYE, value_map(t->a));
	if (t->phase == PHASE_ENDED)
		return;
	t->awaiting = false;
	t->link->last = true;
	t->phase = PHASE_CLOSING;
	limits_set(t, CLOSE_MS);
	in_next_turn(t);
}
