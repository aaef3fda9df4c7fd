/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.c: the rules, from outside.
 *
 * Never asks a stack whether something is right; it looks at what programs
 * read, at the frames on the wire, and at the record of state changes.
 */
#include <stdio.h>
#include <string.h>

#include "rules.h"

/* ---- streams ---- */

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

/* No two streams are alike, so a byte of another one is seen. */
void sim_fill(uint64_t id, uint64_t offset, uint8_t *p, size_t len)
{
	uint64_t base = mix(id);

	while (len > 0) {
		uint64_t word = mix(base + offset / 8) >> offset % 8 * 8;
		size_t n = 8 - offset % 8;

		if (n > len)
			n = len;
		if (n == 8) /* one store: much is written by bulk */
			for (int i = 0; i < 8; i++)
				p[i] = (uint8_t)(word >> 8 * i);
		else
			for (size_t i = 0; i < n; i++)
				p[i] = (uint8_t)(word >> 8 * i);
		p += n;
		offset += n;
		len -= n;
	}
}

void sim_check_read(struct world *w, struct side *s, const uint8_t *p,
		    size_t len)
{
	uint8_t want[4096];

	if (!s->peer) {
		sim_fail(w, "bytes on a connection that nobody opened");
		return;
	}
	if (s->read + len > s->peer->written) {
		sim_fail(w, "%zu bytes read, the other side wrote only %lu",
			 (size_t)s->read + len, s->peer->written);
		return;
	}
	while (len > 0) {
		size_t n = len < sizeof want ? len : sizeof want;

		sim_fill(s->peer->id, s->read, want, n);
		if (memcmp(p, want, n) != 0) {
			sim_fail(w, "a wrong byte at or after offset %lu",
				 s->read);
			return;
		}
		p += n;
		len -= n;
		s->read += n;
	}
}

void sim_check_eof(struct world *w, struct side *s)
{
	s->eof = true;
	if (!s->peer)
		sim_fail(w, "end of file on a connection that nobody opened");
	else if (!s->peer->wrote_fin)
		sim_fail(w, "end of file, but the other side has not ended");
	else if (s->read != s->peer->written)
		sim_fail(w, "end of file after %lu of %lu bytes", s->read,
			 s->peer->written);
}

/* ---- states ---- */

#define TO(state) (1U << LULL_TCP_##state)

/* RFC 9293 figure 5, with RST, ABORT and time-outs leading to CLOSED, and a
 * TIME_WAIT that gave up its pair for nothing (RFC 1122 4.2.2.13 (2)). */
