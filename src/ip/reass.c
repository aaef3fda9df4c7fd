/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reass.c: fragments become packets: RFC 791 3.2, 815, 8200 4.5, 5722, 6946.
 *
 * Pieces are kept in order, and none may overlap another, in either version:
 * then the whole datagram is given up, and so is what still comes of it. An
 * exact copy of a piece is no overlap. What is whole is copied into one buffer,
 * so that the layers above see a packet like any other.
 *
 * Never keeps more than its share of buffers, nor one of the link's reserve.
 *
 * Entry points: lull_reass_init, _add, _expire, _deadline_ms.
 */
#include "ip/ip.h"

enum {
	PACKET_MAX = 65535,
	PIECES_MAX = 128, /* 65,535 bytes in pieces for a link of 576 */
	CLASS_SHARE = 4,  /* a fourth of each class of buffers, at most */
	CODE_FIELD = 0,	  /* RFC 4443 3.4 */
	CODE_FIRST = 3,	  /* RFC 7112 5 */
	IP6_LENGTH_AT = 4,
	ECN_NONE = 1 << 0, /* a bit for each codepoint of RFC 3168 5 */
	ECN_CE = 1 << 3,
};

static struct lull_datagram *datagram_at(const struct lull_reass *r, uint32_t i)
{
	return (struct lull_datagram *)(void *)r->slab.base + i;
}

void lull_reass_init(struct lull_reass *r, const struct lull_reass_memory *m)
{
	static const char name[16] = "reassembly";

	lull_slab_init(&r->slab, m->datagrams, sizeof(struct lull_datagram),
		       m->limit, &name);
	r->heads = m->heads;
	r->mask = m->heads_len - 1;
	for (int v6 = 0; v6 < 2; v6++) {
		lull_list_init(&r->age[v6], &datagram_at(r, 0)->age,
			       sizeof(struct lull_datagram));
		for (int k = 0; k < LULL_REASS_SOURCES; k++)
			lull_list_init(&r->source[v6][k].list,
				       &datagram_at(r, 0)->kin,
				       sizeof(struct lull_datagram));
	}
}

/* ---- giving up ---- */

static void charge(struct lull_reass *r, const struct lull_datagram *d,
		   uint32_t cls, int sign)
{
	uint32_t bytes = lull_buf_bytes((enum lull_buf_class)cls);

	r->charge[d->v6] += (uint64_t)(sign * (int64_t)bytes);
	r->source[d->v6][d->source].charge += (uint32_t)sign * bytes;
	r->held[cls] += (uint32_t)sign;
}

static void free_pieces(struct lull_ip *ip, struct lull_datagram *d)
{
	struct lull_bufs *bufs = &ip->g->bufs;

	while (d->head) {
		uint32_t i = d->head;

		d->head = lull_buf_at(bufs, i)->next;
		charge(&ip->reass, d, lull_buf_at(bufs, i)->cls, -1);
		lull_buf_put(bufs, i);
	}
	d->tail = d->have = 0;
	d->pieces = 0;
}

static void forget(struct lull_ip *ip, uint32_t i)
{
	struct lull_reass *r = &ip->reass;
	struct lull_datagram *d = datagram_at(r, i);
	uint32_t *at = &r->heads[d->hash & r->mask];

	free_pieces(ip, d);
	while (*at != i)
		at = &datagram_at(r, *at)->next;
	*at = d->next;
	lull_list_del(&r->age[d->v6], i);
	lull_list_del(&r->source[d->v6][d->source].list, i);
	lull_slab_put(&r->slab, i);
}

static void count_fail(struct lull_ip *ip, bool v6)
{
	lull_count(ip->g,
		   v6 ? LULL_COUNT_IP6_REASM_FAILS : LULL_COUNT_IP_REASM_FAILS);
}

/* RFC 5722: it stays until its time is over, and takes nothing more. */
static enum lull_drop kill(struct lull_ip *ip, struct lull_datagram *d,
			   enum lull_drop why)
{
	free_pieces(ip, d);
	d->dead = true;
	return why;
}

/* The oldest datagram of the source that has the most: bytes, or datagrams. */
static uint32_t victim_of(const struct lull_reass *r, bool v6, bool bytes)
{
	uint32_t most = 0, victim = 0;

	for (int k = 0; k < LULL_REASS_SOURCES; k++) {
		const struct lull_list *l = &r->source[v6][k].list;
		uint32_t has = bytes ? r->source[v6][k].charge : l->len;

		if (has > most) {
			most = has;
			victim = l->head;
		}
	}
	return victim;
}

