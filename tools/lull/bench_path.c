/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_path.c: `lull bench path`: arguments, the run in virtual time, results.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bench.h"
#include "bench_path.h"

/* ---- two lulls ---- */

int bench_path_lull(const struct bench_path *o, struct bench_path_result *r,
		    FILE *out)
{
	uint64_t last_us = 0;
	struct flows *f;
	int e = flows_open(&f, &o->plan);

	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "flows over a path: %s",
				  strerror(-e));
	if (lull_sysctl_get(flows_shard(f, FLOWS_A),
			    "net.ipv4.tcp_congestion_control", r->cc,
			    sizeof r->cc) < 0)
		strcpy(r->cc, "reno"); /* there is no other */
	flows_run(f, 0);
	for (int i = 0; i < o->plan.n; i++) {
		struct flows_result flow = flows_result(f, i);

		r->bytes[i] = flow.bytes;
		if (flow.took_us > last_us)
			last_us = flow.took_us;
	}
	r->seconds = (double)last_us / 1e6;
	r->timeouts = flows_count(f, FLOWS_A, "TCPTimeouts");
	r->probes = flows_count(f, FLOWS_A, "TCPLossProbes");
	r->undone = flows_count(f, FLOWS_A, "TCPLossUndo");
	r->path = path_stats(flows_path(f), PATH_FORTH);
	if (out) { /* the last ACKs, too */
		flows_run(f, flows_now_us(f) +
				     4 * o->plan.path.leg[PATH_FORTH].delay_us);
		path_write_csv(flows_path(f), out);
	}
	flows_close(f);
	return TOOL_OK;
}

/* ---- results ---- */

static double mbit(const struct bench_path *o,
		   const struct bench_path_result *r)
{
	uint64_t bytes = 0;

	for (int i = 0; i < o->plan.n; i++)
		bytes += r->bytes[i];
	return r->seconds > 0 ? (double)bytes * 8 / r->seconds / 1e6 : 0;
}

static double fairness(const struct bench_path *o,
		       const struct bench_path_result *r)
{
	double sum = 0, squares = 0;

	for (int i = 0; i < o->plan.n; i++) {
		sum += (double)r->bytes[i];
		squares += (double)r->bytes[i] * (double)r->bytes[i];
	}
	return squares > 0 ? sum * sum / (o->plan.n * squares) : 0;
}

/* Both delays, and what the queue adds. */
static double rtt_ms(const struct bench_path *o, uint64_t queue_us)
{
	const struct path_leg *leg = o->plan.path.leg;

	return (double)(leg[PATH_FORTH].delay_us + leg[PATH_BACK].delay_us +
			queue_us) /
	       1000;
}

