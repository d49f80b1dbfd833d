/* SPDX-License-Identifier: MIT
 *
 * Pages: all output for users. Every character that is not from the program's own text goes through
 * show_char, so that no host and no file can send control sequences to the terminal.
 */
#define MAY_PRINT
#include "base/page.h"
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	SHOWN_MAX = 8,
	PAGE_MAX = 256 << 20,
	NUMBER_MAX = 352, /* DBL_MAX has 309 digits before the decimal point */
	PRECISION_MAX = 40,
	PANIC_MAX = 1024,
	WIDTH_LEAST = 40, /* narrower terminals wrap by themselves */
};

struct page {
	struct buf b;
	bool color;
	int fd;       /* a long page is written there; -1: it is not */
	size_t width; /* maximum width of a line of prose; 0: no maximum */
};

/* ---- the one escaping function ---- */

bool char_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

uint32_t char_code(const char *p, size_t len)
{
	static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code = (unsigned char)p[0] & first[len];
	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((unsigned char)p[i] & 0x3f);
	return code;
}

/* Writes the character at p to `out`, escaped if necessary; returns how many bytes of p it has. */
static size_t show_char(const char *p, size_t n, bool tabs, char out[SHOWN_MAX], size_t *shown)
{
	size_t len = str_utf8_len(p, n);
	uint32_t code = len ? char_code(p, len) : (unsigned char)*p;
	if (len && !char_is_control(code)) {
		memcpy(out, p, len);
		*shown = len;
	} else if (*p == '\t') {
		out[0] = tabs ? '\t' : ' ';
		*shown = 1;
	} else if (*p == '\n') {
		*shown = (size_t)snprintf(out, SHOWN_MAX, "\\n");
	} else if (len > 1) {
		*shown = (size_t)snprintf(out, SHOWN_MAX, "\\u%04x", code & 0xffff);
	} else {
		*shown = (size_t)snprintf(out, SHOWN_MAX, "\\x%02x", code & 0xff);
	}
	return len ? len : 1;
}

/* Adds text without newlines; returns the number of columns. */
static size_t add_shown(struct buf *out, const char *p, size_t n, bool tabs)
{
	size_t columns = 0, from = 0, i = 0;
	while (i < n) {
		char bytes[SHOWN_MAX];
		size_t shown;
		if (p[i] >= 0x20 && p[i] < 0x7f) { /* fast path: one piece */
			i++;
			columns++;
			continue;
		}
		buf_add(out, p + from, i - from);
		i += show_char(p + i, n - i, tabs, bytes, &shown);
		from = i;
		buf_add(out, bytes, shown);
		columns += (unsigned char)bytes[0] < 0x80 ? shown : 1;
	}
	buf_add(out, p + from, n - from);
	return columns;
}

/* ---- pages ---- */

struct page *page_new(bool color)
{
	struct page *p = calloc(1, sizeof(*p));
	if (!p)
		panic("page_new: out of memory");
	buf_init(&p->b, PAGE_MAX);
	p->color = color;
	p->fd = -1;
	return p;
}

void page_free(struct page *p)
{
	if (p)
		buf_free(&p->b);
	free(p);
}

void page_clear(struct page *p)
{
	buf_clear(&p->b);
}

void page_stream(struct page *p, int fd)
{
	p->fd = fd;
}

static void pass_on(struct page *p)
{
	if (p->fd >= 0 && p->b.n > BUF_PIECE)
		(void)!page_write(p, p->fd);
}

size_t page_size(const struct page *p)
{
	return p->b.n;
}

struct str page_text(struct arena *a, const struct page *p)
{
	return str_dup(a, p->b.p, p->b.n);
}

void page_paint(struct page *p, enum paint paint)
{
	static const char *const codes[] = {
		"\033[0m", "\033[1m", "\033[31m", "\033[32m", "\033[33m", "\033[36m"};
	if (p->color)
		buf_adds(&p->b, codes[paint]);
}

void page_up(struct page *p)
{
	buf_adds(&p->b, "\033[A\033[2K");
}

void page_add(struct page *p, struct str text)
{
	add_shown(&p->b, text.p, text.n, false);
	pass_on(p);
}

void page_lines(struct page *p, int indent, struct str text)
{
	for (size_t at = 0; at < text.n;) {
		const char *line = text.p + at, *nl = memchr(line, '\n', text.n - at);
		size_t n = nl ? (size_t)(nl - line) : text.n - at;
		if (at && indent)
			buf_addf(&p->b, "%*s", indent, "");
		add_shown(&p->b, line, n, true);
		if (nl)
			buf_addc(&p->b, '\n');
		at += n + (nl != NULL);
		pass_on(p);
	}
}

