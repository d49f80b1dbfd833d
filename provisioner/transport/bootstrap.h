/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: how the agent is started at the other end.
 *
 * The host runs one command: perhaps sudo, and in it a sh script that runs the agent where an
 * earlier run left it; else it asks for its bytes with WIRE_NEED, keeps them and runs it. The agent
 * itself says WIRE_SYNC.
 */
#pragma once
#include "transport/link.h"

enum { BOOT_NOISE_MAX = 64 << 10, BECOME_ARGS = 16, PROMPT_SIZE = 64 };

/* A prompt for sudo that nothing else prints, so that the password answers nothing else. */
void make_prompt(char prompt[PROMPT_SIZE]);

/* sudo's words up to and with "--", NULL-terminated; none when the login is who it should be. sudo
 * asks for its password by `prompt`, a text that nothing else prints. */
void become_argv(struct arena *a, const struct target *t, const char *login, const char *prompt,
	const char *argv[BECOME_ARGS]);
/* The agent as a child of this process, through sudo when it must. */
const char *const *local_argv(
	struct arena *a, const struct target *t, const char *agent, const char *prompt);
/* The command for the login shell of the host, whichever shell that is (sh, csh, fish). */
const char *bootstrap_command(struct arena *a, const struct target *t,
	const struct agent_image *img, const char *prompt, bool anew);
/* false (e set): an unknown kind; a word that would be taken for an option, or that no shell should
 * see. */
bool target_check(const struct target *t, struct err *e);

enum boot_event { BOOT_MORE, BOOT_FOUND, BOOT_NEED, BOOT_SYNC, BOOT_NOISE };
/* Looks for a mark in what came so far and takes everything up to its end off `in`. BOOT_NOISE:
 * there is more than BOOT_NOISE_MAX without one. */
enum boot_event bootstrap_scan(struct buf *in);
/* What sudo or ssh wrote to standard error, where it is known to mean something: e is set. `words`
 * are its last ones. */
bool bootstrap_explain(const struct buf *errors, bool answered, const char *words, struct err *e);
