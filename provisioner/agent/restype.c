/* SPDX-License-Identifier: MIT
 *
 * The list of all resource types, and lookup by name.
 */
#include "agent/restype.h"
#include "mailhost/types.h"
#include "resource/types.h"

const struct restype *const restypes[] = {
	/* files */
	&restype_copy,
	&restype_template,
	&restype_file,
	&restype_file_set,
	&restype_lineinfile,
	&restype_blockinfile,
	&restype_replace,
	&restype_stat,
	&restype_slurp,
	/* programs */
	&restype_command,
	&restype_shell,
	/* packages, services, accounts, the host */
	&restype_package,
	&restype_apt,
	&restype_service,
	&restype_systemd,
	&restype_activation,
	&restype_installed_services,
	&restype_user,
	&restype_group,
	&restype_hostname,
	/* for mail servers */
	&restype_postfix_main,
	&restype_postfix_master,
	&restype_lookup_table,
	&restype_sieve_script,
	&restype_maildirs,
	&restype_dkim_keys,
	&restype_random_secret,
	&restype_mailing_lists,
	&restype_openssl_privatekey,
	&restype_x509_certificate,
	&restype_certificates,
	NULL,
};

const struct restype *restype_find(struct str name)
{
	if (name.n == 0)
		return NULL;
	for (size_t i = 0; restypes[i]; i++)
		if (str_is(name, restypes[i]->name))
			return restypes[i];
	for (size_t i = 0; restypes[i]; i++)
		if (word_in(restypes[i]->aliases, name) || word_in(restypes[i]->full_names, name))
			return restypes[i];
	return NULL;
}

static const char BUILTIN[] = "ansible.builtin.";

const char *restype_nearest(struct str name)
{
	enum { NAMES_MAX = 128 };
	const char *names[NAMES_MAX + 1];
	size_t n = 0;
	for (size_t i = 0; restypes[i] && n < NAMES_MAX; i++)
		names[n++] = restypes[i]->name;
	names[n] = NULL;
	return str_nearest(str_starts(name, BUILTIN) ? name.p + strlen(BUILTIN) : name.p, names);
}
