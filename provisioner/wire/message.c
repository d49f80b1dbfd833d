/* SPDX-License-Identifier: MIT
 *
 * The tables of the fields of every message, and the names of the frame types. frame.c checks
 * values against them.
 */
#include "wire/frame.h"
#include "step/step.h"

enum {
	SMALL = 64,
	FACTS_MEMORY_MAX = 8 << 20, /* each play keeps its own names for the facts */
};

#define STEP_ID                                                                     \
	{                                                                           \
		.name = "id", .kind = FIELD_INT, .flags = FIELD_REQUIRED, .min = 1, \
		.max = UINT32_MAX                                                   \
	}

static const struct field last_fields[] = {
	{.name = "run", .kind = FIELD_STR, .flags = FIELD_REQUIRED},
	{.name = "status",
		.kind = FIELD_ENUM,
		.flags = FIELD_REQUIRED,
		.choices = "done failed interrupted running"},
	{.name = "step", .kind = FIELD_STR},
	{.name = "at", .kind = FIELD_STR},
	{.name = NULL},
};

static const struct field hello_fields[] = {
	{.name = "version", .kind = FIELD_INT, .flags = FIELD_REQUIRED},
	{.name = "facts", .kind = FIELD_MAP, .flags = FIELD_REQUIRED},
	{.name = "uid", .kind = FIELD_INT, .flags = FIELD_REQUIRED, .min = 0, .max = UINT32_MAX},
	{.name = "user", .kind = FIELD_STR, .flags = FIELD_REQUIRED},
	{.name = "landlock", .kind = FIELD_BOOL, .dflt = "false"},
	{.name = "pending", .kind = FIELD_LIST},
	{.name = "last", .kind = FIELD_MAP, .sub = last_fields},
	{.name = NULL},
};

enum { STEP_FIELDS_MAX = 24 };
/* Filled from the members of a step by wire_fields. */
static struct field observe_step_fields[STEP_FIELDS_MAX], apply_step_fields[STEP_FIELDS_MAX];
/* In addition to the table in step/. */
static const struct field more_to_observe[] = {
	{.name = "type", .kind = FIELD_STR},
	{.name = NULL},
};
static const struct field more_to_apply[] = {
	{.name = "type", .kind = FIELD_STR},
	{.name = "blobs", .kind = FIELD_MAP},
	{.name = NULL},
};

static const struct field observe_fields[] = {
	{.name = "steps", .kind = FIELD_LIST, .flags = FIELD_REQUIRED, .sub = observe_step_fields},
	{.name = NULL},
};

static const struct field change_fields[] = {
	{.name = "field", .kind = FIELD_STR, .flags = FIELD_REQUIRED},
	{.name = "kind",
		.kind = FIELD_ENUM,
		.flags = FIELD_REQUIRED,
		.choices = "attr text run maybe"},
	{.name = "before", .kind = FIELD_ANY, .flags = FIELD_NULLABLE},
	{.name = "after", .kind = FIELD_ANY, .flags = FIELD_NULLABLE},
	{.name = NULL},
};

static const struct field observed_step_fields[] = {
	STEP_ID,
	{.name = "changes", .kind = FIELD_LIST, .sub = change_fields},
	{.name = "result", .kind = FIELD_MAP},
	{.name = "digest", .kind = FIELD_STR},
	{.name = "error", .kind = FIELD_STR},
	{.name = "kind", .kind = FIELD_ENUM, .choices = "config transient unreachable permanent"},
	{.name = NULL},
};

static const struct field observed_fields[] = {
	{.name = "steps", .kind = FIELD_LIST, .flags = FIELD_REQUIRED, .sub = observed_step_fields},
	{.name = NULL},
};

static const struct field apply_fields[] = {
	{.name = "run", .kind = FIELD_STR, .flags = FIELD_REQUIRED},
	{.name = "notified", .kind = FIELD_LIST},
	{.name = "steps", .kind = FIELD_LIST, .flags = FIELD_REQUIRED, .sub = apply_step_fields},
	{.name = NULL},
};

