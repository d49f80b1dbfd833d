/* SPDX-License-Identifier: MIT
 *
 * Removes secret parameters of a step from a message, since a program's error message may quote the
 * line it rejected. The message never becomes longer.
 */
#include "agent/session.h"

enum {
	SHORTEST = 4, /* hiding shorter secrets would hide ordinary words */
	WORD_SHORTEST = 8,
	/* a message of this length may have been truncated within a secret */
	CUT_FROM = sizeof(((struct err *)0)->msg) - 8,
};

struct redaction {
	char *text;
	bool cut; /* the end may be truncated */
};

static size_t put_stars(char *at, size_t n)
{
	size_t stars = n < strlen(SECRET_TEXT) ? n : strlen(SECRET_TEXT);
	memset(at, '*', stars);
	return stars;
}

/* Hides the beginning of a secret at the end of a truncated message. */
static void hide_cut(char *text, const char *secret, size_t n)
{
	size_t len = strlen(text), most = n - 1;
	for (size_t left = most < len ? most : len; left >= SHORTEST; left--) {
		char *at = text + len - left;
		if (memcmp(at, secret, left) == 0) {
			at[put_stars(at, left)] = 0;
			return;
		}
	}
}

static void hide_secret(struct redaction *r, const char *secret, size_t n)
{
	char *at = r->text;
	while ((at = memmem(at, strlen(at), secret, n))) {
		size_t stars = put_stars(at, n);
		memmove(at + stars, at + n, strlen(at + n) + 1);
		at += stars;
	}
	if (r->cut)
		hide_cut(r->text, secret, n);
}

/* Hides whole lines of the secret, and long words in them. */
static void hide_text(struct redaction *r, struct str s)
{
	for (const char *p = s.p, *end = s.p + s.n; p < end;) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = stop ? (size_t)(stop - p) : (size_t)(end - p);
		if (n >= SHORTEST)
			hide_secret(r, p, n);
		p += n + 1;
	}
}

static void hide_words(struct redaction *r, struct str s)
{
	static const char between[] = " \t\r\n:=,;|\"'{}";
	for (size_t at = 0; at < s.n;) {
		size_t n = strcspn(s.p + at, between);
		if (n >= WORD_SHORTEST && s.p[at] != '/')
			hide_secret(r, s.p + at, n);
		at += n ? n : 1;
	}
}

static void hide_in(struct redaction *r, const struct value *v, bool secret)
{
	secret = secret || v->secret;
	if (v->type == VALUE_LIST) {
		for (size_t i = 0; i < v->list.n; i++)
			hide_in(r, v->list.v[i], secret);
	} else if (v->type == VALUE_MAP) {
		for (size_t i = 0; i < v->map.n; i++)
			hide_in(r, v->map.e[i].value, secret);
	} else if (secret && (v->type == VALUE_STR || v->type == VALUE_BLOB)) {
		struct str s = v->type == VALUE_STR ? v->s : v->blob.bytes;
		if (!s.p)
			return;
		hide_text(r, s);
		hide_words(r, s);
	}
}

const char *redact(struct arena *a, const struct agent_step *step, const char *text)
{
	struct redaction r = {arena_strdup(a, text), strlen(text) >= CUT_FROM};
	if (step->want.params)
		hide_in(&r, step->want.params, false);
	if (step->want.environment)
		hide_in(&r, step->want.environment, false);
	return r.text;
}
