/* SPDX-License-Identifier: MIT
 *
 * The password of a user of the host in the type `user`: a hash, and whether it is locked. Private
 * to user.c.
 */
#pragma once
#include "host/account.h"
#include "resource/resource.h"

/* Is it a hash of crypt(5), or a word for no password? The problem never repeats it. */
bool password_check(const struct value *params, struct errs *errs);
/* u: the present user; NULL: it does not exist yet. */
bool password_observe(struct host *h, const struct value *params, const struct account_user *u,
	struct observation *o, struct err *e);
/* Call it after the user was created or changed. */
bool password_apply(struct host *h, const struct value *params, const struct account_user *u,
	const struct observation *o, struct err *e);
