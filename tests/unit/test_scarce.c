/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_scarce.c: the n-th get of each pool fails, for all n, over a day in the
 * life of two shards: handshakes, text over a link that loses, half-closes,
 * resets, pairs of TIME_WAITs used again, listeners, fragments, neighbours.
 * The day ends as without it, with empty pools; no byte is false; and what
 * docs/limits.md says of that pool has happened.
 */
#include "rig.h"
#include "lan.h"

#include <stdio.h>

enum {
	SIDES = 2,
	PROGS = 16,
	CLIENTS = 6, /* at a time */
	TEXT = 5000, /* each way */
	PORT = 80,
	FIRST_PORT = 5000, /* a small range, so that it has a map */
	LAST_PORT = 5015,
	ROUNDS = 3,
	TURNS = 3000,
	GETS_MAX = 5000,
};

enum plan {
	CLIENT_CLOSES,
	SERVER_CLOSES,
	HALF_CLOSES,
	ABORTS,
	PLANS,
};

struct kind {
	enum lull_profile profile;
	uint32_t link_cap;
};

struct prog {
	bool open, client, eof;
	enum plan plan;
	int side;
	struct lull_sock sock;
	uint32_t written, read;
};

struct day {
	struct lull_shard *s[SIDES];
	struct lull_memory memory[SIDES];
	struct lull_memnet *net;
	uint64_t now_ns, deadline_ns[SIDES];
	struct prog prog[PROGS];
	int progs;
	struct lull_sock listener;
	uint16_t port[CLIENTS]; /* of the last round's clients */
	uint32_t refused;	/* calls that said -ENFILE */
};

/* ---- the shards ---- */

static struct lull_addr address(int side, bool v6)
{
	struct lull_addr a = {.b = {0xfd, [15] = (uint8_t)(side + 1)}};

	if (!v6)
		a = (struct lull_addr){.b = {[10] = 0xff,
					     [11] = 0xff,
					     10,
					     0,
					     0,
					     (uint8_t)(side + 1)}};
	return a;
}

static void set(struct day *d, int side, const char *name, const char *value)
{
	assert_int_equal(lull_sysctl_set(d->s[side], name, value, NULL), 0);
}

/* The link keeps 32 buffers of 2 KB for what comes. */
static void some_of_all(struct lull_limits *l)
{
	l->conns = l->half_open = l->closing = l->closing6 = 16;
	l->listeners = l->destinations = 4;
	l->socks = 32;
	l->bufs_256 = l->bufs_2k = 256;
	l->bufs_64k = 4;
	l->ranges = 256;
	l->rx_frames = l->tx_frames = 64;
	l->traces = 16;
	l->datagrams = 4;
}

/* Memory is used again, see rig_drop(). */
static void make_side(struct day *d, int side, const struct lull_config *config)
{
	static struct lull_memory spare[SIDES];
	static size_t dirty[SIDES];
	struct lull_prefix own[2];

	if (spare[side].mem) {
		memset(spare[side].mem, 0, dirty[side]);
		memset(spare[side].closing, 0, spare[side].closing_len);
	} else {
		assert_int_equal(lull_memory_map(&config->limits, &spare[side]),
				 0);
	}
	d->memory[side] = spare[side];
	assert_int_equal(lull_shard_init(&d->s[side], config, d->memory[side],
					 d->now_ns, NULL),
			 0);
	dirty[side] = (size_t)(d->s[side]->g.bufs.data[LULL_BUF_256] -
			       (uint8_t *)spare[side].mem);
	for (int v6 = 0; v6 < 2; v6++) {
		own[v6] = (struct lull_prefix){address(side, v6), 128};
		assert_int_equal(lull_addr_add(d->s[side], own[v6], false), 0);
	}
	assert_int_equal(lull_memnet_attach(d->net, d->s[side], own, 2), side);
}

static void begin_day(struct day *d, const struct kind *kind)
{
	const struct lull_memnet_config net = {
		.size = sizeof net, .seed = 7, .link_cap = kind->link_cap};
	struct lull_config config;

	memset(d, 0, sizeof *d);
	d->now_ns = 1000000000000;
	assert_int_equal(lull_memnet_create(&d->net, &net), 0);
	lull_config_init(&config, 16, 16);
	some_of_all(&config.limits);
	config.profile = kind->profile;
	for (int side = 0; side < SIDES; side++) {
		memset(config.key, 3 + side, sizeof config.key);
		make_side(d, side, &config);
		set(d, side, "net.ipv4.ip_local_port_range", "5000 5015");
		set(d, side, "net.ipv4.tcp_tw_reuse", "1");
	}
}

