/* SPDX-License-Identifier: MIT
 *
 * Loads a site: inventory, variables, plays, mail state. Reports every problem it finds; contacts
 * nobody and writes nothing.
 */
#include <limits.h>
#include <unistd.h>
#include "site/vars.h"

static void load_inventory(struct site *s, struct errs *errs)
{
	static const char *const usual[] = {"inventories", "inventory"};
	const char *const *src = s->opt.inventories;

	s->inv = inventory_new(s->a);
	for (size_t i = 0; src && src[i]; i++)
		inventory_read(s->inv, &s->files, src[i], errs);
	for (size_t i = 0; (!src || !src[0]) && i < ARRAY_LEN(usual); i++) {
		const char *path = dir_join(s->a, s->dir, usual[i]);
		if (!is_there(path))
			continue;
		inventory_read(s->inv, &s->files, path, errs);
		break;
	}
	s->inv->given = src && src[0];
	if (!s->inv->given && s->inv->n_sources == 0) {
		struct invhost *h = inventory_add_host(s->inv, str_c("localhost"));
		map_put(s->a, h->vars, "ansible_connection", value_text(s->a, "local"));
	}
	inventory_finish(s->inv);
}

static void roles_paths(struct site *s, struct errs *errs)
{
	const char *list = s->opt.roles_path ? s->opt.roles_path : getenv("PROVISION_ROLES_PATH");
	const char **out = NULL;
	size_t n = 0, cap = 0;
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	while (list && *list) {
		size_t k = strcspn(list, ":");
		struct err e = {0};
		const char *path = k ? path_expand(s->a, str_dup(s->a, list, k).p, &e) : NULL;
		if (path)
			PUSH(s->a, out, n, cap, path);
		errs_take(errs, &e);
		list += k + (list[k] == ':');
	}
	PUSH(s->a, out, n, cap, dir_join(s->a, s->dir, "roles"));
	if (len > 0) { /* from the build folder, or from an installation anywhere */
		exe[len] = 0;
		const char *up = path_dir(s->a, path_dir(s->a, exe));
		PUSH(s->a, out, n, cap, arena_printf(s->a, "%s/roles", up));
		PUSH(s->a, out, n, cap, arena_printf(s->a, "%s/share/provision/roles", up));
	}
	PUSH(s->a, out, n, cap, PREFIX "/share/provision/roles");
	PUSH(s->a, out, n, cap, NULL);
	s->roles_path = out;
}

static void apply_limit(struct site *s, struct errs *errs)
{
	struct err e = {0};
	size_t n = 0;
	if (!pattern_limit(s->inv, s->a, s->opt.limit ? s->opt.limit : "all", &s->hosts, &n, &e) ||
		(n == 0 && s->opt.limit && !pattern_none(s->inv, s->a, s->opt.limit, &e))) {
		err_prefix(&e, "--limit");
		errs_take(errs, &e);
	}
	s->n_hosts = n;
	if (!s->opt.limit)
		return;
	s->limited = value_map(s->a);
	for (size_t i = 0; i < n; i++)
		map_put(s->a, s->limited, s->hosts[i], value_null(s->a));
}

static bool same_problem(const struct err *a, const struct err *b)
{
	return a->pos.line == b->pos.line && a->pos.col == b->pos.col &&
	       a->pos.file == b->pos.file && strcmp(a->msg, b->msg) == 0;
}

static void take_once(const struct err *v, size_t n, struct errs *errs)
{
	for (size_t i = 0; i < n; i++) {
		size_t j = 0;
		while (j < i && !same_problem(&v[i], &v[j]))
			j++;
		if (j == i)
			errs_take(errs, &v[i]);
	}
}

/* Hosts of a group share their mistakes; each is reported once. */
void problems_once(const struct errs *found, struct errs *errs)
{
	take_once(found->v, found->n, errs);
	take_once(found->warn, found->n_warn, errs);
}

