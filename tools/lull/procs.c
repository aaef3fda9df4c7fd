/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procs.c: see procs.h.
 *
 * Reads each descriptor's link once, and keeps twelve bytes for each socket.
 *
 * Entry points: procs_read, _free, _find, _name, _count, _hidden.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procs.h"
#include "tool.h"

struct procs {
	struct procs_fd *fd;
	size_t len, size, count, hidden;
	char root[64];
};

static int keep(struct procs *p, struct procs_fd fd)
{
	if (p->len == p->size) {
		size_t size = p->size ? 2 * p->size : 1024;
		struct procs_fd *more = realloc(p->fd, size * sizeof *more);

		if (!more)
			return -ENOMEM;
		p->fd = more;
		p->size = size;
	}
	p->fd[p->len++] = fd;
	return 0;
}

/* All digits, as a process or a descriptor has it; -1: something else. */
static int number(const char *name)
{
	char *end;
	long n = strtol(name, &end, 10);

	return *name >= '0' && *name <= '9' && !*end ? (int)n : -1;
}

static int read_fds(struct procs *p, DIR *dir, pid_t pid)
{
	const struct dirent *entry;
	int e = 0;

	while (e == 0 && (entry = readdir(dir))) {
		struct procs_fd fd = {.pid = pid, .fd = number(entry->d_name)};
		char link[64];
		ssize_t n;

		if (fd.fd < 0)
			continue;
		n = readlinkat(dirfd(dir), entry->d_name, link,
			       sizeof link - 1);
		if (n < 0)
			continue; /* closed meanwhile */
		link[n] = 0;
		if (sscanf(link, "socket:[%u]", &fd.inode) == 1)
			e = keep(p, fd);
	}
	return e;
}

static int read_process(struct procs *p, int root, pid_t pid)
{
	char path[32];
	DIR *dir;
	int fd, e;

	p->count++;
	snprintf(path, sizeof path, "%d/fd", pid);
	fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		p->hidden += errno == EACCES || errno == EPERM;
		return 0;
	}
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -errno;
	}
	e = read_fds(p, dir, pid);
	closedir(dir);
	return e;
}

static int by_inode(const void *a, const void *b)
{
	const struct procs_fd *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->fd > y->fd) - (x->fd < y->fd);
}

int procs_read(struct procs **procs, const char *root)
{
	struct procs *p = calloc(1, sizeof *p);
	DIR *dir = opendir(root);
	const struct dirent *entry;
	int e = 0;

	if (!p || !dir) {
		e = dir ? -ENOMEM : -errno;
		free(p);
		if (dir)
			closedir(dir);
		return e;
	}
	snprintf(p->root, sizeof p->root, "%s", root);
	while (e == 0 && (entry = readdir(dir)))
		if (number(entry->d_name) > 0)
			e = read_process(p, dirfd(dir), number(entry->d_name));
	closedir(dir);
	if (e == 0 && !p->count) /* not even ours: no procfs is mounted */
		e = -ENOENT;
	if (e < 0) {
		procs_free(p);
		return e;
	}
	if (p->len)
		qsort(p->fd, p->len, sizeof *p->fd, by_inode);
	*procs = p;
	return 0;
}

void procs_free(struct procs *procs)
{
	if (!procs)
		return;
	free(procs->fd);
	free(procs);
}

const struct procs_fd *procs_find(const struct procs *procs, uint32_t inode,
				  size_t *n)
{
	size_t lo = 0, hi = procs->len;

	*n = 0;
	while (lo < hi) { /* the first that is not below */
		size_t middle = lo + (hi - lo) / 2;

		if (procs->fd[middle].inode < inode)
			lo = middle + 1;
		else
			hi = middle;
	}
	while (lo + *n < procs->len && procs->fd[lo + *n].inode == inode)
		++*n;
	return inode && *n ? &procs->fd[lo] : NULL;
}

const char *procs_name(const struct procs *procs, pid_t pid, char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%d/comm", procs->root, pid);
	f = fopen(path, "re");
	if (!f || !fgets(text, PROCS_NAME, f))
		strcpy(text, "?");
	if (f)
		fclose(f);
	text[strcspn(text, "\n")] = 0;
	return tool_plain(text); /* the kernel cuts it at any byte */
}

size_t procs_count(const struct procs *procs)
{
	return procs->count;
}

size_t procs_hidden(const struct procs *procs)
{
	return procs->hidden;
}
