/* SPDX-License-Identifier: MIT
 *
 * Runs programs to their end: argument vector, time limit, limited output. The environment is the
 * agent's, and so the login's; programs whose output is parsed get a fixed PATH and locale. No
 * shell is used, and the program inherits no descriptors and no signal settings.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/place.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* the same number on all architectures */
#endif

#define CLOSED_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	GRACE_MS = 5000, /* between SIGTERM and SIGKILL, so that a package manager can clean up */
	HOUR_MS = 3600 * 1000,
	TICK_MS = 100,    /* interval for checking whether it ended while its output is open */
	DRAIN_TURNS = 16, /* reads of 16 KiB: more than a pipe's 64 KiB */
	FD_MOST = 65536,  /* descriptors to close one by one if close_range(2) is missing */
};

struct child {
	const char *program;
	char **env;
	const char *path, *home;
	const char *user; /* for its supplementary groups; NULL: do not change the user */
	gid_t gid;
	pid_t pid;
	int dir; /* the folder to run in; -1: none given */
	/* the child writes the errno of a failed step to `failed` */
	int in, out[2], err[2], failed[2];
	struct buf out_buf, err_buf;
	size_t told; /* bytes of out_buf already passed to p->line */
	int64_t deadline;
	int signals; /* number of signals sent */
};

static const char *find_program(struct arena *a, const char *name, const char *folders)
{
	if (strchr(name, '/'))
		return name;
	for (const char *at = folders; *at;) {
		size_t n = strcspn(at, ":");
		char *path = arena_printf(a, "%.*s/%s", (int)n, at, name);
		struct stat st;
		if (*at == '/' && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
			(st.st_mode & 0111))
			return path;
		at += n + (at[n] == ':');
	}
	return NULL;
}

static bool same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");
	return n == strcspn(b, "=") && memcmp(a, b, n) == 0;
}

