/* SPDX-License-Identifier: MIT
 *
 * Frames: what is written is read back, and what a hostile peer sends is refused.
 */
#include <setjmp.h>
#include "wire/wire.h"
#include <cmocka.h>

enum { HEAD = 5 };

static struct arena *a;
static struct buf b;

static int set_up(void **state)
{
	(void)state;
	a = arena_new();
	buf_init(&b, FRAME_MAX + 1024);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_free(&b);
	arena_free(a);
	return 0;
}

static struct value *step_message(const char *status)
{
	struct value *msg = value_map(a);
	map_put(a, msg, "id", value_int(a, 7));
	map_put(a, msg, "status", value_text(a, status));
	return msg;
}

static enum frame_status read_frame(enum frame_type *type, struct value **msg, struct err *e)
{
	*e = (struct err){0};
	*msg = NULL;
	return frame_read(a, &b, type, msg, e);
}

static void put_head(uint32_t length, unsigned char type)
{
	unsigned char head[HEAD] = {(unsigned char)(length >> 24), (unsigned char)(length >> 16),
		(unsigned char)(length >> 8), (unsigned char)length, type};
	buf_clear(&b);
	buf_add(&b, head, sizeof(head));
}

/* A whole frame of any type around any value. */
static void put_frame(unsigned char type, const struct value *v)
{
	struct buf body;
	buf_init(&body, FRAME_MAX);
	value_encode(&body, v, CODEC_BLOBS);
	put_head((uint32_t)body.n + 1, type);
	buf_add(&b, body.p, body.n);
	buf_free(&body);
}

static void expect_refusal(const char *words)
{
	enum frame_type type;
	struct value *msg;
	struct err e;
	assert_int_equal(read_frame(&type, &msg, &e), FRAME_BAD);
	assert_int_equal(e.kind, ERR_PERMANENT);
	if (!strstr(e.msg, words))
		fail_msg("'%s' does not say '%s'", e.msg, words);
}

static void frames_come_back(void **state)
{
	enum frame_type type;
	struct value *msg;
	struct err e;
	(void)state;
	frame_write(&b, FRAME_STEP, step_message("changed"));
	frame_write(&b, FRAME_BYE, value_map(a));
	assert_int_equal(read_frame(&type, &msg, &e), FRAME_OK);
	assert_int_equal(type, FRAME_STEP);
	assert_int_equal(map_int(msg, "id", 0), 7);
	assert_string_equal(map_cstr(msg, "status", ""), "changed");
	assert_int_equal(read_frame(&type, &msg, &e), FRAME_OK);
	assert_int_equal(type, FRAME_BYE);
	assert_int_equal(read_frame(&type, &msg, &e), FRAME_MORE);
	assert_int_equal(b.n, 0);
}

static void a_frame_may_come_in_pieces(void **state)
{
	enum frame_type type;
	struct value *msg;
	struct err e;
	struct buf whole;
	(void)state;
	buf_init(&whole, 4096);
	frame_write(&whole, FRAME_STEP, step_message("ok"));
	for (size_t i = 0; i + 1 < whole.n; i++) {
		buf_add(&b, whole.p + i, 1);
		assert_int_equal(read_frame(&type, &msg, &e), FRAME_MORE);
	}
	buf_add(&b, whole.p + whole.n - 1, 1);
	assert_int_equal(read_frame(&type, &msg, &e), FRAME_OK);
	buf_free(&whole);
}

static void contents_travel_in_apply_only(void **state)
{
	enum frame_type type;
	struct value *msg, *step = value_map(a), *steps = value_list(a), *blobs = value_map(a);
	struct err e;
	(void)state;
	map_put(a, blobs, "content", value_blob(a, str_c("hello\n")));
	map_put(a, step, "id", value_int(a, 1));
	map_put(a, step, "blobs", blobs);
	map_put(a, step, "params", blobs);
	map_put(a, step, "type", value_text(a, "copy"));
	list_add(a, steps, step);
	struct value *apply = value_map(a);
	map_put(a, apply, "run", value_text(a, "r1"));
	map_put(a, apply, "steps", steps);
	frame_write(&b, FRAME_APPLY, apply);
	assert_int_equal(read_frame(&type, &msg, &e), FRAME_OK);
	struct value *got = map_at(map_at(msg, "steps")->list.v[0], "blobs");
	assert_string_equal(map_at(got, "content")->blob.bytes.p, "hello\n");

	struct value *observe = value_map(a);
	step = value_map(a);
	map_put(a, step, "id", value_int(a, 1));
	map_put(a, step, "params", blobs);
	steps = value_list(a);
	list_add(a, steps, step);
	map_put(a, observe, "steps", steps);
	frame_write(&b, FRAME_OBSERVE, observe);
	assert_int_equal(read_frame(&type, &msg, &e), FRAME_OK);
	got = map_at(map_at(msg, "steps")->list.v[0], "params");
	assert_null(map_at(got, "content")->blob.bytes.p);
	assert_int_equal(map_at(got, "content")->blob.size, 6);
}

