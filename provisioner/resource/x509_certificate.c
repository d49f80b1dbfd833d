/* SPDX-License-Identifier: MIT
 *
 * The type `x509_certificate`: a self-signed certificate for a key on the host, remade before it
 * expires or when the names or the key changed. Never replaces a certificate of another issuer, and
 * never changes the key.
 */
#include <arpa/inet.h>
#include "host/args.h"
#include "host/path.h"
#include "host/scratch.h"
#include "resource/types.h"
#include "host/x509.h"

enum { PEM_MAX = 1 << 20, CERT_MODE = 0644, CONFIG_MODE = 0600, DAY_S = 86400, SAID_MAX = 300 };

static const struct field x509_certificate_fields[] = {
	{.name = "path",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.doc = "The certificate's file."},
	{.name = "provider",
		.kind = FIELD_ENUM,
		.choices = "selfsigned",
		.dflt = "selfsigned",
		.doc = "Who signs it. Other issuers are not supported yet."},
	{.name = "privatekey_path",
		.kind = FIELD_PATH,
		.flags = FIELD_REQUIRED,
		.doc = "Path of the key that it certifies, which also signs it."},
	{.name = "common_name",
		.kind = FIELD_STR,
		.flags = FIELD_REQUIRED,
		.doc = "The subject: a host name."},
	{.name = "subject_alt_name",
		.kind = FIELD_LIST,
		.flags = FIELD_COMMA,
		.doc = "Names for which it is valid: DNS:name or IP:address. Default: the common "
		       "name."},
	{.name = "valid_days",
		.kind = FIELD_INT,
		.dflt = "3650",
		.min = 1,
		.max = 36500,
		.doc = "Validity of a new one."},
	{.name = "renew_before_days",
		.kind = FIELD_INT,
		.dflt = "30",
		.min = 0,
		.max = 36500,
		.doc = "Days before its expiry from which it is remade."},
	{.name = "force",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Replace a certificate of another issuer."},
	{.name = "backup",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.dflt = "false",
		.doc = "Keep a backup of the old certificate beside it."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field x509_certificate_returns[] = {
	{.name = "filename", .kind = FIELD_STR, .doc = "The certificate's file."},
	{.name = "privatekey", .kind = FIELD_STR, .doc = "The key's file."},
	{.name = "notAfter",
		.kind = FIELD_INT,
		.doc = "Time of its expiry, in seconds since 1970."},
	{0},
};

/* ---- names ---- */

static bool host_name(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_*";
	size_t n = strlen(s);
	return n > 0 && n < 254 && strspn(s, allowed) == n;
}

static bool name_valid(const char *s)
{
	unsigned char address[16];
	if (strncmp(s, "DNS:", 4) == 0)
		return host_name(s + 4);
	if (strncmp(s, "IP:", 3) != 0)
		return false;
	return inet_pton(AF_INET, s + 3, address) == 1 || inet_pton(AF_INET6, s + 3, address) == 1;
}

static bool x509_certificate_check(const struct value *params, struct errs *errs)
{
	const struct value *cn = map_at(params, "common_name");
	const struct value *names = map_at(params, "subject_alt_name");
	bool ok = true;
	if (cn && cn->type == VALUE_STR && (!host_name(cn->s.p) || cn->s.n > 64))
		ok = errs_add(errs, cn->pos,
			"'%s' is not a valid common name; write a host name of at most 64 "
			"characters",
			cn->s.p);
	for (size_t i = 0; names && names->type == VALUE_LIST && i < names->list.n; i++) {
		const struct value *v = names->list.v[i];
		if (v->type == VALUE_STR && !name_valid(v->s.p))
			ok = errs_add(errs, v->pos, "'%s' must be DNS:name or IP:address", v->s.p);
	}
	return ok;
}

/* IPv6 addresses have many spellings: this uses that of inet_ntop. */
static const char *canonical_name(struct arena *a, const char *name)
{
	unsigned char address[16];
	char text[INET6_ADDRSTRLEN];
	if (strncmp(name, "IP:", 3) != 0 || inet_pton(AF_INET6, name + 3, address) != 1)
		return name;
	return arena_printf(a, "IP:%s", inet_ntop(AF_INET6, address, text, sizeof(text)));
}

static void names_wanted(struct arena *a, const struct value *params, struct args *out)
{
	const struct value *names = map_at(params, "subject_alt_name");
	for (size_t i = 0; names && i < names->list.n; i++)
		args_add(a, out, canonical_name(a, names->list.v[i]->s.p));
	if (out->n == 0)
		args_addf(a, out, "DNS:%s", map_cstr(params, "common_name", ""));
}

static const char *join_names(struct arena *a, const char *const *v, size_t n)
{
	struct buf b;
	buf_init(&b, PEM_MAX);
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", v[i]);
	const char *text = n ? buf_str(a, &b).p : "";
	buf_free(&b);
	return text;
}

static bool same_names(const struct args *want, const struct cert_info *c)
{
	if (want->n != c->n_names)
		return false;
	for (size_t i = 0; i < want->n; i++) {
		bool found = false;
		for (size_t k = 0; k < c->n_names && !found; k++)
			found = strcmp(want->v[i], c->names[k]) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* ---- observe ---- */

/* The file of an Ed25519 key does not hold its public half; openssl computes it (5 ms). */
static bool public_half(struct host *h, struct str pem, struct key_info *k, struct err *e)
{
	static const char *const argv[] = {"openssl", "pkey", "-pubout", "-outform", "DER", NULL};
	struct proc_result r;
	if (k->id.p || (k->type != KEY_ED25519 && k->type != KEY_ED448))
		return true;
	if (!run_with(h, argv, pem, &r, e))
		return false;
	if (r.status != 0)
		return err_set(e, ERR_PERMANENT, "openssl pkey failed (exit %d): %s", r.status,
			last_words(h->a, r.err_out, SAID_MAX));
	size_t n = k->type == KEY_ED25519 ? 32 : 57; /* the last bytes of the structure */
	if (r.out.n > n)
		k->id = str_dup(h->a, r.out.p + r.out.n - n, n);
	return true;
}

/* *known false: the key does not exist yet, but an earlier step may create it. */
static bool read_key(
	struct host *h, const struct value *params, struct key_info *k, bool *known, struct err *e)
{
	const char *path = map_cstr(params, "privatekey_path", "");
	struct str pem;
	if (!path_read(h->a, path, PEM_MAX, &pem, known, e))
		return false;
	*known = *known && str_trim(h->a, pem).n; /* an empty file is replaced */
	if (!*known)
		return files_pending(h) ||
		       err_set(e, ERR_PERMANENT,
			       "the key %s does not exist; make it first (openssl_privatekey: "
			       "path: %s)",
			       path, path);
	if (!key_read(h->a, pem, k) || k->encrypted)
		return err_set(e, ERR_PERMANENT, "%s holds no usable private key", path);
	return public_half(h, pem, k, e);
}

/* A date, not the number of days left: the plan must be the same tomorrow. */
static void observe_end(struct host *h, const struct value *params, const struct cert_info *c,
	struct observation *o)
{
	int64_t days = map_int(params, "renew_before_days", 30), now = (int64_t)time(NULL);
	time_t end = (time_t)c->not_after;
	struct tm tm;
	char date[32];
	if (c->not_after - now > days * DAY_S)
		return;
	gmtime_r(&end, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	observe_attr(h, o, "validity",
		arena_printf(h->a, "%s %s", c->not_after < now ? "ended" : "ends", date),
		arena_printf(h->a, "%d days", (int)map_int(params, "valid_days", 0)));
}

static bool observe_cert(struct host *h, const struct value *params, struct str pem,
	const struct cert_info *c, struct observation *o, struct err *e)
{
	const char *cn = map_cstr(params, "common_name", "");
	struct args names = {0};
	struct key_info key = {0};
	bool known;
	if (!read_key(h, params, &key, &known, e))
		return false;
	if (!c->self_issued && !map_bool(params, "force", false))
		return err_set(e, ERR_PERMANENT,
			"%s is not self-signed; force: true replaces it with a self-signed "
			"certificate",
			map_cstr(params, "path", ""));
	names_wanted(h->a, params, &names);
	if (!c->self_issued)
		observe_attr(h, o, "provider", "another", "selfsigned");
	if (strcmp(c->common_name, cn) != 0)
		observe_attr(h, o, "common_name", c->common_name, cn);
	if (!same_names(&names, c))
		observe_attr(h, o, "names", join_names(h->a, c->names, c->n_names),
			join_names(h->a, names.v, names.n));
	if (known && (key.type != c->key.type || (key.id.p && !str_eq(key.id, c->key.id))))
		observe_attr(h, o, "key", "another", map_cstr(params, "privatekey_path", ""));
	observe_end(h, params, c, o);
	if (o->changes->list.n == 0 && pem_only(h->a, pem).p != pem.p)
		observe_attr(h, o, "content", "the certificate and something beside it",
			"the certificate alone");
	return true;
}

static bool observe_new(struct host *h, const struct value *params, const char *now,
	struct observation *o, struct err *e)
{
	struct key_info key;
	struct args names = {0};
	bool known;
	if (!read_key(h, params, &key, &known, e))
		return false;
	names_wanted(h->a, params, &names);
	observe_attr(h, o, "certificate", now,
		arena_printf(h->a, "self-signed for %s", join_names(h->a, names.v, names.n)));
	return true;
}

static bool x509_certificate_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	struct cert_info c;
	struct str pem;
	bool found, ok;
	observation_init(h, o);
	if (!path_read(h->a, path, PEM_MAX, &pem, &found, e) ||
		(!found && !parent_there(h, path, e)))
		return false;
	bool is_cert = found && cert_read(h->a, pem, &c);
	if (is_cert)
		ok = observe_cert(h, params, pem, &c, o, e);
	else
		ok = observe_new(h, params, found ? "no certificate" : NULL, o, e);
	map_put(h->a, o->result, "filename", value_text(h->a, path));
	map_put(h->a, o->result, "privatekey",
		value_text(h->a, map_cstr(params, "privatekey_path", "")));
	if (is_cert)
		map_put(h->a, o->result, "notAfter", value_int(h->a, c.not_after));
	return ok && attr_observe(h, path, params, o, e);
}

/* ---- apply ---- */

/* openssl's configuration; the names were checked, so none has a meaning in it. */
static struct str request_config(struct arena *a, const struct value *params)
{
	struct args names = {0};
	names_wanted(a, params, &names);
	return str_printf(a,
		"[req]\nprompt = no\ndistinguished_name = subject\nx509_extensions = extensions\n"
		"[subject]\nCN = %s\n"
		"[extensions]\nsubjectAltName = %s\nbasicConstraints = critical,CA:FALSE\n"
		"keyUsage = critical,digitalSignature,keyEncipherment\n"
		"extendedKeyUsage = serverAuth,clientAuth\nsubjectKeyIdentifier = hash\n",
		map_cstr(params, "common_name", ""), join_names(a, names.v, names.n));
}

/* The key is passed on standard input, because its path could change meanwhile. */
static bool run_req(struct host *h, const struct value *params, const char *config, struct str key,
	struct proc_result *r, struct err *e)
{
	struct file_attr attr = {CONFIG_MODE, (uid_t)-1, (gid_t)-1};
	struct str text = request_config(h->a, params);
	const char *days = arena_printf(h->a, "%d", (int)map_int(params, "valid_days", 3650));
	const char *argv[] = {"openssl", "req", "-x509", "-new", "-batch", "-sha256", "-config",
		config, "-key", "/dev/stdin", "-days", days, NULL};
	return file_replace(config, text.p, text.n, attr, e) && run_with(h, argv, key, r, e);
}

static bool sign_certificate(
	struct host *h, const struct value *params, struct str *pem, struct err *e)
{
	const char *key = map_cstr(params, "privatekey_path", "");
	char folder[SCRATCH_MAX];
	struct proc_result r;
	struct cert_info c;
	struct str text;
	bool found;
	if (!path_read(h->a, key, PEM_MAX, &text, &found, e) ||
		!scratch_open(SCRATCH_MEMORY, folder, e))
		return false;
	bool ok = run_req(h, params, path_join(h->a, folder, "config"), text, &r, e);
	scratch_close(folder);
	if (!ok)
		return false;
	if (r.status != 0 || !cert_read(h->a, r.out, &c))
		return err_set(e, ERR_PERMANENT,
			"openssl could not make a certificate for the key %s (exit %d): %s", key,
			r.status, last_words(h->a, r.err_out, SAID_MAX));
	*pem = r.out;
	return true;
}

static bool x509_certificate_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	static const char *const reasons[] = {
		"certificate", "provider", "common_name", "names", "key", "validity"};
	const char *path = map_cstr(params, "path", "");
	bool make = false;
	struct str pem;
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		make = make || observed_change(o, reasons[i]);
	if (make) {
		if (!sign_certificate(h, params, &pem, e))
			return false;
		if (map_bool(params, "backup", false) && !write_backup(h, path, o, e))
			return false;
		if (!write_file(h, path, pem, params, CERT_MODE, e))
			return false;
	}
	if (observed_change(o, "content")) {
		bool found;
		if (!path_read(h->a, path, PEM_MAX, &pem, &found, e) ||
			!write_file(h, path, pem_only(h->a, pem), params, CERT_MODE, e))
			return false;
	}
	return attr_apply(h, path, params, e);
}

const struct restype restype_x509_certificate = {
	.name = "x509_certificate",
	.full_names = BUILTIN_NAMES("x509_certificate") " community.crypto.x509_certificate",
	.key = "path",
	.doc = "A self-signed certificate, remade before it expires or when names or key change.",
	.example = "- name: A certificate to begin with\n  x509_certificate:\n"
		   "    path: /etc/ssl/certs/mx1.example.com.pem\n"
		   "    privatekey_path: /etc/ssl/private/mx1.example.com.key\n"
		   "    common_name: mx1.example.com\n",
	.fields = x509_certificate_fields,
	.returns = x509_certificate_returns,
	.class = RES_FILE,
	.touches = RES_FILE,
	.check = x509_certificate_check,
	.observe = x509_certificate_observe,
	.apply = x509_certificate_apply,
};
