/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_log.c: what happened in a case: segments with their numbers counted
 * from each way's first SYN, changes of state, calls.
 *
 * Entry points: lab_log_add, lab_log_segment, lab_log_flow, lab_log_free.
 */
#include <stdlib.h>
#include <string.h>

#include "lab.h"

enum {
	FLOWS_MAX = 1 << 18,
};

const char *lab_state_name(uint8_t state)
{
	static const char *const names[LULL_TCP_STATES] = {
		[LULL_TCP_ESTABLISHED] = "ESTABLISHED",
		[LULL_TCP_SYN_SENT] = "SYN_SENT",
		[LULL_TCP_SYN_RECEIVED] = "SYN_RECEIVED",
		[LULL_TCP_FIN_WAIT_1] = "FIN_WAIT_1",
		[LULL_TCP_FIN_WAIT_2] = "FIN_WAIT_2",
		[LULL_TCP_TIME_WAIT] = "TIME_WAIT",
		[LULL_TCP_CLOSED] = "CLOSED",
		[LULL_TCP_CLOSE_WAIT] = "CLOSE_WAIT",
		[LULL_TCP_LAST_ACK] = "LAST_ACK",
		[LULL_TCP_LISTEN] = "LISTEN",
		[LULL_TCP_CLOSING] = "CLOSING",
	};

	return state < LULL_TCP_STATES && names[state] ? names[state] : "?";
}

