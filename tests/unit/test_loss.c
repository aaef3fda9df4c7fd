/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_loss.c: what was lost, and when it is sent again: RFC 5681 3.2, 6298,
 * 6582, 9293 3.8.3; and paths that take smaller packets: RFC 1191, 5927.
 */
#include "rig.h"

enum {
	MSS = 1460,
	RTO_MS = RIG_RTO_MS,
};

static const struct rig_config plain = {.wscale = true, .rtt_ms = 1};
static const struct rig_config stamps = {
	.wscale = true, .ts = true, .rtt_ms = 1};

/* Connected, with `n` segments out and some more queued. */
static void send_out(struct rig *r, const struct rig_config *config, uint32_t n)
{
	rig_open(r, config);
	rig_knob(r, "net.ipv4.tcp_congestion_control", "reno");
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_ack(r);
	rig_align(r);
	rig_set(r, LULL_OPT_SNDBUF, 1 << 20);
	rig_write(r, n * rig_tcb(r)->opt.mss);
	assert_int_equal(rig_discard(r), lull_min(n, 10));
}

static struct lull_seq at(uint32_t bytes)
{
	return lull_seq(RIG_ISS + 1 + bytes);
}

static void ack(struct rig *r, uint32_t bytes)
{
	r->ack = at(bytes);
	rig_ack(r);
}

/* A segment of the stream, from `from` on; its length. */
static uint32_t expect_at(struct rig *r, uint32_t from)
{
	struct lull_seq acked = r->ack;
	struct rig_seg out = rig_expect(r, LULL_ACK);

	if (out.seg.seq.v != at(from).v)
		fail_msg("byte %d of the stream came, not %u",
			 (int32_t)(out.seg.seq.v - at(0).v), from);
	rig_same(out.text, out.seg.text_len, from);
	r->ack = acked;
	return out.seg.text_len;
}

/* ---- fast retransmit and recovery ---- */

/* RFC 5681 3.2 (2): at the third, not before; and once. */
static void third_duplicate_ack(void **unused)
{
	struct rig r;

	send_out(&r, &plain, 10);
	ack(&r, MSS);
	rig_ack(&r);
	rig_ack(&r);
	rig_expect_none(&r);
	rig_ack(&r);
	assert_int_equal(expect_at(&r, MSS), MSS);
	rig_expect_none(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_RENO_RECOVERY), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_FAST_RETRANS), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_RETRANS_SEGS), 1);
	/* (2): ssthresh is half of what was out; 3: and three segments. */
	assert_int_equal(rig_tcb(&r)->cc.ssthresh, 9 * MSS / 2);
	assert_int_equal(rig_tcb(&r)->cc.cwnd, 9 * MSS / 2 + 3 * MSS);
	for (int i = 1; i <= 6; i++) {
		rig_ack(&r);
		assert_int_equal(rig_tcb(&r)->cc.cwnd,
				 9 * MSS / 2 + (uint32_t)(3 + i) * MSS);
	}
	rig_expect_none(&r);
	rig_close(&r);
}

/* RFC 6582 3.2 (2), after more than 2 GB without a loss. */
static void recovery_after_two_gigabytes(void **unused)
{
	struct lull_tcb *tcb;
	struct rig r;

	send_out(&r, &plain, 10);
	tcb = rig_tcb(&r);
	/* So much has been acknowledged since the last recovery, */
	tcb->cc.recover = lull_seq(tcb->snd.una.v - 0x7fffffffU + 2 * MSS);
	for (uint32_t i = 1; i <= 5; i++) /* and a little more */
		ack(&r, i * MSS);
	for (int i = 0; i < 3; i++)
		rig_ack(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_RENO_RECOVERY), 1);
	assert_int_equal(expect_at(&r, 5 * MSS), MSS);
	rig_close(&r);
}

