/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.c: `lull load`: the other side: opens, asks, reads, closes, as many
 * times as told, from a lull of its own on a TUN device.
 */
#include <errno.h>
#include <getopt.h>
#include <http_parser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <lull/diag.h>

#include "hist.h"
#include "stack.h"
#include "why.h"

enum {
	CLOSING = 10000000,
	CONCURRENT_MAX = 100000,
	ERRNO_MAX = 256,
	TICK_MS = 100,
	REQUEST_BYTES = 2048,
};

struct slot {
	bool open, connected, complete, server_closed;
	struct lull_sock sock;
	uint64_t asked_ns; /* connect, or the request on a kept connection */
	http_parser parser;
};

struct load {
	struct stack_options stack_options;
	struct stack stack;
	struct lull_loop *loop;
	struct lull_control *control;
	const char *url, *ctl;
	char host[256], path[1024], request[REQUEST_BYTES];
	size_t request_len;
	struct lull_endpoint target;
	uint64_t concurrent, total, timeout_s;
	uint64_t seconds; /* begin no more after so long; 0: no bound */
	bool server_closes, keep_alive, json;
	struct slot *slot;
	struct hist *hist;
	uint64_t begun, done, failed, bytes;
	uint64_t error[ERRNO_MAX], not_200;
	/* Connects that could not be made: the last, and the first that found
	 * no port. */
	struct lull_why why, ran_out;
	uint64_t no_port, ran_out_ns;
	uint64_t start_ns, end_ns;
	http_parser_settings settings;
};

static const char help[] =
	"usage: lull load URL [-c CONCURRENT] [-n TOTAL] [OPTIONS]\n\n"
	"Fetches URL again and again over a TCP/IP stack of its own, each time on a\n"
	"new connection, and prints rate, latencies, errors by name, and the states\n"
	"that remain.\n\n"
	"  -c N                at a time (64)\n"
	"  -n N                in all (1000; with --seconds as many as go)\n"
	"  --seconds S         begin no more after so long\n"
	"  --close-by client|server   who closes first (client)\n"
	"  --keep-alive        many requests on each connection\n"
	"  --timeout S         give up on one after so long (10)\n"
	"  --netns NAME        where the TUN device is: a namespace of ip-netns(8),\n"
	"                      or - for the current one (-)\n"
	"  --addr CIDR         our address; again for more (10.9.4.2/24, fd00:9:4::2/64)\n"
	"  --peer CIDR         the kernel's address on the other side (the first other)\n"
	"  --offload on|off    large frames and checksums left to the kernel (on)\n"
	"  --sysctl NAME=VALUE set a knob of our stack; again for more\n"
	"  --pcap FILE         write all frames for Wireshark\n"
	"  --ctl PATH          a control socket, for lull ss\n"
	"  --json\n\n"
	"Exit: 0 all succeeded; 1 some failed; 3 could not; 64 usage.\n";

/* ---- connections ---- */

static struct lull_shard *shard_of(struct load *l)
{
	return l->stack.shard;
}

static void begin(struct load *l, struct slot *s);

static void note_error(struct load *l, int error)
{
	l->failed++;
	l->error[-error < ERRNO_MAX ? -error : 0]++;
}

static void over(struct load *l)
{
	if (l->done + l->failed < l->total || l->end_ns)
		return;
	l->end_ns = lull_clock_ns();
	lull_loop_stop(l->loop);
}

/* This one is finished, well or not; the next begins in its place. */
static void next(struct load *l, struct slot *s)
{
	s->open = false;
	over(l);
	begin(l, s);
}

static void fail(struct load *l, struct slot *s, int error)
{
	lull_sock_abort(shard_of(l), s->sock);
	note_error(l, error);
	next(l, s);
}

static void note_why(struct load *l, int error, const struct lull_why *why)
{
	note_error(l, error);
	l->why = *why;
	if (!why_is_ports(why))
		return;
	if (!l->no_port++) {
		l->ran_out = *why;
		l->ran_out_ns = lull_clock_ns();
	}
}

static void begin(struct load *l, struct slot *s)
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = l->target,
		.cookie = (uintptr_t)s,
	};
	struct lull_why why = {.size = sizeof why};
	int e;

	if (l->begun == l->total)
		return;
	l->begun++;
	e = lull_sock_connect(shard_of(l), &c, &s->sock, &why);
	if (e < 0) { /* out of ports, say: the next tick tries again */
		note_why(l, e, &why);
		over(l);
		return;
	}
	s->open = true;
	s->connected = s->server_closed = false;
	s->asked_ns = lull_clock_ns();
}

