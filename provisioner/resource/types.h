/* SPDX-License-Identifier: MIT
 *
 * The resource types that restype.c lists: each is defined in the file of its name.
 */
#pragma once
#include "resource/resource.h"

extern const struct restype restype_blockinfile;
extern const struct restype restype_command;
extern const struct restype restype_copy;
extern const struct restype restype_file;
extern const struct restype restype_file_set;
extern const struct restype restype_lineinfile;
extern const struct restype restype_installed_services;
extern const struct restype restype_random_secret;
extern const struct restype restype_replace;
extern const struct restype restype_shell;
extern const struct restype restype_sieve_script;
extern const struct restype restype_slurp;
extern const struct restype restype_stat;
extern const struct restype restype_template;

extern const struct restype restype_activation;
extern const struct restype restype_apt;
extern const struct restype restype_certificates;
extern const struct restype restype_group;
extern const struct restype restype_hostname;
extern const struct restype restype_package;
extern const struct restype restype_service;
extern const struct restype restype_systemd;
extern const struct restype restype_user;
extern const struct restype restype_dkim_keys;
extern const struct restype restype_lookup_table;
extern const struct restype restype_mailing_lists;
extern const struct restype restype_maildirs;
extern const struct restype restype_openssl_privatekey;
extern const struct restype restype_postfix_main;
extern const struct restype restype_postfix_master;
extern const struct restype restype_x509_certificate;
