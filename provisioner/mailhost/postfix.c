/* SPDX-License-Identifier: MIT
 *
 * Reads Postfix's configuration files as lines, and makes Postfix check a new one in a separate
 * folder. Never writes into Postfix's folder.
 */
#include <sys/stat.h>
#include <unistd.h>
#include "host/path.h"
#include "mailhost/postfix.h"
#include "host/scratch.h"

enum { SAID_MAX = 500, CONFIG_MODE = 0600 };

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

bool config_is_comment(struct line line)
{
	size_t i = 0;
	while (i < line.n && is_space(line.p[i]))
		i++;
	return i == line.n || line.p[i] == '#';
}

void config_parse(struct arena *a, struct str text, struct config *out)
{
	struct line line;
	size_t most = 1;
	for (size_t i = 0; i < text.n; i++)
		most += text.p[i] == '\n';
	*out = (struct config){.lines = ARENA_ARRAY(a, struct line, most),
		.entries = ARENA_ARRAY(a, struct logical, most)};
	while (line_next(&text, &line)) {
		size_t at = out->n_lines++;
		out->lines[at] = line;
		if (config_is_comment(line))
			continue;
		if (!is_space(line.p[0]))
			out->entries[out->n_entries++] = (struct logical){at, at + 1};
		else if (out->n_entries)
			out->entries[out->n_entries - 1].end = at + 1;
	}
}

struct str config_squeeze(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_space(s.p[i]))
			p[n++] = s.p[i];
		else if (n && p[n - 1] != ' ')
			p[n++] = ' ';
	}
	if (n && p[n - 1] == ' ')
		n--;
	p[n] = 0;
	return (struct str){p, n};
}

/* The lines of s, each without white space at its ends, joined by one blank. */
static struct str fold_lines(struct arena *a, struct str s)
{
	struct line line;
	struct buf b;
	buf_init(&b, s.n + 1);
	while (line_next(&s, &line)) {
		struct str part = str_trim(a, str_dup(a, line.p, line.n));
		if (b.n && part.n)
			buf_addc(&b, ' ');
		buf_add(&b, part.p, part.n);
	}
	struct str out = buf_str(a, &b);
	buf_free(&b);
	return out;
}

struct str config_text(struct arena *a, const struct config *c, const struct logical *entry)
{
	struct buf b;
	buf_init(&b, FILE_MAX);
	for (size_t i = entry->first; i < entry->end; i++) {
		if (config_is_comment(c->lines[i]))
			continue;
		buf_add(&b, c->lines[i].p, c->lines[i].n);
		buf_addc(&b, '\n');
	}
	struct str joined = buf_str(a, &b);
	buf_free(&b);
	return fold_lines(a, joined);
}

/* ---- editing ---- */

/* Writes one entry. One that changes keeps only the comments between its lines, after
 * its new form. */
static void put_entry(
	struct buf *b, const struct config *c, size_t i, const struct config_edit *edit)
{
	const struct logical *entry = &c->entries[i];
	const struct config_want *w = edit->of[i];
	bool replace = w && w->differs;
	if (replace && !w->remove && w->last == i)
		edit->put(b, w);
	for (size_t l = entry->first; l < entry->end; l++) {
		if (replace && !config_is_comment(c->lines[l]))
			continue;
		buf_add(b, c->lines[l].p, c->lines[l].n);
		buf_addc(b, '\n');
	}
}

struct str config_rewrite(
	struct arena *a, struct str text, const struct config *c, const struct config_edit *edit)
{
	bool differs = false;
	struct buf b;
	size_t entry = 0;
	for (size_t i = 0; i < edit->n; i++)
		differs = differs || edit->want[i]->differs;
	if (!differs)
		return text;
	buf_init(&b, FILE_MAX);
	for (size_t l = 0; l < c->n_lines;) {
		if (entry < c->n_entries && c->entries[entry].first == l) {
			put_entry(&b, c, entry, edit);
			l = c->entries[entry++].end;
			continue;
		}
		buf_add(&b, c->lines[l].p, c->lines[l].n);
		buf_addc(&b, '\n');
		l++;
	}
	for (size_t i = 0; i < edit->n; i++)
		if (edit->want[i]->count == 0 && !edit->want[i]->remove)
			edit->put(&b, edit->want[i]);
	struct str out = buf_str(a, &b);
	buf_free(&b);
	return out;
}

/* ---- values ---- */

static bool is_scalar(const struct value *v)
{
	return v->type == VALUE_BOOL || v->type == VALUE_INT || v->type == VALUE_FLOAT ||
	       v->type == VALUE_STR || v->type == VALUE_UNKNOWN;
}

bool config_value_check(struct str name, const struct value *v, struct errs *errs)
{
	bool ok = is_scalar(v) || v->type == VALUE_NULL || v->type == VALUE_LIST;
	for (size_t i = 0; v->type == VALUE_LIST && i < v->list.n; i++)
		ok = ok && is_scalar(v->list.v[i]);
	if (ok)
		return true;
	return errs_add(errs, v->pos,
		"'%s' must be a text, a number, yes or no, a list of those, or null, not %s",
		name.p, value_type_name(v));
}

static struct str plain_text(struct arena *a, const struct value *v)
{
	if (v->type == VALUE_BOOL)
		return str_c(v->b ? "yes" : "no");
	return fold_lines(a, value_print(a, v));
}

struct str config_value(struct arena *a, const struct value *v, const char *comma)
{
	struct buf b;
	if (v->type != VALUE_LIST)
		return plain_text(a, v);
	buf_init(&b, FILE_MAX);
	for (size_t i = 0; i < v->list.n; i++) {
		struct str item = plain_text(a, v->list.v[i]);
		buf_adds(&b, i ? comma : "");
		buf_add(&b, item.p, item.n);
	}
	struct str out = buf_str(a, &b);
	buf_free(&b);
	return out;
}

