/* SPDX-License-Identifier: MIT
 *
 * The certificates of the mail state: the rules that need their files (OpenSSL checks that a pair
 * fits), and the lists that the roles need. Never shows a byte of a key.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include "mail/mail.h"

enum {
	SECURITY_BITS_MIN = 112, /* OpenSSL's level 2, Debian's default: RSA 2048, EC 224 */
	DAYS_LEFT_MIN = 14,
	DAY_S = 86400,
	REASON_MAX = 200,
};

/* One pair of files, of the server or of a domain. */
struct pair {
	const char *what; /* "mail.tls", "mail.domains.example.org.tls" */
	const char *name; /* the name that clients ask for */
	const struct mail_pair *files;
	struct pos pos;
};
struct tls_rules {
	const struct mail_env *env;
	struct arena *a;
	const struct mail_state *mail;
	struct errs *errs;
};

/* ---- files ---- */
static const struct str *read_beside(
	const struct mail_env *env, struct arena *a, struct mail_text name, struct err *e)
{
	const char *path = env->find(env->ctx, name.s.p, a);
	if (path)
		return env->read(env->ctx, path, e);
	err_set(e, ERR_CONFIG, "there is no file '%s' beside the manifest", name.s.p);
	return NULL;
}

static const struct str *read_one(
	struct tls_rules *r, const char *what, struct mail_text name, const char *key)
{
	struct err e = {0};
	const struct str *f = read_beside(r->env, r->a, name, &e);
	if (!f)
		errs_add(r->errs, mail_pos(name), "%s.%s: %s", what, key, e.msg);
	return f;
}

/* OpenSSL's own text for the error it recorded last. */
static const char *openssl_reason(struct arena *a)
{
	unsigned long code = ERR_peek_last_error();
	const char *said = code ? ERR_reason_error_string(code) : NULL;
	const char *out = arena_printf(a, "%.*s", REASON_MAX, said ? said : "not PEM");
	ERR_clear_error();
	return out;
}

/* No passphrase can be entered here, nor by the daemons that read the key later. */
static int no_passphrase(char *buf, int size, int rw, void *asked)
{
	(void)buf;
	(void)size;
	(void)rw;
	*(bool *)asked = true;
	return -1;
}

static X509 *read_certificate(struct str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	return x;
}

static EVP_PKEY *read_key(struct str pem, bool *encrypted)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *k;
	*encrypted = false;
	k = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, encrypted) : NULL;
	BIO_free(bio);
	return k;
}

/* ---- a pair ---- */
static void warn_of_dates(struct tls_rules *r, const struct pair *p, X509 *x)
{
	time_t soon = time(NULL) + DAYS_LEFT_MIN * DAY_S;
	int days = 0, seconds = 0;
	if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		errs_warn(r->errs, mail_pos(p->files->certificate),
			"the certificate of %s is not valid yet", p->what);
	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		errs_warn(r->errs, mail_pos(p->files->certificate),
			"the certificate of %s has expired: clients that check it refuse to "
			"connect",
			p->what);
	else if (X509_cmp_time(X509_get0_notAfter(x), &soon) < 0 &&
		 ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)))
		errs_warn(r->errs, mail_pos(p->files->certificate),
			"the certificate of %s expires in %d days", p->what, days);
}

static void check_certificate(struct tls_rules *r, const struct pair *p, X509 *x)
{
	EVP_PKEY *k = X509_get0_pubkey(x);
	if (!k || EVP_PKEY_get_security_bits(k) < SECURITY_BITS_MIN)
		errs_add(r->errs, mail_pos(p->files->certificate),
			"the key in the certificate of %s is too weak: OpenSSL on the host would "
			"refuse to use it",
			p->what);
	if (X509_check_host(x, p->name, 0, 0, NULL) != 1)
		errs_warn(r->errs, mail_pos(p->files->certificate),
			"the certificate of %s is not for %s", p->what, p->name);
	warn_of_dates(r, p, x);
	ERR_clear_error();
}

static void check_fit(struct tls_rules *r, const struct pair *p, X509 *x, struct str key_pem)
{
	bool encrypted;
	EVP_PKEY *k = read_key(key_pem, &encrypted);
	if (encrypted)
		errs_add(r->errs, mail_pos(p->files->key),
			"the key of %s is protected by a passphrase, which a daemon cannot enter; "
			"remove it with `openssl pkey`",
			p->what);
	else if (!k)
		errs_add(r->errs, mail_pos(p->files->key), "there is no private key in '%s': %s",
			p->files->key.s.p, openssl_reason(r->a));
	else if (x && X509_check_private_key(x, k) != 1)
		errs_add(r->errs, mail_pos(p->files->key),
			"'%s' is not the key of the certificate '%s': %s", p->files->key.s.p,
			p->files->certificate.s.p, openssl_reason(r->a));
	ERR_clear_error();
	EVP_PKEY_free(k);
}

/* The type of the certificate's key, for instance EVP_PKEY_RSA; EVP_PKEY_NONE: it has none. */
static int kind_of(X509 *x)
{
	EVP_PKEY *k = x ? X509_get0_pubkey(x) : NULL;
	return k ? EVP_PKEY_get_base_id(k) : EVP_PKEY_NONE;
}

