/* SPDX-License-Identifier: MIT
 *
 * Ansible's resource types, and our own ones that any host may need: each is defined in the file of
 * its name.
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
extern const struct restype restype_slurp;
extern const struct restype restype_stat;
extern const struct restype restype_template;

extern const struct restype restype_apt;
extern const struct restype restype_group;
extern const struct restype restype_hostname;
extern const struct restype restype_package;
extern const struct restype restype_service;
extern const struct restype restype_systemd;
extern const struct restype restype_user;
extern const struct restype restype_openssl_privatekey;
extern const struct restype restype_x509_certificate;
