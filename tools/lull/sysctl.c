/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysctl.c: `lull sysctl`: knobs, as sysctl(8) shows and sets them, from
 * arguments and from files: the kernel's, or with --ctl those of a running
 * lull. Goes on after a name that failed, as sysctl(8) does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "ctl.h"
#include "lint.h"
#include "sysctl.h"

bool sysctl_is_wanted(const struct sysctl *s, const char *name)
{
	return !s->has_pattern || regexec(&s->pattern, name, 0, NULL, 0) == 0;
}

void sysctl_print(const struct sysctl *s, const char *name, const char *text)
{
	if (s->names)
		puts(name);
	else if (s->values || s->no_newline)
		printf("%s%s", text, s->no_newline ? "" : "\n");
	else
		printf("%s = %s\n", name, text);
}

/* ---- the command ---- */

int sysctl_worse(int a, int b)
{
	if (a == TOOL_COULD_NOT || b == TOOL_COULD_NOT)
		return TOOL_COULD_NOT;
	return a == TOOL_OK ? b : a;
}

/* Nothing more can be had from the other side. */
static bool is_lost(const struct sysctl *s, int code)
{
	return code == TOOL_COULD_NOT && s->ctl;
}

/* NAME or NAME=VALUE; "net/ipv4/..." as well, as sysctl(8) has it. */
static int one(struct sysctl *s, char *arg)
{
	char *value = strchr(arg, '='), *name;

	if (value)
		*value++ = 0;
	name = conf_trim(arg);
	conf_dots(name);
	if (value)
		return s->side->set(s, name, conf_trim(value));
	if (s->write)
		return tool_usage("%s: -w wants NAME=VALUE", name);
	return sysctl_is_wanted(s, name) ? s->side->show(s, name) : TOOL_OK;
}

/* ---- files ---- */

enum {
	SETTINGS = 10000, /* of all files; more are no configuration */
};

struct setting {
	char *file, *name, *value; /* value NULL: there was no equals sign */
	size_t line;
	bool may_fail;
};

struct sysctl_load {
	struct sysctl *s;
	struct setting *setting;
	size_t settings;
	bool failed; /* a line did, and was not allowed to */
};

bool sysctl_is_named(const struct sysctl *s, const char *name)
{
	const struct sysctl_load *load = s->loading;

	for (size_t i = 0; load && i < load->settings; i++)
		if (!strcmp(load->setting[i].name, name))
			return true;
	return false;
}

static int see_line(void *arg, struct conf_line *line)
{
	struct sysctl_load *load = arg;
	struct setting *n;

	if (load->settings == SETTINGS)
		return -E2BIG;
	n = realloc(load->setting, (load->settings + 1) * sizeof *n);
	if (!n)
		return -ENOMEM;
	load->setting = n;
	n += load->settings++;
	*n = (struct setting){.line = line->number,
			      .may_fail = line->may_fail,
			      .file = strdup(line->file),
			      .name = strdup(line->name),
			      .value =
				      line->value ? strdup(line->value) : NULL};
	return n->file && n->name && (n->value || !line->value) ? 0 : -ENOMEM;
}

static int load_file(void *arg, const char *path)
{
	struct sysctl_load *load = arg;
	int e = conf_read(path, see_line, load);

	if (e == -ENOMEM)
		return e;
	if (e < 0) {
		tool_error(TOOL_FINDING, "%s: %s", path, strerror(-e));
		load->failed = true;
	}
	return 0;
}

/* A name by itself, after a -, only keeps patterns away from it. */
static int apply(struct sysctl_load *load, const struct setting *n)
{
	if (n->value)
		return load->s->side->set(load->s, n->name, n->value);
	if (n->may_fail)
		return TOOL_OK;
	return tool_error(TOOL_USAGE, "%s, line %zu: not NAME = VALUE", n->file,
			  n->line);
}

static int apply_all(struct sysctl_load *load)
{
	for (size_t i = 0; i < load->settings; i++) {
		const struct setting *n = &load->setting[i];
		int code = apply(load, n);

		if (is_lost(load->s, code))
			return code;
		load->failed |= code != TOOL_OK && !n->may_fail;
	}
	return load->failed ? TOOL_FINDING : TOOL_OK;
}

