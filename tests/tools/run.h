/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.h: the command under test, as its user sees it: what it prints, what it
 * complains of, how it exits.
 */
#ifndef LULL_TEST_RUN_H
#define LULL_TEST_RUN_H

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/test.h"

struct ran {
	int code; /* -1: a signal */
	char out[65536], err[4096];
};

/* The program: the first argument of the test's main(). */
static const char *lull_path;

static inline void slurp(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = 0;
	close(fd);
}

static inline int exit_code(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/*
 * Run `path` with arguments apart by blanks, and one more, that may have some.
 */
static inline void run_program(struct ran *r, const char *path,
			       const char *args, const char *more)
{
	char text[512], *argv[32], *save, *arg;
	int out[2], err[2], n = 0;
	pid_t child;

	snprintf(text, sizeof text, "%s", args);
	argv[n++] = (char *)(uintptr_t)path;
	for (arg = strtok_r(text, " ", &save); arg && n < 30;
	     arg = strtok_r(NULL, " ", &save))
		argv[n++] = arg;
	if (more)
		argv[n++] = (char *)(uintptr_t)more;
	argv[n] = NULL;
	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(err), 0);
	child = fork();
	if (child == 0) {
		dup2(out[1], 1);
		dup2(err[1], 2);
		close(out[0]);
		close(err[0]);
		execvp(path, argv);
		_exit(127);
	}
	close(out[1]);
	close(err[1]);
	slurp(out[0], r->out, sizeof r->out);
	slurp(err[0], r->err, sizeof r->err); /* a line: it fits the pipe */
	r->code = exit_code(child);
}

static inline void run(struct ran *r, const char *args, const char *more)
{
	run_program(r, lull_path, args, more);
}

/*
 * The same on a terminal of so many columns; standard output alone. The slave
 * stays open here, since a master may lose what is left when the last one
 * closes; so that the end has to be marked.
 */
static inline void run_on_terminal(struct ran *r, const char *const *argv,
				   unsigned short columns)
{
	const struct winsize size = {.ws_row = 50, .ws_col = columns};
	char *end = NULL;
	size_t len = 0;
	int master, slave;
	pid_t child;
	ssize_t n;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	child = fork();
	if (child == 0) {
		dup2(slave, 1);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	/* What it prints fits the terminal's buffer. */
	r->code = exit_code(child);
	assert_int_equal(write(slave, "\001", 1), 1);
	while (!end &&
	       (n = read(master, r->out + len, sizeof r->out - 1 - len)) > 0) {
		len += (size_t)n;
		r->out[len] = 0;
		end = strchr(r->out, 1);
	}
	assert_non_null(end);
	*end = 0;
	close(master);
	close(slave);
}

/* One line, that says all of it. */
static inline void expect_error(const struct ran *r, int code, const char *text)
{
	assert_int_equal(r->code, code);
	assert_string_equal(r->out, "");
	assert_string_equal(r->err, text);
}

#endif
