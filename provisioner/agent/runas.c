/* SPDX-License-Identifier: MIT
 *
 * Runs one operation (observe or apply) of one step: in this process, or, if the step has a user,
 * in a child that changes to that user. The agent itself never changes its user.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "agent/session.h"
#include "base/place.h"

enum { STEP_UMASK = 022, OWN_UMASK = 077, ANSWER_MAX = FRAME_MAX };

typedef bool verb_fn(
	struct host *h, const struct value *params, struct observation *o, struct err *e);

enum who { WHO_SELF, WHO_OTHER, WHO_NOBODY };

static enum who find_account(struct arena *a, const char *user, struct account *out)
{
	struct passwd *pw = user ? getpwnam(user) : NULL;
	if (!user)
		return WHO_SELF;
	if (!pw)
		return WHO_NOBODY;
	*out = (struct account){arena_strdup(a, pw->pw_name), arena_strdup(a, pw->pw_dir),
		arena_strdup(a, pw->pw_shell), pw->pw_uid, pw->pw_gid};
	return pw->pw_uid == geteuid() ? WHO_SELF : WHO_OTHER;
}

static bool become_user(const struct account *who)
{
	if (initgroups(who->name, who->gid) < 0 || setgid(who->gid) < 0 || setuid(who->uid) < 0)
		return false;
	if (chdir(who->home) < 0 && chdir("/") < 0)
		return false;
	return true;
}

static bool put_answer(int fd, struct arena *a, const struct observation *o, const struct err *e)
{
	struct value *answer = value_map(a);
	struct buf b;
	map_put(a, answer, "changes", o->changes);
	map_put(a, answer, "result", o->result);
	if (e->kind != ERR_NONE) {
		map_put(a, answer, "error", value_text(a, e->msg));
		map_put(a, answer, "kind", value_int(a, e->kind));
	}
	buf_init(&b, ANSWER_MAX);
	value_encode(&b, answer, CODEC_BLOBS);
	bool ok = !b.over && write_all(fd, b.p, b.n);
	buf_free(&b);
	return ok;
}

_Noreturn static void run_child(int fd, const struct account *who, const struct agent_step *step,
	verb_fn *verb, struct host *h, struct observation *o)
{
	struct err e = {0};
	environ = step_environment(h->a, who, step->want.environment);
	h->originals = NULL; /* only the agent's user may read that folder */
	h->note = NULL;
	h->keep = NULL;
	umask(STEP_UMASK);
	folders_forget(); /* this user may not have access to the folders kept open */
	if (!become_user(who))
		err_errno(&e, "cannot become user '%s'", who->name);
	else
		verb(h, step->want.params, o, &e);
	_exit(put_answer(fd, h->a, o, &e) ? 0 : 1);
}

static bool take_answer(struct arena *a, struct str bytes, struct observation *o, struct err *e)
{
	struct value *answer;
	if (!value_decode(a, bytes.p, bytes.n, &answer, e))
		return false;
	struct value *changes = map_at(answer, "changes"), *result = map_at(answer, "result");
	if (!changes || changes->type != VALUE_LIST || !result || result->type != VALUE_MAP)
		return err_set(e, ERR_PERMANENT, "the process did not report changes");
	o->changes = changes;
	o->result = result;
	const char *error = map_cstr(answer, "error", NULL);
	if (error)
		return err_set(
			e, (enum err_kind)map_int(answer, "kind", ERR_PERMANENT), "%s", error);
	return true;
}

static void read_all(int fd, struct buf *b)
{
	char chunk[16 << 10];
	ssize_t n;
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n > 0)
			buf_add(b, chunk, (size_t)n);
		else if (errno != EINTR)
			break;
	}
}

static bool in_child(const struct account *who, const struct agent_step *step, verb_fn *verb,
	struct host *h, struct observation *o, struct err *e)
{
	int fds[2], status = 0;
	struct buf b;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, "cannot start a process for user '%s'", who->name);
	pid_t pid = fork();
	if (pid == 0)
		run_child(fds[1], who, step, verb, h, o);
	close(fds[1]);
	buf_init(&b, ANSWER_MAX);
	if (pid > 0)
		read_all(fds[0], &b);
	close(fds[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	bool ok = pid > 0 && status == 0;
	if (!ok)
		err_set(e, ERR_PERMANENT, "the process of user '%s' did not finish", who->name);
	else
		ok = take_answer(h->a, buf_str(h->a, &b), o, e);
	buf_free(&b);
	return ok;
}

/* Sets the environment of the step, which its programs inherit, during the operation. */
static bool in_environment(const struct agent_step *step, verb_fn *verb, struct host *h,
	struct observation *o, struct err *e)
{
	char **own = environ;
	if (step->want.environment)
		environ = step_environment(h->a, NULL, step->want.environment);
	bool ok = verb(h, step->want.params, o, e);
	environ = own;
	return ok;
}

static bool choose_process(const struct agent_step *step, verb_fn *verb, struct host *h,
	struct observation *o, struct err *e)
{
	struct account who = {0};
	switch (find_account(h->a, step->want.user, &who)) {
	case WHO_OTHER:
		if (geteuid() != 0)
			return err_set(e, ERR_PERMANENT,
				"only root can act as user '%s'; use become for the play",
				step->want.user);
		return in_child(&who, step, verb, h, o, e);
	case WHO_NOBODY:
		if (!(h->pending & (RES_ACCOUNT | RES_PACKAGE)))
			return err_set(e, ERR_PERMANENT, "there is no user '%s' on the host",
				step->want.user);
		/* the plan creates this account later: a probe waits for it; for other types the
		 * agent's own user can observe */
		if (step->want.type->probe || map_bool(step->want.params, "_probe", false)) {
			probe_later(h, step->want.type, o);
			return true;
		}
		break;
	case WHO_SELF:
		break;
	}
	return in_environment(step, verb, h, o, e);
}

static bool run_verb(const struct agent_step *step, verb_fn *verb, struct host *h,
	struct observation *o, struct err *e)
{
	proc_deadline(step->want.timeout_s ? now_ms() + 1000LL * step->want.timeout_s : 0);
	bool ok = choose_process(step, verb, h, o, e);
	proc_deadline(0);
	return ok;
}

bool step_observe(
	const struct agent_step *step, struct host *h, struct observation *o, struct err *e)
{
	observation_init(h, o);
	if (step->bad.kind != ERR_NONE) {
		*e = step->bad;
		return false;
	}
	return run_verb(step, step->want.type->observe, h, o, e);
}

bool step_apply(const struct agent_step *step, struct host *h, struct observation *o, struct err *e)
{
	umask(STEP_UMASK);
	bool ok = run_verb(step, step->want.type->apply, h, o, e);
	umask(OWN_UMASK);
	return ok;
}
