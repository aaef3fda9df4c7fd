/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_main.c: lull-lab, which `lull lab` executes: lists the experiments and
 * runs them.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab.h"

enum {
	EXIT_FINDING = 1,
	EXIT_COULD_NOT = 3,
	EXIT_USAGE = 64,
	SCRIPTS_MAX = 256,
	WHY_MAX = 1024,
};

static const char help[] =
	"usage: lull lab list\n"
	"       lull lab run NAME|all [--on stack|kernel] [--diagram text|svg|html]\n"
	"                [--pcap FILE] [--json] [--html DIR]\n"
	"\n"
	"Experiments about what is said of TCP. Each tells what is claimed, and by\n"
	"whom; what happened, drawn; and the verdict, by what was seen: OK, PART (some\n"
	"of it), OLD (it was so once), WRONG, DANGER (it does harm).\n"
	"\n"
	"  --on stack|kernel         lull in virtual time, the default; or this\n"
	"                            machine's kernel in its place, in real time, in a\n"
	"                            network namespace of its own: takes root, or user\n"
	"                            namespaces, and /dev/net/tun\n"
	"  --diagram text|svg|html   how the segments are drawn; text is the default;\n"
	"                            svg writes nothing else\n"
	"  --pcap FILE               write the segments for Wireshark\n"
	"  --json                    all that was seen, for programs\n"
	"  --html DIR                write one page, DIR/index.html\n"
	"\n"
	"NAME is one of the list, or a path with a slash in it of a script of yours:\n"
	"man lull-lab tells how one is written.\n"
	"\n"
	"Exit: 0 all was as the scripts expect; 1 something was not; 3 could not; 64\n"
	"usage, or a script has an error: its file and line are told.\n";

struct arguments {
	const char *name, *diagram, *pcap, *html;
	bool kernel, json;
};

struct lab {
	char dir[PATH_MAX];
	struct lab_script *script[SCRIPTS_MAX];
	int n;
	struct lull_pcap *pcap;
	uint64_t pcap_ns;
};

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "lull lab: %s: %s; see lull lab --help\n", what, value);
	return EXIT_USAGE;
}

/* What a script says may have a terminal's commands in it. */
static void say(char *why)
{
	for (char *p = why; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "lull lab: %s\n", why);
}

/* ---- where the scripts are ---- */

static bool has_scripts(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d)))
		found = strlen(e->d_name) > 4 &&
			!strcmp(e->d_name + strlen(e->d_name) - 4, ".lua");
	if (d)
		closedir(d);
	return found;
}

/* LULL_LAB, beside a build, where a package was put, where it was meant to. */
static bool find_scripts(char *dir)
{
	static const char *const beside[] = {"../lab", "../share/lull/lab"};
	const char *own = getenv("LULL_LAB");
	char exe[PATH_MAX], *slash;
	ssize_t n;

	if (own) {
		snprintf(dir, PATH_MAX, "%s", own);
		return has_scripts(dir);
	}
	n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	exe[n > 0 ? n : 0] = 0;
	slash = strrchr(exe, '/');
	for (int i = 0; slash && i < 2; i++) {
		char path[2 * PATH_MAX];

		snprintf(path, sizeof path, "%.*s/%s", (int)(slash - exe), exe,
			 beside[i]);
		if (realpath(path, dir) && has_scripts(dir))
			return true;
	}
	snprintf(dir, PATH_MAX, "%s", LULL_LABDIR);
	return has_scripts(dir);
}

static struct lab_script *new_script(const char *path)
{
	struct lab_script *s = calloc(1, sizeof *s);
	const char *name = strrchr(path, '/');
	size_t len;

	if (!s)
		return NULL;
	name = name ? name + 1 : path;
	len = strlen(name);
	if (len > 4 && !strcmp(name + len - 4, ".lua"))
		len -= 4;
	snprintf(s->name, sizeof s->name, "%.*s", (int)len, name);
	snprintf(s->path, sizeof s->path, "%s", path);
	return s;
}

/* Read what it is about. 0, or an exit code. */
static int read_head(struct lab_script *s)
{
	struct lab_run run = {.script = s, .list_only = true};
	char why[WHY_MAX];
	int e = lab_run_script(&run, why, sizeof why);

	lab_script_free(s);
	if (e < 0)
		say(why);
	return e == 0 ? 0 : run.could_not ? EXIT_COULD_NOT : EXIT_USAGE;
}

