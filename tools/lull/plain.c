/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plain.c: names that others chose, safe to print (tool.h).
 *
 * Entry points: tool_plain, tool_put_plain.
 */
#include <stdint.h>
#include <stdio.h>

#include "tool.h"

/* Bytes of the character that begins here; 0: a byte that is none, or one
 * that commands the terminal. */
static int character(const unsigned char *p)
{
	static const uint32_t least[] = {0, 0, 0xa0, 0x800, 0x10000};
	int n = *p < 0x80   ? 1
		: *p < 0xc0 ? 0
		: *p < 0xe0 ? 2
		: *p < 0xf0 ? 3
			    : 4;
	uint32_t c = n > 1 ? *p & (0x7fU >> n) : *p;

	if (n == 1)
		return *p >= 0x20 && *p != 0x7f;
	for (int i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (!n || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

void tool_put_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		int n = character((const unsigned char *)text + i);

		if (n)
			fwrite(text + i, 1, (size_t)n, stdout);
		else
			putchar('?');
		i += n ? (size_t)n : 1;
	}
}

char *tool_plain(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p;) {
		int n = character(p);

		if (!n)
			*p = '?';
		p += n ? n : 1;
	}
	return text;
}
