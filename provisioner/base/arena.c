/* SPDX-License-Identifier: MIT
 *
 * Arenas: memory with a common lifetime, allocated from growing chunks. Memory is freed only with
 * the whole arena, and allocation never returns NULL: the program aborts. Chunks of freed arenas
 * are zeroed and kept for new ones: an agent makes an arena for each resource, and allocating each
 * from the system took a third of its time. With AddressSanitizer unused memory is poisoned, so
 * that overruns are found.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/base.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
enum { REDZONE = 16 };
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
enum { REDZONE = 0 };
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 8, CHUNK_FIRST = 4096, CHUNK_MOST = 8 << 20, CHUNK_HUGE = 4 << 20 };
/* spare chunks of 4 KB to 64 KB, at most 8 of each size */
enum { SPARE_SIZES = 5, SPARE_MOST = 8 };

struct chunk {
	struct chunk *next;
	size_t used, cap;
	_Alignas(ALIGN) unsigned char data[];
};

struct arena {
	struct chunk *chunks; /* the first one has room */
	size_t chunk_size;    /* size of the next chunk */
	size_t handed_out, held;
};

static _Thread_local struct {
	struct chunk *first;
	int n;
} spare[SPARE_SIZES];

/* The index of spare chunks of `cap` bytes; SPARE_SIZES: this size is not kept. */
static int spare_size(size_t cap)
{
	int i = 0;
	while (i < SPARE_SIZES && cap != (size_t)CHUNK_FIRST << i)
		i++;
	return i;
}

static void chunk_free(struct chunk *c)
{
	int i = spare_size(c->cap);
	if (i == SPARE_SIZES || spare[i].n == SPARE_MOST) {
		UNPOISON(c->data, c->cap);
		free(c);
		return;
	}
	UNPOISON(c->data, c->used);
	memset(c->data, 0, c->used);
	POISON(c->data, c->used);
	c->used = 0;
	c->next = spare[i].first;
	spare[i].first = c;
	spare[i].n++;
}

/* NULL: there is none. */
static struct chunk *chunk_spare(size_t cap)
{
	int i = spare_size(cap);
	if (i == SPARE_SIZES || !spare[i].first)
		return NULL;
	struct chunk *c = spare[i].first;
	spare[i].first = c->next;
	spare[i].n--;
	c->next = NULL;
	return c;
}

/* Only a hint: with pages of 4 KB a large site spends a fifth of its time in page faults. */
static void use_huge_pages(void *p, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1);
	madvise((void *)from, (n - (from - (uintptr_t)p)) & ~(page - 1), MADV_HUGEPAGE);
}

static struct chunk *chunk_new(size_t cap)
{
	struct chunk *c = chunk_spare(cap);
	if (c)
		return c;
	/* calloc: new pages are zero already, so large arenas need no memset */
	c = calloc(1, sizeof(*c) + cap);
	if (!c)
		panic("out of memory (%zu bytes)", cap);
	c->cap = cap;
	if (cap >= CHUNK_HUGE)
		use_huge_pages(c, sizeof(*c) + cap);
	POISON(c->data, cap);
	return c;
}

/* The struct is in the arena's own first chunk. */
struct arena *arena_new(void)
{
	struct chunk *c = chunk_new(CHUNK_FIRST);
	struct arena *a = (struct arena *)(void *)c->data;
	UNPOISON(a, sizeof(*a));
	c->used = (sizeof(*a) + REDZONE + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	*a = (struct arena){.chunks = c, .chunk_size = 2 * CHUNK_FIRST};
	return a;
}

void arena_free(struct arena *a)
{
	for (struct chunk *c = a ? a->chunks : NULL, *next; c; c = next) {
		next = c->next;
		chunk_free(c);
	}
}

/* A request larger than a chunk gets its own chunk, after the one that still has room. */
static struct chunk *chunk_for(struct arena *a, size_t need)
{
	if (a->chunks->cap - a->chunks->used >= need)
		return a->chunks;
	if (need > a->chunk_size / 2) {
		struct chunk *own = chunk_new(need);
		own->next = a->chunks->next;
		a->chunks->next = own;
		return own;
	}
	struct chunk *c = chunk_new(need > a->chunk_size ? need : a->chunk_size);
	c->next = a->chunks;
	a->chunks = c;
	if (a->chunk_size < CHUNK_MOST)
		a->chunk_size *= 2;
	return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
	if (n > SIZE_MAX / 2)
		panic("arena: %zu bytes asked for", n);
	size_t need = (n + REDZONE + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (need == 0)
		need = ALIGN;
	struct chunk *c = chunk_for(a, need);
	void *p = c->data + c->used;
	c->used += need;
	a->held += need;
	a->handed_out += n;
	UNPOISON(p, n);
	return p;
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(n, size, &total))
		panic("arena: %zu items of %zu bytes asked for", n, size);
	return arena_alloc(a, total);
}

char *arena_strdup(struct arena *a, const char *s)
{
	size_t n = strlen(s);
	char *p = arena_alloc(a, n + 1);
	memcpy(p, s, n);
	return p;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	if (!fmt)
		panic("arena_vprintf: no format");
	va_copy(again, ap);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0)
		panic("arena_vprintf: bad format '%s'", fmt);
	char *p = arena_alloc(a, (size_t)n + 1);
	if ((size_t)n < sizeof(small))
		memcpy(p, small, (size_t)n + 1);
	else
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

size_t arena_size(const struct arena *a)
{
	return a->handed_out;
}

size_t arena_held(const struct arena *a)
{
	return a->held;
}

bool arena_owns(const struct arena *a, const void *p)
{
	for (const struct chunk *c = a->chunks; c; c = c->next)
		if ((uintptr_t)p - (uintptr_t)c->data < c->used)
			return true;
	return false;
}

void *array_grow(struct arena *a, void *v, size_t n, size_t *cap, size_t size)
{
	enum { FIRST = 16 };
	if (n < *cap)
		return v;
	*cap = *cap ? *cap * 2 : FIRST;
	void *wider = a ? arena_calloc(a, *cap, size) : reallocarray(v, *cap, size);
	if (!wider)
		panic("out of memory (%zu items of %zu bytes)", *cap, size);
	if (a && n)
		memcpy(wider, v, n * size);
	return wider;
}
