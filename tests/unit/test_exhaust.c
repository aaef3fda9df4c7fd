/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_exhaust.c: the n-th get of each pool fails, for all n, over the whole
 * life of a connection. Nothing crashes, nothing leaks, no byte is false, and
 * since peers try again, the life goes on to its end.
 */
#include "rig.h"

enum {
	BASE = (int)(RIG_PEER_ISS + 1),
	THEIRS = 6000, /* bytes that the peer has to say */
	OURS = 9000,
	PIECE = 200,
	TURNS = 400,
	RANGES = 4, /* in pool_text */
};

struct life {
	struct rig r;
	bool active, deferred, cookies;
	bool open;	/* we have a handle of a connection */
	bool closed;	/* and have closed it */
	bool shaken;	/* the peer has our SYN */
	bool fin;	/* and our FIN */
	uint32_t acked; /* of the peer's bytes and its FIN, by us */
	uint32_t got;	/* of ours, by the peer */
	uint32_t read;	/* of the peer's, by our program */
	struct lull_sock syn;
};

/* ---- the peer ---- */

static void put(struct life *l, uint8_t flags, uint32_t at, uint32_t len)
{
	uint8_t text[PIECE];

	for (uint32_t i = 0; i < len; i++)
		text[i] = rig_byte(at + i);
	rig_put(&l->r, flags, lull_seq(RIG_PEER_ISS + 1 + at), l->r.ack, text,
		len);
}

/* What came from us. */
static void take(struct life *l)
{
	struct rig_seg out;

	while (rig_get(&l->r, &out)) {
		if (out.seg.flags & LULL_RST) {
			/* Nobody listens yet, or all is over. */
			assert_true(!l->shaken || (l->closed && l->fin));
			l->acked = l->shaken ? THEIRS + 1 : 0;
			continue;
		}
		if (out.seg.flags & LULL_SYN) {
			l->shaken = true;
			l->r.ack = lull_seq_add(out.seg.seq, 1);
			continue;
		}
		l->acked =
			lull_max(l->acked, out.seg.ack.v - (RIG_PEER_ISS + 1));
		if (!lull_seq_eq(out.seg.seq, l->r.ack))
			continue; /* it comes again */
		rig_same(out.text, out.seg.text_len, l->got);
		l->got += out.seg.text_len;
		l->fin |= out.seg.flags & LULL_FIN;
		l->r.ack = lull_seq_add(out.seg.seq, lull_seg_len(&out.seg));
	}
}

/* What is not acknowledged goes, the last piece first; FIN after ours. */
static void say(struct life *l)
{
	enum lull_tcp_state state = rig_state(&l->r);

	if (state == LULL_TCP_CLOSED && !l->closed && l->cookies && l->shaken) {
		put(l, LULL_ACK, 0, PIECE); /* it brings the cookie */
		return;
	}
	if (state == LULL_TCP_CLOSED && !l->closed && !l->active) {
		rig_put(&l->r, LULL_SYN, lull_seq(RIG_PEER_ISS), lull_seq(0),
			NULL, 0);
		return;
	}
	if (state == LULL_TCP_SYN_SENT && l->shaken) {
		rig_put(&l->r, LULL_SYN | LULL_ACK, lull_seq(RIG_PEER_ISS),
			l->r.ack, NULL, 0);
		return;
	}
	if (!l->shaken || state == LULL_TCP_CLOSED)
		return;
	for (uint32_t k = 3; k-- > 0;) {
		uint32_t at = l->acked + k * PIECE;

		if (at < THEIRS)
			put(l, LULL_ACK, at, lull_min(PIECE, THEIRS - at));
	}
	if (l->acked == THEIRS && l->fin)
		put(l, LULL_FIN | LULL_ACK, THEIRS, 0);
	put(l, LULL_ACK, l->acked, 0);
}

/* ---- our program ---- */

static void begin(struct life *l)
{
	struct rig *r = &l->r;
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {r->tuple.remote, r->tuple.rport},
		.local = {r->tuple.local, r->tuple.lport},
	};
	struct lull_listen listen = {
		.size = sizeof listen,
		.flags = l->deferred ? LULL_LISTEN_DEFER : 0,
		.local = {r->tuple.local, 128},
		.port_lo = RIG_PORT,
		.backlog = 4,
	};

	if (l->active) {
		l->open = lull_sock_connect(r->s, &c, &r->sock, NULL) == 0;
		return;
	}
	if (!r->listener.index)
		(void)!lull_sock_listen(r->s, &listen, &r->listener);
	for (uint32_t i = 0; i < lull_min(r->logged, RIG_EVENTS); i++)
		if (r->log[i].bits & LULL_EVENT_SYN)
			l->syn = r->log[i].sock;
	if (l->syn.index &&
	    lull_sock_answer(r->s, l->syn, LULL_ANSWER_ACCEPT) == 0)
		r->sock = l->syn;
	if (l->deferred)
		l->open = rig_state(r) == LULL_TCP_ESTABLISHED;
	else
		l->open = lull_sock_accept(r->s, r->listener, 2, &r->sock) == 0;
}

