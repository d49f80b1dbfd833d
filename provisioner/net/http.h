/* SPDX-License-Identifier: MIT
 *
 * Floor 1: one HTTP request by libcurl, for the few commands that use an API. It blocks until the
 * answer is complete: call it only while no connection to a host is open.
 */
#pragma once
#include "base/base.h"

/* Requests url and adds the body to `answer`, whose limit also limits the download. protocols: the
 * allowed schemes, "https" or "http,https" (CURLOPT_PROTOCOLS_STR(3)). Redirections are not
 * followed. false: e's message continues a sentence that begins with the name of the server.
 * ERR_TRANSIENT: no answer, or a status other than 200; ERR_PERMANENT: libcurl cannot be loaded. */
bool http_get(const char *url, const char *protocols, struct buf *answer, struct err *e);