/* The value of a variable in an environment, or NULL. */
static const char *value_in(char *const *env, const char *name)
{
	size_t n = strlen(name);
	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

/* Adds a variable, or replaces the one with the same name. */
static void put_variable(char **env, size_t *n, char *entry)
{
	size_t at = 0;
	while (at < *n && !same_name(env[at], entry))
		at++;
	env[at] = entry;
	*n += at == *n;
}

/* Locale variables, which change a program's output. */
static bool is_language(const char *entry)
{
	return strncmp(entry, "LC_", 3) == 0 || strncmp(entry, "LANG=", 5) == 0 ||
	       strncmp(entry, "LANGUAGE=", 9) == 0;
}

/* Without any locale variable the locale is C, but with UTF-8, as Python sets it for the programs
 * that Ansible starts. */
static void set_characters(char **env, size_t *n, struct arena *a)
{
	for (size_t i = 0; i < *n; i++)
		if (is_language(env[i]))
			return;
	put_variable(env, n, arena_strdup(a, "LC_CTYPE=C.UTF-8"));
}

static char **make_environment(struct arena *a, const struct proc *p, const char *home)
{
	static const char *const set[] = {
		("PATH=" CLOSED_PATH), "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TERM=dumb"};
	size_t n = 0, most = ARRAY_LEN(set) + 3;
	for (char **e = environ; e && *e; e++)
		most++;
	for (const char *const *e = p->env; e && *e; e++)
		most++;
	char **env = ARENA_ARRAY(a, char *, most);
	for (char **e = environ; e && *e; e++)
		if (p->users || !is_language(*e))
			env[n++] = arena_strdup(a, *e);
	for (size_t i = 0; !p->users && i < ARRAY_LEN(set); i++)
		put_variable(env, &n, arena_strdup(a, set[i]));
	if (p->users && !value_in(environ, "PATH"))
		put_variable(env, &n, arena_strdup(a, "PATH=" CLOSED_PATH));
	if (p->users)
		set_characters(env, &n, a);
	if (!p->users || !value_in(environ, "HOME"))
		put_variable(env, &n, arena_printf(a, "HOME=%s", home));
	for (const char *const *e = p->env; e && *e; e++)
		put_variable(env, &n, arena_strdup(a, *e));
	return env;
}

static bool prepare_child(struct arena *a, const struct proc *p, struct child *c, struct err *e)
{
	uid_t uid = p->uid == (uid_t)-1 ? geteuid() : p->uid;
	struct passwd *pw = getpwuid(uid);
	c->home = pw ? arena_strdup(a, pw->pw_dir) : "/";
	if (p->uid != (uid_t)-1 && !pw)
		return err_set(e, ERR_PERMANENT, "cannot run %s: no user has the id %ld",
			p->argv[0], (long)uid);
	if (p->uid != (uid_t)-1 && p->uid != geteuid()) {
		c->user = arena_strdup(a, pw->pw_name);
		c->gid = pw->pw_gid;
	}
	c->env = make_environment(a, p, c->home);
	c->path = value_in(c->env, "PATH");
	c->program = find_program(a, p->argv[0], c->path ? c->path : CLOSED_PATH);
	if (!c->program)
		return err_set(
			e, ERR_PERMANENT, "cannot run %s: not found in %s", p->argv[0], c->path);
	return true;
}

/* The input is a memfd: unlike a pipe it cannot fill up, break, or cause SIGPIPE. */
static int open_input(struct str input)
{
	if (!input.p)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	int fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (write_all(fd, input.p, input.n) && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_all(struct child *c)
{
	int *fds[] = {&c->dir, &c->in, &c->out[0], &c->out[1], &c->err[0], &c->err[1],
		&c->failed[0], &c->failed[1]};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close_fd(fds[i]);
}

static bool open_pipes(struct child *c, struct str input)
{
	int *pairs[] = {c->out, c->err, c->failed};
	c->in = open_input(input);
	if (c->in < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (pipe2(pairs[i], O_CLOEXEC) < 0)
			return false;
	return fcntl(c->out[0], F_SETFL, O_NONBLOCK) == 0 &&
	       fcntl(c->err[0], F_SETFL, O_NONBLOCK) == 0;
}

static void close_from(int first)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0)
		return;
#endif
	struct rlimit limit = {FD_MOST, FD_MOST};
	getrlimit(RLIMIT_NOFILE, &limit);
	int end = limit.rlim_cur < FD_MOST ? (int)limit.rlim_cur : FD_MOST;
	for (int fd = first; fd < end; fd++)
		close(fd);
}

static bool take_descriptors(struct child *c)
{
	/* move them above 3 first: they may have these numbers if standard descriptors were
	 * closed */
	int fds[4] = {c->in, c->out[1], c->err[1], c->failed[1]};
	for (int i = 0; i < 4; i++)
		if ((fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 10)) < 0)
			return false;
	c->failed[1] = fds[3];
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			return false;
	if (dup3(fds[3], 3, O_CLOEXEC) < 0)
		return false;
	c->failed[1] = 3;
	close_from(4);
	return true;
}

static bool become_user(const struct proc *p, const struct child *c)
{
	if (!c->user)
		return true;
	return initgroups(c->user, c->gid) == 0 && setgid(c->gid) == 0 && setuid(p->uid) == 0;
}

/* A missing or inaccessible home folder does not prevent a command from running. */
static bool enter_folder(const struct proc *p, const struct child *c)
{
	if (c->dir >= 0)
		return fchdir(c->dir) == 0;
	return (p->users && chdir(c->home) == 0) || chdir("/") == 0;
}

_Noreturn static void run_child(const struct proc *p, struct child *c)
{
	sigset_t none;
	sigemptyset(&none);
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid(); /* its own process group, and no terminal for prompts */
	umask(022);
	if (enter_folder(p, c) && take_descriptors(c) && become_user(p, c))
		execve(c->program, (char *const *)(uintptr_t)p->argv, c->env);
	int failure = errno;
	write_all(c->failed[1], &failure, sizeof(failure));
	_exit(127);
}

/* The folder of p->dir is opened like other places: no untrusted link may lead to it. */
static bool open_folder(const struct proc *p, struct child *c, struct err *e)
{
	char inside[PATH_MAX + 2];
	struct place at;
	bool there;
	if (!p->dir)
		return true;
	snprintf(inside, sizeof(inside), "%s/.", p->dir);
	if (!place_find(inside, &at, &there, e))
		return err_prefix(e, "cannot run %s", c->program);
	if (there)
		c->dir = fcntl(at.dir, F_DUPFD_CLOEXEC, 0);
	place_close(&at);
	return c->dir >= 0 || err_errno(e, "cannot run %s in %s", c->program, p->dir);
}

static bool start_child(const struct proc *p, struct child *c, struct err *e)
{
	int failure = 0;
	ssize_t n;
	if (!open_folder(p, c, e))
		return false;
	if (!open_pipes(c, p->input))
		return err_errno(e, "cannot run %s", c->program);
	c->pid = fork();
	if (c->pid < 0)
		return err_errno(e, "cannot run %s", c->program);
	if (c->pid == 0)
		run_child(p, c);
	close_fd(&c->in);
	close_fd(&c->out[1]);
	close_fd(&c->err[1]);
	close_fd(&c->failed[1]);
	do
		n = read(c->failed[0], &failure, sizeof(failure));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(failure))
		return true; /* the pipe is closed by a successful exec */
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	errno = failure;
	return err_errno(
		e, "cannot run %s%s%s", c->program, p->dir ? " in " : "", p->dir ? p->dir : "");
}

