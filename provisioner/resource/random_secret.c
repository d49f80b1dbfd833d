/* SPDX-License-Identifier: MIT
 *
 * The type `random_secret`: a file with a secret that the host generates once. Never sends the
 * secret anywhere, and never replaces a suitable one.
 */
#include <sys/random.h>
#include "host/path.h"
#include "resource/types.h"

enum { SECRET_MODE = 0600, SECRET_MIN = 16, SECRET_MAX = 128, SECRET_FILE = 64 << 10 };
#define PLACE "@SECRET@"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define BASE64 LETTERS "+/=" /* characters of a secret that this type did not generate */

static const struct field random_secret_fields[] = {
	{.name = "path",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.aliases = "dest name",
		.doc = "The file."},
	{.name = "content",
		.kind = FIELD_STR,
		.dflt = PLACE "\n",
		.doc = "The content; " PLACE " stands for the secret."},
	{.name = "length",
		.kind = FIELD_INT,
		.min = SECRET_MIN,
		.max = SECRET_MAX,
		.dflt = "32",
		.doc = "Number of letters and digits of a new secret; an existing one may have "
		       "another length, at least 16, and be Base64."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field random_secret_returns[] = {
	{.name = "path", .kind = FIELD_PATH, .doc = "The file."},
	{0},
};

static bool random_secret_check(const struct value *params, struct errs *errs)
{
	const struct value *content = map_at(params, "content");
	const char *at = content && content->type == VALUE_STR ? strstr(content->s.p, PLACE) : NULL;
	if (!content || content->type != VALUE_STR)
		return true;
	if (at && !strstr(at + strlen(PLACE), PLACE))
		return true;
	return errs_add(errs, content->pos, "content must contain " PLACE " exactly once");
}

/* Does the file have this content, with any secret in its place? */
static bool fits_content(struct str text, const char *content)
{
	const char *at = strstr(content, PLACE), *rest = at + strlen(PLACE);
	size_t head = (size_t)(at - content), tail = strlen(rest);
	if (text.n < head + tail + SECRET_MIN || memcmp(text.p, content, head) != 0 ||
		memcmp(text.p + text.n - tail, rest, tail) != 0)
		return false;
	return strspn(text.p + head, BASE64) >= text.n - head - tail;
}

static bool random_secret_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	const struct str *text;
	observation_init(h, o);
	if (!path_read_own(h, path, SECRET_FILE, &text, o, e) ||
		(!text && !parent_there(h, path, e)))
		return false;
	if (!text || !fits_content(*text, map_cstr(params, "content", PLACE "\n")))
		observe_run(h, o, "secret",
			text ? "make a new one, because the file has none" : "make");
	map_put(h->a, o->result, "path", value_text(h->a, path));
	return attr_observe(h, path, params, o, e);
}

/* Every letter is equally likely. */
static bool make_secret(char *out, size_t n, struct err *e)
{
	static const char letters[] = LETTERS;
	const unsigned most = 256 - 256 % (sizeof(letters) - 1);
	for (size_t i = 0; i < n;) {
		unsigned char byte;
		if (getrandom(&byte, 1, 0) != 1)
			return err_errno(e, "the kernel returned no random bytes");
		if (byte < most)
			out[i++] = letters[byte % (sizeof(letters) - 1)];
	}
	out[n] = 0;
	return true;
}

static bool random_secret_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", ""), *content;
	char secret[SECRET_MAX + 1];
	if (observed_change(o, "secret")) {
		content = map_cstr(params, "content", PLACE "\n");
		const char *at = strstr(content, PLACE);
		if (!make_secret(secret, (size_t)map_int(params, "length", 32), e))
			return false;
		struct str text = str_printf(
			h->a, "%.*s%s%s", (int)(at - content), content, secret, at + strlen(PLACE));
		if (!write_file(h, path, text, params, SECRET_MODE, e))
			return false;
	}
	return attr_apply(h, path, params, e);
}

const struct restype restype_random_secret = {
	.name = "random_secret",
	.key = "path",
	.doc = "A file with a secret that the host generates once; it never leaves the host.",
	.example = "- name: A password for redis\n  random_secret:\n    path: /etc/redis/secret\n"
		   "    content: \"requirepass @SECRET@\\n\"\n    group: redis\n    mode: '0640'\n",
	.fields = random_secret_fields,
	.returns = random_secret_returns,
	.class = RES_FILE,
	.touches = RES_FILE | RES_SERVICE,
	.check = random_secret_check,
	.observe = random_secret_observe,
	.apply = random_secret_apply,
};
