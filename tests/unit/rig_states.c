/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rig_states.c: what of a shard a test may look at, and how it brings a
 * connection into a state.
 */
#include "rig.h"

static uint32_t name_of(const struct rig *r)
{
	uint32_t hash = (uint32_t)lull_hash_tuple(r->s->g.keys.flow, &r->tuple);

	return lull_tcp_find(&r->s->tcp, hash, &r->tuple);
}

enum lull_tcp_state rig_state(const struct rig *r)
{
	uint32_t name = name_of(r);

	switch (lull_name_kind(name)) {
	case LULL_KIND_TCB:
		return (enum lull_tcp_state)rig_tcb(r)->state;
	case LULL_KIND_HALF:
		return LULL_TCP_SYN_RECEIVED;
	case LULL_KIND_CLOSING4:
	case LULL_KIND_CLOSING6:
		return (enum lull_tcp_state)lull_closing_at(&r->s->tcp, name)
			->head.commit;
	case LULL_KIND_NONE:
	case LULL_KIND_LISTENER:
	case LULL_KINDS:
		break;
	}
	return LULL_TCP_CLOSED;
}

struct lull_tcb *rig_tcb(const struct rig *r)
{
	uint32_t name = name_of(r);

	assert_int_equal(lull_name_kind(name), LULL_KIND_TCB);
	return lull_tcb_at(&r->s->tcp, lull_name_index(name));
}

struct lull_closing *rig_record(const struct rig *r)
{
	uint32_t name = name_of(r);

	assert_true(lull_name_kind(name) == LULL_KIND_CLOSING4 ||
		    lull_name_kind(name) == LULL_KIND_CLOSING6);
	return lull_closing_at(&r->s->tcp, name);
}

uint32_t rig_left_ms(const struct rig *r)
{
	return lull_closing_left_ms(&r->s->tcp, rig_record(r));
}

uint64_t rig_count(const struct rig *r, enum lull_counter_id id)
{
	return r->s->g.count[id];
}

uint64_t rig_drops(const struct rig *r, enum lull_drop why)
{
	return r->s->g.drops[why];
}

static void reach_syn_sent(struct rig *r)
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {r->tuple.remote, r->tuple.rport},
		.local = {r->tuple.local, r->tuple.lport},
		.cookie = 2,
	};

	assert_int_equal(lull_sock_connect(r->s, &c, &r->sock, NULL), 0);
	rig_run(r);
	assert_int_equal(rig_expect(r, LULL_SYN).seg.seq.v, RIG_ISS);
}

void rig_shake(struct rig *r)
{
	rig_syn(r, LULL_SYN);
	rig_expect(r, LULL_SYN | LULL_ACK);
	rig_pass_ms(r, r->config.rtt_ms);
	rig_say(r, LULL_ACK, NULL, 0);
	rig_expect_none(r);
	assert_int_equal(lull_sock_accept(r->s, r->listener, 2, &r->sock), 0);
}

static void reach_established(struct rig *r)
{
	rig_shake(r);
	assert_int_equal(lull_tcb_cold(&r->s->tcp, rig_tcb(r))->iss.v, RIG_ISS);
}

/* The program closes, or only shuts down. */
static void let_go(struct rig *r, bool held)
{
	if (held)
		assert_int_equal(
			lull_sock_shutdown(r->s, r->sock, LULL_SHUT_WR), 0);
	else
		lull_sock_close(r->s, r->sock);
	rig_run(r);
}

static void peer_fin(struct rig *r)
{
	rig_say(r, LULL_FIN | LULL_ACK, NULL, 0);
	rig_expect(r, LULL_ACK);
}

void rig_reach(struct rig *r, enum lull_tcp_state state, bool held)
{
	if (state == LULL_TCP_CLOSED || state == LULL_TCP_LISTEN)
		return;
	if (state == LULL_TCP_SYN_SENT) {
		reach_syn_sent(r);
		return;
	}
	if (state == LULL_TCP_SYN_RECEIVED) {
		rig_syn(r, LULL_SYN);
		rig_expect(r, LULL_SYN | LULL_ACK);
		return;
	}
	reach_established(r);
	if (state == LULL_TCP_ESTABLISHED)
		return;
	if (state == LULL_TCP_CLOSE_WAIT || state == LULL_TCP_LAST_ACK)
		peer_fin(r);
	if (state == LULL_TCP_CLOSE_WAIT)
		return;
	let_go(r, held);
	if (state == LULL_TCP_CLOSING) { /* both FINs cross */
		struct lull_seq acked = r->ack;

		rig_expect(r, LULL_FIN | LULL_ACK);
		r->ack = acked;
		peer_fin(r);
		assert_int_equal(rig_state(r), state);
		return;
	}
	rig_expect(r, LULL_FIN | LULL_ACK);
	if (state == LULL_TCP_FIN_WAIT_1 || state == LULL_TCP_LAST_ACK)
		return;
	rig_say(r, LULL_ACK, NULL, 0);
	if (state == LULL_TCP_TIME_WAIT)
		peer_fin(r);
	assert_int_equal(rig_state(r), state);
}
