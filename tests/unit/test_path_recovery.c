/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_path_recovery.c: what a sender does about losses, seen from outside, on
 * a path whose losses are known: RFC 6675, 6937, 8985, 5682, 3522. And how
 * flows share a link: RFC 5681, 9438.
 */
#include <string.h>

#include "path.h"

enum {
	MSS = 1448, /* with timestamps, at 1,500 bytes */
	RTT_MS = 100,
	FIRST = 151, /* in slow start the segments 151 to 310 are one window */
};

#define MBIT 125000ULL /* bytes a second */

#define FORTH path.leg[PATH_FORTH]

/* 100 ms there and back, no limit, `segments` to send. */
static struct flows_plan open_road(uint32_t segments)
{
	struct flows_plan plan = flows_plan(RTT_MS / 2, 0);

	plan.flow[0].bytes = (uint64_t)segments * MSS;
	plan.path.record = true;
	return plan;
}

static struct path_drop drop(uint32_t first, uint32_t count)
{
	return (struct path_drop){.first = first, .count = count};
}

static uint64_t timeouts(const struct flows *f)
{
	return flows_count(f, FLOWS_A, "TCPTimeouts");
}

static uint64_t again(const struct flows *f)
{
	return flows_result(f, 0).path.again;
}

/* How long the same takes when nothing is lost. */
static uint64_t without_loss_us(const struct flows_plan *plan)
{
	struct flows_plan p = *plan;
	uint64_t us;
	struct flows *f;

	memset(p.FORTH.drop, 0, sizeof p.FORTH.drop);
	f = path_play(&p);
	assert_true(flows_result(f, 0).done);
	us = flows_result(f, 0).took_us;
	path_end(f);
	return us;
}

/* ---- losses in the middle ---- */

static void nothing_lost_nothing_goes_again(void **state)
{
	struct flows_plan plan = open_road(1000);
	struct flows *f = path_play(&plan);

	assert_true(flows_result(f, 0).done);
	assert_int_equal(again(f), 0);
	assert_int_equal(timeouts(f), 0);
	path_end(f);
}

static void one_loss_is_repaired_in_a_round_trip(void **state)
{
	struct flows_plan plan = open_road(300);
	struct flows *f;

	plan.FORTH.drop[0] = drop(200, 1);
	f = path_play(&plan);
	assert_int_equal(again(f), 1);
	assert_int_equal(timeouts(f), 0);
	assert_in_range(flows_result(f, 0).took_us, 0,
			without_loss_us(&plan) + 1100 * RTT_MS);
	path_end(f);
}

/* In a window of 100 and more: at most drops + 1 go again, and no RTO. */
static void five_scattered_drops_need_no_timeout(void **state)
{
	static const uint32_t lost[] = {160, 177, 199, 231, 260};
	struct flows_plan plan = open_road(330);
	struct flows *f;

	for (int i = 0; i < 5; i++)
		plan.FORTH.drop[i] = drop(lost[i], 1);
	f = path_play(&plan);
	assert_true(flows_result(f, 0).done);
	assert_int_equal(flows_result(f, 0).path.lost, 5);
	assert_int_equal(timeouts(f), 0);
	assert_in_range(again(f), 5, 6);
	/* All in one round trip; and another one for the smaller window. */
	assert_in_range(flows_result(f, 0).took_us, 0,
			without_loss_us(&plan) + 2100 * RTT_MS);
	path_end(f);
}

/* RFC 8985 3.2: what was sent later than it has arrived. */
static void a_lost_retransmission_needs_no_timeout(void **state)
{
	struct flows_plan plan = open_road(1000);
	struct flows *f;

	plan.FORTH.drop[0] = (struct path_drop){200, 1, 2};
	f = path_play(&plan);
	assert_true(flows_result(f, 0).done);
	assert_int_equal(flows_result(f, 0).path.lost, 2);
	assert_int_equal(timeouts(f), 0);
	assert_int_equal(again(f), 2);
	path_end(f);
}