/* ---- programs ---- */

static struct prog *new_prog(struct day *d, int side, struct lull_sock sock)
{
	for (int i = 0; i < PROGS; i++) {
		struct prog *p = &d->prog[i];

		if (p->open)
			continue;
		*p = (struct prog){.open = true, .side = side, .sock = sock};
		return p;
	}
	fail_msg("more than %d sockets", PROGS);
	return NULL;
}

static void let_go(struct day *d, struct prog *p, bool by_reset)
{
	p->open = false;
	if (by_reset)
		lull_sock_abort(d->s[p->side], p->sock);
	else
		lull_sock_close(d->s[p->side], p->sock);
}

/* What may go wrong when a pool is empty. */
static void refused(struct day *d, int e)
{
	assert_int_equal(e, -ENFILE);
	d->refused++;
}

static void open_listener(struct day *d)
{
	const struct lull_listen l = {
		.size = sizeof l,
		.flags = LULL_LISTEN_REUSEADDR,
		.port_lo = PORT,
		.backlog = 8,
		.cookie = 1,
	};

	/* Who is refused tries again. */
	while (!d->listener.index) {
		int e = lull_sock_listen(d->s[1], &l, &d->listener);

		if (e < 0)
			refused(d, e);
	}
}

static void open_client(struct day *d, int i, bool v6, bool again)
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {address(1, v6), PORT},
		.local.addr = address(0, v6),
		.cookie = 2,
	};
	struct lull_sock_info info = {.size = sizeof info};
	struct lull_why why = {.size = sizeof why};
	struct lull_sock sock;
	struct prog *p;
	int e;

	if (again && d->port[i])
		c.local.port = d->port[i];
	e = lull_sock_connect(d->s[0], &c, &sock, &why);
	if (e < 0 && again) { /* the pair's record has not gone */
		c.local.port = 0;
		e = lull_sock_connect(d->s[0], &c, &sock, &why);
	}
	if (e < 0) {
		assert_true(why.reason == LULL_WHY_LIMIT_CONNS ||
			    why.reason == LULL_WHY_LIMIT_SOCKS);
		refused(d, e);
		return;
	}
	assert_int_equal(lull_sock_info(d->s[0], sock, &info), 0);
	d->port[i] = info.local.port;
	p = new_prog(d, 0, sock);
	p->client = true;
	p->plan = (enum plan)(i % PLANS);
}

static void accept_all(struct day *d)
{
	struct lull_sock sock;

	while (d->listener.index &&
	       lull_sock_accept(d->s[1], d->listener, 2, &sock) == 0)
		new_prog(d, 1, sock);
}

/* false: it is over. */
static bool read_all(struct day *d, struct prog *p)
{
	uint8_t text[2000];
	long n;

	while ((n = lull_sock_recv(d->s[p->side], p->sock, text, sizeof text)) >
	       0) {
		rig_same(text, (uint32_t)n, p->read);
		p->read += (uint32_t)n;
	}
	p->eof = n == 0;
	return n == 0 || n == -EAGAIN;
}

static bool write_all(struct day *d, struct prog *p)
{
	uint8_t text[TEXT];
	struct lull_span span = {text, TEXT - p->written};
	long n;

	for (uint32_t i = 0; i < span.len; i++)
		text[i] = rig_byte(p->written + i);
	if (!span.len)
		return true;
	n = lull_sock_send(d->s[p->side], p->sock, &span, 1, 0);
	p->written += n > 0 ? (uint32_t)n : 0;
	return n > 0 || n == -EAGAIN;
}

static void act(struct day *d, struct prog *p)
{
	bool fine = write_all(d, p) && read_all(d, p), all;

	if (!fine) {
		let_go(d, p, false);
		return;
	}
	all = p->written == TEXT && p->read == TEXT;
	if (p->eof)
		let_go(d, p, false);
	else if (p->client && p->plan == ABORTS && p->read > TEXT / 2)
		let_go(d, p, true);
	else if (p->client && p->plan == HALF_CLOSES && p->written == TEXT)
		(void)!lull_sock_shutdown(d->s[p->side], p->sock, LULL_SHUT_WR);
	else if (p->client && p->plan == CLIENT_CLOSES && all)
		let_go(d, p, false);
	/* The ports of its clients are even. */
	else if (!p->client && all && d->progs % 2)
		let_go(d, p, false);
}

