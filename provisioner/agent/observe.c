/* SPDX-License-Identifier: MIT
 *
 * Observes many steps in a child process that the kernel prevents from writing, so that no
 * observation can change the host. Does not interpret the results.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "agent/session.h"
#include "base/place.h"
#include "resource/package.h"
#include "host/foresight.h"
#include "host/services.h"

enum {
	/* bytes of texts in one answer; beyond that long texts become digests */
	TEXTS_MAX = 6 << 20,
	TEXT_LONG = 4096,
	RESULTS_MAX = REPLY_MAX - (1 << 20), /* bytes of results, with the texts */
	ITEM_SIZE = 16,                      /* added for each item of a list or map */
};

/* ---- in the child ---- */

static void prefetch_services(struct agent_step *const *v, size_t n)
{
	struct arena *a = arena_new();
	const char **names = ARENA_ARRAY(a, const char *, n + 1);
	size_t found = 0;
	for (size_t i = 0; i < n; i++)
		if (v[i]->want.type && v[i]->want.params &&
			(v[i]->want.type->class & RES_SERVICE) && !v[i]->bad.kind &&
			map_cstr(v[i]->want.params, "name", NULL))
			names[found++] = map_cstr(v[i]->want.params, "name", NULL);
	if (found)
		service_prefetch(names);
	arena_free(a);
}

static size_t text_size(const struct value *v)
{
	return v && v->type == VALUE_STR ? v->s.n : 0;
}

static void shorten_text(struct arena *a, struct value *change, const char *key)
{
	struct value *v = map_at(change, key);
	if (text_size(v) <= TEXT_LONG)
		return;
	struct value *blob = value_blob(a, v->s);
	blob->blob.bytes = (struct str){NULL, 0};
	blob->secret = v->secret;
	map_put(a, change, key, blob);
}

static void put_changes(
	struct arena *a, struct value *entry, const struct value *changes, size_t *texts)
{
	struct value *list = value_copy(a, changes);
	for (size_t i = 0; i < list->list.n; i++) {
		struct value *c = list->list.v[i];
		*texts += text_size(map_at(c, "before")) + text_size(map_at(c, "after"));
		if (*texts > TEXTS_MAX) {
			shorten_text(a, c, "before");
			shorten_text(a, c, "after");
		}
	}
	map_put(a, entry, "changes", list);
}

/* State of one OBSERVE that later steps depend on. */
struct pending_effects {
	unsigned pending; /* classes that planned changes affect */
	size_t texts;     /* bytes of texts in the answer */
	size_t results;   /* bytes of results in the answer */
	size_t at;        /* index into the session's steps: earlier ones are counted */
	uint32_t *change; /* ids of steps with changes, ascending */
	size_t n_change;
	struct foresight *foresight;
};

static int by_id(const void *key, const void *at)
{
	uint32_t a = *(const uint32_t *)key, b = *(const uint32_t *)at;
	return (a > b) - (a < b);
}

/* Will the step run? A handler does if it is pending, or an earlier step with changes notifies
 * it. */
static bool comes_due(const struct pending_effects *effects, const struct agent_step *step)
{
	for (const uint32_t *id = step->want.notified_by; id && *id; id++)
		if (bsearch(id, effects->change, effects->n_change, sizeof(*id), by_id))
			return true;
	return !step->want.handler || step->want.was_pending;
}

/* Records that the step makes changes; if its type is unknown, of all classes. */
static void note_planned(struct pending_effects *effects, const struct agent_step *step)
{
	bool packages = step->want.type && step->want.type->class == RES_PACKAGE;
	unsigned touches = step->want.type ? step->want.type->touches : RES_ALL;
	effects->pending |= touches;
	effects->change[effects->n_change++] = step->want.id;
	if (!packages && (touches & RES_FILE))
		package_lists_foresee_old(effects->foresight);
}

/* Adds the effects of steps before `id` that were observed by an earlier OBSERVE and are not
 * applied yet, so that the result does not depend on how a plan is divided into OBSERVEs. Call it
 * with ascending ids. */
static void count_earlier_steps(
	struct pending_effects *effects, const struct session *s, uint32_t id)
{
	for (; effects->at < s->n && s->steps[effects->at]->want.id < id; effects->at++) {
		const struct agent_step *step = s->steps[effects->at];
		if (step_may_touch(step) == 0 || !comes_due(effects, step))
			continue;
		note_planned(effects, step);
		foresee_all(effects->foresight, step->foresight);
	}
}