static void lies_about_length_are_refused(void **state)
{
	enum frame_type type;
	struct value *msg;
	struct err e;
	(void)state;
	put_head(FRAME_MAX + 1, FRAME_STEP);
	expect_refusal("larger than a frame may be");
	put_head(UINT32_MAX, FRAME_STEP);
	expect_refusal("larger than a frame may be");
	put_head(0, FRAME_STEP);
	expect_refusal("empty");
	put_head(1, FRAME_STEP);
	expect_refusal("empty");
	/* the largest that is allowed: nothing is believed or allocated before it is there */
	put_head(STEP_MAX, FRAME_STEP);
	assert_int_equal(read_frame(&type, &msg, &e), FRAME_MORE);
	put_head(FRAME_MAX, FRAME_APPLY);
	assert_int_equal(read_frame(&type, &msg, &e), FRAME_MORE);
	assert_true(b.cap < 4096);
}

/* What an agent says is small, but for its results. */
static void each_type_has_its_size(void **state)
{
	static const struct {
		enum frame_type type;
		uint32_t max;
	} sizes[] = {{FRAME_HELLO, 1 << 20}, {FRAME_OBSERVED, REPLY_MAX}, {FRAME_STARTED, 64},
		{FRAME_NOTE, 8 << 10}, {FRAME_STEP, STEP_MAX}, {FRAME_APPLIED, 1 << 20},
		{FRAME_FATAL, 64 << 10}, {FRAME_ALIVE, 64}};
	enum frame_type type;
	struct value *msg;
	struct err e;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		put_head(sizes[i].max, (unsigned char)sizes[i].type);
		assert_int_equal(read_frame(&type, &msg, &e), FRAME_MORE);
		assert_false(frame_waits(&b));
		put_head(sizes[i].max + 1, (unsigned char)sizes[i].type);
		assert_true(frame_waits(&b));
		expect_refusal("larger than a frame of its type may be");
	}
}

/* A byte on the wire may be a hundred in memory. */
static void a_frame_takes_no_more_memory_than_it_may(void **state)
{
	struct value *msg = value_map(a), *list = value_list(a), *result = value_map(a);
	(void)state;
	for (size_t i = 0; i < 1000000; i++)
		list_add(a, list, value_null(a));
	map_put(a, result, "x", list);
	map_put(a, msg, "id", value_int(a, 1));
	map_put(a, msg, "status", value_text(a, "ok"));
	map_put(a, msg, "result", result);
	put_frame(FRAME_STEP, msg);
	expect_refusal("too much memory");
}

static void unknown_types_are_refused_at_once(void **state)
{
	(void)state;
	put_head(100, 0);
	expect_refusal("type is unknown");
	put_head(100, FRAME_ALIVE + 1);
	expect_refusal("type is unknown");
	put_head(100, 255);
	expect_refusal("type is unknown");
	assert_null(wire_fields((enum frame_type)0));
	assert_null(wire_fields((enum frame_type) - 1));
	assert_non_null(wire_fields(FRAME_ALIVE));
}

static void what_follows_a_value_is_refused(void **state)
{
	(void)state;
	frame_write(&b, FRAME_BYE, value_map(a));
	b.p[3]++;
	buf_addc(&b, 'x');
	expect_refusal("BYE");
}

static void values_of_the_wrong_shape_are_refused(void **state)
{
	struct value *msg = value_map(a), *list = value_list(a);
	(void)state;
	put_frame(FRAME_STEP, value_list(a));
	expect_refusal("not a mapping");
	put_frame(FRAME_STEP, msg);
	expect_refusal("'id' is missing");
	map_put(a, msg, "id", value_int(a, 0));
	map_put(a, msg, "status", value_text(a, "ok"));
	put_frame(FRAME_STEP, msg);
	expect_refusal("'id' must be from 1");
	map_put(a, msg, "id", value_int(a, 1));
	map_put(a, msg, "status", value_text(a, "splendid"));
	put_frame(FRAME_STEP, msg);
	expect_refusal("must be one of");
	map_put(a, msg, "status", value_text(a, "ok"));
	map_put(a, msg, "changes", list);
	list_add(a, list, value_text(a, "no map"));
	put_frame(FRAME_STEP, msg);
	expect_refusal("must be a mapping");
	msg = step_message("ok");
	map_put(a, msg, "surprise", value_int(a, 1));
	put_frame(FRAME_STEP, msg);
	expect_refusal("unknown key 'surprise'");
}

