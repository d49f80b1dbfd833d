/* SPDX-License-Identifier: MIT
 *
 * template: a file rendered from a Jinja2 template. Only the table: rendering is the controller's,
 * which makes it a copy. Does nothing on a host.
 */
#include "resource/look.h"
#include "resource/types.h"

static const struct field fields[] = {
	{.name = "src",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "The template: in the role's templates/, or beside the manifest."},
	{.name = "dest",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.doc = "The file; a folder, or a path that ends in '/': the file in it with the "
		       "name of "
		       "src."},
	COPY_FIELDS,
	{.name = "trim_blocks",
		.kind = FIELD_BOOL,
		.dflt = "true",
		.doc = "The newline behind a block tag is dropped."},
	{.name = "lstrip_blocks",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "White space before a block tag at the start of a line is dropped."},
	{.name = "newline_sequence",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.doc = "Line ends of the result."},
	{.name = "output_encoding",
		.kind = FIELD_STR,
		.flags = FIELD_LATER,
		.doc = "The result is UTF-8."},
	FILE_ATTR_FIELDS,
	{.name = NULL},
};

const struct restype restype_template = {
	.name = "template",
	.full_names = BUILTIN_NAMES("template"),
	.key = "dest",
	.doc = "A file rendered from a Jinja2 template. Everything else is as in copy.",
	.example = "- template:\n    src: master.cf.j2\n    dest: /etc/postfix/master.cf\n"
		   "    owner: root\n",
	.fields = fields,
	.returns = copy_returns,
	.class = RES_FILE,
	.touches = RES_FILE | RES_SERVICE,
	.lowers_to = "copy",
	.check = check_validate,
};