static void work(struct life *l)
{
	uint8_t text[4000];
	long n;

	if (!l->open)
		begin(l);
	if (!l->open || l->closed)
		return;
	while ((n = rig_read(&l->r, text, sizeof text)) > 0) {
		rig_same(text, (uint32_t)n, l->read);
		l->read += (uint32_t)n;
	}
	assert_true(n == -EAGAIN || n == 0);
	if (l->r.written < OURS)
		(void)!rig_queue(&l->r, lull_min(2000, OURS - l->r.written));
	if (l->r.written == OURS && l->read == THEIRS) {
		lull_sock_close(l->r.s, l->r.sock);
		l->closed = true;
	}
}

static bool is_over(const struct life *l)
{
	enum lull_tcp_state state = rig_state(&l->r);

	return l->closed && l->fin && l->acked == THEIRS + 1 &&
	       (state == LULL_TCP_TIME_WAIT || state == LULL_TCP_CLOSED);
}

static void live(struct life *l)
{
	int turn;

	for (turn = 0; turn < TURNS && !is_over(l); turn++) {
		work(l);
		rig_run(&l->r);
		take(l);
		say(l);
		take(l);
		rig_pass_ms(&l->r, turn % 8 ? 50 : 1100);
		take(l);
	}
	if (!is_over(l))
		fail_msg("%s, read %u, got %u, acknowledged %u",
			 lull_state_name(rig_state(&l->r)), l->read, l->got,
			 l->acked);
	assert_int_equal(l->read, THEIRS);
	assert_int_equal(l->got, OURS);
}

/* ---- the pools ---- */

static const char *const pool_text[] = {
	"connections",
	"half-open",
	"listeners",
	"handles",
	"ranges",
	"closing4",
	"closing6",
	"buffers 256",
	"buffers 2k",
	"buffers 64k",
	"overflow of the flow table",
};

static struct lull_slab *pool_of(struct rig *r, uint32_t i)
{
	struct lull_tcp *t = &r->s->tcp;
	struct lull_slab *slab[] = {
		&t->tcbs,
		&t->halves,
		&t->listeners,
		&t->users,
		&t->ranges,
		&t->closing[0].links,
		&t->closing[1].links,
		&r->s->g.bufs.slab[LULL_BUF_256],
		&r->s->g.bufs.slab[LULL_BUF_2K],
		&r->s->g.bufs.slab[LULL_BUF_64K],
		&t->flows.overflow,
	};

	return i < ARRAY_LEN(slab) ? slab[i] : NULL;
}

static void prepare(struct life *l, const struct rig_config *config,
		    bool active)
{
	memset(l, 0, sizeof *l);
	rig_open(&l->r, config);
	l->active = active;
	l->deferred = config->listen_flags & LULL_LISTEN_DEFER;
	l->cookies = config->sysctl[0];
}

/*
 * All n for one pool; how many there were. Not for sent ranges: the sender
 * looks whether one is left before it sends, and relies on it.
 */
static uint32_t exhaust(const struct rig_config *config, bool active,
			uint32_t pool)
{
	struct life l;
	bool reached = true;
	uint32_t n;

	for (n = 0; reached; n++) {
		prepare(&l, config, active);
		pool_of(&l.r, pool)->fail_in = n; /* 0: none */
		live(&l);
		reached = pool_of(&l.r, pool)->fail_in == 0;
		assert_int_equal(pool_of(&l.r, pool)->empty, n && reached);
		pool_of(&l.r, pool)->fail_in = 0;
		rig_close(&l.r);
	}
	return n - 2;
}

static void each_pool(const struct rig_config *config, bool active)
{
	for (uint32_t i = 0; i < ARRAY_LEN(pool_text); i++) {
		uint32_t n = i == RANGES ? 1 : exhaust(config, active, i);
		bool used = true;

		if (i == 1 || i == 2) /* half-open, listeners */
			used = !active && !(i == 1 && config->sysctl[0]);
		if (i == 5 || i == 6)
			used = config->v6 == (i == 6);
		if (i >= 9)
			used = n > 0; /* perhaps */
		if (used != (n > 0))
			fail_msg("%u gets of %s", n, pool_text[i]);
	}
}

