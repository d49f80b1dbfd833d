/* SPDX-License-Identifier: MIT
 *
 * Certificates by certbot: reads what certbot keeps of one, and obtains one. Never renews
 * (certbot's own timer does) and never removes anything of certbot's.
 */
#include <time.h>
#include "mailhost/acme.h"
#include "host/args.h"
#include "host/path.h"
#include "host/x509.h"

enum { PEM_MAX = 1 << 20, SAID_MAX = 500 };

/* The files in certbot's live/NAME are links into its archive. */
static bool read_link(struct host *h, const char *path, struct str *out, bool *found, struct err *e)
{
	struct stat st;
	if (!path_stat(path, &st, found, e))
		return false;
	return !*found ||
	       (path_follow(h->a, path, &path, e) && path_read(h->a, path, PEM_MAX, out, found, e));
}

static bool has_name(const struct cert_info *c, const char *name)
{
	for (size_t i = 0; i < c->n_names; i++)
		if (strncmp(c->names[i], "DNS:", 4) == 0 && strcmp(c->names[i] + 4, name) == 0)
			return true;
	return false;
}

/* The directory that issued the certificate, from certbot's renewal configuration. */
static const char *server_of(struct arena *a, struct str conf)
{
	struct line line;
	while (line_next(&conf, &line)) {
		static const char key[] = "server = ";
		if (line.n > sizeof(key) - 1 && strncmp(line.p, key, sizeof(key) - 1) == 0)
			return str_dup(a, line.p + sizeof(key) - 1, line.n - sizeof(key) + 1).p;
	}
	return NULL;
}

static bool read_pair(struct host *h, const struct acme *acme, const char *name,
	struct lineage *out, struct cert_info *c, struct err *e)
{
	const char *live = arena_printf(h->a, "%s/live/%s", acme->folder, name);
	struct str key = {0}, chain = {0};
	struct key_info k = {0};
	bool has_key, has_chain;
	if (!read_link(h, path_join(h->a, live, "privkey.pem"), &key, &has_key, e) ||
		!read_link(h, path_join(h->a, live, "fullchain.pem"), &chain, &has_chain, e))
		return false;
	out->there = has_key && has_chain && key_read(h->a, key, &k) && cert_read(h->a, chain, c) &&
		     has_name(c, name) && k.type == c->key.type &&
		     (!k.id.p || !c->key.id.p || str_eq(k.id, c->key.id));
	if (out->there)
		out->pem = str_printf(h->a, "%s%s", key.p, chain.p);
	return true;
}

bool acme_read(struct host *h, const struct acme *acme, const char *name, struct lineage *out,
	struct err *e)
{
	const char *path = arena_printf(h->a, "%s/renewal/%s.conf", acme->folder, name);
	struct cert_info c = {0};
	struct str conf = {0};
	const char *server;
	bool found;
	*out = (struct lineage){0};
	if (!read_pair(h, acme, name, out, &c, e) ||
		!path_read(h->a, path, PEM_MAX, &conf, &found, e))
		return false;
	server = found ? server_of(h->a, conf) : NULL;
	if (!out->there)
		out->why = "there is none yet";
	else if (c.not_after < (int64_t)time(NULL))
		out->why = "it has expired";
	else if (!server || strcmp(server, acme->directory) != 0)
		out->why = server ? arena_printf(h->a, "it is from %s", server)
				  : "certbot does not renew it";
	out->due = out->why != NULL;
	return true;
}

/* The lines of certbot's output that explain a failure; its fixed phrases are left out. */
static const char *pick_words(struct arena *a, const struct proc_result *r)
{
	static const char *const noise[] = {"Saving debug log", "Ask for help", "Requesting a",
		"Account registered", "Some challenges have failed",
		"Hint:", "An unexpected error occurred"};
	struct str rest = str_printf(a, "%s\n%s", r->out.p ? r->out.p : "", r->err_out.p);
	struct line line;
	struct buf b;
	buf_init(&b, PROC_OUTPUT);
	while (line_next(&rest, &line)) {
		bool keep = !line_is_blank(line);
		for (size_t i = 0; keep && i < ARRAY_LEN(noise); i++)
			keep = line.n < strlen(noise[i]) ||
			       strncmp(line.p, noise[i], strlen(noise[i])) != 0;
		for (; keep && line.n && *line.p == ' '; line.n--)
			line.p++;
		if (keep) {
			buf_add(&b, line.p, line.n);
			buf_addc(&b, '\n');
		}
	}
	const char *said = last_words(a, buf_str(a, &b), SAID_MAX);
	buf_free(&b);
	return said;
}

static void certbot_args(
	struct arena *a, const struct acme *acme, const char *name, bool again, struct args *argv)
{
	static const char *const fixed[] = {"certbot", "certonly", "--non-interactive",
		"--agree-tos", "--standalone", "--preferred-challenges", "http"};
	args_add(a, argv, "env");
	if (acme->ca)
		args_addf(a, argv, "REQUESTS_CA_BUNDLE=%s", acme->ca);
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		args_add(a, argv, fixed[i]);
	args_addf(a, argv, "--config-dir=%s", acme->folder);
	args_addf(a, argv, "--server=%s", acme->directory);
	if (acme->email)
		args_addf(a, argv, "--email=%s", acme->email);
	else
		args_add(a, argv, "--register-unsafely-without-email");
	args_addf(a, argv, "--cert-name=%s", name);
	args_addf(a, argv, "--domain=%s", name);
	if (again)
		args_add(a, argv, "--force-renewal");
}

bool acme_obtain(
	struct host *h, const struct acme *acme, const char *name, bool again, struct err *e)
{
	struct args argv = {0};
	struct proc_result r;
	if (!program_there("certbot"))
		return err_set(e, ERR_PERMANENT,
			"certbot is not installed; install it in an earlier step");
	if (!folder_is_guarded(acme->folder, e)) /* certbot opens it by its path */
		return false;
	if (h->note)
		h->note(h->ctx, "asking %s for a certificate for %s", acme->directory, name);
	certbot_args(h->a, acme, name, again, &argv);
	if (!run_with(h, argv.v, (struct str){0}, &r, e))
		return false;
	if (r.status == 0)
		return true;
	return err_set(e, ERR_TRANSIENT, "%s issued no certificate for %s: %s", acme->directory,
		name, pick_words(h->a, &r));
}
