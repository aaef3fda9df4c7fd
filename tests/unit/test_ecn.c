/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ecn.c: explicit congestion notification (RFC 3168): agreed on, marked,
 * echoed, obeyed; all of it as it stands on the wire.
 */
#include "rig.h"

enum {
	MSS = 1460,
	ECT_0 = 2,
	CE = 3,
	ECE = LULL_ECE,
	CWR = LULL_CWR,
};

static void open_with(struct rig *r, const char *ecn)
{
	rig_open(r, &(struct rig_config){.wscale = true,
					 .ts = true,
					 .rtt_ms = 1,
					 .sysctl = {ecn}});
}

/* A connection that the peer asked for, with these bits in its SYN. */
static uint8_t shake(struct rig *r, uint8_t bits)
{
	struct rig_seg out;

	rig_syn(r, LULL_SYN | bits);
	assert_true(rig_get(r, &out));
	assert_int_equal(out.tos, 0); /* 6.1.1: a SYN-ACK has no ECT */
	r->ack = lull_seq_add(out.seg.seq, 1);
	r->tsecr = out.seg.tsval;
	rig_pass_ms(r, 1);
	rig_say(r, LULL_ACK, NULL, 0);
	assert_int_equal(lull_sock_accept(r->s, r->listener, 2, &r->sock), 0);
	return out.seg.flags;
}

static void agreed(struct rig *r)
{
	open_with(r, "net.ipv4.tcp_ecn=2");
	assert_int_equal(shake(r, ECE | CWR), LULL_SYN | LULL_ACK | ECE);
	rig_align(r);
	rig_set(r, LULL_OPT_SNDBUF, 1 << 20);
}

/* The next segment, of some text, its bits and mark. */
static void expect_text(struct rig *r, uint8_t bits, uint8_t tos)
{
	struct rig_seg out;

	assert_true(rig_get(r, &out));
	assert_true(out.seg.text_len > 0);
	assert_int_equal(out.seg.flags & (ECE | CWR), bits);
	assert_int_equal(out.tos, tos);
	r->tsecr = out.seg.tsval;
}

/* ---- agreed on ---- */

/* 6.1.1: both bits ask; ECE alone in the SYN-ACK agrees. */
static void asked(void **unused)
{
	static const struct {
		const char *knob;
		uint8_t bits, tos, answer;
	} t[] = {
		{"net.ipv4.tcp_ecn=2", ECE | CWR, 0, ECE},
		{"net.ipv4.tcp_ecn=1", ECE | CWR, 0, ECE},
		{"net.ipv4.tcp_ecn=0", ECE | CWR, 0, 0},
		{"net.ipv4.tcp_ecn=2", ECE, 0, 0},
		{"net.ipv4.tcp_ecn=2", CWR, 0, 0},
		{"net.ipv4.tcp_ecn=2", 0, 0, 0},
		{"net.ipv4.tcp_ecn=2", ECE | CWR, ECT_0, 0}, /* a box */
		{"net.ipv4.tcp_ecn=2", ECE | CWR, CE, 0},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		open_with(&r, t[i].knob);
		r.tos = t[i].tos;
		assert_int_equal(shake(&r, t[i].bits),
				 LULL_SYN | LULL_ACK | t[i].answer);
		r.tos = 0;
		rig_write(&r, 100);
		expect_text(&r, 0, t[i].answer ? ECT_0 : 0);
		rig_close(&r);
	}
}

static void connect_out(struct rig *r)
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {r->tuple.remote, r->tuple.rport},
		.local = {r->tuple.local, r->tuple.lport},
		.cookie = 2,
	};

	assert_int_equal(lull_sock_connect(r->s, &c, &r->sock, NULL), 0);
	rig_run(r);
}

