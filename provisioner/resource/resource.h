/* SPDX-License-Identifier: MIT
 *
 * Floor 3: resource types, the contract and those that Ansible has too. One file per type: a field
 * table, observe, apply, one const struct restype; one row in agent/restype.c.
 *
 * observe only reads: it compares the host with the parameters and says what would change.
 * apply makes exactly the changes that observe found. Neither decides anything else, and no flag
 * turns one into the other. Both run on the host, in the agent; the parameters were checked by the
 * field table before.
 */
#pragma once
#include "host/host.h"

#define BUILTIN_NAMES(name) "ansible.builtin." name " ansible.legacy." name

struct restype {
	const char *name;
	const char *aliases; /* space separated, or NULL */
	/* with the collection before it: every such name that means this type, space separated;
	 * NULL: a type of this program, which has none */
	const char *full_names;
	const char *key; /* the field that names the thing: "path", "name"; NULL: none */
	const char *doc;
	const char *example; /* YAML task */
	const struct field *fields;
	const struct field *returns; /* what register sees beside changed, failed, msg */
	unsigned class;
	unsigned touches;
	unsigned moved_by; /* classes beside its own whose changes it has to be looked at for */
	/* true: a read-only probe, never a change: its result is known when the plan is made */
	bool probe;
	const char
		*lowers_to; /* template -> copy: the controller turns it into this type; no verbs */
	/* What a handler of this type does, in a few words for the plan; NULL: its type says it. */
	const char *(*summary)(struct arena *a, const struct value *params);
	/* Rules across fields; problems with positions into errs. May be NULL. Pure. */
	bool (*check)(const struct value *params, struct errs *errs);
	bool (*observe)(
		struct host *h, const struct value *params, struct observation *o, struct err *e);
	/* `o` is what observe found just before; o->result may be added to. */
	bool (*apply)(
		struct host *h, const struct value *params, struct observation *o, struct err *e);
	/* What later steps find when this one has made the changes of `o`. Pure. May be NULL. */
	void (*foresee)(
		const struct value *params, const struct observation *o, struct foresight *f);
	/* A type that proves what it brings about. When apply fails, the files that led to it are
	 * put back and this makes them count again. NULL: no such type. */
	bool (*again)(struct host *h, const struct value *params, struct err *e);
};

/* ---- for the types ---- */
/* A probe that an earlier change may still alter is not made now: every field of its result becomes
 * UNKNOWN, and it is looked at again when those changes are made. True: that was so. */
bool probe_waits(struct host *h, const struct restype *t, struct observation *o);
/* That, whatever is pending. */
void probe_later(struct host *h, const struct restype *t, struct observation *o);

/* Owner, group, mode, as file, copy, template and the native types share them. */
#define FILE_ATTR_FIELDS                                                                    \
	{.name = "owner", .kind = FIELD_STR, .doc = "User name or id that owns the file."}, \
		{.name = "group", .kind = FIELD_STR, .doc = "Group name or id."},           \
	{                                                                                   \
		.name = "mode", .kind = FIELD_MODE,                                         \
		.doc = "Permission bits, '0644' or symbolic 'u=rw,g=r,o='."                 \
	}
