/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scene.c: one scenario, from its seed to its verdict.
 *
 * Entry points: scene_run, scene_at, scene_find, scene_harm.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "scene.h"

#define SECOND 1000000000ULL

enum {
	TURNS_MAX = 100000,
	ENOUGH_S = 3 * 3600, /* by then all is done */
	ATTEMPT_S = 1200,    /* and each attempt has ended by then */
	QUIET_S = 2 * 3600,
};

static const struct scenario scenarios[] = {
	{.name = "plain", .help = "faults of the path alone"},
	{.name = "wandering",
	 .help = "SYN, text, FIN and RST of old incarnations come again",
	 .box = BOX_RECORD},
	{.name = "last-ack",
	 .help = "most of the client's last ACKs are lost",
	 .box = BOX_RECORD | BOX_LAST_ACK},
	{.name = "snat",
	 .help = "two clients behind one address and eight ports",
	 .box = BOX_RECORD | BOX_SNAT,
	 .breaks = true},
	{.name = "balancer",
	 .help = "each SYN goes to one of two servers with clocks of their own",
	 .box = BOX_RECORD | BOX_BALANCE,
	 .breaks = true},
	{.name = "strip-some",
	 .help = "timestamps are stripped from the SYN of every other connection",
	 .box = BOX_RECORD | BOX_STRIP_SOME,
	 .slow = true},
	{.name = "strip-all",
	 .help = "timestamps are stripped from all SYNs",
	 .box = BOX_RECORD | BOX_STRIP_ALL,
	 .slow = true},
	{.name = "isn",
	 .help = "both ISNs are rewritten, anew for each connection",
	 .box = BOX_RECORD | BOX_ISN,
	 .late_rst = true},
	{.name = "ts-random",
	 .help = "both timestamp offsets are drawn anew for each connection",
	 .box = BOX_RECORD | BOX_TS,
	 .slow = true},
	{.name = "no-paws",
	 .help = "no timestamp of the client's looks old to the server",
	 .box = BOX_RECORD | BOX_NO_PAWS},
	{.name = "same-tick",
	 .help = "the server's timestamps tick once a second",
	 .box = BOX_RECORD | BOX_SLOW_CLOCK | BOX_LAST_ACK},
	{.name = "client-tick",
	 .help = "the client's timestamps tick once a second",
	 .box = BOX_RECORD | BOX_SLOW_CLIENT,
	 .breaks = true},
	{.name = "restart",
	 .help = "the server loses all, and comes back with another key",
	 .box = BOX_RECORD,
	 .restart = true,
	 .breaks = true},
	{.name = "lapped",
	 .help = "a client sends 2^30 bytes: that pair must rest for 2MSL",
	 .box = BOX_RECORD,
	 .few = 2 * REUSES, /* two seconds each */
	 .bulk = true},
	{.name = "control",
	 .help = "no timestamps, tcp_rfc1337=0: old bytes must be seen to come",
	 .box = BOX_RECORD | BOX_STRIP_ALL,
	 .slow = true,
	 .no_1337 = true,
	 .control = true},
};

const struct scenario *scene_at(int i)
{
	int n = (int)(sizeof scenarios / sizeof scenarios[0]);

	return i < n ? &scenarios[i] : NULL;
}

