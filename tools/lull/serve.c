/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serve.c: `lull serve`: static files over HTTP on a lull of its own.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http.h"
#include "stack.h"
#include "warn.h"

enum {
	CONNS = 65536,
	CLOSING = 10000000,
	CLOSING_KEPT = 1000000, /* a file has its memory at once */
	CLOSING_MAX = 1 << 26,
	QUIET_S = 60, /* 2MSL, as tcp_timewait_len is by default */
	QUIET_MAX_S = 86400,
	BACKLOG = 4096,
	DRAIN_MS = 2000,
	TICK_MS = 1000,
};

struct serve {
	struct stack_options stack_options;
	struct http_options http_options;
	const char *dir;
	uint64_t port;
	char netns[256], ctl[108];
	bool netns_given;
	struct stack stack;
	struct store *store;
	struct http *http;
	struct lull_loop *loop;
	struct lull_control *control;
	struct warn warn;
};

static const char help[] =
	"usage: lull serve [DIR] [OPTIONS]\n\n"
	"Serves the files of DIR (.) over HTTP/1.1, on a TCP/IP stack of its own, on\n"
	"a TUN device, in a network namespace that is made for it and goes with it.\n"
	"Without root in a user namespace as well, where the kernel lets it.\n"
	"Prints one line when it is ready:\n\n"
	"  ready http://ADDR/ netns=NAME ctl=PATH\n\n"
	"  --addr CIDR         the stack's address; again for more\n"
	"                      (10.9.3.2/24 and fd00:9:3::2/64)\n"
	"  --peer CIDR         the kernel's address on the other side (the first other)\n"
	"  --port N            (80)\n"
	"  --netns NAME        of ip-netns(8): used if it exists, else made and removed;\n"
	"                      - is the current one (lull-PID; without root one with\n"
	"                      no name, for nsenter -t PID -U -n --preserve-credentials)\n"
	"  --ctl PATH          control socket, for lull ss and lull sysctl\n"
	"                      (/run/lull/PID.sock, or in $XDG_RUNTIME_DIR)\n"
	"  --pcap FILE         write all frames for Wireshark\n"
	"  --sysctl NAME=VALUE set a knob; again for more\n"
	"  --close-by server|client   who closes first after Connection: close\n"
	"  --keepalive-timeout S      close a connection that is idle so long (60)\n"
	"  --keepalive-requests N     requests of one connection (1000; 0: no limit)\n"
	"  --closing N         closing records for each version of IP (10000000;\n"
	"                      1000000 with --state)\n"
	"  --offload on|off    large frames and checksums left to the kernel (on)\n"
	"  --link tun|tap      IP packets, or Ethernet frames with ARP and neighbour\n"
	"                      discovery (tun)\n"
	"  --gateway ADDR      with --link tap: where what is not on the link goes;\n"
	"                      again for the other version of IP (the kernel's side)\n"
	"  --tun NAME          of the device (lull%d; lull0 with --state)\n"
	"  --state FILE        closing records and secrets live there, and outlive the\n"
	"                      process; on tmpfs. The device and --netns stay, too\n"
	"  --state-force       FILE may be on a disk\n"
	"  --quiet-time[=S]    if FILE can't be used, forget it, and be silent for S\n"
	"                      seconds (60) before anything else\n"
	"  --bench             also GET /bulk (endless) and PUT /sink (takes all)\n\n"
	"SIGTERM: no new connections, 2 s for the others, exit 0.\n"
	"Exit: 0 stopped in order; 3 could not; 64 usage.\n";

static struct lull_loop *signalled; /* what a signal drains */

static void on_signal(int sig)
{
	(void)sig;
	lull_loop_drain(signalled, DRAIN_MS);
}

static void on_events(void *arg, const struct lull_event *events, int n)
{
	struct serve *s = arg;

	http_events(s->http, events, n);
}

static bool on_drain(void *arg)
{
	struct serve *s = arg;

	http_drain(s->http);
	return false; /* when TCP has sent all, too */
}

static void on_tick(void *arg)
{
	struct serve *s = arg;

	http_tick(s->http);
	warn_tick(&s->warn, s->stack.shard);
	lull_loop_timer(s->loop, TICK_MS, on_tick, s);
}

/* ---- arguments ---- */

static int parse_close_by(struct serve *s, const char *text)
{
	if (!strcmp(text, "client"))
		s->http_options.client_closes = true;
	else if (strcmp(text, "server") != 0)
		return tool_usage("--close-by %s: server or client", text);
	return TOOL_OK;
}

static int parse_number(const char *option, const char *text, uint64_t least,
			uint64_t most, uint64_t *value)
{
	if (tool_number(text, least, most, value))
		return TOOL_OK;
	return tool_usage("%s %s: a number from %llu to %llu", option, text,
			  (unsigned long long)least, (unsigned long long)most);
}

