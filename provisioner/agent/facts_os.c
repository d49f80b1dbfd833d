/* SPDX-License-Identifier: MIT
 *
 * Facts: the host's names, its distribution, and its service and package managers. The full name
 * comes only from /etc/hosts and the host name, never from DNS.
 */
#include <dirent.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "agent/facts.h"

struct distribution {
	const char *id, *name, *family; /* from os-release; the last two are Ansible's names */
};
static const struct distribution distributions[] = {
	{"debian", "Debian", "Debian"},
	{"ubuntu", "Ubuntu", "Debian"},
	{"raspbian", "Debian", "Debian"},
	{"devuan", "Devuan", "Debian"},
	{"linuxmint", "Linux Mint", "Debian"},
	{"kali", "Kali", "Debian"},
	{"rhel", "RedHat", "RedHat"},
	{"centos", "CentOS", "RedHat"},
	{"rocky", "Rocky", "RedHat"},
	{"almalinux", "AlmaLinux", "RedHat"},
	{"fedora", "Fedora", "RedHat"},
	{"ol", "OracleLinux", "RedHat"},
	{"amzn", "Amazon", "RedHat"},
	{"opensuse-leap", "openSUSE Leap", "Suse"},
	{"sles", "SLES", "Suse"},
	{"arch", "Archlinux", "Archlinux"},
	{"alpine", "Alpine", "Alpine"},
};

static bool path_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* ---- names ---- */

/* The first name with a dot in the first line of /etc/hosts that contains the host name. */
static const char *full_name(struct arena *a, const char *nodename)
{
	struct str text = fact_file(a, "/etc/hosts"), line;
	if (strchr(nodename, '.'))
		return nodename;
	for (size_t at = 0; fact_line(a, text, &at, &line);) {
		const char *p = str_dup(a, line.p, strcspn(line.p, "#")).p;
		const char *dotted = NULL, *name;
		bool ours = false;
		fact_word(a, &p); /* skip the address */
		while ((name = fact_word(a, &p))) {
			ours = ours || strcmp(name, nodename) == 0;
			if (!dotted && strchr(name, '.'))
				dotted = name;
		}
		if (ours && dotted)
			return dotted;
	}
	return nodename;
}

static void put_names(struct arena *a, struct value *facts)
{
	struct utsname u;
	if (uname(&u) < 0)
		return;
	const char *fqdn = full_name(a, u.nodename), *dot = strchr(fqdn, '.');
	fact_text(a, facts, "nodename", u.nodename);
	fact_text(a, facts, "hostname", str_dup(a, u.nodename, strcspn(u.nodename, ".")).p);
	fact_text(a, facts, "fqdn", fqdn);
	fact_text(a, facts, "domain", dot ? dot + 1 : "");
	fact_text(a, facts, "system", u.sysname);
	fact_text(a, facts, "kernel", u.release);
	fact_text(a, facts, "kernel_version", u.version);
	fact_text(a, facts, "machine", u.machine);
	fact_text(a, facts, "architecture", u.machine);
	fact_text(a, facts, "userspace_bits", strstr(u.machine, "64") ? "64" : "32");
}

/* ---- distribution ---- */

/* A value of os-release(5), without quotes and escapes. */
static const char *os_value(struct arena *a, struct str text, const char *key)
{
	struct str line;
	for (size_t at = 0; fact_line(a, text, &at, &line);) {
		size_t n = strlen(key), out = 0;
		if (!str_starts(line, key) || line.p[n] != '=')
			continue;
		char *v = arena_strdup(a, line.p + n + 1);
		for (const char *p = v; *p; p++) {
			if (*p == '"' || *p == '\'')
				continue;
			if (*p == '\\' && p[1])
				p++;
			v[out++] = *p;
		}
		v[out] = 0;
		return v;
	}
	return NULL;
}

static const struct distribution *find_distribution(const char *id)
{
	for (size_t i = 0; id && i < ARRAY_LEN(distributions); i++)
		if (strcmp(distributions[i].id, id) == 0)
			return &distributions[i];
	return NULL;
}

/* The family of the first known distribution in ID_LIKE. */
static const char *family_like(struct arena *a, const char *like)
{
	const char *word;
	while (like && (word = fact_word(a, &like)))
		if (find_distribution(word))
			return find_distribution(word)->family;
	return NULL;
}

/* Debian has the point release in /etc/debian_version. */
static const char *point_release(struct arena *a, const char *version)
{
	struct str s = str_trim(a, fact_file(a, "/etc/debian_version"));
	bool number = s.n && strspn(s.p, "0123456789.") == s.n && strchr(s.p, '.');
	return number ? s.p : version;
}

static void put_lsb(struct arena *a, struct value *facts, struct str text, const char *name)
{
	struct value *lsb = value_map(a);
	const char *version = os_value(a, text, "VERSION_ID");
	fact_text(a, lsb, "id", name);
	fact_text(a, lsb, "codename", os_value(a, text, "VERSION_CODENAME"));
	fact_text(a, lsb, "description", os_value(a, text, "PRETTY_NAME"));
	fact_text(a, lsb, "release", version);
	if (version)
		fact_text(a, lsb, "major_release", str_dup(a, version, strcspn(version, ".")).p);
	map_put(a, facts, "lsb", lsb);
}

static void put_version(struct arena *a, struct value *facts, const char *version)
{
	const char *dot = strchr(version, '.');
	fact_text(a, facts, "distribution_version", version);
	fact_text(a, facts, "distribution_major_version",
		str_dup(a, version, strcspn(version, ".")).p);
	if (dot)
		fact_text(a, facts, "distribution_minor_version",
			str_dup(a, dot + 1, strcspn(dot + 1, ".")).p);
}

