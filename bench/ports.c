/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ports.c: how long the choice of a port takes, towards one destination, with
 * more and more of its ports in TIME_WAIT. A line of JSON for each.
 *
 * usage: ports [ROUNDS]      median and worst of so many calls (20000)
 */
#include <stdio.h>
#include <stdlib.h>

#include <lull/host.h>

#include "shard.h"

enum {
	LO = 32768,
	PORTS = 28232
};

static struct lull_shard *make(void)
{
	struct lull_config config;
	struct lull_memory memory;
	struct lull_shard *s;

	lull_config_init(&config, 1024, 2 * PORTS);
	if (lull_key_make(&config) < 0 ||
	    lull_memory_map(&config.limits, &memory) < 0 ||
	    lull_shard_init(&s, &config, memory, lull_clock_ns(), NULL) < 0)
		exit(3);
	return s;
}

static struct lull_tuple to(uint16_t lport)
{
	return (struct lull_tuple){
		.local = {.b = {[10] = 0xff, [11] = 0xff, 10, 9, 3, 2}},
		.remote = {.b = {[10] = 0xff, [11] = 0xff, 10, 9, 3, 1}},
		.lport = lport,
		.rport = 80,
	};
}

static void take(struct lull_tcp *t, uint16_t port)
{
	struct lull_closing_new from = {
		.tuple = to(port),
		.flags = LULL_CLOSING_ACTIVE | LULL_CLOSING_TS,
	};
	uint32_t hash = (uint32_t)lull_hash_tuple(t->g->keys.flow, &from.tuple);

	if (lull_tcp_find(t, hash, &from.tuple))
		return;
	if (!lull_closing_make(t, &from, hash, 0, LULL_TCP_TIME_WAIT, 600000))
		exit(3);
	lull_tcp_moved(t, &from.tuple, LULL_TCP_CLOSED, LULL_TCP_TIME_WAIT,
		       from.snd_nxt, from.rcv_nxt);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* All but `left` ports, anywhere, are taken. */
static void fill(struct lull_tcp *t, uint32_t left)
{
	uint16_t port[PORTS];

	for (uint32_t i = 0; i < PORTS; i++)
		port[i] = (uint16_t)(LO + i);
	for (uint32_t i = PORTS - 1; i > 0; i--) {
		uint32_t k = (uint32_t)random() % (i + 1);
		uint16_t p = port[i];

		port[i] = port[k];
		port[k] = p;
	}
	for (uint32_t i = left; i < PORTS; i++)
		take(t, port[i]);
}

static void measure(uint32_t left, uint32_t rounds)
{
	struct lull_shard *s = make();
	uint64_t *ns = calloc(rounds, sizeof *ns);
	uint32_t failed = 0;

	if (!ns)
		exit(3);
	fill(&s->tcp, left);
	for (uint32_t i = 0; i < rounds; i++) {
		struct lull_place place = {.tuple = to(0)};
		struct lull_why why = {.size = sizeof why};
		uint64_t begin = lull_clock_ns();

		failed += lull_port_choose(&s->tcp, &place, &why) < 0;
		ns[i] = lull_clock_ns() - begin;
	}
	qsort(ns, rounds, sizeof *ns, by_value);
	printf("{\"free\":%u,\"of\":%u,\"calls\":%u,\"failed\":%u,"
	       "\"median_ns\":%lu,\"p99_ns\":%lu,\"worst_ns\":%lu}\n",
	       left, PORTS, rounds, failed, ns[rounds / 2],
	       ns[rounds / 100 * 99], ns[rounds - 1]);
	free(ns);
}

int main(int argc, char **argv)
{
	static const uint32_t left[] = {PORTS, PORTS / 2, 282, 28, 1, 0};
	uint32_t rounds = argc > 1 ? (uint32_t)atoi(argv[1]) : 20000;

	if (rounds < 100 || rounds > 1000000) {
		fprintf(stderr, "ports: ROUNDS: from 100 to 1000000\n");
		return 64;
	}
	for (uint32_t i = 0; i < sizeof left / sizeof left[0]; i++)
		measure(left[i], rounds);
	return 0;
}