/* RFC 5681 2: what makes an ACK a duplicate. */
static void what_is_no_duplicate(void **unused)
{
	struct rig r;

	send_out(&r, &plain, 10);
	for (int i = 0; i < 5; i++) { /* it moves the window */
		r.wnd++;
		rig_ack(&r);
	}
	for (int i = 0; i < 5; i++) /* it has text */
		rig_feed(&r, 10);
	for (int i = 0; i < 5; i++) /* it is older */
		rig_put(&r, LULL_ACK, r.seq, lull_seq(r.ack.v - 1), NULL, 0);
	assert_int_equal(rig_count(&r, LULL_COUNT_RETRANS_SEGS), 0);
	rig_discard(&r);
	ack(&r, 10 * MSS); /* nothing is out */
	for (int i = 0; i < 5; i++)
		rig_ack(&r);
	rig_expect_none(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_RENO_RECOVERY), 0);
	rig_close(&r);
}

/* A new ACK between them: the count begins anew. */
static void duplicates_are_counted_anew(void **unused)
{
	struct rig r;

	send_out(&r, &plain, 10);
	for (uint32_t i = 1; i < 5; i++) {
		ack(&r, i * MSS);
		rig_ack(&r);
		rig_ack(&r);
	}
	assert_int_equal(rig_count(&r, LULL_COUNT_RETRANS_SEGS), 0);
	rig_close(&r);
}

/* RFC 6582 3.2 (3): each partial ACK shows the next hole; the last ends it. */
static void partial_acks(void **unused)
{
	uint32_t cwnd;
	struct rig r;

	send_out(&r, &plain, 10);
	ack(&r, MSS);
	for (int i = 0; i < 3; i++)
		rig_ack(&r);
	expect_at(&r, MSS);
	/* Three were lost: 1, 4 and 7. */
	ack(&r, 4 * MSS);
	assert_int_equal(expect_at(&r, 4 * MSS), MSS);
	rig_expect_none(&r);
	/* Deflated by what is acknowledged, less one segment. */
	cwnd = 9 * MSS / 2 + 3 * MSS - 3 * MSS + MSS;
	assert_int_equal(rig_tcb(&r)->cc.cwnd, cwnd);
	ack(&r, 7 * MSS);
	assert_int_equal(expect_at(&r, 7 * MSS), MSS);
	rig_expect_none(&r);
	assert_true(rig_tcb(&r)->flags & LULL_TCB_RECOVERY);
	assert_int_equal(rig_count(&r, LULL_COUNT_RENO_RECOVERY), 1);
	ack(&r, 10 * MSS);
	assert_false(rig_tcb(&r)->flags & LULL_TCB_RECOVERY);
	/* min(ssthresh, max(FlightSize, SMSS) + SMSS) */
	assert_int_equal(rig_tcb(&r)->cc.cwnd, 2 * MSS);
	rig_close(&r);
}

/* RFC 6582 4: duplicates of what the recovery sent again start no other. */
static void no_second_recovery_for_one_loss(void **unused)
{
	struct rig r;

	send_out(&r, &plain, 20); /* 10 of them out */
	ack(&r, MSS);
	assert_int_equal(rig_discard(&r), 2);
	for (int i = 0; i < 3; i++)
		rig_ack(&r);
	rig_discard(&r);	     /* two of them new: limited transmit */
	rig_pass_ms(&r, 2 * RTO_MS); /* that was lost, too */
	assert_true(rig_count(&r, LULL_COUNT_TIMEOUTS) >= 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_LOSS_FAILURES), 1);
	rig_discard(&r);
	for (int i = 0; i < 5; i++)
		rig_ack(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_RENO_RECOVERY), 1);
	/* Once all of that is over, the next loss is a new one. */
	ack(&r, 14 * MSS);
	rig_discard(&r);
	ack(&r, 15 * MSS);
	rig_discard(&r);
	for (int i = 0; i < 3; i++)
		rig_ack(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_RENO_RECOVERY), 2);
	rig_discard(&r);
	rig_close(&r);
}

