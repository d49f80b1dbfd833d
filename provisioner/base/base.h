/* SPDX-License-Identifier: MIT
 *
 * Floor 0: memory, strings, errors, files, processes, digests. Knows no host and no manifest.
 *
 * Memory belongs to an arena with a lifetime (run, host, step): allocate with arena_*(), never free
 * a part, and end the lifetime with arena_free(). The program aborts when memory runs out. A string
 * is a struct str: bytes with a length, always followed by a NUL that is not counted. An error that
 * a user, a file, a host or the network can cause is a value (struct err); a bug calls panic(),
 * which aborts.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include "base/banned.h"

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p

_Noreturn void panic(const char *fmt, ...) PRINTF(1, 2); /* a bug: prints it, aborts */

/* ---- arena ---- */
struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *a);             /* a may be NULL */
void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned to 8; n may be 0 */
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF(2, 0);
size_t arena_size(const struct arena *a); /* bytes allocated by callers */
size_t arena_held(const struct arena *a); /* the same with padding and unused space */
bool arena_owns(const struct arena *a, const void *p);
/* PUSH appends x to the growing array v[0..n), in an arena, or on the heap if `a` is NULL. */
void *array_grow(struct arena *a, void *v, size_t n, size_t *cap, size_t size);
#define PUSH(a, v, n, cap, x) \
	((v) = array_grow((a), (v), (n), &(cap), sizeof(*(v))), (v)[(n)++] = (x))
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_calloc((a), (n), sizeof(type)))
void *arena_calloc(struct arena *a, size_t n, size_t size); /* panics on overflow */

/* ---- clocks ---- */
int64_t clock_us(clockid_t clock); /* microseconds of CLOCK_REALTIME, CLOCK_MONOTONIC, ... */
int64_t now_ms(void);              /* milliseconds of CLOCK_MONOTONIC */

/* ---- strings ---- */
struct str {
	const char *p; /* never NULL once set; p[n] == 0 */
	size_t n;
};
struct str str_c(const char *s); /* borrows s */
struct str str_dup(struct arena *a, const char *p, size_t n);
struct str str_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
struct str str_between(
	struct arena *a, const char *before, struct str s, const char *after); /* s not NULL */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *s);
int str_cmp(struct str a, struct str b); /* bytewise */
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);
struct str str_trim(struct arena *a, struct str s); /* without ASCII white space at both ends */
/* "a,b c" split at commas, each part trimmed; NULL-terminated; NULL if s is NULL. */
const char **split_commas(struct arena *a, const char *s);
bool word_in(const char *words, struct str word); /* blanks separate the words; NULL: false */
int compare_names(const void *x, const void *y);  /* for qsort(3), of an array of const char * */
/* The word of a NULL-terminated list with the least edit distance; NULL: none is similar. */
const char *str_nearest(const char *word, const char *const *words);
struct str str_no_bom(struct str s); /* without a byte order mark (U+FEFF) at its start */
bool str_utf8(struct str s);         /* well-formed UTF-8 (RFC 3629) without NUL */
/* Length of the well-formed UTF-8 character at p (not NUL), or 0. */
size_t str_utf8_len(const char *p, size_t n);

/* A growing buffer on the heap. At its limit it does not grow, drops what is added and sets `over`,
 * which stays set. With a `sink`, content beyond BUF_PIECE is passed to the sink, which returns how
 * many bytes it took. */
enum { BUF_PIECE = 64 << 10 };
struct buf {
	char *p;
	size_t n, cap, limit;
	bool over;
	size_t (*sink)(void *ctx, const char *p, size_t n);
	void *ctx;
};
void buf_init(struct buf *b, size_t limit);
void buf_free(struct buf *b);
void buf_clear(struct buf *b);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_consume(struct buf *b, size_t n);                /* removes the first n bytes */
struct str buf_str(struct arena *a, const struct buf *b); /* a copy */

