/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl.c: reaching a running lull, and what to say when that fails.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

static const struct {
	int error;
	const char *text;
} reasons[] = {
	{ENOENT, "there is no such socket; does the program run, with this "
		 "--ctl?"},
	{ECONNREFUSED, "nobody listens there; has the program ended, or is the "
		       "path wrong?"},
	{EACCES, "it is another user's; be that user, or root"},
	{EPERM, "it is another user's; be that user, or root"},
	{ECONNRESET, "it closed the connection; is it another user's, or has "
		     "it ended?"},
	{EBUSY, "32 clients are connected already; end one of them"},
	{ETIMEDOUT, "no answer for 5 seconds; is the program stopped?"},
	{EPROTO, "what answers there is no lull; is the path right?"},
	{EPROTOTYPE, "what listens there is no lull; is the path right?"},
	{ENOTSOCK, "that is no socket; is the path right?"},
	{EOPNOTSUPP, "it does not know this request; it is of another version "
		     "of lull"},
	{ENAMETOOLONG, "a socket's path has at most 107 bytes; use a shorter "
		       "one"},
};

int ctl_failed(const char *path, int error)
{
	const char *text = NULL;

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].error == -error)
			text = reasons[i].text;
	if (text)
		return tool_error(TOOL_COULD_NOT, "%s: %s", path, text);
	return tool_error(TOOL_COULD_NOT, "%s: %s; try again", path,
			  strerror(-error));
}

struct lull_client *ctl_open(const char *path)
{
	struct lull_client *client;
	int e = lull_client_open(&client, path);

	if (e == 0)
		return client;
	ctl_failed(path, e);
	return NULL;
}

int ctl_needed(void)
{
	return tool_error(TOOL_USAGE,
			  "--ctl PATH is needed: the control socket of a "
			  "running lull");
}

int ctl_finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	return tool_error(TOOL_COULD_NOT,
			  "standard output: %s; what was printed is not whole",
			  strerror(errno));
}
