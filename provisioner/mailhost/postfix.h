/* SPDX-License-Identifier: MIT
 *
 * What the types for Postfix's main.cf and master.cf share: logical lines (postconf(5), master(5)),
 * values as text, and Postfix's own check of a file that is not in place yet.
 */
#pragma once
#include "host/args.h"

/* A logical line: text that begins in the first column, with the lines that continue it. */
struct logical {
	size_t first, end; /* lines[first] .. lines[end - 1]; comments may stand in between */
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
/* The text with what differs in the place of its last entry, or behind all. Comments between the
 * lines of an entry stay. `text` itself when nothing differs. */
struct str config_rewrite(
	struct arena *a, struct str text, const struct config *c, const struct config_edit *edit);
/* Runs of white space as one blank, none at the ends: what Postfix takes for the same. */
struct str config_squeeze(struct arena *a, struct str s);
/* A setting's value: yes/no, a number, text with new lines folded, a list joined by `comma`. */
struct str config_value(struct arena *a, const struct value *v, const char *comma);
/* Is it null, a plain value, or a list of plain values? The complaint goes into errs. */
bool config_value_check(struct str name, const struct value *v, struct errs *errs);

/* The parameters, with the owner and the mode that Postfix itself asks for (postfix check) where
 * they name none: root's, and nobody else writes it. */
const struct value *config_attrs(struct host *h, const struct value *params);
/* The file is made by an earlier step: says what will be set in it, an entry a change, since what
 * else stands in it cannot be known yet. */
void config_will_set(struct host *h, struct observation *o, struct str wanted, bool secret);
/* Lets Postfix read `content` as the file `name` (main.cf or master.cf) beside the other one of
 * `folder`. Refuses what Postfix refuses, and a key of `managed` (may be NULL) that it does not
 * know. Passes where Postfix is not installed. */
bool postfix_accepts(struct host *h, const char *folder, const char *name, struct str content,
	const struct value *managed, struct err *e);
/* Starts Postfix's daemons with the configuration in `folder`, for nobody: the words with which one
 * refuses to, or an error that it does not have with the one in `before`; or NULL. A value that
 * makes no sense is found by no other check. */
const char *postfix_try(struct host *h, const char *folder, const char *before);
/* The trouble with one of the parameters `managed` in `folder` that mail would only meet when it is
 * delivered, or NULL: a transport, table, next hop or word of TLS that is none. */
const char *postfix_values(struct host *h, const char *folder, const struct value *managed);
/* Says of a file that was just put in place whole that it is not being written: Postfix's programs
 * wait seconds, each, for one that is younger than that. */
bool postfix_settle(const char *path, struct err *e);