static int ask(struct load *l, struct slot *s)
{
	struct lull_span span = {l->request, l->request_len};
	long n = lull_sock_send(shard_of(l), s->sock, &span, 1, 0);

	http_parser_init(&s->parser, HTTP_RESPONSE);
	s->parser.data = s;
	s->complete = false;
	if (n < 0)
		return (int)n;
	return (size_t)n == l->request_len ? 0 : -ENOBUFS;
}

static int on_complete(http_parser *p)
{
	struct slot *s = p->data;

	s->complete = true;
	return 0;
}

static void count(struct load *l, struct slot *s)
{
	l->done++;
	if (s->parser.status_code != 200)
		l->not_200++;
	hist_add(l->hist, (lull_clock_ns() - s->asked_ns) / 1000);
}

/* The whole answer is here, and the connection may end. */
static void answered(struct load *l, struct slot *s)
{
	bool again = l->keep_alive && http_should_keep_alive(&s->parser) &&
		     l->begun < l->total;

	count(l, s);
	if (again) {
		int e;

		l->begun++;
		s->asked_ns = lull_clock_ns();
		e = ask(l, s);
		if (e < 0)
			fail(l, s, e);
		return;
	}
	lull_sock_close(shard_of(l), s->sock);
	next(l, s);
}

/* Read what there is. 0: all of it; 1: the end; below: an error. */
static int read_on(struct load *l, struct slot *s)
{
	struct lull_span span;
	int n;

	while ((n = lull_sock_peek(shard_of(l), s->sock, &span, 1)) > 0) {
		size_t used = http_parser_execute(&s->parser, &l->settings,
						  span.ptr, span.len);

		l->bytes += span.len;
		if (used != span.len)
			return -EPROTO;
		n = lull_sock_consume(shard_of(l), s->sock, span.len);
		if (n < 0)
			return n;
	}
	if (n == -EAGAIN)
		return 0;
	if (n == 0) /* an answer without a length ends here */
		(void)http_parser_execute(&s->parser, &l->settings, NULL, 0);
	return n == 0 ? 1 : n;
}

static void on_news(struct load *l, struct slot *s, const struct lull_event *e)
{
	int n = 0;

	if (!s->open)
		return;
	if (e->bits & LULL_EVENT_ERROR) {
		fail(l, s, e->error);
		return;
	}
	if (e->bits & LULL_EVENT_WRITE && !s->connected) {
		s->connected = true;
		n = ask(l, s);
	}
	if (n == 0 && e->bits & LULL_EVENT_READ)
		n = read_on(l, s);
	s->server_closed |= n == 1;
	if (n < 0)
		fail(l, s, n);
	else if (s->complete && (!l->server_closes || s->server_closed))
		answered(l, s);
	else if (n == 1 && !s->complete)
		fail(l, s, -EPROTO); /* it ended before the answer did */
}

static void on_events(void *arg, const struct lull_event *events, int n)
{
	struct load *l = arg;

	for (int i = 0; i < n; i++)
		on_news(l, (struct slot *)(uintptr_t)events[i].cookie,
			&events[i]);
}

static void on_tick(void *arg)
{
	struct load *l = arg;
	uint64_t now = lull_clock_ns(), most = l->timeout_s * 1000000000ULL;

	if (l->seconds && now - l->start_ns >= l->seconds * 1000000000ULL) {
		l->total = l->begun; /* those that are under way go on */
		over(l);
	}
	for (uint64_t i = 0; i < l->concurrent; i++) {
		struct slot *s = &l->slot[i];

		if (!s->open)
			begin(l, s);
		else if (now - s->asked_ns > most)
			fail(l, s, -ETIMEDOUT);
	}
	lull_loop_timer(l->loop, TICK_MS, on_tick, l);
}

/* ---- results ---- */

static double seconds(const struct load *l)
{
	return (double)(l->end_ns - l->start_ns) / 1e9;
}

static const char *error_name(int e, char *buf, size_t size)
{
	const char *name = e ? strerrorname_np(e) : NULL;

	if (name)
		return name;
	snprintf(buf, size, "errno %d", e);
	return buf;
}

/* ---- why not ---- */

/* The last no; if there was none, how things stand now. */
static void find_why(struct load *l, struct lull_why *why)
{
	const struct lull_connect c = {.size = sizeof c, .remote = l->target};

	*why = l->why;
	if (why->reason != LULL_WHY_NONE)
		return;
	why->size = sizeof *why;
	if (lull_diag_why(shard_of(l), &c, why) < 0)
		why->free_in_ns = why->reuse_in_ns = why->full_in_ns =
			UINT64_MAX;
}

