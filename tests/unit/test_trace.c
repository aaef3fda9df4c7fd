/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_trace.c: why something ended, as the trace ring tells (enum
 * lull_trace_end). The ring itself is in test_diag.c.
 */
#include "rig.h"

static void few_records(struct lull_limits *l)
{
	l->closing = 1;
}

static void peer_resets(struct rig *r)
{
	rig_knob(r, "net.ipv4.tcp_rfc1337", "0");
	rig_say(r, LULL_RST | LULL_ACK, NULL, 0);
}

static void program_aborts(struct rig *r)
{
	lull_sock_abort(r->s, r->sock);
	rig_run(r);
}

static void peer_acks(struct rig *r)
{
	rig_discard(r);
	rig_put(r, LULL_ACK, r->seq, rig_tcb(r)->snd.nxt, NULL, 0);
}

static void peer_writes(struct rig *r)
{
	rig_say(r, LULL_ACK, "late", 4);
}

static void nobody_speaks(struct rig *r)
{
	rig_pass_ms(r, 1000000);
}

static void another_waits(struct rig *r)
{
	rig_pass_ms(r, 10);
	rig_peer(r, RIG_PEER_PORT + 1);
	rig_shake(r);
	lull_sock_close(r->s, r->sock);
	rig_run(r);
	rig_expect(r, LULL_FIN | LULL_ACK);
	rig_say(r, LULL_FIN | LULL_ACK, NULL, 0);
}

static void peer_opens_again(struct rig *r)
{
	rig_discard(r);
	rig_pass_ms(r, 2000);
	r->seq = lull_seq_add(r->seq, 100000);
	rig_syn(r, LULL_SYN);
}

static void peer_sends_syn(struct rig *r)
{
	rig_put(r, LULL_SYN, lull_seq_add(r->seq, 1), r->ack, NULL, 0);
}

/* The trace tells why; the counters tell the same, but not of whom. */
static void trace_of_ends(void **unused)
{
	static const struct {
		enum lull_tcp_state state;
		bool held;
		void (*act)(struct rig *r);
		enum lull_trace_end want;
	} t[] = {
		{LULL_TCP_SYN_RECEIVED, false, peer_resets, LULL_END_RST_IN},
		{LULL_TCP_SYN_RECEIVED, false, nobody_speaks, LULL_END_TIMEOUT},
		{LULL_TCP_SYN_RECEIVED, false, peer_sends_syn, LULL_END_SYN},
		{LULL_TCP_SYN_SENT, true, peer_resets, LULL_END_RST_IN},
		{LULL_TCP_SYN_SENT, true, program_aborts, LULL_END_PROGRAM},
		{LULL_TCP_SYN_SENT, true, nobody_speaks, LULL_END_TIMEOUT},
		{LULL_TCP_ESTABLISHED, true, peer_resets, LULL_END_RST_IN},
		{LULL_TCP_ESTABLISHED, true, program_aborts, LULL_END_RST_OUT},
		{LULL_TCP_FIN_WAIT_1, false, nobody_speaks, LULL_END_TIMEOUT},
		{LULL_TCP_FIN_WAIT_1, false, peer_writes, LULL_END_RST_OUT},
		{LULL_TCP_FIN_WAIT_2, false, peer_writes, LULL_END_RST_OUT},
		{LULL_TCP_FIN_WAIT_2, false, peer_resets, LULL_END_RST_IN},
		{LULL_TCP_FIN_WAIT_2, false, nobody_speaks, LULL_END_TIME},
		{LULL_TCP_CLOSE_WAIT, true, peer_resets, LULL_END_RST_IN},
		{LULL_TCP_LAST_ACK, false, peer_acks, LULL_END_FIN},
		{LULL_TCP_LAST_ACK, true, program_aborts, LULL_END_PROGRAM},
		{LULL_TCP_LAST_ACK, false, nobody_speaks, LULL_END_TIMEOUT},
		{LULL_TCP_TIME_WAIT, false, peer_resets, LULL_END_RST_IN},
		{LULL_TCP_TIME_WAIT, false, nobody_speaks, LULL_END_TIME},
		{LULL_TCP_TIME_WAIT, false, another_waits, LULL_END_EVICTED},
		{LULL_TCP_TIME_WAIT, false, peer_opens_again, LULL_END_REUSED},
	};
	struct lull_trace_record record[64];

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		uint64_t cursor = 0;
		struct rig r;
		int n, k = 0;

		/* Profile lull answers another SYN, and goes on. */
		rig_open(&r, &(struct rig_config){
				     .limits = few_records,
				     .profile = t[i].want == LULL_END_SYN
							? LULL_PROFILE_LINUX
							: LULL_PROFILE_LULL});
		rig_reach(&r, t[i].state, t[i].held);
		cursor = r.s->g.trace.next;
		t[i].act(&r);
		n = lull_diag_trace(r.s, &cursor, record, 64);
		while (k < n && (record[k].kind != LULL_TRACE_STATE ||
				 record[k].to != LULL_TCP_CLOSED))
			k++;
		if (k == n || record[k].what != t[i].want)
			fail_msg("row %u: %d records, end %d, want %d", i, n,
				 k < n ? record[k].what : -1, (int)t[i].want);
		rig_drop(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trace_of_ends),
	};

	return RUN("trace", tests);
}