static int parse_state(struct serve *s, int c, const char *arg)
{
	struct stack_options *o = &s->stack_options;
	uint64_t n = QUIET_S;
	int code = TOOL_OK;

	switch (c) {
	case 'C':
		code = parse_number("--closing", arg, 1, CLOSING_MAX, &n);
		o->closing = (uint32_t)n;
		return code;
	case 'T':
		o->tun = arg;
		return TOOL_OK;
	case 'L':
		return stack_set_link(o, arg);
	case 'G':
		return stack_add_gateway(o, arg);
	case 'O':
		return stack_set_offload(o, arg);
	case 'S':
		o->state = arg;
		return TOOL_OK;
	case 'F':
		o->state_force = true;
		return TOOL_OK;
	case 'Q':
		if (arg)
			code = parse_number("--quiet-time", arg, 1, QUIET_MAX_S,
					    &n);
		o->quiet_s = (uint32_t)n;
		return code;
	default:
		return TOOL_USAGE;
	}
}

static int parse_option(struct serve *s, int c, const char *arg)
{
	struct stack_options *o = &s->stack_options;
	uint64_t n = 0;
	int code;

	switch (c) {
	case 'a':
		return stack_add_prefix(o->addrs, &o->addrs_len, arg, "--addr");
	case 'e':
		return stack_add_prefix(o->peers, &o->peers_len, arg, "--peer");
	case 'p':
		return parse_number("--port", arg, 1, 65535, &s->port);
	case 'n':
		if (strlen(arg) >= sizeof s->netns)
			return tool_usage("--netns %s: longer than a file's "
					  "name can be",
					  arg);
		strcpy(s->netns, arg);
		s->netns_given = true;
		return TOOL_OK;
	case 'c':
		if (strlen(arg) >= sizeof s->ctl)
			return tool_usage("--ctl %s: longer than a socket's "
					  "path can be",
					  arg);
		snprintf(s->ctl, sizeof s->ctl, "%s", arg);
		return TOOL_OK;
	case 'w':
		o->pcap = arg;
		return TOOL_OK;
	case 's':
		return stack_add_sysctl(o, arg);
	case 'b':
		return parse_close_by(s, arg);
	case 't':
		code = parse_number("--keepalive-timeout", arg, 1, 86400, &n);
		s->http_options.keepalive_s = (uint32_t)n;
		return code;
	case 'r':
		code = parse_number("--keepalive-requests", arg, 0, UINT32_MAX,
				    &n);
		s->http_options.keepalive_most = (uint32_t)n;
		return code;
	case 'B':
		s->http_options.bench = true;
		return TOOL_OK;
	default:
		return parse_state(s, c, arg);
	}
}

/* -1: help was printed; else a TOOL_ code. */
static int parse(struct serve *s, int argc, char **argv)
{
	static const struct option longs[] = {
		{"addr", required_argument, NULL, 'a'},
		{"peer", required_argument, NULL, 'e'},
		{"port", required_argument, NULL, 'p'},
		{"netns", required_argument, NULL, 'n'},
		{"ctl", required_argument, NULL, 'c'},
		{"pcap", required_argument, NULL, 'w'},
		{"sysctl", required_argument, NULL, 's'},
		{"close-by", required_argument, NULL, 'b'},
		{"keepalive-timeout", required_argument, NULL, 't'},
		{"keepalive-requests", required_argument, NULL, 'r'},
		{"closing", required_argument, NULL, 'C'},
		{"offload", required_argument, NULL, 'O'},
		{"tun", required_argument, NULL, 'T'},
		{"link", required_argument, NULL, 'L'},
		{"gateway", required_argument, NULL, 'G'},
		{"state", required_argument, NULL, 'S'},
		{"state-force", no_argument, NULL, 'F'},
		{"quiet-time", optional_argument, NULL, 'Q'},
		{"bench", no_argument, NULL, 'B'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c, code;

	while ((c = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return -1;
		}
		if (c == '?' || c == ':')
			return tool_bad_option(c, argv);
		code = parse_option(s, c, optarg);
		if (code)
			return code;
	}
	if (optind < argc)
		s->dir = argv[optind++];
	if (optind < argc)
		return tool_usage("%s: one directory is enough", argv[optind]);
	return TOOL_OK;
}

static int set_defaults(struct serve *s)
{
	struct stack_options *o = &s->stack_options;
	int code;

	if ((o->has_gateway[0] || o->has_gateway[1]) &&
	    o->link_type != LULL_LINK_ETHER)
		return tool_usage("--gateway: with --link tap");
	if (o->state && !s->netns_given)
		return tool_usage("--state %s: with --netns NAME, of a "
				  "namespace that stays: ip netns add NAME",
				  o->state);
	if (!o->state && (o->state_force || o->quiet_s))
		return tool_usage("%s: with --state FILE",
				  o->quiet_s ? "--quiet-time"
					     : "--state-force");
	if (!o->closing)
		o->closing = o->state ? CLOSING_KEPT : CLOSING;
	if (o->addrs_len)
		return TOOL_OK;
	code = stack_add_prefix(o->addrs, &o->addrs_len, "10.9.3.2/24",
				"--addr");
	if (!code)
		code = stack_add_prefix(o->addrs, &o->addrs_len,
					"fd00:9:3::2/64", "--addr");
	return code;
}

/* ---- running ---- */

static int open_dir(struct serve *s)
{
	int e = store_open(&s->store, s->dir);

	if (e == -ENOENT || e == -ENOTDIR)
		return tool_error(TOOL_COULD_NOT,
				  "%s: no such directory; lull "
				  "serve DIR",
				  s->dir);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "%s: %s", s->dir,
				  strerror(-e));
	return TOOL_OK;
}

static int open_http(struct serve *s)
{
	int e;

	s->http_options.shard = s->stack.shard;
	s->http_options.store = s->store;
	e = http_create(&s->http, &s->http_options);
	if (e == 0)
		e = http_listen(s->http, (uint16_t)s->port, BACKLOG);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "port %u: %s",
				  (unsigned)s->port, strerror(-e));
	return TOOL_OK;
}

