/* SPDX-License-Identifier: MIT
 *
 * How to reach a host: its variables, then the plays' keywords, then the options, in Ansible's
 * order. Contacts nobody.
 */
#include "site/vars.h"

struct reach {
	struct vars *v;
	struct err *e;
};

static const char *read_one(struct reach *r, const char *name)
{
	struct value *x = name && !r->e->kind ? vars_value(r->v, name, r->e) : NULL;
	if (!x || x->type == VALUE_NULL)
		return NULL;
	if (value_find_type(x, VALUE_UNKNOWN)) {
		err_at(r->e, x->pos, "host %s: %s must be known before the host is contacted (%s)",
			r->v->host->name, name, value_find_type(x, VALUE_UNKNOWN)->s.p);
		return NULL;
	}
	return value_print(r->v->a, x).p;
}

/* A variable's text under its name or an older one. */
static const char *read_text(struct reach *r, const char *name, const char *old_name)
{
	const char *s = read_one(r, name);
	return s ? s : read_one(r, old_name);
}

static const char *first_of(const char *a, const char *b, const char *c)
{
	return a ? a : b ? b : c;
}

static const struct play_in *first_play(const struct site *s, const char *host)
{
	for (size_t i = 0; i < s->n_plays; i++)
		if (play_has(s->plays[i], host))
			return s->plays[i];
	return NULL;
}

/* plays: a play uses the keyword; tasks: one of them sets the variable ansible_become. */
static void any_play_becomes(const struct site *s, const char *host, bool *plays, bool *tasks)
{
	*plays = *tasks = false;
	for (size_t i = 0; i < s->n_plays; i++)
		if (play_has(s->plays[i], host)) {
			*plays = *plays || s->plays[i]->becomes;
			*tasks = *tasks || s->plays[i]->vars_become;
		}
}

static bool read_port(struct reach *r, const char *host, int *port)
{
	const char *s = read_text(r, "ansible_port", "ansible_ssh_port");
	char *end;
	long n = s ? strtol(s, &end, 10) : 22;
	if (s && (*end || n < 1 || n > 65535))
		return err_set(r->e, ERR_CONFIG, "host %s: ansible_port '%s' is not a port number",
			host, s);
	*port = (int)n;
	return true;
}

static const char *read_keyword(struct reach *r, const struct play_in *p, const char *name)
{
	struct value *v = p && !r->e->kind ? map_at(p->doc, name) : NULL;
	v = v ? vars_resolve(r->v, v, r->e) : NULL;
	if (!v || v->type == VALUE_NULL)
		return NULL;
	if (v->type == VALUE_STR)
		return v->s.p;
	err_at(r->e, v->pos, "%s must be text that is known before a host is contacted", name);
	return NULL;
}

/* Only sudo is supported, with the host's own configuration. */
static bool check_become_method(struct reach *r, const char *host)
{
	static const char *const names[] = {
		"ansible_become_method", "ansible_become_exe", "ansible_become_flags"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *s = read_one(r, names[i]);
		if (s && *s && strcmp(s, "sudo") != 0)
			return err_set(r->e, ERR_CONFIG,
				"host %s: %s '%s' is not supported; use sudo, without flags", host,
				names[i], s);
	}
	return !r->e->kind;
}

/* The host's variable overrides the plays' keywords, but not a task's own variable. */
static bool read_become(struct reach *r, const struct site *s, const char *host, bool *out)
{
	const struct value *v = r->e->kind ? NULL : vars_value(r->v, "ansible_become", r->e);
	bool plays, tasks;
	any_play_becomes(s, host, &plays, &tasks);
	*out = s->opt.become == 1 || plays;
	if (r->e->kind)
		return false;
	if (v && v->type != VALUE_NULL && !value_as_bool(v, out))
		return err_at(r->e, v->pos,
			"host %s: ansible_become must be a boolean (true or false), not %s", host,
			v->type == VALUE_UNKNOWN ? v->s.p : value_type_name(v));
	*out = *out || tasks;
	return true;
}

