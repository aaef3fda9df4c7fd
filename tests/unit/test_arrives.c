/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_arrives.c: every state, every set of flags, SEQ and ACK at every edge,
 * with and without text: what RFC 9293 3.10.7 says, and what the shard does.
 *
 * The oracle below is written from the RFC's text alone (with RFC 5961's
 * challenge ACKs, and RFC 6191 for TIME-WAIT) and knows nothing of src/.
 * Where the RFC leaves a choice, it says so by allowing more than one answer.
 */
#include "rig.h"

/* Answers, as bits: what may be seen. */
enum answer {
	NOTHING = 1,
	ACK = 2,
	RST_OF_ACK = 4, /* <SEQ=SEG.ACK><CTL=RST> */
	RST_ACK = 8,	/* <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
	SYN_ACK = 16,
};

struct verdict {
	unsigned answer;
	enum lull_tcp_state state;
	bool text;  /* taken */
	bool reset; /* the program learns of an abort */
};

/* What the oracle knows: the variables of 3.3.1, all relative. */
struct situation {
	enum lull_tcp_state state;
	bool held;
	int seq; /* SEG.SEQ - RCV.NXT */
	int ack; /* SEG.ACK - SND.NXT */
	int len; /* of the text */
	uint8_t flags;
	int wnd;     /* RCV.WND */
	int unacked; /* SND.NXT - SND.UNA */
	int max_wnd; /* MAX.SND.WND */
};

/* ---- the oracle ---- */

static int seg_len(const struct situation *s)
{
	return s->len + !!(s->flags & LULL_SYN) + !!(s->flags & LULL_FIN);
}

/* 3.4, table 6; the window is never zero here. */
static bool acceptable(const struct situation *s)
{
	int last = s->seq + seg_len(s) - 1;

	if (s->seq >= 0 && s->seq < s->wnd)
		return true;
	return seg_len(s) > 0 && last >= 0 && last < s->wnd;
}

/* 3.10.7.1 */
static struct verdict closed(const struct situation *s)
{
	struct verdict v = {NOTHING, LULL_TCP_CLOSED, false, false};

	if (!(s->flags & LULL_RST))
		v.answer = s->flags & LULL_ACK ? RST_OF_ACK : RST_ACK;
	return v;
}

/* 3.10.7.2 */
static struct verdict listen(const struct situation *s)
{
	struct verdict v = {NOTHING, LULL_TCP_CLOSED, false, false};

	if (s->flags & LULL_RST)
		return v;
	if (s->flags & LULL_ACK) {
		v.answer = RST_OF_ACK;
	} else if (s->flags & LULL_SYN) {
		v.answer = SYN_ACK;
		v.state = LULL_TCP_SYN_RECEIVED;
	}
	return v;
}

/* 3.10.7.3; SND.UNA is ISS, so an ACK is acceptable at SND.NXT alone. */
static struct verdict syn_sent(const struct situation *s)
{
	struct verdict v = {NOTHING, LULL_TCP_SYN_SENT, false, false};

	if (s->flags & LULL_ACK && s->ack != 0) {
		v.answer = s->flags & LULL_RST ? NOTHING : RST_OF_ACK;
		return v;
	}
	if (s->flags & LULL_RST) {
		if (s->flags & LULL_ACK) {
			v.state = LULL_TCP_CLOSED;
			v.reset = true;
		}
		return v;
	}
	if (s->flags & LULL_SYN && s->flags & LULL_ACK) {
		v = (struct verdict){ACK, LULL_TCP_ESTABLISHED, s->len > 0,
				     false};
	} else if (s->flags & LULL_SYN) {
		v.answer = SYN_ACK;
		v.state = LULL_TCP_SYN_RECEIVED;
	}
	return v;
}

/* 3.6.1, 3.10.7.4, RFC 6191: nothing is acceptable but what is said here. */
static struct verdict time_wait(const struct situation *s)
{
	struct verdict v = {ACK, LULL_TCP_TIME_WAIT, false, false};

	if (s->flags & LULL_RST) {
		v.answer = NOTHING;
		if (s->seq == 0)
			v.state = LULL_TCP_CLOSED;
		else if (acceptable(s)) /* RFC 5961: a challenge; Linux: none */
			v.answer = NOTHING | ACK;
	} else if ((s->flags & (LULL_SYN | LULL_ACK)) == LULL_SYN) {
		/* RFC 6191 without timestamps: SEQ above the old FIN's. */
		if (s->seq >= 0) {
			v.answer = SYN_ACK;
			v.state = LULL_TCP_SYN_RECEIVED;
		}
	} else if (acceptable(s) && !(s->flags & (LULL_FIN | LULL_SYN))) {
		v.answer = NOTHING | ACK; /* ignored; some acknowledge */
	} else if (acceptable(s) && !(s->flags & LULL_ACK)) {
		v.answer = NOTHING | ACK; /* fifth: no ACK bit */
	}
	return v;
}

