/* SPDX-License-Identifier: MIT
 *
 * Floor 2: one wanted step and one connection, each with one table of its members: what is written
 * of them, read back and checked are loops over it. A new member is a line in the struct and a line
 * in the table.
 */
#pragma once
#include "value/record.h"

struct restype;
struct connection {                  /* how to reach a host: inventory variables, then options */
	const char *address;         /* name or IP to connect to */
	const char *user;            /* NULL: the current user */
	const char *kind;            /* NULL: ssh */
	const char *key_file;        /* NULL: ssh-agent, then the usual files */
	const char *password;        /* NULL: no password login */
	const char *ssh_args;        /* for the system's ssh only: given, "ssh" becomes "openssh" */
	const char *become_password; /* NULL: sudo must not ask */
	const char *become_user;     /* NULL: root */
	int port;                    /* 0: 22 */
	bool become;                 /* the play or any of its tasks becomes */
};

#define HIDDEN "hidden (no_log)" /* stands for what such a task says */
/* One resource wanted, or one task that comes to nothing on the host. */
struct step {
	uint32_t id;      /* from 1, within a host's run */
	uint32_t task;    /* counts as; steps of one looped task share it */
	uint32_t turn;    /* the task whose turn it is, in the order of the play */
	const char *name; /* the task's name ("role : name" when it stands in a role) */
	const char *item; /* loop item's label, or NULL */
	bool more;        /* items of the same loop follow, and run when this one fails, too */
	struct pos pos;
	const struct restype *type; /* NULL for local, skipped and unknown steps */
	struct value *params;       /* checked; contents as blobs with bytes */
	const char *user;           /* run as (become_user), NULL: as the agent */
	int timeout_s;              /* that its programs may take; 0: as long as they may */
	struct value *environment;  /* of its programs: map of texts, or NULL */
	bool no_log;                /* hide parameters, diff and result */
	bool no_diff;               /* hide the diff: `diff: false` */
	bool ignore_errors;
	bool skipped; /* `when` was false */
	bool local;   /* done here: debug, set_fact, assert; message says what */
	const char *message;
	const char *unknown; /* why it cannot be known yet: "until task 'x' has run", or NULL */
	const char *const *notify;   /* ids of handlers that run on the host */
	const char *handler;         /* this step is a handler: its id; runs when notified */
	const uint32_t *notified_by; /* handler: ids of steps that may notify it, 0-terminated */
	bool was_pending;            /* handler: notified by an earlier, unfinished run */
	bool dropped;                /* and skipped now: the host forgets it */
	uint32_t loop;               /* APPLY: items of one loop share it; 0: no loop */
	int changed;     /* changed_when's constant: -1 none, 0, 1; local: it counts as */
	int failed;      /* failed_when's constant: -1 none, 0 (the program's status does not
			    matter: ignore_errors is set for the agent), 1; local: it has failed */
	bool registered; /* its result is asked for */
	bool verdict;    /* changed_when/failed_when need its result: apply up to here, then ask */
};

/* What a member is part of. */
enum step_use {
	STEP_SAVED = 1,   /* a saved plan */
	STEP_OBSERVE = 2, /* OBSERVE, to the agent */
	STEP_APPLY = 4,   /* APPLY */
};
/* Both end with a member without a name. The type of a step is written by who knows the types. */
extern const struct member step_members[], connection_members[];
