/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim.c: `lull sim`: executes lull-sim beside it, which is linked with the
 * core that checks itself.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

int cmd_sim(int argc, char **argv)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 8);

	(void)argc;
	if (n < 0)
		return tool_error(TOOL_COULD_NOT,
				  "/proc/self/exe: %s; is "
				  "/proc mounted?",
				  strerror(errno));
	memcpy(path + n, "-sim", sizeof "-sim"); /* lull -> lull-sim */
	execv(path, argv);
	return tool_error(TOOL_COULD_NOT, "%s: %s; it is installed with lull",
			  path, strerror(errno));
}