/* ---- Postfix's own check ---- */

/* Parameters of each transport of master.cf: main.cf may be written before master.cf defines it. */
static bool of_transport(const char *name)
{
	static const char *const ends[] = {"_time_limit", "_recipient_limit", "_rate_delay",
		"_delivery_slots", "_slot_cost", "_slot_discount", "_slot_loan",
		"_recipient_refill_limit", "_recipient_refill_delay"};
	if (strstr(name, "_destination_"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(str_c(name), ends[i]))
			return true;
	return false;
}

/* The parameter in "... unused parameter: foo=bar" when it is one of ours, else NULL. */
static const char *unused_of_ours(struct arena *a, struct line line, const struct value *managed)
{
	static const char words[] = "unused parameter: ";
	const char *text = str_dup(a, line.p, line.n).p;
	const char *at = strstr(text, words);
	if (!at || !managed)
		return NULL;
	at += sizeof(words) - 1;
	struct str name = str_dup(a, at, strcspn(at, "= "));
	return map_get(managed, name) && !of_transport(name.p) ? name.p : NULL;
}

static bool read_verdict(struct arena *a, const char *path, const struct proc_result *r,
	const struct value *managed, struct err *e)
{
	struct str rest = r->err_out;
	struct line line;
	while (line_next(&rest, &line)) {
		const char *text = str_dup(a, line.p, line.n).p;
		const char *unused = unused_of_ours(a, line, managed);
		if (unused)
			return err_set(e, ERR_CONFIG,
				"%s: Postfix does not know the parameter '%s' (\"unused "
				"parameter\"); check its name; nothing was changed",
				path, unused);
		if (strstr(text, "fatal: ") || strstr(text, "error: ") ||
			strstr(text, "warning: master.cf: missing"))
			return err_set(e, ERR_CONFIG, "Postfix refuses the new %s: %.*s", path,
				SAID_MAX, text);
	}
	if (r->status != 0)
		return err_set(e, ERR_CONFIG, "Postfix refuses the new %s: %s", path,
			last_words(a, r->err_out, SAID_MAX));
	return true;
}

/* Gives the file an old time: Postfix rereads a file that is only seconds old, because it may still
 * be changing. */
static bool put_file(
	struct arena *a, const char *folder, const char *name, struct str content, struct err *e)
{
	struct file_attr attr = {CONFIG_MODE, (uid_t)-1, (gid_t)-1};
	const struct timespec old[2] = {{1, 0}, {1, 0}};
	const char *path = path_join(a, folder, name);
	if (!file_replace(path, content.p, content.n, attr, e))
		return false;
	return set_times(path, old, e);
}

/* A folder with the new file, and with the other of the two as it is. */
static bool copy_config(struct host *h, const char *tmp, const char *folder, const char *name,
	struct str content, struct err *e)
{
	const char *other = strcmp(name, "main.cf") == 0 ? "master.cf" : "main.cf";
	struct str beside;
	bool found;
	return file_read_opt(h->a, path_join(h->a, folder, other), FILE_MAX, &beside, &found, e) &&
	       put_file(h->a, tmp, name, content, e) &&
	       put_file(h->a, tmp, other, found ? beside : str_c(""), e);
}

static bool try_config(struct host *h, const char *tmp, const char *folder, const char *name,
	const struct value *managed, struct err *e)
{
	bool is_main = strcmp(name, "main.cf") == 0;
	const char *argv[] = {"postconf", "-c", tmp, is_main ? "-n" : "-M", NULL};
	struct proc_result r;
	if (!run_with(h, argv, (struct str){0}, &r, e))
		return false;
	const char *path = path_join(h->a, folder, name), *fatal;
	if (!read_verdict(h->a, path, &r, managed, e))
		return false;
	fatal = is_main ? postfix_values(h, tmp, managed) : NULL;
	if (!fatal && is_main)
		fatal = postfix_try(h, tmp, folder);
	return !fatal ||
	       err_set(e, ERR_CONFIG, "Postfix refuses the new %s: %.*s; nothing was changed", path,
		       SAID_MAX, fatal);
}

bool postfix_accepts(struct host *h, const char *folder, const char *name, struct str content,
	const struct value *managed, struct err *e)
{
	char tmp[SCRATCH_MAX];
	if (!program_there("postconf"))
		return true;
	if (!scratch_open(SCRATCH_MEMORY, tmp, e))
		return false;
	bool ok = copy_config(h, tmp, folder, name, content, e) &&
		  try_config(h, tmp, folder, name, managed, e);
	scratch_close(tmp);
	if (!ok)
		scratch_unname(e, tmp, folder);
	return ok;
}

bool postfix_settle(const char *path, struct err *e)
{
	enum { AGE_S = 10 };
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - AGE_S}};
	return set_times(path, times, e);
}

const struct value *config_attrs(struct host *h, const struct value *params)
{
	struct value *v = value_shallow(h->a, params);
	struct stat st;
	if (lstat(map_cstr(params, "path", ""), &st) < 0)
		return params;
	if (!map_at(params, "owner") && geteuid() == 0)
		map_put(h->a, v, "owner", value_text(h->a, "root"));
	if (!map_at(params, "mode"))
		map_put(h->a, v, "mode", value_text(h->a, "go-w"));
	return v;
}

void config_will_set(struct host *h, struct observation *o, struct str wanted, bool secret)
{
	struct config c;
	config_parse(h->a, wanted, &c);
	for (size_t i = 0; i < c.n_entries; i++)
		observe_run(
			h, o, "set", secret ? SECRET_TEXT : config_text(h->a, &c, &c.entries[i]).p);
}