void page_wrap(struct page *p, int fd)
{
	struct winsize w;
	p->width = ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col >= WIDTH_LEAST ? w.ws_col : 0;
}

/* Columns of the last line so far, without escape sequences. */
static size_t count_columns(const struct page *p)
{
	size_t from = p->b.n, columns = 0;
	bool painting = false; /* true within ESC [ ... m */
	while (from > 0 && p->b.p[from - 1] != '\n')
		from--;
	for (size_t i = from; i < p->b.n; i++) {
		bool begins = p->b.p[i] == '\033';
		if (!begins && !painting)
			columns += ((unsigned char)p->b.p[i] & 0xc0) != 0x80;
		painting = begins || (painting && p->b.p[i] != 'm');
	}
	return columns;
}

/* Adds the words of one line with their blanks; where the next word does not fit, a newline
 * replaces the blank. */
static void add_words(struct page *p, size_t indent, const char *line, size_t n)
{
	for (size_t at = 0, column = count_columns(p); at < n;) {
		size_t blanks = 0, word = 0;
		while (at + blanks < n && line[at + blanks] == ' ')
			blanks++;
		while (at + blanks + word < n && line[at + blanks + word] != ' ')
			word++;
		bool fits = column + blanks + word <= p->width;
		if (blanks && word && !fits && column > indent) {
			buf_addf(&p->b, "\n%*s", (int)indent, "");
			column = indent;
		} else {
			buf_addf(&p->b, "%*s", (int)blanks, "");
			column += blanks;
		}
		column += add_shown(&p->b, line + at + blanks, word, true);
		at += blanks + word;
	}
}

void page_prose(struct page *p, int indent, struct str text)
{
	if (!p->width) {
		page_lines(p, indent, text);
		return;
	}
	for (size_t at = 0; at < text.n;) {
		const char *line = text.p + at, *nl = memchr(line, '\n', text.n - at);
		size_t n = nl ? (size_t)(nl - line) : text.n - at;
		if (at && indent)
			buf_addf(&p->b, "%*s", indent, "");
		add_words(p, (size_t)indent, line, n);
		if (nl)
			buf_addc(&p->b, '\n');
		at += n + (nl != NULL);
		pass_on(p);
	}
}

/* Adds all but an incomplete character at the end. */
static size_t add_piece(void *ctx, const char *text, size_t n)
{
	size_t cut = n;
	while (cut > 0 && n - cut < 3 && ((unsigned char)text[cut - 1] & 0xc0) == 0x80)
		cut--;
	if (cut > 0 && (unsigned char)text[cut - 1] >= 0xc0 &&
		!str_utf8_len(text + cut - 1, n - cut + 1))
		n = cut - 1;
	page_lines(ctx, 0, (struct str){text, n});
	return n;
}

struct buf page_buf(struct page *p)
{
	return (struct buf){.limit = PAGE_MAX, .sink = add_piece, .ctx = p};
}

void page_buf_end(struct buf *b)
{
	page_lines(b->ctx, 0, (struct str){b->p ? b->p : "", b->n});
	buf_free(b);
}

void page_cut(struct page *p, size_t from, size_t columns)
{
	size_t at = from;
	for (; at < p->b.n && columns > 0; columns--) {
		size_t len = str_utf8_len(p->b.p + at, p->b.n - at);
		at += len ? len : 1;
	}
	if (at < p->b.n) {
		p->b.n = at;
		p->b.p[at] = 0;
	}
}

/* ---- page_addf ---- */

struct conversion {
	bool left;
	int width, precision; /* precision -1: none */
	char size;            /* 0, 'l', 'L' (ll) or 'z' */
};
struct args {
	va_list ap; /* in a struct, so that its address can be passed */
};

static void add_padded(
	struct page *p, const struct conversion *c, const char *text, size_t n, bool ours)
{
	size_t before = p->b.n, columns = n;
	if (ours)
		buf_add(&p->b, text, n);
	else
		columns = add_shown(&p->b, text, n, false);
	if (c->width < 0 || (size_t)c->width <= columns)
		return;
	size_t room = (size_t)c->width - columns, added = p->b.n - before;
	buf_addf(&p->b, "%*s", (int)room, "");
	if (!c->left && added && !p->b.over) {
		memmove(p->b.p + before + room, p->b.p + before, added);
		memset(p->b.p + before, ' ', room);
	}
}

/* Number of bytes without an incomplete character at the end, as after a cut by the precision.
 * text[n] must be readable. */
