/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.c: the stacks of a random world. They begin with limits and knobs that
 * are drawn; some stand still for a while, as a virtual machine does that is
 * paused; some crash, and come again with what a state file kept, or nothing.
 *
 * Entry points: sim_add_host, sim_hosts_act, sim_hosts_quiet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "rules.h"
#include "temper.h"
#include "wire.h"

#define SECOND 1000000000ULL
#define MS     1000000ULL

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
	if (sim_has(w, KIND_TIGHT))
		l->bufs_2k = (uint32_t)sim_scale_of(w, KIND_TIGHT, 64, 512);
}

static void set_knob(struct world *w, int host, const char *name,
		     const char *value)
{
	if (lull_sysctl_set(w->host[host].shard, name, value, NULL) < 0)
		sim_fail(w, "%s = %s refused", name, value);
}

void sim_note_knob(struct world *w, int host, const char *name,
		   const char *value)
{
	struct host *h = &w->host[host];

	if (h->knobs == SIM_KNOBS_MAX)
		abort();
	h->knob[h->knobs].name = name;
	snprintf(h->knob[h->knobs].value, sizeof h->knob[0].value, "%s", value);
	h->knobs++;
}

void sim_knob(struct world *w, int host, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%lu", value);
	set_knob(w, host, name, text);
}

static void note_number(struct world *w, int host, const char *name,
			uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%lu", value);
	sim_note_knob(w, host, name, text);
}

/*
 * Never, when the queue is full, or always. Not where segments wander, nor
 * where pairs come again at once, behind a NAT too, nor where a server comes
 * again with its key:
 * an ACK brings its cookie even when the connection was given up, and who
 * knows the pair alone can't tell it from the next one.
 */
static uint64_t cookies_of(const struct world *w, int host)
{
	if (sim_has(w, KIND_REORDER) || sim_has(w, KIND_FEW_PORTS) ||
	    sim_has(w, KIND_CRASH) || sim_has(w, KIND_NAT))
		return 0;
	return (w->options->seed + (uint64_t)host) % 3;
}

static void draw_knobs(struct world *w, int host)
{
	static const struct {
		const char *name;
		uint8_t percent;
		uint32_t lo, n;
	} draw[] = {
		{"net.lull.tcp_timewait_len", 50, 1, 120},
		{"net.ipv4.tcp_fin_timeout", 50, 1, 120},
		{"net.ipv4.tcp_rfc1337", 20, 0, 2},
		{"net.ipv4.tcp_max_orphans", 20, 0, 20},
		{"net.ipv4.tcp_abort_on_overflow", 20, 1, 1},
		{"net.ipv4.tcp_mtu_probing", 30, 0, 3},
		{"net.ipv4.tcp_ecn", 30, 0, 3},
		{"net.ipv4.tcp_frto", 20, 0, 3},
		{"net.ipv4.tcp_dsack", 20, 0, 2},
		{"net.ipv4.tcp_early_retrans", 20, 0, 5},
		{"net.ipv4.tcp_slow_start_after_idle", 20, 0, 2},
		{"net.ipv4.tcp_retries2", 20, 5, 11},
		{"net.ipv4.tcp_orphan_retries", 20, 1, 8},
		{"net.ipv4.tcp_max_tw_buckets", 20, 1, 200},
		{"net.ipv4.tcp_moderate_rcvbuf", 20, 0, 2},
		{"net.lull.tcp_pacing", 30, 0, 2},
		{"net.lull.tcp_tw_reuse_safe", 20, 0, 2},
	};
	enum kind k = KIND_KNOBS;
	char rmem[40];

	note_number(w, host, "net.ipv4.tcp_syncookies", cookies_of(w, host));
	if (!sim_has(w, k))
		return;
	for (size_t i = 0; i < sizeof draw / sizeof draw[0]; i++)
		if (sim_chance_of(w, k, draw[i].percent))
			note_number(w, host, draw[i].name,
				    draw[i].lo + sim_below_of(w, k, draw[i].n));
	if (sim_chance_of(w, k, 30))
		sim_note_knob(w, host, "net.ipv4.tcp_congestion_control",
			      "reno");
	if (sim_chance_of(w, k, 40)) {
		snprintf(rmem, sizeof rmem, "4096 %lu 6291456",
			 8192 + sim_below_of(w, k, 400000));
		sim_note_knob(w, host, "net.ipv4.tcp_rmem", rmem);
	}
}

