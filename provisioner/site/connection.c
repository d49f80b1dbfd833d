/* SPDX-License-Identifier: MIT
 *
 * How to reach a host: its variables, then the plays' keywords, then the options, as Ansible orders
 * them. Contacts nobody.
 */
#include <strings.h>
#include "site/vars.h"

struct reach {
	struct vars *v;
	struct err *e;
};

static const char *one(struct reach *r, const char *name)
{
	struct value *x = name && !r->e->kind ? vars_value(r->v, name, r->e) : NULL;

	if (!x || x->type == VALUE_NULL || x->type == VALUE_UNKNOWN)
		return NULL;
	return value_print(r->v->a, x).p;
}

/* A variable's text under its name or an older one. */
static const char *text(struct reach *r, const char *name, const char *old_name)
{
	const char *s = one(r, name);

	return s ? s : one(r, old_name);
}

static const char *first(const char *a, const char *b, const char *c)
{
	return a ? a : b ? b : c;
}

static bool truth(const char *s)
{
	return s &&
	       (strcasecmp(s, "true") == 0 || strcasecmp(s, "yes") == 0 || strcmp(s, "1") == 0);
}

static const struct play_in *first_play(const struct site *s, const char *host)
{
	for (size_t i = 0; i < s->n_plays; i++)
		if (play_has(s->plays[i], host))
			return s->plays[i];
	return NULL;
}

static bool any_play_becomes(const struct site *s, const char *host)
{
	for (size_t i = 0; i < s->n_plays; i++)
		if (s->plays[i]->becomes && play_has(s->plays[i], host))
			return true;
	return false;
}

static bool read_port(struct reach *r, const char *host, int *port)
{
	const char *s = text(r, "ansible_port", "ansible_ssh_port");
	char *end;
	long n = s ? strtol(s, &end, 10) : 22;

	if (s && (*end || n < 1 || n > 65535))
		return err_set(
			r->e, ERR_CONFIG, "host %s: ansible_port '%s' is no port number", host, s);
	*port = (int)n;
	return true;
}

static const char *keyword(const struct play_in *p, const char *name)
{
	const struct value *v = p ? map_at(p->doc, name) : NULL;

	return v && v->type == VALUE_STR && !lang_is_template(v->s) ? v->s.p : NULL;
}

static bool read_all(struct reach *r, const struct site *s, const char *host, struct connection *c)
{
	const struct play_in *p = first_play(s, host);
	const char *x;

	c->address = text(r, "ansible_host", "ansible_ssh_host");
	c->address = c->address ? c->address : host;
	c->user = first(text(r, "ansible_user", "ansible_ssh_user"), keyword(p, "remote_user"),
		s->opt.remote_user);
	c->kind = first(
		text(r, "ansible_connection", NULL), keyword(p, "connection"), s->opt.connection);
	if (!c->kind || strcmp(c->kind, "smart") == 0 || strcmp(c->kind, "paramiko") == 0)
		c->kind = "ssh";
	c->key_file = text(r, "ansible_ssh_private_key_file", "ansible_private_key_file");
	c->key_file = c->key_file ? c->key_file : s->opt.private_key;
	c->password = text(r, "ansible_password", "ansible_ssh_pass");
	c->ssh_args = text(r, "ansible_ssh_common_args", "ansible_ssh_extra_args");
	c->become_password = text(r, "ansible_become_password", "ansible_become_pass");
	c->become_user = text(r, "ansible_become_user", NULL);
	c->become_user = c->become_user ? c->become_user : "root";
	x = text(r, "ansible_become", NULL);
	c->become = x ? truth(x) : s->opt.become == 1 || any_play_becomes(s, host);
	return !r->e->kind && read_port(r, host, &c->port);
}

bool site_connection(const struct site *s, const char *host, struct connection *out, struct err *e)
{
	struct invhost *h = inventory_host(s->inv, str_c(host));
	struct reach r = {.e = e};

	*out = (struct connection){0};
	if (!h)
		return err_set(e, ERR_CONFIG, "host '%s' is not in the inventory", host);
	r.v = vars_new((struct site *)s, s->a, h, (struct play_in *)first_play(s, host), NULL);
	if (!read_all(&r, s, host, out))
		return false;
	if (strcmp(out->kind, "ssh") != 0 && strcmp(out->kind, "local") != 0 &&
		strcmp(out->kind, "openssh") != 0)
		return err_set(e, ERR_CONFIG,
			"host %s: connection '%s' is not served; there are ssh, "
			"openssh and local",
			host, out->kind);
	return true;
}
