/* SPDX-License-Identifier: MIT
 *
 * For the test of hostile hosts: servers on the loopback address that speak SSH badly or not at
 * all, each in a process of its own.
 */
#pragma once
#include "private_sshd.h"

enum { PACKET = 256 };

static void send_all(int fd, const void *p, size_t n)
{
	if (!write_all(fd, p, n))
		_exit(0);
}

static void send_for_ever(int fd, const void *p, size_t n)
{
	for (;;)
		send_all(fd, p, n);
}

static void send_slowly(int fd, const char *text)
{
	for (size_t i = 0;; i++, usleep(200000))
		send_all(fd, text + i % strlen(text), 1);
}

/* RFC 4253, 6: a packet before the keys are agreed upon. */
static void packets_of(int fd, unsigned char type)
{
	unsigned char packet[PACKET] = {0, 0, 0, PACKET - 4, 10, type};
	send_all(fd, "SSH-2.0-bad\r\n", 13);
	send_for_ever(fd, packet, sizeof(packet));
}

static void serve_lines(int fd)
{
	send_for_ever(fd, "banner line\r\n", 13);
}
static void serve_empty_lines(int fd)
{
	send_for_ever(fd, "\n\n\n\n\n\n\n\n", 8);
}
static void serve_short_lines(int fd)
{
	send_for_ever(fd, "x\nx\nx\nx\n", 8);
}
static void serve_long_line(int fd)
{
	send_for_ever(fd, "AAAAAAAAAAAAAAAA", 16);
}
static void serve_nuls(int fd)
{
	send_for_ever(fd, "\0\0\0\0\0\0\0\0", 8);
}
static void serve_silence(int fd)
{
	(void)fd;
	sleep(600);
}
static void serve_slowly(int fd)
{
	send_slowly(fd, "SSH-2.0-slow slow slow slow slow");
}
static void serve_ssh1(int fd)
{
	send_all(fd, "SSH-1.5-old\r\n", 13);
	sleep(600);
}
static void serve_close(int fd)
{
	(void)fd;
}
static void serve_http(int fd)
{
	send_all(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
}
static void serve_long_banner(int fd)
{
	send_all(fd, "SSH-2.0-", 8);
	send_for_ever(fd, "AAAAAAAAAAAAAAAA", 16);
}
static void serve_garbage(int fd)
{
	send_all(fd, "SSH-2.0-bad\r\n", 13);
	send_for_ever(fd, "\xde\xad\xbe\xef\x12\x34\x56\x78", 8);
}
static void serve_ignores(int fd)
{
	packets_of(fd, 2);
}
static void serve_debugs(int fd)
{
	packets_of(fd, 4);
}
static void serve_unknown(int fd)
{
	packets_of(fd, 200);
}
static void serve_half_packet(int fd)
{
	send_all(fd, "SSH-2.0-bad\r\n\0\0\1\0\12", 18);
	sleep(600);
}

static const struct bad_server {
	const char *name;
	void (*serve)(int fd);
	const char *says;
	bool floods;
} bad_servers[] = {
	{"tcp_lines", serve_lines, "more than 8192 bytes before its SSH banner", true},
	{"tcp_empty_lines", serve_empty_lines, "no SSH server answers", true},
	{"tcp_short_lines", serve_short_lines, "more than 1024 lines before its SSH banner", true},
	{"tcp_long_line", serve_long_line, "more than 8192 bytes before its SSH banner", true},
	{"tcp_nuls", serve_nuls, "no SSH server answers", true},
	{"tcp_silence", serve_silence, "no answer within", false},
	{"tcp_slowly", serve_slowly, "no answer within", false},
	{"tcp_ssh1", serve_ssh1, "no answer within", false},
	{"tcp_close", serve_close, "", false},
	{"tcp_http", serve_http, "", false},
	{"tcp_long_banner", serve_long_banner, "", true},
	{"tcp_garbage", serve_garbage, "handshake failed", true},
	{"tcp_ignores", serve_ignores, "before the login is done", true},
	{"tcp_debugs", serve_debugs, "before the login is done", true},
	{"tcp_unknown", serve_unknown, "", true},
	{"tcp_half_packet", serve_half_packet, "no answer within", false},
};
static struct {
	pid_t pid;
	int port;
} served[ARRAY_LEN(bad_servers)];
