/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c: the command `lull`: finds the subcommand, and what they all share.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../words/screen.h"
#include "ctl.h"
#include "tool.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"serve", cmd_serve, "a static HTTP server on lull, on a TUN device"},
	{"load", cmd_load, "opens, asks, closes, as many times as told"},
	{"doctor", cmd_doctor, "is there a trouble at all, and whose"},
	{"ss", cmd_ss, "sockets, by state or one by one"},
	{"sysctl", cmd_sysctl, "read and set knobs"},
	{"trace", cmd_trace, "changes of state and refusals, as they happen"},
	{"explain", cmd_explain, "a state, counter, knob, error or log line"},
	{"bench", cmd_bench, "measure: crr, rr, stream"},
	{"sim", cmd_sim, "seeded worlds with faults, checked"},
	{"lab", cmd_lab, "what is said of TCP, tried out"},
};

enum {
	COMMANDS = sizeof commands / sizeof commands[0]
};

static const char *current = "lull";

static void vsay(const char *format, va_list args)
{
	char *text;

	/* Arguments and files may have a terminal's commands in them. */
	if (vasprintf(&text, format, args) < 0)
		return;
	screen_clean(text);
	fprintf(stderr, "%s: %s", current, text);
	free(text);
}

int tool_error(int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

int tool_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
	fprintf(stderr, "; see %s --help\n", current);
	return TOOL_USAGE;
}

int tool_bad_option(int c, char **argv)
{
	if (c == ':')
		return tool_usage("%s wants a value", argv[optind - 1]);
	if (!optopt)
		return tool_usage("no option %s", argv[optind - 1]);
	if (strncmp(argv[optind - 1], "--", 2) == 0)
		return tool_usage("%.*s takes no value",
				  (int)strcspn(argv[optind - 1], "="),
				  argv[optind - 1]);
	return tool_usage("no option -%c", optopt);
}

static int help(void)
{
	puts("usage: lull COMMAND [ARGUMENTS]\n\n"
	     "A TCP/IP stack that a program carries with it, and the tools to "
	     "see inside.\n");
	for (int i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].help);
	puts("\nlull COMMAND --help tells more; so does lull(1).\n"
	     "Exit: 0 fine; 1, 2 findings; 3 could not; 64 usage.");
	return TOOL_OK;
}

static int unknown(const char *name)
{
	const char *names[COMMANDS + 1] = {NULL};
	const char *near;

	for (int i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	near = tool_nearest(name, names);
	if (near)
		return tool_usage("no command %s; did you mean %s?", name,
				  near);
	return tool_usage("no command %s", name);
}

/* Else the first socket that is opened would be standard output. What is put
 * there can only fail. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int run(int argc, char **argv)
{
	static char name[32];

	if (argc < 2)
		return tool_usage("which command?");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help"))
		return help();
	if (!strcmp(argv[1], "--version")) {
		puts("lull " LULL_VERSION);
		return TOOL_OK;
	}
	for (int i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		snprintf(name, sizeof name, "lull %s", argv[1]);
		current = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	return unknown(argv[1]);
}

int main(int argc, char **argv)
{
	int code;

	open_standard();
	code = run(argc, argv);
	return code == TOOL_COULD_NOT ? code : ctl_finish(code);
}
