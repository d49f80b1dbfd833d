/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what reads bytes on the lowest floors: the decoder of values (what it accepts must come
 * back the same from an encoding), base64, and the line that a problem shows.
 */
#include "value/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_value(struct arena *a, const uint8_t *data, size_t size)
{
	struct value *v, *again;
	struct err e = {0};
	struct buf b;
	unsigned char one[SHA256_LEN], two[SHA256_LEN];
	if (!value_decode(a, data, size, &v, &e))
		return;
	buf_init(&b, 64 << 20);
	value_encode(&b, v, CODEC_BLOBS | CODEC_POS);
	if (!value_decode(a, b.p, b.n, &again, &e))
		panic("what was encoded is refused: %s", e.msg);
	value_digest(v, one);
	value_digest(again, two);
	if (memcmp(one, two, SHA256_LEN) != 0)
		panic("an encoding changed its value");
	buf_clear(&b);
	json_write(&b, v);
	value_print(a, v);
	buf_free(&b);
}

static void show_value(const uint8_t *data, size_t size)
{
	struct err e = {.kind = ERR_CONFIG, .pos = {"fuzz.yml", 1, 1}, .msg = "a problem"};
	struct page *p = page_new(false);
	struct arena *a = arena_new();
	if (size)
		e.pos.col = data[0];
	source_add("fuzz.yml", (struct str){(const char *)data, size});
	err_print(&e, p);
	struct str text = page_text(a, p);
	if (!str_utf8(text))
		panic("a problem is not shown as UTF-8");
	for (size_t i = 0, len; i < text.n; i += len) {
		len = str_utf8_len(text.p + i, text.n - i);
		if (text.p[i] != '\n' && char_is_control(char_code(text.p + i, len)))
			panic("a problem is shown with a control character");
	}
	page_free(p);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct str out;
	decode_value(a, data, size);
	show_value(data, size);
	base64_decode(a, (struct str){(const char *)data, size}, &out);
	arena_free(a);
	return 0;
}
