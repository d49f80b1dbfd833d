/* SPDX-License-Identifier: MIT
 *
 * Rules of all sizes of `mail:`, wherever they are in the schema: a small number without a unit is
 * probably a forgotten unit. With such a limit Postfix would silently refuse all mail. Takes the
 * map as it was written, since the parsed state has bytes only.
 */
#include "mail/mail.h"

enum { SMALL = 1 << 20, DEPTH_MAX = 16 };

/* Is the value a number without a unit, "50" or 50? *n is that number. */
static bool is_bare(const struct value *v, int64_t *n)
{
	if (v->type == VALUE_INT) {
		*n = v->i;
		return true;
	}
	if (v->type != VALUE_STR || v->s.n == 0 || v->s.n > 7 ||
		strspn(v->s.p, "0123456789") != v->s.n)
		return false;
	*n = strtoll(v->s.p, NULL, 10);
	return true;
}

static void check_size(const struct value *v, struct errs *errs)
{
	enum { MOST_M = 10000 };
	int64_t n;
	if (!is_bare(v, &n) || n <= 0 || n >= SMALL)
		return;
	bool mega = n < MOST_M;
	errs_add(errs, v->pos, "%lld means %lld bytes; write a unit: %lld%c, or %lldb for bytes",
		(long long)n, (long long)n, (long long)(mega ? n : n / 1024), mega ? 'M' : 'k',
		(long long)n);
}

static void check_fields(
	const struct field *fields, const struct value *map, int depth, struct errs *errs);

static void check_value(const struct field *f, const struct value *v, int depth, struct errs *errs)
{
	if (f->kind == FIELD_SIZE)
		check_size(v, errs);
	if (!f->sub || depth > DEPTH_MAX)
		return;
	if (f->kind == FIELD_MAP)
		check_fields(f->sub, v, depth + 1, errs);
	for (size_t i = 0; f->kind == FIELD_MAPOF && v->type == VALUE_MAP && i < v->map.n; i++)
		check_fields(f->sub, v->map.e[i].value, depth + 1, errs);
	for (size_t i = 0; f->kind == FIELD_LIST && v->type == VALUE_LIST && i < v->list.n; i++)
		check_fields(f->sub, v->list.v[i], depth + 1, errs);
}

static void check_fields(
	const struct field *fields, const struct value *map, int depth, struct errs *errs)
{
	for (size_t i = 0; map->type == VALUE_MAP && i < map->map.n; i++) {
		const struct field *f = field_find(fields, map->map.e[i].key);
		if (f)
			check_value(f, map->map.e[i].value, depth, errs);
	}
}

/* As text with a unit; the field table reports what is not a size at all. */
static bool is_small(const struct value *v)
{
	size_t digits = v->type == VALUE_STR ? strspn(v->s.p, "0123456789") : 0;
	if (digits == 0 || digits > 9)
		return false;
	int64_t n = strtoll(v->s.p, NULL, 10);
	const char *unit = v->s.p + digits + strspn(v->s.p + digits, " ");
	if (*unit == 'k' || *unit == 'K')
		n *= 1024;
	else if (*unit != 'b' && *unit != 'B')
		return false;
	return n > 0 && n < SMALL;
}

/* The operator's own setting overrides the key, but Postfix takes bytes only. */
static void check_override(const struct value *mail, struct errs *errs)
{
	const struct value *postfix = map_at(mail, "postfix");
	const struct value *own =
		postfix && postfix->type == VALUE_MAP ? map_at(postfix, "main") : NULL;
	const struct value *v =
		own && own->type == VALUE_MAP ? map_at(own, "message_size_limit") : NULL;
	int64_t n;
	if (v && is_bare(v, &n) && n > 0 && n < SMALL)
		errs_warn(errs, v->pos,
			"Postfix's message_size_limit is in bytes: mail of more than %lld bytes "
			"will be refused",
			(long long)n);
}

void mail_sizes_rules(const struct value *mail, struct errs *errs)
{
	const struct value *limit = map_at(mail, "message_size_limit");
	check_fields(mail_fields, mail, 0, errs);
	check_override(mail, errs);
	if (limit && is_small(limit))
		errs_warn(errs, limit->pos,
			"'%s' is less than 1M: most mail with an attachment will be refused",
			limit->s.p);
}
