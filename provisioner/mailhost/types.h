/* SPDX-License-Identifier: MIT
 *
 * Floor 3.5: the resource types that only mail servers need; each is defined in the file of its
 * name.
 */
#pragma once
#include "resource/resource.h"

extern const struct restype restype_activation;
extern const struct restype restype_certificates;
extern const struct restype restype_dkim_keys;
extern const struct restype restype_lookup_table;
extern const struct restype restype_maildirs;
extern const struct restype restype_mailing_lists;
extern const struct restype restype_postfix_main;
extern const struct restype restype_postfix_master;
extern const struct restype restype_sieve_script;
