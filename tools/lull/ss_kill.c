/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_kill.c: `lull ss -K`: ends connections of the kernel (SOCK_DESTROY). It
 * shows what it would end and asks; TIME_WAITs are left alone unless forced.
 *
 * Entry point: ss_kill.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "ss.h"

enum {
	SHOWN = 10, /* before the question */
	TIMER_TIMEWAIT = 3,
};

struct victims {
	struct inet_diag_msg *msg;
	size_t len, room;
	uint64_t waiting; /* TIME_WAITs that are left alone */
	bool force;
};

static int see_row(void *arg, const struct ss_row *r)
{
	struct victims *v = arg;

	if (!v->force && (r->msg.idiag_state == LULL_TCP_TIME_WAIT ||
			  r->msg.idiag_timer == TIMER_TIMEWAIT)) {
		v->waiting++;
		return 0;
	}
	if (v->len == v->room) {
		size_t room = v->room ? 2 * v->room : 256;
		struct inet_diag_msg *more =
			realloc(v->msg, room * sizeof *more);

		if (!more)
			return -ENOMEM;
		v->msg = more;
		v->room = room;
	}
	v->msg[v->len++] = r->msg;
	return 0;
}

static void explain_waiting(uint64_t n)
{
	fprintf(stderr,
		"%llu in TIME-WAIT left alone. They cost 256 bytes each and "
		"no descriptor, and they\nprotect: the peer's last FIN is "
		"answered if our ACK was lost, and late segments\nof the old "
		"connection cannot get into a new one on the same ports. They "
		"end by\nthemselves after 60 s. --force ends them all the "
		"same.\n",
		(unsigned long long)n);
}

static void show(const struct victims *v)
{
	char line[256];

	for (size_t i = 0; i < v->len && i < SHOWN; i++) {
		const struct ss_row row = {.msg = v->msg[i]};

		fprintf(stderr, "  %s\n", ss_row_line(&row, line, sizeof line));
	}
	if (v->len > SHOWN)
		fprintf(stderr, "  and %zu more\n", v->len - SHOWN);
}

/* No answer is no. */
static bool agrees(const struct victims *v)
{
	char line[16];

	fprintf(stderr,
		"End %zu %s? Their programs get an error, the peers a reset. "
		"[y/N] ",
		v->len, v->len == 1 ? "socket" : "sockets");
	fflush(stderr);
	return fgets(line, sizeof line, stdin) &&
	       (line[0] == 'y' || line[0] == 'Y');
}

static int kill_all(struct ss *ss, const struct victims *v)
{
	size_t gone = 0;
	char line[256];

	for (size_t i = 0; i < v->len; i++) {
		const struct ss_row row = {.msg = v->msg[i]};
		int e = diag_destroy(ss->source.diag, &v->msg[i]);

		if (e == -ESTALE) /* another one has its ports now */
			e = -ENOENT;
		ss_row_line(&row, line, sizeof line);
		if (e == -EPERM)
			return tool_error(TOOL_COULD_NOT,
					  "%s: only root (CAP_NET_ADMIN) may "
					  "end it",
					  line);
		if (e == -EOPNOTSUPP)
			return tool_error(TOOL_COULD_NOT,
					  "%s: this kernel cannot end sockets "
					  "(CONFIG_INET_DIAG_DESTROY)",
					  line);
		if (e < 0 && e != -ENOENT)
			return tool_error(TOOL_COULD_NOT, "%s: %s", line,
					  strerror(-e));
		gone += e == -ENOENT;
		if (e == 0)
			printf("ended %s\n", line);
	}
	if (gone)
		fprintf(stderr, "%zu had gone by themselves.\n", gone);
	return v->waiting ? TOOL_FINDING : TOOL_OK;
}

static int ask_and_kill(struct ss *ss, const struct victims *v)
{
	if (v->waiting)
		explain_waiting(v->waiting);
	if (!v->len) {
		fputs("No other socket fits.\n", stderr);
		return v->waiting ? TOOL_FINDING : TOOL_OK;
	}
	if (ss->o.yes)
		return kill_all(ss, v);
	show(v);
	if (!isatty(STDIN_FILENO))
		return tool_error(TOOL_COULD_NOT,
				  "-K asks first, and standard input is no "
				  "terminal; use --yes if you mean it");
	if (!agrees(v)) {
		fputs("Nothing was ended.\n", stderr);
		return TOOL_FINDING;
	}
	return kill_all(ss, v);
}

int ss_kill(struct ss *ss)
{
	struct victims v = {.force = ss->o.force};
	int e;

	e = ss_source_dump(&ss->source, &ss->ask, see_row, &v);
	if (e < 0)
		e = ss_source_failed(&ss->source, e);
	else if (!ss->source.diag)
		e = tool_error(TOOL_COULD_NOT,
			       "-K needs the kernel's sock_diag; ss -K cannot "
			       "do without it either");
	else
		e = ask_and_kill(ss, &v);
	free(v.msg);
	return e;
}
