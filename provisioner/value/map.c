/* SPDX-License-Identifier: MIT
 *
 * Maps: entries in insertion order, with a hash index in large ones. Entries are never removed.
 */
#include "value/value.h"

enum { INDEX_FROM = 9 }; /* smaller maps are searched linearly */
#define NO_SLOT SIZE_MAX

static uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static size_t slot_of(const struct value *map, struct str key, uint64_t hash)
{
	size_t mask = map->map.index_cap - 1, slot = hash & mask;
	const struct map_slot *index = map->map.index;
	while (index[slot].at && (index[slot].tag != tag_of(hash) ||
					 !str_eq(map->map.e[index[slot].at - 1].key, key)))
		slot = (slot + 1) & mask;
	return slot;
}

/* The index is at most half full. */
static void index_build(struct arena *a, struct value *map)
{
	size_t cap = 32;
	while (cap < map->map.cap * 2)
		cap *= 2;
	map->map.index = ARENA_ARRAY(a, struct map_slot, cap);
	map->map.index_cap = cap;
	for (size_t i = 0; i < map->map.n; i++) {
		struct str key = map->map.e[i].key;
		uint64_t hash = hash64(key.p, key.n);
		map->map.index[slot_of(map, key, hash)] =
			(struct map_slot){(uint32_t)i + 1, tag_of(hash)};
	}
}

static struct map_entry *find_entry(const struct value *map, struct str key)
{
	if (!map || map->type != VALUE_MAP)
		return NULL;
	if (map->map.index) {
		uint32_t at = map->map.index[slot_of(map, key, hash64(key.p, key.n))].at;
		return at ? &map->map.e[at - 1] : NULL;
	}
	for (size_t i = 0; i < map->map.n; i++)
		if (str_eq(map->map.e[i].key, key))
			return &map->map.e[i];
	return NULL;
}

static void widen_map(struct arena *a, struct value *map, size_t cap)
{
	struct map_entry *wider = ARENA_ARRAY(a, struct map_entry, cap);
	if (map->map.n)
		memcpy(wider, map->map.e, map->map.n * sizeof(*wider));
	map->map.e = wider;
	map->map.cap = cap;
}

/* slot: the free slot of the index for this key, or NO_SLOT if it is not known. */
static struct map_entry *append_entry(
	struct arena *a, struct value *map, struct str key, size_t slot, uint64_t hash)
{
	bool grown = map->map.n == map->map.cap;
	if (grown)
		widen_map(a, map, map->map.cap ? map->map.cap * 2 : 4);
	if (map->map.n >= UINT32_MAX)
		panic("map: too many keys");
	struct map_entry *entry = &map->map.e[map->map.n++];
	*entry = (struct map_entry){.key = key};
	if (map->map.index && !grown) {
		if (slot == NO_SLOT) {
			hash = hash64(key.p, key.n);
			slot = slot_of(map, key, hash);
		}
		map->map.index[slot] = (struct map_slot){map->map.n, tag_of(hash)};
	} else if (map->map.n >= INDEX_FROM)
		index_build(a, map);
	return entry;
}

void map_reserve(struct arena *a, struct value *map, size_t n)
{
	if (n > map->map.cap) {
		widen_map(a, map, n);
		if (map->map.index)
			index_build(a, map);
	}
}

void map_append(
	struct arena *a, struct value *map, struct str key, struct pos key_pos, struct value *v)
{
	struct map_entry *entry = append_entry(a, map, key, NO_SLOT, 0);
	entry->key_pos = key_pos;
	entry->value = v;
}

static struct map_entry *entry_for(struct arena *a, struct value *map, struct str key)
{
	if (map->type != VALUE_MAP)
		panic("map_set '" STR_FMT "' on %s", STR_ARG(key), value_type_name(map));
	uint64_t hash = map->map.index ? hash64(key.p, key.n) : 0;
	size_t slot = map->map.index ? slot_of(map, key, hash) : NO_SLOT;
	if (slot != NO_SLOT && map->map.index[slot].at)
		return &map->map.e[map->map.index[slot].at - 1];
	struct map_entry *entry = slot == NO_SLOT ? find_entry(map, key) : NULL;
	return entry ? entry : append_entry(a, map, key, slot, hash);
}

void map_set(struct arena *a, struct value *map, struct str key, struct value *v)
{
	entry_for(a, map, key)->value = v;
}

void map_set_at(
	struct arena *a, struct value *map, struct str key, struct pos key_pos, struct value *v)
{
	struct map_entry *entry = entry_for(a, map, key);
	entry->key_pos = key_pos;
	entry->value = v;
}

void map_put(struct arena *a, struct value *map, const char *key, struct value *v)
{
	map_set(a, map, str_dup(a, key, strlen(key)), v);
}

void map_put_text(struct arena *a, struct value *map, const char *key, const char *text)
{
	if (text)
		map_put(a, map, key, value_text(a, text));
}

struct value *map_get(const struct value *map, struct str key)
{
	const struct map_entry *entry = find_entry(map, key);
	return entry ? entry->value : NULL;
}

struct value *map_at(const struct value *map, const char *key)
{
	return map_get(map, str_c(key));
}

struct value *map_typed(const struct value *map, const char *key, enum value_type type)
{
	struct value *v = map ? map_at(map, key) : NULL;
	return v && v->type == type ? v : NULL;
}

struct pos entry_pos(const struct map_entry *e)
{
	return e->key_pos.line ? e->key_pos : e->value->pos;
}

const struct map_entry *map_entry(const struct value *map, struct str key)
{
	return find_entry(map, key);
}

const char *map_cstr(const struct value *map, const char *key, const char *dflt)
{
	const struct value *v = map_at(map, key);
	return v && v->type == VALUE_STR ? v->s.p : dflt;
}

bool map_bool(const struct value *map, const char *key, bool dflt)
{
	const struct value *v = map_at(map, key);
	return v && v->type == VALUE_BOOL ? v->b : dflt;
}

int64_t map_int(const struct value *map, const char *key, int64_t dflt)
{
	const struct value *v = map_at(map, key);
	return v && v->type == VALUE_INT ? v->i : dflt;
}
