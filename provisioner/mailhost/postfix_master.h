/* SPDX-License-Identifier: MIT
 *
 * The editing of master.cf as a text, without a host.
 */
#pragma once
#include "resource/resource.h"

/* The text with the services ("name/type": columns and command, null removes) in place: comments,
 * order and all other services are kept; the same text when nothing differs. The type's rules have
 * checked the services. */
struct str master_cf_edit(struct arena *a, struct str text, const struct value *services);
/* postfix_unused.c: the text without services that it has exactly as in `shipped` and that neither
 * `whole` (the text with its blocks) nor any file in `folder` uses. false: a file could not be
 * read. */
bool master_cf_cut(struct host *h, const char *folder, struct str *text, struct str whole,
	struct str shipped, struct err *e);
/* The text with those services of `shipped` that other parts of Postfix use and that are missing in
 * `whole` (the text with its blocks) and not named in `services`. */
struct str master_cf_complete(struct arena *a, struct str text, struct str whole,
	struct str shipped, const struct value *services);
