/* SPDX-License-Identifier: MIT
 *
 * Saves a frozen plan and loads it. What is loaded is checked by its digest and by tables before
 * use. Passwords of connections are not saved.
 */
#include "plan/plan.h"
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/path.h"
#include "agent/restype.h"

#define KIND "provision plan " /* followed by the version of the format */
#define MAGIC KIND "3\n"
enum {
	KIND_LEN = sizeof(KIND) - 1,
	MAGIC_LEN = sizeof(MAGIC) - 1,
	HEAD_LEN = MAGIC_LEN + SHA256_LEN
};

enum { FIELDS_MAX = 40 };
static struct field step_fields[FIELDS_MAX], target_fields[FIELDS_MAX];
/* In addition to the tables in step/. */
static const struct field more_of_step[] = {
	{.name = "type", .kind = FIELD_STR},
	{.name = "changes", .kind = FIELD_ANY},
	{.name = "error", .kind = FIELD_STR},
	{.name = NULL},
};
static const struct field more_of_target[] = {
	{.name = "target", .kind = FIELD_ENUM, .flags = FIELD_REQUIRED, .choices = "host zone"},
	{.name = "name", .kind = FIELD_STR, .flags = FIELD_REQUIRED},
	{.name = "settings", .kind = FIELD_MAP},
	{.name = "steps", .kind = FIELD_LIST, .flags = FIELD_REQUIRED, .sub = step_fields},
	{.name = NULL},
};
static const struct field plan_fields[] = {
	{.name = "site", .kind = FIELD_STR},
	{.name = "digest", .kind = FIELD_STR, .flags = FIELD_REQUIRED},
	{.name = "targets", .kind = FIELD_LIST, .flags = FIELD_REQUIRED, .sub = target_fields},
	{.name = NULL},
};

/* The results of changed_when and failed_when are saved as constants. */
static struct value *step_value(struct arena *a, const struct planned *p)
{
	struct value *m = value_map(a);
	struct step s = *p->step;
	s.changed = p->changed ? 1 : s.changed;
	s.failed = s.verdict && !p->error ? 0 : s.failed;
	record_put(a, step_members, STEP_SAVED, &s, m);
	map_put_text(a, m, "type", s.type ? s.type->name : NULL);
	map_put_text(a, m, "error", p->error);
	if (p->changes)
		map_put(a, m, "changes", p->changes);
	return m;
}

static struct value *target_value(struct arena *a, const struct plan_target *target)
{
	struct value *m = value_map(a), *steps = value_list(a);
	map_put_text(a, m, "target", target_kind_name(target->kind));
	map_put_text(a, m, "name", target->name);
	record_put(a, connection_members, STEP_SAVED, &target->connection, m);
	for (size_t i = 0; i < target->n; i++)
		list_add(a, steps, step_value(a, target->v[i]));
	if (target->settings)
		map_put(a, m, "settings", target->settings);
	map_put(a, m, "steps", steps);
	return m;
}

/* true, or the reason why the plan cannot be saved. */
static bool is_promise(const struct plan_target *target, struct err *e)
{
	if (target->error)
		return err_set(e, ERR_CONFIG, "the plan of %s is incomplete: %s", target->name,
			target->error);
	for (size_t i = 0; i < target->n; i++) {
		const struct planned *p = target->v[i];
		const char *name = p->step->name;
		/* a step of kind MAYBE is decided on the host, when it runs */
		if (p->step->unknown || p->open)
			return err_set(e, ERR_CONFIG,
				"a plan with unknowns cannot be saved: on %s, '%s' is unknown %s; "
				"apply the site itself",
				target->name, name, plan_unknown(p));
		bool runs = p->kind == PLANNED_HANDLER || p->kind == PLANNED_HANDLER_MAYBE ||
			    (p->changes && p->changes->list.n);
		if (p->step->verdict && runs)
			return err_set(e, ERR_CONFIG,
				"a plan that needs results cannot be saved: on %s, '%s' has "
				"changed_when or failed_when; apply the site itself",
				target->name, name);
		if (p->kind == PLANNED_FAILED)
			return err_set(e, ERR_CONFIG, "the plan of %s is incomplete: '%s': %s",
				target->name, name, planned_error(p));
	}
	return true;
}

