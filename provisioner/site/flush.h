/* SPDX-License-Identifier: MIT
 *
 * Flushing handlers, and the end of a play that has changed packages.
 */
#pragma once
#include "site/resolve.h"

void flush_start(struct resolver *r, bool with_pending);
bool flush_next(struct resolver *r, struct err *e); /* pushes a handler's frame; false: no more */
bool handler_notified(const struct resolver *r, const struct frame *f); /* as far as it is known */
/* Which notified handlers run on the host. */
const char *const *handlers_of_host(struct resolver *r, const char *const *ids);
/* For a step that may change packages: the play then ends with starting their services. */
void installed_notify(struct resolver *r, struct step_record *s);
struct value *installed_params(struct resolver *r); /* of the handler that does it */
void handler_fill(struct resolver *r, const struct frame *f, struct step_record *s);
/* Notified by an unfinished earlier run, but not in this one. */
bool handler_left_over(const struct resolver *r, const struct frame *f);
/* Would it restart a service that this play has stopped? */
bool handler_revives(
	const struct resolver *r, const struct restype *type, const struct value *params);