static void evict(struct lull_ip *ip, uint32_t i)
{
	const struct lull_datagram *d = datagram_at(&ip->reass, i);

	if (!d->dead) {
		lull_drop(ip->g, LULL_DROP_IP_FRAGMENT_EVICTED);
		count_fail(ip, d->v6);
	}
	forget(ip, i);
}

/* ---- whose fragment is it? ---- */

struct key {
	struct lull_addr src, dst;
	uint32_t id;
	uint32_t proto; /* of IPv4 only (RFC 791 3.2, RFC 8200 4.5) */
};

static uint32_t find(const struct lull_reass *r, const struct key *key,
		     uint32_t hash)
{
	uint32_t i = r->heads[hash & r->mask];

	for (; i; i = datagram_at(r, i)->next) {
		const struct lull_datagram *d = datagram_at(r, i);

		if (d->hash == hash && d->id == key->id &&
		    d->proto == key->proto &&
		    lull_addr_eq(&d->src, &key->src) &&
		    lull_addr_eq(&d->dst, &key->dst))
			return i;
	}
	return 0;
}

/* Who can send from many addresses has a /64 of IPv6: it is one source. */
static uint8_t source_of(const struct lull_ip *ip, const struct lull_ip_hdr *h)
{
	return lull_hash_bytes(ip->g->keys.reass, h->src.b, h->v6 ? 8 : 16) %
	       LULL_REASS_SOURCES;
}

static uint32_t begin(struct lull_ip *ip, const struct lull_ip_in *in,
		      const struct key *key, uint32_t hash)
{
	struct lull_reass *r = &ip->reass;
	bool v6 = in->hdr.v6;
	struct lull_datagram *d;
	uint32_t i;

	if (r->slab.used == r->slab.limit) {
		bool more6 = r->age[1].len > r->age[0].len;

		evict(ip, victim_of(r, more6, false));
	}
	i = lull_slab_get(&r->slab);
	if (!i)
		return 0;
	d = datagram_at(r, i);
	*d = (struct lull_datagram){
		.next = r->heads[hash & r->mask],
		.src = key->src,
		.dst = key->dst,
		.id = key->id,
		.proto = (uint8_t)key->proto,
		.hash = hash,
		.born_ms = (uint32_t)ip->g->now_ms,
		.source = source_of(ip, &in->hdr),
		.v6 = v6,
		.ours = in->ours,
	};
	d->seen = r->source[v6][d->source].seen;
	r->heads[hash & r->mask] = i;
	lull_list_push(&r->age[v6], i);
	lull_list_push(&r->source[v6][d->source].list, i);
	return i;
}

/*
 * ipfrag_max_dist: an IPv4 id that comes back after so many others of the same
 * source is another datagram's (RFC 4963).
 */
static bool is_stale(struct lull_ip *ip, struct lull_datagram *d)
{
	uint32_t most = (uint32_t)ip->g->knobs.ipfrag_max_dist;
	uint32_t now = ++ip->reass.source[d->v6][d->source].seen;
	uint32_t past = now - d->seen;

	d->seen = now;
	return !d->v6 && most && d->head && past > most;
}

/* ---- keeping a piece ---- */

static enum lull_buf_class class_for(uint32_t bytes)
{
	enum lull_buf_class cls = LULL_BUF_256;

	while (cls < LULL_BUF_64K && lull_buf_bytes(cls) < bytes)
		cls++;
	return cls;
}

/* Make room for one more buffer. false: only by giving up `i` itself. */
static bool make_room(struct lull_ip *ip, uint32_t i, enum lull_buf_class cls)
{
	struct lull_reass *r = &ip->reass;
	const struct lull_knobs *k = &ip->g->knobs;
	bool v6 = datagram_at(r, i)->v6;
	uint64_t most =
		(uint64_t)(v6 ? k->ip6frag_high_thresh : k->ipfrag_high_thresh);
	uint32_t share = lull_max(ip->g->bufs.slab[cls].limit / CLASS_SHARE, 1);

	for (;;) {
		bool over = r->charge[v6] + lull_buf_bytes(cls) > most;
		uint32_t victim;

		if (!over && r->held[cls] < share)
			return true;
		victim = victim_of(r, over ? v6 : r->charge[1] > r->charge[0],
				   true);
		if (!victim || victim == i)
			return false;
		evict(ip, victim);
	}
}

