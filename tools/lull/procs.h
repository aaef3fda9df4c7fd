/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procs.h: which process holds which socket, from /proc/PID/fd.
 */
#ifndef LULL_TOOL_PROCS_H
#define LULL_TOOL_PROCS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCS_NAME 64

struct procs;

/* One file descriptor on one socket. */
struct procs_fd {
	uint32_t inode;
	pid_t pid;
	int fd;
};

/* What can be seen now; negative errno. `root`: "/proc". */
int procs_read(struct procs **procs, const char *root);
void procs_free(struct procs *procs);
/* Those that hold this socket: `n` of them, side by side; NULL: none is seen.
 */
const struct procs_fd *procs_find(const struct procs *procs, uint32_t inode,
				  size_t *n);
/* What ps(1) calls it, through tool_plain(); "?" if it has gone. */
const char *procs_name(const struct procs *procs, pid_t pid, char *text);
/* Processes seen, and those of them whose descriptors may not be read. */
size_t procs_count(const struct procs *procs);
size_t procs_hidden(const struct procs *procs);

#endif