static bool is_printed_to(const struct stat *st)
{
	struct stat out;
	return fstat(STDOUT_FILENO, &out) == 0 && st->st_dev == out.st_dev &&
	       st->st_ino == out.st_ino;
}

/* Writes to a device or pipe; it is not replaced. Refuses standard output if that is where the plan
 * is printed, since a plan file within text is useless. */
static bool write_open(int fd, const char *path, const struct buf *file, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot look at %s", path);
	if (isatty(fd) || (!S_ISCHR(st.st_mode) && is_printed_to(&st)))
		return err_set(e, ERR_CONFIG,
			"%s is where the plan is printed; save it to a file of its own", path);
	return write_all(fd, file->p, file->n) || err_errno(e, "cannot write %s", path);
}

static bool write_through(const char *path, const struct buf *file, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_errno(e, "cannot open %s", path);
	bool ok = write_open(fd, path, file, e);
	if (close(fd) < 0 && ok)
		ok = err_errno(e, "cannot write %s", path);
	return ok;
}

/* Replaces a regular file atomically, also the target of a link; the link stays. */
static bool write_out(struct arena *a, const char *path, const struct buf *file, struct err *e)
{
	struct file_attr attr = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
	struct stat st;
	bool there = stat(path, &st) == 0;
	if (there && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode) ||
			     (S_ISREG(st.st_mode) && is_printed_to(&st))))
		return write_through(path, file, e);
	if (there && !S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, "%s is a %s; a plan is saved to a file", path,
			file_kind(st.st_mode));
	return path_follow(a, path, &path, e) && file_replace(path, file->p, file->n, attr, e);
}

static void encode_file(const struct value *m, struct buf *file)
{
	unsigned char sha[SHA256_LEN];
	struct buf body;
	buf_init(&body, (size_t)4 * FILE_MAX);
	value_encode(&body, m, CODEC_BLOBS | CODEC_POS);
	sha256(body.p, body.n, sha);
	buf_add(file, MAGIC, MAGIC_LEN);
	buf_add(file, sha, sizeof(sha));
	buf_add(file, body.p, body.n);
	file->over = file->over || body.over;
	buf_free(&body);
}

bool plan_save(const struct plan *p, const char *path, struct err *e)
{
	struct arena *a = arena_new();
	struct value *m = value_map(a), *targets = value_list(a);
	struct buf file;
	bool ok = true;
	for (size_t i = 0; i < p->n && ok; i++) {
		ok = is_promise(p->v[i], e);
		if (ok)
			list_add(a, targets, target_value(a, p->v[i]));
	}
	map_put_text(a, m, "site", p->site);
	map_put_text(a, m, "digest", p->digest);
	map_put(a, m, "targets", targets);
	buf_init(&file, (size_t)4 * FILE_MAX);
	if (ok) {
		encode_file(m, &file);
		ok = file.over ? err_set(e, ERR_PERMANENT, "the plan is too large to be saved")
			       : write_out(a, path, &file, e);
	}
	buf_free(&file);
	arena_free(a);
	return ok;
}

bool plan_is_file(const char *path)
{
	char head[KIND_LEN];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, head, sizeof(head));
	close(fd);
	return n == (ssize_t)sizeof(head) && memcmp(head, KIND, KIND_LEN) == 0;
}

static bool load_type(struct step *s, const struct value *m, struct err *e)
{
	const char *type = map_cstr(m, "type", NULL);
	if (!type)
		return true;
	s->type = restype_find(str_c(type));
	if (!s->type || !s->params)
		return err_set(e, ERR_CONFIG, "the plan's step '%s' has an unknown type '%s'",
			s->name, type);
	return true;
}