/*
 * A buffer with the piece in it: that of the frame, or a smaller one that it
 * fits. The first one is kept with its headers. 0: no memory.
 */
static uint32_t keep(struct lull_ip *ip, uint32_t i, struct lull_ip_in *in)
{
	struct lull_bufs *bufs = &ip->g->bufs;
	const struct lull_ip_hdr *h = &in->hdr;
	struct lull_buf *b = lull_buf_at(bufs, in->buf), *small;
	uint32_t head = h->frag_off ? 0 : h->hdr_len;
	uint32_t bytes = h->len - h->hdr_len + head, k;
	enum lull_buf_class cls = class_for(bytes);

	if (cls >= b->cls) {
		if (!make_room(ip, i, (enum lull_buf_class)b->cls) ||
		    !lull_buf_may_keep(bufs, (enum lull_buf_class)b->cls))
			return 0;
		k = in->buf;
		datagram_at(&ip->reass, i)->packet_off =
			h->frag_off ? datagram_at(&ip->reass, i)->packet_off
				    : b->off;
		b->off += h->hdr_len;
		b->len = bytes - head;
		in->buf = 0;
		return k;
	}
	if (!make_room(ip, i, cls))
		return 0;
	k = lull_buf_get_kept(bufs, bytes);
	if (!k)
		return 0;
	small = lull_buf_at(bufs, k);
	memcpy(small->data, b->data + b->off + h->hdr_len - head, bytes);
	small->off = head;
	small->len = bytes - head;
	lull_buf_put(bufs, in->buf);
	in->buf = 0;
	return k;
}

/* Is this very piece there already? */
static bool is_copy(const struct lull_ip *ip, uint32_t there,
		    const struct lull_ip_in *in)
{
	const struct lull_buf *a = lull_buf_at(&ip->g->bufs, there);
	const struct lull_buf *b = lull_buf_at(&ip->g->bufs, in->buf);
	const struct lull_ip_hdr *h = &in->hdr;

	return there && a->seq.v == h->frag_off &&
	       a->len == h->len - h->hdr_len &&
	       memcmp(a->data + a->off, b->data + b->off + h->hdr_len,
		      a->len) == 0;
}

/* The place of a piece: behind *before, which is 0 for the head. */
static enum lull_drop place(const struct lull_ip *ip,
			    const struct lull_datagram *d,
			    const struct lull_ip_in *in, uint32_t *before)
{
	const struct lull_bufs *bufs = &ip->g->bufs;
	uint32_t off = in->hdr.frag_off, next = d->head;
	uint32_t end = off + in->hdr.len - in->hdr.hdr_len;
	const struct lull_buf *b = lull_buf_at(bufs, d->tail);

	*before = 0;
	if (d->tail &&
	    b->seq.v + b->len <= off) { /* mostly they are in order */
		*before = d->tail;
		next = 0;
	}
	for (; next && lull_buf_at(bufs, next)->seq.v < off;
	     next = lull_buf_at(bufs, next)->next)
		*before = next;
	if (is_copy(ip, next, in))
		return LULL_DROP_IP_FRAGMENT_COPY;
	b = lull_buf_at(bufs, *before);
	if (*before && b->seq.v + b->len > off)
		return LULL_DROP_IP_FRAGMENT_OVERLAP;
	if (next && lull_buf_at(bufs, next)->seq.v < end)
		return LULL_DROP_IP_FRAGMENT_OVERLAP;
	/* The last one says where the end is, and says it once. */
	if (d->end && (in->hdr.frag_more ? end >= d->end : end != d->end))
		return LULL_DROP_IP_FRAGMENT_OVERLAP;
	b = lull_buf_at(bufs, d->tail);
	if (!in->hdr.frag_more && d->tail && b->seq.v + b->len > end)
		return LULL_DROP_IP_FRAGMENT_OVERLAP;
	return LULL_DROP_NONE;
}