static const struct field started_fields[] = {STEP_ID, {.name = NULL}};

static const struct field note_fields[] = {
	STEP_ID,
	{.name = "text", .kind = FIELD_STR, .flags = FIELD_REQUIRED},
	{.name = NULL},
};

static const struct field step_fields[] = {
	STEP_ID,
	{.name = "status",
		.kind = FIELD_ENUM,
		.flags = FIELD_REQUIRED,
		.choices = "ok changed failed skipped"},
	{.name = "changes", .kind = FIELD_LIST, .sub = change_fields},
	{.name = "result", .kind = FIELD_MAP},
	{.name = "error", .kind = FIELD_STR},
	{.name = "ms", .kind = FIELD_INT, .min = 0, .max = INT64_MAX},
	{.name = NULL},
};

static const struct field applied_fields[] = {
	{.name = "status",
		.kind = FIELD_ENUM,
		.flags = FIELD_REQUIRED,
		.choices = "done failed stale locked stopped"},
	{.name = "error", .kind = FIELD_STR},
	{.name = "pending", .kind = FIELD_LIST},
	{.name = NULL},
};

static const struct field empty_fields[] = {{.name = NULL}};

static const struct field fatal_fields[] = {
	{.name = "msg", .kind = FIELD_STR, .flags = FIELD_REQUIRED},
	{.name = NULL},
};

static const struct field stop_fields[] = {
	{.name = "after", .kind = FIELD_INT, .flags = FIELD_REQUIRED, .min = 0, .max = UINT32_MAX},
	{.name = NULL},
};

static const struct {
	const char *name;
	const struct field *fields;
	size_t max;    /* bytes, with its header */
	size_t memory; /* bytes of memory for its values; 0: no limit */
} frames[] = {
	[FRAME_HELLO] = {"HELLO", hello_fields, 1 << 20, FACTS_MEMORY_MAX},
	[FRAME_OBSERVE] = {"OBSERVE", observe_fields, FRAME_MAX, 0},
	[FRAME_OBSERVED] = {"OBSERVED", observed_fields, REPLY_MAX, REPLY_MEMORY_MAX},
	[FRAME_APPLY] = {"APPLY", apply_fields, FRAME_MAX, 0},
	[FRAME_STARTED] = {"STARTED", started_fields, SMALL, REPLY_MEMORY_MAX},
	[FRAME_NOTE] = {"NOTE", note_fields, 8 << 10, REPLY_MEMORY_MAX},
	[FRAME_STEP] = {"STEP", step_fields, STEP_MAX, REPLY_MEMORY_MAX},
	[FRAME_APPLIED] = {"APPLIED", applied_fields, 1 << 20, REPLY_MEMORY_MAX},
	[FRAME_BYE] = {"BYE", empty_fields, SMALL, 0},
	[FRAME_FATAL] = {"FATAL", fatal_fields, 64 << 10, REPLY_MEMORY_MAX},
	[FRAME_ALIVE] = {"ALIVE", empty_fields, SMALL, REPLY_MEMORY_MAX},
	[FRAME_STOP] = {"STOP", stop_fields, SMALL, 0},
};

size_t frame_max(enum frame_type type)
{
	return frames[type].max;
}

size_t frame_memory(enum frame_type type)
{
	return frames[type].memory ? frames[type].memory : SIZE_MAX;
}

const struct field *wire_fields(enum frame_type type)
{
	if (type == FRAME_OBSERVE)
		record_fields(step_members, STEP_OBSERVE, observe_step_fields, STEP_FIELDS_MAX,
			more_to_observe);
	if (type == FRAME_APPLY)
		record_fields(step_members, STEP_APPLY, apply_step_fields, STEP_FIELDS_MAX,
			more_to_apply);
	return (size_t)type < ARRAY_LEN(frames) ? frames[type].fields : NULL;
}

const char *frame_name(enum frame_type type)
{
	return wire_fields(type) ? frames[type].name : "an unknown frame";
}