static void passive_life(void **unused)
{
	each_pool(&(struct rig_config){.no_listener = true}, false);
}

static void passive_life_v6(void **unused)
{
	each_pool(&(struct rig_config){.no_listener = true, .v6 = true}, false);
}

static void active_life(void **unused)
{
	each_pool(&(struct rig_config){.no_listener = true}, true);
}

static void deferred_life(void **unused)
{
	each_pool(&(struct rig_config){.no_listener = true,
				       .listen_flags = LULL_LISTEN_DEFER},
		  false);
}

static void linux_life(void **unused)
{
	each_pool(&(struct rig_config){.no_listener = true,
				       .profile = LULL_PROFILE_LINUX},
		  false);
}

/* Of the handshake nothing is kept. */
static void cookie_life(void **unused)
{
	each_pool(&(struct rig_config){.no_listener = true,
				       .sysctl = {"net.ipv4.tcp_syncookies=2"}},
		  false);
}

/* A SYN that could not go is tried again; nothing else goes in its place. */
static void no_range_for_a_syn(void **unused)
{
	struct lull_connect c = {.size = sizeof c};
	struct lull_slab *ranges;
	uint32_t limit;
	struct rig r;

	rig_open(&r, &(struct rig_config){.no_listener = true});
	c.remote = (struct lull_endpoint){r.tuple.remote, r.tuple.rport};
	c.local.port = r.tuple.lport;
	ranges = pool_of(&r, RANGES);
	limit = ranges->limit;
	ranges->limit = 0;
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
	rig_run(&r);
	rig_expect_none(&r);
	rig_pass_ms(&r, 3000);
	rig_expect_none(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_SENT);
	ranges->limit = limit;
	rig_pass_ms(&r, 8000);
	rig_expect(&r, LULL_SYN);
	lull_sock_abort(r.s, r.sock);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* Only n sent ranges, in one direction or the other: slowly, but to the end. */
static void few_ranges(void **unused)
{
	for (uint32_t i = 0; i < 20; i++) {
		struct life l;

		prepare(&l, &(struct rig_config){.no_listener = true}, i % 2);
		pool_of(&l.r, RANGES)->limit = i / 2 + 1;
		live(&l);
		assert_true(pool_of(&l.r, RANGES)->peak <= i / 2 + 1);
		rig_close(&l.r);
	}
}

/* ---- a full bucket of the flow table ---- */

/* The next port of the peer's whose flow stands in the first bucket, however
 * far the table is split. */
static void next_alike(struct rig *r)
{
	do
		r->tuple.rport++;
	while (lull_hash_tuple(r->s->g.keys.flow, &r->tuple) & 0xff);
	rig_peer(r, r->tuple.rport);
}

static int take_over(struct rig *r)
{
	const struct lull_timewait t = {
		.size = sizeof t,
		.local = {r->tuple.local, RIG_PORT},
		.remote = {r->tuple.remote, r->tuple.rport},
		.left_ms = 60000,
		.state = LULL_TCP_TIME_WAIT,
	};

	return lull_timewait_put(r->s, &t, 1);
}

/* One flow less than a bucket more would be needed for. */
static void fill_bucket(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	for (int i = 0; i < LULL_BUCKET_SLOTS; i++) {
		next_alike(r);
		assert_int_equal(take_over(r), 1);
	}
	next_alike(r);
	assert_int_equal(r->s->tcp.flows.overflow.used, 0);
}

/* The next flow finds no bucket, the one after that does. */
static void no_bucket(struct rig *r)
{
	r->s->tcp.flows.overflow.fail_in = 1;
}

static void has_bucket(struct rig *r)
{
	assert_int_equal(r->s->tcp.flows.overflow.empty, 1);
	assert_int_equal(r->s->tcp.flows.overflow.used, 0);
	lull_table_check(&r->s->tcp.flows);
}

static void no_bucket_for_a_record(void **unused)
{
	struct rig r;

	fill_bucket(&r, &(struct rig_config){0});
	no_bucket(&r);
	assert_int_equal(take_over(&r), -ENOSPC);
	has_bucket(&r);
	assert_int_equal(take_over(&r), 1);
	rig_close(&r);
}

static void no_bucket_for_a_syn(void **unused)
{
	struct rig r;

	fill_bucket(&r, &(struct rig_config){
				.sysctl = {"net.ipv4.tcp_syncookies=0"}});
	no_bucket(&r);
	rig_syn(&r, LULL_SYN);
	rig_expect_none(&r);
	assert_int_equal(rig_drops(&r, LULL_DROP_LISTEN_NO_HALF), 1);
	has_bucket(&r);
	rig_shake(&r);
	rig_close(&r);
}

static void no_bucket_for_a_cookie(void **unused)
{
	struct rig_seg syn_ack;
	struct rig r;

	fill_bucket(&r, &(struct rig_config){
				.sysctl = {"net.ipv4.tcp_syncookies=2"}});
	rig_syn(&r, LULL_SYN);
	syn_ack = rig_expect(&r, LULL_SYN | LULL_ACK);
	no_bucket(&r);
	rig_put(&r, LULL_ACK, r.seq, lull_seq_add(syn_ack.seg.seq, 1), NULL, 0);
	rig_expect_none(&r);
	assert_int_equal(rig_drops(&r, LULL_DROP_LISTEN_NO_CONN), 1);
	has_bucket(&r);
	rig_put(&r, LULL_ACK, r.seq, lull_seq_add(syn_ack.seg.seq, 1), NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	assert_int_equal(lull_sock_accept(r.s, r.listener, 2, &r.sock), 0);
	rig_close(&r);
}

static void no_bucket_for_a_connect(void **unused)
{
	struct lull_why why = {.size = sizeof why};
	struct lull_connect c = {.size = sizeof c};
	struct rig r;

	fill_bucket(&r, &(struct rig_config){.no_listener = true});
	c.remote = (struct lull_endpoint){r.tuple.remote, r.tuple.rport};
	c.local = (struct lull_endpoint){r.tuple.local, r.tuple.lport};
	no_bucket(&r);
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, &why), -ENFILE);
	assert_int_equal(why.reason, LULL_WHY_LIMIT_CONNS);
	has_bucket(&r);
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, &why), 0);
	rig_run(&r);
	rig_expect(&r, LULL_SYN);
	rig_close(&r);
}