/* `restore`: what the image has goes on; NULL: nothing is left. */
static void start(struct world *w, int i, struct lull_restore *restore)
{
	struct host *h = &w->host[i];

	if (lull_memory_map(&h->config.limits, &h->memory) < 0) {
		sim_fail(w, "no memory");
		return;
	}
	if (restore)
		memcpy(h->memory.closing, h->image, h->memory.closing_len);
	if (lull_shard_init(&h->shard, &h->config, h->memory, w->now_ns,
			    restore) < 0 ||
	    lull_addr_add(h->shard, h->addr[0], false) < 0 ||
	    lull_addr_add(h->shard, h->addr[1], false) < 0 ||
	    lull_sock_listen(h->shard, &h->listen, &h->listener) < 0) {
		sim_fail(w, "host %d could not be made", i);
		return;
	}
	if (net_link_cap(w))
		lull_link_use(h->shard, net_link_cap(w));
	sim_watch_stores(w, i);
	h->trace_cursor = 0;
	h->deadline_ns = w->now_ns;
	sim_trace(w, "host %d: profile %s, MTU %u%s", i,
		  h->config.profile == LULL_PROFILE_LINUX ? "linux" : "lull",
		  h->config.mtu, h->has_state ? ", a state file" : "");
	for (int k = 0; k < h->knobs; k++) {
		set_knob(w, i, h->knob[k].name, h->knob[k].value);
		sim_trace(w, "host %d: %s = %s", i, h->knob[k].name,
			  h->knob[k].value);
	}
}

static void draw_key(struct world *w, struct host *h, enum kind kind)
{
	for (size_t k = 0; k < sizeof h->config.key; k++)
		h->config.key[k] = (uint8_t)sim_below_of(w, kind, 256);
}

static bool may_act(const struct world *w)
{
	return sim_has(w, KIND_CRASH) || sim_has(w, KIND_SLEEP);
}

void sim_add_host(struct world *w, int i)
{
	struct host *h = &w->host[i];

	h->listen = (struct lull_listen){
		.size = sizeof h->listen,
		.flags = LULL_LISTEN_REUSEADDR, /* as servers do that restart */
		.port_lo = 80,
		.backlog = 1 + (uint32_t)sim_below(w, 64),
		.cookie = 1,
	};
	lull_config_init(&h->config, 64, 64);
	draw_limits(w, &h->config.limits);
	h->config.profile =
		sim_chance(w, 30) ? LULL_PROFILE_LINUX : LULL_PROFILE_LULL;
	h->config.mtu =
		sim_chance(w, 20) ? 1280 + (uint32_t)sim_below(w, 700) : 1500;
	for (size_t k = 0; k < sizeof h->config.key; k++)
		h->config.key[k] = (uint8_t)sim_draw(w);
	h->addr[0] = address(i, false);
	h->addr[1] = address(i, true);
	h->has_state =
		sim_has(w, KIND_STATE) && sim_chance_of(w, KIND_STATE, 70);
	h->act_ns = may_act(w) ? w->now_ns + sim_below_of(w, KIND_CRASH,
							  60 * SECOND)
			       : UINT64_MAX;
	draw_knobs(w, i);
	temper_draw(w, i);
	start(w, i, NULL);
}

/* ---- standing still ---- */

bool sim_is_awake(const struct world *w, int host)
{
	return !w->host[host].down && w->host[host].awake_ns <= w->now_ns;
}

static void sleep_until(struct world *w, int i, uint64_t until_ns)
{
	struct host *h = &w->host[i];

	sim_trace(w, "host %d stands still until %.6f", i,
		  (double)until_ns / SECOND);
	h->awake_ns = until_ns;
	/* Its programs stand still as well. */
	for (int k = 0; k < w->sides; k++)
		if (w->side[k].host == i && w->side[k].wake_ns < until_ns)
			w->side[k].wake_ns = until_ns;
}

