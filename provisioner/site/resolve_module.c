/* SPDX-License-Identifier: MIT
 *
 * A module's parameters for one host: evaluates templates, checks them by the type's table, turns
 * template and copy into content. Reads the files of roles, and nothing else.
 */
#include "site/resolve.h"
#include "agent/restype.h"

/* Of several problems of one task it reports the first; the dry run reports all. */
static struct value *give_problems(struct resolver *r, const struct errs *errs, struct err *e)
{
	*e = errs->v[0];
	for (size_t i = 1; r->found && !r->past_visible && i < errs->n; i++)
		errs_take(r->found, &errs->v[i]);
	return NULL;
}

static struct value *check_args(struct resolver *r, const struct restype *type, struct value *args,
	const char *action, struct err *e)
{
	struct errs errs;
	struct value *out;
	errs_init(&errs, r->a);
	out = fields_check(
		r->a, type->fields, args, arena_printf(r->a, "module '%s'", action), &errs);
	return !out || errs.n ? give_problems(r, &errs, e) : out;
}

/* Only reads, so it runs during planning: a command with `check_mode: false`. */
static bool is_probe(struct resolver *r, const struct task *t)
{
	return r->kw.only_read && field_find(t->type->fields, str_c("_probe"));
}

/* Maps and lists as a file's content become JSON, as in Ansible. */
static void content_to_text(struct resolver *r, struct value *args)
{
	struct value *c = map_at(args, "content"), *text;
	struct err e = {0};
	if (!c || (c->type != VALUE_MAP && c->type != VALUE_LIST) ||
		value_find_type(c, VALUE_UNKNOWN))
		return;
	r->v->own = value_map(r->a);
	map_put(r->a, r->v->own, "content", c);
	text = vars_resolve(r->v, value_text(r->a, "{{ content | to_json }}"), &e);
	r->v->own = NULL;
	if (!text) /* the check of the parameters reports what is wrong */
		return;
	text->pos = c->pos;
	map_put(r->a, args, "content", text);
}

static struct value *evaluate_args(struct resolver *r, struct task *t, struct err *e)
{
	struct value *args, *omitted;
	if (t->checked)
		args = t->checked;
	else
		args = vars_resolve(r->v, t->args, e);
	if (!args)
		return NULL;
	if (args->type == VALUE_UNKNOWN)
		return args;
	if (!t->checked) {
		omitted = vars_omit(r->a, args);
		args = value_shallow(r->a, omitted ? omitted : args);
		args->pos = t->args->pos;
		content_to_text(r, args);
		args = check_args(r, t->type, args, t->action, e);
	}
	if (args && is_probe(r, t)) {
		args = value_shallow(r->a, args);
		map_put(r->a, args, "_probe", value_bool(r->a, true));
	}
	return args;
}

/* ---- template and copy ---- */
static struct value *lower_args(struct resolver *r, const struct restype *type,
	const struct value *args, const char *src, struct value *content)
{
	struct value *out = value_map(r->a);
	out->pos = args->pos;
	for (size_t i = 0; i < args->map.n; i++) {
		const struct map_entry *m = &args->map.e[i];
		if (str_is(m->key, "src") || str_is(m->key, "content") ||
			!field_find(type->fields, m->key))
			continue;
		map_set(r->a, out, m->key, m->value);
	}
	map_put(r->a, out, "_original_basename", value_text(r->a, path_base(src)));
	map_put(r->a, out, "content", content);
	return out;
}

static const char *find_source(struct resolver *r, struct task *t, const char *kind,
	const struct value *src, struct err *e)
{
	const char *path = task_file(r->s, t, kind, src->s.p, r->a);
	if (!path)
		err_at(e, src->pos.line ? src->pos : t->pos,
			"there is no file '%s' in %s/ of the role "
			"or beside the manifest",
			src->s.p, kind);
	else if (is_dir(path))
		err_at(e, src->pos.line ? src->pos : t->pos,
			"'%s' is a folder; copying folders is not supported yet", src->s.p);
	return e->kind ? NULL : path;
}

/* The text of a template file, with the task's own settings for white space. */
static struct value *render_file(struct resolver *r, const struct value *args, const char *path,
	struct pos pos, struct err *e)
{
	unsigned flags = TEMPLATE_STRIP_NEWLINE;
	struct template_marks marks;
	bool marked = task_marks(args, &marks);
	const struct template *t;
	struct file *f;
	flags |= map_bool(args, "trim_blocks", true) ? TEMPLATE_TRIM_BLOCKS : 0;
	flags |= map_bool(args, "lstrip_blocks", false) ? TEMPLATE_LSTRIP_BLOCKS : 0;
	if (!marked && flags == (TEMPLATE_STRIP_NEWLINE | TEMPLATE_TRIM_BLOCKS))
		return template_file(r->v, path, pos, e);
	f = files_get(&r->s->files, path, e);
	t = f ? template_parse_marked(r->a, str_no_bom(f->text), (struct pos){f->path, 1, 1}, flags,
			marked ? &marks : NULL, e)
	      : NULL;
	return t ? template_text(r->v, f, t, e) : NULL;
}

static struct value *lower_template(struct resolver *r, struct task *t, const struct restype **type,
	const struct value *args, const struct value **unknown, struct err *e)
{
	const struct value *src = map_at(args, "src");
	struct value *text, *blob;
	const char *path;
	if (!src || src->type != VALUE_STR) {
		err_at(e, t->pos, "template needs src");
		return NULL;
	}
	path = find_source(r, t, "templates", src, e);
	if (!path)
		return NULL;
	text = render_file(r, args, path, src->pos, e);
	if (!text)
		return NULL;
	if (text->type == VALUE_UNKNOWN) {
		*unknown = text;
		return NULL;
	}
	*type = restype_find(str_c((*type)->lowers_to));
	blob = value_blob(r->a, text->s);
	blob->secret = text->secret;
	return check_args(r, *type, lower_args(r, *type, args, path, blob), t->action, e);
}

static struct value *lower_copy(struct resolver *r, struct task *t, const struct restype *type,
	struct value *args, struct err *e)
{
	const struct value *src = map_at(args, "src");
	const char *path;
	struct file *f;
	if (!src || src->type != VALUE_STR || map_at(args, "content") ||
		map_bool(args, "remote_src", false))
		return args;
	path = find_source(r, t, "files", src, e);
	f = path ? files_get(&r->s->files, path, e) : NULL;
	if (!f)
		return NULL;
	args = lower_args(r, type, args, path, value_blob(r->a, f->text));
	return check_args(r, type, args, t->action, e);
}

static bool type_rules(
	struct resolver *r, const struct restype *type, const struct value *params, struct err *e)
{
	struct errs errs;
	if (!type->check)
		return true;
	errs_init(&errs, r->a);
	if (type->check(params, &errs) && !errs.n)
		return true;
	if (errs.n)
		give_problems(r, &errs, e);
	return false;
}

struct value *module_params(struct resolver *r, struct task *t, const struct restype **type,
	const struct value **unknown, struct err *e)
{
	struct value *args = evaluate_args(r, t, e);
	if (!args)
		goto failed;
	*unknown = value_find_type(args, VALUE_UNKNOWN);
	if (*unknown)
		return NULL;
	if ((*type)->lowers_to)
		args = lower_template(r, t, type, args, unknown, e);
	else if (strcmp((*type)->name, "copy") == 0)
		args = lower_copy(r, t, *type, args, e);
	if (*unknown)
		return NULL;
	if (args && type_rules(r, *type, args, e))
		return args;
failed:
	if (e->kind && !e->pos.line)
		e->pos = t->pos;
	return NULL;
}