/* Fifth: what an acceptable ACK does to the state. */
static enum lull_tcp_state acked(const struct situation *s)
{
	bool ours = s->ack == 0; /* everything, FIN included */

	if (!ours)
		return s->state;
	if (s->state == LULL_TCP_FIN_WAIT_1)
		return LULL_TCP_FIN_WAIT_2;
	if (s->state == LULL_TCP_CLOSING)
		return LULL_TCP_TIME_WAIT;
	if (s->state == LULL_TCP_LAST_ACK)
		return LULL_TCP_CLOSED;
	return s->state;
}

/* Eighth. */
static enum lull_tcp_state finished(enum lull_tcp_state state)
{
	if (state == LULL_TCP_ESTABLISHED)
		return LULL_TCP_CLOSE_WAIT;
	if (state == LULL_TCP_FIN_WAIT_1)
		return LULL_TCP_CLOSING;
	if (state == LULL_TCP_FIN_WAIT_2)
		return LULL_TCP_TIME_WAIT;
	return state;
}

static bool receives(enum lull_tcp_state state)
{
	return state == LULL_TCP_ESTABLISHED || state == LULL_TCP_FIN_WAIT_1 ||
	       state == LULL_TCP_FIN_WAIT_2;
}

/* Sixth to eighth: `v` is what the fifth step left. */
static struct verdict text_and_fin(const struct situation *s, struct verdict v)
{
	int end = s->seq + s->len; /* where FIN stands */

	if (!receives(v.state)) {
		if (s->len ||
		    s->flags & LULL_FIN) /* ignored, or acknowledged */
			v.answer = NOTHING | ACK;
		return v;
	}
	if (s->len > 0 && end > 0) {
		if (!s->held && (s->state == LULL_TCP_FIN_WAIT_1 ||
				 s->state == LULL_TCP_FIN_WAIT_2)) {
			/* A record knows no window for RFC 5961 5.2: old. */
			if (s->state == LULL_TCP_FIN_WAIT_2 && s->ack < 0) {
				v.answer = ACK;
				return v;
			}
			/* RFC 2525 2.17: nobody will read it. */
			v.answer = RST_OF_ACK;
			v.state = LULL_TCP_CLOSED;
			return v;
		}
		v.answer = ACK;
		v.text = s->seq <= 0;
	} else if (s->len > 0) {
		v.answer = ACK; /* old text in front of something */
	}
	if (s->flags & LULL_FIN) {
		v.answer = ACK;
		/* In order, all of it in the window: else it comes again. */
		if (s->seq <= 0 && end >= 0 && end < s->wnd)
			v.state = finished(v.state);
	}
	return v;
}

/* 3.10.7.4, first to fifth. */
static struct verdict others(const struct situation *s)
{
	struct verdict v = {NOTHING, s->state, false, false};
	bool syn_received = s->state == LULL_TCP_SYN_RECEIVED;

	/* The very SYN again is no new one, also when text came with it. */
	if (syn_received && s->flags == LULL_SYN && s->seq == -1) {
		v.answer = ACK | SYN_ACK;
		return v;
	}
	if (!acceptable(s)) {
		v.answer = s->flags & LULL_RST ? NOTHING : ACK;
		return v;
	}
	if (s->flags & LULL_RST) {
		v.answer = s->seq == 0 ? NOTHING : ACK;
		if (s->seq == 0) {
			v.state = LULL_TCP_CLOSED;
			v.reset = s->held && !syn_received;
		}
		return v;
	}
	if (s->flags & LULL_SYN) {
		v.answer = ACK; /* RFC 5961 4.2, in SYN_RECEIVED too */
		return v;
	}
	if (!(s->flags & LULL_ACK))
		return v;
	if (syn_received) {
		if (s->ack > 0 || s->ack <= -s->unacked) {
			v.answer = RST_OF_ACK;
			return v;
		}
		v.state = LULL_TCP_ESTABLISHED;
		return text_and_fin(s, v);
	}
	if (s->ack > 0 || s->ack < -s->unacked - s->max_wnd) {
		v.answer = ACK;
		return v;
	}
	v.state = acked(s);
	if (v.state == LULL_TCP_TIME_WAIT && s->state == LULL_TCP_CLOSING)
		v.answer = NOTHING | ACK;
	if (v.state == LULL_TCP_CLOSED)
		return v;
	return text_and_fin(s, v);
}

