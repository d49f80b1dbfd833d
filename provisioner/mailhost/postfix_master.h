/* SPDX-License-Identifier: MIT
 *
 * The editing of master.cf, apart from any host.
 */
#pragma once
#include "resource/resource.h"

/* The text with the services ("name/type": columns and command, null removes) in place: comments,
 * order and all other services are kept; equal text when nothing differs. The services were
 * checked by the type's rules. */
struct str master_cf_edit(struct arena *a, struct str text, const struct value *services);
/* postfix_unused.c: the text without the services that it has just as `shipped` has them and that
 * neither `whole` (the text with what is put behind it) nor anything in `folder` uses. false: a
 * file could not be read. */
bool master_cf_cut(struct host *h, const char *folder, struct str *text, struct str whole,
	struct str shipped, struct err *e);
/* The text with the services of `shipped` that others inside Postfix use and that `whole` (the text
 * with what is put behind it) has not; but those that `services` names. */
struct str master_cf_complete(struct arena *a, struct str text, struct str whole,
	struct str shipped, const struct value *services);
