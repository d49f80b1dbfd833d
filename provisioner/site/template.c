/* SPDX-License-Identifier: MIT
 *
 * Template files: found, compiled once per site, rendered with the final newlines that Ansible
 * keeps. Writes nothing.
 */
#include "site/vars.h"

static struct str copy_text(struct arena *a, struct str s)
{
	return str_dup(a, s.p, s.n);
}

/* A file beside a template, or in templates/ beside it; NULL: none. */
static const char *find_beside(struct arena *a, const char *template, const char *name)
{
	const char *dir = path_dir(a, template);
	const char *paths[] = {
		dir_join(a, dir_join(a, dir, "templates"), name), dir_join(a, dir, name)};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (is_there(paths[i]))
			return paths[i];
	return NULL;
}

bool lookup_include(void *ctx, struct str name, const char *from, struct str *text,
	const char **file, struct err *e)
{
	struct vars *v = ctx;
	const char *path = task_file(v->s, v->task, "templates", name.p, v->a);
	struct file *f;
	if (!path && v->template)
		path = find_beside(v->a, v->template->path, name.p);
	if (!path && from)
		path = find_beside(v->a, from, name.p);
	f = path ? files_get(&v->s->files, path, e) : NULL;
	if (!f && e->kind)
		return err_prefix(e, "cannot read the template");
	if (!f)
		return err_set(e, ERR_CONFIG,
			"there is no template '%s' to include, neither among the role's templates "
			"nor beside the including file",
			name.p);
	*text = str_no_bom(f->text);
	*file = f->path;
	return true;
}

struct value *template_text(
	struct vars *v, const struct file *f, const struct template *t, struct err *e)
{
	struct value *out;
	const struct file *outer = v->template;
	v->template = f;
	out = vars_render(v, t, e);
	v->template = outer;
	return out ? keep_newlines(v->a, out, f->text) : NULL;
}

const struct template *template_get(struct site *s, struct file *f, struct err *e)
{
	if (!f->tmpl_done) {
		f->tmpl_done = true;
		f->tmpl = template_parse(s->a, str_no_bom(f->text), (struct pos){f->path, 1, 1},
			TEMPLATE_TRIM_BLOCKS | TEMPLATE_STRIP_NEWLINE, &f->tmpl_err);
	}
	if (!f->tmpl)
		*e = f->tmpl_err;
	return f->tmpl;
}

/* ---- texts of the dry run, which the real run reuses when they depend on nothing else ---- */
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

/* Without facts it is the dry run; a text with unknown parts is not kept. */
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
		map_set(s->a, kept, copy_text(s->a, reads->map.e[i].key), reads->map.e[i].value);
	map_set(s->a, s->render_index, copy_text(s->a, key),
		value_int(s->a, (int64_t)s->n_renders));
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
	if (!f && e->kind) {
		e->pos = pos;
		(void)err_prefix(e, "cannot read the template");
	} else if (!f) {
		(void)err_at(e, pos, "there is no template '%s'", path);
	}
	if (!f)
		return NULL;
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