/* By the number of its first claim. */
static int by_claim(const void *pa, const void *pb)
{
	const struct lab_script *a = *(struct lab_script *const *)pa;
	const struct lab_script *b = *(struct lab_script *const *)pb;
	int x = a->claims ? atoi(a->claim[0].id + 1) : INT_MAX;
	int y = b->claims ? atoi(b->claim[0].id + 1) : INT_MAX;

	return x != y ? (x > y) - (x < y) : strcmp(a->name, b->name);
}

static int is_script(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 4 && !strcmp(e->d_name + len - 4, ".lua");
}

static int read_all(struct lab *lab)
{
	struct dirent **entry;
	int n = scandir(lab->dir, &entry, is_script, alphasort), code = 0;

	for (int i = 0; i < n; i++) {
		char path[PATH_MAX + 300];

		snprintf(path, sizeof path, "%s/%s", lab->dir,
			 entry[i]->d_name);
		if (!code && lab->n < SCRIPTS_MAX) {
			struct lab_script *s = new_script(path);

			if (s) {
				lab->script[lab->n++] = s;
				code = read_head(s);
			} else {
				code = EXIT_COULD_NOT;
			}
		}
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	qsort(lab->script, (size_t)lab->n, sizeof *lab->script, by_claim);
	return code;
}

/* ---- commands ---- */

static int list(const struct lab *lab)
{
	for (int i = 0; i < lab->n; i++) {
		const struct lab_script *s = lab->script[i];
		char ids[80] = "";

		for (int k = 0; k < s->claims; k++) {
			if (*ids)
				strcat(ids, " ");
			strncat(ids, s->claim[k].id, 7);
		}
		printf("%-24s  %-20s  %s\n", s->name, ids, s->title);
	}
	return 0;
}

/* The head was read: again from the beginning, and to the end. */
static int run_one(struct lab *lab, const struct arguments *a,
		   struct lab_script *s)
{
	struct lab_run run = {
		.on_kernel = a->kernel,
		.pcap = lab->pcap,
		.pcap_ns = lab->pcap_ns,
	};
	struct lab_script *fresh = new_script(s->path);
	char why[WHY_MAX];
	int e;

	if (!fresh)
		return EXIT_COULD_NOT;
	*s = *fresh;
	free(fresh);
	run.script = s;
	e = lab_run_script(&run, why, sizeof why);
	lab->pcap_ns = run.pcap_ns;
	if (e < 0) {
		say(why);
		return run.could_not ? EXIT_COULD_NOT : EXIT_USAGE;
	}
	return s->contradicted ? EXIT_FINDING : 0;
}

static int write_page(const struct lab *lab, const char *dir)
{
	char path[PATH_MAX + 16];
	FILE *f;
	int e;

	if (mkdir(dir, 0777) < 0 && errno != EEXIST) {
		fprintf(stderr, "lull lab: %s: %s\n", dir, strerror(errno));
		return EXIT_COULD_NOT;
	}
	snprintf(path, sizeof path, "%s/index.html", dir);
	f = fopen(path, "w");
	if (!f) {
		fprintf(stderr, "lull lab: %s: %s\n", path, strerror(errno));
		return EXIT_COULD_NOT;
	}
	lab_html_write((const struct lab_script *const *)lab->script, lab->n,
		       f);
	e = ferror(f);
	if (fclose(f) || e) {
		fprintf(stderr, "lull lab: %s: could not write it all\n", path);
		return EXIT_COULD_NOT;
	}
	return 0;
}

static void write_one(const struct arguments *a, const struct lab_script *s)
{
	if (a->json || !strcmp(a->diagram, "html"))
		return;
	if (!strcmp(a->diagram, "svg"))
		lab_svg_write(s, stdout);
	else
		lab_text_write(s, true, stdout);
}

static void summary(const struct lab *lab)
{
	int ran = 0, not_run = 0, against = 0;

	for (int i = 0; i < lab->n; i++) {
		not_run += lab->script[i]->skipped[0] != 0;
		ran += !lab->script[i]->skipped[0];
		against += lab->script[i]->contradicted;
	}
	printf("\n%d experiments, %d not run here, %d against what they expect\n",
	       ran, not_run, against);
	for (int i = 0; i < lab->n; i++)
		if (lab->script[i]->contradicted)
			printf("  %s\n", lab->script[i]->name);
}

static int worse(int a, int b)
{
	return a > b ? a : b;
}

static int run_all(struct lab *lab, const struct arguments *a)
{
	const struct lab_script *const *all =
		(const struct lab_script *const *)lab->script;
	int code = 0;

	for (int i = 0; i < lab->n; i++) {
		int e = run_one(lab, a, lab->script[i]);

		if (e > EXIT_FINDING)
			return e;
		code = worse(code, e);
		if (i && !a->json && !a->html && !strcmp(a->diagram, "text"))
			puts("\n");
		if (!a->html)
			write_one(a, lab->script[i]);
	}
	if (a->json && lab_json_write(all, lab->n, stdout) < 0)
		return usage("--json", "a script's text is not UTF-8");
	if (!strcmp(a->diagram, "html") && !a->json)
		lab_html_write(all, lab->n, stdout);
	if (a->html)
		code = worse(code, write_page(lab, a->html));
	if (lab->n > 1 && !a->json && (a->html || !strcmp(a->diagram, "text")))
		summary(lab);
	return code;
}

/* ---- arguments ---- */

static bool one_of(const char *value, const char *a, const char *b,
		   const char *c)
{
	return !strcmp(value, a) || !strcmp(value, b) ||
	       (c && !strcmp(value, c));
}

/* 0: go on; else the exit code, below 0 for success. */
static int parse(int argc, char **argv, struct arguments *a)
{
	static const struct option longs[] = {
		{"on", required_argument, NULL, 'o'},
		{"diagram", required_argument, NULL, 'd'},
		{"pcap", required_argument, NULL, 'p'},
		{"json", no_argument, NULL, 'j'},
		{"html", required_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	a->diagram = "text";
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'o':
			if (!one_of(optarg, "stack", "kernel", NULL))
				return usage("--on stack or kernel", optarg);
			a->kernel = !strcmp(optarg, "kernel");
			break;
		case 'd':
			if (!one_of(optarg, "text", "svg", "html"))
				return usage("--diagram text, svg or html",
					     optarg);
			a->diagram = optarg;
			break;
		case 'p':
			a->pcap = optarg;
			break;
		case 'j':
			a->json = true;
			break;
		case 'w':
			a->html = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return -1;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return usage("what is to be done", "list, or run NAME");
	if (!one_of(argv[optind], "list", "run", NULL))
		return usage("there is no", argv[optind]);
	if (!strcmp(argv[optind], "run") && optind + 1 == argc)
		return usage("run what", "NAME, or all");
	a->name = !strcmp(argv[optind], "run") ? argv[++optind] : NULL;
	if (optind + 1 < argc)
		return usage("what is this", argv[optind + 1]);
	return 0;
}

/* Leave what was asked for. 0, or an exit code. */
static int choose(struct lab *lab, const char *name)
{
	if (!strcmp(name, "all"))
		return 0;
	for (int i = 0; i < lab->n; i++) {
		struct lab_script *s = lab->script[i];

		if (strcmp(s->name, name) != 0)
			continue;
		lab->script[i] = lab->script[0];
		lab->script[0] = s;
		for (int k = 1; k < lab->n; k++)
			free(lab->script[k]);
		lab->n = 1;
		return 0;
	}
	return usage("no such experiment, see lull lab list", name);
}

static int gather(struct lab *lab, const struct arguments *a)
{
	int code;

	if (a->name && strchr(a->name, '/')) {
		lab->script[0] = new_script(a->name);
		lab->n = lab->script[0] != NULL;
		return lab->n ? 0 : EXIT_COULD_NOT;
	}
	if (!find_scripts(lab->dir)) {
		fprintf(stderr,
			"lull lab: no scripts in %s; LULL_LAB names "
			"another place\n",
			lab->dir);
		return EXIT_COULD_NOT;
	}
	code = read_all(lab);
	if (code || !a->name)
		return code;
	return choose(lab, a->name);
}

int main(int argc, char **argv)
{
	static struct lab lab;
	struct arguments a = {0};
	int e = parse(argc, argv, &a);

	if (e)
		return e < 0 ? 0 : e;
	setlocale(LC_CTYPE, "");
	e = gather(&lab, &a);
	if (!e && a.pcap && a.name) {
		e = lull_pcap_create(&lab.pcap, a.pcap, LULL_LINK_IP);
		if (e < 0)
			fprintf(stderr, "lull lab: %s: %s\n", a.pcap,
				strerror(-e));
		e = e < 0 ? EXIT_COULD_NOT : 0;
	}
	if (!e)
		e = a.name ? run_all(&lab, &a) : list(&lab);
	if (lab.pcap && lull_pcap_destroy(lab.pcap) < 0) {
		fprintf(stderr, "lull lab: %s: could not write it all\n",
			a.pcap);
		e = EXIT_COULD_NOT;
	}
	for (int i = 0; i < lab.n; i++) {
		lab_script_free(lab.script[i]);
		free(lab.script[i]);
	}
	if (fflush(stdout) || ferror(stdout))
		return EXIT_COULD_NOT;
	return e;
}
