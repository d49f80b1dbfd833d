/* SPDX-License-Identifier: MIT
 *
 * The binary encoding of a value, for the wire and for saved plans, and the digest of it. Secrets
 * are encoded in plain text, with a mark: whoever stores the bytes stores the secrets.
 *
 * An encoded value is a head byte (type and flags), its position if present, its source text if
 * present, and its content. Numbers are base-128, least significant group first, at most ten bytes.
 */
#include "value/codec.h"

enum { FORM_DIGEST = 1 << 8 }; /* in addition to codec_flags: equal values have equal bytes */

static void put_number(struct buf *b, uint64_t x)
{
	for (; x >= 0x80; x >>= 7)
		buf_addc(b, (char)(x | 0x80));
	buf_addc(b, (char)x);
}

static void put_str(struct buf *b, struct str s)
{
	put_number(b, s.n);
	buf_add(b, s.p, s.n);
}

static void put_pos(struct buf *b, struct pos pos)
{
	put_number(b, pos.line);
	put_number(b, pos.col);
	put_str(b, str_c(pos.file ? pos.file : ""));
}

static void put_u64(struct buf *b, uint64_t x)
{
	for (int i = 0; i < 8; i++)
		buf_addc(b, (char)(x >> (8 * i)));
}

static void put_double(struct buf *b, double f)
{
	uint64_t bits;
	memcpy(&bits, &f, sizeof(bits));
	put_u64(b, bits);
}

static uint64_t encode_zigzag(int64_t i)
{
	return (uint64_t)i << 1 ^ (i < 0 ? ~(uint64_t)0 : 0);
}

static int by_key(const void *a, const void *b)
{
	const struct map_entry *const *x = a, *const *y = b;
	return str_cmp((*x)->key, (*y)->key);
}

static void put_value(struct buf *b, const struct value *v, int form);

static void put_entry(struct buf *b, const struct map_entry *m, int form)
{
	put_str(b, m->key);
	if (form & CODEC_POS)
		put_pos(b, m->key_pos);
	put_value(b, m->value, form);
}

static void put_map(struct buf *b, const struct value *v, int form)
{
	put_number(b, v->map.n);
	if (!(form & FORM_DIGEST)) {
		for (size_t i = 0; i < v->map.n; i++)
			put_entry(b, &v->map.e[i], form);
		return;
	}
	struct arena *a = arena_new();
	const struct map_entry **sorted = ARENA_ARRAY(a, const struct map_entry *, v->map.n);
	for (size_t i = 0; i < v->map.n; i++)
		sorted[i] = &v->map.e[i];
	if (v->map.n)
		qsort(sorted, v->map.n, sizeof(struct map_entry *), by_key);
	for (size_t i = 0; i < v->map.n; i++)
		put_entry(b, sorted[i], form);
	arena_free(a);
}

static void put_blob(struct buf *b, const struct value *v, int form)
{
	bool bytes = (form & CODEC_BLOBS) && v->blob.bytes.p;
	buf_add(b, v->blob.sha, SHA256_LEN);
	put_number(b, v->blob.size);
	buf_addc(b, bytes ? BLOB_BYTES : BLOB_LEFT_OUT);
	if (bytes)
		put_str(b, v->blob.bytes);
}

static void put_content(struct buf *b, const struct value *v, int form)
{
	switch (v->type) {
	case VALUE_NULL:
		break;
	case VALUE_BOOL:
		buf_addc(b, v->b ? 1 : 0);
		break;
	case VALUE_INT:
		put_number(b, encode_zigzag(v->i));
		break;
	case VALUE_FLOAT:
		put_double(b, v->f);
		break;
	case VALUE_LIST:
		put_number(b, v->list.n);
		for (size_t i = 0; i < v->list.n; i++)
			put_value(b, v->list.v[i], form);
		break;
	case VALUE_MAP:
		put_map(b, v, form);
		break;
	case VALUE_BLOB:
		put_blob(b, v, form);
		break;
	default:
		put_str(b, v->s);
	}
}

/* Numbers that are equal in Python may differ in type: encodes them alike. */
static const struct value *canonical_number(const struct value *v, struct value *room)
{
	*room = (struct value){.type = VALUE_INT};
	if (v->type == VALUE_BOOL)
		room->i = v->b;
	else if (v->type == VALUE_FLOAT && v->f >= -0x1p63 && v->f < 0x1p63 &&
		 (double)(int64_t)v->f == v->f)
		room->i = (int64_t)v->f;
	else
		return v;
	return room;
}

static void put_value(struct buf *b, const struct value *v, int form)
{
	struct value number;
	if (form & FORM_DIGEST)
		v = canonical_number(v, &number);
	bool pos = (form & CODEC_POS) && v->pos.line;
	bool src = !(form & FORM_DIGEST) && value_src(v).p;
	unsigned char head = (unsigned char)v->type;
	if (!(form & FORM_DIGEST)) {
		head |= v->secret ? HEAD_SECRET : 0;
		head |= v->literal ? HEAD_LITERAL : 0;
	}
	head |= pos ? HEAD_POS : 0;
	head |= src ? HEAD_SRC : 0;
	buf_addc(b, (char)head);
	if (pos)
		put_pos(b, v->pos);
	if (src)
		put_str(b, v->src);
	put_content(b, v, form);
}

void value_encode(struct buf *b, const struct value *v, enum codec_flags flags)
{
	buf_addc(b, (char)(flags & CODEC_POS));
	put_value(b, v, (int)flags);
}

void value_digest(const struct value *v, unsigned char out[SHA256_LEN])
{
	struct buf b;
	buf_init(&b, SIZE_MAX / 2);
	put_value(&b, v, FORM_DIGEST);
	sha256(b.p, b.n, out);
	buf_free(&b);
}