static bool read_all(struct reach *r, const struct site *s, const char *host,
	const struct play_in *p, struct connection *c)
{
	c->address = read_text(r, "ansible_host", "ansible_ssh_host");
	c->address = c->address ? c->address : host;
	c->user = first_of(read_text(r, "ansible_user", "ansible_ssh_user"),
		read_keyword(r, p, "remote_user"), s->opt.remote_user);
	c->kind = first_of(read_text(r, "ansible_connection", NULL),
		read_keyword(r, p, "connection"), s->opt.connection);
	if (!c->kind || strcmp(c->kind, "smart") == 0 || strcmp(c->kind, "paramiko") == 0)
		c->kind = "ssh";
	c->key_file = read_text(r, "ansible_ssh_private_key_file", "ansible_private_key_file");
	c->key_file = c->key_file ? c->key_file : s->opt.private_key;
	if (c->key_file && !(c->key_file = path_expand(s->a, c->key_file, r->e)))
		return err_prefix(r->e, "host %s: the key file for the login", host);
	c->password = read_text(r, "ansible_password", "ansible_ssh_pass");
	c->ssh_args = read_text(r, "ansible_ssh_common_args", "ansible_ssh_extra_args");
	c->become_password = read_text(r, "ansible_become_password", "ansible_become_pass");
	c->become_user = read_text(r, "ansible_become_user", NULL);
	c->become_user = c->become_user ? c->become_user : "root";
	return check_become_method(r, host) && read_become(r, s, host, &c->become) &&
	       read_port(r, host, &c->port);
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Names the difference; NULL: both reach the host in the same way. */
static const char *find_difference(const struct connection *a, const struct connection *b)
{
	return !is_same(a->address, b->address)     ? "address"
	       : a->port != b->port                 ? "port"
	       : !is_same(a->user, b->user)         ? "user"
	       : !is_same(a->kind, b->kind)         ? "connection"
	       : !is_same(a->key_file, b->key_file) ? "key"
	       : !is_same(a->password, b->password) ? "password"
	       : !is_same(a->ssh_args, b->ssh_args) ? "arguments of ssh"
						    : NULL;
}

static bool says_how(const struct play_in *p)
{
	const char *name;
	struct pos pos;
	return map_at(p->doc, "remote_user") || map_at(p->doc, "connection") ||
	       vars_reach(p->vars, &name, &pos) || vars_reach(p->files_vars, &name, &pos) ||
	       (p->vars && map_at(p->vars, "ansible_become_user"));
}

/* One connection serves all plays of a run, so they must agree on it. If they become several users,
 * the agent runs as root. */
static bool plays_agree(struct reach *r, const struct site *s, struct invhost *h,
	const struct play_in *first_one, struct connection *c)
{
	for (size_t i = 0; i < s->n_plays; i++) {
		struct play_in *p = s->plays[i];
		struct connection other = {0};
		const char *what;
		if (!play_has(p, h->name))
			continue;
		if (p->vars_become_user)
			c->become_user = "root";
		if (p == first_one || (!says_how(p) && !says_how(first_one)))
			continue;
		r->v = vars_new((struct site *)s, s->a, h, p, NULL);
		if (!read_all(r, s, h->name, p, &other))
			return false;
		if (!is_same(c->become_user, other.become_user))
			c->become_user = "root";
		what = find_difference(c, &other);
		if (what)
			return err_at(r->e, p->shown.pos,
				"host %s: the %s of the play '%s' differs from that of '%s', but "
				"a run reaches a host in one way only",
				h->name, what, p->shown.name, first_one->shown.name);
	}
	return true;
}

bool site_connection(const struct site *s, const char *host, struct connection *out, struct err *e)
{
	struct invhost *h = inventory_host(s->inv, str_c(host));
	const struct play_in *p = first_play(s, host);
	struct reach r = {.e = e};
	*out = (struct connection){0};
	if (!h)
		return err_set(e, ERR_CONFIG, "host '%s' is not in the inventory", host);
	r.v = vars_new((struct site *)s, s->a, h, (struct play_in *)p, NULL);
	if (!read_all(&r, s, host, p, out) || (p && !plays_agree(&r, s, h, p, out)))
		return false;
	if (strcmp(out->kind, "ssh") != 0 && strcmp(out->kind, "local") != 0 &&
		strcmp(out->kind, "openssh") != 0)
		return err_set(e, ERR_CONFIG,
			"host %s: connection '%s' is not supported; use ssh, openssh or local",
			host, out->kind);
	return true;
}
