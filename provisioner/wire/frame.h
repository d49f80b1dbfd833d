/* SPDX-License-Identifier: MIT
 *
 * Private to wire/: how large a frame of each type may be.
 */
#pragma once
#include "wire/wire.h"

size_t frame_max(enum frame_type type);    /* bytes, head and all */
size_t frame_memory(enum frame_type type); /* that its values may take */
