/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf.c: see conf.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"

#define BLANKS " \t\r\n"

enum {
	LONGEST = 65536, /* of a line; the kernel takes no longer list */
};

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

/* 1: a line; 0: the end; below 0: -errno. What is not ended is one as well. */
static int read_line(FILE *f, char *text)
{
	size_t len = 0;
	int c;

	errno = 0;
	while ((c = getc(f)) != EOF && c != '\n') {
		if (len == LONGEST - 1)
			return -EMSGSIZE;
		text[len++] = (char)c;
	}
	text[len] = 0;
	if (c == EOF && ferror(f)) /* a directory, say */
		return errno ? -errno : -EIO;
	return len || c != EOF;
}

int conf_read(const char *path, conf_see *see, void *arg)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *f = standard ? stdin : fopen(path, "re");
	struct conf_line line = {.file = standard ? "standard input" : path};
	char *text = malloc(LONGEST);
	int e = text ? 0 : -ENOMEM;

	if (!f)
		e = -errno;
	while (!e && (e = read_line(f, text)) > 0) {
		line.number++;
		e = divide(text, &line) ? see(arg, &line) : 0;
	}
	free(text);
	if (f && !standard)
		fclose(f);
	return e;
}

/* ---- the system's files ---- */

enum {
	FILES = 1024, /* of all directories */
};

struct files {
	char *path[FILES];
	int n;
};

static const char *base_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int by_base(const void *a, const void *b)
{
	return strcmp(base_of(*(char *const *)a), base_of(*(char *const *)b));
}

static bool is_conf(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && name[0] != '.' && !strcmp(name + len - 5, ".conf");
}

static int add_file(struct files *f, const char *dir, const char *name)
{
	for (int i = 0; i < f->n; i++)
		if (!strcmp(base_of(f->path[i]), name))
			return 0;
	if (f->n == FILES)
		return -E2BIG;
	if (asprintf(&f->path[f->n], "%s/%s", dir, name) < 0)
		return -ENOMEM;
	f->n++;
	return 0;
}

static int add_directory(struct files *f, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int e = 0;

	if (!d)
		return 0;
	while (!e && (entry = readdir(d)))
		if (is_conf(entry->d_name))
			e = add_file(f, dir, entry->d_name);
	closedir(d);
	return e;
}

/* One that is none has nothing to set: /dev/null takes a file out, and a FIFO
 * would have us wait. */
static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 || S_ISREG(st.st_mode);
}

static bool is_last(const char *path)
{
	char *real = realpath(path, NULL);
	bool last = real && !strcmp(real, CONF_FILE);

	free(real);
	return last;
}

int conf_system(conf_file *see, void *arg)
{
	static const char *const dirs[] = {"/run/sysctl.d", "/etc/sysctl.d",
					   "/usr/local/lib/sysctl.d",
					   "/usr/lib/sysctl.d",
					   "/lib/sysctl.d"};
	struct files f = {.n = 0};
	int e = 0;

	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0] && !e; i++)
		e = add_directory(&f, dirs[i]);
	qsort(f.path, (size_t)f.n, sizeof f.path[0], by_base);
	/* Debian has a link to CONF_FILE among them: once is enough. */
	for (int i = 0; i < f.n && !e; i++)
		if (!is_last(f.path[i]) && is_file(f.path[i]))
			e = see(arg, f.path[i]);
	if (!e && access(CONF_FILE, F_OK) == 0)
		e = see(arg, CONF_FILE);
	for (int i = 0; i < f.n; i++)
		free(f.path[i]);
	return e;
}