static struct verdict oracle(const struct situation *s)
{
	/* No honest peer sends both: refused without a word, everywhere. */
	if ((s->flags & (LULL_SYN | LULL_FIN)) == (LULL_SYN | LULL_FIN))
		return (struct verdict){NOTHING,
					s->state == LULL_TCP_LISTEN
						? LULL_TCP_CLOSED
						: s->state,
					false, false};
	switch (s->state) {
	case LULL_TCP_CLOSED:
		return closed(s);
	case LULL_TCP_LISTEN:
		return listen(s);
	case LULL_TCP_SYN_SENT:
		return syn_sent(s);
	case LULL_TCP_TIME_WAIT:
		return time_wait(s);
	case LULL_TCP_SYN_RECEIVED:
	case LULL_TCP_ESTABLISHED:
	case LULL_TCP_FIN_WAIT_1:
	case LULL_TCP_FIN_WAIT_2:
	case LULL_TCP_CLOSE_WAIT:
	case LULL_TCP_CLOSING:
	case LULL_TCP_LAST_ACK:
		break;
	}
	return others(s);
}

/* ---- the shard ---- */

/* Fill in what depends on the state that was reached. */
static void measure(const struct rig *r, struct situation *s,
		    struct lull_seq *rcv_nxt, struct lull_seq *snd_nxt)
{
	*rcv_nxt = r->seq;
	*snd_nxt = r->ack;
	s->wnd = 65535;
	s->max_wnd = RIG_WND;
	s->unacked = 0;
	if (s->state == LULL_TCP_SYN_RECEIVED ||
	    s->state == LULL_TCP_SYN_SENT || s->state == LULL_TCP_FIN_WAIT_1 ||
	    s->state == LULL_TCP_CLOSING || s->state == LULL_TCP_LAST_ACK)
		s->unacked = 1;
	if (s->state == LULL_TCP_CLOSED || s->state == LULL_TCP_LISTEN)
		*snd_nxt = lull_seq(12345);
	/* A closing record forgets it; RFC 5961 5 is a MAY (MAY-12). */
	if (s->state == LULL_TCP_FIN_WAIT_2 && !s->held)
		s->max_wnd = 1 << 30;
}

static unsigned classify(const struct rig_seg *out, struct lull_seq seq,
			 struct lull_seq ack, const struct situation *s)
{
	uint8_t flags = out->seg.flags & (uint8_t)~LULL_PSH;

	if (flags == LULL_ACK)
		return ACK;
	if (flags == (LULL_SYN | LULL_ACK))
		return SYN_ACK;
	if (flags == LULL_RST && lull_seq_eq(out->seg.seq, ack))
		return RST_OF_ACK;
	if (flags == (LULL_RST | LULL_ACK) && out->seg.seq.v == 0 &&
	    lull_seq_eq(out->seg.ack, lull_seq_add(seq, (uint32_t)seg_len(s))))
		return RST_ACK;
	return 0;
}

static struct verdict try_it(struct rig *r, const struct situation *s,
			     struct lull_seq seq, struct lull_seq ack)
{
	struct verdict v = {NOTHING, LULL_TCP_CLOSED, false, false};
	struct rig_seg out;
	uint8_t text[16];

	r->events = 0;
	r->error = 0;
	rig_put(r, s->flags, seq, ack, NULL, (uint32_t)s->len);
	/* A delayed ACK is an answer too. */
	rig_pass_ms(r, 45);
	while (rig_get(r, &out)) {
		unsigned a = classify(&out, seq, ack, s);

		v.answer = v.answer == NOTHING || v.answer == a ? a : 0;
	}
	v.state = rig_state(r);
	if (!r->sock.index) /* the handshake may have ended just now */
		(void)!lull_sock_accept(r->s, r->listener, 2, &r->sock);
	v.text = r->sock.index && lull_sock_recv(r->s, r->sock, text, 16) > 0;
	v.reset = r->error != 0;
	return v;
}

static const char *const state_text[] = {
	"-",	      "ESTABLISHED", "SYN-SENT",  "SYN-RECEIVED",
	"FIN-WAIT-1", "FIN-WAIT-2",  "TIME-WAIT", "CLOSED",
	"CLOSE-WAIT", "LAST-ACK",    "LISTEN",	  "CLOSING",
};

