/* SPDX-License-Identifier: MIT
 *
 * Checks a host's key against known_hosts, with what libssh2's own reader lacks: file and line in
 * the messages, patterns, @revoked, and tolerance for lines of unknown kinds. Never changes an
 * existing line; adds a new one only on request.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "transport/hostkey.h"
#include "transport/pattern.h"

enum {
	KNOWN_HOSTS_MAX = 32 << 20,
	LOCK_TRIES = 50,
	LOCK_WAIT_US = 10000,
};

enum mark { MARK_NONE, MARK_REVOKED, MARK_CA };
struct entry {
	struct entry *next;
	enum mark mark;
	bool exact; /* by the name with its port; else by the bare name */
	struct str type, key;
	const char *file;
	unsigned line;
};
struct hostkeys {
	struct arena *a;
	struct arena *scratch; /* while reading: the file, and its hash state */
	const struct target *target;
	const char *label;
	const char *name;  /* in known_hosts' form: address, or [address]:port */
	const char *plain; /* the bare address, when `name` has a port; else NULL */
	const char *file;  /* new keys are added there */
	struct entry *first, **last;
};

static const char *const served[] = {/* supported by libssh2 1.10, in order of preference */
	"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"};

/* ---- keys ---- */

struct str key_type(struct arena *a, const void *key, size_t n)
{
	const unsigned char *p = key;
	if (n < 4)
		return str_c("");
	size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (len > n - 4 || len > 64)
		return str_c("");
	return str_dup(a, (const char *)p + 4, len);
}

const char *key_fingerprint(struct arena *a, const void *key, size_t n)
{
	unsigned char sum[SHA256_LEN];
	sha256(key, n, sum);
	struct str text = base64(a, sum, sizeof sum);
	while (text.n && text.p[text.n - 1] == '=')
		text.n--;
	return arena_printf(a, "SHA256:" STR_FMT, STR_ARG(text));
}

/* The type's name in ssh's messages. */
static const char *short_type(struct str type)
{
	if (str_is(type, "ssh-ed25519"))
		return "ED25519";
	if (str_starts(type, "ecdsa-"))
		return "ECDSA";
	if (str_is(type, "ssh-rsa"))
		return "RSA";
	return type.p;
}

/* ---- matching a line's names ---- */

/* |1|salt|hash: HMAC-SHA1 of the name, keyed with the salt. */
static bool hash_matches(struct arena *a, struct str names, const char *name)
{
	const char *bar = memchr(names.p + 3, '|', names.n - 3);
	if (!bar)
		return false;
	struct str salt, want, salt64 = {names.p + 3, (size_t)(bar - names.p) - 3};
	struct str want64 = {bar + 1, names.n - (size_t)(bar - names.p) - 1};
	if (!base64_decode(a, salt64, &salt) || !base64_decode(a, want64, &want))
		return false;
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (want.n != SHA1_LEN ||
		!HMAC(EVP_sha1(), salt.p, (int)salt.n, (const void *)name, strlen(name), sum, &len))
		return false;
	return len == SHA1_LEN && memcmp(sum, want.p, len) == 0;
}

static bool names_match(struct arena *a, struct str names, const char *name)
{
	if (!name)
		return false;
	return str_starts(names, "|1|") ? hash_matches(a, names, name)
					: pattern_list_matches(names, name);
}

/* ---- reading ---- */

/* The next field of [*p, end), between blanks. */
static struct str next_field(const char **p, const char *end)
{
	while (*p < end && (**p == ' ' || **p == '\t'))
		(*p)++;
	const char *start = *p;
	while (*p < end && **p != ' ' && **p != '\t' && **p != '\r')
		(*p)++;
	return (struct str){start, (size_t)(*p - start)};
}

static void read_line(struct hostkeys *h, const char *file, unsigned line, struct str text)
{
	const char *p = text.p, *end = text.p + text.n;
	struct str names = next_field(&p, end);
	enum mark mark = MARK_NONE;
	if (names.n == 0 || names.p[0] == '#')
		return;
	if (names.p[0] == '@') {
		mark = str_is(names, "@revoked") ? MARK_REVOKED : MARK_CA;
		if (mark == MARK_CA && !str_is(names, "@cert-authority"))
			return;
		names = next_field(&p, end);
	}
	struct str type = next_field(&p, end), key64 = next_field(&p, end), key;
	bool exact = names_match(h->scratch, names, h->name);
	if (key64.n == 0 || (!exact && !names_match(h->scratch, names, h->plain)))
		return;
	if (!base64_decode(h->a, key64, &key))
		return;
	struct entry *e = ARENA_NEW(h->a, struct entry);
	*e = (struct entry){.mark = mark, .exact = exact, .key = key, .file = file, .line = line};
	e->type = str_dup(h->a, type.p, type.n);
	*h->last = e;
	h->last = &e->next;
}

static bool read_file(struct hostkeys *h, const char *file, struct err *e)
{
	struct str text;
	bool found;
	if (!file_read_opt(h->scratch, file, KNOWN_HOSTS_MAX, &text, &found, e))
		return err_prefix(e, "known_hosts");
	unsigned line = 0;
	for (const char *p = text.p; found && p < text.p + text.n;) {
		const char *nl = memchr(p, '\n', (size_t)(text.p + text.n - p));
		const char *end = nl ? nl : text.p + text.n;
		read_line(h, file, ++line, (struct str){p, (size_t)(end - p)});
		p = end + 1;
	}
	return true;
}

