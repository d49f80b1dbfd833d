/* SPDX-License-Identifier: MIT
 *
 * Tags: reads them, and decides which tasks --tags and --skip-tags select.
 */
#include "site/control.h"

static bool in_list(const char *const *list, const char *word)
{
	for (size_t i = 0; list && list[i]; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

const char *const *tags_read(
	struct arena *a, struct value *v, const char *const *inherited, struct errs *errs)
{
	struct value *list = as_list(a, v);
	const char **out = NULL;
	size_t n = 0, cap = 0;
	if (!list)
		return inherited;
	for (size_t i = 0; inherited && inherited[i]; i++)
		PUSH(a, out, n, cap, inherited[i]);
	for (size_t i = 0; i < list->list.n; i++) {
		const struct value *t = list->list.v[i];
		const char **words;
		if (t->type == VALUE_LIST || t->type == VALUE_MAP) {
			errs_add(errs, t->pos, "a tag must be a word, not %s", value_type_name(t));
			continue;
		}
		words = split_commas(a, value_print(a, t).p);
		for (size_t j = 0; words[j]; j++)
			if (!in_list(out && n ? out : NULL, words[j]) || n == 0) {
				PUSH(a, out, n, cap, words[j]);
				PUSH(a, out, n, cap, NULL);
				n--;
			}
	}
	PUSH(a, out, n, cap, NULL);
	return out;
}

static bool tags_overlap(const char *const *a, const char *const *b)
{
	for (size_t i = 0; a && a[i]; i++)
		if (in_list(b, a[i]))
			return true;
	return false;
}

static bool has_tags(const char *const *t)
{
	return t && t[0];
}

static bool is_wanted(const struct site *s, const char *const *tags)
{
	bool never = in_list(tags, "never");
	if (!s->tags)
		return !never;
	if (in_list(tags, "always") && !in_list(s->skip_tags, "always"))
		return true;
	if (tags_overlap(tags, s->tags))
		return true;
	if (in_list(s->tags, "all"))
		return !never;
	if (in_list(s->tags, "tagged"))
		return has_tags(tags) && !never;
	return in_list(s->tags, "untagged") && !has_tags(tags);
}

bool task_selected(const struct site *s, const struct task *t)
{
	if (!is_wanted(s, t->tags))
		return false;
	if (!s->skip_tags)
		return true;
	if (tags_overlap(t->tags, s->skip_tags))
		return false;
	if (in_list(s->skip_tags, "all"))
		return in_list(t->tags, "always") && !in_list(s->skip_tags, "always");
	return !(in_list(s->skip_tags, "tagged") && has_tags(t->tags));
}

/* ---- words of --tags and --skip-tags that no task has ---- */

struct census {
	struct arena *a;
	struct value *seen; /* tag -> null */
	bool open;          /* tasks that are included later may have others */
};

static void count_tags(struct census *c, const struct task *t)
{
	for (size_t i = 0; t->tags && t->tags[i]; i++)
		map_set(c->a, c->seen, str_c(t->tags[i]), value_null(c->a));
	if (t->control && (t->control->kind == CONTROL_INCLUDE_TASKS ||
				  t->control->kind == CONTROL_INCLUDE_ROLE))
		c->open = true;
	for (size_t i = 0; i < t->n_child; i++)
		count_tags(c, t->child[i]);
}

static void warn_of(
	const struct census *c, const char *option, const char *const *words, struct errs *errs)
{
	static const char *const special[] = {"all", "always", "never", "tagged", "untagged", NULL};
	const char **names = ARENA_ARRAY(c->a, const char *, c->seen->map.n + 1);

	for (size_t i = 0; i < c->seen->map.n; i++)
		names[i] = c->seen->map.e[i].key.p;
	for (size_t i = 0; words && words[i]; i++) {
		const char *near = str_nearest(words[i], names);
		if (in_list(special, words[i]) || in_list(names, words[i]))
			continue;
		errs_warn(errs, (struct pos){0}, "%s: no task has the tag '%s'%s%s%s", option,
			words[i], near ? " (did you mean '" : "", near ? near : "",
			near ? "'?)" : "");
	}
}

void tags_warn(const struct site *s, struct errs *errs)
{
	struct census c = {s->a, value_map(s->a), false};
	for (size_t i = 0; i < s->n_plays; i++)
		for (int j = 0; j < SECTIONS; j++)
			count_tags(&c, s->plays[i]->section[j]);
	if (c.open)
		return;
	warn_of(&c, "--tags", s->tags, errs);
	warn_of(&c, "--skip-tags", s->skip_tags, errs);
}