/* A link that takes nothing for a while: 16 frames wait, and no more. */
static void small_ring(struct lull_limits *l)
{
	l->tx_frames = 16;
	l->bufs_64k = 1; /* so a frame has pieces of 2 KB, and few segments */
}

static void full_ring(void **unused)
{
	struct lull_work done;
	struct lull_frame f;
	uint8_t packet[256];
	struct rig_seg out;
	uint32_t at = 0;
	struct rig r;

	rig_open(&r,
		 &(struct rig_config){.limits = small_ring, .wscale = true});
	rig_knob(&r, "net.ipv4.tcp_slow_start_after_idle", "0");
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_ack(&r);
	rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
	rig_tcb(&r)->cc.cwnd = 1 << 20;
	assert_int_equal(rig_queue(&r, 400000), 400000);
	for (int i = 0; i < 2; i++) {
		done = lull_shard_run(r.s, r.now_ns);
		assert_int_equal(done.tx, 16);
		assert_true(done.more);
	}
	/* An answer without a connection is dropped, and counted. */
	assert_int_equal(lull_rx_get(r.s, &f, 1), 1);
	r.tuple.lport++;
	f.len = rig_build(&r, LULL_SYN, r.seq, r.ack, NULL, 0, packet);
	r.tuple.lport--;
	memcpy(f.span[0].ptr, packet, f.len);
	assert_int_equal(lull_rx_put(r.s, &f, 1), 1);
	(void)lull_shard_run(r.s, r.now_ns);
	assert_int_equal(rig_drops(&r, LULL_DROP_TX_FULL), 1);
	while (at < 400000) {
		if (!rig_get(&r, &out)) {
			r.ack = lull_seq(RIG_ISS + 1 + at);
			rig_ack(&r);
			continue;
		}
		assert_int_equal(out.seg.seq.v, RIG_ISS + 1 + at);
		rig_same(out.text, out.seg.text_len, at);
		at += out.seg.text_len;
		(void)lull_shard_run(r.s, r.now_ns);
	}
	r.ack = lull_seq(RIG_ISS + 1 + at);
	rig_ack(&r);
	rig_discard(&r);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passive_life),
		cmocka_unit_test(passive_life_v6),
		cmocka_unit_test(active_life),
		cmocka_unit_test(deferred_life),
		cmocka_unit_test(linux_life),
		cmocka_unit_test(cookie_life),
		cmocka_unit_test(no_range_for_a_syn),
		cmocka_unit_test(few_ranges),
		cmocka_unit_test(no_bucket_for_a_record),
		cmocka_unit_test(no_bucket_for_a_syn),
		cmocka_unit_test(no_bucket_for_a_cookie),
		cmocka_unit_test(no_bucket_for_a_connect),
		cmocka_unit_test(full_ring),
	};

	return RUN("exhaust", tests);
}
