/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * screen.h: paragraphs for a terminal of 80 columns, Chinese ones too.
 */
#ifndef LULL_WORDS_SCREEN_H
#define LULL_WORDS_SCREEN_H

enum {
	SCREEN_WIDTH = 79,
};

/* Columns of a text of UTF-8. */
int screen_width(const char *text);
/*
 * Print a paragraph. `label` stands before the first line, in `indent`
 * columns; the others begin below its end.
 */
void screen_print(const char *label, int indent, const char *text);
/* In place: nothing that commands a terminal stays. */
void screen_clean(char *text);

#endif
