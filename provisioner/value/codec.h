/* SPDX-License-Identifier: MIT
 *
 * Private to value/: the head byte that encoder and decoder share.
 */
#pragma once
#include "value/value.h"

enum head {
	HEAD_TYPE = 0x0f,
	HEAD_SECRET = 0x10,
	HEAD_LITERAL = 0x20,
	HEAD_POS = 0x40,
	HEAD_SRC = 0x80,
};
enum { BLOB_BYTES = 1, BLOB_LEFT_OUT = 0 };