/* 6.1.1: we ask with tcp_ecn 1; anything but ECE alone is a no. */
static void asks(void **unused)
{
	static const struct {
		const char *knob;
		uint8_t syn, answer, tos;
	} t[] = {
		{"net.ipv4.tcp_ecn=1", ECE | CWR, ECE, ECT_0},
		{"net.ipv4.tcp_ecn=1", ECE | CWR, 0, 0},
		{"net.ipv4.tcp_ecn=1", ECE | CWR, ECE | CWR, 0},
		{"net.ipv4.tcp_ecn=1", ECE | CWR, CWR, 0},
		{"net.ipv4.tcp_ecn=2", 0, ECE, 0},
		{"net.ipv4.tcp_ecn=0", 0, ECE, 0},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig_seg syn;
		struct rig r;

		open_with(&r, t[i].knob);
		connect_out(&r);
		syn = rig_expect(&r, LULL_SYN | t[i].syn);
		assert_int_equal(syn.tos, 0);
		rig_syn(&r, LULL_SYN | LULL_ACK | t[i].answer);
		assert_int_equal(rig_expect(&r, LULL_ACK).tos, 0);
		rig_write(&r, 100);
		expect_text(&r, 0, t[i].tos);
		rig_close(&r);
	}
}

/* 6.1.1: both ask at once. */
static void both_ask(void **unused)
{
	for (int yes = 0; yes < 2; yes++) {
		struct rig r;

		open_with(&r, "net.ipv4.tcp_ecn=1");
		connect_out(&r);
		rig_expect(&r, LULL_SYN | ECE | CWR);
		rig_syn(&r, LULL_SYN | (yes ? ECE | CWR : 0));
		rig_expect(&r, LULL_SYN | LULL_ACK | (yes ? ECE : 0));
		rig_ack(&r);
		rig_write(&r, 100);
		expect_text(&r, 0, yes ? ECT_0 : 0);
		rig_close(&r);
	}
}

/* 6.1.1.1: the second SYN doesn't ask, and no answer to it agrees. */
static void fallback(void **unused)
{
	for (int on = 0; on < 2; on++) {
		uint8_t bits = on ? 0 : ECE | CWR;
		struct rig r;

		open_with(&r, "net.ipv4.tcp_ecn=1");
		rig_knob(&r, "net.ipv4.tcp_ecn_fallback", on ? "1" : "0");
		connect_out(&r);
		rig_expect(&r, LULL_SYN | ECE | CWR);
		rig_pass_ms(&r, 1001);
		rig_expect(&r, LULL_SYN | bits);
		rig_syn(&r, LULL_SYN | LULL_ACK | ECE);
		rig_expect(&r, LULL_ACK);
		rig_write(&r, 100);
		expect_text(&r, 0, on ? 0 : ECT_0);
		rig_close(&r);
	}
}

/* A cookie remembers it in its timestamp, and only there. */
static void cookies_keep_it(void **unused)
{
	for (int ts = 0; ts < 2; ts++) {
		struct rig_config c = {
			.wscale = true,
			.ts = ts,
			.sysctl = {"net.ipv4.tcp_syncookies=2"},
		};
		struct rig r;

		rig_open(&r, &c);
		assert_int_equal(shake(&r, ECE | CWR),
				 LULL_SYN | LULL_ACK | (ts ? ECE : 0));
		assert_int_equal(rig_count(&r, LULL_COUNT_SYNCOOKIES_RECV), 1);
		assert_int_equal(rig_tcb(&r)->opt.snd_wscale, ts ? 7 : 0);
		rig_write(&r, 100);
		expect_text(&r, 0, ts ? ECT_0 : 0);
		rig_close(&r);

		rig_open(&r, &c);
		shake(&r, 0); /* not asked for */
		rig_write(&r, 100);
		expect_text(&r, 0, 0);
		rig_close(&r);
	}
}

static void syn_ack_again(void **unused)
{
	struct rig r;

	open_with(&r, "net.ipv4.tcp_ecn=2");
	rig_syn(&r, LULL_SYN | ECE | CWR);
	rig_expect(&r, LULL_SYN | LULL_ACK | ECE);
	rig_pass_ms(&r, 1001);
	rig_expect(&r, LULL_SYN | LULL_ACK | ECE);
	rig_close(&r);
}

/* ---- the receiver ---- */

