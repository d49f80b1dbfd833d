/* SPDX-License-Identifier: MIT
 *
 * Reads dpkg's status file in one pass into a table sorted by name. Runs no program and takes no
 * lock: dpkg replaces the file as a whole.
 */
#include <sys/stat.h>
#include "host/dpkg.h"

/* One stanza during parsing; the strings point into the file's text. */
struct stanza {
	struct line package, status, version, arch, provides;
};

static bool read_field(struct line line, const char *name, struct line *value)
{
	size_t n = strlen(name);
	if (line.n <= n || line.p[n] != ':' || memcmp(line.p, name, n) != 0)
		return false;
	for (n++; n < line.n && line.p[n] == ' '; n++)
		;
	*value = (struct line){line.p + n, line.n - n};
	return true;
}

static const char *copy_text(struct dpkg *d, struct line line)
{
	return str_dup(d->a, line.p ? line.p : "", line.n).p;
}

/* "install ok installed": the last word. */
static struct line state_of(struct line status)
{
	size_t at = status.n;
	if (at == 0) /* a stanza without one, which has no text to point into */
		return status;
	while (at > 0 && status.p[at - 1] != ' ')
		at--;
	return (struct line){status.p + at, status.n - at};
}

/* "mail-transport-agent, x (= 1.2)": the names. */
static void add_provides(struct dpkg *d, struct line list)
{
	for (size_t i = 0; i < list.n;) {
		size_t n = 0;
		while (i < list.n && (list.p[i] == ' ' || list.p[i] == ','))
			i++;
		while (i + n < list.n && !strchr(" ,(:", list.p[i + n]))
			n++;
		if (n)
			args_add(d->a, &d->all.provided, str_dup(d->a, list.p + i, n).p);
		for (i += n; i < list.n && list.p[i] != ','; i++)
			;
	}
}

static void add_package(struct dpkg *d, const struct stanza *s)
{
	if (s->package.n == 0)
		return;
	struct package one = {copy_text(d, s->package), copy_text(d, s->version),
		copy_text(d, s->arch), copy_text(d, state_of(s->status))};
	PUSH(d->a, d->all.v, d->all.n, d->all.cap, one);
	const struct package *p = &d->all.v[d->all.n - 1];
	if (package_installed(p))
		add_provides(d, s->provides);
	if (strcmp(p->state, "unpacked") == 0 || strncmp(p->state, "half-", 5) == 0)
		d->interrupted = true;
}

struct dpkg *dpkg_parse(struct str status)
{
	struct arena *a = arena_new();
	struct dpkg *d = ARENA_NEW(a, struct dpkg);
	struct stanza s = {0};
	struct line line;
	d->a = a;
	while (line_next(&status, &line)) {
		if (line.n == 0) {
			add_package(d, &s);
			s = (struct stanza){0};
		} else if (line.p[0] == 'P') {
			(void)(read_field(line, "Package", &s.package) ||
				read_field(line, "Provides", &s.provides));
		} else if (line.p[0] == 'S') {
			read_field(line, "Status", &s.status);
		} else if (line.p[0] == 'V') {
			read_field(line, "Version", &s.version);
		} else if (line.p[0] == 'A') {
			read_field(line, "Architecture", &s.arch);
		}
	}
	add_package(d, &s);
	packages_sort(&d->all);
	return d;
}

void dpkg_free(struct dpkg *d)
{
	if (d)
		arena_free(d->a);
}

/* " /etc/courier/authdaemonrc 0123...": a line of the field Conffiles. A marked file no longer
 * belongs to newer versions of the package. */
static bool is_conffile(struct line line, const char *path)
{
	size_t n = strlen(path);
	return line.n > n + 2 && line.p[0] == ' ' && memcmp(line.p + 1, path, n) == 0 &&
	       line.p[n + 1] == ' ' && !memmem(line.p, line.n, " obsolete", 9) &&
	       !memmem(line.p, line.n, " newconffile", 12) &&
	       !memmem(line.p, line.n, " remove-on-upgrade", 18);
}

const char *dpkg_conffile(struct arena *a, struct str status, const char *path)
{
	struct line line, package = {0}, state = {0};
	while (line_next(&status, &line)) {
		read_field(line, "Package", &package);
		if (read_field(line, "Status", &state))
			state = state_of(state);
		if (is_conffile(line, path) && state.n == strlen("installed") &&
			memcmp(state.p, "installed", state.n) == 0)
			return str_dup(a, package.p, package.n).p;
	}
	return NULL;
}

/* Is it the file that was read? dpkg creates a new one for each change. */
static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool stat_status(struct stat *st, struct err *e)
{
	return stat(DPKG_STATUS, st) == 0 ||
	       err_errno(e, "cannot stat %s (only hosts with dpkg are supported)", DPKG_STATUS);
}

bool dpkg_probe(struct err *e)
{
	struct stat st;
	return stat_status(&st, e);
}

const struct dpkg *dpkg_host(struct err *e)
{
	static struct dpkg *last;
	static struct stat last_stat;
	struct stat st;
	struct str status;
	if (!stat_status(&st, e))
		return NULL;
	if (last && is_unchanged(&st, &last_stat))
		return last;
	struct arena *a = arena_new();
	if (file_read(a, DPKG_STATUS, FILE_MAX, &status, e)) {
		dpkg_free(last);
		last = dpkg_parse(status);
		last_stat = st;
		arena_free(a);
		return last;
	}
	arena_free(a);
	return NULL;
}

const char *dpkg_owner(struct arena *a, const char *path)
{
	struct str status;
	struct err ignored = {0};
	if (!file_read(a, DPKG_STATUS, FILE_MAX, &status, &ignored))
		return NULL;
	return dpkg_conffile(a, status, path);
}