/* RFC 3042: of four segments the first is lost: three ACKs are too few for
 * some, not for RACK. */
static void a_loss_in_a_small_window_needs_no_timeout(void **state)
{
	struct flows_plan plan = open_road(4);
	struct flows *f;

	plan.FORTH.drop[0] = drop(1, 1);
	f = path_play(&plan);
	assert_true(flows_result(f, 0).done);
	assert_int_equal(timeouts(f), 0);
	assert_in_range(again(f), 1, 2);
	path_end(f);
}

/* ---- tails ---- */

/* RFC 8985 7.2: after two round trips, and 200 ms for an ACK that is delayed.
 * Before the last there are pairs: none of their ACKs waits. */
static void a_lost_last_segment_is_probed_for(void **state)
{
	struct flows_plan plan = open_road(21);
	struct flows *f;

	plan.FORTH.drop[0] = drop(PATH_TAIL, 1);
	f = path_play(&plan);
	assert_true(flows_result(f, 0).done);
	assert_int_equal(flows_result(f, 0).path.lost, 1);
	assert_int_equal(timeouts(f), 0);
	assert_int_equal(again(f), 1);
	assert_in_range(flows_result(f, 0).took_us, 0,
			without_loss_us(&plan) + 4100 * RTT_MS);
	path_end(f);
}

static void a_lost_tail_needs_no_timeout(void **state)
{
	struct flows_plan plan = open_road(20);
	struct flows *f;

	plan.FORTH.drop[0] = drop(17, 4);
	f = path_play(&plan);
	assert_true(flows_result(f, 0).done);
	assert_int_equal(flows_result(f, 0).path.lost, 4);
	assert_int_equal(timeouts(f), 0);
	assert_int_equal(again(f), 4);
	path_end(f);
}

/* The probe is lost as well: one timeout, and that is all. */
static void a_lost_probe_waits_for_the_timeout(void **state)
{
	struct flows_plan plan = open_road(20);
	struct flows *f;

	plan.FORTH.drop[0] = (struct path_drop){PATH_TAIL, 1, 2};
	f = path_play(&plan);
	assert_true(flows_result(f, 0).done);
	assert_int_equal(timeouts(f), 1);
	assert_int_equal(again(f), 2);
	path_end(f);
}

/* ---- reordering ---- */

/* Every 200th segment comes so many later; link full, no loss. */
static void reorder(uint32_t by)
{
	struct flows_plan plan = flows_plan(RTT_MS / 2, 10 * MBIT);
	struct path_flow_stats early, late;
	struct flows *f;

	plan.FORTH.queue = 0;
	plan.buf_bytes = 500000;
	plan.FORTH.reorder_every = 200;
	plan.FORTH.reorder_by = by;
	plan.FORTH.reorder_hold_us = 1000000;
	plan.until_us = 40000000;
	f = path_begin(&plan);
	flows_run(f, 20000000);
	early = flows_result(f, 0).path;
	flows_mark(f);
	flows_run(f, 0);
	late = flows_result(f, 0).path;
	assert_int_equal(timeouts(f), 0);
	assert_int_equal(late.lost, 0);
	assert_int_equal(late.needless - early.needless, 0);
	/* And the window is as large as it was. */
	assert_true(flows_result(f, 0).rate > .95 * 10 * MBIT * 1448 / 1500);
	path_end(f);
}

/* RFC 8985 6.2 (4) */
static void reordering_by_3_is_no_loss_once_it_is_known(void **state)
{
	reorder(3);
}

static void reordering_by_10_is_no_loss_once_it_is_known(void **state)
{
	reorder(10);
}

static void reordering_by_50_is_no_loss_once_it_is_known(void **state)
{
	reorder(50);
}

/* ---- timeouts that were wrong ---- */

