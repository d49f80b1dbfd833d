/* SPDX-License-Identifier: MIT
 *
 * The type `openssl_privatekey`: a private key that is made on the host and never leaves it. Never
 * replaces an existing key, unless force says so.
 */
#include <unistd.h>
#include "host/args.h"
#include "host/path.h"
#include "resource/types.h"
#include "host/x509.h"

enum { KEY_FILE_MAX = 1 << 20, KEY_MODE = 0600, SAID_MAX = 300 };

static const struct field openssl_privatekey_fields[] = {
	{.name = "path", .kind = FIELD_PATH, .flags = FIELD_REQUIRED, .doc = "The key's file."},
	{.name = "state",
		.kind = FIELD_ENUM,
		.choices = "present absent",
		.dflt = "present",
		.doc = "Whether the key exists."},
	{.name = "type",
		.kind = FIELD_ENUM,
		.choices = "RSA ECC Ed25519",
		.dflt = "RSA",
		.doc = "Type of the key."},
	{.name = "size",
		.kind = FIELD_INT,
		.dflt = "4096",
		.min = 1024,
		.max = 16384,
		.doc = "RSA: size in bits."},
	{.name = "curve",
		.kind = FIELD_ENUM,
		.choices = "secp256r1 secp384r1 secp521r1",
		.dflt = "secp256r1",
		.doc = "ECC: name of the curve."},
	{.name = "force",
		.kind = FIELD_BOOL,
		.dflt = "false",
		.doc = "Replace a key of another type or size. A certificate or a published DKIM "
		       "record made with the old key does not match the new one."},
	{.name = "regenerate",
		.kind = FIELD_ENUM,
		.choices = "never fail partial_idempotence full_idempotence",
		.flags = FIELD_ACTION,
		.doc = "Accepted; an existing key is kept, and one of another type or size is an "
		       "error."},
	{.name = "backup",
		.kind = FIELD_BOOL,
		.flags = FIELD_ACTION,
		.dflt = "false",
		.doc = "Keep a backup of a replaced key beside it."},
	{.name = "passphrase",
		.kind = FIELD_STR,
		.flags = FIELD_SECRET | FIELD_LATER,
		.doc = "Encrypt the key."},
	{.name = "format", .kind = FIELD_STR, .flags = FIELD_LATER, .doc = "The file's format."},
	FILE_ATTR_FIELDS,
	{0},
};

static const struct field openssl_privatekey_returns[] = {
	{.name = "filename", .kind = FIELD_STR, .doc = "The key's file."},
	{.name = "type", .kind = FIELD_STR, .doc = "Type of the key."},
	{.name = "size", .kind = FIELD_INT, .doc = "RSA: size in bits."},
	{0},
};

/* "RSA 2048", "ECC secp256r1", "Ed25519" */
static const char *kind_wanted(struct arena *a, const struct value *params)
{
	const char *type = map_cstr(params, "type", "RSA");
	if (strcmp(type, "RSA") == 0)
		return arena_printf(a, "RSA %d", (int)map_int(params, "size", 4096));
	if (strcmp(type, "ECC") == 0)
		return arena_printf(a, "ECC %s", map_cstr(params, "curve", "secp256r1"));
	return type;
}

static const char *kind_of(struct arena *a, const struct key_info *k)
{
	if (k->encrypted)
		return "an encrypted key";
	if (k->type == KEY_RSA)
		return arena_printf(a, "RSA %d", k->bits);
	if (k->type == KEY_EC)
		return arena_printf(a, "ECC %s", k->curve ? k->curve : "of another curve");
	return key_type_name(k->type);
}

static bool is_wanted(const struct value *params)
{
	return strcmp(map_cstr(params, "state", "present"), "present") == 0;
}

/* The kind of file decides: a file that holds something else is not overwritten either. */
static bool observe_key(struct host *h, const struct value *params, struct str text, bool found,
	struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	const char *want = kind_wanted(h->a, params);
	struct key_info k = {0};
	bool is_key = found && key_read(h->a, text, &k);
	if (found && str_trim(h->a, text).n == 0) { /* nothing to lose */
		observe_attr(h, o, "key", "an empty file", want);
		return true;
	}
	const char *now = is_key ? kind_of(h->a, &k) : "no key";
	if (found && strcmp(now, want) != 0 && !map_bool(params, "force", false))
		return err_set(e, ERR_PERMANENT,
			"%s holds %s, but %s is declared; set force: true to replace it, or "
			"declare the type and size that it has",
			path, now, want);
	if (!found || strcmp(now, want) != 0)
		observe_attr(h, o, "key", found ? now : NULL, want);
	else if (pem_only(h->a, text).p != text.p)
		observe_attr(h, o, "content", "the key and something beside it", "the key alone");
	return true;
}