/* Reads what is available, up to what a pipe holds; closes the pipe at its end. The limit is needed
 * so that a program that writes without end cannot delay its time-out. */
static void drain_pipe(int *fd, struct buf *b)
{
	char chunk[16384];
	for (int turn = 0; *fd >= 0 && turn < DRAIN_TURNS; turn++) {
		ssize_t n = read(*fd, chunk, sizeof(chunk));
		if (n > 0)
			buf_add(b, chunk, (size_t)n);
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n < 0 && errno == EAGAIN)
			return;
		else
			close_fd(fd);
	}
}

/* Passes on the complete lines received since the last call. */
static void tell_lines(const struct proc *p, struct child *c)
{
	while (p->line && c->told < c->out_buf.n) {
		const char *start = c->out_buf.p + c->told;
		char *end = memchr(start, '\n', c->out_buf.n - c->told);
		if (!end)
			return;
		*end = 0; /* a struct str needs a NUL after it */
		p->line(p->ctx, (struct str){start, (size_t)(end - start)});
		*end = '\n';
		c->told += (size_t)(end - start) + 1;
	}
}

static void enforce_deadline(struct child *c, struct proc_result *r)
{
	if (now_ms() < c->deadline)
		return;
	r->timed_out = true;
	kill(-c->pid, c->signals++ == 0 ? SIGTERM : SIGKILL);
	c->deadline = now_ms() + GRACE_MS;
}

static int wait_ms(const struct child *c, int pidfd)
{
	int64_t left = c->deadline - now_ms();
	if (left < 0)
		return 0;
	int64_t most = pidfd < 0 ? TICK_MS : HOUR_MS;
	return (int)(left < most ? left : most);
}

/* Waits for the program, not for the end of its output: a daemon that it started may keep the pipes
 * open. */
static void attend_child(const struct proc *p, struct child *c, struct proc_result *r)
{
	/* a pidfd reports the end at once; before Linux 5.3 check at every tick */
	int pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0), status = 0;
	pid_t got = 0;
	while (got == 0) {
		struct pollfd fds[] = {
			{c->out[0], POLLIN, 0}, {c->err[0], POLLIN, 0}, {pidfd, POLLIN, 0}};
		poll(fds, ARRAY_LEN(fds), wait_ms(c, pidfd));
		/* before the last read: the pipes then contain everything it wrote */
		got = waitpid(c->pid, &status, WNOHANG);
		if (got < 0 && errno != EINTR)
			panic("waitpid: %s (is SIGCHLD ignored?)", strerror(errno));
		got = got < 0 ? 0 : got;
		drain_pipe(&c->out[0], &c->out_buf);
		drain_pipe(&c->err[0], &c->err_buf);
		tell_lines(p, c);
		if (got == 0)
			enforce_deadline(c, r);
	}
	close_fd(&pidfd);
	if (r->timed_out)
		kill(-c->pid, SIGKILL); /* the processes that it left behind */
	r->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int64_t step_deadline;

void proc_deadline(int64_t ms)
{
	step_deadline = ms;
}

int64_t proc_until(int64_t ms)
{
	return step_deadline && step_deadline < ms ? step_deadline : ms;
}

bool proc_run(struct arena *a, const struct proc *p, struct proc_result *r, struct err *e)
{
	struct child c = {
		.dir = -1, .in = -1, .out = {-1, -1}, .err = {-1, -1}, .failed = {-1, -1}};
	size_t limit = p->max_output ? p->max_output : PROC_OUTPUT;
	*r = (struct proc_result){.out = {"", 0}, .err_out = {"", 0}};
	folders_forget();
	if (!prepare_child(a, p, &c, e))
		return false;
	buf_init(&c.out_buf, limit);
	buf_init(&c.err_buf, limit);
	int64_t now = now_ms();
	if (p->timeout_s || !step_deadline)
		c.deadline = now + 1000LL * (p->timeout_s ? p->timeout_s : PROC_TIMEOUT);
	else
		c.deadline = step_deadline;
	c.deadline = proc_until(c.deadline);
	r->limit_s = (int)((c.deadline - now + 999) / 1000);
	bool ok = start_child(p, &c, e);
	if (ok) {
		attend_child(p, &c, r);
		r->out = buf_str(a, &c.out_buf);
		r->err_out = buf_str(a, &c.err_buf);
		r->cut = c.out_buf.over || c.err_buf.over;
	}
	close_all(&c);
	buf_free(&c.out_buf);
	buf_free(&c.err_buf);
	return ok;
}
