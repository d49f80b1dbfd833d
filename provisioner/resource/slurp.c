/* SPDX-License-Identifier: MIT
 *
 * slurp: the content of a file on the host. Read-only: changes nothing.
 */
#include "resource/resource.h"
#include "resource/types.h"

enum { SLURP_MAX = 8 << 20 };

static bool observe_slurp(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *src = map_cstr(params, "src", "");
	struct str bytes;
	if (probe_waits(h, &restype_slurp, o))
		return true;
	if (!file_read(h->a, src, SLURP_MAX, &bytes, e))
		return false;
	struct value *content = value_str(h->a, base64(h->a, bytes.p, bytes.n));
	content->literal = true;
	map_put(h->a, o->result, "content", content);
	map_put(h->a, o->result, "encoding", value_text(h->a, "base64"));
	map_put(h->a, o->result, "source", value_text(h->a, src));
	return true;
}

static const struct field fields[] = {
	{.name = "src",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.aliases = "path",
		.doc = "The file to read."},
	{.name = NULL},
};

static const struct field returns[] = {
	{.name = "content",
		.kind = FIELD_STR,
		.doc = "The content in base64; decode it with b64decode."},
	{.name = "encoding", .kind = FIELD_STR, .doc = "base64"},
	{.name = "source", .kind = FIELD_PATH, .doc = "The file."},
	{.name = NULL},
};

const struct restype restype_slurp = {
	.name = "slurp",
	.full_names = BUILTIN_NAMES("slurp"),
	.key = "src",
	.doc = "Reads a file from the host.",
	.example = "- slurp:\n    src: /etc/mailname\n  register: mailname\n",
	.fields = fields,
	.returns = returns,
	.class = RES_FILE,
	.probe = true,
	.observe = observe_slurp,
};
