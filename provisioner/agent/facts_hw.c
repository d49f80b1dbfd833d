/* SPDX-License-Identifier: MIT
 *
 * Facts: memory, processors, mounts, uptime, and the time. Does not query network file systems,
 * which may hang.
 */
#include <sys/statvfs.h>
#include <unistd.h>
#include "agent/facts.h"

enum { MOUNTS_MAX = 64, PACKAGES_MAX = 64 };

/* "MemTotal: 16384 kB" -> MiB; -1: absent */
static int64_t read_meminfo(struct arena *a, struct str text, const char *key)
{
	struct str line;
	for (size_t at = 0; fact_line(a, text, &at, &line);)
		if (str_starts(line, key) && line.p[strlen(key)] == ':')
			return strtoll(line.p + strlen(key) + 1, NULL, 10) / 1024;
	return -1;
}

static void put_memory(struct arena *a, struct value *facts)
{
	static const struct {
		const char *fact, *key;
	} table[] = {{"memtotal_mb", "MemTotal"}, {"memfree_mb", "MemFree"},
		{"memavailable_mb", "MemAvailable"}, {"swaptotal_mb", "SwapTotal"},
		{"swapfree_mb", "SwapFree"}};
	struct str text = fact_file(a, "/proc/meminfo");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int64_t mb = read_meminfo(a, text, table[i].key);
		if (mb >= 0)
			fact_int(a, facts, table[i].fact, mb);
	}
}

/* The number after the colon of a line of /proc/cpuinfo. */
static int64_t cpu_number(struct str line)
{
	const char *colon = strchr(line.p, ':');
	return colon ? strtoll(colon + 1, NULL, 10) : 0;
}

static void put_processors(struct arena *a, struct value *facts)
{
	struct str text = fact_file(a, "/proc/cpuinfo"), line;
	int64_t vcpus = 0, cores = 1, packages = 0;
	bool seen[PACKAGES_MAX] = {false};
	for (size_t at = 0; fact_line(a, text, &at, &line);) {
		if (str_starts(line, "processor\t"))
			vcpus++;
		else if (str_starts(line, "cpu cores"))
			cores = cpu_number(line);
		else if (str_starts(line, "physical id")) {
			int64_t id = cpu_number(line);
			if (id >= 0 && id < PACKAGES_MAX && !seen[id]) {
				seen[id] = true;
				packages++;
			}
		}
	}
	if (vcpus == 0)
		vcpus = sysconf(_SC_NPROCESSORS_ONLN);
	fact_int(a, facts, "processor_vcpus", vcpus);
	fact_int(a, facts, "processor_nproc", sysconf(_SC_NPROCESSORS_ONLN));
	fact_int(a, facts, "processor_count", packages ? packages : vcpus);
	fact_int(a, facts, "processor_cores", cores > 0 ? cores : 1);
}

/* /proc/mounts has a space in a path as \040. */
static const char *unescape_path(struct arena *a, const char *s)
{
	char *out = arena_strdup(a, s);
	size_t n = 0;
	for (const char *p = s; *p; p++) {
		if (*p == '\\' && strspn(p + 1, "01234567") >= 3) {
			out[n++] = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 3;
		} else {
			out[n++] = *p;
		}
	}
	out[n] = 0;
	return out;
}

static void put_mount(struct arena *a, struct value *list, const char *line)
{
	const char *device = fact_word(a, &line), *path = fact_word(a, &line);
	const char *type = fact_word(a, &line), *options = fact_word(a, &line);
	struct value *m = value_map(a);
	struct statvfs st;
	if (!options || device[0] != '/')
		return;
	fact_text(a, m, "mount", unescape_path(a, path));
	fact_text(a, m, "device", unescape_path(a, device));
	fact_text(a, m, "fstype", type);
	fact_text(a, m, "options", options);
	/* network devices: "host:/path" has no leading slash, "//host/share" has two */
	bool local = device[1] != '/' && strncmp(type, "fuse", 4) != 0;
	if (local && statvfs(unescape_path(a, path), &st) == 0) {
		fact_int(a, m, "size_total", (int64_t)(st.f_blocks * st.f_frsize));
		fact_int(a, m, "size_available", (int64_t)(st.f_bavail * st.f_frsize));
	}
	list_add(a, list, m);
}

static void put_mounts(struct arena *a, struct value *facts)
{
	struct str text = fact_file(a, "/proc/self/mounts"), line;
	struct value *list = value_list(a);
	for (size_t at = 0; list->list.n < MOUNTS_MAX && fact_line(a, text, &at, &line);)
		put_mount(a, list, line.p);
	map_put(a, facts, "mounts", list);
}

void facts_hardware(struct arena *a, struct value *facts)
{
	put_memory(a, facts);
	put_processors(a, facts);
	put_mounts(a, facts);
	struct str uptime = fact_file(a, "/proc/uptime");
	if (uptime.n)
		fact_int(a, facts, "uptime_seconds", strtoll(uptime.p, NULL, 10));
}

static void put_time(struct arena *a, struct value *map, const char *key, const char *format,
	const struct tm *tm)
{
	char text[64];
	text[0] = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	strftime(text, sizeof(text), format, tm);
#pragma GCC diagnostic pop
	fact_text(a, map, key, text);
}

void facts_time(struct arena *a, struct value *facts)
{
	static const struct {
		const char *key, *format;
		bool utc;
	} table[] = {{"year", "%Y", false}, {"month", "%m", false}, {"weekday", "%A", false},
		{"day", "%d", false}, {"hour", "%H", false}, {"minute", "%M", false},
		{"second", "%S", false}, {"date", "%Y-%m-%d", false}, {"time", "%H:%M:%S", false},
		{"epoch", "%s", false}, {"epoch_int", "%s", false}, {"weekday_number", "%w", false},
		{"weeknumber", "%W", false}, {"tz", "%Z", false}, {"tz_offset", "%z", false},
		{"iso8601", "%Y-%m-%dT%H:%M:%SZ", true},
		{"iso8601_basic_short", "%Y%m%dT%H%M%S", false}};
	struct value *map = value_map(a);
	struct tm local, utc;
	time_t now = time(NULL);
	localtime_r(&now, &local);
	gmtime_r(&now, &utc);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		put_time(a, map, table[i].key, table[i].format, table[i].utc ? &utc : &local);
	map_put(a, facts, "date_time", map);
}
