/* SPDX-License-Identifier: MIT
 *
 * Gets the names of mxroute's servers from its API, once per run, and keeps a copy for when the API
 * does not answer or must not be asked. The answer is untrusted input: it is bounded, and each name
 * is checked before it becomes a record.
 */
#include <ctype.h>
#include <sys/stat.h>
#include "dns/dns.h"
#include "jinja/jinja.h"
#include "net/http.h"
#include "yaml/yaml.h"

enum {
	ANSWER_MAX = 1 << 20,
	SERVERS_MAX = 10000,
	NAME_MAX_LEN = 253,
	SPF_MAX = 1000,
};
#define API "https://api.mxrouteapps.com"

/* The fetched or cached answer, for the whole run. */
static struct {
	struct arena *a;
	struct value *known; /* {servers: {KEY: {hostname, backup}}, spf} */
	const char *stale;
	struct err failed;
} run;

/* ---- asking ---- */
/* The URL can be set for a mirror or a test; only then plain HTTP is allowed. */
static const char *base_url(const char **protocols)
{
	const char *own = getenv("PROVISION_MXROUTE_URL");
	*protocols = own && *own ? "http,https" : "https";
	return own && *own ? own : API;
}

/* The list under "data" of the answer. */
static struct value *fetch_list(struct arena *a, const char *path, struct err *e)
{
	const char *protocols, *url = arena_printf(a, "%s%s", base_url(&protocols), path);
	struct buf answer;
	struct value *v = NULL, *data;
	buf_init(&answer, ANSWER_MAX);
	if (!http_get(url, protocols, &answer, e))
		err_prefix(e, "mxroute's API (%s)", url);
	else if (!(v = json_parse(a, buf_str(a, &answer), e)))
		err_prefix(e, "mxroute's API (%s) did not return JSON", url);
	buf_free(&answer);
	if (!v)
		return NULL;
	data = v->type == VALUE_MAP ? map_at(v, "data") : NULL;
	if (data && data->type == VALUE_LIST && data->list.n <= SERVERS_MAX)
		return data;
	err_set(e, ERR_PERMANENT, "mxroute's API (%s) returned no list named data", url);
	return NULL;
}

/* ---- decoding ---- */
static bool name_ok(const char *name)
{
	size_t n = name ? strlen(name) : 0;
	if (n == 0 || n > NAME_MAX_LEN || !strchr(name, '.') || name[0] == '.' || name[0] == '-' ||
		strstr(name, ".."))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '.')
			return false;
	return true;
}

/* Their final dot is removed: records are written with one anyway. */
static const char *name_of(struct arena *a, const struct value *m, const char *key)
{
	const char *s = map_cstr(m, key, NULL);
	size_t n = s ? strlen(s) : 0;
	if (n && s[n - 1] == '.')
		s = str_dup(a, s, n - 1).p;
	return name_ok(s) ? s : NULL;
}

static struct value *servers_of(struct arena *a, const struct value *data)
{
	struct value *out = value_map(a);
	for (size_t i = 0; i < data->list.n; i++) {
		const struct value *m = data->list.v[i];
		const char *key, *host, *backup;
		struct value *one;
		if (m->type != VALUE_MAP)
			continue;
		key = map_cstr(m, "servername", NULL);
		host = name_of(a, m, "hostname");
		backup = name_of(a, m, "backuphost");
		if (!key || !host || !backup)
			continue;
		one = value_map(a);
		map_put(a, one, "hostname", value_text(a, host));
		map_put(a, one, "backup", value_text(a, backup));
		map_put(a, out, arena_strdup(a, key), one);
	}
	return out;
}

static bool spf_ok(const char *spf)
{
	size_t n = spf ? strlen(spf) : 0;
	if (n < 6 || n > SPF_MAX || strncmp(spf, "v=spf1", 6) != 0 || (spf[6] && spf[6] != ' '))
		return false;
	for (size_t i = 0; i < n; i++)
		if (spf[i] < 0x20 || spf[i] > 0x7e)
			return false;
	return true;
}

