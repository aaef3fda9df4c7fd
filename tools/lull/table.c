/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.c: columns as ss(8) has them.
 *
 * To a file or a pipe: no wider than needed, padded to the end. On a terminal
 * the room that is left is shared out, the last columns first; where a line
 * does not fit, it is not padded further, and the terminal wraps it.
 *
 * Keeps at most KEEP bytes: of a longer list the first part is printed before
 * the rest is seen, and columns may get wider on the way.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "table.h"

enum {
	KEEP = 4 << 20,
	CELL = 128, /* most are shorter: a timer, or an IPv6 prefix */
};

static int screen_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return 80;
	return size.ws_col;
}

void table_open(struct table *t, const struct table_column *column)
{
	*t = (struct table){.column = column, .screen = screen_width()};
}

/* What each column gets on top of its width. */
static void share_out(const struct table *t, int *extra)
{
	int total = 0, spare;

	for (int i = 0; i < TABLE_COLUMNS; i++)
		total += t->width[i] + t->column[i].blank;
	memset(extra, 0, TABLE_COLUMNS * sizeof *extra);
	spare = t->screen - total;
	if (spare <= 0)
		return;
	for (int i = TABLE_COLUMNS - 1; i >= 0; i--)
		extra[i] = spare / TABLE_COLUMNS +
			   (TABLE_COLUMNS - 1 - i < spare % TABLE_COLUMNS);
}

static void print_blanks(int n)
{
	for (; n > 0; n--)
		putc_unlocked(' ', stdout);
}

static void print_cell(const struct table_column *column, const char *text,
		       size_t len, int width)
{
	int blanks = width - (int)len;

	if (column->blank)
		putc_unlocked(' ', stdout);
	if (column->right)
		print_blanks(blanks);
	fwrite_unlocked(text, 1, len, stdout);
	if (!column->right)
		print_blanks(blanks);
}

static void flush(struct table *t)
{
	const char *text = t->text, *end = t->text + t->len;
	int extra[TABLE_COLUMNS];

	share_out(t, extra);
	while (text < end) {
		/* For want of memory the last line may be short. */
		for (int i = 0; i < TABLE_COLUMNS && text < end; i++) {
			size_t len = strlen(text);

			print_cell(&t->column[i], text, len,
				   t->width[i] + extra[i]);
			text += len + 1;
		}
		putchar('\n');
	}
	t->len = 0;
	t->flushed = true;
}

static bool make_room(struct table *t, size_t need)
{
	size_t size = t->size ? 2 * t->size : 16384;
	char *text;

	if (t->size - t->len >= need)
		return true;
	while (size - t->len < need)
		size *= 2;
	text = realloc(t->text, size);
	if (!text)
		return false;
	t->text = text;
	t->size = size;
	return true;
}

bool table_cell(struct table *t, const char *format, ...)
{
	int i = t->cells, n = 0;
	size_t need = CELL;
	va_list args;

	do {
		if (!make_room(t, need))
			return false;
		va_start(args, format);
		n = vsnprintf(t->text + t->len, t->size - t->len, format, args);
		va_end(args);
		need = (size_t)n + 1;
	} while (need > t->size - t->len);
	t->len += need;
	if (n > t->width[i])
		t->width[i] = n;
	t->cells = (i + 1) % TABLE_COLUMNS;
	if (!t->cells && t->len >= KEEP)
		flush(t);
	return true;
}

bool table_restart(struct table *t)
{
	if (t->flushed)
		return false;
	t->len = 0;
	t->cells = 0;
	memset(t->width, 0, sizeof t->width);
	return true;
}

void table_close(struct table *t)
{
	flush(t);
	free(t->text);
	t->text = NULL;
}