static void forget(struct sysctl_load *load)
{
	for (size_t i = 0; i < load->settings; i++) {
		free(load->setting[i].file);
		free(load->setting[i].name);
		free(load->setting[i].value);
	}
	free(load->setting);
	load->s->loading = NULL;
}

/* As sysctl(8): all of all files, and then 1 if something failed. */
static int load_files(struct sysctl *s, int argc, char **argv)
{
	struct sysctl_load load = {.s = s};
	const char *first = s->load;
	int e = 0;

	if (s->system)
		e = conf_system(load_file, &load);
	else if (!*first && argc == 0)
		first = CONF_FILE;
	for (int i = !s->system && *first ? -1 : 0; i < argc && !e; i++)
		e = load_file(&load, i < 0 ? first : argv[i]);
	s->loading = &load;
	e = e < 0 ? tool_error(TOOL_COULD_NOT, "%s", strerror(-e))
		  : apply_all(&load);
	forget(&load);
	return e;
}

static int finish_json(struct sysctl *s)
{
	json_t *json = json_pack("{s:i, s:O}", "schema", 1, "sysctl", s->list);

	if (!json)
		return tool_error(TOOL_COULD_NOT, "out of memory; try again");
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
	return TOOL_OK;
}

/* Goes on after a wrong argument, but not without the other side. */
static int run(struct sysctl *s, int argc, char **argv)
{
	int code = s->side->open(s);

	if (code != TOOL_OK)
		return code;
	if (s->all)
		code = s->side->show_all(s);
	if (s->load)
		code = load_files(s, argc, argv);
	for (int i = 0; !s->load && i < argc && !is_lost(s, code); i++)
		code = sysctl_worse(code, one(s, argv[i]));
	if (s->list && finish_json(s) != TOOL_OK)
		code = TOOL_COULD_NOT;
	return code;
}

/* Needs no other side: this lull's own. */
static int show_idle(const struct sysctl *s)
{
	struct lull_idle_info idle;

	for (uint32_t i = 0; lull_diag_idle(i, &idle); i++) {
		if (!sysctl_is_wanted(s, idle.name))
			continue;
		if (s->names)
			puts(idle.name);
		else
			printf("%s: %s: %s\n", idle.name,
			       idle.refused ? "refused" : "accepted, no effect",
			       idle.why);
	}
	return TOOL_OK;
}

static int help(void)
{
	puts("usage: lull sysctl [OPTIONS] [--ctl PATH] NAME...\n"
	     "       lull sysctl [OPTIONS] [--ctl PATH] [-w] NAME=VALUE...\n"
	     "       lull sysctl [OPTIONS] [--ctl PATH] -a | -p [FILE...]\n"
	     "       lull sysctl lint [--json] [FILE...]\n"
	     "       lull sysctl --explain NAME...\n\n"
	     "The kernel's knobs in this network namespace; with --ctl a running "
	     "lull's.\n\n"
	     "  -a, -A, -X, --all  all of them; of the kernel's, those about "
	     "TCP\n"
	     "  -w, --write        every argument sets one\n"
	     "  -p, -f, --load     read files (" CONF_FILE "); - is standard "
	     "input\n"
	     "      --system       read the system's files, in their order\n"
	     "  -e, --ignore       pass over names that are not there\n"
	     "  -q, --quiet        don't print what is set\n"
	     "  -n, --values       values without names\n"
	     "  -N, --names        names without values\n"
	     "  -b, --binary       values without names and new lines\n"
	     "  -r, --pattern RE   only names that match\n"
	     "      --explain      what they are, whose they are, what they "
	     "don't do\n"
	     "      --idle         what Linux has and does nothing in lull, "
	     "and why\n"
	     "      --json         one JSON object\n"
	     "      --ctl PATH     the control socket of a running lull\n\n"
	     "Exit: 0 fine; 1 -p: something in a file failed; 3 could not; 64 "
	     "no such\nknob or value. lint: 1 worth a look, 2 dangerous. See "
	     "lull-sysctl(1).");
	return TOOL_OK;
}