/* RFC 6582 3.2 (4): what a timeout sends again draws duplicates, too. */
static void no_recovery_after_a_timeout(void **unused)
{
	struct rig r;

	send_out(&r, &plain, 10);
	rig_pass_ms(&r, RTO_MS);
	assert_int_equal(rig_discard(&r), 1);
	ack(&r, 3 * MSS);
	rig_discard(&r);
	for (int i = 0; i < 5; i++)
		rig_ack(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_RENO_RECOVERY), 0);
	ack(&r, 10 * MSS);
	/* That is over now: the next loss is a new one. */
	rig_write(&r, 10 * MSS);
	rig_discard(&r);
	ack(&r, 11 * MSS);
	rig_discard(&r);
	for (int i = 0; i < 3; i++)
		rig_ack(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_RENO_RECOVERY), 1);
	rig_discard(&r);
	rig_close(&r);
}

/* New text goes while duplicates come: each is a segment that has left. */
static void recovery_sends_new_text(void **unused)
{
	struct rig r;
	uint32_t i;

	send_out(&r, &plain, 30);
	ack(&r, MSS); /* 2 more go: 1..12 are out */
	assert_int_equal(rig_discard(&r), 2);
	/* RFC 3042: a new segment for each of the first two. */
	for (i = 12; i < 14; i++) {
		rig_ack(&r);
		expect_at(&r, i * MSS);
		rig_expect_none(&r);
	}
	rig_ack(&r);
	expect_at(&r, MSS);
	rig_expect_none(&r);
	/* Those two don't count (RFC 5681 3.2): half of a window of 11. */
	assert_int_equal(rig_tcb(&r)->cc.ssthresh, 11 * MSS / 2);
	for (i = 0; i < 10; i++)
		rig_ack(&r);
	/* cwnd 11 / 2 + 13 segments, 13 of them out. */
	for (i = 14; i < 14 + 4; i++)
		if (!expect_at(&r, i * MSS))
			fail_msg("segment %u is empty", i);
	rig_discard(&r);
	ack(&r, 14 * MSS);
	assert_false(rig_tcb(&r)->flags & LULL_TCB_RECOVERY);
	rig_discard(&r);
	rig_close(&r);
}

/* ---- timeouts (RFC 6298) ---- */

/* 5.4 to 5.6: the oldest, doubled each time; 5.1, 5.3: restarted by ACKs. */
static void timeout_and_backoff(void **unused)
{
	uint32_t wait_ms = RTO_MS;
	struct rig r;

	send_out(&r, &plain, 5);
	for (int i = 0; i < 5; i++) {
		rig_pass_ms(&r, wait_ms - 1);
		rig_expect_none(&r);
		rig_pass_ms(&r, 1);
		assert_int_equal(expect_at(&r, 0), MSS);
		rig_expect_none(&r); /* a window of one segment */
		assert_int_equal(rig_tcb(&r)->cc.cwnd, MSS);
		wait_ms *= 2;
	}
	/* RFC 5681 3.1: half of what was out, once, and two at least. */
	assert_int_equal(rig_tcb(&r)->cc.ssthresh, 5 * MSS / 2);
	assert_int_equal(rig_count(&r, LULL_COUNT_TIMEOUTS), 5);
	/* The first answer: the rest is sent again, as slow start allows. */
	ack(&r, MSS);
	assert_int_equal(expect_at(&r, MSS), MSS);
	assert_int_equal(expect_at(&r, 2 * MSS), MSS);
	rig_expect_none(&r);
	ack(&r, 5 * MSS);
	rig_expect_none(&r);
	rig_pass_ms(&r, 10000);
	rig_expect_none(&r);
	rig_close(&r);
}

static void rto_max_is_a_limit(void **unused)
{
	static const uint32_t waits_ms[] = {201, 402, 804, 1608, 2000, 2000};
	struct rig r;

	send_out(&r, &plain, 1);
	rig_knob(&r, "net.ipv4.tcp_rto_max_ms", "2000");
	for (uint32_t i = 0; i < ARRAY_LEN(waits_ms); i++) {
		rig_pass_ms(&r, waits_ms[i] - 1);
		rig_expect_none(&r);
		rig_pass_ms(&r, 1);
		expect_at(&r, 0);
	}
	rig_close(&r);
}