static void nothing_unknown_travels(void **state)
{
	struct value *msg = step_message("ok"), *result = value_map(a);
	(void)state;
	map_put(a, result, "stdout", value_unknown(a, "later"));
	map_put(a, msg, "result", result);
	put_frame(FRAME_STEP, msg);
	expect_refusal("an unknown value");
	put_frame(FRAME_OBSERVE, value_unknown(a, "all of it"));
	expect_refusal("not a mapping");
	msg = value_map(a);
	map_put(a, msg, "steps", value_unknown(a, "these"));
	put_frame(FRAME_OBSERVE, msg);
	expect_refusal("an unknown value");
}

static void each_cut_and_flip_is_survived(void **state)
{
	struct value *msg = step_message("failed"), *change = value_map(a), *list = value_list(a);
	struct buf whole;
	(void)state;
	map_put(a, change, "field", value_text(a, "mode"));
	map_put(a, change, "kind", value_text(a, "attr"));
	map_put(a, change, "before", value_text(a, "0644"));
	list_add(a, list, change);
	map_put(a, msg, "changes", list);
	buf_init(&whole, 4096);
	frame_write(&whole, FRAME_STEP, msg);
	for (size_t i = 4; i < whole.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			enum frame_type type;
			struct value *got;
			struct err e;
			buf_clear(&b);
			buf_add(&b, whole.p, whole.n);
			b.p[i] = (char)(b.p[i] ^ (1 << bit));
			read_frame(&type, &got, &e);
		}
	for (size_t n = HEAD; n < whole.n; n++) { /* cut, and the length says so */
		buf_clear(&b);
		buf_add(&b, whole.p, n);
		b.p[2] = 0;
		b.p[3] = (char)(n - 4);
		if (n < 260)
			expect_refusal("");
	}
	buf_free(&whole);
}

/* Also in a buffer that holds no more than a frame, as the observing child has it. */
static void a_message_too_large_becomes_a_reason(void **state)
{
	static const size_t limits[] = {2 * (size_t)FRAME_MAX, (size_t)FRAME_MAX + 16};
	enum frame_type type;
	struct value *msg, *facts = value_map(a), *hello = value_map(a);
	struct err e;
	(void)state;
	char *large = arena_alloc(a, FRAME_MAX + 1);
	memset(large, 'x', FRAME_MAX);
	map_put(a, facts, "large", value_str(a, (struct str){large, FRAME_MAX}));
	map_put(a, hello, "facts", facts);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct buf out;
		buf_init(&out, limits[i]);
		frame_write(&out, FRAME_HELLO, hello);
		buf_add(&b, out.p, out.n);
		buf_free(&out);
		assert_int_equal(read_frame(&type, &msg, &e), FRAME_OK);
		assert_int_equal(type, FRAME_FATAL);
		assert_non_null(strstr(map_cstr(msg, "msg", ""), "HELLO is larger"));
	}
}

static void more_than_the_buffer_holds_is_refused(void **state)
{
	struct buf small;
	enum frame_type type;
	struct value *msg;
	struct err e = {0};
	(void)state;
	buf_init(&small, 16);
	frame_write(&b, FRAME_STEP, step_message("changed"));
	buf_add(&small, b.p, b.n);
	assert_true(small.over);
	assert_int_equal(frame_read(a, &small, &type, &msg, &e), FRAME_BAD);
	buf_free(&small);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(frames_come_back),
		TEST(a_frame_may_come_in_pieces),
		TEST(contents_travel_in_apply_only),
		TEST(lies_about_length_are_refused),
		TEST(each_type_has_its_size),
		TEST(a_frame_takes_no_more_memory_than_it_may),
		TEST(unknown_types_are_refused_at_once),
		TEST(what_follows_a_value_is_refused),
		TEST(values_of_the_wrong_shape_are_refused),
		TEST(nothing_unknown_travels),
		TEST(each_cut_and_flip_is_survived),
		TEST(a_message_too_large_becomes_a_reason),
		TEST(more_than_the_buffer_holds_is_refused),
	};
	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
