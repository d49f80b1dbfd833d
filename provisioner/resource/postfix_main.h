/* SPDX-License-Identifier: MIT
 *
 * The editing of main.cf, apart from any host.
 */
#pragma once
#include "resource/resource.h"

/* The text with the settings (name: value, null removes) in place: comments, order and all other
 * parameters are kept; equal text when nothing differs. */
struct str main_cf_edit(struct arena *a, struct str text, const struct value *settings);
