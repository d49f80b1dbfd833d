/* SPDX-License-Identifier: MIT
 *
 * Logs in: tries one method after the other, in a fixed order, until the host accepts one. Asks for
 * no passphrase, and spends no round trip on asking the host for its methods before it has tried a
 * key.
 */
#include <libssh2.h>
#include "transport/auth.h"
#include "transport/hostkey.h"
#include "transport/keyfile.h"

enum { MEANS = 16, NOTES_MAX = 400 };

enum means_kind { MEANS_AGENT, MEANS_FILE, MEANS_PASSWORD };
struct means {
	enum means_kind kind;
	const char *name; /* for messages */
	const char *path;
	struct str blob;
	struct libssh2_agent_publickey *identity;
};
struct login {
	struct arena *a;
	const struct target *target;
	const char *label, *user;
	LIBSSH2_SESSION *session;
	LIBSSH2_AGENT *agent;
	struct means means[MEANS];
	unsigned n, at;
	const char *for_ssh; /* only the system's ssh can use it: "the RSA key in ssh-agent" */
	const char *offered; /* the methods that the host offers, once it was asked */
	struct buf tried, hints;
};

static void note_means(struct buf *b, const char *what)
{
	buf_addf(b, "%s%s", b->n ? ", " : "", what);
}

static struct means *add_means(struct login *l, enum means_kind kind, const char *name)
{
	if (l->n == MEANS)
		return NULL;
	struct means *m = &l->means[l->n++];
	*m = (struct means){.kind = kind, .name = name};
	return m;
}

/* ---- gathering ---- */

static void add_identity(struct login *l, struct libssh2_agent_publickey *id)
{
	struct str type = key_type(l->a, id->blob, id->blob_len);
	if (!str_is(type, "ssh-ed25519") && !str_starts(type, "ecdsa-sha2-")) {
		l->for_ssh = arena_printf(l->a, "the %s key in ssh-agent", type.p);
		return;
	}
	struct means *m = add_means(l, MEANS_AGENT,
		arena_printf(l->a, "ssh-agent's %s",
			id->comment && id->comment[0] ? id->comment : type.p));
	if (!m)
		return;
	m->identity = id;
	m->blob = (struct str){(const char *)id->blob, id->blob_len};
}

/* The agent's socket is local and answers at once; libssh2 has no non-blocking call for it. */
static void add_agent(struct login *l)
{
	const char *sock = getenv("SSH_AUTH_SOCK");
	if (!sock || !sock[0])
		return;
	l->agent = libssh2_agent_init(l->session);
	if (!l->agent || libssh2_agent_connect(l->agent) != 0 ||
		libssh2_agent_list_identities(l->agent) != 0) {
		note_means(&l->hints, "ssh-agent does not answer");
		return;
	}
	struct libssh2_agent_publickey *id = NULL;
	while (libssh2_agent_get_identity(l->agent, &id, id) == 0)
		add_identity(l, id);
}

static bool have_blob(const struct login *l, struct str blob)
{
	for (unsigned i = 0; i < l->n; i++)
		if (blob.p && l->means[i].blob.p && str_eq(l->means[i].blob, blob))
			return true;
	return false;
}

/* One key file; when the inventory gives it, it must be usable. */
static bool add_file(struct login *l, const char *path, bool given, struct err *e)
{
	struct keyfile k;
	struct err why = {0};
	if (!keyfile_look(l->a, path, &k, &why) || (given && !k.found)) {
		if (given)
			return err_set(e, ERR_CONFIG, "%s: the key file for the login: %s",
				l->label,
				k.found ? why.msg : arena_printf(l->a, "%s does not exist", path));
		note_means(&l->hints, why.msg);
		return true;
	}
	if (!k.found || have_blob(l, k.blob))
		return true;
	if (k.encrypted) {
		note_means(&l->hints,
			arena_printf(l->a, "%s is protected by a passphrase; add it to ssh-agent",
				path));
		return true;
	}
	if (!k.served) {
		l->for_ssh = arena_printf(l->a, "the %s key %s", k.kind, path);
		return true;
	}
	struct means *m = add_means(l, MEANS_FILE, path);
	if (m) {
		m->path = path;
		m->blob = k.blob;
	}
	return true;
}

static void add_usual_files(struct login *l)
{
	/* The last ones cannot be used by libssh2; they are examined so that ssh can take over. */
	static const char *const names[] = {
		"id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk"};
	const char *home = home_dir(l->a);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err ignored = {0};
		add_file(l, arena_printf(l->a, "%s/.ssh/%s", home, names[i]), false, &ignored);
	}
}

/* Answers only one kind of keyboard dialog: a single question with a hidden answer. */
static LIBSSH2_USERAUTH_KBDINT_RESPONSE_FUNC(answer_dialog)
{
	(void)name;
	(void)name_len;
	(void)instruction;
	(void)instruction_len;
	struct login *l = ((struct ssh_owner *)*abstract)->login;
	const char *password = l->target->connection.password;
	for (int i = 0; i < num_prompts; i++) {
		responses[i].text = strdup(prompts[i].echo ? "" : password);
		responses[i].length = responses[i].text ? (unsigned)strlen(responses[i].text) : 0;
	}
}

