/* SPDX-License-Identifier: MIT
 *
 * The messages to and from systemd, as bytes. For sdbus.c and its tests.
 */
#pragma once
#include "host/sdbus.h"

enum {
	SDBUS_RETURN = 2, /* a message's type, its second byte */
	SDBUS_ERROR = 3,
	SDBUS_HEADER = 16, /* bytes that are needed to know a message's length */
	SDBUS_MESSAGE_MAX = 1 << 20,
};
/* Appends the request for all properties of the unit with this object path. */
void sdbus_put_question(struct buf *b, uint32_t serial, const char *path);
/* The whole length of the message that begins with these SDBUS_HEADER bytes; false: these begin
 * none, or one of more than SDBUS_MESSAGE_MAX. */
bool sdbus_message_length(const unsigned char *p, size_t *out);
/* Reads the reply to a request, a whole message: a method return that holds a map of text to
 * variant. false: another message, or a damaged one. */
bool sdbus_read(
	struct arena *a, const unsigned char *msg, size_t n, uint32_t *serial, struct shown *out);
