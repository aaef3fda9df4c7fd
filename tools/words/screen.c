/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * screen.c: see screen.h.
 *
 * Lines break at blanks, and on both sides of a Chinese character, but not
 * before a mark that closes, nor behind one that opens. The C library's
 * iswprint() and wcwidth() know nothing without a locale, so this needs none.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "screen.h"

/* The next character; what is no UTF-8 counts byte by byte. */
static const char *next_char(const char *p, uint32_t *c)
{
	const unsigned char *s = (const unsigned char *)p;
	int more = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc0 ? 1 : 0;

	*c = more ? *s & (0x3fu >> more) : *s;
	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			*c = *s;
			return p + 1;
		}
		*c = *c << 6 | (s[i] & 0x3f);
	}
	return p + 1 + more;
}

/* Of two columns: Chinese, Japanese, Korean, and forms as wide as these. */
static bool is_wide(uint32_t c)
{
	return (c >= 0x1100 && c < 0x1160) || (c >= 0x2e80 && c < 0xa4d0) ||
	       (c >= 0xac00 && c < 0xd7a4) || (c >= 0xf900 && c < 0xfb00) ||
	       (c >= 0xfe30 && c < 0xfe70) || (c >= 0xff00 && c < 0xff61) ||
	       (c >= 0x1f300 && c < 0x1fb00) || (c >= 0x20000 && c < 0x40000);
}

/* 、。」』】)，：；？！》and the like: never the first of a line. */
static bool closes(uint32_t c)
{
	static const uint32_t marks[] = {0x3001, 0x3002, 0x3009, 0x300b, 0x300d,
					 0x300f, 0x3011, 0xff01, 0xff09, 0xff0c,
					 0xff1a, 0xff1b, 0xff1f, 0x201d};

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (marks[i] == c)
			return true;
	return false;
}

static bool opens(uint32_t c)
{
	return c == 0xff08 || c == 0x300a || c == 0x300c || c == 0x3010 ||
	       c == 0x201c;
}

int screen_width(const char *text)
{
	int width = 0;
	uint32_t c;

	while (*text) {
		text = next_char(text, &c);
		width += 1 + is_wide(c);
	}
	return width;
}

/* "60 s" stays together. */
static bool is_unit(uint32_t before, const char *p)
{
	return before >= '0' && before <= '9' && *p == 's' &&
	       (!p[1] || strchr(" .,;:)", p[1]));
}

/* As much as can't be divided; blanks before it are left out of it. */
static const char *piece(const char *p, int *width)
{
	uint32_t c, after;

	*width = 0;
	for (;;) {
		p = next_char(p, &c);
		*width += 1 + is_wide(c);
		if (!*p || (*p == ' ' && !is_unit(c, p + 1)))
			return p;
		next_char(p, &after);
		if ((is_wide(c) || is_wide(after)) && !closes(after) &&
		    !opens(c))
			return p;
	}
}

void screen_print(const char *label, int indent, const char *text)
{
	int column = indent, width;

	printf("%s%*s", label, indent - screen_width(label), "");
	while (*text) {
		size_t blanks = strspn(text, " ");
		const char *start = text + blanks, *end;

		if (!*start)
			break;
		end = piece(start, &width);
		if (column + (int)blanks + width > SCREEN_WIDTH &&
		    column > indent) {
			printf("\n%*s", indent, "");
			column = indent;
			blanks = 0;
		}
		printf("%*s%.*s", (int)blanks, "", (int)(end - start), start);
		column += (int)blanks + width;
		text = end;
	}
	putchar('\n');
}

void screen_clean(char *text)
{
	while (*text) {
		uint32_t c;
		size_t len = (size_t)(next_char(text, &c) - text);
		/* A byte that is no UTF-8 may be a command by itself: 0x9b. */
		bool bad = (c < ' ' && c != '\t') || (c >= 0x7f && c < 0xa0) ||
			   (len == 1 && c >= 0x80);

		if (bad)
			memset(text, '?', len);
		text += len;
	}
}
