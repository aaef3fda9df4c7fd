/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fill_state.c: fill a state file with TIME_WAITs, and die: fill_state FILE N.
 *
 * Two stacks in memory open and close N connections to 10.9.3.2:80, from many
 * addresses; ours closes first, and has its records in FILE. Then SIGKILL.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lull/diag.h>
#include <lull/host.h>

enum {
	AT_ONCE = 500,
	PORTS = 50000, /* of each address */
	TURNS = 1000000,
};

static struct lull_shard *us, *peer;
static struct lull_memnet *net;
static struct lull_sock listener;
static uint64_t now_ns;

static void must(int e, const char *what)
{
	if (e >= 0)
		return;
	fprintf(stderr, "fill_state: %s: %s\n", what, strerror(-e));
	exit(3);
}

static struct lull_prefix prefix(const char *text)
{
	struct lull_prefix p;

	must(lull_prefix_parse(text, &p), text);
	return p;
}

static void open_peer(void)
{
	struct lull_config c;
	struct lull_memory m;

	lull_config_init(&c, AT_ONCE * 2, 1);
	must(lull_key_make(&c), "key");
	must(lull_memory_map(&c.limits, &m), "memory");
	must(lull_shard_init(&peer, &c, m, now_ns, NULL), "shard");
	must(lull_addr_add(peer, prefix("10.77.0.1/16"), true), "address");
}

static void open_us(const char *path, uint32_t n)
{
	struct lull_config c;
	struct lull_state_config file = {
		.size = sizeof file, .path = path, .limits = &c.limits};
	struct lull_state_why why = {.size = sizeof why};
	struct lull_listen l = {
		.size = sizeof l, .port_lo = 80, .backlog = AT_ONCE};
	struct lull_state *state;
	struct lull_memory m;

	lull_config_init(&c, AT_ONCE * 2, n);
	if (lull_state_open(&state, &file, &why) < 0) {
		fprintf(stderr, "fill_state: %s: %s\n", path, why.text);
		exit(3);
	}
	must(lull_memory_map(&c.limits, &m), "memory");
	must(lull_state_lend(state, &c, &m), "memory");
	must(lull_shard_init(&us, &c, m, now_ns, NULL), "shard");
	must(lull_addr_add(us, prefix("10.9.3.2/24"), false), "address");
	must(lull_sysctl_set(us, "net.lull.tcp_timewait_len", "600", NULL),
	     "tcp_timewait_len");
	must(lull_sock_listen(us, &l, &listener), "listen");
}

static void step(void)
{
	now_ns = lull_clock_ns();
	(void)lull_shard_run(us, now_ns);
	(void)lull_shard_run(peer, now_ns);
	(void)lull_memnet_step(net, now_ns);
}

static uint64_t time_waits(void)
{
	uint64_t count[LULL_TCP_STATES];

	lull_diag_states(us, count);
	return count[LULL_TCP_TIME_WAIT];
}

/* Open some, have all of them closed. */
static void some(uint32_t from, uint32_t n)
{
	struct lull_sock mine[AT_ONCE], sock;
	struct lull_event e[64];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = from + i;
		struct lull_connect to = {
			.size = sizeof to,
			.remote = {prefix("10.9.3.2").addr, 80},
			.local = {prefix("10.77.0.1").addr,
				  (uint16_t)(1024 + k % PORTS)},
		};

		to.local.addr.b[14] = (uint8_t)(k / PORTS);
		must(lull_sock_connect(peer, &to, &mine[i], NULL), "connect");
	}
	for (int i = 0; i < TURNS && lull_diag_conns(us) < n; i++)
		step();
	for (uint32_t got = 0, i = 0; got < n && i < TURNS; i++) {
		step();
		while (lull_sock_accept(us, listener, 0, &sock) == 0) {
			lull_sock_close(us, sock);
			got++;
		}
	}
	for (int i = 0; i < 8; i++)
		step();
	for (uint32_t i = 0; i < n; i++)
		lull_sock_close(peer, mine[i]);
	for (int i = 0; i < TURNS && time_waits() < from + n; i++)
		step();
	while (lull_events_get(us, e, 64) + lull_events_get(peer, e, 64) > 0)
		;
}

int main(int argc, char **argv)
{
	uint32_t n = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	struct lull_memnet_config config = {.size = sizeof config};
	struct lull_prefix ours, peers;

	if (!n)
		return 64;
	now_ns = lull_clock_ns();
	open_us(argv[1], n);
	open_peer();
	ours = prefix("10.9.3.2");
	peers = prefix("10.77.0.0/16");
	must(lull_memnet_create(&net, &config), "network");
	must(lull_memnet_attach(net, us, &ours, 1), "network");
	must(lull_memnet_attach(net, peer, &peers, 1), "network");
	for (uint32_t i = 0; i < n; i += AT_ONCE)
		some(i, n - i < AT_ONCE ? n - i : AT_ONCE);
	if (time_waits() != n)
		must(-1, "they are not in TIME_WAIT");
	return raise(SIGKILL);
}
