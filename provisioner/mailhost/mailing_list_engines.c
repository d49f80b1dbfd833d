/* SPDX-License-Identifier: MIT
 *
 * The files of a mailing list, for mlmmj (its TUNABLES and README) and for Majordomo 1.94 (NAME,
 * NAME.info, NAME.config). Only decides what they should hold; writes nothing.
 */
#include <ctype.h>
#include <sys/random.h>
#include "host/args.h"
#include "mailhost/mailing_list.h"

enum { PASSWORD_BYTES = 18, SMTP_PORT = 25, LONGEST_POST = 100000000, FILES_MAX = 32 };

/* Other lists keep this header, unlike List-Id, which each list replaces. */
#define BEEN_THERE "X-BeenThere:"
/* Only the program that runs before mlmmj sets this header. */
#define LIST_CHECK "X-List-Check:"

static void add_file(struct arena *a, struct mlist_files *out, const struct mlist_file *f)
{
	if (out->n == FILES_MAX)
		panic("internal error: more than %d files of a mailing list", FILES_MAX);
	if (!out->v)
		out->v = ARENA_ARRAY(a, struct mlist_file, FILES_MAX);
	out->v[out->n++] = *f;
}

static void put_file(struct mlist_files *out, const struct mlist *l, const char *path,
	enum mlist_how how, const char *content)
{
	struct mlist_file f = {.path = path, .how = how};
	if (content)
		f.content = str_c(content);
	add_file(l->a, out, &f);
}

/* A tunable that is switched on by a file's existence. */
static void put_flag(struct mlist_files *out, const struct mlist *l, const char *path, bool on)
{
	put_file(out, l, path, on ? MLIST_EXACT : MLIST_ABSENT, on ? "" : NULL);
}

static void put_tunable(
	struct mlist_files *out, const struct mlist *l, const char *path, const char *value)
{
	put_file(out, l, path, value ? MLIST_EXACT : MLIST_ABSENT,
		value ? arena_printf(l->a, "%s\n", value) : NULL);
}

static const char *join_lines(const struct mlist *l, const struct value *list)
{
	struct buf b;
	struct str out;
	buf_init(&b, FILE_MAX);
	for (size_t i = 0; list && i < list->list.n; i++)
		buf_addf(&b, "%s\n", list->list.v[i]->s.p);
	out = buf_str(l->a, &b);
	buf_free(&b);
	return out.p;
}

static bool def_is(const struct mlist *l, const char *key, const char *value)
{
	return strcmp(map_cstr(l->def, key, ""), value) == 0;
}

static const struct value *named_moderators(const struct mlist *l)
{
	const struct value *v = map_at(l->def, "moderators");
	return v && v->list.n ? v : NULL;
}

/* The moderators; the owner where there are none. */
static const char *list_moderators(const struct mlist *l)
{
	const struct value *v = named_moderators(l);
	return v ? join_lines(l, v) : arena_printf(l->a, "%s\n", map_cstr(l->def, "owner", ""));
}

/* RFC 2369 and 2919. No List-Unsubscribe-Post: RFC 8058 needs a web address, and there is none. */
static const char *list_headers(const struct mlist *l, const char *commands, bool by_subject)
{
	const char *n = l->name, *d = l->domain;
	struct buf b;
	struct str out;
	buf_init(&b, TEXT_MAX);
	buf_addf(&b, "List-Id: <%s.%s>\nList-Post: <mailto:%s>\n", n, d, l->address);
	if (by_subject) {
		buf_addf(&b, "List-Help: <mailto:%s?body=help>\n", commands);
		buf_addf(&b, "List-Subscribe: <mailto:%s?body=subscribe%%20%s>\n", commands, n);
		buf_addf(&b, "List-Unsubscribe: <mailto:%s?body=unsubscribe%%20%s>\n", commands, n);
		buf_addf(&b, "List-Owner: <mailto:%s-owner@%s>\n", n, d);
	} else {
		buf_addf(&b, "List-Help: <mailto:%s+help@%s>\n", n, d);
		buf_addf(&b, "List-Subscribe: <mailto:%s+subscribe@%s>\n", n, d);
		buf_addf(&b, "List-Unsubscribe: <mailto:%s+unsubscribe@%s>\n", n, d);
		buf_addf(&b, "List-Owner: <mailto:%s+owner@%s>\nPrecedence: bulk\n", n, d);
		buf_addf(&b, BEEN_THERE " %s\n", l->address);
		if (def_is(l, "reply_to", "list"))
			buf_addf(&b, "Reply-To: %s\n", l->address);
	}
	out = buf_str(l->a, &b);
	buf_free(&b);
	return out.p;
}

