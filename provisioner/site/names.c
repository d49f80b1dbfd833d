/* SPDX-License-Identifier: MIT
 *
 * The names with a meaning in Ansible: those that set how a host is reached, and those that are not
 * supported here. Reads no variable.
 */
#include "site/vars.h"

/* ---- connection variables ---- */
/* A name that ends in _ stands for all names that begin with it. */
static const char *const reach_names[] = {"ansible_connection", "ansible_host", "ansible_user",
	"ansible_port", "ansible_password", "ansible_private_key_file", "ansible_timeout",
	"ansible_host_key_checking", "ansible_control_path", "ansible_control_path_dir",
	"ansible_ssh_", "ansible_sftp_", "ansible_scp_", "ansible_sshpass_", "ansible_paramiko_",
	"ansible_winrm_", "ansible_psrp_", "ansible_become_method", "ansible_become_pass",
	"ansible_become_password", "ansible_become_exe", "ansible_become_flags", "ansible_sudo_",
	"ansible_su_", "ansible_runas_", "ansible_network_os"};
/* These do not set how the host is reached, or are evaluated for every task. */
static const char *const other_names[] = {"ansible_become", "ansible_become_user",
	"ansible_pipelining", "ansible_module_compression", "ansible_shell_",
	"ansible_python_interpreter", "ansible_executable", "ansible_remote_tmp",
	"ansible_system_tmpdirs", "ansible_async_dir", "ansible_common_remote_group",
	"ansible_admin_users", "ansible_group_priority"};

static bool is_among(struct str name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_starts(name, names[i])) {
			size_t len = strlen(names[i]);
			if (len == name.n || names[i][len - 1] == '_')
				return true;
		}
	return false;
}

bool name_reaches(struct str name)
{
	return str_starts(name, "ansible_") && !str_starts(name, "ansible_ssh_host_key_") &&
	       is_among(name, reach_names, ARRAY_LEN(reach_names));
}

bool name_may_be_fact(struct str name)
{
	return str_starts(name, "ansible_") && !name_reaches(name) && !name_lacking(name) &&
	       !is_among(name, other_names, ARRAY_LEN(other_names));
}

bool vars_reach(const struct value *map, const char **name, struct pos *pos)
{
	for (size_t i = 0; map && map->type == VALUE_MAP && i < map->map.n; i++)
		if (name_reaches(map->map.e[i].key)) {
			*name = map->map.e[i].key.p;
			*pos = entry_pos(&map->map.e[i]);
			return true;
		}
	return false;
}

/* ---- names that are not supported ---- */
static const struct {
	const char *name, *why;
} lacking[] = {
	{"ansible_loop", "loop_control.extended is not supported yet"},
	{"ansible_failed_task", "rescue is not supported yet"},
	{"ansible_failed_result", "rescue is not supported yet"},
	{"ansible_delegated_vars", "delegate_to is not supported yet"},
	{"ansible_playbook_python", "Python is not used"},
	{"discovered_interpreter_python", "Python is not used"},
	{"role_uuid", "it has no meaning here"},
	{"template_host", NULL},
	{"template_path", NULL},
	{"template_fullpath", NULL},
	{"template_destpath", NULL},
	{"template_uid", NULL},
	{"template_mtime", NULL},
	{"template_run_date", "the text of a template would differ in each run"},
};

/* Facts that Ansible gathers on such hosts, without the prefix ansible_. */
static const char *const lacking_facts[] = {"env", "local", "python", "python_version", "cmdline",
	"proc_cmdline", "devices", "device_links", "loadavg", "lvm", "memory_mb", "module_setup",
	"gather_subset", "selinux_python_present", "processor", "processor_threads_per_core",
	"hostnqn", "iscsi_iqn", "fips", "system_capabilities", "system_capabilities_enforced",
	"userspace_architecture", "distribution_file_parsed", "distribution_file_path",
	"distribution_file_variety", "is_chroot", "fibre_channel_wwn", "form_factor", "bios_date",
	"bios_vendor", "bios_version", "board_asset_tag", "board_name", "board_serial",
	"board_vendor", "board_version", "chassis_asset_tag", "chassis_serial", "chassis_vendor",
	"chassis_version", "product_serial", "product_uuid", "product_version",
	"virtualization_tech_guest", "virtualization_tech_host", "ssh_host_key_"};

bool fact_lacking(struct str name)
{
	return is_among(name, lacking_facts, ARRAY_LEN(lacking_facts));
}

const char *name_lacking(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(lacking); i++)
		if (str_is(name, lacking[i].name))
			return lacking[i].why ? lacking[i].why : "write the value itself instead";
	if (str_starts(name, "ansible_") && fact_lacking(str_c(name.p + strlen("ansible_"))))
		return "`provision facts` shows the supported facts";
	return NULL;
}