static bool openssl_privatekey_observe(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	struct str text;
	bool found;
	observation_init(h, o);
	if (!path_read(h->a, path, KEY_FILE_MAX, &text, &found, e))
		return false;
	map_put(h->a, o->result, "filename", value_text(h->a, path));
	map_put(h->a, o->result, "type", value_text(h->a, map_cstr(params, "type", "RSA")));
	if (strcmp(map_cstr(params, "type", "RSA"), "RSA") == 0)
		map_put(h->a, o->result, "size", value_int(h->a, map_int(params, "size", 4096)));
	if (!is_wanted(params)) {
		if (found)
			observe_attr(h, o, "state", "present", "absent");
		return true;
	}
	if (!found && !parent_there(h, path, e))
		return false;
	return observe_key(h, params, text, found, o, e) && attr_observe(h, path, params, o, e);
}

static void genpkey_args(struct arena *a, const struct value *params, struct args *argv)
{
	const char *type = map_cstr(params, "type", "RSA");
	args_add(a, argv, "openssl");
	args_add(a, argv, "genpkey");
	args_add(a, argv, "-algorithm");
	args_add(a, argv, strcmp(type, "ECC") == 0 ? "EC" : type);
	if (strcmp(type, "RSA") == 0) {
		args_add(a, argv, "-pkeyopt");
		args_addf(a, argv, "rsa_keygen_bits:%d", (int)map_int(params, "size", 4096));
	} else if (strcmp(type, "ECC") == 0) {
		const char *curve = map_cstr(params, "curve", "secp256r1");
		/* openssl knows this one only by its X9.62 name */
		bool p256 = strcmp(curve, "secp256r1") == 0;
		args_add(a, argv, "-pkeyopt");
		args_addf(a, argv, "ec_paramgen_curve:%s", p256 ? "prime256v1" : curve);
		args_add(a, argv, "-pkeyopt");
		args_add(a, argv, "ec_param_enc:named_curve");
	}
}

/* The key comes through a pipe: no file holds it before the private one that is
 * renamed in place. */
static bool make_key(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	struct args argv = {0};
	struct proc_result r;
	struct key_info k;
	if (h->note)
		h->note(h->ctx, "making the key %s", path);
	genpkey_args(h->a, params, &argv);
	if (!run_with(h, argv.v, (struct str){0}, &r, e))
		return false;
	if (r.status != 0 || !key_read(h->a, r.out, &k))
		return err_set(e, ERR_PERMANENT,
			"openssl could not make a key for %s (exit %d): %s", path, r.status,
			last_words(h->a, r.err_out, SAID_MAX));
	if (map_bool(params, "backup", false) && !write_backup(h, path, o, e))
		return false;
	return write_file(h, path, r.out, params, KEY_MODE, e);
}

static bool keep_key_alone(struct host *h, const struct value *params, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	struct str text;
	bool found;
	return path_read(h->a, path, KEY_FILE_MAX, &text, &found, e) &&
	       (!found || write_file(h, path, pem_only(h->a, text), params, KEY_MODE, e));
}

static bool openssl_privatekey_apply(
	struct host *h, const struct value *params, struct observation *o, struct err *e)
{
	const char *path = map_cstr(params, "path", "");
	if (!is_wanted(params)) {
		return !observed_change(o, "state") || remove_file(h, path, e);
	}
	if (observed_change(o, "key") && !make_key(h, params, o, e))
		return false;
	if (observed_change(o, "content") && !keep_key_alone(h, params, e))
		return false;
	return attr_apply(h, path, params, e);
}

const struct restype restype_openssl_privatekey = {
	.name = "openssl_privatekey",
	.full_names = BUILTIN_NAMES("openssl_privatekey") " community.crypto.openssl_privatekey",
	.key = "path",
	.doc = "A private key, made on the host. An existing key is never replaced unless force "
	       "is set.",
	.example = "- name: The key of the mail server\n  openssl_privatekey:\n"
		   "    path: /etc/ssl/private/mx1.example.com.key\n    type: ECC\n",
	.fields = openssl_privatekey_fields,
	.returns = openssl_privatekey_returns,
	.class = RES_FILE,
	.touches = RES_FILE,
	.observe = openssl_privatekey_observe,
	.apply = openssl_privatekey_apply,
};
