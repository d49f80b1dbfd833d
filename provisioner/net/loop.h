/* SPDX-License-Identifier: MIT
 *
 * Floor 1: the event loop (epoll(7)). One per process; callbacks never block.
 *
 * loop_new; loop_fd and loop_timer register; loop_run until loop_stop or nothing is registered.
 */
#pragma once
#include "base/base.h"

enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop;
struct loop_watch;
struct loop_timer;
typedef void loop_fd_fn(void *ctx, unsigned events); /* LOOP_READ|LOOP_WRITE; hang-up reads */
typedef void loop_timer_fn(void *ctx);

struct loop *loop_new(void);
void loop_free(struct loop *l);
struct loop_watch *loop_fd(struct loop *l, int fd, unsigned events, loop_fd_fn *fn, void *ctx);
void loop_fd_set(struct loop_watch *w, unsigned events);
void loop_fd_free(struct loop_watch *w); /* does not close; safe inside any callback */
struct loop_timer *loop_timer(struct loop *l, int64_t after_ms, loop_timer_fn *fn, void *ctx);
void loop_timer_free(struct loop_timer *t); /* also after it fired; a timer fires once */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