/* 6.1.3: ECE on all from the mark to CWR, whatever comes between. */
static void echoes_until_cwr(void **unused)
{
	struct rig r;

	agreed(&r);
	r.tos = ECT_0;
	rig_feed(&r, 100);
	rig_feed(&r, 100);
	rig_expect(&r, LULL_ACK);
	r.tos = CE;
	rig_feed(&r, 100);
	rig_expect(&r, LULL_ACK | ECE); /* at once: it is news */
	r.tos = ECT_0;
	rig_feed(&r, 100);
	rig_feed(&r, 100);
	rig_expect(&r, LULL_ACK | ECE);
	rig_write(&r, 100);
	expect_text(&r, ECE, ECT_0);
	r.ack = lull_seq_add(r.ack, 100);
	rig_say(&r, LULL_ACK | CWR, "y", 1);
	rig_expect(&r, LULL_ACK);
	rig_write(&r, 100);
	expect_text(&r, 0, ECT_0);
	r.ack = lull_seq_add(r.ack, 100);
	/* 6.1.3: CWR and a mark in one: the mark is the newer. */
	r.tos = CE;
	rig_say(&r, LULL_ACK | CWR, "y", 1);
	rig_expect(&r, LULL_ACK | ECE);
	rig_close(&r);
}

/* 6.1.4: an ACK alone that comes marked, or with CWR, says nothing. Nor does
 * what is out of the window (6.1.5). */
static void marks_that_do_not_count(void **unused)
{
	struct rig r;

	agreed(&r);
	r.tos = CE;
	rig_ack(&r);
	rig_put(&r, LULL_ACK, lull_seq_add(r.seq, 1 << 24), r.ack, "x", 1);
	rig_discard(&r);
	r.tos = 0;
	rig_feed(&r, 100);
	rig_feed(&r, 100);
	rig_expect(&r, LULL_ACK);
	r.tos = CE;
	rig_feed(&r, 100);
	rig_expect(&r, LULL_ACK | ECE);
	r.tos = 0;
	rig_put(&r, LULL_ACK | CWR, r.seq, r.ack, NULL, 0);
	rig_feed(&r, 100);
	rig_feed(&r, 100);
	rig_expect(&r, LULL_ACK | ECE);
	rig_close(&r);
}

/* Nothing was agreed on: a mark is no matter of ours. */
static void not_agreed(void **unused)
{
	uint32_t cwnd;
	struct rig r;

	open_with(&r, "net.ipv4.tcp_ecn=2");
	shake(&r, 0);
	r.tos = CE;
	rig_feed(&r, 100);
	rig_feed(&r, 100);
	rig_expect(&r, LULL_ACK);
	cwnd = rig_tcb(&r)->cc.cwnd;
	rig_write(&r, 100);
	expect_text(&r, 0, 0);
	rig_put(&r, LULL_ACK | ECE, r.seq, r.ack, NULL, 0);
	assert_int_equal(rig_tcb(&r)->cc.cwnd, cwnd);
	rig_close(&r);
}

/* A frame of several segments that met a mark: one echo, until CWR. */
static void mark_on_a_large_frame(void **unused)
{
	uint8_t packet[4096];
	struct lull_frame f;
	struct rig r;

	rig_open(&r, &(struct rig_config){.mtu = 9000});
	shake(&r, ECE | CWR);
	r.tos = CE;
	assert_int_equal(lull_rx_get(r.s, &f, 1), 1);
	f.len = rig_build(&r, LULL_ACK, r.seq, r.ack, NULL, 3000, packet);
	f.gso_size = 1000;
	memcpy(f.span[0].ptr, packet, f.len);
	assert_int_equal(lull_rx_put(r.s, &f, 1), 1);
	rig_run(&r);
	assert_int_equal(rig_expect(&r, LULL_ACK | ECE).seg.ack.v,
			 r.seq.v + 3000);
	rig_close(&r);
}

/* ---- the sender ---- */

static struct lull_seq at(uint32_t segments)
{
	return lull_seq(RIG_ISS + 1 + segments * (MSS - LULL_TS_BYTES));
}

static void ack_ece(struct rig *r, uint32_t segments)
{
	r->ack = at(segments);
	rig_put(r, LULL_ACK | ECE, r->seq, r->ack, NULL, 0);
}

/* 6.1.2: ECE cuts the window, once, and CWR says so once; ECE on what was sent
 * before that is the same news. */
