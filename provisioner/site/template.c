/* SPDX-License-Identifier: MIT
 *
 * Template files: found, compiled once a site, rendered with the newlines that Ansible leaves at
 * their end. Writes nothing.
 */
#include "site/vars.h"

static struct str copied(struct arena *a, struct str s)
{
	return str_dup(a, s.p, s.n);
}

bool lookup_include(void *ctx, struct str name, struct str *text, const char **file, struct err *e)
{
	struct vars *v = ctx;
	const char *path = task_file(v->s, v->task, "templates", name.p, v->a);
	struct file *f = path ? files_get(&v->s->files, path, e) : NULL;

	if (!f)
		return err_set(e, ERR_CONFIG, "there is no template '%s' to include", name.p);
	*text = f->text;
	*file = f->path;
	return true;
}

/* Ansible's rule for the end of a rendered file: Jinja drops the template's last newline, then as
 * many as the template ended with are put back where the result has fewer. */
static struct value *with_newlines(struct vars *v, struct value *out, struct str source)
{
	size_t want = 0, have = 0;
	struct value *longer;

	if (!out || out->type != VALUE_STR)
		return out;
	while (want < source.n && source.p[source.n - 1 - want] == '\n')
		want++;
	while (have < out->s.n && out->s.p[out->s.n - 1 - have] == '\n')
		have++;
	if (have >= want)
		return out;
	longer = value_shallow(v->a, out);
	longer->s = str_printf(v->a, STR_FMT "%.*s", STR_ARG(out->s), (int)(want - have),
		source.p + source.n - (want - have));
	return longer;
}

struct value *template_text(
	struct vars *v, const struct file *f, const struct template *t, struct err *e)
{
	return with_newlines(v, vars_render(v, t, e), f->text);
}

const struct template *template_get(struct site *s, struct file *f, struct err *e)
{
	if (!f->tmpl_done) {
		f->tmpl_done = true;
		f->tmpl = template_parse(s->a, f->text, (struct pos){f->path, 1, 1},
			TEMPLATE_TRIM_BLOCKS | TEMPLATE_STRIP_NEWLINE, &f->tmpl_err);
	}
	if (!f->tmpl)
		*e = f->tmpl_err;
	return f->tmpl;
}

/* ---- the dry run's texts, which are the real run's where nothing else is read ---- */
enum { KEPT_MAX = 64 << 20 }; /* bytes of texts, of all hosts */

static struct str render_key(const struct vars *v, const char *path)
{
	return str_printf(v->a, "%s %p %s", v->host->name, (const void *)v->task, path);
}

static struct value *known_text(struct vars *v, struct str key)
{
	struct site *s = v->s;
	const struct value *i = map_get(s->render_index, key);

	return i && vars_reads_same(v, s->renders[i->i].reads) ? s->renders[i->i].text : NULL;
}

/* Without facts it is the dry run; what it did not know is no text to keep. */
static void keep_text(struct vars *v, struct str key, struct value *text, struct value *reads)
{
	struct site *s = v->s;
	struct value *kept;

	if (v->facts || !reads || !text || text->type != VALUE_STR ||
		text->s.n > KEPT_MAX - s->kept_bytes)
		return;
	s->kept_bytes += text->s.n;
	kept = value_map(s->a);
	for (size_t i = 0; i < reads->map.n; i++)
		map_set(s->a, kept, copied(s->a, reads->map.e[i].key), reads->map.e[i].value);
	map_set(s->a, s->render_index, copied(s->a, key), value_int(s->a, (int64_t)s->n_renders));
	PUSH(s->a, s->renders, s->n_renders, s->cap_renders,
		((struct render){kept, value_keep(s->a, text, v->a)}));
}

struct value *template_file(struct vars *v, const char *path, struct pos pos, struct err *e)
{
	struct file *f = files_get(&v->s->files, path, e);
	struct str key = render_key(v, path);
	struct outer_reads outer;
	struct value *text;
	const struct template *t;

	if (!f) {
		err_at(e, pos, "there is no template '%s'", path);
		return NULL;
	}
	t = template_get(v->s, f, e);
	if (!t)
		return NULL;
	text = known_text(v, key);
	if (text)
		return text;
	outer = vars_reads_begin(v);
	text = template_text(v, f, t, e);
	keep_text(v, key, text, vars_reads_end(v, outer));
	return text;
}