static struct value *ask_provider(struct arena *a, struct err *e)
{
	struct value *servers = fetch_list(a, "/project/items/mailservers", e);
	struct value *spf = servers ? fetch_list(a, "/project/items/spf", e) : NULL, *out;
	const char *text;
	if (!spf)
		return NULL;
	text = spf->list.n && spf->list.v[0]->type == VALUE_MAP
		       ? map_cstr(spf->list.v[0], "txt", NULL)
		       : NULL;
	if (!spf_ok(text)) {
		err_set(e, ERR_PERMANENT, "mxroute's API returned no SPF record");
		return NULL;
	}
	out = value_map(a);
	map_put(a, out, "servers", servers_of(a, servers));
	map_put(a, out, "spf", value_text(a, text));
	return out;
}

/* ---- the copy ---- */
static const char *cache_path(struct arena *a)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	if (cache && cache[0] == '/')
		return arena_printf(a, "%s/provision/mxroute.json", cache);
	return home && home[0] == '/' ? arena_printf(a, "%s/.cache/provision/mxroute.json", home)
				      : NULL;
}

/* Failing to write the copy is not an error: the answer is there. */
static void keep_copy(struct arena *a, const struct value *known)
{
	const char *path = cache_path(a);
	struct file_attr attr = {0600, (uid_t)-1, (gid_t)-1};
	struct err e = {0};
	struct buf b;
	if (!path || !mkdirs(path_dir(a, path), 0700, &e))
		return;
	buf_init(&b, ANSWER_MAX);
	json_write_pretty(&b, known, 0);
	buf_addc(&b, '\n');
	if (!b.over)
		(void)!file_replace(path, b.p, b.n, attr, &e);
	buf_free(&b);
}

/* Other programs could have written the file: it is checked like the answer. */
static struct value *read_copy(struct arena *a, const char **when)
{
	const char *path = cache_path(a);
	struct err e = {0};
	struct str text;
	struct stat st;
	bool found;
	struct value *v;
	const struct value *servers;
	if (!path || !file_read_opt(a, path, ANSWER_MAX, &text, &found, &e) || !found)
		return NULL;
	v = json_parse(a, text, &e);
	servers = v && v->type == VALUE_MAP ? map_at(v, "servers") : NULL;
	if (!servers || servers->type != VALUE_MAP || !spf_ok(map_cstr(v, "spf", NULL)))
		return NULL;
	for (size_t i = 0; i < servers->map.n; i++) {
		const struct value *m = servers->map.e[i].value;
		if (m->type != VALUE_MAP || !name_of(a, m, "hostname") || !name_of(a, m, "backup"))
			return NULL;
	}
	if (stat(path, &st) == 0) {
		char day[32];
		struct tm tm;
		localtime_r(&st.st_mtime, &tm);
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
		*when = arena_strdup(a, day);
	}
	return v;
}

/* ---- the question ---- */
static void learn_hosts(bool offline)
{
	const char *when = "?";
	run.a = arena_new();
	if (!offline)
		run.known = ask_provider(run.a, &run.failed);
	if (run.known) {
		keep_copy(run.a, run.known);
		return;
	}
	run.known = read_copy(run.a, &when);
	if (run.known && !offline)
		run.stale = arena_printf(
			run.a, "%s; using the copy of %s instead", run.failed.msg, when);
	if (!run.known && offline)
		err_set(&run.failed, ERR_CONFIG,
			"the names of mxroute's servers were never fetched on this machine; run "
			"it once without --offline");
}

bool mxroute_find(struct arena *a, const char *key, bool offline, struct mxroute *out,
	const char **stale, struct err *e)
{
	const struct value *one;
	if (!run.a)
		learn_hosts(offline);
	*stale = run.stale;
	if (!run.known) {
		*e = run.failed;
		return false;
	}
	one = map_at(map_at(run.known, "servers"), key);
	if (!one)
		return err_set(e, ERR_CONFIG, "mxroute has no server '%s'%s; check the name", key,
			offline || run.stale ? " in the cached copy" : "");
	*out = (struct mxroute){name_of(a, one, "hostname"), name_of(a, one, "backup"),
		map_cstr(run.known, "spf", ""), DNS_UNKNOWN, NULL};
	return true;
}