static void cut_once_a_window(void **unused)
{
	uint32_t mss = MSS - LULL_TS_BYTES, cwnd;
	struct lull_tcp_info info;
	struct rig_seg out;
	struct rig r;
	int cwrs = 0;

	agreed(&r);
	rig_write(&r, 60 * mss);
	assert_int_equal(rig_discard(&r), 10);
	ack_ece(&r, 1);
	cwnd = rig_tcb(&r)->cc.cwnd;
	assert_int_equal(cwnd, 10 * mss * 7 / 10);
	assert_int_equal(rig_tcb(&r)->cc.ssthresh, cwnd);
	rig_expect_none(&r); /* nine are out, seven may be */
	for (uint32_t i = 2; i <= 10; i++) {
		ack_ece(&r, i);
		assert_int_equal(rig_tcb(&r)->cc.cwnd, cwnd);
		while (rig_get(&r, &out)) {
			cwrs += !!(out.seg.flags & CWR);
			assert_int_equal(out.tos, ECT_0);
			/* On the first one that is new. */
			if (out.seg.flags & CWR)
				assert_int_equal(out.seg.seq.v, at(10).v);
		}
	}
	assert_int_equal(cwrs, 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_DELIVERED_CE), 10);
	assert_int_equal(lull_sock_get(r.s, r.sock, LULL_OPT_INFO, &info,
				       sizeof info),
			 0);
	assert_int_equal(info.delivered_ce, 10);
	/* CWR has come: from here on it is another mark. */
	ack_ece(&r, 11);
	assert_int_equal(rig_tcb(&r)->cc.cwnd, cwnd * 7 / 10);
	rig_close(&r);
}

/* 6.1.2: a mark and a loss in one window are one reason. */
static void a_loss_after_ece_is_no_second_cut(void **unused)
{
	uint32_t mss = MSS - LULL_TS_BYTES, ssthresh;
	struct rig r;

	agreed(&r);
	rig_write(&r, 10 * mss);
	rig_discard(&r);
	ack_ece(&r, 1);
	ssthresh = rig_tcb(&r)->cc.ssthresh;
	assert_int_equal(ssthresh, 7 * mss);
	lull_cc_reduce(&r.s->tcp, rig_tcb(&r), LULL_CC_LOSS, false);
	assert_int_equal(rig_tcb(&r)->cc.ssthresh, ssthresh);
	/* A mistake about the loss is none about the mark. */
	rig_tcb(&r)->cc.cwnd = mss;
	lull_cc_undo(&r.s->tcp, rig_tcb(&r));
	assert_int_equal(rig_tcb(&r)->cc.ssthresh, ssthresh);
	assert_int_equal(rig_tcb(&r)->cc.cwnd, 7 * mss);
	rig_close(&r);
}

/* After it the window grows again. */
static void grows_again(void **unused)
{
	uint32_t mss = MSS - LULL_TS_BYTES, cwnd;
	struct rig r;

	agreed(&r);
	rig_write(&r, 200 * mss);
	rig_discard(&r);
	ack_ece(&r, 5);
	rig_discard(&r);
	cwnd = rig_tcb(&r)->cc.cwnd;
	for (uint32_t i = 6; i < 100; i++) {
		r.ack = at(i);
		rig_ack(&r);
		rig_discard(&r);
	}
	assert_true(rig_tcb(&r)->cc.cwnd > cwnd + 3 * mss);
	rig_close(&r);
}

/* 6.1.5: what is sent again has no ECT; nor has an ACK, FIN alone, RST. */
static void new_text_alone_is_marked(void **unused)
{
	struct rig r;

	agreed(&r);
	rig_write(&r, 100);
	expect_text(&r, 0, ECT_0);
	rig_pass_ms(&r, 250);
	expect_text(&r, 0, 0);
	rig_discard(&r);
	r.ack = lull_seq_add(lull_seq(RIG_ISS), 101);
	rig_feed(&r, 100);
	rig_feed(&r, 100);
	assert_int_equal(rig_expect(&r, LULL_ACK).tos, 0);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_WR), 0);
	rig_run(&r);
	assert_int_equal(rig_expect(&r, LULL_ACK | LULL_FIN).tos, 0);
	lull_sock_abort(r.s, r.sock);
	rig_run(&r);
	assert_int_equal(rig_expect(&r, LULL_ACK | LULL_RST).tos, 0);
	rig_close(&r);
}