static double ran_out_after(const struct load *l)
{
	return l->no_port ? (double)(l->ran_out_ns - l->start_ns) / 1e9 : 0;
}

static json_t *why_json(struct load *l)
{
	struct lull_why why;
	struct why_knobs knobs;
	json_t *json;

	find_why(l, &why);
	why_knobs_of(shard_of(l), &knobs);
	json = json_pack("{s:s}", "reason", why_reason(&why));
	if (!json || why_into_json(&why, json) < 0) {
		json_decref(json);
		return NULL;
	}
	if (why_is_ports(&why))
		json_object_set_new(json, "remedies",
				    why_remedies_json(&why, &knobs));
	return json;
}

/* While it works: how long it will. */
static void print_forecast(const struct lull_why *why,
			   const struct why_knobs *knobs)
{
	char text[32];

	if (why->full_in_ns == UINT64_MAX)
		return;
	printf("  ports: ");
	why_print_ports(why, knobs);
	printf("; full %s at this rate (%u/s)\n",
	       why_in(why->full_in_ns, text, sizeof text), why->opens_per_s);
}

static void print_no_port(const struct load *l)
{
	const struct lull_addr *addr = &l->target.addr;
	bool v4 = lull_addr_is_ipv4(addr);
	char text[LULL_ADDR_TEXT];

	printf("  no port: %lu connects to %s%s%s:%u failed; after each the "
	       "next was tried within %d ms\n",
	       l->no_port, v4 ? "" : "[", lull_addr_format(addr, text),
	       v4 ? "" : "]", l->target.port, TICK_MS);
	printf("    %s; first after %.3f s, at %u connections/s\n",
	       why_sentence(&l->why), ran_out_after(l), l->ran_out.opens_per_s);
}

static void print_why(struct load *l)
{
	struct lull_why why;
	struct why_knobs knobs;

	find_why(l, &why);
	why_knobs_of(shard_of(l), &knobs);
	if (why.reason == LULL_WHY_NONE) {
		print_forecast(&why, &knobs);
	} else if (!why_is_ports(&why)) {
		printf("  why: %s\n", why_sentence(&why));
	} else {
		print_no_port(l);
		why_print(&why, &knobs);
	}
}

static void print_json(struct load *l)
{
	uint64_t states[LULL_TCP_STATES];
	json_t *errors = json_object(), *by_state = json_object(), *all;
	char buf[32];

	lull_diag_states(shard_of(l), states);
	for (int i = 1; i < LULL_TCP_STATES; i++)
		json_object_set_new(by_state,
				    lull_state_name((enum lull_tcp_state)i),
				    json_integer((json_int_t)states[i]));
	for (int i = 0; i < ERRNO_MAX; i++)
		if (l->error[i])
			json_object_set_new(
				errors, error_name(i, buf, sizeof buf),
				json_integer((json_int_t)l->error[i]));
	all = json_pack(
		"{s:i s:I s:I s:I s:f s:f s:{s:I s:I s:I s:I} s:I s:o s:o "
		"s:{s:I s:f s:I} s:o}",
		"schema", 1, "done", (json_int_t)l->done, "failed",
		(json_int_t)l->failed, "not_200", (json_int_t)l->not_200,
		"seconds", seconds(l), "per_s", (double)l->done / seconds(l),
		"latency_us", "p50", (json_int_t)hist_at(l->hist, .5), "p90",
		(json_int_t)hist_at(l->hist, .9), "p99",
		(json_int_t)hist_at(l->hist, .99), "max",
		(json_int_t)l->hist->max_us, "bytes", (json_int_t)l->bytes,
		"errors", errors, "states", by_state, "no_port", "connects",
		(json_int_t)l->no_port, "after_s", ran_out_after(l),
		"opens_per_s", (json_int_t)l->ran_out.opens_per_s, "why",
		why_json(l));
	json_dumpf(all, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(all);
}

static void print_text(struct load *l)
{
	uint64_t states[LULL_TCP_STATES];
	char buf[32];

	printf("%lu of %lu succeeded in %.3f s: %.0f/s, %lu at a time, %lu "
	       "bytes\n",
	       l->done, l->total, seconds(l), (double)l->done / seconds(l),
	       l->concurrent, l->bytes);
	printf("  latency: p50 %lu us, p90 %lu us, p99 %lu us, max %lu us\n",
	       hist_at(l->hist, .5), hist_at(l->hist, .9),
	       hist_at(l->hist, .99), l->hist->max_us);
	if (l->not_200)
		printf("  not 200 OK: %lu\n", l->not_200);
	for (int i = 0; i < ERRNO_MAX; i++)
		if (l->error[i])
			printf("  %s: %lu (%s)\n",
			       error_name(i, buf, sizeof buf), l->error[i],
			       strerror(i));
	print_why(l);
	lull_diag_states(shard_of(l), states);
	printf("  states now:");
	for (int i = 1; i < LULL_TCP_STATES; i++)
		if (states[i])
			printf(" %s %lu",
			       lull_state_name((enum lull_tcp_state)i),
			       states[i]);
	puts("");
}

/* ---- arguments ---- */

static int resolve(struct load *l, uint16_t port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	int e = getaddrinfo(l->host, NULL, &hints, &found);

	if (e)
		return tool_error(TOOL_COULD_NOT, "%s: %s", l->host,
				  gai_strerror(e));
	l->target.port = port;
	if (found->ai_family == AF_INET) {
		const struct sockaddr_in *in = (void *)found->ai_addr;

		l->target.addr =
			(struct lull_addr){.b = {[10] = 0xff, [11] = 0xff}};
		memcpy(l->target.addr.b + 12, &in->sin_addr, 4);
	} else {
		const struct sockaddr_in6 *in = (void *)found->ai_addr;

		memcpy(l->target.addr.b, &in->sin6_addr, 16);
	}
	freeaddrinfo(found);
	return TOOL_OK;
}

static void copy_field(const struct load *l, const struct http_parser_url *u,
		       int field, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)u->field_data[field].len,
		 l->url + u->field_data[field].off);
}