const struct scenario *scene_find(const char *name)
{
	const struct scenario *k;

	for (int i = 0; (k = scene_at(i)); i++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

void scene_harm(struct scene *s, const char *format, ...)
{
	char what[sizeof s->w.result->why];
	va_list args;

	if (s->w.result->failed)
		return;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	s->w.result->expected =
		s->kind->control || s->reuse == REUSE_LINUX || scene_forgot(s);
	sim_fail(&s->w, "%s", what);
}

/* ---- creation ---- */

static void knob(struct scene *s, int host, const char *name, const char *value)
{
	int e = lull_sysctl_set(s->w.host[host].shard, name, value, NULL);

	if (e < 0)
		sim_fail(&s->w, "%s = %s: %d", name, value, e);
}

static struct lull_prefix address(const struct scene *s, int last)
{
	static const struct lull_addr net[2] = {
		{.b = {[10] = 0xff, [11] = 0xff, 10}},
		{.b = {0xfd}},
	};
	struct lull_prefix p = {.addr = net[s->v6], .bits = 128};

	p.addr.b[15] = (uint8_t)last; /* the box reads it */
	return p;
}

static void make_config(struct scene *s, struct lull_config *c, bool client)
{
	struct lull_limits *l = &c->limits;

	lull_config_init(c, 64, 64);
	l->conns = l->half_open = 64;
	l->closing = l->closing6 = 256;
	l->socks = 256;
	l->listeners = 4;
	l->bufs_256 = 2048;
	l->bufs_2k = 4096;
	l->bufs_64k = 8;
	l->ranges = 4096;
	l->rx_frames = 1024;
	l->tx_frames = 256;
	l->traces = 16384;
	c->mtu = SCENE_MTU;
	if (s->kind->bulk) { /* large segments cost little */
		l->bufs_64k = 512;
		c->mtu = UINT16_MAX;
	}
	for (size_t k = 0; k < sizeof c->key; k++)
		c->key[k] = (uint8_t)sim_draw(&s->w);
	if (!client && s->linux_server)
		c->profile = LULL_PROFILE_LINUX;
}

static void add_host(struct scene *s, int i, int last)
{
	bool client = i < SCENE_CLIENTS;
	struct host *h = &s->w.host[i];
	struct lull_config config;
	struct lull_listen l = {
		.size = sizeof l,
		.port_lo = 80,
		.backlog = 32,
		.cookie = 1,
	};

	make_config(s, &config, client);
	h->addr[0] = address(s, last);
	if (lull_memory_map(&config.limits, &h->memory) < 0 ||
	    lull_shard_init(&h->shard, &config, h->memory, s->w.now_ns, NULL) <
		    0 ||
	    lull_addr_add(h->shard, h->addr[0], false) < 0 ||
	    lull_memnet_attach(s->w.net, h->shard, h->addr, 1) < 0 ||
	    (!client && lull_sock_listen(h->shard, &l, &h->listener) < 0)) {
		sim_fail(&s->w, "host %d could not be made", i);
		return;
	}
	s->w.hosts = i + 1;
	/* With 0, Linux's default, a server loses its TIME_WAIT to a RST, and
	 * old bytes come whether we reuse a pair or not: see control. */
	knob(s, i, "net.ipv4.tcp_rfc1337", s->kind->no_1337 ? "0" : "1");
	if (s->kind->bulk) {
		knob(s, i, "net.ipv4.tcp_rmem", "4096 4194304 4194304");
		knob(s, i, "net.ipv4.tcp_wmem", "4096 4194304 4194304");
	}
	if (!client)
		return;
	knob(s, i, "net.ipv4.ip_local_port_range", "40000 40007");
	if (s->reuse == REUSE_LINUX)
		knob(s, i, "net.ipv4.tcp_tw_reuse", "1");
	if (s->reuse != REUSE_SAFE)
		knob(s, i, "net.lull.tcp_tw_reuse_safe", "0");
}

static void draw_faults(struct scene *s)
{
	struct world *w = &s->w;
	struct lull_faults *f = &w->faults;

	f->delay_ns = sim_below(w, SECOND / 50);
	f->jitter_ns = sim_chance(w, 50) ? sim_below(w, SECOND / 100) : 0;
	if (sim_chance(w, 60))
		f->loss_ppm = (uint32_t)sim_below(w, 30000);
	if (sim_chance(w, 40))
		f->dup_ppm = (uint32_t)sim_below(w, 30000);
	if (sim_chance(w, 40)) {
		f->reorder_ppm = (uint32_t)sim_below(w, 100000);
		f->reorder_ns = sim_below(w, SECOND / 2);
	}
	lull_memnet_faults(w->net, f);
}

/* A fast path: 2^30 bytes take seconds, with a window of 4 MB. */
static void draw_fast_faults(struct scene *s)
{
	struct world *w = &s->w;
	struct lull_faults *f = &w->faults;

	f->delay_ns = SECOND / 1000 + sim_below(w, SECOND / 100);
	if (sim_chance(w, 60))
		f->loss_ppm = (uint32_t)sim_below(w, 300);
	if (sim_chance(w, 40))
		f->dup_ppm = (uint32_t)sim_below(w, 1000);
	if (sim_chance(w, 40)) {
		f->reorder_ppm = (uint32_t)sim_below(w, 300);
		f->reorder_ns = sim_below(w, SECOND / 2);
	}
	lull_memnet_faults(w->net, f);
}

static void on_frame(void *arg, uint64_t now_ns, int port,
		     const struct lull_frame *frame)
{
	struct scene *s = arg;

	sim_hash(&s->w, &now_ns, sizeof now_ns);
	sim_hash(&s->w, &port, sizeof port);
	sim_check_frame(&s->w, frame);
	rules_tap_sent(&s->w, port, frame);
	if (s->w.options->pcap)
		lull_pcap_write(s->w.options->pcap, now_ns, false, frame);
}

/* What the seed says by its number alone: scene.h says why. */
static void take_turns(struct scene *s)
{
	uint64_t seed = s->w.options->seed;

	s->reuse = (enum reuse)(seed % REUSES);
	s->linux_server = seed / REUSES % 2;
	s->closer = (enum closer)(seed / (REUSES * 2UL) % CLOSERS);
	s->v6 = (s->reuse + s->linux_server + s->closer +
		 seed / (REUSES * 2UL * CLOSERS)) %
		2;
	if (s->kind->control)
		s->closer = CLOSER_SERVER;
	/* A server that takes a SYN for its timestamp (RFC 6191), and then no
	 * notice of timestamps, is lost by its own doing. And what has lapped
	 * is to rest at the client. */
	if (s->kind->box & BOX_NO_PAWS || s->kind->bulk)
		s->closer = s->closer % 2 ? CLOSER_HALF : CLOSER_CLIENT;
}

static void create(struct scene *s)
{
	static const char *const reuses[] = {"off", "linux", "safe"};
	static const char *const closers[] = {"client", "server", "both",
					      "client by half"};
	struct lull_memnet_config config = {.size = sizeof config};

	s->w.random = s->w.options->seed;
	s->w.now_ns = SECOND + sim_below(&s->w, 1000 * SECOND);
	s->w.on_state = scene_state;
	take_turns(s);
	config.seed = sim_draw(&s->w);
	if (lull_memnet_create(&s->w.net, &config) < 0) {
		sim_fail(&s->w, "no memory");
		return;
	}
	lull_memnet_tap(s->w.net, on_frame, s);
	lull_memnet_heard(s->w.net, rules_tap_heard, &s->w);
	s->w.rules = rules_new(&s->w);
	lull_memnet_box(s->w.net, scene_box, s);
	if (s->kind->bulk)
		draw_fast_faults(s);
	else
		draw_faults(s);
	s->clients = s->kind->box & BOX_SNAT ? 2 : 1;
	s->server = SCENE_CLIENTS;
	s->servers = s->kind->box & BOX_BALANCE ? 2 : 1;
	for (int i = 0; i < SCENE_CLIENTS; i++)
		add_host(s, i, i + 1);
	for (int i = 0; i < s->servers; i++)
		add_host(s, SCENE_CLIENTS + i, SCENE_CLIENTS + 1);
	s->restart_ns = s->kind->restart
				? s->w.now_ns + sim_below(&s->w, 20 * SECOND)
				: UINT64_MAX;
	s->next_try_ns = s->w.now_ns;
	/* Else each names its port, and meets what is there. */
	s->any_port = s->closer == CLOSER_CLIENT || s->closer == CLOSER_HALF ||
		      (s->closer == CLOSER_BOTH && sim_chance(&s->w, 50));
	s->fast = s->kind->control || sim_chance(&s->w, 50);
	if (s->kind->bulk) {
		s->fast = false; /* 2MSL would be too many attempts */
		s->bulk = 1 + (uint32_t)sim_below(&s->w, SCENE_PORTS);
	}
	sim_trace(&s->w,
		  "%s: IPv%d, reuse %s, %s closes first, server's profile %s%s",
		  s->kind->name, s->v6 ? 6 : 4, reuses[s->reuse],
		  closers[s->closer], s->linux_server ? "linux" : "lull",
		  s->fast ? ", fast" : "");
}

/* ---- time ---- */

static bool run_host(struct scene *s, int i)
{
	struct host *h = &s->w.host[i];
	bool any = false;

	for (int turn = 0; turn < TURNS_MAX && !s->w.result->failed; turn++) {
		struct lull_work work = lull_shard_run(h->shard, s->w.now_ns);

		h->deadline_ns = work.deadline_ns;
		sim_check_states(&s->w, i);
		if (work.events)
			scene_events(s, i);
		else if (!work.more || work.tx)
			return any;
		any = true;
	}
	sim_fail(&s->w, "host %d never comes to rest", i);
	return false;
}

static void settle(struct scene *s)
{
	for (int turn = 0; turn < TURNS_MAX && !s->w.result->failed; turn++) {
		bool any = false;

		for (int i = 0; i < s->w.hosts; i++)
			any |= run_host(s, i);
		any |= lull_memnet_step(s->w.net, s->w.now_ns) > 0;
		if (!any)
			return;
	}
	sim_fail(&s->w, "the world never comes to rest");
}

/* Everything is lost but the address. */
static void restart(struct scene *s)
{
	int next = s->server + 1;

	scene_gone(s, s->server);
	sim_trace(&s->w, "the server restarts");
	add_host(s, next, SCENE_CLIENTS + 1);
	s->server = next;
	s->servers++;
	s->restart_ns = s->servers < SCENE_LIVES
				? s->w.now_ns + sim_below(&s->w, 60 * SECOND)
				: UINT64_MAX;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_moment(const struct scene *s)
{
	uint64_t next = lull_memnet_deadline(s->w.net);

	for (int i = 0; i < s->w.hosts; i++)
		next = earlier(next, s->w.host[i].deadline_ns);
	next = earlier(next, s->restart_ns);
	return earlier(next, s->next_try_ns);
}

/* Leads out of a scene at once: --until, or an assertion that failed. */
static jmp_buf scene_over;
static struct scene *panic_scene;

static void on_panic(const char *file, int line, const char *what)
{
	sim_fail(&panic_scene->w, "%s:%d: %s", file, line, what);
	longjmp(scene_over, 1);
}

static void pass(struct scene *s, uint64_t end_ns)
{
	struct world *w = &s->w;

	while (!w->result->failed) {
		uint64_t next;

		if (s->next_try_ns <= w->now_ns) {
			s->next_try_ns = w->now_ns + 1 +
					 sim_below(w, s->fast ? SECOND / 40
							      : SECOND / 2);
			scene_begin(s);
		}
		if (s->restart_ns <= w->now_ns)
			restart(s);
		settle(s);
		rules_look(w->rules);
		next = next_moment(s);
		if (next > end_ns)
			break;
		if (next > w->now_ns)
			w->now_ns = next;
		if (w->options->until_ns && w->now_ns > w->options->until_ns)
			longjmp(scene_over, 1);
	}
	w->now_ns = end_ns;
}

/* ---- the phases ---- */

static void check_ages(struct scene *s)
{
	for (uint32_t i = 1; i <= s->attempts; i++) {
		const struct attempt *a = &s->attempt[i];

		if (!a->over && s->w.now_ns - a->begun_ns > ATTEMPT_S * SECOND)
			sim_fail(&s->w, "attempt %u never ends", i);
	}
}

static bool empty(const struct scene *s)
{
	for (int i = 0; i < s->w.hosts; i++) {
		uint64_t count[LULL_TCP_STATES];

		lull_diag_states(s->w.host[i].shard, count);
		for (int k = 0; k < LULL_TCP_STATES; k++)
			if (count[k] && (s->servers == 1 || i < SCENE_CLIENTS ||
					 i == s->server))
				return false;
	}
	return true;
}

static bool wants_more(const struct scene *s)
{
	return s->succeeded < SCENE_WANTED ||
	       (s->kind->bulk && !s->lapped_again);
}

/* Else a box that overlooks a family, say, would attack nothing. What is old
 * when a pair comes again late, or what looks old, there need not be. */
static void check_box(struct scene *s)
{
	uint32_t must = s->kind->box & ~(uint32_t)(BOX_RECORD | BOX_NO_PAWS);

	if (must & ~s->box.did)
		sim_fail(&s->w, "the box did not do 0x%x", must & ~s->box.did);
}

static void live(struct scene *s)
{
	uint64_t start = s->w.now_ns, first_ns = start;

	while (wants_more(s) && !s->w.result->failed) {
		if (s->w.now_ns - start > ENOUGH_S * SECOND)
			sim_fail(&s->w, "only %u of %u attempts succeeded",
				 s->succeeded, s->attempts);
		pass(s, s->w.now_ns + 10 * SECOND);
		check_ages(s);
	}
	/* No more of them; and everything ends. */
	s->next_try_ns = s->restart_ns = UINT64_MAX;
	while (s->open && !s->w.result->failed) {
		pass(s, s->w.now_ns + 10 * SECOND);
		check_ages(s);
	}
	for (int i = SCENE_CLIENTS; i < s->w.hosts; i++)
		lull_sock_close(s->w.host[i].shard, s->w.host[i].listener);
	start = s->w.now_ns;
	while (!empty(s) && !s->w.result->failed) {
		if (s->w.now_ns - start > QUIET_S * SECOND)
			sim_fail(&s->w, "connections are left");
		pass(s, s->w.now_ns + 10 * SECOND);
	}
	sim_trace(&s->w,
		  "%u attempts, %u refused, %u old segments came again, %u "
		  "timestamps made new in %.0f s",
		  s->attempts, s->refused, s->box.replayed, s->box.renewed,
		  (double)(s->w.now_ns - first_ns) / SECOND);
	check_box(s);
	if (s->kind->bulk)
		scene_pair_end(s);
}

static void destroy(struct scene *s)
{
	lull_memnet_destroy(s->w.net);
	for (int i = 0; i < s->w.hosts; i++) {
		if (!s->w.result->failed &&
		    (i < SCENE_CLIENTS || s->servers == 1))
			sim_check_pools(&s->w, i);
		lull_memory_unmap(&s->w.host[i].memory);
	}
}

void scene_run(const struct scenario *kind, const struct sim_options *options,
	       struct sim_result *result)
{
	struct scene *s = calloc(1, sizeof *s);

	*result = (struct sim_result){.hash = 0xcbf29ce484222325U};
	if (!s) {
		result->failed = true;
		snprintf(result->why, sizeof result->why, "no memory");
		return;
	}
	s->w.options = options;
	s->w.result = result;
	s->kind = kind;
	panic_scene = s;
	sim_on_panic(on_panic);
	if (setjmp(scene_over) == 0) {
		create(s);
		if (!result->failed)
			live(s);
		destroy(s);
	}
	sim_on_panic(NULL);
	rules_free(s->w.rules);
	free(s);
}