/* 6.1.2: after any other cut too, so that a CWR that was lost is made good; and
 * ECE of the same window is no second cut. */
static void cwr_after_a_timeout(void **unused)
{
	uint32_t mss = MSS - LULL_TS_BYTES, ssthresh;
	struct rig_seg out;
	struct rig r;

	agreed(&r);
	rig_write(&r, 20 * mss);
	rig_discard(&r);
	rig_pass_ms(&r, RIG_RTO_MS + 50);
	while (rig_get(&r, &out))
		assert_false(out.seg.flags & CWR);
	ssthresh = rig_tcb(&r)->cc.ssthresh;
	ack_ece(&r, 10);
	assert_int_equal(rig_tcb(&r)->cc.ssthresh, ssthresh);
	assert_true(rig_get(&r, &out));
	while (!lull_seq_eq(out.seg.seq, at(10)))
		assert_true(rig_get(&r, &out));
	assert_true(out.seg.flags & CWR);
	rig_close(&r);
}

/* A timeout that the next ACK undoes, which echoes what went first. */
static void time_out(struct rig *r)
{
	uint32_t mss = MSS - LULL_TS_BYTES;

	agreed(r);
	rig_write(r, 20 * mss);
	rig_discard(r);
	rig_pass_ms(r, RIG_RTO_MS + 50);
	rig_discard(r);
	assert_int_equal(rig_tcb(r)->cc.ssthresh, 7 * mss);
	assert_true(rig_tcb(r)->snd.ecn & LULL_ECN_REDUCED);
}

/* RFC 4015 3.1 (9): what undoes a timeout undoes no mark that it brings. */
static void ece_is_not_undone(void **unused)
{
	uint32_t mss = MSS - LULL_TS_BYTES;
	struct rig r;

	time_out(&r);
	ack_ece(&r, 2);
	assert_int_equal(rig_count(&r, LULL_COUNT_LOSS_UNDO), 1);
	assert_int_equal(rig_tcb(&r)->cc.ssthresh, 7 * mss);
	assert_in_range(rig_tcb(&r)->cc.cwnd, mss, 7 * mss);
	rig_discard(&r);
	rig_close(&r);
}

/* A cut that is taken back is not told; and the next mark counts. */
static void cwr_is_withdrawn(void **unused)
{
	uint32_t mss = MSS - LULL_TS_BYTES, cwnd;
	struct rig_seg out;
	struct rig r;

	time_out(&r);
	r.ack = at(2);
	rig_ack(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_LOSS_UNDO), 1);
	assert_int_equal(rig_tcb(&r)->cc.ssthresh, LULL_CWND_MAX);
	cwnd = rig_tcb(&r)->cc.cwnd;
	assert_true(cwnd >= 10 * mss);
	assert_true(rig_get(&r, &out));
	assert_int_equal(out.seg.seq.v, at(10).v);
	do
		assert_false(out.seg.flags & CWR);
	while (rig_get(&r, &out));
	ack_ece(&r, 3);
	assert_int_equal(rig_tcb(&r)->cc.cwnd, cwnd * 7 / 10);
	rig_discard(&r);
	rig_close(&r);
}

/* 6.1.2: ECE that acknowledges nothing that is out, or comes late. */
static void ece_that_does_not_count(void **unused)
{
	uint32_t mss = MSS - LULL_TS_BYTES, cwnd;
	struct rig r;

	agreed(&r);
	cwnd = rig_tcb(&r)->cc.cwnd;
	ack_ece(&r, 0); /* nothing is out */
	assert_int_equal(rig_tcb(&r)->cc.cwnd, cwnd);
	rig_write(&r, 10 * mss);
	rig_discard(&r);
	r.ack = at(3);
	rig_ack(&r);
	cwnd = rig_tcb(&r)->cc.cwnd;
	ack_ece(&r, 2); /* older */
	assert_int_equal(rig_tcb(&r)->cc.cwnd, cwnd);
	ack_ece(&r, 20); /* of what was never sent */
	assert_int_equal(rig_tcb(&r)->cc.cwnd, cwnd);
	ack_ece(&r, 3);
	assert_true(rig_tcb(&r)->cc.cwnd < cwnd);
	rig_close(&r);
}