static int set_pattern_option(struct sysctl *s, const char *text)
{
	if (s->has_pattern)
		return tool_usage("one --pattern is enough");
	if (regcomp(&s->pattern, text, REG_EXTENDED | REG_NOSUB) != 0)
		return tool_usage("--pattern %s: no regular expression", text);
	s->has_pattern = true;
	return TOOL_OK;
}

static int check_options(const struct sysctl *s, int args)
{
	if (s->names && (s->values || s->quiet))
		return tool_usage("-N goes neither with -n nor with -q");
	if (s->all && (s->write || s->load || args))
		return tool_usage("-a shows all; leave -w and names out");
	if (s->load && s->write)
		return tool_usage("-p reads files; leave -w out");
	if (s->system && s->load && (s->ctl || *s->load || args))
		return tool_usage("--system reads the kernel's own files; "
				  "leave --ctl and files out");
	if (!s->all && !s->load && !s->idle && !args)
		return tool_usage("which knob? -a shows all");
	return -1;
}

/* Below 0: go on; else the exit code. */
static int parse(int argc, char **argv, struct sysctl *s)
{
	enum {
		CTL = 256,
		JSON,
		IDLE,
		EXPLAIN,
		SYSTEM,
	};
	static const struct option long_options[] = {
		{"all", no_argument, NULL, 'a'},
		{"write", no_argument, NULL, 'w'},
		{"values", no_argument, NULL, 'n'},
		{"names", no_argument, NULL, 'N'},
		{"binary", no_argument, NULL, 'b'},
		{"quiet", no_argument, NULL, 'q'},
		{"ignore", no_argument, NULL, 'e'},
		{"load", optional_argument, NULL, 'p'},
		{"pattern", required_argument, NULL, 'r'},
		{"idle", no_argument, NULL, IDLE},
		{"explain", no_argument, NULL, EXPLAIN},
		{"system", no_argument, NULL, SYSTEM},
		{"json", no_argument, NULL, JSON},
		{"ctl", required_argument, NULL, CTL},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":aAXwnNbqep::f::r:h", long_options,
				NULL)) >= 0) {
		if (c == 'h')
			return help();
		if (c == '?' || c == ':')
			return tool_bad_option(c, argv);
		s->all |= c == 'a' || c == 'A' || c == 'X';
		s->write |= c == 'w';
		s->values |= c == 'n';
		s->names |= c == 'N';
		s->no_newline |= c == 'b';
		s->quiet |= c == 'q';
		s->ignore |= c == 'e';
		s->json |= c == JSON;
		s->idle |= c == IDLE;
		s->explain |= c == EXPLAIN;
		s->system |= c == SYSTEM;
		if (c == 'p' || c == 'f')
			s->load = optarg ? optarg : "";
		if (c == SYSTEM && !s->load)
			s->load = "";
		if (c == CTL)
			s->ctl = optarg;
		if (c == 'r' && set_pattern_option(s, optarg) != TOOL_OK)
			return TOOL_USAGE;
	}
	return check_options(s, argc - optind);
}

int cmd_sysctl(int argc, char **argv)
{
	struct sysctl s = {0};
	int code;

	if (argc > 1 && !strcmp(argv[1], "lint"))
		return sysctl_lint(argc - 1, argv + 1);
	code = parse(argc, argv, &s);
	if (code < 0 && s.idle)
		code = show_idle(&s);
	if (code < 0 && s.explain)
		code = explain_words(argc - optind, argv + optind, s.json);
	if (code >= 0)
		goto out;
	s.side = s.ctl ? &sysctl_of_lull : &sysctl_of_kernel;
	s.list = s.json ? json_array() : NULL;
	code = run(&s, argc - optind, argv + optind);
	s.side->close(&s);
	json_decref(s.list);
out:
	if (s.has_pattern)
		regfree(&s.pattern);
	return ctl_finish(code);
}