/* ---- mlmmj ---- */
#define DELETED                                                                  \
	"List-\nPrecedence:\nReturn-Receipt-To:\nDisposition-Notification-To:\n" \
	"X-Confirm-Reading-To:\n" LIST_CHECK "\n"
static const char *const mlmmj_folders[] = {"incoming", "queue", "queue/discarded", "archive",
	"subconf", "unsubconf", "bounce", "control", "moderation", "subscribers.d", "digesters.d",
	"nomailsubs.d", "requeue", NULL};
static const char *const mlmmj_subscribers[] = {
	"subscribers.d", "digesters.d", "nomailsubs.d", NULL};

/* mlmmj names the files of subscribers by the first letter. */
static const char *mlmmj_subscriber_file(const struct mlist *l, const char *address)
{
	return arena_printf(l->a, "subscribers.d/%c", address[0]);
}

static void mlmmj_posts(const struct mlist *l, struct mlist_files *out)
{
	bool all = def_is(l, "post", "moderated"), members = def_is(l, "post", "members");
	bool others = members && named_moderators(l);
	put_flag(out, l, "control/moderated", all);
	put_flag(out, l, "control/subonlypost", members);
	put_flag(out, l, "control/modnonsubposts", others);
	put_flag(out, l, "control/notifymod", all || others);
	/* For lists of any kind: unverified posts wait for a moderator. */
	put_file(out, l, "control/moderators", MLIST_EXACT, list_moderators(l));
	/* A post to a list that is open to everybody must at least name the list in To or Cc. */
	put_flag(out, l, "control/tocc", !def_is(l, "post", "anyone"));
}

/* The first rules. A post that comes back, from another list or a forwarding mailbox, has our mark:
 * without this rule it would circulate, to all members each time, until Postfix counts too many
 * hops. The other mark is the verifier's verdict on a post (role lists). */
static const char *mlmmj_guard(const struct mlist *l)
{
	struct buf b;
	struct str out;
	buf_init(&b, TEXT_MAX);
	buf_adds(&b, "discard ^" BEEN_THERE "[[:space:]]*");
	for (const char *p = l->address; *p; p++)
		buf_addf(&b, *p == '.' ? "\\%c" : "%c", *p);
	buf_adds(&b, "[[:space:]]*$\n");
	buf_adds(&b, "discard ^" LIST_CHECK " fail$\nmoderate ^" LIST_CHECK " unverified$\n");
	out = buf_str(l->a, &b);
	buf_free(&b);
	return out.p;
}

static bool has_line(struct str text, struct line line)
{
	struct line one;
	while (line_next(&text, &one))
		if (one.n == line.n && memcmp(one.p, line.p, line.n) == 0)
			return true;
	return false;
}

/* Our rules, followed by the operator's own. */
static bool mlmmj_access(const struct mlist *l, int home, struct mlist_files *out, struct err *e)
{
	struct mlist_file f = {.path = "control/access", .how = MLIST_EXACT};
	const char *guard = mlmmj_guard(l);
	struct mlist_text now;
	struct line line;
	struct str rest;
	struct buf b;
	if (!mlist_read(l->a, home, f.path, &now, e))
		return false;
	buf_init(&b, FILE_MAX);
	while (line_next(&now.text, &line))
		if (line.n && !has_line(str_c(guard), line))
			buf_addf(&b, "%.*s\n", (int)line.n, line.p);
	rest = buf_str(l->a, &b);
	buf_free(&b);
	f.content = str_printf(l->a, "%s%s", guard, rest.n ? rest.p : "allow\n");
	add_file(l->a, out, &f);
	return true;
}

static void mlmmj_sending(const struct mlist *l, struct mlist_files *out)
{
	const char *host = map_cstr(l->all, "hostname", NULL);
	int64_t port = map_int(l->all, "port", SMTP_PORT);
	put_tunable(out, l, "control/relayhost", "127.0.0.1");
	put_tunable(out, l, "control/smtpport", arena_printf(l->a, "%lld", (long long)port));
	put_tunable(out, l, "control/smtphelo", host);
	/* Postfix makes a bounce address for each subscriber from one message to all. */
	put_tunable(out, l, "control/verp", "postfix");
}

