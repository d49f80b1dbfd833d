/* SPDX-License-Identifier: MIT
 *
 * Decodes values. Trusts nothing: every length and count is checked against the remaining bytes
 * before memory is allocated for it.
 */
#include "value/codec.h"

enum { BELIEVED = 1024 }; /* items allocated in advance for a count */

struct reader {
	struct arena *a;
	const unsigned char *p, *end, *start;
	bool pos;         /* keys have positions, too */
	size_t items;     /* number so far, up to CODEC_ITEMS */
	size_t most;      /* maximum size of the arena */
	const char *file; /* of the last position; following positions share it */
	struct err *e;
};

static bool report_damage(struct reader *r, const char *what)
{
	return err_set(r->e, ERR_PERMANENT, "an encoded value is damaged at byte %zu: %s",
		(size_t)(r->p - r->start), what);
}

static bool get_byte(struct reader *r, unsigned char *out)
{
	if (r->p == r->end)
		return report_damage(r, "it is cut short");
	*out = *r->p++;
	return true;
}

static bool get_number(struct reader *r, uint64_t *out)
{
	uint64_t x = 0;
	unsigned char c = 0x80;
	for (int shift = 0; c & 0x80; shift += 7) {
		if (!get_byte(r, &c))
			return false;
		if (shift > 63 || (shift == 63 && (c & 0x7e)))
			return report_damage(r, "a number is too large");
		x |= (uint64_t)(c & 0x7f) << shift;
	}
	*out = x;
	return true;
}

static bool get_raw(struct reader *r, size_t n, const unsigned char **out)
{
	if ((size_t)(r->end - r->p) < n)
		return report_damage(r, "it is cut short");
	*out = r->p;
	r->p += n;
	return true;
}

static bool get_bytes(struct reader *r, const unsigned char **p, size_t *n)
{
	uint64_t len;
	if (!get_number(r, &len))
		return false;
	if (len > (size_t)(r->end - r->p))
		return report_damage(r, "a string is longer than the remaining bytes");
	*n = (size_t)len;
	return get_raw(r, *n, p);
}

static bool get_str(struct reader *r, struct str *out)
{
	const unsigned char *p = NULL;
	size_t n;
	if (!get_bytes(r, &p, &n))
		return false;
	*out = str_dup(r->a, (const char *)p, n);
	return true;
}

static bool get_pos(struct reader *r, struct pos *out)
{
	const unsigned char *p = NULL;
	uint64_t line, col;
	size_t n;
	if (!get_number(r, &line) || !get_number(r, &col) || !get_bytes(r, &p, &n))
		return false;
	if (line > UINT32_MAX || col > UINT32_MAX)
		return report_damage(r, "a position is too large");
	if (n && memchr(p, 0, n))
		return report_damage(r, "a file's name has a NUL");
	if (!r->file || strlen(r->file) != n || memcmp(r->file, p, n) != 0)
		r->file = str_dup(r->a, (const char *)p, n).p;
	*out = (struct pos){n ? r->file : NULL, (uint32_t)line, (uint32_t)col};
	return true;
}

/* Every item takes at least one byte, so a count above the remaining bytes is invalid. */
static bool get_count(struct reader *r, size_t *out)
{
	uint64_t n;
	if (!get_number(r, &n))
		return false;
	if (n > (size_t)(r->end - r->p))
		return report_damage(r, "more items than bytes");
	r->items += (size_t)n;
	if (r->items > CODEC_ITEMS)
		return report_damage(r, "too many items");
	*out = (size_t)n;
	return true;
}

static bool get_value(struct reader *r, int depth, struct value **out);

static bool get_list(struct reader *r, int depth, struct value *v)
{
	size_t n;
	struct value *item;
	if (!get_count(r, &n))
		return false;
	list_reserve(r->a, v, n < BELIEVED ? n : BELIEVED);
	for (size_t i = 0; i < n; i++) {
		if (!get_value(r, depth + 1, &item))
			return false;
		list_add(r->a, v, item);
	}
	return true;
}

static bool get_map(struct reader *r, int depth, struct value *v)
{
	size_t n;
	if (!get_count(r, &n))
		return false;
	map_reserve(r->a, v, n < BELIEVED ? n : BELIEVED);
	for (size_t i = 0; i < n; i++) {
		struct str key;
		struct pos pos = {0};
		struct value *item;
		if (!get_str(r, &key) || (r->pos && !get_pos(r, &pos)))
			return false;
		if (map_get(v, key))
			return report_damage(r, "a duplicate key");
		if (!get_value(r, depth + 1, &item))
			return false;
		map_set_at(r->a, v, key, pos, item);
	}
	return true;
}

