/* SPDX-License-Identifier: MIT
 *
 * The event loop over epoll(7). Blocks only in epoll_wait, calls no callback during a registration,
 * and frees memory only after the current round of callbacks.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "net/loop.h"

enum { EVENTS_A_ROUND = 64, NOT_IN_HEAP = -1, WAIT_MOST_MS = 3600 * 1000 };

struct loop_watch {
	struct loop *loop;
	struct loop_watch *prev, *next; /* in the list of live ones, or of those to be freed */
	loop_fd_fn *fn;
	void *ctx;
	int fd;
	unsigned events;
	bool polled; /* it is registered with epoll */
	bool always; /* a regular file: epoll refuses it, and it is always ready */
	bool dead;
};

struct loop_timer {
	struct loop *loop;
	struct loop_timer *prev, *next;
	loop_timer_fn *fn;
	void *ctx;
	int64_t when;
	uint64_t order; /* with equal times the older one is first */
	int at;         /* in the heap, or NOT_IN_HEAP */
	bool dead;
};

struct loop {
	int epoll;
	bool stopped, calling;
	struct loop_watch *watches, *dead_watches;
	struct loop_timer *timers, *dead_timers;
	struct loop_timer **heap; /* a binary heap: the next to fire is first */
	int n_heap;
	size_t cap_heap;
	uint64_t order;
	size_t n_watches, n_always; /* n_always: those with `always` that want events */
};

static void *check_memory(void *p)
{
	if (!p)
		panic("out of memory");
	return p;
}

struct loop *loop_new(void)
{
	struct loop *l = check_memory(calloc(1, sizeof(*l)));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		panic("epoll_create1: %s", strerror(errno));
	return l;
}

/* ---- descriptors ---- */

