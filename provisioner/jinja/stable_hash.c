/* SPDX-License-Identifier: MIT
 *
 * Password hashes that are the same in every run, computed in parallel. One takes some five
 * milliseconds, so all processors are used; the threads share only the list.
 */
#include <crypt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include "jinja/jinja.h"

enum { THREADS_MAX = 64, SALT_LEN = 16 };

const char salt_digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct stable_hashing {
	struct stable_hash *v;
	size_t n;
	atomic_size_t next;
	pthread_t thread[THREADS_MAX];
	size_t threads;
};

/* The salt is made from the name only: a salt is public, and one made from the password would be a
 * fast digest to guess against. Equal passwords of two names have different hashes. */
static void put_setting(char setting[SALT_LEN + 8], struct str name)
{
	static const char purpose[] = "provision-salt"; /* its NUL is hashed, too */
	unsigned char md[SHA256_LEN];
	char salt[SALT_LEN + 1] = {0};
	struct sha256 h;
	sha256_init(&h);
	sha256_add(&h, purpose, sizeof(purpose));
	sha256_add(&h, name.p, name.n);
	sha256_end(&h, md);
	for (int i = 0; i < SALT_LEN; i++)
		salt[i] = salt_digits[md[i] & 63];
	snprintf(setting, SALT_LEN + 8, "$6$%s$", salt);
}

static void hash_one(struct stable_hash *h, struct crypt_data *data)
{
	char setting[SALT_LEN + 8];
	h->text[0] = 0;
	if (strlen(h->password.p) != h->password.n)
		return;
	put_setting(setting, h->name);
	const char *out = crypt_r(h->password.p, setting, data);
	if (out && out[0] == '$' && strlen(out) < sizeof(h->text))
		memcpy(h->text, out, strlen(out) + 1);
}

static void *hash_some(void *ctx)
{
	struct stable_hashing *w = ctx;
	struct crypt_data *data = calloc(1, sizeof(*data));
	if (!data)
		panic("out of memory");
	for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->n;)
		hash_one(&w->v[i], data);
	explicit_bzero(data, sizeof(*data));
	free(data);
	return NULL;
}

struct stable_hashing *stable_hashes_begin(struct stable_hash *v, size_t n)
{
	struct stable_hashing *w = calloc(1, sizeof(*w));
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	if (!w)
		panic("out of memory");
	w->v = v;
	w->n = n;
	while (w->threads < THREADS_MAX && (long)w->threads + 1 < processors && w->threads < n &&
		pthread_create(&w->thread[w->threads], NULL, hash_some, w) == 0)
		w->threads++;
	return w;
}

void stable_hashes_end(struct stable_hashing *w)
{
	hash_some(w);
	for (size_t i = 0; i < w->threads; i++)
		pthread_join(w->thread[i], NULL);
	free(w);
}

void stable_hashes(struct stable_hash *v, size_t n)
{
	stable_hashes_end(stable_hashes_begin(v, n));
}
