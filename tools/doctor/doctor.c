/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor.c: `lull doctor`: is there a trouble at all, whose is it, what is safe
 * to do about it. Changes nothing.
 *
 * Entry point: cmd_doctor.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lull/ctl.h"
#include "report.h"

enum {
	DEFAULT_S = 2,
	LONGEST_S = 3600,
};

struct doctor {
	const char *from, *ctl;
	uint64_t seconds;
	bool json, verbose, watch;
};

static int help(void)
{
	puts("usage: lull doctor [OPTIONS]\n"
	     "       lull doctor --from FILE [OPTIONS]\n"
	     "       lull doctor --ctl PATH [OPTIONS]\n\n"
	     "Looks twice at this host's TCP, and says whether there is a "
	     "trouble, whose it\nis, and what is safe to do. It changes "
	     "nothing.\n\n"
	     "  -w, --watch SECONDS  between the two looks; 2\n"
	     "      --from FILE      what netstat or ss printed elsewhere; - "
	     "is standard\n"
	     "                       input; lines of STATE COUNT will do\n"
	     "      --ctl PATH       the control socket of a program with a "
	     "lull inside\n"
	     "  -v, --verbose        all findings in full, and what could not "
	     "be told\n"
	     "      --json           one JSON object\n\n"
	     "Exit: 0 healthy; 1 worth a look; 2 trouble; 3 could not look; 64 "
	     "usage.\nSee lull-doctor(1).");
	return TOOL_OK;
}

/* Below 0: go on; else the exit code. */
static int check(const struct doctor *d, int args)
{
	if (args)
		return tool_usage("it takes no arguments");
	if (d->from && d->ctl)
		return tool_usage("--from and --ctl exclude each other");
	if (d->from && d->watch)
		return tool_usage("--from is one sample; leave --watch out");
	return -1;
}

static int parse(int argc, char **argv, struct doctor *d)
{
	enum {
		FROM = 256,
		CTL,
		JSON,
	};
	static const struct option options[] = {
		{"watch", required_argument, NULL, 'w'},
		{"from", required_argument, NULL, FROM},
		{"ctl", required_argument, NULL, CTL},
		{"verbose", no_argument, NULL, 'v'},
		{"json", no_argument, NULL, JSON},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":w:vh", options, NULL)) >= 0) {
		if (c == 'h')
			return help();
		if (c == '?' || c == ':')
			return tool_bad_option(c, argv);
		d->verbose |= c == 'v';
		d->json |= c == JSON;
		if (c == FROM)
			d->from = optarg;
		if (c == CTL)
			d->ctl = optarg;
		if (c != 'w')
			continue;
		d->watch = true;
		if (!tool_number(optarg, 1, LONGEST_S, &d->seconds))
			return tool_usage("--watch %s: it goes from 1 to %d "
					  "seconds",
					  optarg, LONGEST_S);
	}
	return check(d, argc - optind);
}

static int look(const struct doctor *d, struct facts *f)
{
	facts_init(f);
	if (d->from)
		return facts_from_text(f, d->from);
	if (d->ctl)
		return facts_from_lull(f, d->ctl, (double)d->seconds);
	return facts_from_kernel(f, (double)d->seconds);
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor d = {.seconds = DEFAULT_S};
	struct facts *f;
	struct sheet *s;
	int code = parse(argc, argv, &d);

	if (code >= 0)
		return ctl_finish(code);
	f = malloc(sizeof *f);
	s = malloc(sizeof *s);
	code = f && s ? look(&d, f)
		      : tool_error(TOOL_COULD_NOT, "out of memory; try again");
	if (code == TOOL_OK) {
		rules_judge(f, s);
		code = report_code(s);
		if (!d.json)
			report_text(f, s, d.verbose);
		else if (report_json(f, s) < 0)
			code = tool_error(TOOL_COULD_NOT,
					  "out of memory; try again");
	}
	free(f);
	free(s);
	return ctl_finish(code);
}
