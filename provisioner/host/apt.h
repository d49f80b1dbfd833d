/* SPDX-License-Identifier: MIT
 *
 * What the files of the row for apt share.
 */
#pragma once
#include "host/packages.h"

/* Makes apt take a name for a name: otherwise "g++" is a pattern that matches every name
 * with a g */
#define APT_EXACT_NAMES "--option=APT::Cmd::Pattern-Only=true"

/* ---- apt_run.c ---- */
/* One run of apt-get; apt_failed sets the reason and what to do. */
bool apt_try(struct host *h, const char *const *argv, struct proc_result *r, struct err *e);
bool apt_failed(struct arena *a, const char *what, const struct proc_result *r, struct err *e);
bool apt_run(struct host *h, const char *what, const char *const *argv, struct err *e); /* both */
/* The output of `apt-get --simulate ...`; "" when it fails. */
bool apt_simulate(struct host *h, const char *const *argv, struct str *out, struct err *e);

/* ---- apt_lists.c: for the row, see packages.h ---- */
int64_t apt_lists_time(void);
bool apt_lists_stale(int64_t valid);
bool apt_lists_refresh(struct host *h, struct err *e);
bool apt_has_real(struct host *h, const char *name, bool *has, struct err *e);
bool apt_candidates(struct host *h, const struct args *names, struct packages *out, struct err *e);
