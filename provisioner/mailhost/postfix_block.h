/* SPDX-License-Identifier: MIT
 *
 * Blocks of master.cf: text of others, kept between two marker lines with the block's name, so that
 * it can be taken out again whatever stood in it. The calling order is cut, edit what is left, put.
 */
#pragma once
#include "resource/resource.h"

/* Name -> text; the complaints go into errs. */
bool blocks_check(const struct value *blocks, struct errs *errs);
/* The text without the named blocks. A block whose end is missing is text like any other. */
struct str blocks_cut(struct arena *a, struct str text, const struct value *blocks);
/* The text with the blocks behind it, but for those that are null or blank. */
struct str blocks_put(struct arena *a, struct str text, const struct value *blocks);
