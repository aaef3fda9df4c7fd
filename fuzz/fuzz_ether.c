/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_ether.c: Ethernet frames, connections and time into a live shard whose
 * caches are small.
 *
 * The input is a list of steps of eight bytes: frames of ARP and Neighbor
 * Discovery that are well-formed but for what the step says, pings, SYNs of
 * ours, time; what is left at the end is a frame as it stands. The bounds of
 * the caches hold; at the end, when no timer is left,
 * every pool must be empty.
 */
#include "fuzz.h"

enum {
	STEP = 8,
	STEPS_MAX = 64, /* more bring little that is new, and take their time */
	ETHER = 14,
};

struct world {
	struct lull_shard *shard;
	uint64_t now_ns;
};

static const uint8_t us4[4] = {10, 9, 3, 2};
static const uint8_t us6[16] = {0xfd, [15] = 2};
static const uint8_t station[6] = {2, 0, 0, 0, 0, 2};

static void create(struct world *w)
{
	static struct fuzz_memory memory;
	const struct lull_prefix own4 = {
		{{[10] = 0xff, [11] = 0xff, 10, 9, 3, 2}}, 120};
	const struct lull_prefix own6 = {{{0xfd, [15] = 2}}, 64};
	struct lull_addr gateway = own4.addr;
	struct lull_config c;

	lull_config_init(&c, 8, 8);
	fuzz_limits(&c.limits);
	c.limits.rx_frames = c.limits.tx_frames = 8;
	c.link_type = LULL_LINK_ETHER;
	memcpy(c.mac, station, 6);
	gateway.b[15] = 1;
	w->now_ns = 1000000000;
	w->shard = fuzz_shard(&memory, &c, w->now_ns);
	MUST(lull_addr_add(w->shard, own4, false) == 0 &&
	     lull_addr_add(w->shard, own6, false) == 0 &&
	     lull_gateway_set(w->shard, &gateway) == 0);
}

/* What leaves is a frame of ours, whole. */
static void drain(struct world *w)
{
	struct lull_frame f;

	while (lull_tx_peek(w->shard, &f, 1) == 1) {
		const uint8_t *p = f.span[0].ptr;

		MUST(f.len >= ETHER + 28 && f.span[0].len >= ETHER &&
		     memcmp(p + 6, station, 6) == 0);
		lull_tx_done(w->shard, 1);
	}
}

static struct lull_work run(void *arg)
{
	struct world *w = arg;
	struct lull_event e;
	struct lull_work work;
	int turns = 0;

	do {
		work = lull_shard_run(w->shard, w->now_ns);
		drain(w);
		while (lull_events_get(w->shard, &e, 1) > 0)
			if (e.bits & LULL_EVENT_ERROR)
				lull_sock_close(w->shard, e.sock);
		MUST(++turns < 10000); /* it never comes to rest */
	} while (work.more);
	return work;
}

static void put_frame(struct world *w, const uint8_t *p, uint32_t len)
{
	struct lull_frame f;

	if (lull_rx_get(w->shard, &f, 1) != 1)
		return;
	f.len = len < f.span[0].len ? len : (uint32_t)f.span[0].len;
	memcpy(f.span[0].ptr, p, f.len);
	MUST(lull_rx_put(w->shard, &f, 1) == 1);
	run(w);
}

/* From station s[1], to us or to all; one byte may be wrong. */
static void send_frame(struct world *w, uint8_t *p, uint32_t len,
		       const uint8_t s[STEP])
{
	memcpy(p, station, 6);
	if (s[2] & 1)
		memset(p, 0xff, 6);
	else if (s[2] & 2)
		p[0] = p[1] = 0x33;
	memcpy(p + 6, station, 6);
	p[11] = s[1];
	if (s[6] < len)
		p[s[6]] ^= s[7];
	put_frame(w, p, s[2] & 4 ? len - 1 : len);
}

