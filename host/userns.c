/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * userns.c: a network namespace for who is not root: within a user namespace
 * (user_namespaces(7)) the caller has all capabilities, over what is in it.
 *
 * The caller is root in there, since a program that others start there, as
 * ip(8), needs its capabilities after execve(2). Files stay his own: outside
 * he is who he was. Not every kernel lets him; then we say which knob it is.
 *
 * Entry point: lull_userns_enter.
 */
#define _GNU_SOURCE /* unshare(2) */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lull/host.h>

/* The number in a file of /proc/sys; -1: there is none. */
static long knob(const char *name)
{
	char path[96], text[24] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/sys/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	return n > 0 ? strtol(text, NULL, 10) : -1;
}

/* Whose "no" it was. */
static const char *reason(int e)
{
	if (knob("user/max_user_namespaces") == 0)
		return "user.max_user_namespaces is 0; as root: "
		       "sysctl user.max_user_namespaces=1024";
	if (knob("user/max_net_namespaces") == 0)
		return "user.max_net_namespaces is 0; as root: "
		       "sysctl user.max_net_namespaces=1024";
	if (knob("kernel/unprivileged_userns_clone") == 0)
		return "kernel.unprivileged_userns_clone is 0; as root: "
		       "sysctl kernel.unprivileged_userns_clone=1";
	if (knob("kernel/apparmor_restrict_unprivileged_userns") == 1)
		return "AppArmor forbids it; as root: a profile with \"userns,\""
		       ", or sysctl "
		       "kernel.apparmor_restrict_unprivileged_userns=0";
	switch (e) {
	case -ENOSPC:
	case -EUSERS:
		return "there are too many user or network namespaces already; "
		       "see user.max_user_namespaces";
	case -EINVAL:
	case -ENOSYS:
		return "this kernel has no user namespaces";
	default:
		return "the kernel, a container's seccomp filter or a chroot "
		       "forbids it; allow unshare(2) there";
	}
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), e = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		e = -errno;
	close(fd);
	return e;
}

static int map_ids(uid_t uid, gid_t gid)
{
	char uids[32], gids[32];
	int e = put("/proc/self/setgroups", "deny");

	snprintf(uids, sizeof uids, "0 %u 1", (unsigned)uid);
	snprintf(gids, sizeof gids, "0 %u 1", (unsigned)gid);
	if (e == 0)
		e = put("/proc/self/uid_map", uids);
	return e == 0 ? put("/proc/self/gid_map", gids) : e;
}

int lull_userns_enter(struct lull_userns_why *why)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int e = 0;

	if (why && why->size != sizeof *why)
		return -EINVAL;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		e = -errno;
	if (e == 0)
		e = map_ids(uid, gid);
	if (e < 0 && why)
		snprintf(why->text, sizeof why->text, "%s", reason(e));
	return e;
}
