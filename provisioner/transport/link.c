/* SPDX-License-Identifier: MIT
 *
 * Shared by every kind of link: who logs in, where, how a peer's text is shown in messages, and the
 * bookkeeping of sent bytes. It opens nothing itself.
 */
#include <pwd.h>
#include <unistd.h>
#include "transport/link.h"

enum {
	PORT_SSH = 22,
	QUOTE_MAX = 400,
	QUOTE_LINES = 3,
	COMPACT = 1 << 20, /* moving the rest of a sent buffer costs time */
};

const char *target_login(struct arena *a, const struct target *t)
{
	if (t->connection.user && t->connection.user[0])
		return t->connection.user;
	struct passwd *pw = getpwuid(geteuid());
	return pw ? arena_strdup(a, pw->pw_name) : "root";
}

const char *home_dir(struct arena *a)
{
	const char *home = getenv("HOME");
	if (home && home[0])
		return home;
	struct passwd *pw = getpwuid(geteuid());
	return pw && pw->pw_dir ? arena_strdup(a, pw->pw_dir) : "";
}

int target_port(const struct target *t)
{
	return t->connection.port > 0 ? t->connection.port : PORT_SSH;
}

bool target_is_local(const struct target *t)
{
	return strcmp(t->connection.kind, "local") == 0;
}

const char *target_label(struct arena *a, const struct target *t)
{
	if (target_is_local(t))
		return arena_printf(a, "%s (this machine)", t->name);
	return arena_printf(a, "%s (%s port %d)", t->name,
		t->connection.address ? t->connection.address : "?", target_port(t));
}

void keep_tail(struct buf *b, const char *p, size_t n, size_t most)
{
	if (n > most) {
		p += n - most;
		n = most;
	}
	if (b->n + n > 2 * most)
		buf_consume(b, b->n - most);
	buf_add(b, p, n);
}

const char *quote_tail(struct arena *a, const struct buf *b)
{
	size_t end = b->n, lines = 0, start;
	while (end > 0 && (unsigned char)b->p[end - 1] <= ' ')
		end--;
	for (start = end; start > 0 && end - start < QUOTE_MAX; start--)
		if (b->p[start - 1] == '\n' && ++lines == QUOTE_LINES)
			break;
	struct buf out;
	buf_init(&out, QUOTE_MAX * 3);
	for (size_t i = start; i < end; i++) {
		if (b->p[i] == '\n')
			buf_adds(&out, " | ");
		else if (b->p[i] && !(b->p[i] == '\r' && b->p[i + 1] == '\n'))
			buf_addc(&out, b->p[i]);
	}
	const char *text = out.n ? buf_str(a, &out).p : "";
	buf_free(&out);
	return text;
}

bool link_all_sent(const struct link *k)
{
	return k->sent == k->out.n;
}

void link_sent(struct link *k, size_t n)
{
	k->sent += n;
	k->moved += n;
	if (link_all_sent(k)) {
		buf_clear(&k->out);
		k->sent = 0;
	} else if (k->sent >= COMPACT && k->sent >= k->out.n / 2) {
		buf_consume(&k->out, k->sent);
		k->sent = 0;
	}
}

const char *link_how(struct arena *a, const struct link_end *end)
{
	if (end->signal[0])
		return arena_printf(a, "killed by SIG%s", end->signal);
	return end->status < 0 ? "exit status unknown"
			       : arena_printf(a, "exit status %d", end->status);
}
