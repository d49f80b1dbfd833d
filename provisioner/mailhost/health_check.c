/* SPDX-License-Identifier: MIT
 *
 * Probes a daemon repeatedly until it works: by a dialog, or by a program that must succeed.
 * Reports what went wrong in the last attempt, and never shows a secret.
 */
#include <unistd.h>
#include "host/args.h"
#include "host/regex.h"
#include "mailhost/health_dialog.h"

enum {
	ATTEMPT_MS = 15000,     /* postscreen delays its greeting */
	WRONG_ANSWER_MS = 3000, /* how long a daemon may answer wrongly before the probe fails */
	PAUSE_FIRST_MS = 20,
	PAUSE_LONGEST_MS = 500,
	SHOWN_MAX = 200,
	BYTES_MAX = 1024, /* of expect_hex */
	COMMAND_S = 20,
};

static const struct field dialog_fields[] = {
	{.name = "send",
		.kind = FIELD_STR,
		.doc = "Text to send, with its line ends. " SECRET_PLACE
		       " stands for the probe's secret."},
	{.name = "send_hex", .kind = FIELD_STR, .doc = "Bytes to send, as hexadecimal digits."},
	{.name = "expect", .kind = FIELD_STR, .doc = "Pattern; lines are read until one matches."},
	{.name = "expect_hex",
		.kind = FIELD_STR,
		.doc = "Bytes that the answer must begin with, as hexadecimal digits."},
	{.name = "fail",
		.kind = FIELD_STR,
		.doc = "Pattern; a line that matches it, before one that is expected, makes the "
		       "probe fail."},
	{.name = "tls",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Starts a TLS handshake, which the daemon must answer; for that it needs a "
		       "certificate and its key. Must be the last turn of a dialog."},
	{.name = NULL},
};

const struct field probe_fields[] = {
	{.name = "name", .kind = FIELD_STR, .flags = FIELD_REQUIRED, .doc = "Name for messages."},
	{.name = "address",
		.kind = FIELD_STR,
		.doc = "127.0.0.1:25, [::1]:25, or the path of a Unix socket."},
	{.name = "dialog",
		.kind = FIELD_LIST,
		.sub = dialog_fields,
		.doc = "What is sent and expected, in this order."},
	{.name = "secret",
		.kind = FIELD_PATH,
		.doc = "File on the host with a secret for the dialog; it is never shown."},
	{.name = "secret_pattern",
		.kind = FIELD_STR,
		.dflt = "([A-Za-z0-9]{16,})",
		.doc = "Pattern whose first group is the secret in that file."},
	{.name = "command",
		.kind = FIELD_LIST,
		.doc = "Instead of address and dialog: a program and its arguments, which must "
		       "exit with 0."},
	{.name = "expect",
		.kind = FIELD_STR,
		.doc = "With command: pattern that a line of its output must match."},
	{.name = NULL},
};

const char *probe_name(const struct value *probe)
{
	return map_cstr(probe, "name", "");
}

bool probe_hopeless(const struct probe_patience *p)
{
	return p->hopeless && p->hopeless(p->ctx);
}

/* ---- rules ---- */

static bool check_hex(const struct value *turn, const char *key, struct errs *errs)
{
	const struct value *v = map_at(turn, key);
	struct str bytes;
	if (!v || v->type != VALUE_STR)
		return true;
	if (probe_hex(errs->a, v->s.p, &bytes) && bytes.n <= BYTES_MAX)
		return true;
	return errs_add(errs, v->pos, "%s takes pairs of hexadecimal digits, at most %d bytes", key,
		BYTES_MAX);
}

static bool check_dialog(const struct value *dialog, struct errs *errs)
{
	bool ok = true;
	for (size_t i = 0; dialog && i < dialog->list.n; i++) {
		const struct value *turn = dialog->list.v[i];
		if (turn->type != VALUE_MAP)
			continue;
		ok = check_hex(turn, "send_hex", errs) && ok;
		ok = check_hex(turn, "expect_hex", errs) && ok;
		ok = pattern_check(turn, "expect", 0, errs) && ok;
		ok = pattern_check(turn, "fail", 0, errs) && ok;
		if (map_at(turn, "send") && map_at(turn, "send_hex"))
			ok = errs_add(
				errs, turn->pos, "a turn has either send or send_hex, not both");
		if (map_at(turn, "expect") && map_at(turn, "expect_hex"))
			ok = errs_add(errs, turn->pos,
				"a turn has either expect or expect_hex, not both");
	}
	return ok;
}

