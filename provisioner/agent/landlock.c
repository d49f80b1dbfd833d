/* SPDX-License-Identifier: MIT
 *
 * Forbids this process and its children to write to any file system, by Landlock (landlock(7)),
 * irrevocably. Reading and running programs stay allowed. Landlock does not cover changes of mode,
 * owner and times.
 */
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "agent/session.h"

/* The numbers are the same on all architectures; the C library may be older than the kernel. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { ASK_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum {
	WRITE_FILE = 1 << 1,
	REMOVE_AND_MAKE = 0x1ff << 4, /* REMOVE_DIR .. MAKE_SYM, bits 4 to 12 */
	REFER = 1 << 13,              /* since version 2 of the ABI */
	TRUNCATE = 1 << 14,           /* since version 3 */
	SCOPE_SIGNAL = 1 << 1,        /* since version 6: no signals to processes outside */
};

struct ruleset {
	uint64_t fs, net, scoped;
};
struct path_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

static long ask_version(void)
{
	return syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
}

bool landlock_available(void)
{
	return ask_version() >= 1;
}

static int make_ruleset(long abi)
{
	struct ruleset r = {.fs = WRITE_FILE | REMOVE_AND_MAKE};
	size_t known = abi >= 6 ? sizeof(r) : abi >= 4 ? 2 * sizeof(r.fs) : sizeof(r.fs);
	if (abi >= 2)
		r.fs |= REFER;
	if (abi >= 3)
		r.fs |= TRUNCATE;
	if (abi >= 6)
		r.scoped = SCOPE_SIGNAL;
	return (int)syscall(CREATE_RULESET, &r, known, 0);
}

/* Programs open /dev/null for their output. */
static bool allow_null(int ruleset, long abi)
{
	struct path_beneath rule = {
		.allowed = WRITE_FILE, .fd = open("/dev/null", O_PATH | O_CLOEXEC)};
	if (abi >= 3)
		rule.allowed |= TRUNCATE;
	if (rule.fd < 0)
		return false;
	bool ok = syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.fd);
	return ok;
}

bool landlock_forbid_writing(void)
{
	long abi = ask_version();
	if (abi < 1)
		return false;
	int ruleset = make_ruleset(abi);
	if (ruleset < 0)
		return false;
	bool ok = allow_null(ruleset, abi) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		  syscall(RESTRICT_SELF, ruleset, 0) == 0;
	close(ruleset);
	return ok;
}
