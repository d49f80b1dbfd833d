/* SPDX-License-Identifier: MIT
 *
 * Fuzzes split_words: whatever the line, no word is longer than it, and quoting the words again
 * gives the same words.
 */
#include "resource/resource.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str quote_words(struct arena *a, const char *const *argv)
{
	struct buf b;
	buf_init(&b, 64 << 20);
	for (; *argv; argv++) {
		buf_addc(&b, '\'');
		for (const char *p = *argv; *p; p++) {
			if (*p == '\'')
				buf_adds(&b, "'\\''");
			else
				buf_addc(&b, *p);
		}
		buf_adds(&b, "' ");
	}
	struct str s = buf_str(a, &b);
	buf_free(&b);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	const char **argv, **again;
	struct err e = {0};
	if (split_words(a, str_dup(a, (const char *)data, size), &argv, &e)) {
		if (!split_words(a, quote_words(a, argv), &again, &e))
			panic("the words do not split again: %s", e.msg);
		for (size_t i = 0; argv[i] || again[i]; i++)
			if (!argv[i] || !again[i] || strcmp(argv[i], again[i]) != 0)
				panic("word %zu differs", i);
	} else if (e.kind != ERR_CONFIG) {
		panic("no error is set");
	}
	arena_free(a);
	return 0;
}
