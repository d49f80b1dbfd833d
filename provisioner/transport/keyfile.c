/* SPDX-License-Identifier: MIT
 *
 * Reads private key files to find who can use them: libssh2, ssh, or nobody without a passphrase.
 * Never decrypts one and never keeps its private part.
 */
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include "transport/keyfile.h"

enum { KEY_FILE_MAX = 64 << 10 };

#define OPENSSH_MAGIC "openssh-key-v1" /* openssh's PROTOCOL.key; a NUL follows */

struct reader {
	const unsigned char *p;
	size_t n;
};

static bool take_u32(struct reader *r, uint32_t *v)
{
	if (r->n < 4)
		return false;
	*v = (uint32_t)r->p[0] << 24 | (uint32_t)r->p[1] << 16 | (uint32_t)r->p[2] << 8 | r->p[3];
	r->p += 4;
	r->n -= 4;
	return true;
}

static bool take_string(struct reader *r, struct str *s)
{
	uint32_t n;
	if (!take_u32(r, &n) || n > r->n)
		return false;
	*s = (struct str){(const char *)r->p, n};
	r->p += n;
	r->n -= n;
	return true;
}

/* The text between the armour lines, without line ends. */
static bool read_armoured(struct arena *a, struct str text, struct str *out)
{
	const char *start = strchr(text.p, '\n'), *end = strstr(text.p, "\n-----END ");
	if (!start || !end || end < start)
		return false;
	struct buf b;
	buf_init(&b, KEY_FILE_MAX);
	for (const char *p = start; p < end; p++)
		if (*p != '\n' && *p != '\r')
			buf_addc(&b, *p);
	struct str joined = buf_str(a, &b);
	buf_free(&b);
	return base64_decode(a, joined, out);
}

static void set_kind(struct arena *a, struct keyfile *k, struct str type)
{
	k->served = str_is(type, "ssh-ed25519") || str_starts(type, "ecdsa-sha2-");
	if (str_is(type, "ssh-rsa"))
		k->kind = "RSA";
	else if (str_is(type, "ssh-ed25519"))
		k->kind = "ed25519";
	else if (k->served)
		k->kind = "ECDSA";
	else
		k->kind = arena_printf(a, STR_FMT, STR_ARG(type));
}

static bool look_openssh(struct arena *a, struct str text, struct keyfile *k)
{
	struct str raw, cipher, kdf, options, type;
	uint32_t keys;
	if (!read_armoured(a, text, &raw) || raw.n < sizeof OPENSSH_MAGIC ||
		memcmp(raw.p, OPENSSH_MAGIC, sizeof OPENSSH_MAGIC) != 0)
		return false;
	struct reader r = {
		(const unsigned char *)raw.p + sizeof OPENSSH_MAGIC, raw.n - sizeof OPENSSH_MAGIC};
	if (!take_string(&r, &cipher) || !take_string(&r, &kdf) || !take_string(&r, &options) ||
		!take_u32(&r, &keys) || keys != 1 || !take_string(&r, &k->blob))
		return false;
	struct reader blob = {(const unsigned char *)k->blob.p, k->blob.n};
	if (!take_string(&blob, &type))
		return false;
	k->blob = str_dup(a, k->blob.p, k->blob.n);
	k->encrypted = !str_is(cipher, "none");
	set_kind(a, k, type);
	return true;
}

static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	*(bool *)ctx = true;
	return -1;
}

static bool look_pem(struct str text, struct keyfile *k)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &k->encrypted);
	int type = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
	EVP_PKEY_free(key);
	BIO_free(bio);
	k->kind = type == EVP_PKEY_RSA       ? "RSA"
		  : type == EVP_PKEY_EC      ? "ECDSA"
		  : type == EVP_PKEY_ED25519 ? "ed25519"
					     : "PEM";
	k->served = type == EVP_PKEY_EC || type == EVP_PKEY_ED25519;
	return type != EVP_PKEY_NONE || k->encrypted;
}

/* Like ssh, refuses our own key file when others can read it. */
static bool for_us_alone(const char *path, struct err *e)
{
	struct stat st;
	if (stat(path, &st) < 0 || st.st_uid != geteuid() || !(st.st_mode & 077))
		return true;
	return err_set(e, ERR_CONFIG,
		"%s is a private key that others can read (mode %04o); run: chmod 600 %s", path,
		(unsigned)st.st_mode & 07777, path);
}

bool keyfile_look(struct arena *a, const char *path, struct keyfile *k, struct err *e)
{
	struct arena *scratch = arena_new();
	struct str text;
	*k = (struct keyfile){0};
	bool ok = file_read_opt(scratch, path, KEY_FILE_MAX, &text, &k->found, e) &&
		  (!k->found || for_us_alone(path, e));
	if (ok && k->found) {
		bool known = strstr(text.p, "-----BEGIN OPENSSH PRIVATE KEY-----")
				     ? look_openssh(a, text, k)
				     : look_pem(text, k);
		if (!known)
			ok = err_set(e, ERR_CONFIG, "%s is not a private key", path);
		explicit_bzero((char *)text.p, text.n);
	}
	if (k->served && access(arena_printf(scratch, "%s-cert.pub", path), R_OK) == 0)
		k->served = false;
	arena_free(scratch);
	return ok;
}
