/* SPDX-License-Identifier: MIT
 *
 * For tests: problems as they are printed for people.
 */
#pragma once
#include "value/errs.h"

__attribute__((unused)) static const char *print_errs(struct arena *mem, const struct errs *errs)
{
	struct page *page = page_new(false);
	errs_print(errs, page);
	const char *text = page_text(mem, page).p;
	page_free(page);
	return text;
}