static void put_distribution(struct arena *a, struct value *facts)
{
	struct str text = fact_file(a, "/etc/os-release");
	if (text.n == 0)
		text = fact_file(a, "/usr/lib/os-release");
	const char *id = os_value(a, text, "ID"), *name = os_value(a, text, "NAME");
	const char *version = os_value(a, text, "VERSION_ID");
	const char *codename = os_value(a, text, "VERSION_CODENAME");
	const struct distribution *d = find_distribution(id);
	const char *family = d ? d->family : family_like(a, os_value(a, text, "ID_LIKE"));
	name = d ? d->name : name ? name : id ? id : "Linux";
	version = version ? version : "NA";
	fact_text(a, facts, "distribution", name);
	fact_text(a, facts, "os_family", family ? family : name);
	if (strcmp(name, "Debian") == 0)
		version = point_release(a, version);
	put_version(a, facts, version);
	fact_text(a, facts, "distribution_release", codename ? codename : "NA");
	put_lsb(a, facts, text, name);
}

/* ---- managers, containers, security modules ---- */

struct sign { /* the first existing file decides */
	const char *path, *word;
};

static const char *first_sign(const struct sign *signs, const char *otherwise)
{
	for (; signs->path; signs++)
		if (path_exists(signs->path))
			return signs->word;
	return otherwise;
}

static void put_managers(struct arena *a, struct value *facts)
{
	static const struct sign services[] = {{"/run/systemd/system", "systemd"},
		{"/run/openrc", "openrc"}, {"/sbin/upstart-udev-bridge", "upstart"}, {NULL, NULL}};
	static const struct sign packages[] = {{"/usr/bin/apt-get", "apt"}, {"/usr/bin/dnf", "dnf"},
		{"/usr/bin/yum", "yum"}, {"/usr/bin/zypper", "zypper"},
		{"/usr/bin/pacman", "pacman"}, {"/sbin/apk", "apk"}, {NULL, NULL}};
	fact_text(a, facts, "service_mgr", first_sign(services, "sysvinit"));
	fact_text(a, facts, "pkg_mgr", first_sign(packages, "unknown"));
}

static const char *find_container(struct arena *a)
{
	static const struct sign signs[] = {{"/.dockerenv", "docker"},
		{"/run/.containerenv", "podman"}, {"/proc/vz", "openvz"}, {NULL, NULL}};
	struct str said = str_trim(a, fact_file(a, "/run/systemd/container"));
	if (path_exists("/proc/bc")) /* on the host itself OpenVZ has both */
		return NULL;
	return said.n ? said.p : first_sign(signs, NULL);
}

static const char *find_machine(struct arena *a, struct value *facts)
{
	static const struct sign makers[] = {{"QEMU", "kvm"}, {"KVM", "kvm"}, {"VMware", "VMware"},
		{"VirtualBox", "virtualbox"}, {"innotek", "virtualbox"}, {"Xen", "xen"},
		{"Virtual Machine", "VirtualPC"}, {"Amazon EC2", "kvm"}, {"Google", "kvm"},
		{"OpenStack", "kvm"}, {"DigitalOcean", "kvm"}, {"Hetzner", "kvm"}, {NULL, NULL}};
	struct str vendor = str_trim(a, fact_file(a, "/sys/class/dmi/id/sys_vendor"));
	struct str product = str_trim(a, fact_file(a, "/sys/class/dmi/id/product_name"));
	fact_text(a, facts, "system_vendor", vendor.n ? vendor.p : "NA");
	fact_text(a, facts, "product_name", product.n ? product.p : "NA");
	for (const struct sign *m = makers; m->path; m++)
		if (strstr(vendor.p, m->path) || strstr(product.p, m->path))
			return m->word;
	return NULL;
}

static void put_virtualization(struct arena *a, struct value *facts)
{
	const char *in = find_container(a), *on = find_machine(a, facts);
	const char *type = in ? in : on;
	fact_text(a, facts, "virtualization_type", type ? type : "NA");
	fact_text(a, facts, "virtualization_role", type ? "guest" : "NA");
}

static void put_security(struct arena *a, struct value *facts)
{
	struct value *selinux = value_map(a), *apparmor = value_map(a);
	struct str enforce = fact_file(a, "/sys/fs/selinux/enforce");
	struct str on = fact_file(a, "/sys/module/apparmor/parameters/enabled");
	fact_text(a, selinux, "status", enforce.n ? "enabled" : "disabled");
	if (enforce.n)
		fact_text(a, selinux, "mode", enforce.p[0] == '1' ? "enforcing" : "permissive");
	fact_text(a, apparmor, "status", on.n && on.p[0] == 'Y' ? "enabled" : "disabled");
	map_put(a, facts, "selinux", selinux);
	map_put(a, facts, "apparmor", apparmor);
}

/* Local facts (facts.d) are not supported: ansible_local is set, to {}, only if the host has
 * none. */
static void put_local(struct arena *a, struct value *facts)
{
	DIR *dir = opendir("/etc/ansible/facts.d");
	const struct dirent *d;
	bool any = false;
	while (dir && (d = readdir(dir)))
		any = any || str_ends(str_c(d->d_name), ".fact");
	if (dir)
		closedir(dir);
	if (!any)
		map_put(a, facts, "local", value_map(a));
}

void facts_os(struct arena *a, struct value *facts)
{
	put_local(a, facts);
	put_names(a, facts);
	put_distribution(a, facts);
	put_managers(a, facts);
	put_virtualization(a, facts);
	put_security(a, facts);
	struct str id = str_trim(a, fact_file(a, "/etc/machine-id"));
	if (id.n)
		fact_text(a, facts, "machine_id", id.p);
}
