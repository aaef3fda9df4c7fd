/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf.c: see conf.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

#define BLANKS " \t\r\n"

char *conf_trim(char *text)
{
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len && strchr(BLANKS, text[len - 1]))
		text[--len] = 0;
	return text;
}

void conf_dots(char *name)
{
	size_t first = strcspn(name, "/.");

	if (name[first] != '/')
		return;
	for (char *p = name + first; *p; p++) {
		if (*p == '/')
			*p = '.';
		else if (*p == '.')
			*p = '/';
	}
}

/* false: a comment, or nothing. */
static bool divide(char *text, struct conf_line *line)
{
	text = conf_trim(text);
	if (!*text || *text == '#' || *text == ';')
		return false;
	line->may_fail = *text == '-';
	text += line->may_fail;
	line->value = strchr(text, '=');
	if (line->value) {
		*line->value++ = 0;
		line->value = conf_trim(line->value);
	}
	line->name = conf_trim(text);
	conf_dots(line->name);
	return true;
}

int conf_read(const char *path, conf_see *see, void *arg)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *f = standard ? stdin : fopen(path, "re");
	struct conf_line line = {.file = standard ? "standard input" : path};
	char *text = NULL;
	size_t size = 0;
	int e = 0;

	if (!f)
		return -errno;
	errno = 0;
	while (!e && getline(&text, &size, f) >= 0) {
		line.number++;
		if (divide(text, &line))
			e = see(arg, &line);
	}
	if (!e && ferror(f)) /* a directory, say */
		e = errno ? -errno : -EIO;
	free(text);
	if (!standard)
		fclose(f);
	return e;
}
