/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_netns.c: `lull ss --all-netns`: the same view in each network namespace
 * that a process is in, or that ip-netns(8) has named.
 *
 * Entry point: ss_for_each_netns.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ss.h"

enum {
	MOST = 4096, /* namespaces */
	NAME = 64,
};

struct netns {
	ino_t inode;
	char name[NAME], path[300];
};

struct spaces {
	struct netns *at;
	size_t len;
	bool more; /* than MOST */
	size_t hidden;
};

static bool keep(struct spaces *s, const char *path, const char *name)
{
	struct netns *more;
	struct stat st;

	if (stat(path, &st) < 0) {
		s->hidden += errno == EACCES;
		return true;
	}
	for (size_t i = 0; i < s->len; i++)
		if (s->at[i].inode == st.st_ino)
			return true;
	if (s->len == MOST) {
		s->more = true;
		return true;
	}
	more = realloc(s->at, (s->len + 1) * sizeof *more);
	if (!more)
		return false;
	s->at = more;
	more += s->len++;
	more->inode = st.st_ino;
	snprintf(more->name, sizeof more->name, "%s", name);
	snprintf(more->path, sizeof more->path, "%s", path);
	tool_plain(more->name);
	return true;
}

static bool find_named(struct spaces *s)
{
	DIR *dir = opendir("/run/netns");
	const struct dirent *entry;
	char path[300];
	bool fine = true;

	while (dir && fine && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/run/netns/%s", entry->d_name);
		fine = keep(s, path, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return fine;
}

static bool find_of_processes(struct spaces *s)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	char path[300], name[NAME];
	bool fine = true;

	while (dir && fine && (entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof path, "/proc/%s/ns/net", entry->d_name);
		snprintf(name, sizeof name, "pid %.10s", entry->d_name);
		fine = keep(s, path, name);
	}
	if (dir)
		closedir(dir);
	return fine;
}

static int enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), e = 0;

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		e = -errno;
	if (fd >= 0)
		close(fd);
	return e;
}

/* Ours is the first, and we are in it. -1: it has ended. */
static int enter_one(const struct spaces *s, size_t i)
{
	int e = i ? enter(s->at[i].path) : 0;

	if (e == -ENOENT || e == -EINVAL) /* a file that was left there */
		return -1;
	if (e < 0)
		return tool_error(TOOL_COULD_NOT,
				  "the namespace of %s: %s; only root may "
				  "enter others",
				  s->at[i].name, strerror(-e));
	return 0;
}

static int view_each(struct ss *ss, const struct spaces *s,
		     int (*view)(struct ss *ss))
{
	int code = 0, left_out = 0, e;

	for (size_t i = 0; i < s->len && code == 0; i++) {
		e = enter_one(s, i);
		if (e > 0)
			left_out = e;
		if (e)
			continue;
		ss->netns = s->at[i].name;
		if (!ss->o.json && !ss->o.prom)
			printf("%snetns %s\n", ss->later ? "\n" : "",
			       ss->netns);
		code = view(ss);
		ss->later = true;
		ss->rows = 0;
	}
	return code ? code : left_out;
}

int ss_for_each_netns(struct ss *ss, int (*view)(struct ss *ss))
{
	struct spaces s = {.len = 0};
	int code;

	if (!keep(&s, "/proc/self/ns/net", "this") || !find_named(&s) ||
	    !find_of_processes(&s))
		code = tool_error(TOOL_COULD_NOT, "no memory");
	else
		code = view_each(ss, &s, view);
	if (s.hidden)
		tool_error(0,
			   "the namespaces of %zu processes may not be looked "
			   "at: root sees them",
			   s.hidden);
	if (s.more)
		tool_error(0, "there are more than %d namespaces", MOST);
	free(s.at);
	return code;
}