static size_t whole_chars(const char *text, size_t n)
{
	size_t at = n;
	while (at > 0 && n - at < 4 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at < n && str_utf8_len(text + at, strnlen(text + at, 4)) > n - at ? at : n;
}

static void add_text(struct page *p, const struct conversion *c, const char *text)
{
	size_t n = c->precision < 0 ? strlen(text) : strnlen(text, (size_t)c->precision);
	if (c->precision >= 0 && n == (size_t)c->precision)
		n = whole_chars(text, n);
	add_padded(p, c, text, n, false);
}

static long long signed_arg(const struct conversion *c, struct args *args)
{
	switch (c->size) {
	case 'L':
		return va_arg(args->ap, long long);
	case 'l':
		return va_arg(args->ap, long);
	default:
		return va_arg(args->ap, int);
	}
}

static unsigned long long unsigned_arg(const struct conversion *c, struct args *args)
{
	switch (c->size) {
	case 'z':
		return va_arg(args->ap, size_t);
	case 'L':
		return va_arg(args->ap, unsigned long long);
	case 'l':
		return va_arg(args->ap, unsigned long);
	default:
		return va_arg(args->ap, unsigned);
	}
}

static const char *read_number(const char *at, struct args *args, int *out)
{
	*out = 0;
	if (*at == '*') {
		*out = va_arg(args->ap, int);
		return at + 1;
	}
	for (; *at >= '0' && *at <= '9'; at++)
		*out = *out * 10 + (*at - '0');
	return at;
}

static const char *read_conversion(const char *at, struct args *args, struct conversion *c)
{
	*c = (struct conversion){.precision = -1};
	if (*at == '-') {
		c->left = true;
		at++;
	}
	at = read_number(at, args, &c->width);
	if (*at == '.')
		at = read_number(at + 1, args, &c->precision);
	if (*at == 'l' && at[1] == 'l')
		c->size = 'L';
	else if (*at == 'l' || *at == 'z')
		c->size = *at;
	return at + (c->size == 'L' ? 2 : c->size ? 1 : 0);
}

static const char *add_conversion(struct page *p, const char *at, struct args *args)
{
	struct conversion c;
	char number[NUMBER_MAX];
	int n = 0;
	at = read_conversion(at, args, &c);
	switch (*at) {
	case '%':
		buf_addc(&p->b, '%');
		return at + 1;
	case 's':
		add_text(p, &c, va_arg(args->ap, const char *));
		return at + 1;
	case 'd':
		n = snprintf(number, sizeof(number), "%lld", signed_arg(&c, args));
		break;
	case 'u':
		n = snprintf(number, sizeof(number), "%llu", unsigned_arg(&c, args));
		break;
	case 'f':
		n = snprintf(number, sizeof(number), "%.*f",
			c.precision < 0 || c.precision > PRECISION_MAX ? 6 : c.precision,
			va_arg(args->ap, double));
		break;
	default:
		panic("page_addf: the conversion %%%c is not supported", *at);
	}
	add_padded(p, &c, number, (size_t)n, true);
	return at + 1;
}

void page_vaddf(struct page *p, const char *fmt, va_list ap)
{
	struct args args;
	va_copy(args.ap, ap);
	while (*fmt) {
		size_t n = strcspn(fmt, "%");
		buf_add(&p->b, fmt, n);
		fmt += n;
		if (*fmt)
			fmt = add_conversion(p, fmt + 1, &args);
	}
	va_end(args.ap);
	pass_on(p);
}

void page_addf(struct page *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	page_vaddf(p, fmt, ap);
	va_end(ap);
}

void page_paintf(struct page *p, enum paint paint, const char *fmt, ...)
{
	va_list ap;
	page_paint(p, paint);
	va_start(ap, fmt);
	page_vaddf(p, fmt, ap);
	va_end(ap);
	page_paint(p, PAINT_PLAIN);
}

/* ---- out of the process ---- */

bool page_write(struct page *p, int fd)
{
	bool ok = output_write(fd, p->b.p, p->b.n);
	page_clear(p);
	return ok;
}

bool write_data(int fd, struct str bytes)
{
	if (!isatty(fd))
		return output_write(fd, bytes.p, bytes.n);
	struct page *p = page_new(false);
	page_lines(p, 0, bytes);
	bool ok = page_write(p, fd);
	page_free(p);
	return ok;
}

void write_literal_(int fd, const char *text, size_t n)
{
	(void)output_write(fd, text, n);
}

/* Not through a page: memory may have run out. */
_Noreturn void panic(const char *fmt, ...)
{
	char text[PANIC_MAX], bytes[SHOWN_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	write_literal(STDERR_FILENO, "provision: a bug: ");
	for (size_t i = 0, n = strlen(text), shown; i < n;) {
		i += show_char(text + i, n - i, false, bytes, &shown);
		write_all(STDERR_FILENO, bytes, shown);
	}
	write_literal(STDERR_FILENO, "\n");
	abort();
}
