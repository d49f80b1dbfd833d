/* SPDX-License-Identifier: MIT
 *
 * The password of a user of the host, as the type `user` declares it: a hash, and whether it is
 * locked. Private to user.c.
 */
#pragma once
#include "host/account.h"
#include "resource/resource.h"

/* Is it a hash of crypt(5), or one of the words for no password? Never repeats it. */
bool password_check(const struct value *params, struct errs *errs);
/* u: the user as it is; NULL: there is none yet. */
bool password_observe(struct host *h, const struct value *params, const struct account_user *u,
	struct observation *o, struct err *e);
/* After the user was made or changed. */
bool password_apply(struct host *h, const struct value *params, const struct account_user *u,
	const struct observation *o, struct err *e);
