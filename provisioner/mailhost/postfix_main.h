/* SPDX-License-Identifier: MIT
 *
 * The editing of main.cf, apart from any host.
 */
#pragma once
#include "resource/resource.h"

/* The text with the settings (name: value, null removes) in place: comments, order and all other
 * parameters are kept; equal text when nothing differs. revocable: names that the text notes, to be
 * removed by a later call that does not set them; NULL leaves such a note and what it says alone.
 */
struct str main_cf_edit(struct arena *a, struct str text, const struct value *settings,
	const struct value *revocable);
