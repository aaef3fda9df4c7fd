/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.c: stacks, network and time of one seed.
 *
 * Time jumps from one thing that is due to the next. Everything that is drawn
 * comes from one generator in the order of events, so a run repeats exactly.
 *
 * Entry points: sim_run, sim_draw, sim_below, sim_chance, sim_fail, sim_trace,
 * sim_hash, sim_on_panic.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define SECOND 1000000000ULL

enum {
	TURNS_MAX = 100000, /* at one moment: more is a loop */
	QUIET_S = 2 * 3600, /* by then all must have ended */
};

/* ---- chance, failure, trace ---- */

uint64_t sim_draw(struct world *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

uint64_t sim_below(struct world *w, uint64_t n)
{
	return n ? sim_draw(w) % n : 0;
}

bool sim_chance(struct world *w, uint32_t percent)
{
	return sim_below(w, 100) < percent;
}

void sim_fail(struct world *w, const char *format, ...)
{
	va_list args;

	if (w->result->failed)
		return;
	w->result->failed = true;
	va_start(args, format);
	vsnprintf(w->result->why, sizeof w->result->why, format, args);
	va_end(args);
	sim_trace(w, "FAILED: %s", w->result->why);
}

void sim_trace(struct world *w, const char *format, ...)
{
	va_list args;

	if (!w->options->trace)
		return;
	fprintf(w->options->trace, "%12.6f ", (double)w->now_ns / 1e9);
	va_start(args, format);
	vfprintf(w->options->trace, format, args);
	va_end(args);
	fputc('\n', w->options->trace);
}

void sim_hash(struct world *w, const void *p, size_t len)
{
	const uint8_t *byte = p;
	uint64_t h = w->result->hash, word;

	/* FNV-1a, a word at a time while there is one: every byte that is sent
	 * comes by here. */
	for (; len >= sizeof word; byte += sizeof word, len -= sizeof word) {
		memcpy(&word, byte, sizeof word);
		h = (h ^ word) * 0x100000001b3U;
		h ^= h >> 29; /* what is high counts below as well */
	}
	for (; len > 0; byte++, len--)
		h = (h ^ *byte) * 0x100000001b3U;
	w->result->hash = h;
}

/* ---- creation ---- */

static struct lull_prefix address(int host, bool v6)
{
	struct lull_prefix p = {.bits = 128};
	uint8_t last = (uint8_t)(host + 1);

	if (v6)
		p.addr = (struct lull_addr){.b = {0xfd, [15] = last}};
	else
		p.addr = (struct lull_addr){
			.b = {[10] = 0xff, [11] = 0xff, 10, 0, 0, last}};
	return p;
}

static void draw_limits(struct world *w, struct lull_limits *l)
{
	l->conns = 16 + (uint32_t)sim_below(w, 200);
	l->half_open = 4 + (uint32_t)sim_below(w, 64);
	l->closing = 2 + (uint32_t)sim_below(w, 200);
	l->closing6 = 2 + (uint32_t)sim_below(w, 200);
	l->socks = l->conns + 16 + (uint32_t)sim_below(w, 200);
	l->listeners = 4;
	l->bufs_256 = 128 + (uint32_t)sim_below(w, 2000);
	l->bufs_2k = 1024 + (uint32_t)sim_below(w, 4000);
	l->bufs_64k = 8;
	l->ranges = 64 + (uint32_t)sim_below(w, 4000);
	l->rx_frames = 256;
	l->tx_frames = 16U << sim_below(w, 6);
	l->traces = 16384;
}

static void knob(struct world *w, int host, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%lu", value);
	if (lull_sysctl_set(w->host[host].shard, name, text, NULL) < 0)
		sim_fail(w, "%s = %s refused", name, text);
}

/*
 * Never, when the queue is full, or always. Not where segments wander, nor
 * where pairs come again at once: an ACK brings its cookie even when the
 * connection was given up, and who knows the pair alone can't tell it from the
 * next one. Not drawn, so that older seeds make the same worlds.
 */
static uint64_t cookies_of(const struct world *w, int host)
{
	if (w->faults.reorder_ns > SECOND || w->few_ports)
		return 0;
	return (w->options->seed + (uint64_t)host) % 3;
}

static void draw_knobs(struct world *w, int host)
{
	char rmem[64];

	if (sim_chance(w, 30))
		knob(w, host, "net.ipv4.tcp_timestamps", sim_below(w, 3));
	if (sim_chance(w, 30))
		knob(w, host, "net.ipv4.tcp_window_scaling", sim_below(w, 2));
	if (sim_chance(w, 50))
		knob(w, host, "net.lull.tcp_timewait_len",
		     1 + sim_below(w, 120));
	if (sim_chance(w, 50))
		knob(w, host, "net.ipv4.tcp_fin_timeout",
		     1 + sim_below(w, 120));
	if (sim_chance(w, 20))
		knob(w, host, "net.ipv4.tcp_rfc1337", sim_below(w, 2));
	if (sim_chance(w, 20))
		knob(w, host, "net.ipv4.tcp_max_orphans", sim_below(w, 20));
	if (sim_chance(w, 20))
		knob(w, host, "net.ipv4.tcp_abort_on_overflow", 1);
	if (sim_chance(w, 40)) {
		uint64_t first = 8192 + sim_below(w, 400000);

		snprintf(rmem, sizeof rmem, "4096 %lu 6291456", first);
		if (lull_sysctl_set(w->host[host].shard, "net.ipv4.tcp_rmem",
				    rmem, NULL) < 0)
			sim_fail(w, "tcp_rmem = %s refused", rmem);
	}
}

static void add_host(struct world *w, int i)
{
	struct host *h = &w->host[i];
	struct lull_config config;
	struct lull_listen l = {
		.size = sizeof l,
		.port_lo = 80,
		.backlog = 1 + (uint32_t)sim_below(w, 64),
		.cookie = 1,
	};

	lull_config_init(&config, 64, 64);
	draw_limits(w, &config.limits);
	config.profile =
		sim_chance(w, 30) ? LULL_PROFILE_LINUX : LULL_PROFILE_LULL;
	config.mtu =
		sim_chance(w, 20) ? 1280 + (uint32_t)sim_below(w, 700) : 1500;
	for (size_t k = 0; k < sizeof config.key; k++)
		config.key[k] = (uint8_t)sim_draw(w);
	h->addr[0] = address(i, false);
	h->addr[1] = address(i, true);
	if (lull_memory_map(&config.limits, &h->memory) < 0 ||
	    lull_shard_init(&h->shard, &config, h->memory, w->now_ns, NULL) <
		    0 ||
	    lull_addr_add(h->shard, h->addr[0], false) < 0 ||
	    lull_addr_add(h->shard, h->addr[1], false) < 0 ||
	    lull_memnet_attach(w->net, h->shard, h->addr, 2) < 0 ||
	    lull_sock_listen(h->shard, &l, &h->listener) < 0)
		sim_fail(w, "host %d could not be made", i);
	else
		draw_knobs(w, i);
}

/* Each fault is there or not, and how strong is drawn too. */
static void draw_faults(struct world *w)
{
	struct lull_faults *f = &w->faults;

	if (sim_chance(w, 60))
		f->loss_ppm = (uint32_t)sim_below(w, 200000);
	if (sim_chance(w, 40))
		f->dup_ppm = (uint32_t)sim_below(w, 100000);
	if (sim_chance(w, 40))
		f->corrupt_ppm = (uint32_t)sim_below(w, 50000);
	if (sim_chance(w, 50)) {
		f->reorder_ppm = (uint32_t)sim_below(w, 300000);
		/* From a little late to wandering for many seconds. */
		f->reorder_ns = sim_chance(w, 30) ? sim_below(w, 40 * SECOND)
						  : sim_below(w, SECOND / 10);
	}
	if (sim_chance(w, 80)) {
		f->delay_ns = sim_below(w, SECOND / 20);
		f->jitter_ns =
			sim_chance(w, 50) ? sim_below(w, SECOND / 20) : 0;
	}
	if (sim_chance(w, 20))
		f->queue_frames = 8 + (uint32_t)sim_below(w, 100);
}

static void on_frame(void *arg, uint64_t now_ns, int port,
		     const struct lull_frame *frame)
{
	struct world *w = arg;

	sim_hash(w, &now_ns, sizeof now_ns);
	sim_hash(w, &port, sizeof port);
	sim_check_frame(w, frame);
	if (w->options->pcap)
		lull_pcap_write(w->options->pcap, now_ns, false, frame);
}

static void create(struct world *w)
{
	struct lull_memnet_config config = {.size = sizeof config};

	w->random = w->options->seed;
	w->now_ns = SECOND + sim_below(w, 1000 * SECOND);
	config.seed = sim_draw(w);
	/* One in four has a link that carries large frames as they are. */
	if (w->options->seed % 4 == 3)
		config.link_cap =
			LULL_LINK_TX_CSUM | LULL_LINK_TX_GSO | LULL_LINK_RX_GSO;
	if (lull_memnet_create(&w->net, &config) < 0) {
		sim_fail(w, "no memory");
		return;
	}
	lull_memnet_tap(w->net, on_frame, w);
	draw_faults(w);
	w->hosts = 2 + (int)sim_below(w, SIM_HOSTS_MAX - 1);
	for (int i = 0; i < w->hosts; i++)
		add_host(w, i);
	lull_memnet_faults(w->net, &w->faults);
	w->conns_left = SIM_CONNS;
	w->few_ports = sim_chance(w, 30);
	for (int i = 0; i < w->hosts; i++)
		knob(w, i, "net.ipv4.tcp_syncookies", cookies_of(w, i));
	w->mean_gap_ns = 1 + sim_below(w, SECOND);
	w->next_conn_ns = w->now_ns;
}

static void destroy(struct world *w)
{
	lull_memnet_destroy(w->net);
	for (int i = 0; i < w->hosts; i++) {
		if (!w->result->failed)
			sim_check_pools(w, i);
		lull_memory_unmap(&w->host[i].memory);
	}
}

/* ---- time ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* One host, until it has nothing more to do now. Returns: did anything happen?
 */
static bool run_host(struct world *w, int i)
{
	struct host *h = &w->host[i];
	bool any = false;

	for (int turn = 0; turn < TURNS_MAX && !w->result->failed; turn++) {
		struct lull_work work = lull_shard_run(h->shard, w->now_ns);

		h->deadline_ns = work.deadline_ns;
		sim_check_states(w, i);
		if (work.events)
			sim_events(w, i);
		else if (!work.more || work.tx)
			return any; /* a full queue waits for the network */
		any = true;
	}
	sim_fail(w, "host %d never comes to rest", i);
	return false;
}

/* Everything that happens at this moment. */
static void settle(struct world *w)
{
	for (int turn = 0; turn < TURNS_MAX && !w->result->failed; turn++) {
		bool any = false;

		for (int i = 0; i < w->hosts; i++)
			any |= run_host(w, i);
		any |= lull_memnet_step(w->net, w->now_ns) > 0;
		if (!any)
			return;
	}
	sim_fail(w, "the world never comes to rest");
}

static uint64_t next_moment(const struct world *w)
{
	uint64_t next = lull_memnet_deadline(w->net);

	for (int i = 0; i < w->hosts; i++)
		next = earlier(next, w->host[i].deadline_ns);
	for (int i = 0; i < w->sides; i++)
		next = earlier(next, w->side[i].wake_ns);
	if (w->conns_left)
		next = earlier(next, w->next_conn_ns);
	return next;
}

static void programs(struct world *w)
{
	while (w->conns_left && w->next_conn_ns <= w->now_ns) {
		w->conns_left--;
		w->next_conn_ns += 1 + sim_below(w, 2 * w->mean_gap_ns);
		sim_begin(w);
	}
	for (int i = 0; i < w->sides; i++)
		if (w->side[i].wake_ns <= w->now_ns)
			sim_wake(w, &w->side[i]);
}

/* Leads out of a world at once: --until, or an assertion that failed. */
static jmp_buf world_over;

/* Up to `end_ns`, or until something failed. */
static void pass(struct world *w, uint64_t end_ns)
{
	while (!w->result->failed) {
		uint64_t next;

		programs(w);
		settle(w);
		next = next_moment(w);
		if (next > end_ns)
			break;
		if (next > w->now_ns)
			w->now_ns = next;
		if (w->options->until_ns && w->now_ns > w->options->until_ns)
			longjmp(world_over, 1);
	}
	w->now_ns = end_ns;
}

/* ---- the phases ---- */

static const struct side *still_open(const struct world *w)
{
	for (int i = 0; i < w->sides; i++)
		if (w->side[i].open)
			return &w->side[i];
	return NULL;
}

static bool empty(const struct world *w)
{
	for (int i = 0; i < w->hosts; i++) {
		uint64_t count[LULL_TCP_STATES], sum = 0;

		lull_diag_states(w->host[i].shard, count);
		for (int k = 0; k < LULL_TCP_STATES; k++)
			sum += count[k];
		if (sum)
			return false;
	}
	return true;
}

/* Until every program has come to its end. */
static void pass_to_end(struct world *w)
{
	uint64_t start = w->now_ns;
	const struct side *s;

	while ((s = still_open(w)) && !w->result->failed) {
		if (w->now_ns - start > QUIET_S * SECOND)
			sim_fail(w,
				 "side %d never ends: plan %d, wrote %lu of "
				 "%lu, read %lu, eof %d",
				 (int)(s - w->side), s->plan, s->written,
				 s->to_write, s->read, s->eof);
		pass(w, w->now_ns + 10 * SECOND);
	}
}

/* After the faults: whatever they did, new connections succeed. */
static void again(struct world *w)
{
	/* What is half-open, or nobody's, has given up by then. */
	pass(w, w->now_ns + 1000 * SECOND);
	for (int i = 0; i < w->hosts; i++) { /* knobs that mean to break off */
		knob(w, i, "net.ipv4.tcp_max_orphans", 1000);
		knob(w, i, "net.ipv4.tcp_abort_on_overflow", 0);
	}
	w->sure = true;
	w->conns_left = SIM_SURE;
	w->next_conn_ns = w->now_ns;
	while (w->conns_left && !w->result->failed)
		pass(w, w->now_ns + SECOND);
	pass_to_end(w);
	if (!w->result->failed)
		sim_check_sure(w);
}

static void live(struct world *w)
{
	uint64_t start;

	/* Safety: faults, until some time after the last connection began. */
	while (w->conns_left && !w->result->failed)
		pass(w, w->now_ns + SECOND);
	pass(w, w->now_ns + sim_below(w, 60 * SECOND));
	/* Liveness: a good network, and everything ends. */
	sim_trace(w, "the faults stop");
	lull_memnet_faults(w->net, &(struct lull_faults){0});
	pass_to_end(w);
	again(w);
	for (int i = 0; i < w->hosts; i++)
		lull_sock_close(w->host[i].shard, w->host[i].listener);
	start = w->now_ns;
	while (!empty(w) && !w->result->failed) {
		if (w->now_ns - start > QUIET_S * SECOND)
			sim_fail(w, "connections are left");
		pass(w, w->now_ns + 10 * SECOND);
	}
	pass(w, w->now_ns + 200 * SECOND);
}

static struct world *panic_world;
static void (*panic_hook)(const char *file, int line, const char *what);

void sim_on_panic(void (*hook)(const char *file, int line, const char *what))
{
	panic_hook = hook;
}

/* An assertion of a stack failed: this seed is over. */
void lull_panic(const char *file, int line, const char *what)
{
	if (panic_hook)
		panic_hook(file, line, what);
	if (!panic_world) {
		fprintf(stderr, "%s:%d: %s\n", file, line, what);
		abort();
	}
	sim_fail(panic_world, "%s:%d: %s", file, line, what);
	longjmp(world_over, 1);
}

void sim_run(const struct sim_options *options, struct sim_result *result)
{
	struct world *w = calloc(1, sizeof *w);

	*result = (struct sim_result){.hash = 0xcbf29ce484222325U};
	if (!w) {
		result->failed = true;
		snprintf(result->why, sizeof result->why, "no memory");
		return;
	}
	w->options = options;
	w->result = result;
	panic_world = w;
	if (setjmp(world_over) == 0) {
		create(w);
		if (!result->failed)
			live(w);
		destroy(w);
	}
	panic_world = NULL;
	free(w);
}