static bool mlmmj_files(
	const struct mlist *l, int home, bool make, struct mlist_files *out, struct err *e)
{
	const char *language = map_cstr(l->def, "language", "en");
	bool english = strcmp(language, "en") == 0;
	(void)make;
	put_tunable(out, l, "control/listaddress", l->address);
	put_tunable(out, l, "control/owner", map_cstr(l->def, "owner", ""));
	put_tunable(out, l, "control/prefix", map_cstr(l->def, "subject_prefix", NULL));
	mlmmj_posts(l, out);
	put_flag(out, l, "control/closedlistsub", def_is(l, "subscription", "closed"));
	put_file(out, l, "control/submod",
		def_is(l, "subscription", "moderated") ? MLIST_EXACT : MLIST_ABSENT,
		def_is(l, "subscription", "moderated") ? list_moderators(l) : NULL);
	put_flag(out, l, "control/subonlyget", true);
	put_file(out, l, "control/customheaders", MLIST_EXACT, list_headers(l, NULL, false));
	/* RFC 5322, 3.6: a message has at most one Reply-To. */
	put_file(out, l, "control/delheaders", MLIST_EXACT,
		def_is(l, "reply_to", "list") ? DELETED "Reply-To:\n" : DELETED);
	mlmmj_sending(l, out);
	put_file(out, l, "text", english ? MLIST_NOLINK : MLIST_LINK,
		arena_printf(l->a, "%s/%s", map_cstr(l->all, "texts", "/usr/share/mlmmj/text.skel"),
			language));
	put_file(out, l, "index", MLIST_SEED, "");
	return mlmmj_access(l, home, out, e);
}

const struct mlist_engine mlist_mlmmj = {
	.name = "mlmmj",
	.own_home = true,
	.folders = mlmmj_folders,
	.subscribers = mlmmj_subscribers,
	.subscriber_file = mlmmj_subscriber_file,
	.files = mlmmj_files,
};

/* ---- majordomo ---- */
static const char *const no_folders[] = {NULL};

static const char *majordomo_subscriber_file(const struct mlist *l, const char *address)
{
	(void)address;
	return l->name;
}

/* NAME.config as it is on the host, edited towards the declaration. */
struct config {
	const struct mlist *l;
	struct str text;
	struct buf told; /* the settings that change */
};

static struct line trim_line(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct line){p, (size_t)(end - p)};
}

/* Returns the operator of a line `key = value` or `key << WORD`; NULL: another kind of line. */
static const char *operator_of(struct line line)
{
	const char *p = line.p, *end = line.p + line.n;
	while (p < end && (islower((unsigned char)*p) || *p == '_'))
		p++;
	if (p == line.p)
		return NULL;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p < end && (*p == '=' || (*p == '<' && p + 1 < end && p[1] == '<')) ? p : NULL;
}

/* After `key << WORD`: returns the end of the lines up to and with WORD. *closed:
 * WORD was found. */
static const char *skip_text(struct str *rest, struct line word, bool *closed)
{
	struct line line = word;
	*closed = false;
	while (!*closed && line_next(rest, &line))
		*closed = line.n == word.n && memcmp(line.p, word.p, word.n) == 0;
	return line.p + line.n;
}

/* An unterminated text would include every setting after it: WORD is added at the end. */
static struct str with_end(struct arena *a, struct str text)
{
	struct str rest = text;
	struct line line, word = {NULL, 0};
	bool closed = true;
	while (closed && line_next(&rest, &line)) {
		const char *op = operator_of(line);
		if (!op || *op != '<')
			continue;
		word = trim_line(op + 2, line.p + line.n);
		skip_text(&rest, word, &closed);
	}
	if (closed)
		return text;
	return str_printf(a, "%s%s%.*s\n", text.p, text.p[text.n - 1] == '\n' ? "" : "\n",
		(int)word.n, word.p);
}

/* The end of the setting, with its last newline; *value: from the operator on. */
static bool find_setting(
	struct str text, const char *key, size_t *from, size_t *to, struct line *value)
{
	struct str rest = text;
	struct line line;
	size_t n = strlen(key);
	bool closed;
	while (line_next(&rest, &line)) {
		const char *op = operator_of(line), *end = line.p + line.n;
		if (!op)
			continue;
		if (*op == '<')
			end = skip_text(&rest, trim_line(op + 2, end), &closed);
		if (trim_line(line.p, op).n != n || memcmp(line.p, key, n) != 0)
			continue;
		*from = (size_t)(line.p - text.p);
		*to = (size_t)(end - text.p);
		*to += text.p[*to] == '\n';
		*value = (struct line){op, (size_t)(end - op)};
		return true;
	}
	return false;
}