static size_t result_size(const struct value *v)
{
	size_t n = ITEM_SIZE + text_size(v);
	for (size_t i = 0; v->type == VALUE_LIST && i < v->list.n; i++)
		n += result_size(v->list.v[i]);
	for (size_t i = 0; v->type == VALUE_MAP && i < v->map.n; i++)
		n += v->map.e[i].key.n + result_size(v->map.e[i].value);
	return n;
}

/* A result that is too large fails its own step, not the whole answer. */
static bool result_fits(struct pending_effects *effects, const struct value *result, struct err *e)
{
	size_t n = result_size(result);
	size_t texts = effects->texts < TEXTS_MAX ? effects->texts : TEXTS_MAX;
	if (effects->results + texts + n > RESULTS_MAX)
		return err_set(e, ERR_PERMANENT,
			"its result has %zu KB, which is too much: the results of one "
			"observation may have %d MB",
			n >> 10, RESULTS_MAX >> 20);
	effects->results += n;
	return true;
}

static struct value *observe_one(
	struct arena *a, const struct agent_step *step, struct pending_effects *effects)
{
	struct value *entry = value_map(a);
	struct host h = {
		.a = arena_new(), .pending = effects->pending, .foresight = effects->foresight};
	struct observation o;
	struct err e = {0};
	unsigned char digest[SHA256_LEN];
	char text[SHA256_HEX];
	map_put(a, entry, "id", value_int(a, step->want.id));
	folders_hold();
	if (step_observe(step, &h, &o, &e) && result_fits(effects, o.result, &e)) {
		if (o.changes->list.n && step->want.type->foresee)
			step->want.type->foresee(step->want.params, &o, effects->foresight);
		step_digest(o.changes, digest);
		hex(digest, sizeof(digest), text);
		put_changes(a, entry, o.changes, &effects->texts);
		map_put(a, entry, "result", value_copy(a, o.result));
		map_put(a, entry, "digest", value_text(a, text));
	} else {
		map_put(a, entry, "error", value_text(a, redact(h.a, step, e.msg)));
		map_put(a, entry, "kind", value_text(a, err_kind_name(e.kind)));
		if (o.result->map.n &&
			result_fits(effects, o.result,
				&(struct err){0})) /* failed_when may use rc and stderr */
			map_put(a, entry, "result", value_copy(a, o.result));
	}
	/* a handler that cannot be observed yet will run nevertheless */
	if (e.kind == ERR_NONE ? o.changes->list.n > 0 : step->want.handler != NULL)
		note_planned(effects, step);
	folders_release();
	arena_free(h.a);
	return entry;
}

_Noreturn static void run_child(int fd, const struct session *s, struct agent_step *const *v,
	size_t n, volatile uint32_t *at)
{
	struct arena *a = arena_new();
	struct value *msg = value_map(a), *list = value_list(a);
	struct buf b;
	struct pending_effects effects = {.foresight = foresight_new(a),
		/* a step may count twice: by its earlier observation and by this one */
		.change = ARENA_ARRAY(a, uint32_t, s->n + n)};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (s->landlock && !landlock_forbid_writing())
		_exit(2);
	prefetch_services(v, n);
	for (size_t i = 0; i < n; i++) {
		*at = v[i]->want.id;
		count_earlier_steps(&effects, s, v[i]->want.id);
		if (!comes_due(&effects, v[i]))
			continue;
		if (v[i]->want.handler && v[i]->want.type && v[i]->want.params)
			step_check(a, v[i]);
		if ((v[i]->want.type && v[i]->want.params) || v[i]->bad.kind)
			list_add(a, list, observe_one(a, v[i], &effects));
		else
			note_planned(&effects, v[i]);
	}
	map_put(a, msg, "steps", list);
	buf_init(&b, (size_t)FRAME_MAX + 16);
	frame_write(&b, FRAME_OBSERVED, msg);
	_exit(write_all(fd, b.p, b.n) ? 0 : 3);
}

/* ---- in the parent ---- */

/* Reads the child's answer. A signal also ends the child: a partial observation is useless. */
static void collect_bytes(struct session *s, int fd, pid_t pid, struct buf *b)
{
	char chunk[64 << 10];
	for (;;) {
		struct pollfd ready[] = {{fd, POLLIN, 0}, {s->io.signals, POLLIN, 0}};
		if (poll(ready, 2, -1) < 0 && errno != EINTR)
			return;
		if (stream_interrupted(&s->io)) {
			kill(pid, SIGKILL);
			return;
		}
		if (!ready[0].revents)
			continue;
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			return;
		buf_add(b, chunk, (size_t)n);
	}
}

