/* SPDX-License-Identifier: MIT
 *
 * The event loop: order of timers, freeing inside callbacks, hang-ups, regular files.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <unistd.h>
#include "net/loop.h"
#include <cmocka.h>

struct note {
	struct loop *loop;
	struct buf *log;
	const char *text;
	struct loop_timer *timer, *other;
	struct loop_watch *watch, *victim;
	int fd, calls;
};

static void count_call(void *ctx)
{
	struct note *n = ctx;
	buf_adds(n->log, n->text);
}

static void timers_fire_in_order(void **state)
{
	struct loop *l = loop_new();
	struct buf log;
	struct note n[] = {
		{.text = "c"}, {.text = "a"}, {.text = "b"}, {.text = "A"}, {.text = "x"}};
	static const int after[] = {30, 0, 15, 0, 20};
	(void)state;
	buf_init(&log, 100);
	int64_t before = now_ms();
	for (size_t i = 0; i < ARRAY_LEN(n); i++) {
		n[i].log = &log;
		n[i].timer = loop_timer(l, after[i], count_call, &n[i]);
	}
	loop_timer_free(n[4].timer);
	loop_run(l);
	assert_string_equal(log.p, "aAbc");
	assert_true(now_ms() - before >= 30); /* no upper bound: the machine may be busy */
	loop_timer_free(n[0].timer);          /* after it fired */
	loop_free(l);
	buf_free(&log);
}

static void count_timer(void *ctx)
{
	*(int *)ctx += 1;
}

static void many_timers_some_freed(void **state)
{
	struct loop *l = loop_new();
	struct loop_timer *t[1000];
	int fired = 0;
	(void)state;
	for (int i = 0; i < 1000; i++)
		t[i] = loop_timer(l, (i * 7919) % 20, count_timer, &fired);
	for (int i = 0; i < 1000; i += 3)
		loop_timer_free(t[i]);
	loop_run(l);
	assert_int_equal(fired, 666);
	loop_free(l);
}

static void start_again(void *ctx)
{
	struct note *n = ctx;
	loop_timer_free(n->timer);
	n->timer = NULL;
	if (n->other)
		loop_timer_free(n->other);
	n->other = NULL;
	if (++n->calls < 3)
		n->timer = loop_timer(n->loop, 0, start_again, n);
}

static void timers_freed_and_set_in_callbacks(void **state)
{
	struct loop *l = loop_new();
	struct note n = {.loop = l};
	int fired = 0;
	(void)state;
	n.timer = loop_timer(l, 0, start_again, &n);
	n.other = loop_timer(l, 0, count_timer, &fired);
	loop_run(l);
	assert_int_equal(n.calls, 3);
	assert_int_equal(fired, 0);
	loop_free(l);
}

static void read_one(void *ctx, unsigned events)
{
	struct note *n = ctx;
	char c;
	assert_true(events & LOOP_READ);
	ssize_t got = read(n->fd, &c, 1);
	n->calls++;
	if (got == 1)
		buf_addc(n->log, c);
	else
		loop_fd_free(n->watch); /* the end */
}

static void pipe_is_read_to_its_end(void **state)
{
	struct loop *l = loop_new();
	struct buf log;
	struct note n = {.loop = l, .log = &log};
	int fds[2];
	(void)state;
	buf_init(&log, 100);
	assert_int_equal(pipe(fds), 0);
	n.fd = fds[0];
	n.watch = loop_fd(l, fds[0], LOOP_READ, read_one, &n);
	assert_int_equal(write(fds[1], "mail", 4), 4);
	close(fds[1]);
	loop_run(l);
	assert_string_equal(log.p, "mail");
	assert_int_equal(n.calls, 5);
	close(fds[0]);
	loop_free(l);
	buf_free(&log);
}

/* Both are ready in one round; the first frees the second and itself. */
static void kill_other(void *ctx, unsigned events)
{
	struct note *n = ctx;
	(void)events;
	n->calls++;
	loop_fd_free(n->victim);
	loop_fd_free(n->watch);
}

static void watch_freed_in_callback(void **state)
{
	struct loop *l = loop_new();
	int one[2], two[2];
	struct note a = {.loop = l}, b = {.loop = l};
	(void)state;
	assert_int_equal(pipe(one) | pipe(two), 0);
	assert_int_equal(write(one[1], "x", 1) + write(two[1], "x", 1), 2);
	a.watch = b.victim = loop_fd(l, one[0], LOOP_READ, kill_other, &a);
	b.watch = a.victim = loop_fd(l, two[0], LOOP_READ, kill_other, &b);
	loop_run(l);
	assert_int_equal(a.calls + b.calls, 1);
	loop_free(l);
	for (int i = 0; i < 2; i++) {
		close(one[i]);
		close(two[i]);
	}
}

static void stop_it(void *ctx)
{
	loop_stop(ctx);
}

static void fail_event(void *ctx, unsigned events)
{
	(void)ctx;
	(void)events;
	fail();
}

/* With no events asked for, a hang-up does not call and does not spin. */
static void paused_watch_is_silent(void **state)
{
	struct loop *l = loop_new();
	int fds[2];
	(void)state;
	assert_int_equal(pipe(fds), 0);
	struct loop_watch *w = loop_fd(l, fds[0], LOOP_READ, fail_event, NULL);
	loop_fd_set(w, 0);
	close(fds[1]);
	loop_timer(l, 500, stop_it, l);
	clock_t cpu = clock();
	loop_run(l);
	/* to spin takes half a second of a processor, to wait next to nothing */
	assert_true(clock() - cpu < CLOCKS_PER_SEC / 10);
	loop_free(l);
	close(fds[0]);
}

static void hung_up(void *ctx, unsigned events)
{
	struct note *n = ctx;
	n->calls++;
	assert_int_equal(events, LOOP_WRITE);
	loop_fd_free(n->watch);
}

static void writer_learns_of_the_hang_up(void **state)
{
	struct loop *l = loop_new();
	struct note n = {.loop = l};
	int fds[2];
	char full[65536] = {0};
	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	while (write(fds[1], full, sizeof(full)) > 0)
		;
	close(fds[0]);
	n.watch = loop_fd(l, fds[1], LOOP_WRITE, hung_up, &n);
	loop_run(l);
	assert_int_equal(n.calls, 1);
	close(fds[1]);
	loop_free(l);
}

static void regular_file_is_always_ready(void **state)
{
	struct loop *l = loop_new();
	struct buf log;
	struct note n = {.loop = l, .log = &log};
	char path[] = "/tmp/test_loop.XXXXXX";
	(void)state;
	buf_init(&log, 100);
	n.fd = mkstemp(path);
	assert_int_equal(write(n.fd, "abc", 3), 3);
	lseek(n.fd, 0, SEEK_SET);
	n.watch = loop_fd(l, n.fd, LOOP_READ, read_one, &n);
	loop_run(l);
	assert_string_equal(log.p, "abc");
	loop_free(l);
	close(n.fd);
	unlink(path);
	buf_free(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order),
		cmocka_unit_test(many_timers_some_freed),
		cmocka_unit_test(timers_freed_and_set_in_callbacks),
		cmocka_unit_test(pipe_is_read_to_its_end),
		cmocka_unit_test(watch_freed_in_callback),
		cmocka_unit_test(paused_watch_is_silent),
		cmocka_unit_test(writer_learns_of_the_hang_up),
		cmocka_unit_test(regular_file_is_always_ready),
	};
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
