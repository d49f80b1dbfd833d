/* SPDX-License-Identifier: MIT
 *
 * Becomes Majordomo's account and runs one of its programs, with nothing of the caller's
 * environment. Runs nothing outside its folder.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char *env[] = {ENV_HOME, ENV_PATH, ENV_CF, "SHELL=/bin/sh", NULL};
	char path[1024];
	if (argc < 2 || strchr(argv[1], '/') || argv[1][0] == '.') {
		fprintf(stderr, "usage: wrapper PROGRAM [ARGUMENT]...\n");
		return 64;
	}
	if (snprintf(path, sizeof(path), "%s/%s", BIN, argv[1]) >= (int)sizeof(path))
		return 64;
	if (setgid(POSIX_GID) || setuid(POSIX_UID)) {
		perror("wrapper");
		return 77;
	}
	execve(path, argv + 1, env);
	perror(path);
	return 69;
}