/* Returns the type of its key. */
static int check_pair(struct tls_rules *r, const struct pair *p)
{
	const struct str *certificate = read_one(r, p->what, p->files->certificate, "certificate");
	const struct str *key = read_one(r, p->what, p->files->key, "key");
	X509 *x = certificate ? read_certificate(*certificate) : NULL;
	int kind = kind_of(x);
	if (certificate && !x)
		errs_add(r->errs, mail_pos(p->files->certificate),
			"there is no certificate in '%s': %s", p->files->certificate.s.p,
			openssl_reason(r->a));
	if (x)
		check_certificate(r, p, x);
	if (key)
		check_fit(r, p, x, *key);
	X509_free(x);
	return kind;
}

/* Is it there? One half alone is a problem. */
static bool check_halves(struct tls_rules *r, const struct pair *p)
{
	const struct mail_pair *files = p->files;
	if (!files->certificate.v != !files->key.v)
		errs_add(r->errs, p->pos, "%s needs both certificate and key, or neither", p->what);
	return files->certificate.s.p && files->key.s.p;
}

/* ---- ACME ---- */
static void check_acme(struct tls_rules *r, const struct mail_acme *acme)
{
	struct mail_text directory = acme->directory, ca = acme->ca, email = acme->email;
	const struct str *f = ca.s.p ? read_one(r, "mail.tls.acme", ca, "ca") : NULL;
	X509 *x = f ? read_certificate(*f) : NULL;
	if (f && !x)
		errs_add(r->errs, mail_pos(ca), "there is no certificate in '%s': %s", ca.s.p,
			openssl_reason(r->a));
	X509_free(x);
	if (directory.s.p &&
		(!str_starts(directory.s, "https://") || strpbrk(directory.s.p, " \t\r\n\"'\\")))
		errs_add(r->errs, mail_pos(directory),
			"mail.tls.acme.directory must be an https:// URL");
	if (email.s.p && (!strchr(email.s.p, '@') || email.s.p[0] == '-' ||
				 strpbrk(email.s.p, " \t\r\n\"'\\,")))
		errs_add(r->errs, mail_pos(email), "mail.tls.acme.email must be an address");
}

/* ---- rules ---- */
static const char *hostname_of(const struct mail_state *mail)
{
	return mail->hostname.s.p ? mail->hostname.s.p : "";
}

/* A certificate, or half of one? */
static bool is_given(const struct mail_pair *pair)
{
	return pair->certificate.v || pair->key.v;
}

/* A server uses one certificate for each type of key, and Dovecot takes only these two. */
static void check_kind(struct tls_rules *r, const struct pair *p, int kind, bool seen[2])
{
	bool ec = kind == EVP_PKEY_EC;
	if (kind == EVP_PKEY_NONE)
		return;
	if (!ec && kind != EVP_PKEY_RSA)
		errs_add(r->errs, mail_pos(p->files->certificate),
			"the key in the certificate is neither RSA nor ECDSA; %s takes one of each",
			p->what);
	else if (seen[ec])
		errs_add(r->errs, mail_pos(p->files->certificate),
			"%s has two certificates with %s keys; it takes one with an RSA key and "
			"one with an ECDSA key",
			p->what, ec ? "ECDSA" : "RSA");
	else
		seen[ec] = true;
}

static void check_pairs(struct tls_rules *r)
{
	bool seen[2] = {false, false};
	for (size_t i = 0; i < r->mail->n_pairs; i++) {
		const struct mail_pair *files = &r->mail->pairs[i];
		struct pair p = {"mail.tls.certificates", hostname_of(r->mail), files, files->pos};
		if (files->certificate.s.p && files->key.s.p)
			check_kind(r, &p, check_pair(r, &p), seen);
	}
}

static void check_server(struct tls_rules *r)
{
	const struct mail_tls *tls = &r->mail->tls;
	bool acme = r->mail->acme.map, given = is_given(&tls->own), pairs = r->mail->n_pairs > 0;
	struct pair p = {.what = "mail.tls", .name = hostname_of(r->mail), .files = &tls->own};
	if (!tls->map)
		return;
	p.pos = entry_pos(tls->entry);
	if (acme)
		check_acme(r, &r->mail->acme);
	if (acme && (given || pairs))
		errs_add(r->errs, entry_pos(tls->acme_entry),
			"mail.tls has both a certificate and acme; remove one");
	else if (given && pairs)
		errs_add(r->errs, entry_pos(r->mail->pairs_entry),
			"mail.tls has both certificate and certificates; remove one");
	else if (pairs)
		check_pairs(r);
	else if (check_halves(r, &p))
		check_pair(r, &p);
}

