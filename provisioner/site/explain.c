/* SPDX-License-Identifier: MIT
 *
 * The origin of a variable's value: every layer that has it, lowest first, with its place. Shows no
 * secret.
 */
#include "site/listing.h"
#include "site/vars.h"

static struct play_in *play_of(const struct site *s, const char *host)
{
	for (size_t i = 0; i < s->n_plays; i++)
		if (play_has(s->plays[i], host))
			return s->plays[i];
	return NULL;
}

/* A raw layer is not marked as secret yet, so a value is hidden by its name. An expression is
 * shown: it contains only names. */
static struct value *mask_value(struct arena *a, const struct value *v, bool hide)
{
	struct value *out = value_shallow(a, v);
	if (v->type == VALUE_MAP)
		for (size_t i = 0; i < v->map.n; i++)
			out->map.e[i].value = mask_value(
				a, v->map.e[i].value, hide || names_secret(v->map.e[i].key));
	else if (v->type == VALUE_LIST)
		for (size_t i = 0; i < v->list.n; i++)
			out->list.v[i] = mask_value(a, v->list.v[i], hide);
	else if (hide && !(v->type == VALUE_STR && text_is_template(v->s) && !v->literal))
		out->secret = v->type != VALUE_NULL && v->type != VALUE_BOOL;
	return out;
}

static void show_value(struct page *out, struct arena *a, struct str name, const struct value *raw)
{
	const struct value *v = mask_value(a, raw, names_secret(name));
	struct buf b;
	enum { SHOWN = 400 };

	buf_init(&b, 1 << 20);
	json_write(&b, v);
	if (b.n > SHOWN)
		page_addf(out, "%.*s...", SHOWN, b.p);
	else
		page_add(out, (struct str){b.p, b.n});
	buf_free(&b);
}

static struct pos place_of(const struct map_entry *e)
{
	return e->key_pos.line ? e->key_pos : e->value->pos;
}

static void show_layer(struct page *out, struct arena *a, const struct layer *l, struct str name)
{
	const struct map_entry *e = map_entry(l->map, name);
	if (!e)
		return;
	struct pos at = place_of(e);
	page_addf(out, "  %-36s ", l->what);
	if (at.line)
		page_addf(out, "%s:%u:%u  ", at.file, at.line, at.col);
	show_value(out, a, name, e->value);
	page_addf(out, "\n");
}

/* The files beside the inventory are those beside the site when both are in one folder. */
static bool is_read_again(
	const struct layer *layers, size_t n, const struct layer *of, struct str name)
{
	const struct map_entry *e = map_entry(of->map, name);
	struct pos at = e ? place_of(e) : (struct pos){0};
	for (size_t i = 0; at.line && i < n; i++) {
		const struct map_entry *other = map_entry(layers[i].map, name);
		struct pos p = other ? place_of(other) : (struct pos){0};
		if (p.line != at.line || p.col != at.col)
			continue;
		if (p.file && at.file && strcmp(p.file, at.file) == 0)
			return true;
	}
	return false;
}

static const struct layer *play_layers(struct vars *v, struct layer *l, size_t *n)
{
	struct play_in *p = v->play;
	*n = 0;
	l[(*n)++] = (struct layer){.what = "play vars", .map = p->vars};
	if (p->mail) {
		struct value *m = value_map(v->a);
		map_put(v->a, m, "mail", p->mail);
		l[(*n)++] = (struct layer){.what = "play", .map = m};
	}
	l[(*n)++] = (struct layer){.what = "vars_files", .map = p->files_vars};
	l[(*n)++] = (struct layer){.what = "role vars", .map = p->all_vars};
	return l;
}

static struct vars *vars_of(const struct site *s, const char *host, struct err *e)
{
	struct invhost *h = inventory_host(s->inv, str_c(host));
	if (!h) {
		err_set(e, ERR_CONFIG, "host '%s' is not in the inventory", host);
		return NULL;
	}
	return vars_new((struct site *)s, s->a, h, play_of(s, host), NULL);
}

bool site_explain(
	const struct site *s, const char *host, const char *name, struct page *out, struct err *e)
{
	struct vars *v = vars_of(s, host, e);
	struct layer *layers, play[8];
	struct str key = str_c(name);
	struct value *x;
	struct buf b;
	size_t n;
	if (!v)
		return false;
	x = vars_value(v, name, e);
	if (!x && !e->kind)
		return err_set(e, ERR_CONFIG, "host %s has no variable '%s'%s%.*s", host, name,
			strchr(name, '.') ? "; name the whole variable: " : "",
			strchr(name, '.') ? (int)strcspn(name, ".") : 0, name);
	if (!x)
		return false;
	page_addf(out, "%s on %s: ", name, host);
	buf_init(&b, FILE_MAX);
	json_write_pretty(&b, mask_value(s->a, x, names_secret(key)), 0);
	page_lines(out, 0, (struct str){b.p, b.n});
	buf_free(&b);
	page_addf(out, "\n");
	if (v->play)
		show_layer(out, s->a,
			&(struct layer){.what = "role defaults", .map = v->play->all_defaults},
			key);
	n = host_layers(s, v->host, s->a, &layers);
	for (size_t i = 0; i < n; i++)
		if (!is_read_again(layers + i + 1, n - i - 1, &layers[i], key))
			show_layer(out, s->a, &layers[i], key);
	n = 0;
	if (v->play)
		play_layers(v, play, &n);
	for (size_t i = 0; i < n; i++)
		if (play[i].map)
			show_layer(out, s->a, &play[i], key);
	show_layer(out, s->a, &(struct layer){.what = "extra vars (-e)", .map = s->extra}, key);
	return true;
}

struct value *site_vars(const struct site *s, const char *host, struct err *e)
{
	struct vars *v = vars_of(s, host, e);
	struct value *out;
	if (!v)
		return NULL;
	out = value_map(s->a);
	vars_value(v, "mail", e); /* computed on first use */
	if (e->kind)
		return NULL;
	for (size_t i = v->scope->n; i-- > 0;) {
		const struct value *m = v->scope->layer[i].map;
		for (size_t j = 0; j < m->map.n; j++) {
			struct value *x = vars_value(v, m->map.e[j].key.p, e);
			if (!x)
				return NULL;
			map_set(s->a, out, m->map.e[j].key, x);
		}
	}
	mail_hashes_end(&v->s->mail_memory);
	for (size_t i = 0; v->mail && i < v->mail->map.n; i++)
		map_set(s->a, out, v->mail->map.e[i].key, v->mail->map.e[i].value);
	return out;
}

/* Hashes of passwords that the value holds are complete then. */
static struct value *end_hashes(struct vars *v, struct value *out)
{
	mail_hashes_end(&v->s->mail_memory);
	return out;
}

struct value *site_eval(const struct site *s, const char *host, struct str expression,
	struct pos pos, struct err *e)
{
	struct vars *v = vars_of(s, host, e);
	return v ? end_hashes(v, vars_expression(v, expression, pos, e)) : NULL;
}

struct value *site_render(
	const struct site *s, const char *host, const struct template *t, struct err *e)
{
	struct vars *v = vars_of(s, host, e);
	return v ? end_hashes(v, vars_render(v, t, e)) : NULL;
}
