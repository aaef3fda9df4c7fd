/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim.c: `lull sim` and `lull lab`: execute lull-sim and lull-lab beside it,
 * which are linked with the core that checks itself, and with Lua.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

/* `what`: "-sim"; it comes behind our own name. */
static int execute(const char *what, char **argv)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 8);

	if (n < 0)
		return tool_error(TOOL_COULD_NOT,
				  "/proc/self/exe: %s; is "
				  "/proc mounted?",
				  strerror(errno));
	strcpy(path + n, what); /* lull -> lull-sim */
	execv(path, argv);
	return tool_error(TOOL_COULD_NOT, "%s: %s; it is installed with lull",
			  path, strerror(errno));
}

int cmd_sim(int argc, char **argv)
{
	(void)argc;
	return execute("-sim", argv);
}

int cmd_lab(int argc, char **argv)
{
	(void)argc;
	return execute("-lab", argv);
}
