/* SPDX-License-Identifier: MIT
 *
 * The list of the keys that were made here, FOLDER/.made: on each line a name and the digest of its
 * key. It shows whether somebody changed a key later. Holds nothing secret.
 */
#include "mailhost/dkim_made.h"
#include "host/path.h"

#define LIST ".made"
enum { LIST_MODE = 0600 };

static const char *digest_of(struct arena *a, struct str key)
{
	unsigned char sha[SHA256_LEN];
	char text[SHA256_HEX];
	struct str s = str_trim(a, key);
	sha256(s.p, s.n, sha);
	hex(sha, sizeof(sha), text);
	return arena_strdup(a, text);
}

bool dkim_made_read(struct dkim_made *m, struct host *h, const char *folder, struct err *e)
{
	struct str text;
	struct line line;
	bool found;
	*m = (struct dkim_made){
		.h = h, .path = path_join(h->a, folder, LIST), .digests = value_map(h->a)};
	if (!path_read(h->a, m->path, FILE_MAX, &text, &found, e))
		return false;
	while (line_next(&text, &line)) {
		const char *blank = memchr(line.p, ' ', line.n);
		size_t n = blank ? (size_t)(blank - line.p) : 0;
		if (n && line.n - n == SHA256_HEX) /* a blank and the digits */
			map_set(h->a, m->digests, str_dup(h->a, line.p, n),
				value_str(h->a, str_dup(h->a, blank + 1, line.n - n - 1)));
	}
	return true;
}

bool dkim_made_differs(const struct dkim_made *m, const char *name, struct str key)
{
	const struct value *made = map_at(m->digests, name);
	return made && strcmp(made->s.p, digest_of(m->h->a, key)) != 0;
}

void dkim_made_note(struct dkim_made *m, const char *name, struct str key)
{
	const struct value *made = map_at(m->digests, name);
	const char *digest = digest_of(m->h->a, key);
	if (made && strcmp(made->s.p, digest) == 0)
		return;
	map_put(m->h->a, m->digests, arena_strdup(m->h->a, name), value_text(m->h->a, digest));
	m->changed = true;
}

bool dkim_made_write(struct dkim_made *m, struct err *e)
{
	struct file_attr attr = {LIST_MODE, (uid_t)-1, (gid_t)-1};
	struct buf b;
	if (!m->changed)
		return true;
	buf_init(&b, FILE_MAX);
	for (size_t i = 0; i < m->digests->map.n; i++)
		buf_addf(
			&b, "%s %s\n", m->digests->map.e[i].key.p, m->digests->map.e[i].value->s.p);
	bool ok = file_replace(m->path, b.p, b.n, attr, e);
	buf_free(&b);
	return ok;
}
