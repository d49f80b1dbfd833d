/* SPDX-License-Identifier: MIT
 *
 * Template files: found, compiled once a site, rendered with the newlines that Ansible leaves at
 * their end. Writes nothing.
 */
#include "site/vars.h"

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

struct value *template_file(struct vars *v, const char *path, struct pos pos, struct err *e)
{
	struct file *f = files_get(&v->s->files, path, e);
	const struct template *t;

	if (!f) {
		err_at(e, pos, "there is no template '%s'", path);
		return NULL;
	}
	t = template_get(v->s, f, e);
	return t ? template_text(v, f, t, e) : NULL;
}