struct login *login_new(struct arena *a, const struct target *t, const char *label,
	LIBSSH2_SESSION *session, struct err *e)
{
	struct login *l = ARENA_NEW(a, struct login);
	*l = (struct login){.a = a, .target = t, .label = label, .session = session};
	l->user = target_login(a, t);
	buf_init(&l->tried, NOTES_MAX);
	buf_init(&l->hints, NOTES_MAX);
	if (t->connection.key_file) {
		if (!add_file(l, t->connection.key_file, true, e)) {
			login_free(l);
			return NULL;
		}
	} else {
		add_agent(l);
		add_usual_files(l);
	}
	if (t->connection.password)
		add_means(l, MEANS_PASSWORD, "the password");
	return l;
}

bool login_needs_openssh(const struct login *l, struct err *e)
{
	if (l->n > 0 || !l->for_ssh)
		return false;
	err_set(e, ERR_UNREACHABLE, "%s: libssh2 cannot log in with %s", l->label, l->for_ssh);
	return true;
}

/* ---- logging in ---- */

/* The methods that the host offers now, once it was asked; false: no answer yet. */
static bool ask_offered(struct login *l)
{
	if (l->offered)
		return true;
	const char *list = libssh2_userauth_list(l->session, l->user, (unsigned)strlen(l->user));
	if (!list && libssh2_session_last_errno(l->session) == LIBSSH2_ERROR_EAGAIN)
		return false;
	l->offered = list ? arena_strdup(l->a, list) : "";
	return true;
}

/* One attempt by the method that the host offers: trying a wrong password twice could lock the
 * account. */
static int try_password(struct login *l)
{
	if (!ask_offered(l))
		return LIBSSH2_ERROR_EAGAIN;
	if (libssh2_userauth_authenticated(l->session))
		return 0;
	const char *password = l->target->connection.password;
	unsigned n = (unsigned)strlen(l->user);
	if (strstr(l->offered, "password"))
		return libssh2_userauth_password_ex(
			l->session, l->user, n, password, (unsigned)strlen(password), NULL);
	if (!strstr(l->offered, "keyboard-interactive"))
		return LIBSSH2_ERROR_METHOD_NOT_SUPPORTED;
	((struct ssh_owner *)*libssh2_session_abstract(l->session))->login = l;
	return libssh2_userauth_keyboard_interactive_ex(l->session, l->user, n, answer_dialog);
}

static int try_means(struct login *l, const struct means *m)
{
	switch (m->kind) {
	case MEANS_AGENT:
		return libssh2_agent_userauth(l->agent, l->user, m->identity);
	case MEANS_FILE:
		return libssh2_userauth_publickey_fromfile_ex(
			l->session, l->user, (unsigned)strlen(l->user), NULL, m->path, NULL);
	case MEANS_PASSWORD:
		return try_password(l);
	}
	panic("internal error: unknown login method: %d", m->kind);
}

static bool connection_lost(int rc)
{
	return rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_RECV ||
	       rc == LIBSSH2_ERROR_SOCKET_SEND;
}

#define NOTHING_TO_TRY \
	"there was no key to try; name one with --private-key, or give a password with -k"

static enum login_status report_refusal(struct login *l, bool hung_up, struct err *e)
{
	if (l->for_ssh && !hung_up) {
		err_set(e, ERR_UNREACHABLE,
			"%s refused the keys that libssh2 can use; still untried: %s", l->label,
			l->for_ssh);
		return LOGIN_OPENSSH;
	}
	const char *offered = l->offered ? l->offered : "";
	err_set(e, ERR_UNREACHABLE, "%s refused the login of %s%s: %s%s%s%s%s%s%s", l->label,
		l->user, hung_up ? " and hung up" : "", l->n ? "tried " : NOTHING_TO_TRY,
		l->tried.n ? l->tried.p : "", offered[0] ? "; it offers " : "", offered,
		l->hints.n ? " (" : "", l->hints.n ? l->hints.p : "", l->hints.n ? ")" : "");
	return LOGIN_REFUSED;
}

enum login_status login_step(struct login *l, struct err *e)
{
	while (l->at < l->n) {
		const struct means *m = &l->means[l->at];
		int rc = try_means(l, m);
		if (rc == LIBSSH2_ERROR_EAGAIN)
			return LOGIN_WAIT;
		if (rc == 0)
			return LOGIN_DONE;
		note_means(&l->tried, m->name);
		l->at++;
		if (connection_lost(rc))
			return report_refusal(l, true, e);
	}
	/* Everything was refused: the message lists what the host offers. */
	if (!ask_offered(l))
		return LOGIN_WAIT;
	if (libssh2_userauth_authenticated(l->session))
		return LOGIN_DONE;
	return report_refusal(l, false, e);
}

void login_free(struct login *l)
{
	if (!l)
		return;
	if (l->agent)
		libssh2_agent_free(l->agent);
	l->agent = NULL;
	buf_free(&l->tried);
	buf_free(&l->hints);
}
