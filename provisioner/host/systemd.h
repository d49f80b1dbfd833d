/* SPDX-License-Identifier: MIT
 *
 * What the files of the row for systemd share; beside them only the journal needs it.
 */
#pragma once
#include "host/services.h"

/* ---- systemd.c: only reads ---- */
bool systemd_runs(void);
/* Reads the output of `systemctl show` for `names`. Pure. */
void unit_parse(
	struct arena *a, struct str answer, const char *const *names, size_t n, struct unit *out);
/* Asks for all names with one process. */
bool systemd_query(
	struct host *h, const char *const *names, size_t n, struct unit *out, struct err *e);
/* Requests the state of many units over D-Bus; the replies are waited for one by one and have empty
 * `type` and `result`. NULL or false, without a reason, where that does not work: use
 * systemd_query. */
struct sdbus_talk;
struct sdbus_talk *systemd_ask(struct arena *a, const char *const *names, size_t n);
bool systemd_answer(
	struct arena *a, struct sdbus_talk *t, size_t i, const char *name, struct unit *out);
/* As systemd_query for one, but faster where D-Bus works; `type` and `result` are empty then. */
bool systemd_look(struct host *h, const char *name, struct unit *out, struct err *e);
int64_t systemd_runs_since(struct host *h, const char *name);
/* Checks for drop-ins itself, too, because systemd does not notice a new drop-in folder. */
bool systemd_files_changed(struct host *h, const struct unit *u, bool *changed, struct err *e);
bool systemd_list_running(struct host *h, struct args *names, struct err *e);
/* By links in the administrator's folders, as systemctl enable makes them. */
void systemd_list_enabled(struct arena *a, struct args *names);

/* ---- systemd_prefetch.c: only reads ---- */
void systemd_prefetch(const char *const *names);
void systemd_forget(void);
bool systemd_find(struct host *h, const char *name, struct unit *u, struct err *e);
