/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf.h: files as sysctl.conf(5) has them: "NAME = VALUE", "-NAME = VALUE",
 * comments with # or ;.
 */
#ifndef LULL_CONF_H
#define LULL_CONF_H

#include <stdbool.h>
#include <stddef.h>

struct conf_line {
	const char *file;
	size_t number; /* from 1 */
	char *name;
	char *value;   /* NULL: there is no equals sign */
	bool may_fail; /* it began with - */
};

/* What is to become of a line; other than 0 ends the reading with it. */
typedef int conf_see(void *arg, struct conf_line *line);

/* Read a file, or with "-" standard input. Below 0: -errno. */
int conf_read(const char *path, conf_see *see, void *arg);
/* The text without blanks at both ends; cuts it in place. */
char *conf_trim(char *text);
/* A name with slashes, in place: as sysctl(8), the first of / and . decides
 * which of them divides it. */
void conf_dots(char *name);

#endif