static bool is_changes(const struct value *l)
{
	for (size_t i = 0; l->type == VALUE_LIST && i < l->list.n; i++)
		if (l->list.v[i]->type != VALUE_MAP)
			return false;
	return l->type == VALUE_LIST;
}

static bool load_step(struct plan_target *target, const struct value *m, struct err *e)
{
	struct arena *a = target->a;
	struct step *s = ARENA_NEW(a, struct step);
	record_take(a, step_members, STEP_SAVED, m, s);
	struct value *changes = map_at(m, "changes");
	if (!load_type(s, m, e))
		return false;
	if (!s->name || (changes && (!s->type || !is_changes(changes))))
		return err_set(e, ERR_CONFIG, "the plan's step %" PRIu32 " is damaged", s->id);
	s->ignore_errors = s->ignore_errors || s->failed == 0;
	struct planned *p = plan_add(target, s);
	p->changes = changes;
	p->error = s->type ? map_cstr(m, "error", NULL) : NULL;
	return true;
}

static bool load_target(struct plan *p, const struct value *m, struct err *e)
{
	bool zone = !strcmp(map_cstr(m, "target", ""), target_kind_name(TARGET_ZONE));
	struct plan_target *target =
		plan_target(p, p->a, zone ? TARGET_ZONE : TARGET_HOST, map_cstr(m, "name", ""));
	record_take(p->a, connection_members, STEP_SAVED, m, &target->connection);
	target->settings = map_at(m, "settings");
	const struct value *steps = map_at(m, "steps");
	for (size_t i = 0; i < steps->list.n; i++)
		if (!load_step(target, steps->list.v[i], e))
			return false;
	return true;
}

static bool load_value(struct arena *a, struct str file, struct value **out, struct err *e)
{
	unsigned char sha[SHA256_LEN];
	if (file.n < KIND_LEN || memcmp(file.p, KIND, KIND_LEN) != 0)
		return err_set(e, ERR_CONFIG, "it is not a plan");
	if (file.n < HEAD_LEN || memcmp(file.p, MAGIC, MAGIC_LEN) != 0)
		return err_set(e, ERR_CONFIG,
			"it is a plan of another version of provision; make a new one: provision "
			"plan SITE --out FILE");
	sha256(file.p + HEAD_LEN, file.n - HEAD_LEN, sha);
	if (memcmp(sha, file.p + MAGIC_LEN, sizeof(sha)) != 0)
		return err_set(e, ERR_CONFIG, "it is damaged: its digest does not match");
	struct value *raw;
	if (!value_decode(a, file.p + HEAD_LEN, file.n - HEAD_LEN, &raw, e))
		return false;
	struct errs errs;
	errs_init(&errs, a);
	record_fields(step_members, STEP_SAVED, step_fields, FIELDS_MAX, more_of_step);
	record_fields(connection_members, STEP_SAVED, target_fields, FIELDS_MAX, more_of_target);
	*out = fields_check(a, plan_fields, raw, "the plan", &errs);
	return *out ? true : err_set(e, ERR_CONFIG, "%s", errs.v[0].msg);
}

struct plan *plan_load(struct arena *a, const char *path, struct err *e)
{
	struct str file;
	struct value *m;
	struct plan *p = plan_new(a);
	bool ok = file_read(a, path, (size_t)4 * FILE_MAX, &file, e);
	if (ok && !load_value(a, file, &m, e)) {
		err_prefix(e, "%s", path);
		ok = false;
	}
	if (!ok)
		return NULL;
	const struct value *targets = map_at(m, "targets");
	p->site = map_cstr(m, "site", "");
	for (size_t i = 0; i < targets->list.n; i++) {
		if (load_target(p, targets->list.v[i], e))
			continue;
		err_prefix(e, "%s", path);
		return NULL;
	}
	plan_freeze(p);
	if (strcmp(p->digest, map_cstr(m, "digest", "")) != 0) {
		err_set(e, ERR_CONFIG, "%s: the plan does not match its digest", path);
		return NULL;
	}
	return p;
}
