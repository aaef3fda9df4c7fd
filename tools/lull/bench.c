/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.c: `lull bench crr|rr|stream|timewait|path`: arguments and results; of
 * `path` bench_path.c has its own.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>
#include <lull/diag.h>

#include "bench.h"

const char bench_request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const char bench_request_close[] =
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

static const char help[] =
	"usage: lull bench crr|rr|stream [--link memory|tun] [OPTIONS]\n"
	"       lull bench timewait [--entries N] [--json]\n"
	"       lull bench path [OPTIONS]\n\n"
	"  crr      connect, request, response, close, the server first\n"
	"  rr       requests on connections that are kept\n"
	"  stream   bytes one way, client to server\n"
	"  timewait very many closing records: what each costs, and whether they\n"
	"           are right; in memory\n"
	"  path     bytes one way over a simulated path, in virtual time\n\n"
	"  --link memory   two stacks on one core, joined in memory (default)\n"
	"  --link tun      the client is the kernel's, over a TUN device in a network\n"
	"                  namespace that is made for it; root\n"
	"  --direction send|receive   of a stream over TUN, as lull sees it (receive)\n"
	"  --offload on|off    frames of 64 KB, and no checksums (tun: on; memory: off)\n"
	"  --checksum on|off   memory: compute and verify them (on)\n"
	"  --seconds S     (3)\n"
	"  --size BYTES    of a response (3); of a stream: of one write (65536)\n"
	"  -c N, --streams N   connections at a time (crr 64, rr 50, stream 1)\n"
	"  -n N            stop after so many (crr, rr)\n"
	"  --entries N     records (timewait; 10000000)\n"
	"  --json          one line\n\n"
	"Of path:\n"
	"  --delay MS      each way (50)\n"
	"  --rate MBIT     of the link, one way; 0: no limit (100)\n"
	"  --queue SIZE    bytes, or like 0.2bdp of what the path holds (1bdp)\n"
	"  --loss PERCENT  at random (0)\n"
	"  --jitter MS     up to this much later, and out of order (0)\n"
	"  --reorder N,K   every N-th segment is overtaken by K others\n"
	"  --drop LIST     these segments of data: 160,177,200+30,last\n"
	"  --stall AT,MS   the link stands still, from when and how long, in ms\n"
	"  --seconds S     (10)\n"
	"  --bytes N       of each flow; then it ends\n"
	"  --buffers N     bytes, of either end of a lull: tcp_wmem, tcp_rmem\n"
	"                  (as they are: they tune themselves)\n"
	"  --cc NAME       congestion control\n"
	"  --flows N       at a time (1)\n"
	"  --peer lull     two lulls in virtual time (default)\n"
	"  --peer kernel   two kernels over the same path in real time; root\n"
	"  --seed N        of all that is random (0)\n"
	"  --trace FILE    every segment, as CSV\n"
	"  --json          one line\n\n"
	"Exit: 0 fine; 1 there were errors; 3 could not; 64 usage.\n";

size_t bench_response(uint64_t size, char **out)
{
	size_t head;
	char *p = malloc(size + 128);

	*out = p;
	if (!p)
		return 0;
	head = (size_t)snprintf(
		p, 128, "HTTP/1.1 200 OK\r\nContent-Length: %lu\r\n\r\n", size);
	memset(p + head, 'x', size);
	return head + size;
}

void bench_cpu(double *machine_s, double *steal_s)
{
	long v[8] = {0};
	double tick = (double)sysconf(_SC_CLK_TCK);
	FILE *f = fopen("/proc/stat", "r");

	*machine_s = *steal_s = 0;
	if (!f)
		return;
	/* user nice system idle iowait irq softirq steal */
	if (fscanf(f, "cpu %ld %ld %ld %ld %ld %ld %ld %ld", &v[0], &v[1],
		   &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) == 8) {
		*machine_s = (double)(v[0] + v[1] + v[2] + v[5] + v[6]) / tick;
		*steal_s = (double)v[7] / tick;
	}
	fclose(f);
}

void bench_take(struct bench_result *r, const struct lull_shard *shard)
{
	struct lull_counter c;
	struct lull_pool p;

	r->segments = 0;
	for (uint32_t i = 0; lull_diag_counter(shard, i, &c); i++)
		if (!strcmp(c.group, "Tcp") &&
		    (!strcmp(c.name, "InSegs") || !strcmp(c.name, "OutSegs")))
			r->segments += c.value;
	r->pools = 0;
	for (uint32_t i = 0; lull_diag_pool(shard, i, &p) && i < 24; i++) {
		struct bench_pool *out = &r->pool[r->pools++];

		memcpy(out->name, p.name, sizeof out->name);
		out->peak = p.peak;
		out->object_bytes = p.object_bytes;
	}
}

