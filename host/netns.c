/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netns.c: network namespaces with names, as ip-netns(8) has them: a file in
 * /run/netns on which the namespace is mounted.
 *
 * The calling thread goes into the new namespace, names it, and comes back;
 * no other thread notices. /run/netns stays, as ip-netns(8) leaves it; and
 * so does a namespace whose maker was killed: the next one uses it.
 *
 * Entry points: lull_netns_open, _close, _is_made; lull_netns_enter, _leave.
 */
#define _GNU_SOURCE /* setns(2), unshare(2) */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"

#define DIR  "/run/netns"
#define SELF "/proc/thread-self/ns/net"

struct lull_netns {
	int fd; /* -1: the current one */
	bool made;
	char path[sizeof DIR + 1 + NAME_MAX];
};

/* ---- into a namespace, and back ---- */

int lull_netns_enter(const struct lull_netns *ns, int *back)
{
	int e;

	*back = -1;
	if (!ns || ns->fd < 0)
		return 0;
	*back = open(SELF, O_RDONLY | O_CLOEXEC);
	if (*back < 0)
		return -errno;
	if (setns(ns->fd, CLONE_NEWNET) == 0)
		return 0;
	e = -errno;
	close(*back);
	*back = -1;
	return e;
}

int lull_netns_leave(int back)
{
	int e = 0;

	if (back < 0)
		return 0;
	if (setns(back, CLONE_NEWNET) < 0)
		e = -errno;
	close(back);
	return e;
}

/* ---- the directory ---- */

/* What is mounted here is to be seen in other mount namespaces, too. */
static int share_dir(void)
{
	if (mkdir(DIR, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (mount("", DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	if (errno != EINVAL) /* else: it is no mount point yet */
		return -errno;
	if (mount(DIR, DIR, "none", MS_BIND | MS_REC, NULL) < 0 ||
	    mount("", DIR, "none", MS_SHARED | MS_REC, NULL) < 0)
		return -errno;
	return 0;
}

/* Two programs that make the same name at the same time take turns. */
static int lock_dir(void)
{
	int fd = open(DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR) {
			int e = -errno;

			close(fd);
			return e;
		}
	}
	return fd;
}

/* ---- open ---- */

/*
 * The namespace of that name. -ENOENT: it is not there, or somebody was killed
 * between making the file and mounting on it.
 */
static int find(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int e = -EINVAL;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET)
		return fd;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		e = -ENOENT;
	close(fd);
	return e;
}

/* In the new namespace: give it the name. Returns a descriptor of it. */
static int name_it(const char *path)
{
	int file = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0444);
	int fd, e;

	if (file < 0)
		return -errno;
	close(file);
	fd = open(SELF, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && mount(SELF, path, "none", MS_BIND, NULL) == 0)
		return fd;
	e = -errno;
	if (fd >= 0)
		close(fd);
	unlink(path);
	return e;
}

static void remove_it(const char *path)
{
	umount2(path, MNT_DETACH);
	unlink(path);
}

static int make(const char *path)
{
	int back = open(SELF, O_RDONLY | O_CLOEXEC);
	int fd, e;

	if (back < 0)
		return -errno;
	if (unshare(CLONE_NEWNET) < 0) {
		e = -errno;
		close(back);
		return e;
	}
	fd = name_it(path);
	e = lull_netns_leave(back);
	if (e == 0 || fd < 0)
		return e < 0 ? e : fd;
	remove_it(path);
	close(fd);
	return e;
}

static int find_or_make(struct lull_netns *ns)
{
	int lock, e;

	ns->fd = find(ns->path);
	if (ns->fd != -ENOENT)
		return ns->fd;
	e = share_dir();
	lock = e < 0 ? e : lock_dir();
	if (lock < 0)
		return lock;
	ns->fd = find(ns->path);
	if (ns->fd == -ENOENT) {
		ns->fd = make(ns->path);
		ns->made = ns->fd >= 0;
	}
	close(lock);
	return ns->fd;
}

static bool is_name(const char *name)
{
	return *name && strlen(name) <= NAME_MAX && !strchr(name, '/') &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int lull_netns_open(struct lull_netns **ns, const char *name)
{
	struct lull_netns *n;
	int e = 0;

	if (!is_name(name))
		return -EINVAL;
	n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	n->fd = -1;
	if (strcmp(name, "-") != 0) {
		snprintf(n->path, sizeof n->path, DIR "/%s", name);
		e = find_or_make(n);
	}
	if (e < 0) {
		free(n);
		return e;
	}
	*ns = n;
	return 0;
}

/* ---- close ---- */

/* Does the name still mean the namespace that we made? */
static bool is_still(const struct lull_netns *ns)
{
	struct stat ours, named;

	return fstat(ns->fd, &ours) == 0 && stat(ns->path, &named) == 0 &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

void lull_netns_close(struct lull_netns *ns)
{
	int lock;

	if (!ns)
		return;
	if (ns->made) {
		lock = lock_dir();
		if (is_still(ns))
			remove_it(ns->path);
		if (lock >= 0)
			close(lock);
	}
	if (ns->fd >= 0)
		close(ns->fd);
	free(ns);
}

bool lull_netns_is_made(const struct lull_netns *ns)
{
	return ns->made;
}
