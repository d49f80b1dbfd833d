/* SPDX-License-Identifier: MIT
 *
 * The shell command that finds the agent on a host or receives it. It never runs a file from a
 * folder that somebody else could write to, and starts no other program when the agent is there
 * already.
 */
#include <elf.h>
#include <sys/random.h>
#include "transport/bootstrap.h"

/* bootstrap.sh, as it is in the source. The Makefile knows that this file depends on it. */
__asm__(".pushsection .rodata\n"
	"bootstrap_sh: .incbin \"provisioner/transport/bootstrap.sh\"\n"
	".byte 0\n"
	".popsection\n");
extern const char bootstrap_sh[] __attribute__((visibility("hidden")));

/* The script as one line: without indentation and comments, its lines joined by blanks. */
static void add_script(struct buf *b)
{
	for (const char *p = bootstrap_sh, *end; *p; p = end + (*end == '\n')) {
		p += strspn(p, "\t");
		end = strchrnul(p, '\n');
		if (*p == '#' || end == p)
			continue;
		buf_add(b, p, (size_t)(end - p));
		buf_addc(b, ' ');
	}
}

static bool plain_word(const char *s, const char *extra)
{
	if (!s[0] || s[0] == '-')
		return false;
	for (; *s; s++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
			    *s) &&
			!strchr(extra, *s))
			return false;
	return true;
}

void make_prompt(char prompt[PROMPT_SIZE])
{
	unsigned char noise[12];
	char text[2 * sizeof noise + 1];
	if (getrandom(noise, sizeof noise, 0) != sizeof noise)
		panic("getrandom failed");
	hex(noise, sizeof noise, text);
	snprintf(prompt, PROMPT_SIZE, "[provision %s] ", text);
}

bool target_check(const struct target *t, struct err *e)
{
	bool local = target_is_local(t);
	if (!local && strcmp(t->connection.kind, "ssh") != 0 &&
		strcmp(t->connection.kind, "openssh") != 0)
		return err_set(e, ERR_CONFIG,
			"%s: connection '%s' is not supported; use ssh, openssh or local", t->name,
			t->connection.kind);
	if (!local && (!t->connection.address || !plain_word(t->connection.address, ":%")))
		return err_set(e, ERR_CONFIG, "%s: '%s' is not a valid address", t->name,
			t->connection.address ? t->connection.address : "");
	if (t->connection.user && t->connection.user[0] && !plain_word(t->connection.user, "@\\+$"))
		return err_set(e, ERR_CONFIG, "%s: '%s' is not a valid user name", t->name,
			t->connection.user);
	if (t->connection.become_user && t->connection.become_user[0] &&
		!plain_word(t->connection.become_user, "@+$"))
		return err_set(e, ERR_CONFIG, "%s: '%s' is not a valid user name to become",
			t->name, t->connection.become_user);
	if (t->connection.port < 0 || t->connection.port > 65535)
		return err_set(
			e, ERR_CONFIG, "%s: %d is not a valid port", t->name, t->connection.port);
	return true;
}

void become_argv(struct arena *a, const struct target *t, const char *login, const char *prompt,
	const char *argv[BECOME_ARGS])
{
	const char *to = t->connection.become_user && t->connection.become_user[0]
				 ? t->connection.become_user
				 : "root";
	size_t n = 0;
	if (t->connection.become && strcmp(login, to) != 0) {
		argv[n++] = "sudo";
		argv[n++] = "-H";
		argv[n++] = t->connection.become_password ? "-S" : "-n";
		if (t->connection.become_password) {
			argv[n++] = "-p";
			argv[n++] = arena_strdup(a, prompt);
		}
		argv[n++] = "-u";
		argv[n++] = to;
		argv[n++] = "--";
	}
	argv[n] = NULL;
}

const char *const *local_argv(
	struct arena *a, const struct target *t, const char *agent, const char *prompt)
{
	const char **argv = ARENA_ARRAY(a, const char *, BECOME_ARGS + 2);
	struct target self = *t; /* no login: the present user runs the agent */
	self.connection.user = NULL;
	become_argv(a, t, target_login(a, &self), prompt, argv);
	size_t n = 0;
	while (argv[n])
		n++;
	argv[n] = agent;
	return argv;
}

/* As `uname -m` prints it. "": unknown, which. */
static const char *elf_machine(struct str image)
{
	enum { E_MACHINE = 18 }; /* elf(5) */
	if (image.n <= E_MACHINE + 1 || memcmp(image.p, "\177ELF", 4) != 0)
		return "";
	switch ((unsigned char)image.p[E_MACHINE] | (unsigned char)image.p[E_MACHINE + 1] << 8) {
	case EM_X86_64:
		return "x86_64";
	case EM_AARCH64:
		return "aarch64";
	default:
		return "";
	}
}

const char *bootstrap_command(struct arena *a, const struct target *t,
	const struct agent_image *img, const char *prompt, bool anew)
{
	const char *become[BECOME_ARGS];
	struct buf b;
	buf_init(&b, 1 << 16);
	buf_adds(&b, "exec ");
	become_argv(a, t, target_login(a, t), prompt, become);
	for (size_t i = 0; become[i]; i++)
		buf_addf(&b, "'%s' ", become[i]);
	buf_adds(&b, "sh -c '");
	add_script(&b);
	/* its arguments: digest, machine, size, anew */
	buf_addf(&b, "' sh '%s' '%s' %zu '%s'", img->sha, elf_machine(img->bytes), img->bytes.n,
		anew ? "anew" : "");
	const char *command = buf_str(a, &b).p;
	buf_free(&b);
	return command;
}

enum boot_event bootstrap_scan(struct buf *in)
{
	static const struct {
		const char *mark;
		size_t n;
		enum boot_event event;
	} marks[] = {{WIRE_SYNC, sizeof WIRE_SYNC - 1, BOOT_SYNC},
		{WIRE_FOUND, sizeof WIRE_FOUND - 1, BOOT_FOUND},
		{WIRE_NEED, sizeof WIRE_NEED - 1, BOOT_NEED}};
	const char *first = NULL;
	size_t which = 0;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		const char *at = in->n ? memmem(in->p, in->n, marks[i].mark, marks[i].n) : NULL;
		if (at && (!first || at < first)) {
			first = at;
			which = i;
		}
	}
	if (!first)
		return in->n > BOOT_NOISE_MAX ? BOOT_NOISE : BOOT_MORE;
	buf_consume(in, (size_t)(first - in->p) + marks[which].n);
	return marks[which].event;
}

static bool has_said(const struct buf *errors, const char *text)
{
	return errors->n && memmem(errors->p, errors->n, text, strlen(text));
}

bool bootstrap_explain(const struct buf *errors, bool answered, const char *words, struct err *e)
{
	if (has_said(errors, "sudo: a password is required") ||
		has_said(errors, "sudo: a terminal is required"))
		err_set(e, ERR_CONFIG, "sudo needs a password; give it with -K");
	else if (answered && has_said(errors, "incorrect password"))
		err_set(e, ERR_CONFIG, "sudo refused the password");
	else if (has_said(errors, "has changed and you have requested strict checking"))
		err_set(e, ERR_UNREACHABLE,
			"HOST KEY CHANGED: %s; ask the host's administrator, and if the new key "
			"is right, remove the old one with ssh-keygen -R",
			words);
	else if (has_said(errors, "Host key verification failed"))
		err_set(e, ERR_UNREACHABLE,
			"ssh refused the host key: %s; if it is right, run again with "
			"--accept-new-host-keys, or connect once with ssh",
			words);
	return e->kind != ERR_NONE;
}