static void compare(const struct situation *s, const struct verdict *want,
		    const struct verdict *got)
{
	if (want->answer & got->answer && want->state == got->state &&
	    want->text == got->text && want->reset == got->reset)
		return;
	fail_msg("%s%s: flags %02x seq nxt%+d ack nxt%+d len %d: "
		 "wanted answer %x state %s text %d reset %d; "
		 "got answer %x state %s text %d reset %d",
		 state_text[s->state], s->held ? " (held)" : "", s->flags,
		 s->seq, s->ack, s->len, want->answer, state_text[want->state],
		 want->text, want->reset, got->answer, state_text[got->state],
		 got->text, got->reset);
}

static void one(const struct rig_config *config, struct situation *s)
{
	struct lull_seq rcv_nxt, snd_nxt;
	struct verdict want, got;
	struct rig r;

	rig_open(&r, config);
	if (s->state == LULL_TCP_CLOSED)
		lull_sock_close(r.s, r.listener);
	rig_reach(&r, s->state, s->held);
	measure(&r, s, &rcv_nxt, &snd_nxt);
	want = oracle(s);
	got = try_it(&r, s, lull_seq_add(rcv_nxt, (uint32_t)s->seq),
		     lull_seq_add(snd_nxt, (uint32_t)s->ack));
	compare(s, &want, &got);
	rig_drop(&r);
}

/* All of SEQ, ACK, flags and text for one state. */
static void sweep(enum lull_tcp_state state, bool held, bool v6)
{
	static const int seqs[] = {-70000, -2,	  -1,	 0,	1,
				   100,	   65534, 65535, 65536, 70000};
	static const int acks[] = {
		-RIG_WND - 2, -RIG_WND - 1, -RIG_WND, -2, -1, 0, 1, 70000};
	static const int lens[] = {0, 1, 2, 10};
	static const uint8_t bits[] = {LULL_FIN, LULL_SYN, LULL_RST, LULL_ACK};
	const struct rig_config config = {
		.v6 = v6,
		.sysctl = {"net.ipv4.tcp_rfc1337=0"}, /* RFC 9293 alone */
	};

	for (uint32_t a = 0; a < ARRAY_LEN(seqs); a++)
		for (uint32_t b = 0; b < ARRAY_LEN(acks); b++)
			for (uint32_t c = 0; c < ARRAY_LEN(lens); c++)
				for (uint32_t d = 0; d < 16; d++) {
					struct situation s = {
						.state = state,
						.held = held,
						.seq = seqs[a],
						.ack = acks[b],
						.len = lens[c],
					};

					for (uint32_t k = 0; k < 4; k++)
						s.flags |= d & 1U << k ? bits[k]
								       : 0;
					one(&config, &s);
				}
}

#define SWEEP(name, state, held)                      \
	static void name(void **unused)               \
	{                                             \
		(void)unused;                         \
		sweep(LULL_TCP_##state, held, false); \
	}

SWEEP(closed_arrives, CLOSED, false)
SWEEP(listen_arrives, LISTEN, false)
SWEEP(syn_sent_arrives, SYN_SENT, true)
SWEEP(syn_received_arrives, SYN_RECEIVED, false)
SWEEP(established_arrives, ESTABLISHED, true)
SWEEP(fin_wait_1_held, FIN_WAIT_1, true)
SWEEP(fin_wait_1_orphan, FIN_WAIT_1, false)
SWEEP(fin_wait_2_held, FIN_WAIT_2, true)
SWEEP(fin_wait_2_orphan, FIN_WAIT_2, false)
SWEEP(close_wait_arrives, CLOSE_WAIT, true)
SWEEP(closing_arrives, CLOSING, false)
SWEEP(last_ack_arrives, LAST_ACK, false)
SWEEP(time_wait_arrives, TIME_WAIT, false)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_arrives),
		cmocka_unit_test(listen_arrives),
		cmocka_unit_test(syn_sent_arrives),
		cmocka_unit_test(syn_received_arrives),
		cmocka_unit_test(established_arrives),
		cmocka_unit_test(fin_wait_1_held),
		cmocka_unit_test(fin_wait_1_orphan),
		cmocka_unit_test(fin_wait_2_held),
		cmocka_unit_test(fin_wait_2_orphan),
		cmocka_unit_test(close_wait_arrives),
		cmocka_unit_test(closing_arrives),
		cmocka_unit_test(last_ack_arrives),
		cmocka_unit_test(time_wait_arrives),
	};

	return RUN("arrives", tests);
}
