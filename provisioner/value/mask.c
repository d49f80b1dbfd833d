/* SPDX-License-Identifier: MIT
 *
 * Hides passwords and other secrets in a line of a manifest or inventory that is shown with a
 * problem. Works on the text, since the line may not be parseable; the hidden text keeps its width,
 * so that the caret below is right. Does not hide expressions: {{ vault_alice }} is a name, not a
 * secret.
 */
#include <strings.h>
#include "value/mask.h"

static bool is_key_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.';
}

static bool has_word(const char *p, size_t n, const char *word)
{
	size_t m = strlen(word);
	for (size_t i = 0; i + m <= n; i++)
		if (strncasecmp(p + i, word, m) == 0)
			return true;
	return false;
}

static bool names_a_secret(const char *p, size_t n)
{
	static const char *const words[] = {"passw", "passphrase", "secret", "token", "private_key",
		"become_pass", "ssh_pass", "vault", "pwd", "credential", "api_key", "apikey"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (has_word(p, n, words[i]))
			return true;
	return false;
}

/* The end of the value that starts at `at`: its closing quote; in {a: b} a comma or brace; after an
 * equals sign white space; else the end of the line. */
static size_t value_end(const char *p, size_t at, size_t n, char sign, bool flow)
{
	char quote = p[at];
	size_t i = at;
	if (quote == '"' || quote == '\'') {
		for (i++; i < n && p[i] != quote; i++)
			i += quote == '"' && p[i] == '\\' && i + 1 < n;
		return i;
	}
	while (i < n && !(sign == '=' && (p[i] == ' ' || p[i] == '\t')) &&
		!(flow && (p[i] == ',' || p[i] == '}')))
		i++;
	return i;
}

static void hide_span(char *p, size_t from, size_t to)
{
	if (from < to && (p[from] == '"' || p[from] == '\''))
		from++;
	while (from < to && p[from] == ' ')
		from++;
	if (to - from >= 2 && p[from] == '{' && p[from + 1] == '{')
		return;
	for (; from < to; from++)
		p[from] = '*';
}

/* One star per character: removes the continuation bytes. */
static size_t narrow_stars(char *p, const char *original, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		bool hidden = p[i] == '*' && original[i] != '*';
		if (!hidden || ((unsigned char)original[i] & 0xc0) != 0x80)
			p[kept++] = p[i];
	}
	p[kept] = 0;
	return kept;
}

bool names_secret(struct str key)
{
	return names_a_secret(key.p, key.n);
}

struct str mask_secrets(struct arena *a, struct str line)
{
	char *p = arena_alloc(a, line.n + 1);
	memcpy(p, line.p, line.n);
	bool flow = false;
	for (size_t i = 0, key = 0, len = 0; i < line.n; i++) {
		if (is_key_char(p[i])) {
			len = len ? len + 1 : 1;
			key = i + 1 - len;
			continue;
		}
		if ((p[i] == ':' || p[i] == '=') && len && names_a_secret(p + key, len)) {
			size_t at = i + 1;
			while (at < line.n && (p[at] == ' ' || p[at] == '\t'))
				at++;
			size_t end = value_end(p, at, line.n, p[i], flow);
			hide_span(p, at, end);
			i = end > i ? end - 1 : i;
			len = 0;
		} else if (p[i] != '"' && p[i] != '\'' && p[i] != ' ') {
			len = 0; /* a quote or blank may be between a key and its sign */
		} else if (i + 1 < line.n && is_key_char(p[i + 1])) {
			len = 0;
		}
		flow = flow || (i < line.n && p[i] == '{');
	}
	return (struct str){p, narrow_stars(p, line.p, line.n)};
}

/* The offset after "- key: " or "key=", also with a quoted key; 0: there is no key. */
static size_t after_key(struct str line)
{
	size_t at = strspn(line.p, " \t-{\"'"), n = 0;
	while (at + n < line.n && is_key_char(line.p[at + n]))
		n++;
	size_t end = at + n;
	if (end < line.n && (line.p[end] == '"' || line.p[end] == '\''))
		end++;
	return n && end < line.n && (line.p[end] == ':' || line.p[end] == '=') ? end + 1 : 0;
}

struct str mask_values(struct arena *a, struct str line, bool host)
{
	struct str copy = str_dup(a, line.p, line.n);
	char *p = arena_strdup(a, copy.p);
	size_t from = after_key(copy), word = strcspn(copy.p, " \t");
	if (!from && host && word < strlen(p))
		from = word;
	for (size_t i = from; i < line.n && i < strlen(p); i++)
		if (p[i] != ' ' && p[i] != '\t')
			p[i] = '*';
	return (struct str){p, narrow_stars(p, copy.p, strlen(p))};
}
