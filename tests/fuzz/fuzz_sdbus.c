/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what reads systemd's messages: in memory of exactly their size, so that the sanitizer sees
 * the first byte that is read behind them.
 */
#include "host/sdbus_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct shown shown = SHOWN_NOTHING;
	uint32_t serial;
	size_t length;
	unsigned char *copy = malloc(size ? size : 1);
	if (!copy)
		panic("no memory");
	memcpy(copy, data, size);
	if (size >= SDBUS_HEADER && sdbus_message_length(copy, &length) &&
		(length < SDBUS_HEADER || length > SDBUS_MESSAGE_MAX))
		panic("a message of %zu bytes", length);
	if (sdbus_read(a, copy, size, &serial, &shown) &&
		(strlen(shown.id) > size || strlen(shown.consists_of) > size))
		panic("a property is longer than its message");
	free(copy);
	arena_free(a);
	return 0;
}