static void arp(struct world *w, const uint8_t s[STEP])
{
	uint8_t p[ETHER + 28] = {[12] = 8, 6, 0, 1, 8, 0, 6, 4, 0};
	uint8_t *a = p + ETHER;

	a[7] = 1 + (s[3] & 1);
	memcpy(a + 8, station, 6);
	a[13] = s[1];
	memcpy(a + 14, us4, 4);
	a[17] = s[4];
	memcpy(a + 18, station, 6);
	memcpy(a + 24, us4, 4);
	a[27] = s[5];
	send_frame(w, p, sizeof p, s);
}

/* An ICMPv6 message from neighbour s[4], with its header and checksum. */
static void icmp6(struct world *w, uint8_t *p, uint32_t n,
		  const uint8_t s[STEP])
{
	uint8_t *ip = p + ETHER, *m = ip + 40;
	uint32_t sum = 58 + n;

	p[12] = 0x86;
	p[13] = 0xdd;
	ip[0] = 0x60;
	ip[5] = (uint8_t)n;
	ip[6] = 58;
	ip[7] = 255;
	memcpy(ip + 8, us6, 16);
	ip[23] = s[4];
	if (s[3] & 0x80)
		memset(ip + 8, 0, 16);
	memcpy(ip + 24, us6, 16);
	if (s[3] & 0x40) {
		memset(ip + 24, 0, 16);
		memcpy(ip + 24, "\xff\x02", 2);
		memcpy(ip + 35, "\x01\xff", 2);
		ip[39] = s[5];
	}
	sum = fuzz_sum(fuzz_sum(sum, ip + 8, 32), m, n);
	fuzz_put16(m + 2, fuzz_fold(sum));
	send_frame(w, p, ETHER + 40 + n, s);
}

static void nd(struct world *w, const uint8_t s[STEP])
{
	uint8_t p[ETHER + 40 + 32] = {0};
	uint8_t *m = p + ETHER + 40;

	m[0] = 133 + (s[3] & 7); /* routers', redirects, and no such type */
	m[4] = (uint8_t)(s[3] << 2);
	memcpy(m + 8, us6, 16);
	m[23] = s[5];
	m[24] = m[0] == 136 ? 2 : 1;
	m[25] = 1;
	memcpy(m + 26, station, 6);
	m[31] = s[1];
	icmp6(w, p, s[2] & 8 ? 24 : 32, s);
}

static void ping(struct world *w, const uint8_t s[STEP])
{
	uint8_t p[ETHER + 40 + 8] = {0};

	p[ETHER + 40] = 128;
	icmp6(w, p, 8, s);
}

static void connect_one(struct world *w, const uint8_t s[STEP])
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {{{[10] = 0xff, [11] = 0xff, 10, 9, 3, s[4]}}, 80},
	};
	struct lull_sock sock;

	if (s[3] & 1)
		c.remote.addr = (struct lull_addr){{0xfd, [15] = s[4]}};
	if (s[3] & 2)
		c.remote.addr.b[12] = s[5]; /* beyond the link */
	(void)!lull_sock_connect(w->shard, &c, &sock, NULL);
	run(w);
}

static void step(struct world *w, const uint8_t s[STEP])
{
	static const uint32_t unit_ms[] = {1, 100, 1000, 30000};

	switch (s[0] % 6) {
	case 0:
	case 1:
		arp(w, s);
		break;
	case 2:
		nd(w, s);
		break;
	case 3:
		ping(w, s);
		break;
	case 4:
		connect_one(w, s);
		break;
	default:
		w->now_ns += (1 + s[2] % 64U) * UINT64_C(1000000) *
			     unit_ms[s[1] & 3];
		run(w);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {0};
	int steps = 0;

	create(&w);
	for (; size >= STEP && steps < STEPS_MAX; size -= STEP, data += STEP) {
		step(&w, data);
		steps++;
	}
	if (size > 0)
		put_frame(&w, data, (uint32_t)size);
	fuzz_run_out(w.shard, &w.now_ns, run, &w);
	return 0;
}
