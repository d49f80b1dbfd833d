/* SPDX-License-Identifier: MIT
 *
 * Private to wire/: size limits of each type of frame.
 */
#pragma once
#include "wire/wire.h"

size_t frame_max(enum frame_type type);    /* in bytes, with its header */
size_t frame_memory(enum frame_type type); /* bytes of memory that its decoded values may take */