static void poll_ctl(struct loop_watch *w, int op)
{
	struct epoll_event ev = {.data.ptr = w};
	ev.events = (w->events & LOOP_READ ? (uint32_t)EPOLLIN : 0) |
		    (w->events & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
	if (epoll_ctl(w->loop->epoll, op, w->fd, &ev) == 0) {
		w->polled = op != EPOLL_CTL_DEL;
	} else if (op == EPOLL_CTL_ADD && errno == EPERM) {
		w->always = true;
	} else if (op == EPOLL_CTL_DEL) {
		w->polled = false; /* it was closed: epoll has removed it */
	} else {
		panic("epoll_ctl on descriptor %d: %s", w->fd, strerror(errno));
	}
}

/* Without events it is removed from epoll, which would otherwise report a hang-up repeatedly. */
static void poll_update(struct loop_watch *w)
{
	if (w->always)
		return; /* no change */
	if (w->events && w->polled)
		poll_ctl(w, EPOLL_CTL_MOD);
	else if (w->events)
		poll_ctl(w, EPOLL_CTL_ADD);
	else if (w->polled)
		poll_ctl(w, EPOLL_CTL_DEL);
}

static bool always_ready(const struct loop_watch *w)
{
	return w->always && w->events;
}

struct loop_watch *loop_fd(struct loop *l, int fd, unsigned events, loop_fd_fn *fn, void *ctx)
{
	struct loop_watch *w = check_memory(calloc(1, sizeof(*w)));
	*w = (struct loop_watch){.loop = l, .fd = fd, .events = events, .fn = fn, .ctx = ctx};
	w->next = l->watches;
	if (w->next)
		w->next->prev = w;
	l->watches = w;
	l->n_watches++;
	poll_update(w);
	l->n_always += always_ready(w);
	return w;
}

void loop_fd_set(struct loop_watch *w, unsigned events)
{
	if (w->dead)
		panic("loop_fd_set on a watch that was freed");
	if (w->events == events)
		return;
	w->loop->n_always -= always_ready(w);
	w->events = events;
	poll_update(w);
	w->loop->n_always += always_ready(w);
}

static void bury_watches(struct loop_watch **list)
{
	for (struct loop_watch *w = *list, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	*list = NULL;
}

void loop_fd_free(struct loop_watch *w)
{
	if (!w || w->dead)
		return;
	struct loop *l = w->loop;
	if (w->polled)
		poll_ctl(w, EPOLL_CTL_DEL);
	if (w->prev)
		w->prev->next = w->next;
	else
		l->watches = w->next;
	if (w->next)
		w->next->prev = w->prev;
	l->n_always -= always_ready(w);
	l->n_watches--;
	w->dead = true;
	w->prev = NULL;
	w->next = l->dead_watches;
	l->dead_watches = w;
	if (!l->calling)
		bury_watches(&l->dead_watches);
}

static void call_watch(struct loop_watch *w, unsigned ready)
{
	ready &= w->events;
	if (!w->dead && ready)
		w->fn(w->ctx, ready);
}

/* An error or hang-up counts as ready: the next read or write reports it. */
static unsigned ready_from(uint32_t ev)
{
	unsigned ready = 0;
	if (ev & (EPOLLIN | EPOLLHUP | EPOLLERR))
		ready |= LOOP_READ;
	if (ev & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		ready |= LOOP_WRITE;
	return ready;
}

/* ---- timers ---- */

static bool is_earlier(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void heap_place(struct loop *l, int at, struct loop_timer *t)
{
	l->heap[at] = t;
	t->at = at;
}

static void heap_up(struct loop *l, int at, struct loop_timer *t)
{
	for (; at > 0 && is_earlier(t, l->heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap_place(l, at, l->heap[(at - 1) / 2]);
	heap_place(l, at, t);
}

static void heap_down(struct loop *l, int at, struct loop_timer *t)
{
	for (;;) {
		int child = 2 * at + 1;
		if (child + 1 < l->n_heap && is_earlier(l->heap[child + 1], l->heap[child]))
			child++;
		if (child >= l->n_heap || !is_earlier(l->heap[child], t))
			break;
		heap_place(l, at, l->heap[child]);
		at = child;
	}
	heap_place(l, at, t);
}

static void heap_add(struct loop *l, struct loop_timer *t)
{
	l->heap = array_grow(
		NULL, l->heap, (size_t)l->n_heap, &l->cap_heap, sizeof(struct loop_timer *));
	heap_up(l, l->n_heap++, t);
}

static void heap_remove(struct loop *l, struct loop_timer *t)
{
	int at = t->at;
	struct loop_timer *last = l->heap[--l->n_heap];
	t->at = NOT_IN_HEAP;
	if (last == t)
		return;
	if (at > 0 && is_earlier(last, l->heap[(at - 1) / 2]))
		heap_up(l, at, last);
	else
		heap_down(l, at, last);
}

struct loop_timer *loop_timer(struct loop *l, int64_t after_ms, loop_timer_fn *fn, void *ctx)
{
	struct loop_timer *t = check_memory(calloc(1, sizeof(*t)));
	*t = (struct loop_timer){.loop = l, .fn = fn, .ctx = ctx, .order = l->order++};
	t->when = now_ms() + (after_ms > 0 ? after_ms : 0);
	t->next = l->timers;
	if (t->next)
		t->next->prev = t;
	l->timers = t;
	heap_add(l, t);
	return t;
}

static void bury_timers(struct loop_timer **list)
{
	for (struct loop_timer *t = *list, *next; t; t = next) {
		next = t->next;
		free(t);
	}
	*list = NULL;
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t || t->dead)
		return;
	struct loop *l = t->loop;
	if (t->at != NOT_IN_HEAP)
		heap_remove(l, t);
	if (t->prev)
		t->prev->next = t->next;
	else
		l->timers = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->dead = true;
	t->next = l->dead_timers;
	l->dead_timers = t;
	if (!l->calling)
		bury_timers(&l->dead_timers);
}

/* Fires the timers that were due when the round began; one set during the round waits for the next,
 * so that descriptors get their turn. */
static void fire_timers(struct loop *l)
{
	int64_t now = now_ms();
	uint64_t order = l->order;
	while (!l->stopped && l->n_heap && l->heap[0]->when <= now && l->heap[0]->order < order) {
		struct loop_timer *t = l->heap[0];
		heap_remove(l, t);
		t->fn(t->ctx);
	}
}

/* ---- the loop ---- */

static int wait_ms(const struct loop *l)
{
	if (l->n_always)
		return 0;
	if (!l->n_heap)
		return -1;
	int64_t left = l->heap[0]->when - now_ms();
	return left < 0 ? 0 : left > WAIT_MOST_MS ? WAIT_MOST_MS : (int)left;
}

/* A callback may move the current watch into the other list: then starts from the beginning. */
static void call_always(struct loop *l)
{
	size_t turns = l->n_always;
	for (struct loop_watch *w = l->watches, *next; w && turns && !l->stopped; w = next) {
		next = w->next;
		if (!always_ready(w))
			continue;
		turns--;
		call_watch(w, LOOP_READ | LOOP_WRITE);
		if (w->dead || (next && next->dead))
			return; /* the rest is called in the next round */
	}
}

static void round_of_callbacks(struct loop *l)
{
	struct epoll_event ev[EVENTS_A_ROUND];
	int n = epoll_wait(l->epoll, ev, EVENTS_A_ROUND, wait_ms(l));
	if (n < 0 && errno != EINTR)
		panic("epoll_wait: %s", strerror(errno));
	l->calling = true;
	for (int i = 0; i < n && !l->stopped; i++)
		call_watch(ev[i].data.ptr, ready_from(ev[i].events));
	if (l->n_always)
		call_always(l);
	fire_timers(l);
	l->calling = false;
	bury_watches(&l->dead_watches);
	bury_timers(&l->dead_timers);
}

void loop_run(struct loop *l)
{
	l->stopped = false;
	while (!l->stopped && (l->n_watches || l->n_heap))
		round_of_callbacks(l);
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->calling)
		panic("loop_free inside a callback");
	bury_watches(&l->watches);
	bury_timers(&l->timers);
	free(l->heap);
	close(l->epoll);
	free(l);
}
