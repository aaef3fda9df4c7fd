/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.h: the rules of the wire, at each host's door.
 *
 * What goes out is judged by what went out and came in before, at that very
 * door: so no box on the way can make a rule unsure, and no stack is asked.
 * Of each connection, whoever opened it:
 *
 *	- text lies within the window that the peer has offered (MUST-34), and
 *	  the right edge that is offered never moves left (SHLD-14);
 *	- it is what the program has written, at its place, whatever was sent
 *	  there before and however often; FIN stands behind the last byte, and
 *	  nothing behind FIN;
 *	- ACK is of what has arrived, and never goes back; so are SACK blocks;
 *	- in silence the timeouts grow by two, up to two minutes (RFC 6298 5.5);
 *	- a RST is not sent for a connection that its program still has, and is
 *	  told nothing.
 */
#ifndef LULL_WIRE_H
#define LULL_WIRE_H

#include "packet.h"
#include "sim.h"

enum {
	WIRE_RANGES = 96,
};

/* One host's end of a pair. */
struct wire_end {
	uint64_t key;	/* 0: nobody's */
	int host, side; /* side: -1 if it is not known yet */
	bool begun, synced, fin_out, has_edge_in, has_edge_out;
	bool lost_count; /* too many ranges, or an unknown SYN: no judgement */
	bool fin_in;
	bool rst_in; /* of its very number */
	uint64_t begun_ns;
	uint32_t iss, snd_una, snd_max, fin_seq, edge_in;
	uint32_t irs, rcv_next, ack_out, edge_out;
	uint32_t cookie; /* the answer to the same SYN before, or iss */
	/* Of what was there before it, for the challenges of a shadow. */
	uint32_t old_snd, old_ack;
	bool has_old;
	uint8_t shift_out, shift_in;
	bool scale_out, scale_in;
	/* The last SYN that came; its connection may never be. */
	struct {
		bool there, scale;
		uint8_t shift;
		uint32_t seq, wnd;
	} syn;
	struct {
		uint32_t from, to;
	} range[WIRE_RANGES]; /* beyond rcv_next, in order */
	int ranges;
	/* Sent again and again, and nothing comes. */
	uint32_t silent_seq, tries;
	uint64_t last_ns, gap_ns;
	/* Of temper.c: */
	uint32_t ts_offset, tsval_max;
	bool has_tsval, fresh; /* fresh: a connection has begun */
	bool lifted;	       /* this one's timestamps never look old */
};

struct wire;

/* NULL: no memory. */
struct wire *wire_create(void);
void wire_destroy(struct wire *x);
/* The end of a host that the packet belongs to; NULL: there are too many. */
struct wire_end *wire_end_of(struct world *w, int host, const struct view *v,
			     bool out);
/* A packet of the host, and one for it; whole and undamaged. */
void wire_out(struct world *w, struct wire_end *e, const struct view *v);
void wire_in(struct wire_end *e, const struct view *v);
/* Something for a host that is no segment, an ICMP error: no more silence. */
void wire_in_other(struct world *w, int host);
/* After all that happens at one moment. */
void wire_check(struct world *w);
/* The peer's ISN, of the connection that a side has accepted. */
uint32_t wire_irs(const struct world *w, const struct side *s);
/* The host has lost all. */
void wire_forget(struct world *w, int host);

#endif
