/* SPDX-License-Identifier: MIT
 *
 * template: a file rendered from a Jinja2 template. Only the table: the controller renders it and
 * turns it into a copy. Does nothing on a host.
 */
#include <strings.h>
#include "host/path.h"
#include "resource/types.h"

#define MARK_FIELD(NAME, USUAL)                                                     \
	{                                                                           \
		.name = (NAME), .kind = FIELD_STR, .doc = "Instead of '" USUAL "'." \
	}

static bool check_template(const struct value *params, struct errs *errs)
{
	const char *newline = map_cstr(params, "newline_sequence", "\\n");
	const char *encoding = map_cstr(params, "output_encoding", "utf-8");
	bool ok = check_validate(params, errs);
	if (strcmp(newline, "\\n") != 0 && strcmp(newline, "\n") != 0)
		ok = errs_add(errs, map_at(params, "newline_sequence")->pos,
			"newline_sequence: only \\n is supported");
	if (strcasecmp(encoding, "utf-8") != 0 && strcasecmp(encoding, "utf8") != 0)
		ok = errs_add(errs, map_at(params, "output_encoding")->pos,
			"output_encoding: only utf-8 is supported");
	return ok;
}

static const struct field fields[] = {
	{.name = "src",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "The template: in the role's templates/, or beside the manifest."},
	{.name = "dest",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.doc = "The file; for a folder, or a path that ends in '/': the file in it with "
		       "the name of src."},
	COPY_FIELDS,
	{.name = "trim_blocks",
		.kind = FIELD_BOOL,
		.dflt = "true",
		.doc = "Remove the newline after a block tag."},
	{.name = "lstrip_blocks",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Remove white space before a block tag at the start of a line."},
	MARK_FIELD("variable_start_string", "{{"),
	MARK_FIELD("variable_end_string", "}}"),
	MARK_FIELD("block_start_string", "{%"),
	MARK_FIELD("block_end_string", "%}"),
	MARK_FIELD("comment_start_string", "{#"),
	MARK_FIELD("comment_end_string", "#}"),
	{.name = "newline_sequence",
		.kind = FIELD_STR,
		.dflt = "\\n",
		.doc = "Line ends of the result; only \\n is supported."},
	{.name = "output_encoding",
		.kind = FIELD_STR,
		.dflt = "utf-8",
		.doc = "Only utf-8 is supported."},
	FILE_ATTR_FIELDS,
	{.name = NULL},
};

const struct restype restype_template = {
	.name = "template",
	.full_names = BUILTIN_NAMES("template"),
	.key = "dest",
	.doc = "A file rendered from a Jinja2 template. For everything else see copy.",
	.example = "- template:\n    src: master.cf.j2\n    dest: /etc/postfix/master.cf\n"
		   "    owner: root\n",
	.fields = fields,
	.returns = copy_returns,
	.class = RES_FILE,
	.touches = RES_FILE | RES_SERVICE,
	.lowers_to = "copy",
	.check = check_template,
};
