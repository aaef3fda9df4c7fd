/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * need.h: tests that need root: each program lives in a network namespace and
 * a mount namespace of its own, with an empty /run. Nothing of it outlives
 * the program, however it ends.
 */
#ifndef LULL_TEST_NEED_H
#define LULL_TEST_NEED_H

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Go there. Returns what is missing, or NULL. */
static inline const char *need_own_world(void)
{
	if (geteuid() != 0)
		return "needs root";
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		return "needs /dev/net/tun";
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		return "needs CAP_SYS_ADMIN for namespaces";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("lull-test", "/run", "tmpfs", 0, NULL) < 0)
		return "needs mount(2) on / (in a chroot: bind it on itself)";
	return NULL;
}

/* For main(): TAP for "none of them". */
#define SKIP_UNLESS_OWN_WORLD()                               \
	do {                                                  \
		const char *missing_ = need_own_world();      \
                                                              \
		if (missing_) {                               \
			printf("1..0 # SKIP %s\n", missing_); \
			return 0;                             \
		}                                             \
	} while (0)

/* The network namespace of this thread. */
static inline ino_t which_net(void)
{
	struct stat st = {0};

	(void)stat("/proc/thread-self/ns/net", &st);
	return st.st_ino;
}

#endif