static int parse_url(struct load *l)
{
	struct http_parser_url u;
	char schema[8], query[512] = "";
	int n;

	http_parser_url_init(&u);
	if (http_parser_parse_url(l->url, strlen(l->url), 0, &u) ||
	    !(u.field_set & 1 << UF_HOST))
		return tool_usage("%s: not a URL, as http://10.9.3.1/", l->url);
	copy_field(l, &u, UF_SCHEMA, schema, sizeof schema);
	if (strcasecmp(schema, "http") != 0)
		return tool_usage("%s: http only", l->url);
	copy_field(l, &u, UF_HOST, l->host, sizeof l->host);
	snprintf(l->path, sizeof l->path, "/");
	if (u.field_set & 1 << UF_PATH)
		copy_field(l, &u, UF_PATH, l->path, sizeof l->path);
	if (u.field_set & 1 << UF_QUERY) {
		query[0] = '?';
		copy_field(l, &u, UF_QUERY, query + 1, sizeof query - 1);
	}
	n = snprintf(l->request, sizeof l->request,
		     "GET %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: lull\r\n"
		     "%s\r\n",
		     l->path, query, l->host,
		     l->server_closes ? "Connection: close\r\n" : "");
	if (n < 0 || (size_t)n >= sizeof l->request)
		return tool_usage("%s: too long", l->url);
	l->request_len = (size_t)n;
	return resolve(l, u.field_set & 1 << UF_PORT ? u.port : 80);
}

static int parse_number(const char *option, const char *text, uint64_t most,
			uint64_t *value)
{
	if (tool_number(text, 1, most, value))
		return TOOL_OK;
	return tool_usage("%s %s: a number from 1 to %llu", option, text,
			  (unsigned long long)most);
}

static int parse_option(struct load *l, int c, const char *arg)
{
	struct stack_options *o = &l->stack_options;

	switch (c) {
	case 'c':
		return parse_number("-c", arg, CONCURRENT_MAX, &l->concurrent);
	case 'n':
		return parse_number("-n", arg, 1000000000000, &l->total);
	case 't':
		return parse_number("--timeout", arg, 86400, &l->timeout_s);
	case 'S':
		return parse_number("--seconds", arg, 86400, &l->seconds);
	case 'b':
		l->server_closes = !strcmp(arg, "server");
		if (l->server_closes || !strcmp(arg, "client"))
			return TOOL_OK;
		return tool_usage("--close-by %s: client or server", arg);
	case 'k':
		l->keep_alive = true;
		return TOOL_OK;
	case 'j':
		l->json = true;
		return TOOL_OK;
	case 'a':
		return stack_add_prefix(o->addrs, &o->addrs_len, arg, "--addr");
	case 'e':
		return stack_add_prefix(o->peers, &o->peers_len, arg, "--peer");
	case 'N':
		o->netns = arg;
		return TOOL_OK;
	case 'O':
		return stack_set_offload(o, arg);
	case 's':
		return stack_add_sysctl(o, arg);
	case 'w':
		o->pcap = arg;
		return TOOL_OK;
	case 'C':
		l->ctl = arg;
		return TOOL_OK;
	default:
		return TOOL_USAGE;
	}
}

