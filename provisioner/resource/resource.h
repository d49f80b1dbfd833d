/* SPDX-License-Identifier: MIT
 *
 * Floor 3: resource types: the contract, and the types that Ansible has too. One file for each
 * type: a field table, observe, apply, one const struct restype; one row in agent/restype.c.
 *
 * observe only reads: it compares the host with the parameters and reports what would change. apply
 * makes exactly the changes that observe found. Neither decides anything else, and no flag turns
 * one into the other. Both run on the host, in the agent; the field table has checked the
 * parameters before.
 */
#pragma once
#include "host/host.h"

#define BUILTIN_NAMES(name) "ansible.builtin." name " ansible.legacy." name

struct restype {
	const char *name;
	const char *aliases; /* space separated, or NULL */
	/* names with a collection: every such name for this type, space separated; NULL: it has
	 * none, because only this program has the type */
	const char *full_names;
	const char *key; /* the field that names the thing: "path", "name"; NULL: none */
	const char *doc;
	const char *example; /* YAML task */
	const struct field *fields;
	const struct field *returns; /* the result's own fields */
	unsigned class;
	unsigned touches;
	unsigned moved_by; /* classes beside its own whose changes may alter what observe finds */
	/* true: it only reads and never changes anything: its result is known when the
	 * plan is made */
	bool probe;
	/* true: a failure may be a program's refusal of a value, so the message names the place of
	 * the value; as that of a service, a handler, and a `validate` does */
	bool refuses;
	/* the type that the controller turns it into (template -> copy): it has no observe and no
	 * apply; NULL: none */
	const char *lowers_to;
	/* What a handler of this type does, in a few words for the plan; NULL: its type name is
	 * enough. */
	const char *(*summary)(struct arena *a, const struct value *params);
	/* Rules that involve several fields; adds problems to errs. May be NULL. Pure. */
	bool (*check)(const struct value *params, struct errs *errs);
	bool (*observe)(
		struct host *h, const struct value *params, struct observation *o, struct err *e);
	/* `o` is what observe found just before; apply may add to o->result. */
	bool (*apply)(
		struct host *h, const struct value *params, struct observation *o, struct err *e);
	/* What later steps find after this one has made the changes of `o`. Pure. May be NULL. */
	void (*foresee)(
		const struct value *params, const struct observation *o, struct foresight *f);
	/* For a type that verifies its effect: after a failed apply and the restore of the files
	 * that led to it, makes the service use them again. NULL: the type does not verify. */
	bool (*reactivate)(struct host *h, const struct value *params, struct err *e);
};

/* ---- for the types ---- */
/* A read-only step that an earlier change may still affect is not observed now: every field of its
 * result becomes UNKNOWN, and it is observed again after those changes. Returns whether that is so.
 */
bool probe_waits(struct host *h, const struct restype *t, struct observation *o);
/* The same, whatever is pending. */
void probe_later(struct host *h, const struct restype *t, struct observation *o);

/* Owner, group and mode, shared by file, copy, template and the native types. */
#define FILE_ATTR_FIELDS                                                                       \
	{.name = "owner", .kind = FIELD_STR, .doc = "User name or id of the owner."},          \
		{.name = "group", .kind = FIELD_STR, .doc = "Group name or id of the group."}, \
	{                                                                                      \
		.name = "mode", .kind = FIELD_MODE,                                            \
		.doc = "Permission bits, '0644' or symbolic 'u=rw,g=r,o='."                    \
	}
