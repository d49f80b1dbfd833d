/* SPDX-License-Identifier: MIT
 *
 * Floor 3.5: a connection to one host's agent, over the event loop; nothing here blocks.
 *
 * transport_open starts it: connect, host key, login, one channel, find or send the agent. Frames
 * then arrive by on_frame, HELLO first, one in a turn of the loop, so that a flood from one host
 * does not delay the others. A working agent sends ALIVE; one that is silent for too long, takes
 * too long, or sends too much, loses its connection. on_closed is called exactly once, at the end,
 * whatever the reason; after it the transport is gone. Kinds: "ssh" (libssh2), "openssh" (the
 * system's ssh as a child: RSA keys, ProxyJump, certificates), "local" (the agent as a child of
 * this process). "ssh" falls back to "openssh" where libssh2 cannot connect.
 */
#pragma once
#include "net/loop.h"
#include "step/step.h"
#include "wire/wire.h"

struct target {
	const char *name;             /* from the inventory */
	struct connection connection; /* kind: ssh | openssh | local */
	const char *known_hosts;      /* NULL: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts */
	bool accept_new;              /* --accept-new-host-keys: store and accept an unknown key */
	int timeout_s;                /* to connect and log in; 0: 10 */
	int silence_s;                /* longest silence while a sign of life is expected; 0: 30 */
	int work_s; /* for an observation, and for each step of an apply; 0: 3600 */
};
struct agent_image { /* the agent's file, read once per run */
	char sha[SHA256_HEX];
	struct str bytes;
	const char *path; /* for local */
};
struct transport_events {
	void (*on_progress)(void *ctx, const char *what); /* "connecting", "logging in", ... */
	/* msg and its content are valid during the call only. */
	void (*on_frame)(void *ctx, enum frame_type type, struct value *msg);
	void (*on_closed)(void *ctx, const struct err *why); /* why->kind ERR_NONE: on request */
};
struct transport;
/* Finds build/provision-agent beside the program, else the installed one; PROVISION_AGENT wins. */
bool agent_image_load(struct arena *a, struct agent_image *img, struct err *e);
struct transport *transport_open(struct loop *l, struct arena *a, const struct target *t,
	const struct agent_image *img, const struct transport_events *ev, void *ctx);
void transport_send(struct transport *t, enum frame_type type, const struct value *msg);
/* Time limit for the step that has begun, from now; 0: target.work_s. */
void transport_limit(struct transport *t, int seconds);
/* Limits the memory for further messages of the agent. */
void transport_room(struct transport *t, size_t bytes);
void transport_close(struct transport *t); /* sends BYE as soon as possible; on_closed follows */
