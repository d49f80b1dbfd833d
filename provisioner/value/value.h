/* SPDX-License-Identifier: MIT
 *
 * Floor 1: typed values that know their position in a file.
 *
 * Only its builder changes a value (list_add, map_set); afterwards it is immutable. It lives in the
 * arena it was made in. `secret` is inherited: whatever is computed from a secret is secret, and
 * output (JSON, diff, report) has SECRET_TEXT in its place.
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
	VALUE_BLOB,      /* a file's content: digest, size, and optionally its bytes */
	VALUE_UNKNOWN,   /* not known before an apply; s: what has to happen first */
	VALUE_UNDEFINED, /* an undefined name; s: the message, pos: where it is used */
};

struct map_entry {
	struct str key;
	struct pos key_pos;
	struct value *value;
};
struct map_slot {     /* of a map's hash index; comparing tags avoids most comparisons of keys */
	uint32_t at;  /* number of the entry, from 1; 0: free */
	uint32_t tag; /* bits of the key's hash */
};
struct value {
	enum value_type type;
	bool secret;
	bool literal; /* contains no template: !unsafe, data of a host, rendered text */
	struct pos pos;
	union { /* kept small: a site may have a million values */
		struct {
			union {
				bool b;
				int64_t i;
				double f;
				struct str s; /* STR; UNKNOWN and UNDEFINED: the message */
			};
			struct str src; /* see value_src */
		};
		struct {
			struct value **v;
			size_t n, cap;
		} list;
		struct {
			struct map_entry *e;    /* in insertion order */
			struct map_slot *index; /* hash index; only for large maps */
			uint32_t n, cap, index_cap;
		} map;
		struct {
			const unsigned char *sha; /* SHA256_LEN bytes */
			uint64_t size;
			struct str bytes; /* p NULL: digest and size only */
		} blob;
	};
};

#define SECRET_TEXT "********"

/* The source text of a value that is not a list, map or blob: how a scalar that is not a string was
 * written in YAML ("0644", "yes"), or the undefined name. p NULL: none. */
static inline struct str value_src(const struct value *v)
{
	bool none = v->type == VALUE_LIST || v->type == VALUE_MAP || v->type == VALUE_BLOB;
	return none ? (struct str){NULL, 0} : v->src;
}

struct value *value_null(struct arena *a);
struct value *value_bool(struct arena *a, bool b);
struct value *value_int(struct arena *a, int64_t i);
struct value *value_float(struct arena *a, double f);
struct value *value_str(struct arena *a, struct str s);   /* borrows s */
struct value *value_text(struct arena *a, const char *s); /* copies s */
struct value *value_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
struct value *value_list(struct arena *a);
struct value *value_map(struct arena *a);
struct value *value_blob(struct arena *a, struct str bytes); /* digests; borrows the bytes */
struct value *value_unknown(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
struct value *value_undefined(struct arena *a, struct pos pos, const char *fmt, ...) PRINTF(3, 4);

void list_add(struct arena *a, struct value *list, struct value *v);
struct value *as_list(struct arena *a, struct value *v); /* [v] if it is no list; null: NULL */
/* Replaces the value of an existing key, in its place, or appends an entry. */
void map_set(struct arena *a, struct value *map, struct str key, struct value *v);
/* The same, and sets the entry's key_pos (map_set does not; a new key gets line 0). */
void map_set_at(
	struct arena *a, struct value *map, struct str key, struct pos key_pos, struct value *v);
/* For building large ones: allocate room for n items; append a key that is not in the map. */
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
/* NULL also if the value has another type, or map is NULL. */
struct value *map_typed(const struct value *map, const char *key, enum value_type type);
struct pos entry_pos(const struct map_entry *e); /* of the key; of the value if the key has none */

/* Values of a map that a field table has checked; dflt if the key is absent. */
const char *map_cstr(const struct value *map, const char *key, const char *dflt);
bool map_bool(const struct value *map, const char *key, bool dflt);
int64_t map_int(const struct value *map, const char *key, int64_t dflt);

struct value *value_copy(struct arena *a, const struct value *v); /* deep copy */
/* Deep copy of what was allocated in `from`; the rest must live as long as `a`, and is shared. */
struct value *value_keep(struct arena *a, struct value *v, const struct arena *from);
struct value *value_shallow(struct arena *a, const struct value *v); /* copies only the container */
/* Merges maps recursively, `over` takes precedence; lists and scalars are replaced. */
struct value *value_merge(struct arena *a, const struct value *under, const struct value *over);
bool value_equal(const struct value *a, const struct value *b); /* as in Python: 1 == 1.0 == True */
/* Every boolean is read here: true/false, yes/no, on/off, y/n, t/f, 1/0. false: it is none. */
bool value_as_bool(const struct value *v, bool *out);
bool value_true(const struct value *v);       /* as in Python; UNKNOWN and UNDEFINED panic */
bool value_has_secret(const struct value *v); /* v itself or anything in it */
const struct value *value_find_type(const struct value *v, enum value_type t); /* first; or NULL */
const char *value_type_name(const struct value *v); /* "a string", "a list", ... for messages */
/* As Jinja2 prints it: True, None, [1, 'a'], {'k': 'v'}; a string without quotes. */
struct str value_print(struct arena *a, const struct value *v);

/* ---- codec: the binary encoding, for wire and saved plans ---- */
enum { CODEC_DEPTH = 32, CODEC_ITEMS = 4 << 20 };
enum codec_flags {
	CODEC_BLOBS = 1, /* include the bytes of blobs; else only digest and size */
	CODEC_POS = 2,   /* include positions (saved plans) */
};
void value_encode(struct buf *b, const struct value *v, enum codec_flags flags);
/* false: truncated, too deep, too long, of unknown type, or a duplicate key. Copies bytes. */
bool value_decode(struct arena *a, const void *p, size_t n, struct value **out, struct err *e);
/* The same; the values may take at most `most` bytes of memory. */
bool value_decode_within(
	struct arena *a, const void *p, size_t n, size_t most, struct value **out, struct err *e);
/* Of the encoding without positions, source texts, blob bytes. Equal values have equal digests. */
void value_digest(const struct value *v, unsigned char out[SHA256_LEN]);

/* ---- JSON output (RFC 8259), a line; secrets as SECRET_TEXT, blobs as {"sha256","size"} ---- */
void json_write(struct buf *b, const struct value *v);
void json_write_pretty(struct buf *b, const struct value *v, int indent);
void json_quote(struct buf *b, struct str s); /* with quotes; invalid UTF-8 becomes U+FFFD */
