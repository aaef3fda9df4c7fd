/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf.h: files as sysctl.conf(5) has them: "NAME = VALUE", "-NAME = VALUE",
 * comments with # or ;.
 */
#ifndef LULL_CONF_H
#define LULL_CONF_H

#include <stdbool.h>
#include <stddef.h>

#define CONF_FILE "/etc/sysctl.conf"

struct conf_line {
	const char *file;
	size_t number; /* from 1 */
	char *name;
	char *value;   /* NULL: there is no equals sign */
	bool may_fail; /* it began with - */
};

/* What is to become of a line; other than 0 ends the reading with it. */
typedef int conf_see(void *arg, struct conf_line *line);

/* Read a file, or with "-" standard input. Below 0: -errno; -EMSGSIZE: a line
 * is longer than 64 KiB. */
int conf_read(const char *path, conf_see *see, void *arg);
/*
 * The files of the system, in the order in which they are read at boot
 * (sysctl.d(5)): by name, of two with one name the first directory's, and
 * CONF_FILE last; what is no regular file is left out. Other than 0 ends it
 * with that; -ENOMEM.
 */
typedef int conf_file(void *arg, const char *path);
int conf_system(conf_file *see, void *arg);
/* The text without blanks at both ends; cuts it in place. */
char *conf_trim(char *text);
/* A name with slashes, in place: as sysctl(8), the first of / and . decides
 * which of them divides it. */
void conf_dots(char *name);

#endif