/* 5.3: an ACK of new data starts the time again for what is left. */
static void ack_restarts_the_timer(void **unused)
{
	struct rig r;

	send_out(&r, &stamps, 5);
	rig_pass_ms(&r, 150);
	r.tsecr += 149; /* a round trip of 1 ms */
	r.tsval += 149;
	r.ack = at(1448);
	rig_ack(&r);
	rig_pass_ms(&r, 190);
	rig_expect_none(&r);
	/* A duplicate does not. */
	rig_ack(&r);
	rig_pass_ms(&r, 60);
	assert_int_equal(rig_count(&r, LULL_COUNT_TIMEOUTS), 1);
	assert_int_equal(expect_at(&r, 1448), 1448);
	rig_discard(&r);
	rig_close(&r);
}

/* 2.2 and 2.3, by the letter, with Linux's floor under the spread. */
static void rtt_and_rto(void **unused)
{
	static const struct {
		uint32_t rtt_ms, srtt_us, rttvar_us, rto_us;
	} t[] = {
		{1, 1000, 500, 201000}, /* the handshake */
		{100, 13375, 25125, 213375},  {100, 24203, 40500, 224203},
		{500, 83677, 149324, 680975}, {500, 135717, 216074, 1000013},
		{10, 120003, 193485, 893942}, {10, 106253, 172614, 796711},
		{10, 94221, 153524, 708317},
	};
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct lull_tcb *tcb = rig_tcb(&r);

		if (i > 0) {
			rig_write(&r, 10);
			rig_expect(&r, LULL_ACK);
			/* Not longer than the timeout, or Karn has a say. */
			rig_tcb(&r)->tmr.set = 0;
			rig_pass_ms(&r, t[i].rtt_ms);
			rig_ack(&r);
		}
		assert_in_range(tcb->rtt.srtt_us, t[i].srtt_us - 20,
				t[i].srtt_us + 20);
		assert_in_range(tcb->rtt.rttvar_us, t[i].rttvar_us - 20,
				t[i].rttvar_us + 20);
		assert_in_range(tcb->rtt.rto_us, t[i].rto_us - 100,
				t[i].rto_us + 100);
	}
	rig_close(&r);
}

/* 3, MUST-18: the ACK of what was sent twice says nothing of the path. */
static void karn(void **unused)
{
	struct rig r;

	send_out(&r, &plain, 1);
	rig_pass_ms(&r, RTO_MS);
	expect_at(&r, 0);
	rig_pass_ms(&r, 50);
	ack(&r, MSS);
	assert_int_equal(rig_tcb(&r)->rtt.srtt_us, 1000);
	assert_int_equal(rig_tcb(&r)->rtt.backoff, 0);
	/* What was sent once says it again. */
	rig_write(&r, 10);
	rig_expect(&r, LULL_ACK);
	rig_pass_ms(&r, 9);
	rig_ack(&r);
	assert_int_equal(rig_tcb(&r)->rtt.srtt_us, 2000);
	rig_close(&r);
}

/* What went once, behind what was lost, waited for it at the peer. */
static void karn_behind_a_hole(void **unused)
{
	struct rig r;

	send_out(&r, &plain, 3);
	rig_pass_ms(&r, RTO_MS);
	expect_at(&r, 0);
	rig_pass_ms(&r, 50);
	ack(&r, 3 * MSS);
	assert_int_equal(rig_tcb(&r)->rtt.srtt_us, 1000);
	rig_close(&r);
}

/* RFC 7323 4.1: the echo tells which of both it was. */
static void rtt_from_the_echo(void **unused)
{
	static const uint32_t back_ms[] = {30, 30 + RTO_MS};

	for (uint32_t i = 0; i < ARRAY_LEN(back_ms); i++) {
		uint32_t now, srtt;
		struct rig r;

		send_out(&r, &stamps, 1);
		rig_pass_ms(&r, RTO_MS);
		expect_at(&r, 0);
		now = r.tsecr; /* of the second one */
		rig_pass_ms(&r, 30);
		r.tsecr = now + 30 - back_ms[i];
		ack(&r, 1448);
		srtt = rig_tcb(&r)->rtt.srtt_us;
		assert_in_range(srtt, (7 * 1000 + back_ms[i] * 1000) / 8 - 20,
				(7 * 1000 + back_ms[i] * 1000) / 8 + 20);
		rig_close(&r);
	}
}

