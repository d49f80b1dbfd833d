/* SPDX-License-Identifier: MIT
 *
 * Floor 1: one HTTP request, for the few commands that ask an API (libcurl). It waits for the
 * answer, so no connection to a host may be open meanwhile.
 */
#pragma once
#include "base/base.h"

/* Gets url into answer, which bounds it by its limit. protocols: those of URLs that may be used, as
 * "https" or "http,https" (CURLOPT_PROTOCOLS_STR(3)); redirections are not followed. False with a
 * message that goes on after the name of what was asked: ERR_TRANSIENT for no answer or a status
 * other than 200, ERR_PERMANENT where libcurl cannot be loaded. */
bool http_get(const char *url, const char *protocols, struct buf *answer, struct err *e);