static enum lull_drop add_piece(struct lull_ip *ip, uint32_t i,
				struct lull_ip_in *in)
{
	struct lull_datagram *d = datagram_at(&ip->reass, i);
	struct lull_bufs *bufs = &ip->g->bufs;
	const struct lull_ip_hdr *h = &in->hdr;
	uint32_t before, k;
	enum lull_drop why = place(ip, d, in, &before);

	if (why == LULL_DROP_IP_FRAGMENT_COPY)
		return why;
	if (!why && d->pieces == PIECES_MAX)
		why = LULL_DROP_IP_FRAGMENT_MANY;
	if (why)
		return kill(ip, d, why);
	k = keep(ip, i, in);
	if (!k)
		return kill(ip, d, LULL_DROP_IP_FRAGMENT_MEMORY);

	struct lull_buf *b = lull_buf_at(bufs, k);

	charge(&ip->reass, d, b->cls, 1);
	b->seq.v = h->frag_off;
	b->next = before ? lull_buf_at(bufs, before)->next : d->head;
	if (before)
		lull_buf_at(bufs, before)->next = k;
	else
		d->head = k;
	if (!b->next)
		d->tail = k;
	d->have += b->len;
	d->pieces++;
	d->ecn |= (uint8_t)(1U << (h->tos & 3));
	if (!h->frag_more)
		d->end = h->frag_off + b->len;
	return LULL_DROP_NONE;
}

/* ---- the whole ---- */

static enum lull_drop make_whole(struct lull_ip *ip, uint32_t i,
				 uint32_t *whole)
{
	struct lull_datagram *d = datagram_at(&ip->reass, i);
	struct lull_bufs *bufs = &ip->g->bufs;
	const struct lull_buf *first = lull_buf_at(bufs, d->head);
	const uint8_t *head = first->data + d->packet_off;
	struct lull_ip_hdr h;
	struct lull_buf *out;
	uint32_t hdr_len, k;

	/* RFC 3168 5.3: a mark is not lost, and none is believed of a sender
	 * that can't have asked for it. */
	if (d->ecn & ECN_NONE && d->ecn != ECN_NONE)
		return LULL_DROP_IP_FRAGMENT_ECN;
	if (LULL_NEVER(lull_ip_parse(
		    head, first->off + first->len - d->packet_off, &h)))
		return LULL_DROP_IP_FRAGMENT;
	hdr_len = lull_ip_whole_hdr(&h);
	if (hdr_len + d->end > PACKET_MAX)
		return LULL_DROP_IP_FRAGMENT_LONG;
	k = lull_buf_get_kept(bufs, hdr_len + d->end);
	if (!k)
		return LULL_DROP_IP_FRAGMENT_MEMORY;
	out = lull_buf_at(bufs, k);
	memcpy(out->data, head, hdr_len);
	lull_ip_make_whole(out->data, &h, hdr_len + d->end, d->ecn & ECN_CE);
	out->len = hdr_len;
	for (uint32_t p = d->head; p; p = lull_buf_at(bufs, p)->next) {
		const struct lull_buf *b = lull_buf_at(bufs, p);

		memcpy(out->data + out->len, b->data + b->off, b->len);
		out->len += b->len;
	}
	LULL_ASSERT(out->len == hdr_len + d->end);
	*whole = k;
	return LULL_DROP_NONE;
}

/* ---- entry points ---- */

static enum lull_drop tell(struct lull_ip_hdr *h, uint8_t code, uint32_t at,
			   enum lull_drop why)
{
	h->tell = h->v6;
	h->tell_code = code;
	h->tell_at = at;
	return why;
}

/* What can be said of a fragment alone (RFC 8200 4.5). */
static enum lull_drop check_form(const struct lull_ip *ip,
				 struct lull_ip_in *in)
{
	const struct lull_buf *b = lull_buf_at(&ip->g->bufs, in->buf);
	struct lull_ip_hdr *h = &in->hdr;
	uint32_t len = h->len - h->hdr_len;

	if (len == 0)
		return LULL_DROP_IP_FRAGMENT;
	if (h->frag_more && len % 8)
		return tell(h, CODE_FIELD, IP6_LENGTH_AT,
			    LULL_DROP_IP_FRAGMENT);
	if (lull_ip_whole_hdr(h) + h->frag_off + len > PACKET_MAX)
		return tell(h, CODE_FIELD, h->frag_at + 2,
			    LULL_DROP_IP_FRAGMENT_LONG);
	if (h->v6 && h->frag_off == 0 &&
	    !lull_ip_has_headers(b->data + b->off, h))
		return tell(h, CODE_FIRST, 0, LULL_DROP_IP_FRAGMENT_HEADERS);
	return LULL_DROP_NONE;
}

