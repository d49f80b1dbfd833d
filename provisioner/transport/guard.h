/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: limits for what a host may send over SSH, counted on the bytes before
 * libssh2 sees them. libssh2 1.10 itself reads as long as data comes, and keeps packets of any
 * kind.
 */
#pragma once
#include "base/base.h"

enum {
	GUARD_TURN = 256 << 10,    /* read in one turn of the loop */
	GUARD_BANNER_LINES = 1024, /* as in OpenSSH, with RFC 4253, 4.2 */
	GUARD_BANNER_BYTES = 8192,
	GUARD_LOGIN_BYTES = 1 << 20,  /* until the command runs */
	GUARD_OTHER_BYTES = 16 << 20, /* then: beside the command's output */
};
struct guard {
	size_t turn;     /* bytes left in this turn */
	uint64_t taken;  /* bytes so far */
	uint64_t useful; /* of these, output of the command; the owner counts it */
	size_t lines;    /* complete lines before the banner */
	size_t column;   /* of the current line */
	bool greeted;    /* the banner is complete */
	bool runs;       /* the command was started; set by the owner */
	char start[4];   /* of the current line */
	char why[80];    /* the exceeded limit; "": none */
};
/* Counts n received bytes. false: a limit is exceeded, and `why` names it. */
bool guard_take(struct guard *g, const char *p, size_t n);
