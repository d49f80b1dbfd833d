/* SPDX-License-Identifier: MIT
 *
 * systemd's answers on its private socket, built here by hand: what is read from them, and that
 * damaged ones are never read beyond their end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "host/sdbus_message.h"

enum { MESSAGE_LIMIT = 1 << 16, BODY_LENGTH_AT = 4, FIELDS_LENGTH_AT = 12 };

static void add_padding(struct buf *b, size_t to)
{
	while (b->n % to)
		buf_addc(b, 0);
}

static void put_u32(struct buf *b, uint32_t v)
{
	add_padding(b, 4);
	buf_add(b, &v, sizeof(v));
}

static void put_text(struct buf *b, const char *s)
{
	put_u32(b, (uint32_t)strlen(s));
	buf_add(b, s, strlen(s) + 1);
}

static void put_signature(struct buf *b, const char *s)
{
	buf_addc(b, (char)strlen(s));
	buf_add(b, s, strlen(s) + 1);
}

static void put_name(struct buf *b, const char *name, const char *signature)
{
	add_padding(b, 8);
	put_text(b, name);
	put_signature(b, signature);
}

static void put_list(struct buf *b, const char *const *v, size_t n)
{
	uint32_t length;
	put_u32(b, 0);
	size_t at = b->n;
	for (size_t i = 0; i < n; i++)
		put_text(b, v[i]);
	length = (uint32_t)(b->n - at);
	memcpy(b->p + at - 4, &length, 4);
}

/* Types that are passed over: numbers, a list of structs with a variant in it, a byte. */
static void put_others(struct buf *b)
{
	const uint64_t number = 5;
	put_name(b, "Number", "t");
	add_padding(b, 8);
	buf_add(b, &number, 8);
	put_name(b, "Conditions", "a(sbsv)");
	put_u32(b, 0);
	size_t length_at = b->n - 4;
	add_padding(b, 8);
	size_t at = b->n;
	put_text(b, "ConditionPathExists");
	put_u32(b, 1);
	put_text(b, "/etc");
	put_signature(b, "ay");
	put_u32(b, 3);
	buf_add(b, "abc", 3);
	uint32_t length = (uint32_t)(b->n - at);
	memcpy(b->p + length_at, &length, 4);
	put_name(b, "Job", "(uo)");
	add_padding(b, 8);
	put_u32(b, 0);
	put_text(b, "/");
	put_name(b, "Byte", "y");
	buf_addc(b, 7);
	put_name(b, "Empty", "a{sv}");
	put_u32(b, 0);
	add_padding(b, 8);
}

/* type 2: a method's return */
static void put_answer(struct buf *b, char type)
{
	static const char *const parts[] = {"x@1.service", "x@2.service"};
	const char head[] = {'l', type, 1, 1};
	const char serial[] = {5, 1, 'u', 0}, signature[] = {8, 1, 'g', 0};
	uint32_t length;
	buf_add(b, head, 4);
	put_u32(b, 0);
	put_u32(b, 99);
	put_u32(b, 0);
	buf_add(b, serial, 4);
	put_u32(b, 7);
	add_padding(b, 8);
	buf_add(b, signature, 4);
	put_signature(b, "a{sv}");
	length = (uint32_t)(b->n - 16);
	memcpy(b->p + FIELDS_LENGTH_AT, &length, 4);
	add_padding(b, 8);
	size_t body = b->n;
	put_u32(b, 0);
	add_padding(b, 8);
	size_t at = b->n;
	put_name(b, "Id", "s");
	put_text(b, "x.service");
	put_others(b);
	put_name(b, "ConsistsOf", "as");
	put_list(b, parts, 2);
	put_name(b, "NeedDaemonReload", "b");
	put_u32(b, 1);
	put_name(b, "ActiveState", "s");
	put_text(b, "active");
	length = (uint32_t)(b->n - at);
	memcpy(b->p + body, &length, 4);
	length = (uint32_t)(b->n - body);
	memcpy(b->p + BODY_LENGTH_AT, &length, 4);
}

static const struct shown nothing = SHOWN_NOTHING;

static void test_answer(void **state)
{
	struct arena *a = arena_new();
	struct shown s = nothing;
	uint32_t serial;
	struct buf b;
	(void)state;
	buf_init(&b, MESSAGE_LIMIT);
	put_answer(&b, 2);
	assert_true(sdbus_read(a, (const unsigned char *)b.p, b.n, &serial, &s));
	assert_int_equal(serial, 7);
	assert_string_equal(s.id, "x.service");
	assert_string_equal(s.active, "active");
	assert_string_equal(s.consists_of, "x@1.service x@2.service");
	assert_string_equal(s.need_reload, "yes");
	assert_string_equal(s.load, "");
	buf_clear(&b);
	put_answer(&b, 4); /* a signal */
	assert_false(sdbus_read(a, (const unsigned char *)b.p, b.n, &serial, &s));
	buf_free(&b);
	arena_free(a);
}

/* Each message in memory of just its size, so that the sanitizer sees the first byte too many. */
static bool read_copy(const struct buf *b, size_t n, size_t at, unsigned char value)
{
	struct arena *a = arena_new();
	struct shown s = nothing;
	uint32_t serial;
	unsigned char *copy = malloc(n ? n : 1);
	assert_non_null(copy);
	memcpy(copy, b->p, n);
	if (at < n)
		copy[at] = value;
	bool ok = sdbus_read(a, copy, n, &serial, &s);
	free(copy);
	arena_free(a);
	return ok;
}

static void test_damaged(void **state)
{
	static const unsigned char values[] = {0, 1, 4, 'a', 's', 'v', '(', '{', 127, 128, 255};
	struct buf b;
	(void)state;
	buf_init(&b, MESSAGE_LIMIT);
	put_answer(&b, 2);
	for (size_t n = 0; n < b.n; n++)
		assert_false(read_copy(&b, n, n, 0));
	for (size_t at = 0; at < b.n; at++)
		for (size_t i = 0; i < ARRAY_LEN(values); i++)
			read_copy(&b, b.n, at, values[i]);
	buf_free(&b);
}

static void put_length(unsigned char *header, size_t at, uint32_t length)
{
	memcpy(header + at, &length, sizeof(length));
}

/* The whole is bounded, not only its parts. */
static void test_length(void **state)
{
	unsigned char header[SDBUS_HEADER] = {'l', SDBUS_RETURN, 1, 1};
	size_t length;
	(void)state;
	assert_true(sdbus_message_length(header, &length));
	assert_int_equal(length, SDBUS_HEADER);
	put_length(header, FIELDS_LENGTH_AT, 9);
	put_length(header, BODY_LENGTH_AT, 5);
	assert_true(sdbus_message_length(header, &length));
	assert_int_equal(length, SDBUS_HEADER + 16 + 5);
	put_length(header, BODY_LENGTH_AT, SDBUS_MESSAGE_MAX - SDBUS_HEADER - 16);
	assert_true(sdbus_message_length(header, &length));
	assert_int_equal(length, SDBUS_MESSAGE_MAX);
	put_length(header, BODY_LENGTH_AT, SDBUS_MESSAGE_MAX - SDBUS_HEADER - 15);
	assert_false(sdbus_message_length(header, &length));
	put_length(header, BODY_LENGTH_AT, 0);
	put_length(header, FIELDS_LENGTH_AT, (uint32_t)-1);
	assert_false(sdbus_message_length(header, &length));
	header[0] = 'B';
	put_length(header, FIELDS_LENGTH_AT, 0);
	assert_false(sdbus_message_length(header, &length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
