/* SPDX-License-Identifier: MIT
 *
 * Finds the agent's program file and reads it. Never executes it.
 */
#include <openssl/evp.h>
#include <unistd.h>
#include "transport/transport.h"

enum { AGENT_MAX = 32 << 20 };
#ifndef PREFIX
#define PREFIX "/usr/local"
#endif
#define INSTALLED "lib/provision/provision-agent"

static const char *program_dir(struct arena *a)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	if (n <= 0)
		return "/nonexistent";
	path[n] = 0;
	return path_dir(a, path);
}

/* Beside the program; then in the installation's folder, also when the installation was moved. */
static const char *find_agent(struct arena *a, struct err *e)
{
	const char *given = getenv("PROVISION_AGENT");
	if (given && given[0])
		return given;
	const char *dir = program_dir(a);
	const char *places[] = {path_join(a, dir, "provision-agent"),
		path_join(a, dir, "../" INSTALLED), PREFIX "/" INSTALLED};
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	err_set(e, ERR_PERMANENT,
		"the agent's program is neither at %s nor at %s; run `make`, or set "
		"PROVISION_AGENT to its path",
		places[0], places[2]);
	return NULL;
}

bool agent_image_load(struct arena *a, struct agent_image *img, struct err *e)
{
	unsigned char sum[SHA256_LEN];
	const char *path = find_agent(a, e);
	if (!path)
		return false;
	img->path = arena_strdup(a, path);
	if (!file_read(a, path, AGENT_MAX, &img->bytes, e))
		return err_prefix(e, "the agent");
	/* libcrypto uses the processor's own instructions: 2 ms less in a run of 60 ms. */
	if (!EVP_Digest(img->bytes.p, img->bytes.n, sum, NULL, EVP_sha256(), NULL))
		panic("libcrypto has no SHA-256");
	hex(sum, sizeof sum, img->sha);
	return true;
}