/* Writes one setting, in place or at the end. `want` begins with "=" or "<<". */
static void set_option(struct config *c, const char *key, const char *want, bool secret)
{
	struct arena *a = c->l->a;
	size_t from = c->text.n, to = c->text.n;
	struct line now = {NULL, 0};
	bool found = find_setting(c->text, key, &from, &to, &now);
	const char *gap;
	if (found && now.n == strlen(want) && memcmp(now.p, want, now.n) == 0)
		return;
	gap = from && c->text.p[from - 1] != '\n' ? "\n" : "";
	c->text = str_printf(
		a, "%.*s%s%s %s\n%s", (int)from, c->text.p, gap, key, want, c->text.p + to);
	buf_addf(&c->told, "%s%s", c->told.n ? ", " : "", key);
	if (!secret)
		buf_addf(&c->told, " %.*s", (int)strcspn(want, "\n"), want);
}

static bool random_password(struct arena *a, const char **out, struct err *e)
{
	unsigned char bytes[PASSWORD_BYTES];
	char text[2 * PASSWORD_BYTES + 1];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_errno(e, "cannot get random bytes");
	hex(bytes, sizeof(bytes), text);
	*out = arena_strdup(a, text);
	return true;
}

/* Majordomo's own default is the list's name with a suffix, which anybody can guess. */
static bool set_password(
	struct config *c, const char *key, const char *suffix, bool make, struct err *e)
{
	struct arena *a = c->l->a;
	const char *weak = arena_printf(a, "%s%s", c->l->name, suffix), *fresh = "(random)";
	size_t from, to;
	struct line now;
	if (find_setting(c->text, key, &from, &to, &now)) {
		struct str value = str_trim(a, str_dup(a, now.p + 1, now.n - 1));
		if (now.p[0] == '=' && value.n && !str_is(value, weak))
			return true;
	}
	if (make && !random_password(a, &fresh, e))
		return false;
	set_option(c, key, arena_printf(a, "= %s", fresh), true);
	return true;
}

static void set_policy(struct config *c)
{
	const struct mlist *l = c->l;
	struct arena *a = l->a;
	const char *prefix = map_cstr(l->def, "subject_prefix", NULL);
	const char *commands = arena_printf(a, "majordomo@%s", l->domain);
	set_option(c, "moderate", def_is(l, "post", "moderated") ? "= yes" : "= no", false);
	set_option(c, "restrict_post",
		def_is(l, "post", "members") ? arena_printf(a, "= %s", l->name) : "=", false);
	set_option(c, "subscribe_policy",
		def_is(l, "subscription", "open") ? "= open+confirm" : "= closed", false);
	set_option(c, "unsubscribe_policy", "= open", false);
	set_option(c, "who_access", "= list", false);
	set_option(c, "which_access", "= closed", false);
	set_option(c, "sender", arena_printf(a, "= owner-%s", l->name), false);
	set_option(c, "resend_host", arena_printf(a, "= %s", l->domain), false);
	set_option(c, "precedence", "= bulk", false);
	set_option(c, "maxlength", arena_printf(a, "= %d", LONGEST_POST), false);
	set_option(c, "reply_to",
		def_is(l, "reply_to", "list") ? arena_printf(a, "= %s", l->address) : "=", false);
	set_option(c, "subject_prefix", prefix ? arena_printf(a, "= %s", prefix) : "=", false);
	set_option(c, "message_headers",
		arena_printf(a, "<< END\n%sEND", list_headers(l, commands, true)), false);
}

static bool majordomo_config(
	const struct mlist *l, int home, bool make, struct mlist_files *out, struct err *e)
{
	struct config c = {.l = l};
	struct mlist_file f = {.how = MLIST_EXACT};
	struct mlist_text now;
	bool ok;
	f.path = arena_printf(l->a, "%s.config", l->name);
	if (!mlist_read(l->a, home, f.path, &now, e))
		return false;
	c.text = now.found ? with_end(l->a, now.text) : str_c("");
	buf_init(&c.told, TEXT_MAX);
	ok = set_password(&c, "admin_passwd", ".admin", make, e) &&
	     set_password(&c, "approve_passwd", ".pass", make, e);
	if (ok)
		set_policy(&c);
	f.content = c.text;
	f.told = buf_str(l->a, &c.told).p;
	buf_free(&c.told);
	if (ok)
		add_file(l->a, out, &f);
	return ok;
}

static bool majordomo_files(
	const struct mlist *l, int home, bool make, struct mlist_files *out, struct err *e)
{
	put_file(out, l, l->name, MLIST_SEED, "");
	put_file(out, l, arena_printf(l->a, "%s.info", l->name), MLIST_SEED,
		arena_printf(l->a, "The mailing list %s.\n", l->address));
	return majordomo_config(l, home, make, out, e);
}

const struct mlist_engine mlist_majordomo = {
	.name = "majordomo",
	.folders = no_folders,
	.subscriber_file = majordomo_subscriber_file,
	.files = majordomo_files,
};
