/* SPDX-License-Identifier: MIT
 *
 * Floor 3: what controller and agent say to each other: frames, and messages checked by tables.
 *
 * A frame: 4 bytes length of the rest (big endian), 1 byte type, then one encoded value, a map.
 * The agent speaks first, after the sync mark: HELLO. Then the controller leads:
 *   OBSERVE -> OBSERVED      one round trip for every resource
 *   APPLY   -> STARTED, NOTE, STEP ... APPLIED
 *           <- STOP        while it applies, if the rest is not wanted any more
 *           -> ALIVE, while either takes long: nothing else was sent for ALIVE_EVERY_MS
 *   BYE     -> the agent exits
 * The agent that the controller put there by content is the same source: a version that differs is
 * refused, never negotiated. Bump WIRE_VERSION with any change here.
 */
#pragma once
#include "value/field.h"

enum {
	WIRE_VERSION = 5,
	FRAME_MAX = 64 << 20,
	REPLY_MAX = 12 << 20,        /* of a frame from an agent */
	STEP_MAX = 6 << 20,          /* of one step's: a program's output twice, as lines too */
	REPLY_MEMORY_MAX = 28 << 20, /* of its values */
	ALIVE_EVERY_MS = 5000,
};
/* Before the first frame; text before it is skipped. */
#define WIRE_SYNC "\n\001PROVISION-AGENT\001\n"
/* The bootstrap asks for the agent's bytes. */
#define WIRE_NEED "\n\001PROVISION-NEED\001\n"
/* The host says that it starts an agent which was there already. */
#define WIRE_FOUND "\n\001PROVISION-FOUND\001\n"

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_OBSERVE,
	FRAME_OBSERVED,
	FRAME_APPLY,
	FRAME_STARTED, /* {id} */
	FRAME_NOTE,    /* {id, text}: live output of a long step */
	FRAME_STEP,
	FRAME_APPLIED,
	FRAME_BYE,
	FRAME_FATAL, /* {msg}: the agent gives up */
	FRAME_STOP,  /* {after: id}: nothing behind that step of the APPLY under way is begun */
	FRAME_ALIVE, /* {}: the agent works */
};

/* HELLO   {version, facts: map, uid, user, landlock: bool, pending: [handler ids not yet run],
 *          last: {run, status: done|failed|interrupted|running, step, at}}  `last` only when there
 *          was one; running: another agent works on it right now
 * OBSERVE {steps: [{id, type, ...}]}   members of struct step (STEP_OBSERVE in step/step.c); a step
 *         without type is unknown until it is applied; a handler has its id in `handler`
 * OBSERVED{steps: [{id, changes: [...], result: map, digest: hex, error: text, kind: text}]}
 *         a field of result is UNKNOWN where a probe has to wait for changes before it
 * APPLY   {run: text, notified: [handler ids to count as notified],
 *          steps: [{id, ..., blobs: map of field -> blob with bytes}]}   members of struct step
 *         (STEP_APPLY); handlers and steps that were not observed bring their type, params, user,
 *         timeout and environment; all items of a loop run, whatever fails; a dropped handler is
 *         forgotten, not run
 * STEP    {id, status: ok|changed|failed|skipped, changes, result, error, ms}
 *         changes only when they are not what OBSERVED said; result only when it was looked at
 *         again; a skipped step is a handler that nothing notified, or that was dropped; before
 *         APPLIED says done, each step of APPLY has had exactly one
 * APPLIED {status: done|failed|stale|locked|stopped, error, pending: [...]} */
const struct field *wire_fields(enum frame_type type); /* NULL: no such type */
const char *frame_name(enum frame_type type);

/* Appends a frame; blobs with bytes only in APPLY. */
void frame_write(struct buf *out, enum frame_type type, const struct value *msg);
bool frame_is_next(const struct buf *in, enum frame_type type); /* a whole one */
enum frame_status { FRAME_MORE, FRAME_OK, FRAME_BAD };
/* Would frame_read give something else than FRAME_MORE? */
bool frame_waits(const struct buf *in);
/* Takes one whole frame off the front of `in`: decoded and checked by its table. FRAME_MORE when it
 * is not all there yet; FRAME_BAD (e set) ends this peer. */
enum frame_status frame_read(
	struct arena *a, struct buf *in, enum frame_type *type, struct value **msg, struct err *e);
/* The same; its values may take no more than `room` bytes. */
enum frame_status frame_read_within(struct arena *a, struct buf *in, size_t room,
	enum frame_type *type, struct value **msg, struct err *e);
