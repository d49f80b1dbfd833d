/* SPDX-License-Identifier: MIT
 *
 * Private to lang/: single YAML scalars, and how YAML is laid out.
 */
#pragma once
#include "lang/lang.h"

/* A plain scalar as YAML 1.1 reads it; a STR borrows the text. */
struct value *yaml_scalar(struct arena *a, struct str text);
struct yaml_style {
	int indent, width;
	bool flow_leaves; /* lists and maps of plain values on one line, as to_yaml does */
	bool sort;
};
bool yaml_dump(struct buf *b, const struct value *v, const struct yaml_style *style);
