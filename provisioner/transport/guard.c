/* SPDX-License-Identifier: MIT
 *
 * Counts what a host sends and decides when it is too much. Reads nothing itself.
 */
#include "transport/guard.h"

static bool too_much(struct guard *g, const char *what, size_t n, const char *when)
{
	snprintf(g->why, sizeof(g->why), "it sends more than %zu %s %s", n, what, when);
	return false;
}

/* RFC 4253, 4.2: any lines, then one that begins with SSH-. */
static void take_banner(struct guard *g, const char *p, size_t n)
{
	for (size_t i = 0; i < n && !g->greeted; i++) {
		if (g->column < sizeof(g->start))
			g->start[g->column] = p[i];
		g->column++;
		if (p[i] != '\n')
			continue;
		g->greeted = g->column > sizeof(g->start) && memcmp(g->start, "SSH-", 4) == 0;
		g->column = 0;
		g->lines++;
	}
}

bool guard_take(struct guard *g, const char *p, size_t n)
{
	static const char banner[] = "before its SSH banner", login[] = "before the login is done";
	g->taken += n;
	g->turn -= n < g->turn ? n : g->turn;
	take_banner(g, p, n);
	if (!g->greeted && g->taken > GUARD_BANNER_BYTES)
		return too_much(g, "bytes", GUARD_BANNER_BYTES, banner);
	if (!g->greeted && g->lines > GUARD_BANNER_LINES)
		return too_much(g, "lines", GUARD_BANNER_LINES, banner);
	if (!g->runs && g->taken > GUARD_LOGIN_BYTES)
		return too_much(g, "bytes", GUARD_LOGIN_BYTES, login);
	if (g->taken - g->useful > GUARD_OTHER_BYTES)
		return too_much(g, "bytes", GUARD_OTHER_BYTES, "beside the agent's");
	return true;
}