static void stand_still(bool stamps)
{
	struct flows_plan plan = flows_plan(RTT_MS / 2, 10 * MBIT);
	struct flows_result before, after;
	struct flows *f;

	if (!stamps)
		plan.knobs[0] = "net.ipv4.tcp_timestamps=0";
	plan.FORTH.queue = 0;
	plan.buf_bytes = 500000;
	plan.FORTH.stall_at_us = 3000000;
	plan.FORTH.stall_us = 1000000;
	plan.until_us = 8000000;
	f = path_begin(&plan);
	flows_run(f, 2990000);
	before = flows_result(f, 0);
	assert_int_equal(timeouts(f), 0);
	flows_run(f, 4800000);
	after = flows_result(f, 0);
	assert_in_range(timeouts(f), 1, 3);
	assert_int_equal(after.path.lost, 0);
	/* The timeouts' own segments, the probe's; but not the window. */
	assert_in_range(after.path.again, 1, 4);
	assert_true(after.cwnd_bytes >= before.cwnd_bytes);
	assert_true(after.ssthresh_bytes >= before.ssthresh_bytes);
	path_end(f);
}

/* RFC 3522, RFC 4015: timestamps tell. */
static void a_timeout_without_a_loss_is_undone(void **state)
{
	stand_still(true);
}

/* RFC 5682 */
static void a_timeout_without_a_loss_is_undone_without_timestamps(void **state)
{
	stand_still(false);
}

/* ---- PRR ---- */

/* What the sender has learnt, segment by segment. */
struct score {
	bool has[2000];
	uint32_t una, delivered, lost;
};

static void learn(struct score *s, const struct path_event *e)
{
	for (; (int32_t)(e->ack - s->una * MSS) >= MSS; s->una++) {
		s->delivered += !s->has[s->una];
		s->has[s->una] = true;
	}
	for (int i = 0; i < e->sacks; i++) {
		for (uint32_t k = e->sack[i][0] / MSS;
		     k < e->sack[i][1] / MSS && k < 2000; k++) {
			s->delivered += !s->has[k];
			s->has[k] = true;
		}
	}
}

/* What went in one recovery. */
struct repair {
	struct score score;
	uint32_t high, end; /* sent so far; so far when it began */
	uint32_t sent, delivered, burst, most;
	uint64_t last_ns, silence_ns;
};

static void note_sent(struct repair *r, const struct path_event *e)
{
	if (e->again && !r->end) {
		r->end = r->high;
		r->delivered = r->score.delivered;
		r->last_ns = e->at_ns;
	}
	if (e->seq / MSS + 1 > r->high)
		r->high = e->seq / MSS + 1;
	if (!r->end)
		return;
	r->sent++;
	r->burst = e->at_ns == r->last_ns ? r->burst + 1 : 1;
	if (r->burst > r->most)
		r->most = r->burst;
	if (e->at_ns - r->last_ns > r->silence_ns)
		r->silence_ns = e->at_ns - r->last_ns;
	r->last_ns = e->at_ns;
	/* At no moment more than arrived. */
	assert_true(r->sent <= r->score.delivered - r->delivered + 3);
}

/*
 * RFC 6937: in recovery what goes is about beta of what arrives, evenly, not
 * nothing and then a burst. From the first retransmission to the ACK of all
 * that was out then.
 */
static void a_burst_of_30_is_repaired_at_the_rate_of_prr(void **state)
{
	struct flows_plan plan = open_road(1000);
	const struct path_event *e;
	struct repair r = {0};
	struct flows *f;
	size_t n;

	plan.FORTH.drop[0] = drop(180, 30);
	plan.FORTH.rate = 100 * MBIT;
	f = path_play(&plan);
	assert_true(flows_result(f, 0).done);
	assert_int_equal(flows_result(f, 0).path.lost, 30);
	assert_int_equal(timeouts(f), 0);
	assert_in_range(again(f), 30, 31);
	e = path_events(flows_path(f), &n);
	for (size_t i = 0; i < n && (!r.end || r.score.una < r.end); i++) {
		if (e[i].way == PATH_BACK && e[i].arrived)
			learn(&r.score, &e[i]);
		else if (e[i].way == PATH_FORTH && !e[i].arrived && e[i].len)
			note_sent(&r, &e[i]);
	}
	assert_true(r.score.una >= r.end);
	r.delivered = r.score.delivered - r.delivered;
	assert_in_range(r.sent * 100 / r.delivered, 45, 90);
	assert_in_range(r.most, 1, 4);
	/* ACKs pause for 30 segments and for delayed ACKs, not for longer. */
	assert_in_range(r.silence_ns, 0, RTT_MS * 3 / 4 * 1000000);
	path_end(f);
}

