/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tool.c: a tool's complaints, which a fuzzer does not print.
 */
#include "../tools/lull/tool.h"

int tool_error(int code, const char *format, ...)
{
	(void)format;
	return code;
}

int tool_usage(const char *format, ...)
{
	(void)format;
	return TOOL_USAGE;
}

int tool_bad_option(int c, char **argv)
{
	(void)c;
	(void)argv;
	return TOOL_USAGE;
}
