/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysctl.c: `lull sysctl`: the knobs of a running lull, as sysctl(8) shows and
 * sets the kernel's, from arguments and from files.
 *
 * Fetches the list once: values, ranges, units, and the names to suggest for a
 * misspelt one. Goes on after a name that failed, as sysctl(8) does. What Linux
 * has and lull has not is accepted with a line that says why it does nothing,
 * or refused (lull_diag_idle()).
 */
#include <errno.h>
#include <fnmatch.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "conf.h"
#include "ctl.h"

enum {
	TEXT = 1024, /* a value, or a range, as text */
};

#define SYSCTL_CONF "/etc/sysctl.conf"

struct sysctl {
	const char *ctl, *load; /* load: a file of -pFILE, "" with -p alone */
	bool all, write, values, json;
	bool names, quiet, ignore, idle, no_newline;
	bool has_pattern;
	regex_t pattern;
	struct lull_client *client;
	struct lull_ctl_knob *knob; /* by name */
	size_t knobs;
	json_t *list; /* with --json */
};

/* ---- the list ---- */

static int see_knob(void *arg, const struct nlmsghdr *hdr)
{
	struct sysctl *s = arg;
	struct lull_ctl_knob *list, *k;

	list = realloc(s->knob, (s->knobs + 1) * sizeof *list);
	if (!list)
		return -ENOMEM;
	s->knob = list;
	k = &list[s->knobs];
	lull_client_take(hdr, k, sizeof *k);
	if (!memchr(k->name, 0, sizeof k->name) ||
	    !memchr(k->unit, 0, sizeof k->unit) ||
	    !memchr(k->words, 0, sizeof k->words) ||
	    !memchr(k->help, 0, sizeof k->help) || k->values > 3)
		return -EPROTO;
	s->knobs++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct lull_ctl_knob *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int fetch(struct sysctl *s)
{
	const struct lull_client_request request = {LULL_CTL_SYSCTL_LIST, NULL,
						    0};
	int e = lull_client_dump(s->client, &request, see_knob, s);

	if (e < 0)
		return ctl_failed(s->ctl, e);
	if (s->knobs)
		qsort(s->knob, s->knobs, sizeof *s->knob, by_name);
	return TOOL_OK;
}

static struct lull_ctl_knob *find(const struct sysctl *s, const char *name)
{
	for (size_t i = 0; i < s->knobs; i++)
		if (strcmp(s->knob[i].name, name) == 0)
			return &s->knob[i];
	return NULL;
}

static bool is_idle(const char *name, struct lull_idle_info *idle)
{
	for (uint32_t i = 0; lull_diag_idle(i, idle); i++)
		if (strcmp(idle->name, name) == 0)
			return true;
	return false;
}

static int unknown(const struct sysctl *s, const char *name)
{
	const char **names;
	const char *near = NULL;
	struct lull_idle_info idle;

	if (s->ignore)
		return TOOL_OK;
	if (is_idle(name, &idle))
		return tool_error(TOOL_USAGE, "%s: %s: %s", name,
				  idle.refused ? "refused"
					       : "it has no value here",
				  idle.why);
	names = calloc(s->knobs + 1, sizeof *names);
	for (size_t i = 0; names && i < s->knobs; i++)
		names[i] = s->knob[i].name;
	if (names)
		near = tool_nearest(name, names);
	free(names);
	if (near)
		return tool_error(TOOL_USAGE,
				  "%s: no such knob; did you mean "
				  "%s?",
				  name, near);
	return tool_error(TOOL_USAGE,
			  "%s: no such knob; lull sysctl -a lists them", name);
}

/* Set what lull has not: a line that says why it does nothing. */
static int set_nothing(const struct sysctl *s, const char *name)
{
	struct lull_idle_info idle;

	if (!is_idle(name, &idle) || idle.refused)
		return unknown(s, name);
	tool_error(TOOL_OK, "%s: accepted, no effect: %s", name, idle.why);
	return TOOL_OK;
}

static bool is_wanted(const struct sysctl *s, const char *name)
{
	return !s->has_pattern || regexec(&s->pattern, name, 0, NULL, 0) == 0;
}

/* ---- printing ---- */

/* The i-th word, 0, 1, ...; NULL: there is none, or it is NAME=VALUE. */
static const char *word_at(const char *words, int64_t i, char *text)
{
	size_t len;

	if (strchr(words, '='))
		return NULL;
	for (; i > 0 && *words; i--) {
		words += strcspn(words, " ");
		words += *words == ' ';
	}
	len = strcspn(words, " ");
	if (i || !len)
		return NULL;
	snprintf(text, TEXT, "%.*s", (int)len, words);
	return text;
}

/* A list is not in the knob: ask for it. */
static int list_text(const struct sysctl *s, const struct lull_ctl_knob *k,
		     char *text)
{
	struct lull_ctl_name asked;
	const struct lull_client_request request = {LULL_CTL_SYSCTL_TEXT,
						    &asked, sizeof asked};
	struct lull_ctl_text answer;
	int e;

	memcpy(asked.name, k->name, sizeof asked.name);
	e = lull_client_call(s->client, &request, &answer, sizeof answer);
	if (e == -EMSGSIZE)
		return tool_error(TOOL_USAGE, "%s: it is too long to be shown",
				  k->name);
	if (e < 0)
		return ctl_failed(s->ctl, e);
	snprintf(text, TEXT, "%.*s", (int)sizeof answer.text - 1, answer.text);
	return TOOL_OK;
}

static int value_text(const struct sysctl *s, const struct lull_ctl_knob *k,
		      char *text)
{
	char word[TEXT];
	int len = 0;

	if (!k->values)
		return list_text(s, k, text);
	text[0] = 0;
	for (uint32_t i = 0; i < k->values; i++) {
		const char *name = word_at(k->words, k->value[i], word);
		const char *gap = i ? "\t" : "";
		size_t room = TEXT - (size_t)len;

		if (name)
			len += snprintf(text + len, room, "%s%s", gap, name);
		else
			len += snprintf(text + len, room, "%s%lld", gap,
					(long long)k->value[i]);
	}
	return TOOL_OK;
}

static json_t *number_json(const struct lull_ctl_knob *k, int64_t value)
{
	char word[TEXT];
	const char *name = word_at(k->words, value, word);

	return name ? json_string(name) : json_integer((json_int_t)value);
}

/* One number or word, or an array of them. */
static json_t *values_json(const struct lull_ctl_knob *k, const int64_t *value)
{
	json_t *array;

	if (k->values == 1)
		return number_json(k, value[0]);
	array = json_array();
	for (uint32_t i = 0; i < k->values; i++)
		json_array_append_new(array, number_json(k, value[i]));
	return array;
}

static json_t *knob_json(const struct lull_ctl_knob *k, const char *text)
{
	bool list = !k->values;

	return json_pack("{s:s, s:o, s:o, s:I, s:I, s:s, s:s, s:s}", "name",
			 k->name, "value",
			 list ? json_string(text) : values_json(k, k->value),
			 "default",
			 list ? json_string("") : values_json(k, k->defaults),
			 "min", (json_int_t)k->min, "max", (json_int_t)k->max,
			 "words", k->words, "unit", k->unit, "help", k->help);
}

static int show(struct sysctl *s, const struct lull_ctl_knob *k)
{
	char text[TEXT] = "";
	int code = value_text(s, k, text);

	if (code != TOOL_OK)
		return code;
	if (s->list)
		json_array_append_new(s->list, knob_json(k, text));
	else if (s->names)
		puts(k->name);
	else if (s->values || s->no_newline)
		printf("%s%s", text, s->no_newline ? "" : "\n");
	else
		printf("%s = %s\n", k->name, text);
	return TOOL_OK;
}

/* ---- setting ---- */

/* "from 1 to 3600 seconds", "lull or linux". */
static const char *range_text(const struct lull_ctl_knob *k, char *text)
{
	char word[TEXT];
	const char *name = word_at(k->words, 0, word);
	int len;

	if (!name) {
		snprintf(text, TEXT, "from %lld to %lld%s%s%s%s",
			 (long long)k->min, (long long)k->max,
			 k->unit[0] ? " " : "", k->unit,
			 k->words[0] ? ", or " : "", k->words);
		return text;
	}
	len = snprintf(text, TEXT, "%s", name);
	for (int64_t i = 1; word_at(k->words, i, word) && len < TEXT; i++)
		len += snprintf(text + len, TEXT - (size_t)len, " or %s", word);
	return text;
}

static int refused(const struct lull_ctl_knob *k, const char *value,
		   const struct lull_ctl_set_answer *answer)
{
	struct lull_ctl_knob now = *k;
	char range[TEXT];

	switch (-answer->error) {
	case ERANGE:
		now.min = answer->min;
		now.max = answer->max;
		range_text(&now, range);
		if (k->values == 1)
			return tool_error(TOOL_USAGE, "%s=%s: it goes %s",
					  k->name, value, range);
		if (!k->values)
			return tool_error(TOOL_USAGE,
					  "%s=%s: each goes %s, the lower end "
					  "of a range first",
					  k->name, value, range);
		return tool_error(TOOL_USAGE,
				  "%s=%s: each goes %s, none below the one "
				  "before",
				  k->name, value, range);
	case EINVAL:
		range_text(k, range);
		if (!k->values)
			return tool_error(TOOL_USAGE,
					  "%s=%s: it wants ports and ranges, "
					  "as 80,8000-8080",
					  k->name, value);
		if (k->words[0] && !strchr(k->words, '='))
			return tool_error(TOOL_USAGE, "%s=%s: it is %s",
					  k->name, value, range);
		return tool_error(TOOL_USAGE,
				  "%s=%s: it wants %u whole number%s, %s",
				  k->name, value, k->values,
				  k->values == 1 ? "" : "s", range);
	case EPERM:
		return tool_error(TOOL_USAGE,
				  "%s=%s: it is fixed while the stack runs; "
				  "set it where the program starts",
				  k->name, value);
	default:
		return tool_error(TOOL_COULD_NOT, "%s=%s: %s", k->name, value,
				  strerror(-answer->error));
	}
}

/* What it is now: another client may have set it again. */
static int get(struct sysctl *s, struct lull_ctl_knob *k)
{
	struct lull_ctl_name asked;
	const struct lull_client_request request = {LULL_CTL_SYSCTL_GET, &asked,
						    sizeof asked};
	struct lull_ctl_knob now;
	int e;

	memcpy(asked.name, k->name, sizeof asked.name);
	e = lull_client_call(s->client, &request, &now, sizeof now);
	if (e < 0)
		return ctl_failed(s->ctl, e);
	memcpy(k->value, now.value, sizeof k->value);
	return TOOL_OK;
}

/* One request; what it says of the value is in the answer. */
static int ask_to_set(struct sysctl *s, const struct lull_ctl_knob *k,
		      const char *value, struct lull_ctl_set_answer *answer)
{
	struct lull_ctl_set few = {{0}, {0}};
	struct lull_ctl_put many = {{0}, {0}};
	struct lull_client_request request = {LULL_CTL_SYSCTL_SET, &few,
					      sizeof few};

	answer->error = -EINVAL;
	if (strlen(value) >= (k->values ? sizeof few.value : sizeof many.value))
		return 0;
	if (!k->values)
		request = (struct lull_client_request){LULL_CTL_SYSCTL_PUT,
						       &many, sizeof many};
	memcpy(k->values ? few.name : many.name, k->name, sizeof k->name);
	strcpy(k->values ? few.value : many.value, value);
	return lull_client_call(s->client, &request, answer, sizeof *answer);
}

static int set(struct sysctl *s, struct lull_ctl_knob *k, const char *value)
{
	struct lull_ctl_set_answer answer = {0};
	int e = ask_to_set(s, k, value, &answer);

	if (e < 0)
		return ctl_failed(s->ctl, e);
	if (answer.error < 0)
		return refused(k, value, &answer);
	if (s->quiet)
		return TOOL_OK;
	e = get(s, k);
	return e == TOOL_OK ? show(s, k) : e;
}

/* ---- the command ---- */

static int worse(int a, int b)
{
	if (a == TOOL_COULD_NOT || b == TOOL_COULD_NOT)
		return TOOL_COULD_NOT;
	return a == TOOL_OK ? b : a;
}

/* "net.ipv4.tcp_keepalive_*": all that fit, or TOOL_USAGE. */
static int set_pattern(struct sysctl *s, const char *name, const char *value)
{
	int code = TOOL_OK;
	bool any = false;

	for (size_t i = 0; i < s->knobs && code != TOOL_COULD_NOT; i++) {
		if (fnmatch(name, s->knob[i].name, 0) != 0 ||
		    !is_wanted(s, s->knob[i].name))
			continue;
		code = worse(code, set(s, &s->knob[i], value));
		any = true;
	}
	return any || s->has_pattern ? code : unknown(s, name);
}

static int set_named(struct sysctl *s, const char *name, const char *value)
{
	struct lull_ctl_knob *k;

	if (strpbrk(name, "*?["))
		return set_pattern(s, name, value);
	if (!is_wanted(s, name))
		return TOOL_OK;
	k = find(s, name);
	return k ? set(s, k, value) : set_nothing(s, name);
}

/* NAME or NAME=VALUE; "net/ipv4/..." as well, as sysctl(8) has it. */
static int one(struct sysctl *s, char *arg)
{
	char *value = strchr(arg, '='), *name;
	struct lull_ctl_knob *k;

	if (value)
		*value++ = 0;
	name = conf_trim(arg);
	conf_dots(name);
	if (value)
		return set_named(s, name, conf_trim(value));
	if (s->write)
		return tool_usage("%s: -w wants NAME=VALUE", name);
	if (!is_wanted(s, name))
		return TOOL_OK;
	k = find(s, name);
	return k ? show(s, k) : unknown(s, name);
}

/* ---- files ---- */

struct load {
	struct sysctl *s;
	bool failed; /* a line did, and was not allowed to */
};

static int see_line(void *arg, struct conf_line *line)
{
	struct load *load = arg;
	int code = TOOL_USAGE;

	if (line->value)
		code = set_named(load->s, line->name, line->value);
	else if (!line->may_fail)
		tool_error(TOOL_USAGE, "%s, line %zu: not NAME = VALUE",
			   line->file, line->number);
	if (code == TOOL_COULD_NOT)
		return code;
	load->failed |= code != TOOL_OK && !line->may_fail;
	return 0;
}

/* As sysctl(8): all of all files, and then 1 if something failed. */
static int load_files(struct sysctl *s, int argc, char **argv)
{
	struct load load = {.s = s};
	const char *first = s->load;

	if (!*first && argc == 0)
		first = SYSCTL_CONF;
	for (int i = *first ? -1 : 0; i < argc; i++) {
		const char *path = i < 0 ? first : argv[i];
		int e = conf_read(path, see_line, &load);

		if (e == TOOL_COULD_NOT)
			return e;
		if (e < 0) {
			tool_error(TOOL_FINDING, "%s: %s", path, strerror(-e));
			load.failed = true;
		}
	}
	return load.failed ? TOOL_FINDING : TOOL_OK;
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
	int code = fetch(s);

	if (code != TOOL_OK)
		return code;
	for (size_t i = 0; s->all && i < s->knobs; i++)
		if (is_wanted(s, s->knob[i].name))
			code = worse(code, show(s, &s->knob[i]));
	if (s->load)
		code = load_files(s, argc, argv);
	for (int i = 0; !s->load && i < argc && code != TOOL_COULD_NOT; i++)
		code = worse(code, one(s, argv[i]));
	if (s->list && finish_json(s) != TOOL_OK)
		code = TOOL_COULD_NOT;
	return code;
}

/* Needs no other side: this lull's own. */
static int show_idle(const struct sysctl *s)
{
	struct lull_idle_info idle;

	for (uint32_t i = 0; lull_diag_idle(i, &idle); i++) {
		if (!is_wanted(s, idle.name))
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
	puts("usage: lull sysctl [OPTIONS] --ctl PATH NAME...\n"
	     "       lull sysctl [OPTIONS] --ctl PATH [-w] NAME=VALUE...\n"
	     "       lull sysctl [OPTIONS] --ctl PATH -a\n"
	     "       lull sysctl [OPTIONS] --ctl PATH -p [FILE...]\n\n"
	     "Knobs of a running lull; they have Linux's names, units and "
	     "meanings.\n\n"
	     "  -a, -A, -X, --all  all of them\n"
	     "  -w, --write        every argument sets one\n"
	     "  -p, -f, --load     read files (" SYSCTL_CONF "); - is "
	     "standard input\n"
	     "  -e, --ignore       pass over names that are not there\n"
	     "  -q, --quiet        don't print what is set\n"
	     "  -n, --values       values without names\n"
	     "  -N, --names        names without values\n"
	     "  -b, --binary       values without names and new lines\n"
	     "  -r, --pattern RE   only names that match\n"
	     "      --idle         what Linux has and does nothing here, and "
	     "why\n"
	     "      --json         one JSON object, with ranges and units\n"
	     "      --ctl PATH     the control socket of the program\n\n"
	     "Exit: 0 fine; 1 -p: something in a file failed; 3 could not; 64 "
	     "no such\nknob, or no such value. See lull-sysctl(1).");
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
	if (!s->all && !s->load && !s->idle && !args)
		return tool_usage("which knob? -a shows all");
	return s->ctl || s->idle ? -1 : ctl_needed();
}

/* Below 0: go on; else the exit code. */
static int parse(int argc, char **argv, struct sysctl *s)
{
	enum {
		CTL = 256,
		JSON,
		IDLE,
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
		if (c == 'p' || c == 'f')
			s->load = optarg ? optarg : "";
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
	int code = parse(argc, argv, &s);

	if (code < 0 && s.idle)
		code = show_idle(&s);
	if (code >= 0)
		goto out;
	s.client = ctl_open(s.ctl);
	if (!s.client) {
		code = TOOL_COULD_NOT;
		goto out;
	}
	s.list = s.json ? json_array() : NULL;
	code = run(&s, argc - optind, argv + optind);
	lull_client_close(s.client);
	json_decref(s.list);
	free(s.knob);
out:
	if (s.has_pattern)
		regfree(&s.pattern);
	return ctl_finish(code);
}
