/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_user_timeout.c: TCP_USER_TIMEOUT (MUST-21, the local half of RFC 5482)
 * in each place where one waits for the peer, to the millisecond.
 */
#include "rig.h"

enum {
	TIMEOUT_MS = 5000
};

static const struct rig_config plain = {.rtt_ms = 1};

static void established(struct rig *r)
{
	rig_open(r, &plain);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_align(r);
	rig_set(r, LULL_OPT_USER_TIMEOUT, TIMEOUT_MS);
}

/* It lives for `ms` less one, and then it has timed out. */
static void expect_end_after(struct rig *r, uint32_t ms)
{
	rig_pass_ms(r, ms - 1);
	assert_int_not_equal(rig_state(r), LULL_TCP_CLOSED);
	rig_pass_ms(r, 1);
	assert_int_equal(rig_state(r), LULL_TCP_CLOSED);
	assert_int_equal(r->error, -ETIMEDOUT);
	rig_discard(r);
	rig_close(r);
}

static void of_text_in_flight(void **unused)
{
	struct rig r;

	established(&r);
	rig_write(&r, 100);
	expect_end_after(&r, TIMEOUT_MS);
}

/* tcp_write_timeout(): a SYN as well. */
static void of_a_syn(void **unused)
{
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	rig_set(&r, LULL_OPT_USER_TIMEOUT, TIMEOUT_MS);
	rig_pass_ms(&r, TIMEOUT_MS - 5);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_SENT);
	rig_pass_ms(&r, 10);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(r.error, -ETIMEDOUT);
	rig_discard(&r);
	rig_close(&r);
}

/* Counted from the first probe. */
static void of_a_zero_window(void **unused)
{
	struct rig r;

	established(&r);
	r.wnd = 0;
	rig_ack(&r);
	rig_write(&r, 100);
	rig_expect_after(&r, RIG_RTO_MS, LULL_ACK);
	expect_end_after(&r, TIMEOUT_MS);
}

/* tcp(7): text that stays untransmitted for a zero window, answers or not;
 * without the option an answer keeps it alive (MUST-37). */
static void of_a_zero_window_that_answers(void **unused)
{
	for (int with = 0; with < 2; with++) {
		uint32_t probes = 0;
		struct rig_seg out;
		struct rig r;

		established(&r);
		if (!with)
			rig_set(&r, LULL_OPT_USER_TIMEOUT, 0);
		r.wnd = 0;
		rig_ack(&r);
		rig_write(&r, 100);
		for (uint32_t ms = 0; ms < RIG_RTO_MS + TIMEOUT_MS; ms++) {
			assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
			rig_pass_ms(&r, 1);
			if (!rig_get(&r, &out))
				continue;
			probes++;
			rig_ack(&r);
		}
		assert_true(probes >= 4);
		assert_int_equal(rig_state(&r),
				 with ? LULL_TCP_CLOSED : LULL_TCP_ESTABLISHED);
		assert_int_equal(r.error, with ? -ETIMEDOUT : 0);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* A window that opened meanwhile begins it anew. */
static void an_open_window_begins_anew(void **unused)
{
	struct rig r;

	established(&r);
	r.wnd = 0;
	rig_ack(&r);
	rig_write(&r, 100);
	rig_pass_ms(&r, 4000);
	rig_discard(&r);
	r.ack = lull_seq(RIG_ISS + 1);
	r.wnd = 50;
	rig_ack(&r);
	rig_pass_ms(&r, 4000);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_discard(&r);
	r.ack = lull_seq(RIG_ISS + 1 + 50);
	rig_ack(&r);
	rig_pass_ms(&r, 4000);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_discard(&r);
	rig_close(&r);
}

/* tcp_keepalive_timer(): the time counts, not the number of probes. */
static void of_keepalive(void **unused)
{
	struct rig r;

	established(&r);
	rig_ack(&r);
	rig_set(&r, LULL_OPT_KEEPALIVE, 1);
	rig_set(&r, LULL_OPT_KEEPIDLE, 1);
	rig_set(&r, LULL_OPT_KEEPINTVL, 1);
	rig_set(&r, LULL_OPT_KEEPCNT, 2);
	for (int i = 0; i < 4; i++)
		rig_expect_after(&r, 1000, LULL_ACK);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_expect_after(&r, 1000, LULL_RST | LULL_ACK);
	assert_int_equal(r.error, -ETIMEDOUT);
	rig_close(&r);
}

/* But one probe must have gone unanswered. */
static void keepalive_asks_once(void **unused)
{
	struct rig r;

	established(&r);
	rig_ack(&r);
	rig_set(&r, LULL_OPT_KEEPALIVE, 1);
	rig_set(&r, LULL_OPT_KEEPIDLE, 60);
	rig_set(&r, LULL_OPT_KEEPINTVL, 7);
	rig_expect_after(&r, 60000, LULL_ACK);
	rig_expect_after(&r, 7000, LULL_RST | LULL_ACK);
	rig_close(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_text_in_flight),
		cmocka_unit_test(of_a_syn),
		cmocka_unit_test(of_a_zero_window),
		cmocka_unit_test(of_a_zero_window_that_answers),
		cmocka_unit_test(an_open_window_begins_anew),
		cmocka_unit_test(of_keepalive),
		cmocka_unit_test(keepalive_asks_once),
	};

	return RUN("user_timeout", tests);
}
