/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rig.c: see rig.h.
 */
#include "lan.h"

enum {
	OPT_MSS = 1460, /* the peer's */
	OPT_WSCALE = 7,
	PROTO_TCP = 6,
	PROTO_ICMP = 1,
	PROTO_ICMPV6 = 58,
	HDR6 = 40,
	HDR4 = 20,
	TURNS_MAX = 100000, /* of a shard, in one moment */
};

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* The plainest checksum there is, so that lull_sum() is not tested by itself.
 */
static uint32_t sum16(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ---- creation ---- */

/*
 * Memory is used again by the next shard of the same limits, since asking for
 * it anew takes longer than most tests. Of what was used all is cleared but
 * the bytes of packets: nobody may rely on those.
 */
static struct {
	struct lull_memory memory;
	struct lull_limits limits;
	size_t dirty_len;
} spare;

static void get_memory(struct rig *r, const struct lull_limits *limits)
{
	if (spare.memory.mem &&
	    memcmp(&spare.limits, limits, sizeof *limits) == 0) {
		r->memory = spare.memory;
		spare.memory.mem = NULL;
		memset(r->memory.mem, 0, spare.dirty_len);
		memset(r->memory.closing, 0, r->memory.closing_len);
		return;
	}
	assert_int_equal(lull_memory_map(limits, &r->memory), 0);
}

void rig_drop(struct rig *r)
{
	rig_unwatch(r->s);
	if (spare.memory.mem)
		lull_memory_unmap(&spare.memory);
	spare.limits = r->s->limits;
	spare.dirty_len = (size_t)(r->s->g.bufs.data[LULL_BUF_256] -
				   (uint8_t *)r->memory.mem);
	spare.memory = r->memory;
	r->s = NULL;
}

static struct lull_addr address(bool v6, uint8_t last)
{
	struct lull_addr a = {.b = {0xfd, 0, 0, 9, 0, 3, [15] = last}};

	if (!v6)
		a = (struct lull_addr){
			.b = {[10] = 0xff, [11] = 0xff, 10, 9, 3, last}};
	return a;
}

static void small_limits(struct lull_limits *l)
{
	l->conns = 64;
	l->half_open = 64;
	l->closing = l->closing6 = 64;
	l->listeners = 8;
	l->socks = 128;
	l->bufs_256 = 256;
	l->bufs_2k = 512;
	l->bufs_64k = 8;
	l->ranges = 256;
	l->rx_frames = 64;
	l->tx_frames = 256;
	l->traces = 64;
}

static void set_knobs(struct rig *r)
{
	for (int i = 0; i < 8 && r->config.sysctl[i]; i++) {
		char name[64];
		const char *eq = strchr(r->config.sysctl[i], '=');
		size_t n = (size_t)(eq - r->config.sysctl[i]);

		memcpy(name, r->config.sysctl[i], n);
		name[n] = 0;
		assert_int_equal(lull_sysctl_set(r->s, name, eq + 1, NULL), 0);
	}
}

static void listen_on(struct rig *r)
{
	struct lull_listen l = {
		.size = sizeof l,
		.flags = r->config.listen_flags,
		.local = {r->tuple.local, r->config.any ? 0 : 128},
		.port_lo = RIG_PORT,
		.backlog = r->config.backlog ? r->config.backlog : 8,
		.cookie = 1,
	};

	assert_int_equal(lull_sock_listen(r->s, &l, &r->listener), 0);
}

/* Choose the time so that this pair's ISN is RIG_ISS. */
static void tune_clock(struct rig *r)
{
	struct lull_secret secret = lull_secret_of(&r->s->tcp, &r->tuple);
	uint32_t ticks = RIG_ISS - secret.isn;

	/* A little over, so that the microseconds that pass don't matter. */
	r->now_ns = r->s->g.now_ns + (uint64_t)ticks * 4000 + 100;
	rig_run(r);
}

void rig_open(struct rig *r, const struct rig_config *config)
{
	struct lull_config c;

	memset(r, 0, sizeof *r);
	r->config = *config;
	lull_config_init(&c, 64, 64);
	small_limits(&c.limits);
	if (config->limits)
		config->limits(&c.limits);
	c.profile = config->profile;
	c.mtu = config->mtu ? config->mtu : 1500;
	c.link_cap = config->link_cap;
	if (config->ether)
		lan_config(&c);
	memset(c.key, 0x5a, sizeof c.key);
	get_memory(r, &c.limits);
	r->now_ns = 1000000000;
	assert_int_equal(lull_shard_init(&r->s, &c, r->memory, r->now_ns, NULL),
			 0);
	rig_watch(r->s);
	r->tuple = (struct lull_tuple){
		.local = address(config->v6, 2),
		.remote = address(config->v6, 1),
		.lport = RIG_PORT,
		.rport = RIG_PEER_PORT,
	};
	assert_int_equal(
		lull_addr_add(r->s,
			      (struct lull_prefix){r->tuple.local,
						   config->v6 ? 64 : 120},
			      false),
		0);
	set_knobs(r);
	if (!config->no_listener)
		listen_on(r);
	r->seq = lull_seq(RIG_PEER_ISS);
	r->tsval = 0xffffff00U;
	r->wnd = RIG_WND;
	tune_clock(r);
}

void rig_close(struct rig *r)
{
	struct lull_pool pool;

	lull_sock_abort(r->s, r->sock);
	lull_sock_close(r->s, r->listener);
	rig_run(r);
	rig_discard(r);
	rig_pass_ms(r, 4000 * 1000);
	rig_discard(r);
	lull_table_check(&r->s->tcp.flows);
	for (uint32_t i = 0; lull_diag_pool(r->s, i, &pool); i++)
		if (pool.used)
			fail_msg("pool \"%s\" still holds %u", pool.name,
				 pool.used);
	assert_int_equal(r->s->tcp.wheel.used, 0);
	assert_int_equal(r->s->tcp.orphans, 0);
	assert_int_equal(rig_count(r, LULL_COUNT_BROKEN), 0);
	rig_drop(r);
}

void rig_peer(struct rig *r, uint16_t port)
{
	r->tuple.rport = port;
	r->seq = lull_seq(RIG_PEER_ISS);
	r->ack = lull_seq(0);
	r->tsecr = 0;
	r->sock = (struct lull_sock){0, 0};
	r->events = r->written = r->fed = 0;
	r->error = 0;
}

/* ---- the peer ---- */

static uint32_t build_options(const struct rig *r, uint8_t flags, uint8_t *p)
{
	uint32_t n = 0;

	if (flags & LULL_SYN && !r->config.no_mss) {
		put32(p, 2U << 24 | 4U << 16 |
				 (r->config.mss ? r->config.mss : OPT_MSS));
		n += 4;
	}
	if (r->config.ts && !(flags & LULL_RST)) {
		put32(p + n, 0x0101080a);
		put32(p + n + 4, r->tsval);
		put32(p + n + 8, r->tsecr);
		n += 12;
	}
	if (flags & LULL_SYN && r->config.wscale) {
		put32(p + n, 0x01030300U | (r->config.shift ? r->config.shift
							    : OPT_WSCALE));
		n += 4;
	}
	if (flags & LULL_SYN && r->config.sack) {
		put32(p + n, 0x01010402);
		n += 4;
	}
	if (!(flags & (LULL_SYN | LULL_RST))) {
		memcpy(p + n, r->opt, r->opt_len);
		n += r->opt_len;
	}
	return n;
}

static uint32_t hdr_len(const struct rig *r)
{
	return r->config.v6 ? HDR6 : HDR4;
}

/* The pseudo-header of what the peer sends. */
static uint32_t pseudo(const struct rig *r, uint8_t proto, uint32_t len)
{
	uint32_t skip = r->config.v6 ? 0 : 12;
	uint32_t sum = sum16(0, r->tuple.remote.b + skip, 16 - skip);

	return sum16(sum, r->tuple.local.b + skip, 16 - skip) + proto + len;
}

/* The header in front of a packet of `n` bytes of payload. */
static void put_ip(const struct rig *r, uint8_t proto, uint32_t n, uint8_t *out)
{
	memset(out, 0, hdr_len(r));
	if (r->config.v6) {
		put16(out, 0x6000U | (uint32_t)r->tos << 4);
		put16(out + 4, n);
		out[6] = proto;
		out[7] = 64;
		memcpy(out + 8, r->tuple.remote.b, 16);
		memcpy(out + 24, r->tuple.local.b, 16);
		return;
	}
	put16(out, 0x4500U | r->tos);
	put16(out + 2, HDR4 + n);
	out[8] = 64;
	out[9] = proto;
	memcpy(out + 12, r->tuple.remote.b + 12, 4);
	memcpy(out + 16, r->tuple.local.b + 12, 4);
	put16(out + 10, fold(sum16(0, out, HDR4)));
}

uint32_t rig_ip(const struct rig *r, uint8_t proto, const void *payload,
		uint32_t len, uint8_t *out)
{
	put_ip(r, proto, len, out);
	memcpy(out + hdr_len(r), payload, len);
	return hdr_len(r) + len;
}

uint32_t rig_build(const struct rig *r, uint8_t flags, struct lull_seq seq,
		   struct lull_seq ack, const void *text, uint32_t len,
		   uint8_t *out)
{
	uint8_t *tcp = out + hdr_len(r);
	uint32_t n;

	memset(tcp, 0, 20);
	put16(tcp, r->tuple.rport);
	put16(tcp + 2, r->tuple.lport);
	put32(tcp + 4, seq.v);
	put32(tcp + 8, ack.v);
	tcp[13] = flags;
	put16(tcp + 14, r->wnd);
	n = 20 + build_options(r, flags, tcp + 20);
	tcp[12] = (uint8_t)(n / 4 << 4);
	if (text)
		memcpy(tcp + n, text, len);
	else
		memset(tcp + n, 'x', len);
	n += len;
	put_ip(r, PROTO_TCP, n, out);
	put16(tcp + 16, fold(sum16(pseudo(r, PROTO_TCP, n), tcp, n)));
	return hdr_len(r) + n;
}

void rig_icmp_sum(const struct rig *r, uint8_t *icmp, uint32_t len)
{
	uint32_t sum = r->config.v6 ? pseudo(r, PROTO_ICMPV6, len) : 0;

	put16(icmp + 2, 0);
	put16(icmp + 2, fold(sum16(sum, icmp, len)));
}

void rig_icmp(struct rig *r, struct rig_icmp icmp, struct lull_seq seq)
{
	struct rig ours = *r; /* the packet that is quoted goes the other way */
	uint8_t packet[256], payload[128] = {icmp.type, icmp.code};
	uint8_t *quote = payload + 8, *tcp = quote + hdr_len(r);
	uint32_t len = 8 + hdr_len(r) + 8;

	put32(payload + 4, icmp.rest);
	ours.tuple.local = r->tuple.remote;
	ours.tuple.remote = r->tuple.local;
	put_ip(&ours, PROTO_TCP, 1000, quote);
	put16(tcp, r->tuple.lport);
	put16(tcp + 2, r->tuple.rport);
	put32(tcp + 4, seq.v);
	rig_icmp_sum(r, payload, len);
	rig_packet(r, packet,
		   rig_ip(r, r->config.v6 ? PROTO_ICMPV6 : PROTO_ICMP, payload,
			  len, packet));
}

void rig_packet(struct rig *r, const uint8_t *ip, uint32_t len)
{
	if (r->config.ether)
		lan_packet(r, ip, len);
	else
		rig_frame(r, ip, len);
}

void rig_frame(struct rig *r, const uint8_t *ip, uint32_t len)
{
	struct lull_frame f;

	assert_int_equal(lull_rx_get(r->s, &f, 1), 1);
	assert_true(len <= f.span[0].len);
	memcpy(f.span[0].ptr, ip, len);
	f.len = len;
	assert_int_equal(lull_rx_put(r->s, &f, 1), 1);
	rig_run(r);
}

void rig_put(struct rig *r, uint8_t flags, struct lull_seq seq,
	     struct lull_seq ack, const void *text, uint32_t len)
{
	uint8_t packet[128 + RIG_TEXT_MAX];

	assert_true(len <= RIG_TEXT_MAX);
	rig_packet(r, packet, rig_build(r, flags, seq, ack, text, len, packet));
}

void rig_say(struct rig *r, uint8_t flags, const void *text, uint32_t len)
{
	struct lull_seq seq = r->seq;

	r->seq = lull_seq_add(seq, len + !!(flags & LULL_SYN) +
					   !!(flags & LULL_FIN));
	rig_put(r, flags, seq, flags & LULL_ACK ? r->ack : lull_seq(0), text,
		len);
}

void rig_syn(struct rig *r, uint8_t flags)
{
	rig_say(r, flags, NULL, 0);
}

void rig_feed(struct rig *r, uint32_t len)
{
	uint8_t text[RIG_TEXT_MAX];

	assert_true(len <= sizeof text);
	for (uint32_t i = 0; i < len; i++)
		text[i] = rig_byte(r->fed + i);
	r->fed += len;
	rig_say(r, LULL_ACK, text, len);
}

void rig_ack(struct rig *r)
{
	rig_put(r, LULL_ACK, r->seq, r->ack, NULL, 0);
}

/* ---- what comes out ---- */

const struct rig_raw *rig_get_raw(struct rig *r)
{
	static struct rig_raw raw;
	struct lull_frame *f = &raw.frame;

	if (lull_tx_peek(r->s, f, 1) == 0)
		return NULL;
	raw.len = 0;
	assert_true(f->len <= sizeof raw.bytes);
	for (int i = 0; i < f->spans; i++) {
		memcpy(raw.bytes + raw.len, f->span[i].ptr, f->span[i].len);
		raw.len += (uint32_t)f->span[i].len;
	}
	assert_int_equal(raw.len, f->len);
	lull_tx_done(r->s, 1);
	return &raw;
}

/*
 * The sum over everything, pseudo-header included, is all ones; with a partial
 * one the field holds the sum over the pseudo-header alone.
 */
static void check_sum(const struct rig_raw *raw, const struct lull_ip_hdr *ip)
{
	const uint8_t *p = raw->bytes, *tcp = p + ip->hdr_len;
	uint32_t n = raw->len - ip->hdr_len;
	uint32_t sum =
		sum16(PROTO_TCP + n, ip->v6 ? p + 8 : p + 12, ip->v6 ? 32 : 8);

	if (raw->frame.flags & LULL_FRAME_CSUM_PARTIAL) {
		assert_int_equal(raw->frame.csum_start, ip->hdr_len);
		assert_int_equal(raw->frame.csum_offset, 16);
		assert_int_equal((uint16_t)~fold(sum), tcp[16] << 8 | tcp[17]);
	} else {
		assert_int_equal(fold(sum16(sum, tcp, n)), 0);
	}
}

bool rig_get(struct rig *r, struct rig_seg *out)
{
	const struct rig_raw *raw = rig_get_raw(r);
	struct lull_ip_hdr ip;
	uint32_t n;

	memset(out, 0, sizeof *out);
	if (!raw)
		return false;
	if (r->config.ether)
		raw = lan_strip(raw);
	assert_int_equal(lull_ip_parse(raw->bytes, raw->len, &ip),
			 LULL_DROP_NONE);
	assert_int_equal(ip.len, raw->len);
	assert_int_equal(ip.proto, LULL_PROTO_TCP);
	assert_int_equal(lull_tcp_parse(raw->bytes + ip.hdr_len,
					raw->len - ip.hdr_len, &out->seg),
			 LULL_DROP_NONE);
	check_sum(raw, &ip);
	out->seg.tuple.local = ip.dst; /* the peer's view */
	out->seg.tuple.remote = ip.src;
	n = out->seg.text_len;
	memcpy(out->text, raw->bytes + raw->len - n,
	       lull_min(n, sizeof out->text));
	out->tos = ip.tos;
	out->ttl = ip.ttl;
	out->gso_size = raw->frame.gso_size;
	return true;
}

struct rig_seg rig_expect(struct rig *r, uint8_t flags)
{
	struct rig_seg out;

	if (!rig_get(r, &out))
		fail_msg("no segment came, flags %02x were expected", flags);
	if ((out.seg.flags & ~LULL_PSH) != flags)
		fail_msg("flags %02x came, %02x were expected", out.seg.flags,
			 flags);
	if (out.seg.has_ts)
		r->tsecr = out.seg.tsval;
	r->ack = lull_seq_add(out.seg.seq, lull_seg_len(&out.seg));
	return out;
}

void rig_expect_none(struct rig *r)
{
	struct rig_seg out;

	if (rig_get(r, &out))
		fail_msg("a segment came, flags %02x seq %u ack %u, %u bytes",
			 out.seg.flags, out.seg.seq.v, out.seg.ack.v,
			 out.seg.text_len);
}

int rig_discard(struct rig *r)
{
	int n = 0;

	while (rig_get_raw(r))
		n++;
	return n;
}

/* ---- time ---- */

static void take_events(struct rig *r)
{
	struct lull_event e;

	while (lull_events_get(r->s, &e, 1) == 1) {
		r->log[r->logged++ % RIG_EVENTS] = e;
		if (e.sock.index != r->sock.index || e.sock.gen != r->sock.gen)
			continue;
		r->events |= e.bits;
		if (e.error)
			r->error = e.error;
	}
}

void rig_run(struct rig *r)
{
	struct lull_work work;
	int turns = 0;

	do {
		work = lull_shard_run(r->s, r->now_ns);
		take_events(r);
	} while (work.more && ++turns < TURNS_MAX);
	assert_true(turns < TURNS_MAX);
}

void rig_pass_ms(struct rig *r, uint64_t ms)
{
	uint64_t end = r->now_ns + ms * 1000000;
	int turns = 0;

	for (;;) {
		struct lull_work work = lull_shard_run(r->s, r->now_ns);

		take_events(r);
		if (work.more || work.deadline_ns <= r->now_ns) {
			assert_true(++turns < TURNS_MAX); /* it stands still */
			continue;
		}
		turns = 0;
		if (work.deadline_ns > end)
			break;
		r->now_ns = work.deadline_ns;
	}
	r->now_ns = end;
	rig_run(r);
}

void rig_align(struct rig *r)
{
	r->now_ns = (r->now_ns + 999999) / 1000000 * 1000000;
	rig_run(r);
}

struct rig_seg rig_expect_after(struct rig *r, uint64_t ms, uint8_t flags)
{
	rig_pass_ms(r, ms - 1);
	rig_expect_none(r);
	rig_pass_ms(r, 1);
	return rig_expect(r, flags);
}

/* ---- the program ---- */

uint8_t rig_byte(uint32_t at)
{
	return (uint8_t)(at * 7 + (at >> 8) * 31);
}

void rig_same(const uint8_t *text, uint32_t len, uint32_t at)
{
	for (uint32_t i = 0; i < len; i++)
		if (text[i] != rig_byte(at + i))
			fail_msg("byte %u of the stream is %02x, not %02x",
				 at + i, text[i], rig_byte(at + i));
}

long rig_queue(struct rig *r, uint32_t len)
{
	static uint8_t bytes[1 << 20];
	struct lull_span span = {bytes, len};
	long n;

	assert_true(len <= sizeof bytes);
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = rig_byte(r->written + i);
	n = lull_sock_send(r->s, r->sock, &span, 1, 0);
	if (n > 0)
		r->written += (uint32_t)n;
	return n;
}

void rig_write(struct rig *r, uint32_t len)
{
	assert_int_equal(rig_queue(r, len), len);
	rig_run(r);
}

long rig_read(struct rig *r, void *buf, uint32_t len)
{
	long n = lull_sock_recv(r->s, r->sock, buf, len);

	rig_run(r);
	return n;
}

void rig_set(struct rig *r, enum lull_option option, int32_t value)
{
	assert_int_equal(
		lull_sock_set(r->s, r->sock, option, &value, sizeof value), 0);
}

void rig_knob(struct rig *r, const char *name, const char *value)
{
	assert_int_equal(lull_sysctl_set(r->s, name, value, NULL), 0);
}

uint32_t rig_events_of(const struct rig *r, struct lull_sock sock)
{
	uint32_t bits = 0;

	assert_true(r->logged <= RIG_EVENTS);
	for (uint32_t i = 0; i < r->logged; i++)
		if (r->log[i].sock.index == sock.index &&
		    r->log[i].sock.gen == sock.gen)
			bits |= r->log[i].bits;
	return bits;
}

uint32_t rig_news(struct rig *r)
{
	uint32_t bits = r->events;

	r->events = 0;
	return bits;
}

/* splitmix64 */
uint32_t rig_random(uint64_t *seed, uint32_t n)
{
	uint64_t v = *seed += 0x9e3779b97f4a7c15;

	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	v ^= v >> 31;
	return (uint32_t)((v >> 32) * n >> 32);
}