static bool report_failure(
	struct session *s, const struct agent_step *step, int status, struct err *e)
{
	if (s->io.interrupted)
		return err_set(e, ERR_PERMANENT, "a signal interrupted the observation");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return err_set(e, ERR_PERMANENT, "the kernel refused to forbid writes (Landlock)");
	return err_set(e, ERR_PERMANENT, "the observation ended at '%s' (%s %d)",
		step ? step->want.name : "the first step",
		WIFSIGNALED(status) ? "signal" : "exit code",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static bool take_frame(struct arena *a, struct buf *b, struct value **out, struct err *e)
{
	enum frame_type type;
	struct value *msg;
	enum frame_status got = frame_read(a, b, &type, &msg, e);
	if (got == FRAME_BAD)
		return false;
	if (got == FRAME_OK && type == FRAME_FATAL)
		return err_set(e, ERR_PERMANENT, "%s", map_cstr(msg, "msg", ""));
	if (got != FRAME_OK || type != FRAME_OBSERVED)
		return err_set(e, ERR_PERMANENT, "the observation gave no answer");
	*out = map_at(msg, "steps");
	return true;
}

bool observe_steps(struct session *s, struct agent_step *const *v, size_t n, struct arena *a,
	struct value **out, struct err *e)
{
	int fds[2], status = 0;
	struct buf b;
	volatile uint32_t *at = mmap(
		NULL, sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED || pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, "cannot start the observation");
	pid_t pid = fork();
	if (pid < 0)
		err_errno(e, "cannot start the observation");
	if (pid == 0)
		run_child(fds[1], s, v, n, at);
	close(fds[1]);
	buf_init(&b, (size_t)FRAME_MAX + 16);
	if (pid > 0)
		collect_bytes(s, fds[0], pid, &b);
	close(fds[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	bool ok = pid > 0 && status == 0 ? take_frame(a, &b, out, e)
					 : report_failure(s, steps_find(s, *at), status, e);
	buf_free(&b);
	munmap((void *)(uintptr_t)at, sizeof(uint32_t));
	return ok;
}

bool observed_digest(const struct value *entry, unsigned char out[SHA256_LEN])
{
	return unhex(map_cstr(entry, "digest", ""), out, SHA256_LEN);
}

/* Repeats foresight in the parent; the child's is lost with it. */
static void foresee_step(
	struct session *s, struct agent_step *step, struct value *changes, struct value *result)
{
	struct observation o = {changes, result};
	if (!step->planned || !step->want.type->foresee || !result)
		return;
	step->foresight = foresight_new(s->a);
	step->want.type->foresee(step->want.params, &o, step->foresight);
}

static bool says_maybe(const struct value *changes)
{
	for (size_t i = 0; changes && i < changes->list.n; i++)
		if (strcmp(map_cstr(changes->list.v[i], "kind", ""), "maybe") == 0)
			return true;
	return false;
}

static void remember_found(struct session *s, const struct value *found)
{
	for (size_t i = 0; i < found->list.n; i++) {
		const struct value *entry = found->list.v[i];
		struct agent_step *step = steps_find(s, (uint32_t)map_int(entry, "id", 0));
		struct value *changes = map_at(entry, "changes");
		struct value *result = map_at(entry, "result");
		if (!step)
			continue;
		step->observed = true;
		step->failed = map_at(entry, "error") || !observed_digest(entry, step->digest);
		step->planned = changes && changes->list.n;
		step->maybe = says_maybe(changes);
		foresee_step(s, step, changes, result);
		step->waits = result && value_find_type(result, VALUE_UNKNOWN);
	}
}

void session_observe(struct session *s, const struct value *msg, struct arena *a, struct err *e)
{
	const struct value *given = map_at(msg, "steps");
	size_t n = given->list.n;
	struct agent_step **v = ARENA_ARRAY(a, struct agent_step *, n);
	struct value *answer = value_map(a), *found = value_list(a);
	steps_observing(s);
	for (size_t i = 0; i < n; i++) {
		v[i] = step_read(s->a, given->list.v[i], STEP_OBSERVE);
		steps_add(s, v[i]);
	}
	if (n && !observe_steps(s, v, n, a, &found, e))
		return;
	remember_found(s, found);
	map_put(a, answer, "steps", found);
	stream_send(&s->io, FRAME_OBSERVED, answer);
	stream_flush(&s->io);
}