/* ---- sharing ---- */

/* Two flows, the second one later; rates of the time after `mark_s`. */
static struct flows *share(const char *cc_a, const char *cc_b, uint64_t mark_s)
{
	struct flows_plan plan = flows_plan(20, 20 * MBIT);
	struct flows *f;

	plan.n = 2;
	plan.flow[0].cc = cc_a;
	plan.flow[1].cc = cc_b;
	plan.flow[1].start_us = 3000000;
	plan.until_us = (mark_s + 40) * 1000000;
	f = path_begin(&plan);
	flows_run(f, mark_s * 1000000);
	flows_mark(f);
	flows_run(f, 0);
	/* Fair, but not by leaving the link idle. */
	assert_true(flows_result(f, 0).rate + flows_result(f, 1).rate >
		    .8 * 20 * MBIT);
	return f;
}

static void two_flows_of_the_default_share_fairly(void **state)
{
	struct flows *f = share(NULL, NULL, 20);

	assert_true(flows_fairness(f) > .9);
	path_end(f);
}

static void two_flows_of_reno_share_fairly(void **state)
{
	struct flows *f = share("reno", "reno", 20);

	assert_true(flows_fairness(f) > .9);
	path_end(f);
}

static void two_flows_of_cubic_share_fairly(void **state)
{
	struct flows *f = share("cubic", "cubic", 20);

	assert_true(flows_fairness(f) > .9);
	path_end(f);
}

/* RFC 9438 4.3: neither starves the other, whoever came first. */
static void cubic_leaves_reno_its_share(void **state)
{
	struct flows *f = share("cubic", "reno", 20);

	assert_true(flows_fairness(f) > .8);
	path_end(f);
	f = share("reno", "cubic", 20);
	assert_true(flows_fairness(f) > .8);
	path_end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lost_nothing_goes_again),
		cmocka_unit_test(one_loss_is_repaired_in_a_round_trip),
		cmocka_unit_test(five_scattered_drops_need_no_timeout),
		cmocka_unit_test(a_lost_retransmission_needs_no_timeout),
		cmocka_unit_test(a_loss_in_a_small_window_needs_no_timeout),
		cmocka_unit_test(a_lost_last_segment_is_probed_for),
		cmocka_unit_test(a_lost_tail_needs_no_timeout),
		cmocka_unit_test(a_lost_probe_waits_for_the_timeout),
		cmocka_unit_test(reordering_by_3_is_no_loss_once_it_is_known),
		cmocka_unit_test(reordering_by_10_is_no_loss_once_it_is_known),
		cmocka_unit_test(reordering_by_50_is_no_loss_once_it_is_known),
		cmocka_unit_test(a_timeout_without_a_loss_is_undone),
		cmocka_unit_test(
			a_timeout_without_a_loss_is_undone_without_timestamps),
		cmocka_unit_test(a_burst_of_30_is_repaired_at_the_rate_of_prr),
		cmocka_unit_test(two_flows_of_the_default_share_fairly),
		cmocka_unit_test(two_flows_of_reno_share_fairly),
		cmocka_unit_test(two_flows_of_cubic_share_fairly),
		cmocka_unit_test(cubic_leaves_reno_its_share),
	};

	return RUN("path_recovery", tests);
}
