/* SPDX-License-Identifier: MIT
 *
 * One query to this machine's resolver, by libunbound, with a timeout. Does not judge records: the
 * caller does.
 */
#include <poll.h>
#include <unbound.h>
#include "dns/dns.h"

enum { RR_TXT = 16, CLASS_IN = 1, WAIT_MS = 5000, TEXTS_MAX = 16, TEXT_MAX_LEN = 4096 };

struct question {
	struct arena *a;
	bool answered;
	enum dns_answer answer;
	struct str texts[TEXTS_MAX];
	size_t n;
};

/* Character-strings, each preceded by its length; readers join them (RFC 1035 3.3.14, RFC 7208
 * 3.3). */
static bool join_strings(struct arena *a, const unsigned char *p, size_t n, struct str *out)
{
	char *text = arena_alloc(a, n + 1);
	size_t at = 0, len = 0;
	while (at < n) {
		size_t part = p[at++];
		if (part > n - at)
			return false;
		memcpy(text + len, p + at, part);
		len += part;
		at += part;
	}
	text[len] = 0;
	*out = (struct str){text, len};
	return len <= TEXT_MAX_LEN;
}

static void take_answer(void *ctx, int error, struct ub_result *r)
{
	struct question *q = ctx;
	q->answered = true;
	q->answer = error || (r->rcode != 0 && !r->nxdomain) ? DNS_UNKNOWN : DNS_NONE;
	for (int i = 0; q->answer != DNS_UNKNOWN && r->havedata && r->data[i]; i++)
		if (q->n < TEXTS_MAX && join_strings(q->a, (const unsigned char *)r->data[i],
						(size_t)r->len[i], &q->texts[q->n]))
			q->n++;
	if (q->n)
		q->answer = DNS_FOUND;
	ub_resolve_free(r);
}

/* For another resolver, and for tests. */
static const char *resolv_conf(void)
{
	const char *own = getenv("PROVISION_RESOLV_CONF");
	return own && *own ? own : NULL;
}

static void ask_resolver(struct ub_ctx *ctx, const char *name, struct question *q)
{
	int id = 0, waited = 0;
	/* libunbound itself denies names under .test (RFC 6761), but a resolver may know some */
	if (ub_ctx_async(ctx, 1) || ub_ctx_resolvconf(ctx, resolv_conf()) ||
		ub_ctx_zone_remove(ctx, "test.") ||
		ub_resolve_async(ctx, name, RR_TXT, CLASS_IN, q, take_answer, &id))
		return;
	for (; !q->answered && waited < WAIT_MS; waited += 50) {
		struct pollfd p = {.fd = ub_fd(ctx), .events = POLLIN};
		if (poll(&p, 1, 50) > 0 && ub_process(ctx))
			return;
	}
	if (!q->answered)
		ub_cancel(ctx, id);
}

enum dns_answer dns_txt(struct arena *a, const char *name, const char *begins, struct str *out)
{
	struct question q = {.a = a, .answer = DNS_UNKNOWN};
	struct ub_ctx *ctx = ub_ctx_create();
	if (!ctx)
		return DNS_UNKNOWN;
	ask_resolver(ctx, name, &q);
	ub_ctx_delete(ctx);
	for (size_t i = 0; q.answer == DNS_FOUND && i < q.n; i++) {
		if (!str_starts(q.texts[i], begins))
			continue;
		*out = q.texts[i];
		return DNS_FOUND;
	}
	return q.answer == DNS_FOUND ? DNS_NONE : q.answer;
}