/* ---- time ---- */

static bool run_side(struct day *d, int side)
{
	struct lull_event e;
	bool any = false;

	for (int turn = 0; turn < TURNS; turn++) {
		struct lull_work work = lull_shard_run(d->s[side], d->now_ns);

		d->deadline_ns[side] = work.deadline_ns;
		any |= work.events > 0;
		while (lull_events_get(d->s[side], &e, 1) == 1)
			;
		if (!work.more || work.tx)
			return any;
	}
	fail_msg("side %d never comes to rest", side);
	return false;
}

static void settle(struct day *d)
{
	for (int turn = 0; turn < TURNS; turn++) {
		bool any = run_side(d, 0);

		any |= run_side(d, 1);
		accept_all(d);
		for (int i = 0; i < PROGS && any; i++)
			if (d->prog[i].open)
				act(d, &d->prog[i]);
		any |= lull_memnet_step(d->net, d->now_ns) > 0;
		if (!any)
			return;
	}
	fail_msg("the day stands still");
}

/* false: nothing is to come, or not before `end_ns`. */
static bool step(struct day *d, uint64_t end_ns)
{
	uint64_t next = lull_memnet_deadline(d->net);

	settle(d);
	for (int side = 0; side < SIDES; side++)
		if (d->deadline_ns[side] < next)
			next = d->deadline_ns[side];
	if (lull_memnet_deadline(d->net) < next)
		next = lull_memnet_deadline(d->net);
	if (next > end_ns || next == UINT64_MAX)
		return false;
	d->now_ns = next > d->now_ns ? next : d->now_ns;
	return true;
}

static bool any_open(const struct day *d)
{
	for (int i = 0; i < PROGS; i++)
		if (d->prog[i].open)
			return true;
	return false;
}

/* ---- the day ---- */

/* Two fragments of an echo request, and one of another that never comes. */
static void send_fragments(struct day *d)
{
	struct lull_addr from = address(0, false), to = address(1, false);

	for (uint8_t i = 0; i < 3; i++) {
		uint8_t p[20 + 24] = {0x45, 0, 0, sizeof p, 0, 1 + i / 2};

		p[6] = i == 1 ? 0 : 0x20; /* more follow */
		p[7] = i == 1 ? 3 : 0;
		p[8] = 64;
		p[9] = 1;
		memcpy(p + 12, from.b + 12, 4);
		memcpy(p + 16, to.b + 12, 4);
		p[10] = 0;
		if (i != 1) {
			p[20] = 8;
			p[22] = 0xf7; /* of zeros and the type */
			p[23] = 0xff;
		}
		uint32_t sum = 0;
		for (int k = 0; k < 20; k += 2)
			sum += (uint32_t)p[k] << 8 | p[k + 1];
		sum = ~((sum >> 16) + (sum & 0xffff));
		p[10] = (uint8_t)(sum >> 8);
		p[11] = (uint8_t)sum;
		assert_int_equal(lull_memnet_inject(d->net, 1, d->now_ns, p,
						    sizeof p),
				 0);
	}
}

static void one_round(struct day *d, int round)
{
	const struct lull_faults faults = {.loss_ppm = 100000,
					   .dup_ppm = 50000,
					   .reorder_ppm = 50000,
					   .reorder_ns = 30000000,
					   .delay_ns = 5000000};
	uint64_t end_ns;

	d->progs = round;
	open_listener(d);
	if (round == 0)
		lull_memnet_faults(d->net, &faults);
	for (int i = 0; i < CLIENTS; i++)
		open_client(d, i, round == 2, round == 1);
	send_fragments(d);
	end_ns = d->now_ns + 400000000000;
	while (any_open(d) && step(d, end_ns))
		;
	lull_memnet_faults(d->net, &(struct lull_faults){0});
	for (int i = 0; i < PROGS; i++) /* it waits for what never comes */
		if (d->prog[i].open)
			let_go(d, &d->prog[i], true);
	lull_sock_close(d->s[1], d->listener);
	d->listener = (struct lull_sock){0, 0};
	/* Some seconds: what waits for 2MSL is still there. */
	end_ns = d->now_ns + 3000000000;
	while (step(d, end_ns))
		;
	d->now_ns = end_ns;
}