/* ---- results ---- */

static const char *const mode_name[] = {"crr", "rr", "stream"};

static double per(double seconds, uint64_t n)
{
	return n ? seconds * 1e6 / (double)n : 0;
}

static double per_gb(double seconds, const struct bench_result *r)
{
	return r->bytes ? seconds * 1e9 / (double)r->bytes : 0;
}

/* The keys of the load client that the peers are measured with, and ours. */
static void print_json(const struct bench_options *o,
		       const struct bench_result *r)
{
	char tag[32];
	json_t *pools = json_object(), *all;

	snprintf(tag, sizeof tag, "lull.%s.%s", o->tun ? "tun" : "memory",
		 mode_name[o->mode]);
	for (int i = 0; i < r->pools; i++)
		json_object_set_new(pools, r->pool[i].name,
				    json_integer(r->pool[i].peak));
	all = json_pack(
		"{s:s s:s s:I s:f s:I s:I s:I s:f s:I s:I s:f s:f s:f s:f s:f "
		"s:f s:f s:I s:f s:f s:f s:o}",
		"tag", tag, "mode", mode_name[o->mode], "conc",
		(json_int_t)o->conc, "sec", r->seconds, "done",
		(json_int_t)r->done, "errs", (json_int_t)r->errors, "tmo",
		(json_int_t)r->timeouts, "per_s", (double)r->done / r->seconds,
		"p50us", (json_int_t)hist_at(r->hist, .5), "p99us",
		(json_int_t)hist_at(r->hist, .99), "gbps",
		(double)r->bytes * 8 / r->seconds / 1e9, "mach_cpu_s",
		r->machine_s, "srv_cpu_s", r->server_s, "mach_us_per",
		per(r->machine_s, r->done), "srv_us_per",
		per(r->server_s, r->done), "cli_cpu_s", r->client_s, "steal_s",
		r->steal_s, "segments", (json_int_t)r->segments, "segments_per",
		r->done ? (double)r->segments / (double)r->done : 0.0,
		"mach_s_per_gb", per_gb(r->machine_s, r), "srv_s_per_gb",
		per_gb(r->server_s, r), "pools", pools);
	json_dumpf(all, stdout,
		   JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(all);
}

static void print_text(const struct bench_options *o,
		       const struct bench_result *r)
{
	printf("%s over %s, %lu at a time, %.2f s", mode_name[o->mode],
	       o->tun ? "tun" : "memory", o->conc, r->seconds);
	if (o->mode == BENCH_STREAM)
		printf(": %.2f Gbit/s\n"
		       "  CPU for each GB: machine %.3f s, server %.3f s\n",
		       (double)r->bytes * 8 / r->seconds / 1e9,
		       per_gb(r->machine_s, r), per_gb(r->server_s, r));
	else
		printf(": %.0f/s, %lu done, %lu errors, %lu timed out\n"
		       "  latency p50 %lu us, p99 %lu us\n",
		       (double)r->done / r->seconds, r->done, r->errors,
		       r->timeouts, hist_at(r->hist, .5),
		       hist_at(r->hist, .99));
	if (o->mode != BENCH_STREAM)
		printf("  CPU for each: machine %.2f us, server %.2f us\n"
		       "  segments for each, at the server: %.2f\n",
		       per(r->machine_s, r->done), per(r->server_s, r->done),
		       r->done ? (double)r->segments / (double)r->done : 0);
	puts("  most in use at the server:");
	for (int i = 0; i < r->pools; i++)
		if (r->pool[i].peak)
			printf("    %-16s %9u of %u bytes\n", r->pool[i].name,
			       r->pool[i].peak, r->pool[i].object_bytes);
}

/* ---- arguments ---- */

static int parse_mode(struct bench_options *o, const char *text)
{
	const char *const names[] = {"crr", "rr", "stream", "timewait", NULL};

	for (int i = 0; names[i]; i++) {
		if (!strcmp(text, names[i])) {
			o->mode = (enum bench_mode)i;
			return TOOL_OK;
		}
	}
	return tool_usage("%s: crr, rr, stream, timewait or path", text);
}

static int parse_seconds(struct bench_options *o, const char *text)
{
	char *end;

	o->seconds = strtod(text, &end);
	if (end == text || *end || !(o->seconds > 0) || o->seconds > 3600)
		return tool_usage("--seconds %s: above 0, to 3600", text);
	return TOOL_OK;
}

static int parse_number(const char *option, const char *text, uint64_t least,
			uint64_t most, uint64_t *value)
{
	if (tool_number(text, least, most, value))
		return TOOL_OK;
	return tool_usage("%s %s: a number from %lu to %lu", option, text,
			  least, most);
}

static int parse_option(struct bench_options *o, int c, const char *arg)
{
	switch (c) {
	case 'l':
		o->tun = !strcmp(arg, "tun");
		if (o->tun || !strcmp(arg, "memory"))
			return TOOL_OK;
		return tool_usage("--link %s: memory or tun", arg);
	case 'd':
		o->send = !strcmp(arg, "send");
		if (o->send || !strcmp(arg, "receive"))
			return TOOL_OK;
		return tool_usage("--direction %s: send or receive", arg);
	case 'o':
		o->offload = arg;
		if (!strcmp(arg, "on") || !strcmp(arg, "off"))
			return TOOL_OK;
		return tool_usage("--offload %s: on or off", arg);
	case 'k':
		o->no_checksum = !strcmp(arg, "off");
		if (o->no_checksum || !strcmp(arg, "on"))
			return TOOL_OK;
		return tool_usage("--checksum %s: on or off", arg);
	case 's':
		return parse_seconds(o, arg);
	case 'z':
		return parse_number("--size", arg, 1, 1 << 20, &o->size);
	case 'c':
		return parse_number("-c", arg, 1, 100000, &o->conc);
	case 'n':
		return parse_number("-n", arg, 1, UINT32_MAX, &o->count);
	case 'e':
		return parse_number("--entries", arg, 1000, 1 << 26,
				    &o->entries);
	case 'j':
		o->json = true;
		return TOOL_OK;
	default:
		return TOOL_USAGE;
	}
}

static void set_defaults(struct bench_options *o)
{
	static const uint64_t conc[] = {64, 50, 1, 0};

	if (!o->conc)
		o->conc = conc[o->mode];
	if (!o->size)
		o->size = o->mode == BENCH_STREAM ? 65536 : 3;
}

/* -1: help was printed; else a TOOL_ code. */
static int parse(struct bench_options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"link", required_argument, NULL, 'l'},
		{"direction", required_argument, NULL, 'd'},
		{"offload", required_argument, NULL, 'o'},
		{"checksum", required_argument, NULL, 'k'},
		{"streams", required_argument, NULL, 'c'},
		{"seconds", required_argument, NULL, 's'},
		{"size", required_argument, NULL, 'z'},
		{"entries", required_argument, NULL, 'e'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c, code;

	while ((c = getopt_long(argc, argv, ":c:n:h", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return -1;
		}
		if (c == '?' || c == ':')
			return tool_bad_option(c, argv);
		code = parse_option(o, c, optarg);
		if (code)
			return code;
	}
	if (optind != argc - 1)
		return tool_usage("crr, rr, stream, timewait or path?");
	code = parse_mode(o, argv[optind]);
	if (!code)
		set_defaults(o);
	return code;
}

int cmd_bench(int argc, char **argv)
{
	struct bench_options o = {.seconds = 3, .entries = 10000000};
	struct bench_result r = {0};
	int code;

	if (argc > 1 && !strcmp(argv[1], "path")) {
		code = bench_path(argc - 1, argv + 1);
		if (code < 0)
			fputs(help, stdout);
		return code < 0 ? TOOL_OK : code;
	}
	code = parse(&o, argc, argv);
	if (code)
		return code < 0 ? TOOL_OK : code;
	if (o.mode == BENCH_TIMEWAIT)
		return bench_timewait(&o);
	r.hist = mmap(NULL, sizeof *r.hist, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r.hist == MAP_FAILED)
		return tool_error(TOOL_COULD_NOT, "no memory");
	code = o.tun ? bench_tun(&o, &r) : bench_memory(&o, &r);
	if (code)
		return code;
	if (o.json)
		print_json(&o, &r);
	else
		print_text(&o, &r);
	munmap(r.hist, sizeof *r.hist);
	return r.errors || r.timeouts ? TOOL_FINDING : TOOL_OK;
}