static void check_domain(struct tls_rules *r, const struct mail_domain *d)
{
	const struct mail_tls *tls = &d->tls;
	bool acme = tls->acme.on, given = is_given(&tls->own);
	struct pair p;
	if (!tls->map || !d->name.p)
		return;
	p.what = arena_printf(r->a, "mail.domains.%s.tls", d->name.p);
	p.name = arena_printf(r->a, "mail.%s", d->name.p);
	p.files = &tls->own;
	p.pos = entry_pos(tls->entry);
	if ((acme || given) && strcmp(p.name, hostname_of(r->mail)) == 0)
		errs_add(r->errs, p.pos,
			"%s: %s is the server's own name; put its certificate into mail.tls",
			p.what, p.name);
	else if ((acme || given) && !d->local)
		errs_add(r->errs, p.pos,
			"%s: the domain is not local, so no client reads its mail here; remove it",
			p.what);
	else if (acme && given)
		errs_add(r->errs, p.pos, "%s has both a certificate and acme; remove one", p.what);
	else if (acme && !r->mail->acme.map)
		errs_add(r->errs, entry_pos(tls->acme_entry),
			"%s needs mail.tls.acme, which says where to get certificates", p.what);
	else if (check_halves(r, &p))
		check_pair(r, &p);
}

void mail_tls_rules(const struct mail_env *env, const struct mail_state *mail, struct errs *errs)
{
	struct tls_rules r = {.env = env, .a = errs->a, .mail = mail, .errs = errs};
	check_server(&r);
	for (size_t i = 0; i < mail->n_domains; i++)
		check_domain(&r, &mail->domains[i]);
}

/* ---- what is derived ---- */
struct tls_derive {
	const struct mail_env *env;
	struct arena *a;
	struct value *given, *acme, *sni;
	struct errs *errs;
};

static struct value *mark_literal(struct value *v)
{
	v->literal = true;
	return v;
}

/* The key first, as Postfix needs it. Returns the digest of the certificate. */
static const char *add_given(struct tls_derive *d, const char *name, const struct mail_pair *pair)
{
	struct err e = {0};
	const struct str *key = read_beside(d->env, d->a, pair->key, &e);
	const struct str *chain = key ? read_beside(d->env, d->a, pair->certificate, &e) : NULL;
	unsigned char sha[SHA256_LEN];
	char digest[SHA256_HEX];
	struct value *pem;
	if (!chain) {
		errs_add(d->errs, pair->pos, "%s", e.msg);
		return "";
	}
	pem = mark_literal(
		value_printf(d->a, "%s\n%s\n", str_trim(d->a, *key).p, str_trim(d->a, *chain).p));
	pem->secret = true;
	pem->pos = mail_pos(pair->certificate);
	map_put(d->a, d->given, name, pem);
	sha256(chain->p, chain->n, sha);
	hex(sha, sizeof(sha), digest);
	return arena_strdup(d->a, digest);
}

/* Of two, the RSA one has the host's name, whatever their order, and the other one has ".ecdsa"
 * appended, which is not a top-level domain. */
static void add_pairs(struct tls_derive *d, const char *host, const struct mail_state *mail)
{
	for (size_t i = 0; i < mail->n_pairs; i++) {
		struct err e = {0};
		const struct mail_pair *pair = &mail->pairs[i];
		const struct str *f = read_beside(d->env, d->a, pair->certificate, &e);
		X509 *x = f ? read_certificate(*f) : NULL;
		bool second = mail->n_pairs > 1 && kind_of(x) == EVP_PKEY_EC;
		X509_free(x);
		add_given(d, second ? arena_printf(d->a, "%s.ecdsa", host) : host, pair);
	}
}

static void add_acme(struct tls_derive *d, const char *name)
{
	list_add(d->a, d->acme, mark_literal(value_text(d->a, name)));
}

bool mail_tls_own(const struct mail_domain *d)
{
	return d->tls.own.certificate.v || d->tls.acme.on;
}

static void add_domain(struct tls_derive *d, const struct mail_domain *domain)
{
	const char *digest = "";
	struct value *m = value_map(d->a), *name;
	if (!mail_tls_own(domain) || !domain->name.p)
		return;
	name = mark_literal(value_printf(d->a, "mail.%s", domain->name.p));
	if (domain->tls.own.certificate.v)
		digest = add_given(d, name->s.p, &domain->tls.own);
	else
		add_acme(d, name->s.p);
	map_put(d->a, m, "name", name);
	map_put(d->a, m, "digest", mark_literal(value_text(d->a, digest)));
	list_add(d->a, d->sni, m);
}

void mail_tls_derive(const struct mail_env *env, struct arena *a, const struct mail_state *mail,
	struct value *out, struct errs *errs)
{
	struct tls_derive d = {.env = env, .a = a, .errs = errs};
	const char *host = hostname_of(mail);
	d.given = value_map(a);
	d.acme = mark_literal(value_list(a));
	d.sni = mark_literal(value_list(a));
	d.given->secret = true;
	if (mail->acme.map)
		add_acme(&d, host);
	else if (mail->n_pairs)
		add_pairs(&d, host, mail);
	else if (mail->tls.own.certificate.v)
		add_given(&d, host, &mail->tls.own);
	for (size_t i = 0; i < mail->n_domains; i++)
		add_domain(&d, &mail->domains[i]);
	map_put(a, out, "mail_certificates", d.given);
	map_put(a, out, "mail_acme", d.acme);
	map_put(a, out, "mail_sni", d.sni);
}
