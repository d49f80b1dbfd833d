/* SPDX-License-Identifier: MIT
 *
 * Private to transport/: how the agent is started on the host.
 *
 * The host runs one command: sudo if needed, and in it a sh script that runs the agent left by an
 * earlier run; without one it asks for the agent's bytes with WIRE_NEED, stores them and runs them.
 * The agent itself begins with WIRE_SYNC.
 */
#pragma once
#include "transport/link.h"

enum { BOOT_NOISE_MAX = 64 << 10, BECOME_ARGS = 16, PROMPT_SIZE = 64 };

/* A prompt for sudo that nothing else prints, so that the password answers only sudo. */
void make_prompt(char prompt[PROMPT_SIZE]);

/* sudo's arguments up to and including "--", NULL-terminated; none when the login is already the
 * wanted user. sudo prints `prompt` to ask for its password. */
void become_argv(struct arena *a, const struct target *t, const char *login, const char *prompt,
	const char *argv[BECOME_ARGS]);
/* The agent as a child process, through sudo if needed. */
const char *const *local_argv(
	struct arena *a, const struct target *t, const char *agent, const char *prompt);
/* The command for the host's login shell, whichever it is (sh, csh, fish). */
const char *bootstrap_command(struct arena *a, const struct target *t,
	const struct agent_image *img, const char *prompt, bool anew);
/* false (e set): an unknown kind; a value that could be taken for an option, or that is unsafe for
 * a shell. */
bool target_check(const struct target *t, struct err *e);

enum boot_event { BOOT_MORE, BOOT_FOUND, BOOT_NEED, BOOT_SYNC, BOOT_NOISE };
/* Searches for a mark in the received bytes and removes everything up to its end from `in`.
 * BOOT_NOISE: more than BOOT_NOISE_MAX bytes without one. */
enum boot_event bootstrap_scan(struct buf *in);
/* Translates known errors of sudo or ssh on standard error into e. `words` are the last lines. */
bool bootstrap_explain(const struct buf *errors, bool answered, const char *words, struct err *e);