/* An echo that nobody can have seen is no sample. */
static void rtt_from_no_false_echo(void **unused)
{
	static const uint32_t offs[] = {0x80000000, 0x7fffffff, 100000000};

	for (uint32_t i = 0; i < ARRAY_LEN(offs); i++) {
		struct rig r;

		send_out(&r, &stamps, 1);
		rig_pass_ms(&r, RTO_MS);
		expect_at(&r, 0);
		r.tsecr += offs[i];
		ack(&r, 1448);
		assert_true(rig_tcb(&r)->rtt.srtt_us <= 1000);
		rig_close(&r);
	}
}

/* ---- R2 (3.8.3) ---- */

/* tcp_retries2 15: after 924.6 s, with tcp_rto_min as the first timeout. */
static void retries2(void **unused)
{
	static const struct {
		const char *retries2;
		uint32_t retrans, end_ms;
	} t[] = {
		{"15", 15, 925623}, /* the first timeout from then on */
		{"3", 3, 3015},
		{"0", 1, 603}, /* once at least */
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		send_out(&r, &plain, 1);
		rig_knob(&r, "net.ipv4.tcp_retries2", t[i].retries2);
		rig_pass_ms(&r, t[i].end_ms - 1);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		assert_int_equal(rig_news(&r), 0);
		assert_int_equal(rig_discard(&r), t[i].retrans);
		rig_pass_ms(&r, 1);
		rig_expect_none(&r); /* silently, as Linux */
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		assert_int_equal(rig_news(&r), LULL_EVENT_ERROR);
		assert_int_equal(r.error, -ETIMEDOUT);
		assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_TIMEOUT), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_ESTAB_RESETS), 1);
		rig_close(&r);
	}
}

/* An ACK in between: the patience is whole again. */
static void progress_renews_the_patience(void **unused)
{
	struct rig r;

	send_out(&r, &plain, 10);
	rig_knob(&r, "net.ipv4.tcp_retries2", "3");
	for (uint32_t i = 1; i < 5; i++) {
		rig_pass_ms(&r, 2900);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		ack(&r, i * MSS);
		rig_discard(&r);
	}
	rig_close(&r);
}

/* MUST-21: the program's own R2. */
static void user_timeout(void **unused)
{
	struct rig r;

	send_out(&r, &plain, 1);
	rig_set(&r, LULL_OPT_USER_TIMEOUT, 5000);
	rig_pass_ms(&r, 4999);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_pass_ms(&r, 5000); /* the next timeout is at most as far */
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(r.error, -ETIMEDOUT);
	rig_discard(&r);
	rig_close(&r);

	send_out(&r, &plain, 1); /* and longer than tcp_retries2 */
	rig_set(&r, LULL_OPT_USER_TIMEOUT, 3600 * 1000);
	rig_pass_ms(&r, 3500 * 1000);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_pass_ms(&r, 220 * 1000);
	assert_int_equal(r.error, -ETIMEDOUT);
	rig_discard(&r);
	rig_close(&r);
}

/* ---- ICMP errors about what is in flight ---- */