static bool get_blob(struct reader *r, struct value *v)
{
	const unsigned char *p = NULL;
	unsigned char with, digest[SHA256_LEN];
	if (!get_raw(r, SHA256_LEN, &p))
		return false;
	v->blob.sha = (const unsigned char *)str_dup(r->a, (const char *)p, SHA256_LEN).p;
	if (!get_number(r, &v->blob.size) || !get_byte(r, &with))
		return false;
	if (with == BLOB_LEFT_OUT)
		return true;
	if (with != BLOB_BYTES)
		return report_damage(r, "an unknown form of content");
	if (!get_str(r, &v->blob.bytes))
		return false;
	sha256(v->blob.bytes.p, v->blob.bytes.n, digest);
	if (v->blob.bytes.n != v->blob.size || memcmp(digest, v->blob.sha, SHA256_LEN) != 0)
		return report_damage(r, "a content does not match its digest");
	return true;
}

static bool get_int(struct reader *r, struct value *v)
{
	uint64_t x;
	if (!get_number(r, &x))
		return false;
	v->i = (int64_t)(x >> 1 ^ (x & 1 ? ~(uint64_t)0 : 0));
	return true;
}

static bool get_double(struct reader *r, struct value *v)
{
	const unsigned char *p = NULL;
	uint64_t bits = 0;
	if (!get_raw(r, 8, &p))
		return false;
	for (int i = 0; i < 8; i++)
		bits |= (uint64_t)p[i] << (8 * i);
	memcpy(&v->f, &bits, sizeof(v->f));
	return true;
}

static bool get_bool(struct reader *r, struct value *v)
{
	unsigned char c;
	if (!get_byte(r, &c))
		return false;
	if (c > 1)
		return report_damage(r, "a boolean is neither true nor false");
	v->b = c;
	return true;
}

static bool get_content(struct reader *r, int depth, struct value *v)
{
	switch (v->type) {
	case VALUE_NULL:
		return true;
	case VALUE_BOOL:
		return get_bool(r, v);
	case VALUE_INT:
		return get_int(r, v);
	case VALUE_FLOAT:
		return get_double(r, v);
	case VALUE_LIST:
		return get_list(r, depth, v);
	case VALUE_MAP:
		return get_map(r, depth, v);
	case VALUE_BLOB:
		return get_blob(r, v);
	default:
		return get_str(r, &v->s);
	}
}

static bool get_value(struct reader *r, int depth, struct value **out)
{
	unsigned char head;
	if (depth > CODEC_DEPTH)
		return report_damage(r, "it is nested too deeply");
	if (arena_held(r->a) > r->most)
		return report_damage(r, "it takes too much memory");
	if (!get_byte(r, &head))
		return false;
	if ((head & HEAD_TYPE) > VALUE_UNDEFINED)
		return report_damage(r, "an unknown type");
	struct value *v = value_null(r->a);
	v->type = (enum value_type)(head & HEAD_TYPE);
	v->secret = head & HEAD_SECRET;
	v->literal = head & HEAD_LITERAL;
	if ((head & HEAD_POS) && !get_pos(r, &v->pos))
		return false;
	if ((head & HEAD_SRC) && v->type >= VALUE_LIST && v->type <= VALUE_BLOB)
		return report_damage(r, "a source text for a value that has none");
	if ((head & HEAD_SRC) && !get_str(r, &v->src))
		return false;
	*out = v;
	return get_content(r, depth, v);
}

bool value_decode_within(
	struct arena *a, const void *p, size_t n, size_t most, struct value **out, struct err *e)
{
	struct reader r = {.a = a, .p = p, .start = p, .e = e};
	r.most = most < SIZE_MAX - arena_held(a) ? arena_held(a) + most : SIZE_MAX;
	unsigned char form;
	r.end = r.p + n;
	if (!get_byte(&r, &form))
		return false;
	if (form & ~CODEC_POS)
		return report_damage(&r, "an unknown form");
	r.pos = form & CODEC_POS;
	if (!get_value(&r, 1, out))
		return false;
	return r.p == r.end ? true : report_damage(&r, "something follows it");
}

bool value_decode(struct arena *a, const void *p, size_t n, struct value **out, struct err *e)
{
	return value_decode_within(a, p, n, SIZE_MAX, out, e);
}
