/* SPDX-License-Identifier: MIT
 *
 * Floor 2: one wanted step and one connection, each with a table of its members. Writing, reading
 * and checking them are loops over the table. A new member is a line in the struct and a line in
 * the table.
 */
#pragma once
#include "value/record.h"

struct restype;
struct connection {           /* how to reach a host, by variables of the inventory and options */
	const char *address;  /* name or IP to connect to */
	const char *user;     /* NULL: the current user */
	const char *kind;     /* NULL: ssh */
	const char *key_file; /* NULL: keys of ssh-agent, then the default files */
	const char *password; /* NULL: no login by password */
	/* only for OpenSSH's ssh; if given, the kind "ssh" becomes "openssh" */
	const char *ssh_args;
	const char *become_password; /* NULL: sudo must not ask for one */
	const char *become_user;     /* NULL: root */
	int port;                    /* 0: 22 */
	bool become;                 /* the play or one of its tasks has `become` */
};

#define HIDDEN "hidden (no_log)" /* shown in place of the text of a no_log task */
/* One wanted resource, or a task that does nothing on the host. */
struct step {
	uint32_t id;      /* from 1, unique within a host's run */
	uint32_t task;    /* number of the task, for counting; all items of a loop share it */
	uint32_t turn;    /* the play's task at whose turn it runs, by its order in the play */
	const char *name; /* the task's name ("role : name" for a task of a role) */
	const char *item; /* label of the loop item, or NULL */
	bool more;        /* more items of the same loop follow; they run even if this one fails */
	struct pos pos;
	const struct restype *type; /* NULL: a local, skipped or unknown step */
	struct value *params;       /* checked; contents are blobs with bytes */
	const char *user;           /* become_user; NULL: the agent's user */
	int timeout_s;              /* limit of its programs; 0: none */
	struct value *environment;  /* of its programs: a map of texts, or NULL */
	bool no_log;                /* hide parameters, diff and result */
	bool no_diff;               /* hide the diff: `diff: false` */
	bool ignore_errors;
	bool skipped; /* `when` was false */
	bool local;   /* runs on the controller (debug, set_fact, assert); message: its output */
	const char *message;
	const char *unknown; /* why it cannot be known yet ("until task 'x' has run"), or NULL */
	const char *const *notify;   /* ids of handlers on the host; NULL-terminated */
	const char *handler;         /* id of the handler that this step is, or NULL */
	const uint32_t *notified_by; /* handler: ids of steps that may notify it, 0-terminated */
	bool was_pending;            /* handler: an earlier, unfinished run has notified it */
	bool dropped;  /* handler: it is not to run, and is removed from the pending ones */
	uint32_t loop; /* APPLY: number shared by the items of a loop; 0: no loop */
	int changed;   /* changed_when if constant: 0 or 1, else -1; local: has it changed? */
	/* failed_when if constant: 0 (the program's exit status is ignored: the agent is sent
	 * ignore_errors) or 1, else -1; local: has it failed? */
	int failed;
	bool registered; /* `register` needs its result */
	/* changed_when/failed_when need its result: apply up to this step, then evaluate them */
	bool verdict;
};

/* Where a member is written. */
enum step_use {
	STEP_SAVED = 1,   /* in a saved plan */
	STEP_OBSERVE = 2, /* in OBSERVE */
	STEP_APPLY = 4,   /* in APPLY */
};
/* Both end with a member whose name is NULL. They omit the type of a step, since only higher floors
 * know the types. */
extern const struct member step_members[], connection_members[];
