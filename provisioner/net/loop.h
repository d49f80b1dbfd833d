/* SPDX-License-Identifier: MIT
 *
 * Floor 1: the event loop (epoll(7)). One per process; callbacks must not block.
 *
 * loop_run calls the callbacks of loop_fd and loop_timer until loop_stop is called or none is
 * registered.
 */
#pragma once
#include "base/base.h"

enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop;
struct loop_watch;
struct loop_timer;
/* events: LOOP_READ|LOOP_WRITE; a hang-up or error sets all that were requested */
typedef void loop_fd_fn(void *ctx, unsigned events);
typedef void loop_timer_fn(void *ctx);

struct loop *loop_new(void);
void loop_free(struct loop *l);
/* Calls fn whenever the fd is ready for one of `events`; 0: not until loop_fd_set. */
struct loop_watch *loop_fd(struct loop *l, int fd, unsigned events, loop_fd_fn *fn, void *ctx);
void loop_fd_set(struct loop_watch *w, unsigned events);
void loop_fd_free(struct loop_watch *w); /* does not close the fd; may be called in any callback */
/* Calls fn once, after_ms milliseconds from now. */
struct loop_timer *loop_timer(struct loop *l, int64_t after_ms, loop_timer_fn *fn, void *ctx);
void loop_timer_free(struct loop_timer *t); /* also after it fired; a timer fires once */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