/* One host, or the whole world: a leap of the clock for each of them. */
static void fall_asleep(struct world *w, int i)
{
	uint64_t until_ns = w->now_ns + sim_scale_of(w, KIND_SLEEP, 100 * MS,
						     3 * 3600 * SECOND);
	bool all = sim_chance_of(w, KIND_SLEEP, 20);

	for (int k = 0; k < w->hosts; k++)
		if (k == i || (all && sim_is_awake(w, k)))
			sleep_until(w, k, until_ns);
}

/* ---- crash ---- */

static void crash(struct world *w, int i)
{
	struct host *h = &w->host[i];
	uint64_t down_ns = sim_scale_of(w, KIND_CRASH, MS, 120 * SECOND);

	free(h->image);
	h->image = NULL;
	/* What it does now is kept; what it says is never heard. */
	(void)lull_shard_run(h->shard, w->now_ns);
	sim_check_states(w, i);
	sim_check_limits(w, i);
	if (h->has_state) {
		sim_check_image(w, i);
		h->image = malloc(h->memory.closing_len);
		if (!h->image)
			abort();
		memcpy(h->image, h->memory.closing, h->memory.closing_len);
	}
	h->answers = sim_chance_of(w, KIND_CRASH, 50);
	sim_trace(w, "host %d crashes%s%s", i,
		  h->has_state ? ", with a state file" : "",
		  h->answers ? "; its kernel answers" : "");
	sim_gone(w, i);
	net_forget(w, i);
	wire_forget(w, i);
	rules_gone(w->rules, i);
	lull_memory_unmap(&h->memory);
	h->shard = NULL;
	h->down = true;
	h->act_ns = w->now_ns + down_ns;
}

static void come_again(struct world *w, int i)
{
	struct lull_restore restore = {.size = sizeof restore};
	struct host *h = &w->host[i];

	h->down = false;
	h->act_ns = w->now_ns + sim_below_of(w, KIND_CRASH, 60 * SECOND);
	if (!h->image) {
		draw_key(w, h, KIND_CRASH);
		start(w, i, NULL);
		sim_trace(w, "host %d comes again", i);
		return;
	}
	start(w, i, &restore);
	sim_trace(w, "host %d comes again with %u TIME-WAIT, %u FIN-WAIT-2", i,
		  restore.time_wait, restore.fin_wait_2);
}

static void act(struct world *w, int i)
{
	struct host *h = &w->host[i];

	if (h->down) {
		come_again(w, i);
		return;
	}
	h->act_ns = w->now_ns + sim_below_of(w, KIND_CRASH, 60 * SECOND);
	if (!sim_is_awake(w, i))
		return;
	if (!sim_has(w, KIND_CRASH) ||
	    (sim_has(w, KIND_SLEEP) && sim_chance_of(w, KIND_SLEEP, 50)))
		fall_asleep(w, i);
	else
		crash(w, i);
}

void sim_hosts_act(struct world *w)
{
	for (int i = 0; i < w->hosts; i++)
		if (w->host[i].act_ns <= w->now_ns)
			act(w, i);
}

/* When one acts, or wakes up. */
uint64_t sim_hosts_deadline(const struct world *w)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < w->hosts; i++) {
		const struct host *h = &w->host[i];

		if (h->act_ns < next)
			next = h->act_ns;
		if (h->awake_ns > w->now_ns && h->awake_ns < next)
			next = h->awake_ns;
	}
	return next;
}

void sim_hosts_quiet(struct world *w)
{
	for (int i = 0; i < w->hosts; i++) {
		struct host *h = &w->host[i];

		if (h->down)
			come_again(w, i);
		h->act_ns = UINT64_MAX;
		if (h->awake_ns > w->now_ns)
			h->awake_ns = w->now_ns;
		for (int k = 0; k < w->sides; k++)
			if (w->side[k].host == i &&
			    w->side[k].wake_ns != UINT64_MAX)
				w->side[k].wake_ns = w->now_ns;
	}
}