/* 6.1.2, RFC 9438 4.6: down to one segment, and then by waiting. */
static void below_one_segment(void **unused)
{
	uint32_t mss = MSS - LULL_TS_BYTES, acked = 10, before = 10 * mss;
	struct rig r;

	agreed(&r);
	rig_write(&r, 40 * mss);
	rig_discard(&r);
	for (int i = 0; i < 20 && before > mss; i++) {
		ack_ece(&r, acked);
		assert_true(rig_tcb(&r)->cc.cwnd <= before);
		before = rig_tcb(&r)->cc.cwnd;
		acked += (uint32_t)rig_discard(&r);
	}
	assert_int_equal(rig_tcb(&r)->cc.cwnd, mss);
	ack_ece(&r, acked);
	rig_pass_ms(&r, RIG_RTO_MS - 2);
	rig_expect_none(&r);
	rig_pass_ms(&r, 10);
	expect_text(&r, CWR, ECT_0);
	rig_close(&r);
}

/* CWR goes on one segment: never on a large frame, of which all would have it
 * where the link does not know better. */
static void no_cwr_on_large_frames(void **unused)
{
	uint32_t mss = MSS - LULL_TS_BYTES, large = 0, cwrs = 0;
	const struct rig_raw *raw;
	struct rig r;

	rig_open(&r, &(struct rig_config){.wscale = true,
					  .ts = true,
					  .rtt_ms = 1,
					  .link_cap = LULL_LINK_TX_GSO |
						      LULL_LINK_TX_CSUM});
	shake(&r, ECE | CWR);
	rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
	rig_tcb(&r)->cc.cwnd = 40 * mss;
	rig_write(&r, 100 * mss);
	rig_discard(&r);
	r.ack = rig_tcb(&r)->snd.nxt;
	rig_put(&r, LULL_ACK | ECE, r.seq, r.ack, NULL, 0);
	while ((raw = rig_get_raw(&r))) {
		assert_int_equal(raw->bytes[1], ECT_0);
		large += raw->frame.gso_size > 0;
		if (!(raw->bytes[20 + 13] & CWR))
			continue;
		cwrs++;
		assert_int_equal(raw->frame.gso_size, 0);
	}
	assert_int_equal(cwrs, 1);
	assert_true(large > 0);
	rig_close(&r);
}

/* IpExt, as Linux. */
static void counted_by_mark(void **unused)
{
	static const enum lull_counter_id id[] = {LULL_COUNT_IP_IN_NO_ECT,
						  LULL_COUNT_IP_IN_ECT1,
						  LULL_COUNT_IP_IN_ECT0,
						  LULL_COUNT_IP_IN_CE};
	struct rig r;

	for (int v6 = 0; v6 < 2; v6++) {
		rig_open(&r, &(struct rig_config){.v6 = v6});
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		for (uint8_t tos = 0; tos < 4; tos++) {
			uint64_t before = rig_count(&r, id[tos]);

			r.tos = 0xb8 | tos;
			for (int i = 0; i < 2 + tos; i++)
				rig_ack(&r);
			assert_int_equal(rig_count(&r, id[tos]) - before,
					 2 + tos);
		}
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked),
		cmocka_unit_test(asks),
		cmocka_unit_test(both_ask),
		cmocka_unit_test(fallback),
		cmocka_unit_test(cookies_keep_it),
		cmocka_unit_test(syn_ack_again),
		cmocka_unit_test(echoes_until_cwr),
		cmocka_unit_test(marks_that_do_not_count),
		cmocka_unit_test(not_agreed),
		cmocka_unit_test(mark_on_a_large_frame),
		cmocka_unit_test(cut_once_a_window),
		cmocka_unit_test(a_loss_after_ece_is_no_second_cut),
		cmocka_unit_test(grows_again),
		cmocka_unit_test(new_text_alone_is_marked),
		cmocka_unit_test(cwr_after_a_timeout),
		cmocka_unit_test(ece_is_not_undone),
		cmocka_unit_test(cwr_is_withdrawn),
		cmocka_unit_test(ece_that_does_not_count),
		cmocka_unit_test(below_one_segment),
		cmocka_unit_test(no_cwr_on_large_frames),
		cmocka_unit_test(counted_by_mark),
	};

	return RUN("ecn", tests);
}
