/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error.c: ICMP errors about our segments: 3.9.2.2, RFC 5927; pmtu.c for 1191.
 *
 * An error counts only if the segment that it quotes is in flight. On an
 * established connection none ends it (RFC 5927 6.2): it is remembered, and
 * told when the connection times out. In SYN-SENT and SYN-RECEIVED a hard one
 * does (SHLD-26), a soft one does not (MUST-56; Linux lets it), unless nobody
 * sent it: a neighbour that does not answer is our own finding. Closing records
 * ignore them all.
 *
 * Entry point: lull_tcp_icmp.
 */
#include "tcp/tcp.h"

struct meaning {
	uint16_t error; /* errno */
	bool hard;
};

/* What an error means for us; RFC 1122 4.2.3.9, RFC 4443, ip(7). */
static struct meaning meaning_of(const struct lull_icmp *icmp, bool v6)
{
	static const struct meaning code4[] = {
		{ENETUNREACH, false}, {EHOSTUNREACH, false},
		{ENOPROTOOPT, true},  {ECONNREFUSED, true},
		{EMSGSIZE, false},    {EOPNOTSUPP, false},
		{ENETUNREACH, false}, {EHOSTDOWN, false},
	};
	static const struct meaning code6[] = {
		{ENETUNREACH, false},  {EACCES, true},
		{EHOSTUNREACH, false}, {EHOSTUNREACH, false},
		{ECONNREFUSED, true},  {EACCES, true},
		{EACCES, true},
	};

	if (icmp->kind == LULL_ICMP_UNREACHABLE && v6 &&
	    icmp->code < ARRAY_LEN(code6))
		return code6[icmp->code];
	if (icmp->kind == LULL_ICMP_UNREACHABLE && !v6 &&
	    icmp->code < ARRAY_LEN(code4))
		return code4[icmp->code];
	if (icmp->kind == LULL_ICMP_PARAMETER)
		return (struct meaning){EPROTO, false};
	return (struct meaning){EHOSTUNREACH, false};
}

static void refuse(struct lull_tcp *t, const struct lull_tuple *tuple,
		   struct lull_seq seq, enum lull_drop why)
{
	lull_drop_at(t->g, why, tuple, seq.v, 0);
}

static void tcb_error(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_icmp_error *e)
{
	struct meaning m = meaning_of(&e->icmp, e->v6);
	uint32_t out = lull_seq_sub(tcb->snd.nxt, tcb->snd.una);
	bool opening = tcb->state == LULL_TCP_SYN_SENT ||
		       tcb->state == LULL_TCP_SYN_RECEIVED;

	if (lull_seq_sub(e->seq, tcb->snd.una) >= out) {
		refuse(t, &tcb->tuple, e->seq, LULL_DROP_ICMP_NOT_IN_FLIGHT);
		return;
	}
	if (e->icmp.kind == LULL_ICMP_TOO_BIG) {
		lull_pmtu_too_big(t, tcb, e->seq, e->icmp.mtu);
		return;
	}
	lull_tcb_cold(t, tcb)->soft_error = m.error; /* MUST-47 */
	if (opening &&
	    (m.hard || e->found_out || t->g->profile == LULL_PROFILE_LINUX)) {
		lull_tcp_end(t, tcb, m.error);
		lull_trace_why(t->g, LULL_END_ICMP);
	}
}

static void half_error(struct lull_tcp *t, uint32_t i,
		       const struct lull_icmp_error *e)
{
	struct meaning m = meaning_of(&e->icmp, e->v6);

	if (!lull_seq_eq(e->seq, lull_half_at(t, i)->iss))
		refuse(t, &e->tuple, e->seq, LULL_DROP_ICMP_NOT_IN_FLIGHT);
	else if (m.hard)
		lull_half_end(t, i, m.error, LULL_END_ICMP);
}

void lull_tcp_icmp(struct lull_tcp *t, const struct lull_icmp_error *e)
{
	uint32_t hash = (uint32_t)lull_hash_tuple(t->g->keys.flow, &e->tuple);
	uint32_t name = lull_tcp_find(t, hash, &e->tuple);
	uint32_t i = lull_name_index(name);

	switch (lull_name_kind(name)) {
	case LULL_KIND_TCB:
		tcb_error(t, lull_tcb_at(t, i), e);
		return;
	case LULL_KIND_HALF:
		half_error(t, i, e);
		return;
	case LULL_KIND_CLOSING4:
	case LULL_KIND_CLOSING6:
		refuse(t, &e->tuple, e->seq, LULL_DROP_ICMP_CLOSING);
		return;
	case LULL_KIND_NONE:
	case LULL_KIND_LISTENER:
	case LULL_KINDS:
		break;
	}
	refuse(t, &e->tuple, e->seq, LULL_DROP_ICMP_NO_FLOW);
}