static enum lull_drop add(struct lull_ip *ip, struct lull_ip_in *in)
{
	struct lull_reass *r = &ip->reass;
	const struct lull_ip_hdr *h = &in->hdr;
	struct key key = {.src = h->src,
			  .dst = h->dst,
			  .id = h->frag_id,
			  .proto = h->v6 ? 0 : h->proto};
	uint32_t hash =
		(uint32_t)lull_hash_bytes(ip->g->keys.reass, &key, sizeof key);
	uint32_t i = find(r, &key, hash);
	uint32_t whole = 0;
	enum lull_drop why;

	if (!i)
		i = begin(ip, in, &key, hash);
	if (!i)
		return LULL_DROP_IP_FRAGMENT_MEMORY;

	struct lull_datagram *d = datagram_at(r, i);

	if (is_stale(ip, d)) {
		evict(ip, i);
		return add(ip, in);
	}
	if (d->dead)
		return LULL_DROP_IP_FRAGMENT_LATE;
	why = add_piece(ip, i, in);
	if (why || d->have != d->end)
		return why;
	why = make_whole(ip, i, &whole);
	if (why)
		return kill(ip, d, why);
	forget(ip, i);
	in->buf = whole;
	return LULL_DROP_NONE;
}

enum lull_drop lull_reass_add(struct lull_ip *ip, struct lull_ip_in *in)
{
	bool v6 = in->hdr.v6;
	enum lull_drop why = check_form(ip, in);

	lull_count(ip->g,
		   v6 ? LULL_COUNT_IP6_REASM_REQDS : LULL_COUNT_IP_REASM_REQDS);
	if (!why)
		why = add(ip, in);
	if (why && why != LULL_DROP_IP_FRAGMENT_COPY)
		count_fail(ip, v6);
	else if (!why && in->buf)
		lull_count(ip->g, v6 ? LULL_COUNT_IP6_REASM_OKS
				     : LULL_COUNT_IP_REASM_OKS);
	return why;
}

static uint32_t time_ms(const struct lull_ip *ip, bool v6)
{
	const struct lull_knobs *k = &ip->g->knobs;

	return (uint32_t)(v6 ? k->ip6frag_time_s : k->ipfrag_time_s) * 1000;
}

/* RFC 792, RFC 4443 3.3: told only if the first one came. */
static void time_out(struct lull_ip *ip, uint32_t i)
{
	const struct lull_datagram *d = datagram_at(&ip->reass, i);
	const struct lull_buf *b = lull_buf_at(&ip->g->bufs, d->head);
	struct lull_ip_hdr h;

	if (!d->dead) {
		lull_drop(ip->g, LULL_DROP_IP_FRAGMENT_TIME);
		count_fail(ip, d->v6);
		lull_count(ip->g, d->v6 ? LULL_COUNT_IP6_REASM_TIMEOUT
					: LULL_COUNT_IP_REASM_TIMEOUT);
	}
	if (d->head && b->seq.v == 0 && d->ours &&
	    !lull_ip_parse(b->data + d->packet_off,
			   b->off + b->len - d->packet_off, &h))
		lull_icmp_timed_out(ip, d->head, d->packet_off, &h);
	forget(ip, i);
}

void lull_reass_expire(struct lull_ip *ip, int *budget)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct lull_list *l = &ip->reass.age[v6];

		while (l->head && *budget > 0 &&
		       (uint32_t)ip->g->now_ms -
				       datagram_at(&ip->reass, l->head)
					       ->born_ms >=
			       time_ms(ip, v6)) {
			time_out(ip, l->head);
			--*budget;
		}
	}
}

uint64_t lull_reass_deadline_ms(const struct lull_ip *ip)
{
	uint64_t next = UINT64_MAX;

	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t i = ip->reass.age[v6].head, left;

		if (!i)
			continue;
		left = datagram_at(&ip->reass, i)->born_ms + time_ms(ip, v6) -
		       (uint32_t)ip->g->now_ms;
		if ((int32_t)left < 0)
			left = 0;
		if (ip->g->now_ms + left < next)
			next = ip->g->now_ms + left;
	}
	return next;
}
