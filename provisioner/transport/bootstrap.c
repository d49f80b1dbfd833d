/* SPDX-License-Identifier: MIT
 *
 * The command that finds or takes the agent on a host. It never runs a file from a folder that
 * somebody else could write to, and starts no program at all before the agent when one is there.
 */
#include <elf.h>
#include <sys/random.h>
#include "transport/bootstrap.h"

/* One line for `sh -c '...'`: neither a single quote nor an exclamation mark, which csh and fish
 * would take. %s: the digest, what is done with an agent that is there, the machine twice, the
 * size, the digest.
 *
 * The first loop is every run but the first: tests are built in, so the agent is the next program.
 * WIRE_FOUND says that one was there. When it does not speak, it is damaged, and the second try
 * removes it; its content is not looked at in every run, which would cost a program more.
 * A folder owned by us was made or checked by the second loop: its mode lets nobody else write.
 * The second loop checks it, and that programs may run there at all (noexec), then takes the bytes,
 * and only when their digest is right do they get the name under which the first loop looks. */
static const char script[] =
	"f=agent-%s; "
	"own() { [ -L \"$1\" ] && return 1; [ -O \"$1\" ] && [ -d \"$1\" ]; }; "
	"run() { own \"$1\" && [ -O \"$1/$f\" ] && [ -x \"$1/$f\" ] && [ -s \"$1/$f\" ] && "
	"%s \"$1/$f\"; }; "
	"h=${HOME:-/nonexistent}/.cache/provision; "
	"run /var/lib/provision/bin; run \"$h\"; "
	"umask 077; u=$(id -u); m=$(uname -m); case $m in %s) ;; *) "
	"echo this agent is for %s, the host is $m >&2; exit 1;; esac; "
	"run /var/tmp/provision-$u; run /dev/shm/provision-$u; "
	"use() { mkdir -p \"$1\" 2>/dev/null; own \"$1\" || return 1; "
	"case $(ls -ld \"$1\") in d????[-]??[-]*) ;; *) return 1;; esac; "
	"t=$1/new-$$; echo exit 0 2>/dev/null >\"$t\" && chmod 700 \"$t\" && \"$t\" 2>/dev/null; "
	"r=$?; "
	"rm -f \"$t\"; return $r; }; "
	"d=; [ $u = 0 ] && use /var/lib/provision/bin && d=/var/lib/provision/bin; "
	"for x in \"$h\" /var/tmp/provision-$u /dev/shm/provision-$u; do "
	"[ \"$d\" ] || { use \"$x\" && d=$x; }; done; "
	"[ \"$d\" ] || { echo no folder that user $u owns alone and may run programs in: tried "
	"/var/lib/provision/bin \"(root)\", $h, /var/tmp and /dev/shm >&2; exit 1; }; "
	"printf \"\\n\\001PROVISION-NEED\\001\\n\"; "
	"t=$d/new-$$; head -c %zu >\"$t\" || { rm -f \"$t\"; exit 1; }; "
	"s=$(sha256sum <\"$t\"); "
	"[ \"${s%%%% *}\" = %s ] || { rm -f \"$t\"; echo the agent did not arrive whole in $d >&2; "
	"exit 1; }; "
	"chmod 700 \"$t\" && { sync \"$t\" 2>/dev/null || sync; } && mv -f \"$t\" \"$d/$f\" || "
	"exit 1; "
	/* whatever the clock says of the others, this one stays */
	"n=0; for x in $(ls -t \"$d\"); do case $x in $f) ;; agent-*) n=$((n+1)); "
	"[ $n -gt 3 ] && rm -f \"$d/$x\";; esac; done; "
	"exec \"$d/$f\"";

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
			"%s: there is no connection of the kind '%s' (ssh, openssh, local)",
			t->name, t->connection.kind);
	if (!local && (!t->connection.address || !plain_word(t->connection.address, ":%")))
		return err_set(e, ERR_CONFIG, "%s: '%s' is no address to connect to", t->name,
			t->connection.address ? t->connection.address : "");
	if (t->connection.user && t->connection.user[0] && !plain_word(t->connection.user, "@\\+$"))
		return err_set(
			e, ERR_CONFIG, "%s: '%s' is no user name", t->name, t->connection.user);
	if (t->connection.become_user && t->connection.become_user[0] &&
		!plain_word(t->connection.become_user, "@+$"))
		return err_set(e, ERR_CONFIG, "%s: '%s' is no user name to become", t->name,
			t->connection.become_user);
	if (t->connection.port < 0 || t->connection.port > 65535)
		return err_set(e, ERR_CONFIG, "%s: %d is no port", t->name, t->connection.port);
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
	struct target self = *t; /* nobody logs in: we are who we are */
	self.connection.user = NULL;
	become_argv(a, t, target_login(a, &self), prompt, argv);
	size_t n = 0;
	while (argv[n])
		n++;
	argv[n] = agent;
	return argv;
}

/* As `uname -m` says it; a pattern for sh. An unknown one is left to the host to refuse. */
static const char *elf_machine(struct str image)
{
	enum { E_MACHINE = 18 }; /* elf(5) */
	if (image.n <= E_MACHINE + 1 || memcmp(image.p, "\177ELF", 4) != 0)
		return "*";
	switch ((unsigned char)image.p[E_MACHINE] | (unsigned char)image.p[E_MACHINE + 1] << 8) {
	case EM_X86_64:
		return "x86_64";
	case EM_AARCH64:
		return "aarch64";
	default:
		return "*";
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
	const char *machine = elf_machine(img->bytes);
	static const char found[] = "printf \"\\n\\001PROVISION-FOUND\\001\\n\" && exec";
	buf_addf(&b, script, img->sha, anew ? "rm -f" : found, machine, machine, img->bytes.n,
		img->sha);
	buf_adds(&b, "'");
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
		err_set(e, ERR_CONFIG, "sudo wants a password: give it with -K");
	else if (answered && has_said(errors, "incorrect password"))
		err_set(e, ERR_CONFIG, "sudo refused the password");
	else if (has_said(errors, "has changed and you have requested strict checking"))
		err_set(e, ERR_UNREACHABLE,
			"HOST KEY CHANGED: %s; ask the host's administrator, and "
			"when it is right remove the old key with ssh-keygen -R",
			words);
	else if (has_said(errors, "Host key verification failed"))
		err_set(e, ERR_UNREACHABLE,
			"ssh refused the host key: %s; when it is right, run again "
			"with --accept-new-host-keys, or connect once with ssh",
			words);
	return e->kind != ERR_NONE;
}
