/* SPDX-License-Identifier: MIT
 *
 * What the types for Postfix's main.cf and master.cf share: logical lines (postconf(5), master(5)),
 * values as text, and Postfix's own check of a file that is not in place yet.
 */
#pragma once
#include "host/args.h"

/* A logical line: text that begins in the first column, with the lines that continue it. */
struct logical {
	size_t first, end; /* lines[first] .. lines[end - 1]; comments may be in between */
};
struct config {
	struct line *lines;
	size_t n_lines;
	struct logical *entries;
	size_t n_entries;
};
void config_parse(struct arena *a, struct str text, struct config *out);
bool config_is_comment(struct line line); /* or blank */
/* The text of an entry: its lines without comments, joined by one blank, trimmed at both ends. */
struct str config_text(struct arena *a, const struct config *c, const struct logical *entry);
/* What is wanted of an entry and where the file has it: the first member of what it belongs to. */
struct config_want {
	bool remove, differs; /* differs: the file has to change for it */
	size_t count, last;   /* how often it is there; the entry that Postfix takes */
};
struct config_edit {
	struct config_want **want;
	size_t n;
	struct config_want **of; /* by entry of the file; NULL: nobody wants it */
	void (*put)(struct buf *b, const struct config_want *w);
};
/* The text with everything that differs written in the place of its last entry, or at the end.
 * Comments between the lines of an entry stay. `text` itself when nothing differs. */
struct str config_rewrite(
	struct arena *a, struct str text, const struct config *c, const struct config_edit *edit);
/* Runs of white space become one blank, none at the ends: Postfix makes no difference. */
struct str config_squeeze(struct arena *a, struct str s);
/* The text of a value: yes/no, a number, text with its lines joined, a list joined by `comma`. */
struct str config_value(struct arena *a, const struct value *v, const char *comma);
/* Is it null, a plain value, or a list of plain values? Otherwise adds a problem to errs. */
bool config_value_check(struct str name, const struct value *v, struct errs *errs);

/* The parameters, with the owner and mode that `postfix check` requires where they name none: owned
 * by root and writable by nobody else. */
const struct value *config_attrs(struct host *h, const struct value *params);
/* For a file that an earlier step makes: reports each setting as a change, because its other
 * content is not known yet. */
void config_will_set(struct host *h, struct observation *o, struct str wanted, bool secret);
/* Makes Postfix read `content` as the file `name` (main.cf or master.cf) with the other one of
 * `folder`. Fails if Postfix refuses it, or does not know a parameter of `managed` (may be NULL).
 * Succeeds where Postfix is not installed. */
bool postfix_accepts(struct host *h, const char *folder, const char *name, struct str content,
	const struct value *managed, struct err *e);
/* Starts Postfix's daemons with the configuration in `folder`, without clients. Returns the message
 * of one that fails to start, or an error that does not occur with the configuration in `before`;
 * or NULL. No other check finds a value that makes no sense. */
const char *postfix_try(struct host *h, const char *folder, const char *before);
/* A problem with one of the parameters `managed` in `folder` that would otherwise show only when
 * mail is delivered, or NULL: an invalid transport, table, next hop or TLS value. */
const char *postfix_values(struct host *h, const char *folder, const struct value *managed);
/* Gives a file that was just replaced an older time: each of Postfix's programs waits for seconds
 * when a file is younger, because it might still be written. */
bool postfix_settle(const char *path, struct err *e);
