/* SPDX-License-Identifier: MIT
 *
 * Floor 3: the protocol between controller and agent: frames, and messages checked by tables.
 *
 * A frame: 4 bytes length of the rest (big endian), 1 byte type, one encoded value (value/value.h),
 * which is a map. The agent sends first: the sync mark, then HELLO. After that the controller sends
 * requests:
 *   OBSERVE -> OBSERVED      one round trip for all resources
 *   APPLY   -> STARTED, NOTE, STEP ... APPLIED
 *           <- STOP        during an APPLY: the rest is not wanted any more
 *           -> ALIVE       during both, when nothing else was sent for ALIVE_EVERY_MS
 *   BYE     -> the agent exits
 * Controller and agent are of the same source: the controller installs its own agent under a name
 * made from its content. Another version is refused; there is no negotiation. Increment
 * WIRE_VERSION with every change here.
 */
#pragma once
#include "value/field.h"

enum {
	WIRE_VERSION = 5,
	FRAME_MAX = 64 << 20,
	REPLY_MAX = 12 << 20, /* bytes of a frame from an agent */
	STEP_MAX = 6 << 20, /* bytes of one step's frame: a program's output twice, also as lines */
	REPLY_MEMORY_MAX = 28 << 20, /* bytes of memory for its decoded values */
	ALIVE_EVERY_MS = 5000,
};
/* The agent sends it before the first frame; other text before it (a login banner) is skipped. */
#define WIRE_SYNC "\n\001PROVISION-AGENT\001\n"
/* The bootstrap script asks for the agent's bytes. */
#define WIRE_NEED "\n\001PROVISION-NEED\001\n"
/* The bootstrap script starts an agent that is already on the host. */
#define WIRE_FOUND "\n\001PROVISION-FOUND\001\n"

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_OBSERVE,
	FRAME_OBSERVED,
	FRAME_APPLY,
	FRAME_STARTED, /* {id} */
	FRAME_NOTE,    /* {id, text}: output of a step while it runs */
	FRAME_STEP,
	FRAME_APPLIED,
	FRAME_BYE,
	FRAME_FATAL, /* {msg}: the agent exits because of an error */
	FRAME_STOP,  /* {after: id}: begin no step of the current APPLY after that one */
	FRAME_ALIVE, /* {}: the agent is at work */
};

/* HELLO   {version, facts: map, uid, user, landlock: bool, pending: [handler ids not yet run],
 *          last: {run, status: done|failed|interrupted|running, step, at}}  `last` only if there
 * was a run; running: another agent is applying now OBSERVE {steps: [{id, type, ...}]}   members of
 * struct step (STEP_OBSERVE in step/step.c); a step without type is unknown until it is applied; a
 * handler has its id in `handler` OBSERVED{steps: [{id, changes: [...], result: map, digest: hex,
 * error: text, kind: text}]} a field of result is UNKNOWN if a probe has to wait for changes before
 * it APPLY   {run: text, notified: [handler ids to count as notified], steps: [{id, ..., blobs: map
 * of field -> blob with bytes}]}   members of struct step (STEP_APPLY); handlers and steps that
 * were not observed include type, params, user, timeout and environment; all items of a loop run,
 * even if one fails; a dropped handler is removed from the pending ones and does not run STEP {id,
 * status: ok|changed|failed|skipped, changes, result, error, ms} changes only if they differ from
 * OBSERVED; result only if the step was observed once more; skipped: a handler that nothing
 * notified, or that was dropped; an APPLIED with status done follows exactly one STEP for each step
 * of APPLY APPLIED {status: done|failed|stale|locked|stopped, error, pending: [...]} */
/* the table of its map; NULL: unknown type */
const struct field *wire_fields(enum frame_type type);
const char *frame_name(enum frame_type type);

/* Appends a frame. Blobs keep their bytes only in APPLY. */
void frame_write(struct buf *out, enum frame_type type, const struct value *msg);
/* does `in` begin with a whole frame of this type? */
bool frame_is_next(const struct buf *in, enum frame_type type);
enum frame_status { FRAME_MORE, FRAME_OK, FRAME_BAD };
/* Would frame_read return something other than FRAME_MORE? */
bool frame_waits(const struct buf *in);
/* Removes one whole frame from the front of `in`, decodes it and checks it by its table.
 * FRAME_MORE: it is incomplete. FRAME_BAD (e set): invalid; do not read from this peer any more. */
enum frame_status frame_read(
	struct arena *a, struct buf *in, enum frame_type *type, struct value **msg, struct err *e);
/* The same, with a limit: the decoded values may take `room` bytes of memory. */
enum frame_status frame_read_within(struct arena *a, struct buf *in, size_t room,
	enum frame_type *type, struct value **msg, struct err *e);
