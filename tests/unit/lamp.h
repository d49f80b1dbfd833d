/* SPDX-License-Identifier: MIT
 *
 * For tests of rollback: a "daemon" whose activation checks that its file says "good".
 */
#pragma once
#include <dirent.h>
#include "agent_peer.h"

/* Reads what the "daemon" has to serve: `conf` holds "good" or it fails. */
HELPER struct value *activation_of(int id, const char *conf)
{
	struct value *params = texts("name", "lamp", NULL), *probe = texts("name", "light", NULL);
	const char *take = arena_printf(a, "cp %s %s/running; echo x >>%s/reloads", conf, dir, dir);
	map_put(a, params, "command",
		list_of(value_text(a, "sh"), value_text(a, "-c"), value_text(a, take), NULL));
	map_put(a, probe, "command",
		list_of(value_text(a, "grep"), value_text(a, "good"),
			value_text(a, in_dir("running")), NULL));
	map_put(a, params, "probes", list_of(probe, NULL));
	map_put(a, params, "timeout", value_int(a, 1));
	return step_of(id, "activation", params);
}

HELPER struct value *handler_of(int id, const char *name, const char *conf)
{
	struct value *step = fresh(activation_of(id, conf), "handler", value_text(a, name));
	return step;
}

HELPER void *set_up_files(void)
{
	put_file(in_dir("conf"), "good old\n");
	put_file(in_dir("beside"), "old\n");
	put_file(in_dir("running"), "good old\n");
	chmod(in_dir("conf"), 0640);
	return NULL;
}

HELPER const char *only_name(const char *folder)
{
	DIR *d = opendir(folder);
	const char *name = "none";
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (entry->d_name[0] != '.')
			name = arena_strdup(a, entry->d_name);
	if (d)
		closedir(d);
	return name;
}
