/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.c: stacks, network and time of one seed.
 *
 * Time jumps from one thing that is due to the next. Everything that is drawn
 * comes from one generator in the order of events, so a run repeats exactly.
 *
 * Entry points: sim_run, sim_draw, sim_below, sim_chance and their likes of a
 * kind, sim_fail, sim_trace, sim_hash, sim_on_panic.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "middle.h"
#include "net.h"
#include "rules.h"
#include "wire.h"

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

bool sim_has(const struct world *w, enum kind kind)
{
	return w->kinds & KIND_BIT(kind);
}

static uint64_t roll(struct world *w, enum kind kind)
{
	uint64_t z = w->dice[kind] += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

uint64_t sim_below_of(struct world *w, enum kind kind, uint64_t n)
{
	return n ? roll(w, kind) % n : 0;
}

bool sim_chance_of(struct world *w, enum kind kind, uint32_t percent)
{
	return sim_below_of(w, kind, 100) < percent;
}

uint64_t sim_scale_of(struct world *w, enum kind kind, uint64_t lo, uint64_t hi)
{
	uint64_t steps = 0;

	while (lo << (steps + 1) <= hi)
		steps++;
	lo <<= sim_below_of(w, kind, steps + 1);
	lo += sim_below_of(w, kind, lo);
	return lo < hi ? lo : hi;
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

/* From now on the n-th get of the pool fails, in each stack; 0: none does. */
static void fail_pools(struct world *w, uint32_t n)
{
	for (int i = 0; i < w->hosts && w->options->fail; i++)
		if (!w->host[i].down &&
		    lull_pool_fail(w->host[i].shard, w->options->fail, n) < 0)
			sim_fail(w, "no pool %s that may fail",
				 w->options->fail);
}

static void create(struct world *w)
{
	char kinds[512];

	w->random = w->options->seed;
	w->kinds = kinds_of(w->options->seed) & ~w->options->without;
	for (int i = 0; i < KINDS; i++)
		w->dice[i] = kind_dice(w->options->seed, (enum kind)i);
	if (sim_has(w, KIND_GSO)) /* a path for large segments */
		w->kinds &= ~(KIND_BIT(KIND_MTU) | KIND_BIT(KIND_CUT) |
			      KIND_BIT(KIND_JOIN));
	w->now_ns = SECOND + sim_below(w, 1000 * SECOND);
	kinds_format(w->kinds, kinds, sizeof kinds);
	sim_trace(w, "kinds: %s", kinds);
	w->hosts = 2 + (int)sim_below(w, SIM_HOSTS_MAX - 1);
	w->path = net_create(w);
	w->middle = middle_create(w);
	w->wire = wire_create();
	if (!w->path || !w->middle || !w->wire) {
		sim_fail(w, "no memory");
		return;
	}
	/* What a host has no room for (--fail) it may leave out. */
	w->rules = w->options->fail ? NULL : rules_new(w);
	/* What is joined to a packet on its way is faster than the path. */
	rules_path(w->rules, net_is_clean(w),
		   sim_has(w, KIND_JOIN) ? 0 : net_rtt_ns(w));
	for (int i = 0; i < w->hosts; i++)
		sim_add_host(w, i);
	if (!w->result->failed)
		fail_pools(w, w->options->fail_n);
	w->conns_left = SIM_CONNS;
	if (w->options->conns && w->options->conns < SIM_CONNS)
		w->conns_left = (int)w->options->conns;
	w->mean_gap_ns = 1 + sim_below(w, SECOND);
	w->next_conn_ns = w->now_ns;
}

static void check_end(struct world *w)
{
	net_give_back(w);
	for (int i = 0; i < w->hosts; i++) {
		sim_check_pools(w, i);
		sim_check_limits(w, i);
	}
}

static void destroy(struct world *w)
{
	net_destroy(w->path);
	free(w->middle);
	wire_destroy(w->wire);
	for (int i = 0; i < w->hosts; i++) {
		lull_memory_unmap(&w->host[i].memory);
		free(w->host[i].image);
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

	if (!sim_is_awake(w, i))
		return false;
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
		any |= net_step(w) > 0;
		if (!any)
			return;
	}
	sim_fail(w, "the world never comes to rest");
}

static uint64_t next_moment(const struct world *w)
{
	uint64_t next = net_deadline(w);

	for (int i = 0; i < w->hosts; i++)
		if (sim_is_awake(w, i))
			next = earlier(next, w->host[i].deadline_ns);
	next = earlier(next, sim_hosts_deadline(w));
	for (int i = 0; i < w->sides; i++)
		next = earlier(next, w->side[i].wake_ns);
	if (w->conns_left)
		next = earlier(next, w->next_conn_ns);
	return next;
}

static void programs(struct world *w)
{
	sim_hosts_act(w);
	while (w->conns_left && w->next_conn_ns <= w->now_ns) {
		w->conns_left--;
		w->next_conn_ns += 1 + sim_below(w, 2 * w->mean_gap_ns);
		if (sim_has(w, KIND_FLOOD) && !w->flood &&
		    sim_chance_of(w, KIND_FLOOD, 4))
			w->flood =
				10 + (uint32_t)sim_below_of(w, KIND_FLOOD, 40);
		if (w->flood) {
			w->flood--;
			w->next_conn_ns = w->now_ns;
		}
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
		wire_check(w);
		rules_look(w->rules);
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
		sim_knob(w, i, "net.ipv4.tcp_max_orphans", 1000);
		sim_knob(w, i, "net.ipv4.tcp_abort_on_overflow", 0);
		/* A cookie whose ACK found the queue full ends in RST. */
		sim_knob(w, i, "net.ipv4.tcp_syncookies", 0);
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
	for (int i = 0; i < w->hosts; i++)
		if (!w->host[i].down)
			sim_check_limits(w, i);
	w->quiet = true;
	fail_pools(w, 0);
	net_quiet(w);
	rules_quiet(w->rules);
	sim_hosts_quiet(w);
	sim_programs_quiet(w);
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
		if (!result->failed)
			check_end(w);
	}
	panic_world = NULL;
	destroy(w);
	rules_free(w->rules);
	free(w);
}
