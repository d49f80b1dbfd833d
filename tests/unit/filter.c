/* SPDX-License-Identifier: MIT
 *
 * In each unit test program: an argument names the cases to run, by a part of their name or by a
 * pattern with * and ?. (glibc gives the arguments to constructors, too.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/base.h"

__attribute__((constructor)) static void take_filter(int argc, char **argv)
{
	static char pattern[1024];
	if (argc < 2)
		return;
	const char *around = strpbrk(argv[1], "*?") ? "" : "*";
	snprintf(pattern, sizeof(pattern), "%s%s%s", around, argv[1], around);
	cmocka_set_test_filter(pattern);
}