/* ---- errors ---- */
enum err_kind {
	ERR_NONE,
	ERR_CONFIG,      /* the user's input is wrong: a retry cannot help */
	ERR_TRANSIENT,   /* a retry can help (network, lock held) */
	ERR_UNREACHABLE, /* no connection, login failed, host key refused: counted as unreachable */
	ERR_PERMANENT,   /* any other error */
	/* a CONFIG error: a name without a value; default() and `is defined` handle it */
	ERR_UNDEFINED,
};
struct pos { /* where a value was written; line 0: unknown */
	const char *file;
	uint32_t line, col; /* from 1; col counts characters */
};
struct err {
	enum err_kind kind;
	struct pos pos;
	bool warning;   /* shown, but not counted as a failure */
	char msg[1024]; /* one sentence: what is wrong, where, what to do; no newline */
	/* A second place, shown below the first; what NULL: none. */
	struct {
		struct pos pos;
		const char *what; /* a text with static lifetime: "the quote begins here" */
	} also;
};
/* Sets e, unless it holds an error already: the first one is kept. Returns false, so that callers
 * can write `return err_set(...)`. */
bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);
bool err_at(struct err *e, struct pos pos, const char *fmt, ...) PRINTF(3, 4); /* ERR_CONFIG */
bool err_undefined(struct err *e, struct pos pos, const char *fmt, ...) PRINTF(3, 4);
bool err_errno(struct err *e, const char *fmt, ...) PRINTF(2, 3);  /* PERMANENT, ": strerror" */
bool err_prefix(struct err *e, const char *fmt, ...) PRINTF(2, 3); /* puts "prefix: " before msg */

/* Lets the compiler see that these return false, so that it does not assume that out-parameters
 * were set. */
static inline bool always_false(bool result)
{
	(void)result;
	return false;
}
#define err_set(...) always_false(err_set(__VA_ARGS__))
#define err_at(...) always_false(err_at(__VA_ARGS__))
#define err_undefined(...) always_false(err_undefined(__VA_ARGS__))
#define err_errno(...) always_false(err_errno(__VA_ARGS__))
#define err_prefix(...) always_false(err_prefix(__VA_ARGS__))

/* ---- digests ---- */
enum { SHA256_LEN = 32, SHA256_HEX = 65 };
struct sha256 {
	uint32_t h[8];
	uint64_t len;
	unsigned char block[64];
};
void sha256_init(struct sha256 *s); /* FIPS 180-4 */
void sha256_add(struct sha256 *s, const void *p, size_t n);
void sha256_end(struct sha256 *s, unsigned char out[SHA256_LEN]);
void sha256(const void *p, size_t n, unsigned char out[SHA256_LEN]);
enum { SHA1_LEN = 20 };
struct sha1 {
	uint32_t h[5];
	uint64_t len;
	unsigned char block[64];
};
void sha1_init(struct sha1 *s); /* FIPS 180-4 */
void sha1_add(struct sha1 *s, const void *p, size_t n);
void sha1_end(struct sha1 *s, unsigned char out[SHA1_LEN]);
void hex(const void *p, size_t n, char *out); /* 2n+1 bytes, lower case */
int hex_digit(char c);                        /* value of a hexadecimal digit; -1: it is none */
bool unhex(const char *text, unsigned char *out, size_t n);  /* 2n digits; more may follow */
struct str base64(struct arena *a, const void *p, size_t n); /* RFC 4648, padded */
/* false: not base64. White space is ignored. */
bool base64_decode(struct arena *a, struct str s, struct str *out);
uint64_t hash64(const void *p, size_t n); /* for hash tables; not cryptographic */

/* ---- files ---- */
enum { FILE_MAX = 64 << 20 };       /* larger files are not read */
const char *file_kind(mode_t mode); /* "file", "directory", "link", "device", ... */
/* Reads a whole regular file; fails if it has more than `max` bytes. The message in *e contains
 * strerror(errno). */
bool file_read(struct arena *a, const char *path, size_t max, struct str *out, struct err *e);
/* Like file_read, but a missing file is not an error: *found is false. */
bool file_read_opt(
	struct arena *a, const char *path, size_t max, struct str *out, bool *found, struct err *e);