static void check_mail_of(struct site *s, struct play_in *p, const char *host, struct errs *found)
{
	struct arena *a = arena_new();
	struct vars *v = vars_new(s, a, inventory_host(s->inv, str_c(host)), p, NULL);
	if (mail_declared(v))
		mail_check(v, found);
	arena_free(a);
}

/* `mail:` alone changes nothing: only roles change hosts. */
static void warn_of_idle_mail(const struct site *s, struct errs *errs)
{
	for (size_t i = 0; i < s->n_plays; i++) {
		const struct play_in *p = s->plays[i];
		if (p->mail && !p->n_roles && !p->dynamic_roles)
			errs_warn(errs, p->mail->pos,
				"the play '%s' declares mail but has no role; add `roles: [mail]`",
				p->shown.name);
	}
}

/* Evaluates every play's mail state for every host, to find its problems before a host is
 * contacted. */
static void check_mail(struct site *s, struct errs *errs)
{
	struct errs found;
	errs_init(&found, s->a);
	for (size_t i = 0; i < s->n_plays; i++) {
		const char *const *host = s->plays[i]->shown.hosts;

		for (; host && *host; host++)
			check_mail_of(s, s->plays[i], *host, &found);
	}
	problems_once(&found, errs);
}

static void load_hosts(struct site *s)
{
	if (s->n_hosts || s->n_plays == 0 || s->opt.limit)
		return;
	s->hosts = (const char **)s->plays[0]->shown.hosts; /* the implicit localhost */
	while (s->hosts && s->hosts[s->n_hosts])
		s->n_hosts++;
}

struct site *site_load(struct arena *a, const struct site_options *opt, struct errs *errs)
{
	struct site *s = ARENA_NEW(a, struct site);
	size_t before = errs->n, variables;
	char abs[PATH_MAX];
	s->a = a;
	s->opt = *opt;
	s->files = (struct files){.a = a, .index = value_map(a)};
	s->dir = opt->manifest ? path_dir(a, opt->manifest) : ".";
	s->abs_dir = arena_strdup(a, realpath(s->dir, abs) ? abs : s->dir);
	s->includes = value_map(a);
	s->mail_index = value_map(a);
	s->render_index = value_map(a);
	s->mail_memory.a = a;
	s->tags = split_commas(a, opt->tags);
	s->skip_tags = split_commas(a, opt->skip_tags);
	roles_paths(s, errs);
	s->extra = extra_vars_read(s, opt->extra_vars, errs);
	load_inventory(s, errs);
	site_beside_vars(s, errs);
	apply_limit(s, errs);
	variables = errs->n;
	if (opt->manifest && !is_there(opt->manifest))
		errs_add(errs, (struct pos){0}, "there is no manifest '%s'", opt->manifest);
	else if (opt->manifest)
		site_plays_load(s, errs);
	load_hosts(s);
	if (variables == before) /* a missing role must not hide mistakes in the mail state */
		check_mail(s, errs);
	site_sets(s);
	if (errs->n == before)
		site_dry_run(s, errs);
	mail_hashes_end(&s->mail_memory);
	s->loaded = true;
	return errs->n == before ? s : NULL;
}

void site_warnings(const struct site *s, struct errs *errs)
{
	tags_warn(s, errs);
	beside_names_warn(s, errs);
	warn_of_idle_mail(s, errs);
}

const char *const *site_hosts(const struct site *s)
{
	return s->hosts;
}

const char *digest_key(struct arena *a, const struct value *v)
{
	unsigned char sha[SHA256_LEN];
	char text[SHA256_HEX];
	value_digest(v, sha);
	hex(sha, sizeof(sha), text);
	return arena_strdup(a, text);
}

const char *const *site_match(const struct site *s, const char *pattern, struct err *e)
{
	const char **out;
	size_t n;
	if (!pattern_match(s->inv, s->a, pattern, &out, &n, e))
		return NULL;
	if (n == 0) {
		pattern_none(s->inv, s->a, pattern, e);
		return NULL;
	}
	return out;
}