static void end_day(struct day *d)
{
	struct lull_pool pool;

	while (step(d, UINT64_MAX))
		;
	lull_memnet_destroy(d->net);
	for (int side = 0; side < SIDES; side++) {
		lull_table_check(&d->s[side]->tcp.flows);
		for (uint32_t i = 0; lull_diag_pool(d->s[side], i, &pool); i++)
			if (pool.used)
				fail_msg("pool \"%s\" of side %d still holds "
					 "%u",
					 pool.name, side, pool.used);
		assert_int_equal(d->s[side]->tcp.wheel.used, 0);
		assert_int_equal(d->s[side]->tcp.orphans, 0);
		assert_int_equal(d->s[side]->g.count[LULL_COUNT_BROKEN], 0);
	}
}

/* ---- what docs/limits.md says ---- */

/* One of these happens, or a call says -ENFILE. */
static const struct policy {
	const char *pool;
	bool refuses;
	int counter[3], drop[2]; /* -1: none */
} policies[] = {
	{"connections", true, {-1, -1, -1}, {LULL_DROP_LISTEN_NO_CONN, -1}},
	{"half-open",
	 false,
	 {LULL_COUNT_SYNCOOKIES_SENT, -1, -1},
	 {LULL_DROP_LISTEN_NO_HALF, -1}},
	{"listeners", true, {-1, -1, -1}, {-1, -1}},
	{"handles", true, {-1, -1, -1}, {LULL_DROP_LISTEN_NO_CONN, -1}},
	{"closing IPv4",
	 false,
	 {LULL_COUNT_TW_EVICTED, LULL_COUNT_FIN_WAIT_2_EVICTED,
	  LULL_COUNT_TIME_WAIT_OVERFLOW},
	 {-1, -1}},
	{"closing IPv6",
	 false,
	 {LULL_COUNT_TW_EVICTED, LULL_COUNT_FIN_WAIT_2_EVICTED,
	  LULL_COUNT_TIME_WAIT_OVERFLOW},
	 {-1, -1}},
	{"destinations", false, {LULL_COUNT_DEST_UNCOUNTED, -1, -1}, {-1, -1}},
	{"reassembly",
	 false,
	 {-1, -1, -1},
	 {LULL_DROP_IP_FRAGMENT_EVICTED, LULL_DROP_IP_FRAGMENT_MEMORY}},
};

/* How often it did what it is to do. */
static uint64_t acted(const struct day *d, const struct policy *p)
{
	uint64_t n = p->refuses ? d->refused : 0;

	for (int side = 0; side < SIDES; side++) {
		const struct lull_ground *g = &d->s[side]->g;

		for (int i = 0; i < 3; i++)
			n += p->counter[i] < 0 ? 0 : g->count[p->counter[i]];
		for (int i = 0; i < 2; i++)
			n += p->drop[i] < 0 ? 0 : g->drops[p->drop[i]];
	}
	return n;
}

static const struct policy *policy_of(const char *pool)
{
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (strcmp(policies[i].pool, pool) == 0)
			return &policies[i];
	return NULL; /* the next class of buffers, or the longer way */
}

/* ---- all n ---- */

/* Did an n-th get come, on either side? */
static bool live_a_day(struct day *d, const struct kind *kind, const char *pool,
		       uint32_t n)
{
	bool reached = false;

	begin_day(d, kind);
	for (int side = 0; side < SIDES; side++)
		assert_true(lull_pool_fail(d->s[side], pool, n) >= 0);
	for (int round = 0; round < ROUNDS; round++)
		one_round(d, round);
	for (int side = 0; side < SIDES; side++)
		reached |= lull_pool_fail(d->s[side], pool, 0) == 0;
	end_day(d);
	return reached && n > 0;
}