/* -1: help was printed; else a TOOL_ code. */
static int parse(struct load *l, int argc, char **argv)
{
	static const struct option longs[] = {
		{"close-by", required_argument, NULL, 'b'},
		{"keep-alive", no_argument, NULL, 'k'},
		{"timeout", required_argument, NULL, 't'},
		{"seconds", required_argument, NULL, 'S'},
		{"netns", required_argument, NULL, 'N'},
		{"addr", required_argument, NULL, 'a'},
		{"peer", required_argument, NULL, 'e'},
		{"offload", required_argument, NULL, 'O'},
		{"sysctl", required_argument, NULL, 's'},
		{"pcap", required_argument, NULL, 'w'},
		{"ctl", required_argument, NULL, 'C'},
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
		code = parse_option(l, c, optarg);
		if (code)
			return code;
	}
	if (optind != argc - 1)
		return tool_usage("one URL is needed");
	l->url = argv[optind];
	if (!l->total)
		l->total = l->seconds ? UINT64_MAX : 1000;
	if (l->server_closes && l->keep_alive)
		return tool_usage("--keep-alive and --close-by server exclude "
				  "each other");
	return parse_url(l);
}

/* ---- running ---- */

static struct lull_loop *signalled;

static void on_signal(int sig)
{
	(void)sig;
	lull_loop_drain(signalled, 0);
}

static int run(struct load *l)
{
	struct lull_loop_config config = {
		.size = sizeof config,
		.shard = shard_of(l),
		.link = l->stack.link,
		.on_events = on_events,
		.arg = l,
	};
	struct sigaction action = {.sa_handler = on_signal};
	int e = lull_loop_create(&l->loop, &config);

	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "a run loop: %s",
				  strerror(-e));
	if (l->ctl && stack_control(&l->control, l->loop, &l->stack, l->ctl)) {
		lull_loop_destroy(l->loop);
		return TOOL_COULD_NOT;
	}
	signalled = l->loop;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	http_parser_settings_init(&l->settings);
	l->settings.on_message_complete = on_complete;
	l->start_ns = lull_clock_ns();
	for (uint64_t i = 0; i < l->concurrent && !l->end_ns; i++)
		begin(l, &l->slot[i]);
	lull_loop_timer(l->loop, TICK_MS, on_tick, l);
	e = l->end_ns ? 0 : lull_loop_run(l->loop);
	if (!l->end_ns) { /* a signal ended it */
		l->end_ns = lull_clock_ns();
		l->total = l->seconds ? l->begun : l->total;
	}
	if (l->json)
		print_json(l);
	else
		print_text(l);
	lull_control_destroy(l->control);
	lull_loop_destroy(l->loop);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "the TUN device is gone: %s",
				  strerror(-e));
	return l->failed || l->done < l->total ? TOOL_FINDING : TOOL_OK;
}

int cmd_load(int argc, char **argv)
{
	static struct load l;
	struct stack_options *o = &l.stack_options;
	int code, closed;

	l.concurrent = 64;
	l.timeout_s = 10;
	o->netns = "-";
	code = parse(&l, argc, argv);
	if (code)
		return code < 0 ? TOOL_OK : code;
	if (!o->addrs_len &&
	    (stack_add_prefix(o->addrs, &o->addrs_len, "10.9.4.2/24", "") ||
	     stack_add_prefix(o->addrs, &o->addrs_len, "fd00:9:4::2/64", "")))
		return TOOL_USAGE;
	o->conns = (uint32_t)(2 * l.concurrent + 1024);
	o->closing = CLOSING;
	l.slot = calloc(l.concurrent, sizeof *l.slot);
	l.hist = calloc(1, sizeof *l.hist);
	if (!l.slot || !l.hist)
		return tool_error(TOOL_COULD_NOT, "memory for %lu connections",
				  l.concurrent);
	code = stack_open(&l.stack, o);
	if (code == TOOL_OK) {
		code = run(&l);
		closed = stack_close(&l.stack);
		code = code ? code : closed;
	}
	free(l.slot);
	free(l.hist);
	return code;
}