struct file_attr {
	mode_t mode; /* permission bits */
	uid_t uid;   /* (uid_t)-1: do not change */
	gid_t gid;   /* (gid_t)-1: do not change */
};
/* Replaces a file atomically: a temporary file `.provision-XXXXXX` in the same folder, fchown,
 * fchmod, fsync, rename, fsync of the folder. Does not follow a link at `path`, nor untrusted links
 * in its folders (link_is_meant in place.h). On failure the temporary file is removed. */
bool file_replace(const char *path, const void *p, size_t n, struct file_attr attr, struct err *e);
/* The same; calls `validate` (may be NULL) with the path of the temporary file before the rename;
 * if it returns false, the file is not replaced. */
typedef bool file_validate_fn(void *ctx, const char *tmp, struct err *e);
bool file_replace_valid(const char *path, struct str text, struct file_attr attr,
	file_validate_fn *validate, void *ctx, struct err *e);
/* The same, with the ACL and the extended attributes of the file `like`. The functions above take
 * those of the file that they replace. */
bool file_replace_like(const char *path, const void *p, size_t n, struct file_attr attr,
	const char *like, struct err *e);
/* rights.c: copies the ACL (acl(5)) and the extended attributes (xattr(7)) of `from` (any
 * descriptor, also O_PATH; -1: none) to the open file `to`. Call it before setting the mode. `path`
 * is for messages. */
bool rights_copy(int from, int to, const char *path, struct err *e);
bool mkdirs(const char *path, mode_t mode, struct err *e); /* mkdir -p, trusted links only */
char *path_join(struct arena *a, const char *dir, const char *name); /* `name` if it is absolute */
const char *path_base(const char *path);
/* Expands ~, ~user and $NAME as Python's os.path.expanduser and expandvars do: an unset variable is
 * left as it is. NULL with e set: there is no such user. */
const char *path_expand(struct arena *a, const char *path, struct err *e);
char *path_dir(struct arena *a, const char *path);
bool write_all(int fd, const void *p, size_t n); /* retries EINTR and short writes */

/* ---- standard output ---- */
void output_open(void); /* call it first in main: opens /dev/null for closed standard descriptors */
/* Like write_all; output_close reports a failure, except for standard error. */
bool output_write(int fd, const void *p, size_t n);
/* false: a write by output_write or stdio to standard output failed, e.g. because the disk is
 * full. */
bool output_close(struct err *e);

/* ---- processes ---- */
struct proc {
	const char *const *argv; /* NULL-terminated; argv[0] is searched in PATH */
	const char *const *env;  /* NULL-terminated NAME=value, added to the environment */
	const char *dir;         /* working directory; NULL: /, with `users` the home folder */
	bool users;              /* a command of the user: with PATH and locale of the login */
	struct str input;        /* its standard input; p NULL: /dev/null */
	uid_t uid;     /* (uid_t)-1: unchanged; else changes to this user, with groups and HOME */
	int timeout_s; /* 0: PROC_TIMEOUT */
	size_t max_output; /* per stream; 0: PROC_OUTPUT. The rest is dropped, and `cut` set */
	/* called with each complete line of standard output while the program runs; may be NULL */
	void (*line)(void *ctx, struct str line);
	void *ctx;
};
enum { PROC_TIMEOUT = 600, PROC_OUTPUT = 1 << 20 };
struct proc_result {
	int status; /* exit status; 128 + the signal's number if killed by a signal */
	bool timed_out, cut;
	int limit_s;             /* after a time-out: the limit in seconds */
	struct str out, err_out; /* allocated in the arena */
};
/* All programs run from now on end at `ms` (of CLOCK_MONOTONIC) at the latest; a program without
 * its own limit may run until then. 0: no such limit. */
void proc_deadline(int64_t ms);
int64_t proc_until(int64_t ms); /* the earlier one of `ms` and the deadline */
/* Runs a program until it exits. false: it could not be run (not found, fork failed). Its
 * environment is only PATH, HOME, LANG=C.UTF-8, LC_ALL=C.UTF-8, TERM=dumb, and p->env. After a
 * time-out its whole process group is killed. */
bool proc_run(struct arena *a, const struct proc *p, struct proc_result *r, struct err *e);