/* Returns how many gets there were, at most of both sides. */
static uint32_t each_n(const struct kind *kind, const char *pool)
{
	const struct policy *p = policy_of(pool);
	static struct day d;
	uint32_t n;

	live_a_day(&d, kind, pool, 0);
	assert_int_equal(p ? acted(&d, p) : 0, 0); /* all was there */
	for (n = 1; n < GETS_MAX; n++) {
		if (!live_a_day(&d, kind, pool, n))
			return n - 1;
		if (p && !acted(&d, p))
			fail_msg("get %u of \"%s\" failed, and nothing that "
				 "is said of it happened",
				 n, pool);
	}
	fail_msg("more than %d gets of %s", GETS_MAX, pool);
	return 0;
}

static void each_pool(const struct kind *kind)
{
	const char *name;
	struct day d;
	uint32_t n;

	begin_day(&d, kind);
	for (uint32_t i = 0; (name = lull_pool_name(d.s[0], i)); i++) {
		n = each_n(kind, name);
		print_message("# %s: %u gets\n", name, n);
		/* No small frame is so large. */
		assert_true(n > 0 || strcmp(name, "buffers 64k") == 0);
	}
	lull_memnet_destroy(d.net);
}

static void profile_lull(void **state)
{
	(void)state;
	each_pool(&(struct kind){.profile = LULL_PROFILE_LULL});
}

static void profile_linux(void **state)
{
	(void)state;
	each_pool(&(struct kind){.profile = LULL_PROFILE_LINUX});
}

static void large_frames(void **state)
{
	const struct kind kind = {.link_cap = LULL_LINK_TX_CSUM |
					      LULL_LINK_TX_GSO |
					      LULL_LINK_RX_GSO};

	(void)state;
	assert_true(each_n(&kind, "buffers 64k") > 0);
	assert_true(each_n(&kind, "buffers 2k") > 0);
	assert_true(each_n(&kind, "buffers 256") > 0);
}

/* ---- neighbours ---- */

enum {
	ASKED = 20, /* the first one that is asked for */
	NEIGHBOURS = 3,
};

static void ask_for(struct rig *r, uint16_t last, struct lull_sock *sock)
{
	const struct lull_connect c = {
		.size = sizeof c,
		.remote = {lan_addr(r, last), 80},
	};

	assert_int_equal(lull_sock_connect(r->s, &c, sock, NULL), 0);
	rig_run(r);
	rig_discard(r);
}

/* Connections to neighbours, of whom every other one answers, late; and one
 * who asks us. Returns whether an n-th get came. */
static bool live_on_a_lan(struct rig *r, bool v6, const char *pool, uint32_t n)
{
	struct lull_sock sock[NEIGHBOURS];
	bool reached;

	rig_open(r, &(struct rig_config){.ether = true, .v6 = v6});
	assert_true(lull_pool_fail(r->s, pool, n) >= 0);
	lan_ping(r, ASKED + NEIGHBOURS, &lan_other);
	for (uint16_t i = 0; i < NEIGHBOURS; i++)
		ask_for(r, ASKED + i, &sock[i]);
	rig_pass_ms(r, 1500);
	for (uint16_t i = 0; i < NEIGHBOURS; i += 2)
		lan_answer(r, ASKED + i, &lan_other);
	rig_discard(r);
	rig_pass_ms(r, 60000);
	for (uint16_t i = 0; i < NEIGHBOURS; i++)
		lull_sock_abort(r->s, sock[i]);
	reached = lull_pool_fail(r->s, pool, 0) == 0;
	return reached && n > 0;
}

/*
 * A packet that has no place waits for nobody: it is dropped, and goes again.
 * Without a neighbour's place, which an older one would give up, its connection
 * is told that nobody is there.
 */
static void each_neighbour(const char *pool, bool v6)
{
	bool waits = strcmp(pool, "unresolved") == 0;
	struct rig r;
	uint32_t n = 0;

	while (live_on_a_lan(&r, v6, pool, n) || n == 0) {
		if (waits)
			assert_int_equal(rig_drops(&r, LULL_DROP_NEIGH_QUEUE) >
						 0,
					 n > 0);
		rig_close(&r);
		assert_true(++n < GETS_MAX);
	}
	rig_close(&r);
	print_message("# %s: %u gets\n", pool, n - 1);
	assert_true(n > NEIGHBOURS);
}

static void neighbours(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		each_neighbour("neighbours", v6);
		each_neighbour("unresolved", v6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile_lull),
		cmocka_unit_test(profile_linux),
		cmocka_unit_test(large_frames),
		cmocka_unit_test(neighbours),
	};

	return RUN("scarce", tests);
}