size_t lab_char_len(const char *p)
{
	const unsigned char *c = (const unsigned char *)p;
	/* What the second one may be: RFC 3629 4. */
	unsigned char lo = *c == 0xe0 ? 0xa0 : *c == 0xf0 ? 0x90 : 0x80;
	unsigned char hi = *c == 0xed ? 0x9f : *c == 0xf4 ? 0x8f : 0xbf;
	size_t len = *c < 0x80 ? 1 : *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : 4;

	if (len == 1)
		return 1;
	if (*c < 0xc2 || *c > 0xf4 || c[1] < lo || c[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

void lab_copy_text(char *to, size_t size, const char *from)
{
	size_t len = 0;

	while (from[len]) {
		size_t next = lab_char_len(from + len);

		next = next ? next : 1;
		if (len + next >= size)
			break;
		len += next;
	}
	memcpy(to, from, len);
	to[len] = 0;
}

/* Room for one more in an array. */
static bool grow(void **p, size_t n, size_t *size, size_t each, size_t max)
{
	size_t more = *size ? 2 * *size : 64;
	void *bigger;

	if (n >= max)
		return false;
	if (n < *size)
		return true;
	bigger = realloc(*p, more * each);
	if (!bigger)
		return false;
	*p = bigger;
	*size = more;
	return true;
}

struct lab_mark *lab_log_add(struct lab_log *log, enum lab_mark_kind kind,
			     int host, uint64_t at_ns)
{
	struct lab_mark *m;
	void *p = log->mark;

	if (!grow(&p, log->n, &log->size, sizeof *log->mark, log->marks_max)) {
		log->failed = true;
		return NULL;
	}
	log->mark = p;
	m = &log->mark[log->n++];
	*m = (struct lab_mark){
		.kind = (uint8_t)kind,
		.host = (int8_t)host,
		.to = -1,
		.at_ns = at_ns,
		.end_ns = at_ns,
	};
	return m;
}

uint32_t lab_log_flow(struct lab_log *log, uint32_t addr_a, uint16_t port_a,
		      uint32_t addr_b, uint16_t port_b)
{
	void *p = log->flow;

	/* The latest first: it is the likely one. */
	for (size_t i = log->flows; i-- > 0;) {
		const struct lab_flow *f = &log->flow[i];

		if ((f->addr[0] == addr_a && f->port[0] == port_a &&
		     f->addr[1] == addr_b && f->port[1] == port_b) ||
		    (f->addr[1] == addr_a && f->port[1] == port_a &&
		     f->addr[0] == addr_b && f->port[0] == port_b))
			return (uint32_t)i + 1;
	}
	if (!grow(&p, log->flows, &log->flows_size, sizeof *log->flow,
		  FLOWS_MAX)) {
		log->failed = true;
		return 0;
	}
	log->flow = p;
	log->flow[log->flows] = (struct lab_flow){
		.addr = {addr_a, addr_b},
		.port = {port_a, port_b},
	};
	return (uint32_t)++log->flows;
}

/* Was this sent before? It is from now on. */
static void keep(struct lab_way *way, struct lab_mark *m)
{
	uint32_t seq = m->seg.seq;
	uint32_t end = seq + m->seg.len + !!(m->seg.flags & LAB_SYN) +
		       !!(m->seg.flags & LAB_FIN);
	uint32_t n = way->n < LAB_KEPT ? way->n : LAB_KEPT;

	if (seq == end || m->seg.flags & LAB_RST)
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (way->kept[i].seq != seq || way->kept[i].end != end)
			continue;
		m->again = true;
		m->before_ns = way->kept[i].at_ns;
		way->kept[i].at_ns = m->at_ns;
		return;
	}
	way->kept[way->n % LAB_KEPT].seq = seq;
	way->kept[way->n % LAB_KEPT].end = end;
	way->kept[way->n % LAB_KEPT].at_ns = m->at_ns;
	way->n++;
	if (!way->known || (int32_t)(end - way->end) > 0)
		way->end = end;
}

static int64_t count_from(uint32_t v, uint32_t base)
{
	return (int32_t)(v - base);
}

/* A way's numbers begin with its first SYN, or what is seen first. */
static void learn(struct lab_way *way, const struct lab_mark *m)
{
	const struct lab_seg *s = &m->seg;

	if (!way->known) {
		way->known = true;
		way->isn = way->end = s->seq;
	}
	if (!way->has_ts && s->has_ts) {
		way->has_ts = true;
		/* What a script has chosen is told as it is. */
		way->ts = m->crafted ? 0 : s->tsval;
	}
}

void lab_log_segment(struct lab_log *log, struct lab_mark *m,
		     const struct lab_seg *s)
{
	struct lab_way *way, *other;
	struct lab_flow *f;
	bool back;

	m->seg = *s;
	m->flow = lab_log_flow(log, s->src, s->sport, s->dst, s->dport);
	if (!m->flow)
		return;
	f = &log->flow[m->flow - 1];
	back = f->addr[0] != s->src || f->port[0] != s->sport;
	way = &f->way[back];
	other = &f->way[!back];
	/* A RST without ACK tells nothing of its sender's numbers. */
	if (!(s->flags & LAB_RST))
		learn(way, m);
	if (!other->known && s->flags & LAB_ACK) {
		other->known = true;
		other->isn = other->end = s->ack - 1;
	}
	m->probe = way->known && !s->len && s->flags == LAB_ACK &&
		   s->seq == way->end - 1;
	keep(way, m);
	m->seq = count_from(s->seq, way->known ? way->isn : 0);
	m->ack = s->flags & LAB_ACK ? count_from(s->ack, other->isn) : 0;
	if (s->has_ts) {
		m->tsval = count_from(s->tsval, way->ts);
		m->tsecr = other->has_ts && s->tsecr
				   ? count_from(s->tsecr, other->ts)
				   : 0;
	}
	if (s->len && s->len < 24) {
		memcpy(m->text, s->text, s->len);
		for (uint32_t i = 0; i < s->len; i++)
			if (m->text[i] < ' ' || m->text[i] > '~')
				m->text[i] = '.';
	}
	m->seg.text = NULL;
}

static bool is_text(const struct lab_mark *m)
{
	return m->kind == LAB_MARK_SEGMENT && m->seg.len &&
	       (m->seg.flags & ~LAB_PSH) == LAB_ACK && !m->again;
}

void lab_log_runs(struct lab_log *log)
{
	struct lab_mark *first = NULL;

	for (size_t i = 0; i < log->n; i++) {
		struct lab_mark *m = &log->mark[i];

		if (first && is_text(m) && m->host == first->host &&
		    m->flow == first->flow && m->fate == first->fate &&
		    m->at_ns == first->at_ns && m->end_ns == first->end_ns &&
		    m->seq == first->seq + first->run_len) {
			m->in_run = true;
			first->run++;
			first->run_len += m->seg.len;
			continue;
		}
		first = is_text(m) ? m : NULL;
		if (first) {
			m->run = 1;
			m->run_len = m->seg.len;
		}
	}
}

void lab_log_free(struct lab_log *log)
{
	free(log->mark);
	free(log->flow);
	*log = (struct lab_log){0};
}