/* MUST-56, RFC 5927 6.2: none ends it; the error is told at last. */
static void icmp_is_remembered(void **unused)
{
	static const struct {
		struct rig_icmp icmp;
		int error;
	} t[] = {
		{{3, 0, 0}, ENETUNREACH},  {{3, 1, 0}, EHOSTUNREACH},
		{{3, 3, 0}, ECONNREFUSED}, {{11, 0, 0}, EHOSTUNREACH},
		{{12, 0, 0}, EPROTO},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct lull_sock_info info = {.size = sizeof info};
		struct rig r;

		send_out(&r, &plain, 1);
		rig_knob(&r, "net.ipv4.tcp_retries2", "3");
		rig_icmp(&r, t[i].icmp, at(0));
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		assert_int_equal(rig_news(&r), 0);
		assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
		assert_int_equal(info.soft_error, -t[i].error);
		rig_pass_ms(&r, 4000);
		assert_int_equal(r.error, -t[i].error);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* RFC 1191 6.4: at once, in smaller segments, and no congestion. */
static void too_big(void **unused)
{
	for (uint32_t i = 0; i < 4; i++) {
		bool v6 = i & 1, ts = i & 2;
		struct rig_config c = {.v6 = v6, .wscale = true, .ts = ts};
		uint32_t mss = v6 ? 1280 - 60 : 1000 - 40, cwnd, sent = 0;
		struct rig_seg out;
		struct rig r;

		mss -= ts ? 12 : 0;
		send_out(&r, &c, 3);
		cwnd = rig_tcb(&r)->cc.cwnd;
		rig_icmp(&r,
			 v6 ? (struct rig_icmp){2, 0, 1280}
			    : (struct rig_icmp){3, 4, 1000},
			 at(0));
		assert_int_equal(rig_tcb(&r)->cc.cwnd, cwnd);
		while (rig_get(&r, &out)) {
			assert_int_equal(out.seg.seq.v, at(sent).v);
			assert_true(out.seg.text_len <= mss);
			rig_same(out.text, out.seg.text_len, sent);
			sent += out.seg.text_len;
		}
		assert_int_equal(sent, r.written);
		ack(&r, sent);
		rig_write(&r, 2000);
		assert_int_equal(expect_at(&r, sent), mss);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* RFC 1191 6.3: it was smaller before, so this one is old or false. */
static void too_big_but_growing(void **unused)
{
	struct rig r;

	send_out(&r, &plain, 3);
	rig_icmp(&r, (struct rig_icmp){3, 4, 1000}, at(0));
	rig_discard(&r);
	rig_icmp(&r, (struct rig_icmp){3, 4, 1200}, at(0));
	rig_icmp(&r, (struct rig_icmp){3, 4, 1000}, at(0));
	rig_expect_none(&r);
	assert_int_equal(rig_drops(&r, LULL_DROP_ICMP_MTU), 2);
	assert_int_equal(rig_tcb(&r)->opt.mss, 960);
	rig_close(&r);
}

/* RFC 5927 4 and 7: guessed, absurd or growing ones change nothing. */
static void false_too_big(void **unused)
{
	static const struct {
		uint32_t mtu;
		int32_t seq;
		bool v6;
		enum lull_drop why;
	} t[] = {
		{1000, -1, false, LULL_DROP_ICMP_NOT_IN_FLIGHT},
		{1000, 3 * MSS, false, LULL_DROP_ICMP_NOT_IN_FLIGHT},
		{1000, 1 << 30, false, LULL_DROP_ICMP_NOT_IN_FLIGHT},
		{0, 0, false, LULL_DROP_ICMP_MTU},
		{68, 0, false, LULL_DROP_ICMP_MTU},
		{551, 0, false, LULL_DROP_ICMP_MTU},
		{1500, 0, false, LULL_DROP_ICMP_MTU},
		{9000, 0, false, LULL_DROP_ICMP_MTU},
		{1279, 0, true, LULL_DROP_ICMP_MTU},
		{0, 0, true, LULL_DROP_ICMP_MTU},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig_config c = {.v6 = t[i].v6, .wscale = true};
		uint32_t mss;
		struct rig r;

		send_out(&r, &c, 3);
		mss = rig_tcb(&r)->opt.mss;
		rig_icmp(&r,
			 t[i].v6 ? (struct rig_icmp){2, 0, t[i].mtu}
				 : (struct rig_icmp){3, 4, t[i].mtu},
			 at((uint32_t)t[i].seq));
		rig_expect_none(&r);
		assert_int_equal(rig_tcb(&r)->opt.mss, mss);
		assert_int_equal(rig_drops(&r, t[i].why), 1);
		rig_close(&r);
	}
}

/* ICMP that quotes somebody else's connection, or not enough of ours. */
static void false_quotes(void **unused)
{
	struct lull_tuple tuple;
	struct rig r;

	send_out(&r, &plain, 3);
	tuple = r.tuple;
	r.tuple.lport++;
	rig_icmp(&r, (struct rig_icmp){3, 4, 1000}, at(0));
	r.tuple = tuple;
	r.tuple.rport++;
	rig_icmp(&r, (struct rig_icmp){3, 4, 1000}, at(0));
	r.tuple = tuple;
	assert_int_equal(rig_drops(&r, LULL_DROP_ICMP_NO_FLOW), 2);
	assert_int_equal(rig_tcb(&r)->opt.mss, MSS);
	rig_expect_none(&r);
	rig_close(&r);
}

/* ---- the stream survives ---- */

/* A path that loses a quarter of all segments, both ways. */
static void lossy(const struct rig_config *config, uint64_t seed)
{
	uint8_t got[30000] = {0};
	uint32_t in_order = 0;
	struct rig_seg out;
	struct rig r;

	rig_open(&r, config);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_ack(&r);
	rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
	rig_write(&r, sizeof got);
	for (int turn = 0; in_order < sizeof got; turn++) {
		assert_true(turn < 10000);
		rig_pass_ms(&r, 10);
		while (rig_get(&r, &out)) {
			uint32_t from = out.seg.seq.v - at(0).v;

			if (out.seg.has_ts)
				r.tsecr = out.seg.tsval;
			if (rig_random(&seed, 4) == 0)
				continue;
			assert_true(from + out.seg.text_len <= sizeof got);
			rig_same(out.text, out.seg.text_len, from);
			memset(got + from, 1, out.seg.text_len);
			while (in_order < sizeof got && got[in_order])
				in_order++;
			r.ack = at(in_order);
			r.tsval += config->ts;
			if (rig_random(&seed, 4))
				rig_ack(&r);
		}
	}
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_ack(&r);
	rig_expect_none(&r);
	assert_int_equal(rig_tcb(&r)->snd.head, 0);
	assert_int_equal(rig_tcb(&r)->snd.ranges, 0);
	assert_int_equal(rig_tcb(&r)->snd.pipe, 0);
	assert_int_equal(rig_tcb(&r)->snd.charge, 0);
	rig_close(&r);
}

static void stream_survives_loss(void **unused)
{
	for (uint64_t seed = 1; seed <= 30; seed++)
		lossy(&(struct rig_config){.wscale = true,
					   .ts = seed % 2,
					   .v6 = seed % 3 == 0},
		      seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(third_duplicate_ack),
		cmocka_unit_test(recovery_after_two_gigabytes),
		cmocka_unit_test(what_is_no_duplicate),
		cmocka_unit_test(duplicates_are_counted_anew),
		cmocka_unit_test(partial_acks),
		cmocka_unit_test(no_second_recovery_for_one_loss),
		cmocka_unit_test(no_recovery_after_a_timeout),
		cmocka_unit_test(recovery_sends_new_text),
		cmocka_unit_test(timeout_and_backoff),
		cmocka_unit_test(rto_max_is_a_limit),
		cmocka_unit_test(ack_restarts_the_timer),
		cmocka_unit_test(rtt_and_rto),
		cmocka_unit_test(karn),
		cmocka_unit_test(karn_behind_a_hole),
		cmocka_unit_test(rtt_from_the_echo),
		cmocka_unit_test(rtt_from_no_false_echo),
		cmocka_unit_test(retries2),
		cmocka_unit_test(progress_renews_the_patience),
		cmocka_unit_test(user_timeout),
		cmocka_unit_test(icmp_is_remembered),
		cmocka_unit_test(too_big),
		cmocka_unit_test(too_big_but_growing),
		cmocka_unit_test(false_too_big),
		cmocka_unit_test(false_quotes),
		cmocka_unit_test(stream_survives_loss),
	};

	return RUN("loss", tests);
}
