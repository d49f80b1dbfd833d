/* SPDX-License-Identifier: MIT
 *
 * Floor 2: YAML and JSON text into values with file:line:column, and values into YAML text. Opens
 * no file.
 */
#pragma once
#include "value/value.h"

enum { YAML_DEPTH = 64, YAML_NODES = 8 << 20 };

/* One document. YAML 1.1 scalars as PyYAML's SafeLoader resolves them (yes/no/on/off, 0644 octal,
 * 0x1f, 1_000, .inf, ~; sexagesimal ints too), plain source text kept in src. Anchors, aliases and
 * << merge keys work, bounded. Duplicate keys, unknown tags and several documents are problems.
 * `!unsafe` gives literal text. Returns NULL when there was a problem; an empty text gives null. */
struct value *yaml_parse(struct arena *a, const char *file, struct str text, struct errs *errs);
/* JSON text (RFC 8259, by jansson) into values. */
struct value *json_parse(struct arena *a, struct str text, struct err *e);

/* A plain scalar as YAML 1.1 reads it; a STR borrows the text. */
struct value *yaml_scalar(struct arena *a, struct str text);
struct yaml_style {
	int indent, width;
	bool flow_leaves; /* lists and maps of plain values on one line, as to_yaml does */
	bool sort;
};
bool yaml_dump(struct buf *b, const struct value *v, const struct yaml_style *style);
