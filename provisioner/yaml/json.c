/* SPDX-License-Identifier: MIT
 *
 * Parses JSON into values, with jansson. Rejects deep nesting; keeps the order of keys.
 */
#include <jansson.h>
#include "yaml/yaml.h"

static struct value *convert_json(struct arena *a, const json_t *j, int depth, struct err *e);

static struct value *convert_array(struct arena *a, const json_t *j, int depth, struct err *e)
{
	struct value *list = value_list(a);
	size_t n = json_array_size(j);
	for (size_t i = 0; i < n; i++) {
		struct value *v = convert_json(a, json_array_get(j, i), depth + 1, e);
		if (!v)
			return NULL;
		list_add(a, list, v);
	}
	return list;
}

static struct value *convert_object(struct arena *a, json_t *j, int depth, struct err *e)
{
	struct value *map = value_map(a);
	void *i = json_object_iter(j);
	for (; i; i = json_object_iter_next(j, i)) {
		struct value *v = convert_json(a, json_object_iter_value(i), depth + 1, e);
		if (!v)
			return NULL;
		const char *key = json_object_iter_key(i);
		map_set(a, map, str_dup(a, key, strlen(key)), v);
	}
	return map;
}

static struct value *convert_json(struct arena *a, const json_t *j, int depth, struct err *e)
{
	if (depth > YAML_DEPTH) {
		err_set(e, ERR_CONFIG, "JSON nested more than %d deep", YAML_DEPTH);
		return NULL;
	}
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return convert_object(a, (json_t *)j, depth, e);
	case JSON_ARRAY:
		return convert_array(a, j, depth, e);
	case JSON_STRING:
		return value_str(a, str_dup(a, json_string_value(j), json_string_length(j)));
	case JSON_INTEGER:
		return value_int(a, json_integer_value(j));
	case JSON_REAL:
		return value_float(a, json_real_value(j));
	case JSON_TRUE:
	case JSON_FALSE:
		return value_bool(a, json_is_true(j));
	default:
		return value_null(a);
	}
}

struct value *json_parse(struct arena *a, struct str text, struct err *e)
{
	json_error_t problem;
	json_t *j = json_loadb(text.p, text.n, JSON_DECODE_ANY, &problem);
	if (!j) {
		err_set(e, ERR_CONFIG, "JSON, line %d, column %d: %s", problem.line, problem.column,
			problem.text);
		return NULL;
	}
	struct value *v = convert_json(a, j, 0, e);
	json_decref(j);
	return v;
}