struct hostkeys *hostkeys_load(
	struct arena *a, const struct target *t, const char *label, struct err *e)
{
	struct hostkeys *h = ARENA_NEW(a, struct hostkeys);
	*h = (struct hostkeys){.a = a, .target = t, .label = label, .name = t->connection.address};
	h->last = &h->first;
	if (target_port(t) != 22) {
		h->plain = t->connection.address;
		h->name = arena_printf(a, "[%s]:%d", t->connection.address, target_port(t));
	}
	h->file = t->known_hosts ? t->known_hosts
				 : arena_printf(a, "%s/.ssh/known_hosts", home_dir(a));
	h->scratch = arena_new();
	bool ok = read_file(h, h->file, e) &&
		  (t->known_hosts || read_file(h, "/etc/ssh/ssh_known_hosts", e));
	arena_free(h->scratch);
	h->scratch = NULL;
	return ok ? h : NULL;
}

/* ---- judging ---- */

/* The matching lines: those with the exact name; without any, those with the bare address. */
static bool entry_counts(const struct entry *e, bool exact)
{
	return e->mark != MARK_REVOKED && e->exact == exact;
}

static bool has_exact(const struct hostkeys *h)
{
	for (const struct entry *e = h->first; e; e = e->next)
		if (entry_counts(e, true))
			return true;
	return false;
}

static const struct entry *find_type(const struct hostkeys *h, const char *type, bool exact)
{
	for (const struct entry *e = h->first; e; e = e->next)
		if (entry_counts(e, exact) && e->mark == MARK_NONE && str_is(e->type, type))
			return e;
	return NULL;
}

const char *hostkeys_methods(struct arena *a, const struct hostkeys *h)
{
	struct buf list;
	bool exact = has_exact(h), any = false, known = false;
	buf_init(&list, 1024);
	for (int wanted = 1; wanted >= 0; wanted--) {
		for (size_t i = 0; i < ARRAY_LEN(served); i++) {
			if ((find_type(h, served[i], exact) != NULL) != wanted)
				continue;
			known |= wanted;
			buf_addf(&list, "%s%s", list.n ? "," : "", served[i]);
		}
	}
	for (const struct entry *e = h->first; e; e = e->next)
		any |= entry_counts(e, true);
	const char *methods = buf_str(a, &list).p;
	buf_free(&list);
	return any && !known ? NULL : methods;
}

static bool same_key(const struct entry *e, const void *key, size_t n)
{
	return e->key.n == n && memcmp(e->key.p, key, n) == 0;
}

static bool refuse_changed(const struct hostkeys *h, const struct entry *known, const char *print,
	struct str type, struct err *e)
{
	return err_set(e, ERR_UNREACHABLE,
		"HOST KEY CHANGED: %s presents %s (%s), but %s:%u has another key (%s). Either "
		"the host was reinstalled or somebody intercepts the connection: ask its "
		"administrator. If it is right, remove the old key with: ssh-keygen -f '%s' -R "
		"'%s'",
		h->label, print, short_type(type), known->file, known->line,
		short_type(known->type), known->file, h->name);
}

static bool refuse_unknown(
	const struct hostkeys *h, const char *print, struct str type, struct err *e)
{
	const char *kind = str_is(type, "ssh-ed25519") ? "ed25519" : "ecdsa";
	return err_set(e, ERR_UNREACHABLE,
		"the host key of %s is not known: %s (%s). Compare it with the key on the host "
		"(ssh-keygen -lf /etc/ssh/ssh_host_%s_key.pub), then run again with "
		"--accept-new-host-keys, or add it with: ssh-keyscan -p %d %s >> %s",
		h->label, print, short_type(type), kind, target_port(h->target),
		h->target->connection.address, h->file);
}

/* ---- writing a new key down ---- */

static int open_locked(struct arena *a, const char *file, struct err *e)
{
	if (!mkdirs(path_dir(a, file), 0700, e))
		return -1;
	int fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_errno(e, "%s", file);
		return -1;
	}
	/* One write appends atomically, with or without the lock; the lock only keeps a second run
	 * from adding the same line, so the wait for it is limited. */
	for (int i = 0; i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) < 0; i++)
		usleep(LOCK_WAIT_US);
	return fd;
}

static bool ends_without_newline(int fd)
{
	struct stat st;
	char last;
	return fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
	       last != '\n';
}

static bool write_down(const struct hostkeys *h, const void *key, size_t n, struct err *e)
{
	struct str type = key_type(h->a, key, n), text = base64(h->a, key, n);
	int fd = open_locked(h->a, h->file, e);
	if (fd < 0)
		return false;
	struct str line = str_printf(h->a, "%s%s " STR_FMT " " STR_FMT "\n",
		ends_without_newline(fd) ? "\n" : "", h->name, STR_ARG(type), STR_ARG(text));
	bool ok = write(fd, line.p, line.n) == (ssize_t)line.n;
	if (!ok)
		err_errno(e, "%s: cannot store the host key", h->file);
	close(fd);
	return ok;
}

bool hostkeys_check(const struct hostkeys *h, const void *key, size_t n, struct err *e)
{
	struct str type = key_type(h->a, key, n);
	const char *print = key_fingerprint(h->a, key, n);
	const struct entry *other = NULL;
	bool ok = false;
	for (const struct entry *k = h->first; k; k = k->next) {
		if (k->mark == MARK_REVOKED && same_key(k, key, n))
			return err_set(e, ERR_UNREACHABLE,
				"the host key of %s is revoked: %s (%s) by %s:%u", h->label, print,
				short_type(type), k->file, k->line);
		ok |= k->mark == MARK_NONE && same_key(k, key, n);
		if (k->mark == MARK_NONE && k->exact && (!other || str_eq(k->type, type)))
			other = k;
	}
	if (ok)
		return true;
	if (other)
		return refuse_changed(h, other, print, type, e);
	if (!h->target->accept_new)
		return refuse_unknown(h, print, type, e);
	return write_down(h, key, n, e);
}
