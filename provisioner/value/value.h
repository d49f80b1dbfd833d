/* SPDX-License-Identifier: MIT
 *
 * Floor 1: typed values that know where they stand.
 *
 * A value is built once and then never changed (list_add and map_set are for its builder). It
 * lives in the arena it was made in. `secret` travels with it: whatever is computed from a secret
 * is secret, and the writers (JSON, diff, report) print SECRET_TEXT in its place.
 */
#pragma once
#include "value/errs.h"

enum value_type {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_FLOAT,
	VALUE_STR,
	VALUE_LIST,
	VALUE_MAP,
	VALUE_BLOB,      /* a file's content: digest and size, its bytes perhaps left out */
	VALUE_UNKNOWN,   /* not known before an apply; s says what it waits for */
	VALUE_UNDEFINED, /* a name without a value; s says so as a message, pos where it was used */
};

struct map_entry {
	struct str key;
	struct pos key_pos;
	struct value *value;
};
struct map_slot {     /* of a map's index: most keys are told apart without a look at them */
	uint32_t at;  /* the entry's number from 1; 0: free */
	uint32_t tag; /* of the key's hash */
};
struct value {
	enum value_type type;
	bool secret;
	bool literal; /* never a template: !unsafe, what a host said, rendered text */
	struct pos pos;
	union { /* small: a site may have a million values */
		struct {
			union {
				bool b;
				int64_t i;
				double f;
				struct str s; /* STR; UNKNOWN and UNDEFINED: what */
			};
			struct str src; /* see value_src */
		};
		struct {
			struct value **v;
			size_t n, cap;
		} list;
		struct {
			struct map_entry *e;    /* in the order of insertion */
			struct map_slot *index; /* hash index, once the map is large */
			uint32_t n, cap, index_cap;
		} map;
		struct {
			const unsigned char *sha; /* SHA256_LEN bytes */
			uint64_t size;
			struct str bytes; /* p NULL: left out */
		} blob;
	};
};

#define SECRET_TEXT "********"

/* What is no list, map or content may have a source text: what was written for a plain scalar in
 * YAML that is no string ("0644", "yes"), the name of what is undefined. p NULL: none. */
static inline struct str value_src(const struct value *v)
{
	bool none = v->type == VALUE_LIST || v->type == VALUE_MAP || v->type == VALUE_BLOB;
	return none ? (struct str){NULL, 0} : v->src;
}

struct value *value_null(struct arena *a);
struct value *value_bool(struct arena *a, bool b);
struct value *value_int(struct arena *a, int64_t i);
struct value *value_float(struct arena *a, double f);
struct value *value_str(struct arena *a, struct str s);   /* borrows the bytes */
struct value *value_text(struct arena *a, const char *s); /* copies */
struct value *value_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
struct value *value_list(struct arena *a);
struct value *value_map(struct arena *a);
struct value *value_blob(struct arena *a, struct str bytes); /* digests; borrows the bytes */
struct value *value_unknown(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
struct value *value_undefined(struct arena *a, struct pos pos, const char *fmt, ...) PRINTF(3, 4);

void list_add(struct arena *a, struct value *list, struct value *v);
struct value *as_list(struct arena *a, struct value *v); /* of one value; NULL, null: NULL */
/* Replaces the value of a key that is there (its place kept) or appends. */
void map_set(struct arena *a, struct value *map, struct str key, struct value *v);
/* As map_set, and the entry's key_pos (map_set leaves it: line 0 for a new key). */
void map_set_at(
	struct arena *a, struct value *map, struct str key, struct pos key_pos, struct value *v);
/* For builders of large ones: room for n items; map_set_at for a key that is surely not there. */
void list_reserve(struct arena *a, struct value *list, size_t n);
void map_reserve(struct arena *a, struct value *map, size_t n);
void map_append(
	struct arena *a, struct value *map, struct str key, struct pos key_pos, struct value *v);
void map_put(struct arena *a, struct value *map, const char *key, struct value *v);
/* The text, copied; NULL adds nothing. */
void map_put_text(struct arena *a, struct value *map, const char *key, const char *text);
struct value *map_get(const struct value *map, struct str key); /* NULL: none */
struct value *map_at(const struct value *map, const char *key);
const struct map_entry *map_entry(const struct value *map, struct str key);
/* NULL also when it is of another type, or there is no map. */
struct value *map_typed(const struct value *map, const char *key, enum value_type type);
struct pos entry_pos(const struct map_entry *e); /* the key's, or else the value's */

/* Readers with a default, for values that were checked by a field table. */
const char *map_cstr(const struct value *map, const char *key, const char *dflt);
bool map_bool(const struct value *map, const char *key, bool dflt);
int64_t map_int(const struct value *map, const char *key, int64_t dflt);

struct value *value_copy(struct arena *a, const struct value *v); /* deep */
/* Deep, of what lies in `from`; the rest, which lives as long as `a`, is shared. */
struct value *value_keep(struct arena *a, struct value *v, const struct arena *from);
struct value *value_shallow(struct arena *a, const struct value *v); /* own list/map, same items */
/* Deep, key by key: `over` wins; lists and plain values are replaced whole. */
struct value *value_merge(struct arena *a, const struct value *under, const struct value *over);
bool value_equal(const struct value *a, const struct value *b); /* 1 == 1.0 == true, as Python */
/* Any form of a boolean: true/false, yes/no, on/off, y/n, t/f, 1/0, in any case, also as text. */
bool value_as_bool(const struct value *v, bool *out);
bool value_true(const struct value *v);       /* Python's truth; UNKNOWN and UNDEFINED panic */
bool value_has_secret(const struct value *v); /* itself or anything in it */
const struct value *value_find_type(const struct value *v, enum value_type t); /* deep; or NULL */
const char *value_type_name(const struct value *v); /* "a string", "a list", ... for messages */
/* As Jinja prints it: True, None, [1, 'a'], {'k': 'v'}. A string as it is. */
struct str value_print(struct arena *a, const struct value *v);

/* ---- codec: the wire's and the saved plan's form of a value ---- */
enum { CODEC_DEPTH = 32, CODEC_ITEMS = 4 << 20 };
enum codec_flags {
	CODEC_BLOBS = 1, /* blobs with their bytes; without: digest and size only */
	CODEC_POS = 2,   /* keep positions (saved plan) */
};
void value_encode(struct buf *b, const struct value *v, enum codec_flags flags);
/* Refuses what is cut short, too deep, too long, unknown, or has a key twice. Bytes are copied. */
bool value_decode(struct arena *a, const void *p, size_t n, struct value **out, struct err *e);
/* The same, and refuses what would take more than `most` bytes of memory. */
bool value_decode_within(
	struct arena *a, const void *p, size_t n, size_t most, struct value **out, struct err *e);
/* Digest of the encoding without positions, sources and blob bytes: equal values, equal digests. */
void value_digest(const struct value *v, unsigned char out[SHA256_LEN]);

/* ---- JSON, written (RFC 8259); secrets as SECRET_TEXT, blobs as {"sha256","size"} ---- */
void json_write(struct buf *b, const struct value *v); /* one line */
void json_write_pretty(struct buf *b, const struct value *v, int indent);
void json_quote(struct buf *b, struct str s); /* quoted; bytes that are not UTF-8 as U+FFFD */
