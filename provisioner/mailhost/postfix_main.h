/* SPDX-License-Identifier: MIT
 *
 * The editing of main.cf as a text, without a host.
 */
#pragma once
#include "resource/resource.h"

/* The text with the settings (name: value, null removes) in place: comments, order and all other
 * parameters are kept; the same text when nothing differs. revocable: names to record in the text;
 * a later call removes a recorded name that it does not set. NULL leaves such a record and its
 * names alone. */
struct str main_cf_edit(struct arena *a, struct str text, const struct value *settings,
	const struct value *revocable);
