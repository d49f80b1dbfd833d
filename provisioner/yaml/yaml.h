/* SPDX-License-Identifier: MIT
 *
 * Floor 2: parses YAML and JSON text into values with file:line:column, and writes values as YAML
 * text. Opens no file.
 */
#pragma once
#include "value/value.h"

enum { YAML_DEPTH = 64, YAML_NODES = 8 << 20 };

/* Parses one document. Scalars of YAML 1.1 are resolved as by PyYAML's SafeLoader (yes/no/on/off,
 * 0644 octal, 0x1f, 1_000, .inf, ~, also sexagesimal integers); src keeps the source text. Anchors,
 * aliases and << merge keys are supported, within limits. Duplicate keys, unknown tags and a second
 * document are problems. `!unsafe` makes a literal text. NULL: there were problems, added to errs.
 * An empty text gives null. */
struct value *yaml_parse(struct arena *a, const char *file, struct str text, struct errs *errs);
/* Parses JSON text (RFC 8259, with jansson). NULL: e says why. */
struct value *json_parse(struct arena *a, struct str text, struct err *e);

/* Resolves a plain scalar as YAML 1.1; a STR borrows the text. */
struct value *yaml_scalar(struct arena *a, struct str text);
struct yaml_style {
	int indent, width;
	bool flow_leaves; /* lists and maps of scalars on one line, as to_yaml writes them */
	bool sort;
};
/* Appends one document. false: libyaml failed, and b may hold a part of it. */
bool yaml_dump(struct buf *b, const struct value *v, const struct yaml_style *style);