static void print_json(const struct bench_path *o,
		       const struct bench_path_result *r)
{
	const struct path_stats *s = &r->path;
	json_t *flows = json_array(), *all;

	for (int i = 0; i < o->plan.n; i++)
		json_array_append_new(flows,
				      json_integer((json_int_t)r->bytes[i]));
	all = json_pack(
		"{s:s s:s s:f s:f s:o s:f s:I s:I s:I s:I s:I s:I s:I s:I "
		"s:I s:f s:f}",
		"peer", o->kernel ? "kernel" : "lull", "cc", r->cc, "sec",
		r->seconds, "goodput_mbit", mbit(o, r), "bytes", flows,
		"fairness", fairness(o, r), "segments",
		(json_int_t)s->all.segments, "retransmitted",
		(json_int_t)s->all.again, "needless",
		(json_int_t)s->all.needless, "lost",
		(json_int_t)(s->fate[PATH_LOST] + s->fate[PATH_DROPPED]),
		"overflowed", (json_int_t)s->fate[PATH_OVERFLOWED], "marked",
		(json_int_t)s->marked, "timeouts", (json_int_t)r->timeouts,
		"probes", (json_int_t)r->probes, "undone",
		(json_int_t)r->undone, "rtt_ms", rtt_ms(o, s->queue_median_us),
		"rtt_p95_ms", rtt_ms(o, s->queue_p95_us));
	json_dumpf(all, stdout,
		   JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(all);
}

static void print_text(const struct bench_path *o,
		       const struct bench_path_result *r)
{
	const struct path_stats *s = &r->path;

	printf("%d flow%s of %s (%s) over %.1f ms and %.1f Mbit/s, %.2f s%s: "
	       "%.2f Mbit/s\n",
	       o->plan.n, o->plan.n > 1 ? "s" : "",
	       o->kernel ? "the kernel" : "lull", r->cc, rtt_ms(o, 0),
	       o->rate_mbit, r->seconds, o->kernel ? "" : " of virtual time",
	       mbit(o, r));
	printf("  segments %lu, again %lu, of these needlessly %lu\n",
	       s->all.segments, s->all.again, s->all.needless);
	printf("  lost %lu, overflowed %lu, marked %lu\n",
	       s->fate[PATH_LOST] + s->fate[PATH_DROPPED],
	       s->fate[PATH_OVERFLOWED], s->marked);
	printf("  timeouts %lu, tail loss probes %lu, timeouts undone %lu\n",
	       r->timeouts, r->probes, r->undone);
	printf("  round trip at the queue: median %.1f ms, 95 %% %.1f ms\n",
	       rtt_ms(o, s->queue_median_us), rtt_ms(o, s->queue_p95_us));
	if (o->plan.n > 1)
		printf("  fairness %.3f\n", fairness(o, r));
}

/* ---- arguments ---- */

/* A number with a fraction. false: it isn't one, or is out of bounds. */
static bool fraction(const char *text, double least, double most, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && !*end && *value >= least && *value <= most;
}

static int take(const char *option, const char *text, double most,
		double *value)
{
	if (fraction(text, 0, most, value))
		return TOOL_OK;
	return tool_usage("--%s %s: a number from 0 to %.0f", option, text,
			  most);
}

/* "1bdp", "64000". */
static int take_queue(struct bench_path *o, const char *text)
{
	size_t n = strlen(text);
	char number[32];

	if (n > 3 && n < sizeof number && !strcmp(text + n - 3, "bdp")) {
		memcpy(number, text, n - 3);
		number[n - 3] = 0;
		if (fraction(number, 0, 1000, &o->queue_bdp))
			return TOOL_OK;
	} else if (fraction(text, 0, 1e9, &o->queue_bytes)) {
		o->queue_bdp = 0;
		return TOOL_OK;
	}
	return tool_usage("--queue %s: bytes, or a multiple of the path's "
			  "capacity like 0.2bdp",
			  text);
}

/* "N,K": every n-th by k. */
static int take_reorder(struct path_leg *leg, const char *text)
{
	if (sscanf(text, "%u,%u", &leg->reorder_every, &leg->reorder_by) == 2 &&
	    leg->reorder_every && leg->reorder_by)
		return TOOL_OK;
	return tool_usage("--reorder %s: N,K holds every N-th segment back "
			  "until K others went by",
			  text);
}

/* "MS,MS": when, and how long. */
static int take_stall(struct path_leg *leg, const char *text)
{
	double at, len;

	if (sscanf(text, "%lf,%lf", &at, &len) != 2 || at < 0 || len < 0 ||
	    at > 1e7 || len > 1e7)
		return tool_usage("--stall %s: from when and how long, in "
				  "milliseconds: 800,600",
				  text);
	leg->stall_at_us = (uint64_t)(at * 1000);
	leg->stall_us = (uint64_t)(len * 1000);
	return TOOL_OK;
}

/* "160,177,200+30,last". */
static int take_drops(struct path_leg *leg, const char *text)
{
	const char *at = text;

	for (int i = 0; i < PATH_DROPS && *at; i++) {
		struct path_drop *d = &leg->drop[i];
		int used = 0;

		if (!strncmp(at, "last", 4)) {
			d->first = PATH_TAIL;
			used = 4;
		} else if (sscanf(at, "%u%n", &d->first, &used) < 1 ||
			   !d->first) {
			break;
		}
		at += used;
		if (*at == '+' && sscanf(at, "+%u%n", &d->count, &used) == 1)
			at += used;
		if (!*at)
			return TOOL_OK;
		if (*at++ != ',')
			break;
	}
	return tool_usage("--drop %s: at most %d segments of data from 1, or "
			  "FIRST+COUNT, or last",
			  text, PATH_DROPS);
}

static int take_count(const char *option, const char *text, uint64_t least,
		      uint64_t most, uint64_t *value)
{
	if (tool_number(text, least, most, value))
		return TOOL_OK;
	return tool_usage("--%s %s: a number from %lu to %lu", option, text,
			  least, most);
}

static int take_peer(struct bench_path *o, const char *text)
{
	o->kernel = !strcmp(text, "kernel");
	if (o->kernel || !strcmp(text, "lull"))
		return TOOL_OK;
	return tool_usage("--peer %s: lull or kernel", text);
}

enum option_id {
	OPT_DELAY,
	OPT_RATE,
	OPT_QUEUE,
	OPT_LOSS,
	OPT_JITTER,
	OPT_REORDER,
	OPT_DROP,
	OPT_STALL,
	OPT_SECONDS,
	OPT_BYTES,
	OPT_BUFFERS,
	OPT_CC,
	OPT_FLOWS,
	OPT_PEER,
	OPT_SEED,
	OPT_TRACE,
	OPT_JSON,
	OPTIONS,
};

static const struct option longs[] = {
	[OPT_DELAY] = {"delay", required_argument, NULL, OPT_DELAY},
	[OPT_RATE] = {"rate", required_argument, NULL, OPT_RATE},
	[OPT_QUEUE] = {"queue", required_argument, NULL, OPT_QUEUE},
	[OPT_LOSS] = {"loss", required_argument, NULL, OPT_LOSS},
	[OPT_JITTER] = {"jitter", required_argument, NULL, OPT_JITTER},
	[OPT_REORDER] = {"reorder", required_argument, NULL, OPT_REORDER},
	[OPT_DROP] = {"drop", required_argument, NULL, OPT_DROP},
	[OPT_STALL] = {"stall", required_argument, NULL, OPT_STALL},
	[OPT_SECONDS] = {"seconds", required_argument, NULL, OPT_SECONDS},
	[OPT_BYTES] = {"bytes", required_argument, NULL, OPT_BYTES},
	[OPT_BUFFERS] = {"buffers", required_argument, NULL, OPT_BUFFERS},
	[OPT_CC] = {"cc", required_argument, NULL, OPT_CC},
	[OPT_FLOWS] = {"flows", required_argument, NULL, OPT_FLOWS},
	[OPT_PEER] = {"peer", required_argument, NULL, OPT_PEER},
	[OPT_SEED] = {"seed", required_argument, NULL, OPT_SEED},
	[OPT_TRACE] = {"trace", required_argument, NULL, OPT_TRACE},
	[OPT_JSON] = {"json", no_argument, NULL, OPT_JSON},
	[OPTIONS] = {NULL, 0, NULL, 0},
};

/* Of the path. */
static int parse_leg(struct bench_path *o, enum option_id id, const char *arg)
{
	const char *name = longs[id].name;
	struct path_leg *leg = &o->plan.path.leg[PATH_FORTH];
	double value = 0;
	int code = TOOL_OK;

	switch ((int)id) {
	case OPT_DELAY:
		code = take(name, arg, 10000, &value);
		leg->delay_us = (uint64_t)(value * 1000);
		break;
	case OPT_RATE:
		code = take(name, arg, 100000, &o->rate_mbit);
		break;
	case OPT_QUEUE:
		code = take_queue(o, arg);
		break;
	case OPT_LOSS:
		code = take(name, arg, 100, &value);
		leg->loss_ppm = (uint32_t)(value * 10000 + .5);
		break;
	case OPT_JITTER:
		code = take(name, arg, 10000, &value);
		leg->jitter_us = (uint64_t)(value * 1000);
		break;
	case OPT_REORDER:
		code = take_reorder(leg, arg);
		break;
	case OPT_DROP:
		code = take_drops(leg, arg);
		break;
	default:
		code = take_stall(leg, arg);
	}
	return code;
}

/* Of the flows. */
static int parse_flows(struct bench_path *o, enum option_id id, const char *arg)
{
	const char *name = longs[id].name;
	uint64_t count = 0;
	double value;
	int code = TOOL_OK;

	switch ((int)id) {
	case OPT_SECONDS:
		code = take(name, arg, 3600, &value);
		o->plan.until_us = (uint64_t)(value * 1e6);
		if (!code && !o->plan.until_us)
			code = tool_usage("--seconds %s: above 0", arg);
		break;
	case OPT_BYTES:
		code = take_count(name, arg, 1, 1ULL << 31,
				  &o->plan.flow[0].bytes);
		break;
	case OPT_BUFFERS:
		code = take_count(name, arg, 8192, 1 << 30, &count);
		o->plan.buf_bytes = (uint32_t)count;
		break;
	case OPT_CC:
		o->cc = arg;
		break;
	case OPT_FLOWS:
		code = take_count(name, arg, 1, FLOWS_MAX, &count);
		o->plan.n = (int)count;
		break;
	case OPT_PEER:
		code = take_peer(o, arg);
		break;
	case OPT_SEED:
		code = take_count(name, arg, 0, UINT64_MAX, &o->plan.path.seed);
		break;
	case OPT_TRACE:
		o->trace = arg;
		break;
	default:
		o->json = true;
	}
	return code;
}

/* What follows from several arguments. */
static void settle(struct bench_path *o)
{
	struct path_leg *forth = &o->plan.path.leg[PATH_FORTH];
	struct path_leg *back = &o->plan.path.leg[PATH_BACK];
	double rate = o->rate_mbit * 125000;
	double bdp = rate * 2 * (double)forth->delay_us / 1e6;
	double queue = o->queue_bdp > 0 ? o->queue_bdp * bdp : o->queue_bytes;

	forth->rate = (uint64_t)rate;
	forth->queue = (uint64_t)queue;
	back->delay_us = forth->delay_us;
	o->plan.path.record = o->trace != NULL;
	for (int i = 0; i < o->plan.n; i++) {
		o->plan.flow[i].cc = o->cc;
		o->plan.flow[i].bytes = o->plan.flow[0].bytes;
	}
}

/* -1: help is asked for; else a TOOL_ code. */
static int parse(struct bench_path *o, int argc, char **argv)
{
	static struct option all[OPTIONS + 2];
	int c, code = TOOL_OK;

	memcpy(all, longs, OPTIONS * sizeof *all);
	all[OPTIONS] = (struct option){"help", no_argument, NULL, 'h'};
	while (!code && (c = getopt_long(argc, argv, ":h", all, NULL)) != -1) {
		if (c == 'h')
			return -1;
		if (c == '?' || c == ':')
			return tool_bad_option(c, argv);
		code = c < OPT_SECONDS
			       ? parse_leg(o, (enum option_id)c, optarg)
			       : parse_flows(o, (enum option_id)c, optarg);
	}
	if (!code && optind != argc)
		code = tool_usage("%s: what is that?", argv[optind]);
	if (!code)
		settle(o);
	return code;
}

int bench_path(int argc, char **argv)
{
	struct bench_path o = {
		.plan = {.n = 1,
			 .until_us = 10000000,
			 .buf_bytes = FLOWS_TUNED},
		.rate_mbit = 100,
		.queue_bdp = 1,
	};
	struct bench_path_result r = {0};
	FILE *out = NULL;
	int code;

	o.plan.path.leg[PATH_FORTH].delay_us = 50000;
	code = parse(&o, argc, argv);
	if (code)
		return code;
	if (o.trace) {
		out = fopen(o.trace, "we");
		if (!out)
			return tool_error(TOOL_COULD_NOT, "%s: %s", o.trace,
					  strerror(errno));
	}
	code = o.kernel ? bench_path_kernel(&o, &r, out)
			: bench_path_lull(&o, &r, out);
	if (out && fclose(out) != 0 && !code)
		code = tool_error(TOOL_COULD_NOT, "%s: %s", o.trace,
				  strerror(errno));
	if (code)
		return code;
	if (o.json)
		print_json(&o, &r);
	else
		print_text(&o, &r);
	return TOOL_OK;
}