static const unsigned figure_5[LULL_TCP_STATES] = {
	[LULL_TCP_CLOSED] =
		TO(LISTEN) | TO(SYN_SENT) | TO(SYN_RECEIVED) | TO(TIME_WAIT),
	[LULL_TCP_LISTEN] = TO(CLOSED) | TO(SYN_RECEIVED),
	[LULL_TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
	[LULL_TCP_SYN_RECEIVED] =
		TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(LISTEN) | TO(CLOSED),
	[LULL_TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
	[LULL_TCP_FIN_WAIT_1] =
		TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
	[LULL_TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
	[LULL_TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
	[LULL_TCP_TIME_WAIT] = TO(CLOSED),
	[LULL_TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
	[LULL_TCP_LAST_ACK] = TO(CLOSED),
};

static void check_state(struct world *w, int host,
			const struct lull_trace_record *r)
{
	char local[LULL_ADDR_TEXT], remote[LULL_ADDR_TEXT];

	sim_hash(w, &r->now_ns, sizeof r->now_ns);
	sim_hash(w, &r->from, 1);
	sim_hash(w, &r->to, 1);
	sim_trace(w, "host %d %s %u > %s %u: %s -> %s", host,
		  lull_addr_format(&r->local.addr, local), r->local.port,
		  lull_addr_format(&r->remote.addr, remote), r->remote.port,
		  lull_state_name((enum lull_tcp_state)r->from),
		  lull_state_name((enum lull_tcp_state)r->to));
	if (r->from >= LULL_TCP_STATES || r->to >= LULL_TCP_STATES ||
	    !(figure_5[r->from] & 1U << r->to ||
	      (r->from == LULL_TCP_CLOSED && r->to == LULL_TCP_FIN_WAIT_2 &&
	       w->host[host].image))) /* a record that outlived its process */
		sim_fail(w, "host %d: state %u to %u", host, r->from, r->to);
	if (w->on_state)
		w->on_state(w, host, r);
}

void sim_check_states(struct world *w, int host)
{
	struct host *h = &w->host[host];
	struct lull_trace_record r[64];
	int n;

	while ((n = lull_diag_trace(h->shard, &h->trace_cursor, r, 64)) > 0) {
		for (int i = 0; i < n; i++) {
			rules_record(w->rules, host, &r[i]);
			if (r[i].kind == LULL_TRACE_STATE)
				check_state(w, host, &r[i]);
			else
				sim_trace(w, "host %d: drop %s", host,
					  lull_drop_name(r[i].what));
		}
	}
}

/* ---- frames ---- */

enum {
	HASHED_MAX = 2048
};

static bool tcp_holds(const uint8_t *tcp, size_t len, uint32_t pseudo)
{
	size_t hdr = len >= 20 ? (size_t)(tcp[12] >> 4) * 4 : 0;
	uint8_t flags = len >= 20 ? tcp[13] : 0;

	/* SYN, FIN and RST exclude each other; all but a first SYN acknowledge.
	 */
	if (hdr < 20 || hdr > len ||
	    !!(flags & 1) + !!(flags & 2) + !!(flags & 4) > 1 ||
	    !(flags & (16 | 2 | 4)))
		return false;
	return packet_sum(pseudo + 6, tcp, (uint32_t)len) == 0xffff;
}

/* What stands behind the IP header: TCP, or an ICMP answer to damage. */
static bool payload_holds(uint8_t proto, const uint8_t *p, size_t len,
			  uint32_t pseudo)
{
	if (proto == 6)
		return tcp_holds(p, len, pseudo);
	if (proto == 1)
		return len >= 8 && packet_sum(0, p, (uint32_t)len) == 0xffff;
	if (proto == 58)
		return len >= 8 &&
		       packet_sum(pseudo + 58, p, (uint32_t)len) == 0xffff;
	return false;
}

/* As the link does it that we left it to: the field holds the rest of it. */
static void finish_sum(uint8_t *p, size_t n, const struct lull_frame *f)
{
	size_t at = (size_t)f->csum_start + f->csum_offset;
	uint32_t sum;

	if (!(f->flags & LULL_FRAME_CSUM_PARTIAL) || at + 2 > n)
		return;
	sum = ~packet_sum(0, p + f->csum_start, (uint32_t)n - f->csum_start);
	p[at] = (uint8_t)(sum >> 8);
	p[at + 1] = (uint8_t)sum;
}

uint32_t sim_flatten(struct world *w, const struct lull_frame *f,
		     uint8_t p[SIM_PACKET_MAX])
{
	size_t n = 0;

	for (int i = 0; i < f->spans && n + f->span[i].len <= SIM_PACKET_MAX;
	     i++) {
		memcpy(p + n, f->span[i].ptr, f->span[i].len);
		n += f->span[i].len;
	}
	finish_sum(p, n, f);
	if (n < 40 || n != f->len) {
		sim_fail(w, "a frame of %zu bytes, said to be %u", n, f->len);
		return 0;
	}
	return (uint32_t)n;
}

void sim_check_frame(struct world *w, const struct lull_frame *f)
{
	uint8_t p[SIM_PACKET_MAX];
	uint32_t n = sim_flatten(w, f, p);

	if (n)
		sim_check_packet(w, p, n);
}

void sim_check_packet(struct world *w, const uint8_t *p, uint32_t n)
{
	static const uint32_t hdr[2] = {20, 40};
	uint32_t ip;
	bool v6, holds;

	/* The text of large ones is long, and whoever reads it checks it. */
	sim_hash(w, p, n < HASHED_MAX ? n : HASHED_MAX);
	v6 = p[0] >> 4 == 6;
	ip = hdr[v6];
	if (v6)
		holds = packet_get16(p + 4) == n - ip &&
			payload_holds(p[6], p + ip, n - ip,
				      packet_sum(n - ip, p + 8, 32));
	else
		holds = p[0] == 0x45 && packet_get16(p + 2) == n &&
			packet_sum(0, p, 20) == 0xffff &&
			payload_holds(p[9], p + ip, n - ip,
				      packet_sum(n - ip, p + 12, 8));
	if (!holds)
		sim_fail(w, "a malformed packet of %u bytes", n);
}

/* ---- liveness ---- */

/* A good network, programs that behave: both sides read all, to the end. */
void sim_check_sure(struct world *w)
{
	for (int i = 0; i < w->sides; i++) {
		const struct side *s = &w->side[i];

		if (s->sure && (s->broke || !s->eof))
			sim_fail(w,
				 "side %d had a good network and did not "
				 "succeed: wrote %lu of %lu, read %lu, eof %d",
				 i, s->written, s->to_write, s->read, s->eof);
	}
}

/* ---- pools ---- */

void sim_check_pools(struct world *w, int host)
{
	struct lull_pool pool;

	for (uint32_t i = 0; lull_diag_pool(w->host[host].shard, i, &pool); i++)
		if (pool.used)
			sim_fail(w, "host %d: %u left in pool \"%s\"", host,
				 pool.used, pool.name);
}

void sim_check_limits(struct world *w, int host)
{
	struct lull_pool pool;

	/* "tcp memory" is no bound, but where the policies of docs/limits.md
	 * begin: each connection may have its least all the same. */
	for (uint32_t i = 0; lull_diag_pool(w->host[host].shard, i, &pool); i++)
		if (pool.used > pool.peak ||
		    (pool.peak > pool.limit &&
		     strcmp(pool.name, "tcp memory") != 0))
			sim_fail(w,
				 "host %d: %u, once %u, of %u in pool "
				 "\"%s\"",
				 host, pool.used, pool.peak, pool.limit,
				 pool.name);
}
