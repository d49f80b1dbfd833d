/* SPDX-License-Identifier: MIT
 *
 * Blocks of master.cf: free text between two marker lines with the block's name, so that it can be
 * removed whatever it contains. Call cut, edit the remaining text, then put.
 */
#pragma once
#include "resource/resource.h"

/* Name -> text; adds problems to errs. */
bool blocks_check(const struct value *blocks, struct errs *errs);
/* The text without the named blocks. A block without its end marker is ordinary text. */
struct str blocks_cut(struct arena *a, struct str text, const struct value *blocks);
/* The text with the blocks after it, without those that are null or blank. */
struct str blocks_put(struct arena *a, struct str text, const struct value *blocks);
