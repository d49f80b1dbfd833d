/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: how much a host may send over SSH, counted on the bytes before libssh2
 * sees them. libssh2 1.10 itself reads on as long as data comes, and keeps packets of any kind.
 */
#pragma once
#include "base/base.h"

enum {
	GUARD_TURN = 256 << 10,    /* read in one turn of the loop */
	GUARD_BANNER_LINES = 1024, /* as OpenSSH has it, with RFC 4253, 4.2 */
	GUARD_BANNER_BYTES = 8192,
	GUARD_LOGIN_BYTES = 1 << 20,  /* until the command runs */
	GUARD_OTHER_BYTES = 16 << 20, /* then: beside what the command wrote */
};
struct guard {
	size_t turn;     /* bytes left in this turn */
	uint64_t taken;  /* bytes so far */
	uint64_t useful; /* of them written by the command; its owner counts */
	size_t lines;    /* whole ones before the banner */
	size_t column;   /* of the line under way */
	bool greeted;    /* the banner is there whole */
	bool runs;       /* the command was started; its owner says so */
	char start[4];   /* of the line under way */
	char why[80];    /* what was too much; "": nothing */
};
/* Counts n bytes that have come. false: it is too much, and `why` says what. */
bool guard_take(struct guard *g, const char *p, size_t n);