static int open_loop(struct serve *s)
{
	struct lull_loop_config config = {
		.size = sizeof config,
		.shard = s->stack.shard,
		.link = s->stack.link,
		.on_events = on_events,
		.on_drain = on_drain,
		.arg = s,
	};
	int e = lull_loop_create(&s->loop, &config);

	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "a run loop: %s",
				  strerror(-e));
	e = lull_control_create(&s->control, s->loop, s->stack.shard, s->ctl);
	if (e == -EADDRINUSE)
		return tool_error(TOOL_COULD_NOT,
				  "%s: another lull answers "
				  "there; choose another --ctl",
				  s->ctl);
	if (e == -EEXIST)
		return tool_error(TOOL_COULD_NOT,
				  "--ctl %s: there is something else, which "
				  "stays; choose another --ctl",
				  s->ctl);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "--ctl %s: %s", s->ctl,
				  strerror(-e));
	return TOOL_OK;
}

static void say_ready(struct serve *s)
{
	char url[LULL_ADDR_TEXT + 32];

	if (s->stack.rootless) /* one that has no name */
		snprintf(s->netns, sizeof s->netns, "/proc/%d/ns/net",
			 (int)getpid());
	stack_url(&s->stack_options.addrs[0].addr, (uint16_t)s->port, url,
		  sizeof url);
	if (s->stack.rootless)
		tool_error(TOOL_OK,
			   "not root: reach it with nsenter -t %d -U -n "
			   "--preserve-credentials",
			   (int)getpid());
	printf("ready %s netns=%s ctl=%s\n", url, s->netns, s->ctl);
	fflush(stdout);
}

static int run(struct serve *s)
{
	struct sigaction action = {.sa_handler = on_signal};
	int e;

	signalled = s->loop;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	warn_init(&s->warn, s->stack.shard);
	lull_loop_timer(s->loop, TICK_MS, on_tick, s);
	say_ready(s);
	e = lull_loop_run(s->loop);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "the TUN device is gone: %s",
				  strerror(-e));
	return TOOL_OK;
}

static int serve(struct serve *s)
{
	int code = open_dir(s);

	s->stack_options.netns = s->netns;
	s->stack_options.may_rootless = !s->netns_given;
	s->stack_options.conns = CONNS;
	if (!code)
		code = stack_open(&s->stack, &s->stack_options);
	if (!code)
		code = open_http(s);
	if (!code)
		code = open_loop(s);
	if (!code)
		code = run(s);
	lull_control_destroy(s->control);
	lull_loop_destroy(s->loop);
	http_destroy(s->http);
	store_close(s->store);
	if (s->stack.shard) {
		int closed = stack_close(&s->stack);

		code = code ? code : closed;
	}
	return code < 0 ? TOOL_OK : code;
}

int cmd_serve(int argc, char **argv)
{
	static struct serve s;
	int code;

	s.dir = ".";
	s.port = 80;
	s.http_options.keepalive_s = 60;
	s.http_options.keepalive_most = 1000;
	snprintf(s.netns, sizeof s.netns, "lull-%d", (int)getpid());
	stack_ctl_default(s.ctl, sizeof s.ctl);
	code = parse(&s, argc, argv);
	if (code)
		return code < 0 ? TOOL_OK : code;
	code = set_defaults(&s);
	return code ? code : serve(&s);
}