bool probe_check(const struct value *probe, struct errs *errs)
{
	const struct value *address = map_at(probe, "address"), *dialog = map_at(probe, "dialog");
	const struct value *command = map_at(probe, "command");
	bool ok = pattern_check(probe, "expect", 0, errs);
	if (!address == !command)
		ok = errs_add(errs, probe->pos, "probe '%s' needs either address or command",
			probe_name(probe));
	if (command && command->type == VALUE_LIST && command->list.n == 0)
		ok = errs_add(errs, command->pos, "command is empty");
	if (address && address->type == VALUE_STR && !probe_address(address->s.p))
		ok = errs_add(errs, address->pos,
			"'%s' is not an address for a probe; write 127.0.0.1:25, [::1]:25, or the "
			"path of a socket",
			address->s.p);
	ok = pattern_check(probe, "secret_pattern", PATTERN_SPANS, errs) && ok;
	return (!dialog || dialog->type != VALUE_LIST || check_dialog(dialog, errs)) && ok;
}

/* ---- programs ---- */

static bool output_matches(struct host *h, const struct value *probe, struct str out, struct err *e)
{
	const struct value *wanted = map_at(probe, "expect");
	if (!wanted)
		return true;
	struct pattern *p = pattern_compile(h->a, wanted->s, PATTERN_LINES, e);
	if (!p)
		return false;
	bool ok = pattern_search(p, out.p, false, NULL);
	pattern_free(p);
	return ok || err_set(e, ERR_PERMANENT, "expected '%s', got: %s", wanted->s.p,
			     last_words(h->a, out, SHOWN_MAX));
}

static bool try_command(struct host *h, const struct value *probe, struct err *e)
{
	const struct value *list = map_at(probe, "command");
	struct args argv = {0};
	struct proc_result r;
	for (size_t i = 0; i < list->list.n; i++)
		args_add(h->a, &argv, value_print(h->a, list->list.v[i]).p);
	if (!argv.n)
		return err_set(e, ERR_CONFIG, "command is empty");
	struct proc p = {.argv = argv.v, .uid = (uid_t)-1, .timeout_s = COMMAND_S};
	if (!proc_run(h->a, &p, &r, e))
		return false;
	if (r.timed_out || r.status != 0)
		return err_set(e, ERR_PERMANENT, "%s %s: %s", argv.v[0],
			r.timed_out ? "timed out"
				    : arena_printf(h->a, "failed (exit %d)", r.status),
			last_words(h->a, r.err_out.n ? r.err_out : r.out, SHOWN_MAX));
	return output_matches(h, probe, r.out, e);
}

/* ---- until it goes well ---- */

static bool try_once(struct host *h, const struct value *probe,
	const struct probe_patience *patience, int64_t deadline, bool *answered, struct err *e)
{
	struct host own = *h;
	own.a = arena_new();
	*answered = true;
	bool ok = map_at(probe, "command")
			  ? try_command(&own, probe, e)
			  : probe_dialog(&own, probe, patience, deadline, answered, e);
	arena_free(own.a);
	return ok;
}

bool probe_run(struct host *h, const struct value *probe, const struct probe_patience *patience,
	struct err *e)
{
	int64_t now = now_ms(), end = proc_until(now + 1000LL * patience->timeout_s);
	int64_t wrong_since = 0;
	int pause = PAUSE_FIRST_MS;
	for (;;) {
		struct err said = {0};
		bool answered;
		int64_t most = now + ATTEMPT_MS;
		if (try_once(h, probe, patience, most < end ? most : end, &answered, &said))
			return true;
		now = now_ms();
		if (answered && !wrong_since)
			wrong_since = now;
		bool over = now + pause >= end ||
			    (answered && now - wrong_since >= WRONG_ANSWER_MS) ||
			    probe_hopeless(patience);
		if (over)
			return err_set(e, answered ? ERR_PERMANENT : ERR_TRANSIENT,
				"probe '%s'%s%s: %s", probe_name(probe),
				map_at(probe, "address") ? " at " : "",
				map_cstr(probe, "address", ""), said.msg);
		usleep((useconds_t)pause * 1000);
		pause = 2 * pause < PAUSE_LONGEST_MS ? 2 * pause : PAUSE_LONGEST_MS;
		now = now_ms();
	}
}
