/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * create.c: from limits to memory: where everything lies in what the caller
 * hands over. One walk tells how much it is, and the same walk places it.
 *
 * Touches the shard itself and the first pages of what has a head; slabs, the
 * flow table and the buffers stay untouched until they are used.
 *
 * Entry points: lull_config_init, lull_limits_size, lull_limits_pieces,
 * lull_shard_init, lull_addr_add, lull_gateway_set, lull_mac_get.
 */
#include "shard.h"

enum {
	PAGE = 4096,
	LINE = 64,
	OBJECTS_MAX = 1 << 26,
	LISTENERS_MAX = 65535, /* a half-open connection has 16 bits for them */
	RING_MAX = 1 << 20,
	DESTS = 65536,
	DATAGRAMS_MAX = 65536,
	PORTS_A_MAP = 2048, /* see dest.c; small ranges need fewer, */
	SOME_MAPS = 64,	    /* for these are some more */
};

_Static_assert(2 * OBJECTS_MAX <= 1 << LULL_INDEX_BITS,
	       "a name holds every index");

/* ---- limits ---- */

static uint32_t up_to(uint32_t n)
{
	return lull_min(n, OBJECTS_MAX);
}

void lull_config_init(struct lull_config *config, uint32_t conns,
		      uint32_t closing)
{
	*config = (struct lull_config){
		.size = sizeof *config,
		.mtu = 1500,
		.limits =
			{
				.size = sizeof(struct lull_limits),
				.conns = conns,
				.half_open = lull_max(conns / 2, 256),
				.closing = closing,
				.closing6 = closing,
				.listeners = 64,
				.destinations = lull_min(
					up_to(conns) + up_to(closing), DESTS),
				.socks = conns + lull_max(conns / 4, 256),
				.bufs_256 = lull_max(conns, 1024),
				.bufs_2k = up_to(lull_max(2 * conns, 4096)),
				.bufs_64k = lull_max(conns / 64, 256),
				.ranges = up_to(lull_max(8 * conns, 4096)),
				.rx_frames = 1024,
				.tx_frames = 1024,
				.traces = 4096,
				.datagrams = 256,
				.neighbours = 1024,
				.unresolved = 256,
			},
	};
}

static bool within(uint32_t value, uint32_t most)
{
	return value >= 1 && value <= most;
}

static bool is_ring(uint32_t value)
{
	return within(value, RING_MAX) && (value & (value - 1)) == 0;
}

static bool limits_hold(const struct lull_limits *l)
{
	return l->size == sizeof *l && within(l->conns, OBJECTS_MAX) &&
	       within(l->half_open, OBJECTS_MAX) &&
	       within(l->closing, OBJECTS_MAX) &&
	       within(l->closing6, OBJECTS_MAX) &&
	       within(l->listeners, LISTENERS_MAX) &&
	       within(l->destinations, OBJECTS_MAX) &&
	       within(l->socks, 2 * OBJECTS_MAX) &&
	       within(l->bufs_256, OBJECTS_MAX) &&
	       within(l->bufs_2k, OBJECTS_MAX) &&
	       within(l->bufs_64k, OBJECTS_MAX) &&
	       within(l->ranges, OBJECTS_MAX) && is_ring(l->rx_frames) &&
	       is_ring(l->tx_frames) && (!l->traces || is_ring(l->traces)) &&
	       within(l->datagrams, DATAGRAMS_MAX) &&
	       within(l->neighbours, RING_MAX) &&
	       within(l->unresolved, RING_MAX);
}

/* ---- the walk ---- */

struct walk {
	uint8_t *base; /* NULL: only measure */
	size_t len;
	struct notes *notes; /* or NULL */
};

/* For lull_limits_pieces(). */
struct notes {
	struct lull_piece *piece;
	int len, size;
	bool closing;
};

static void note(struct notes *n, size_t at, size_t len)
{
	if (n->len < n->size)
		n->piece[n->len] = (struct lull_piece){n->closing, at, len};
	n->len++;
}

/* Place `n` objects of `size` bytes, aligned; the first is the null object. */
static void *place(struct walk *w, size_t size, size_t n, size_t align)
{
	size_t at = (w->len + align - 1) & ~(align - 1);

	w->len = at + size * n;
	if (w->notes)
		note(w->notes, at, size * n);
	return w->base ? w->base + at : NULL;
}

struct layout {
	struct lull_shard *shard;
	struct lull_buf *bufs;
	uint8_t *data[LULL_BUF_CLASSES];
	uint32_t buf_limit[LULL_BUF_CLASSES];
	uint32_t *rx_ring;
	struct lull_tx *tx_ring;
	struct lull_trace_record *traces;
	struct lull_reass_memory reass;
	struct lull_tcp_memory tcp;
	struct lull_neigh_memory neigh;
};

static void place_bufs(struct walk *w, const struct lull_limits *l,
		       struct layout *out)
{
	const uint32_t limit[] = {l->bufs_256, l->bufs_2k, l->bufs_64k};
	size_t descriptors = 0;

	for (int c = 0; c < LULL_BUF_CLASSES; c++) {
		out->buf_limit[c] = limit[c];
		descriptors += limit[c] + 1;
	}
	out->bufs = place(w, sizeof(struct lull_buf), descriptors, LINE);
	for (uint32_t c = 0; c < LULL_BUF_CLASSES; c++)
		out->data[c] = place(w, lull_buf_bytes(c), limit[c], PAGE);
}

static void place_dests(struct walk *w, const struct lull_limits *l,
			struct lull_tcp_memory *m)
{
	/* Only a destination with many ports in use has a map of them. */
	m->portmaps_len =
		(l->conns + l->closing + l->closing6) / PORTS_A_MAP + SOME_MAPS;
	m->dests = place(w, sizeof(struct lull_dest),
			 (size_t)l->destinations + 1, LINE);
	m->portmaps = place(w, sizeof(struct lull_portmap),
			    (size_t)m->portmaps_len + 1, LINE);
	lull_table_size(l->destinations, &m->dest_buckets_len,
			&m->dest_overflow_len);
	m->dest_buckets =
		place(w, sizeof(struct lull_bucket), m->dest_buckets_len, PAGE);
	m->port_use = place(w, sizeof(struct lull_port_use), 65536, PAGE);
	m->dest_overflow = place(w, sizeof(struct lull_bucket),
				 (size_t)m->dest_overflow_len + 1, LINE);
}

static void place_tcp(struct walk *w, const struct lull_limits *l,
		      struct lull_tcp_memory *m)
{
	uint32_t flows = l->conns + l->half_open + l->closing + l->closing6;
	uint32_t hash = 64;

	while (hash < l->listeners)
		hash *= 2;
	m->tcbs = place(w, sizeof(struct lull_tcb), l->conns + 1, LINE);
	m->cold = place(w, sizeof(struct lull_tcb_cold), l->conns + 1, LINE);
	m->halves = place(w, sizeof(struct lull_half), l->half_open + 1, LINE);
	m->listeners =
		place(w, sizeof(struct lull_listener), l->listeners + 1, LINE);
	m->users =
		place(w, sizeof(struct lull_user), (size_t)l->socks + 1, LINE);
	m->ranges = place(w, sizeof(struct lull_range), l->ranges + 1, LINE);
	m->links[0] = place(w, sizeof(struct lull_links), l->closing + 1, LINE);
	m->links[1] =
		place(w, sizeof(struct lull_links), l->closing6 + 1, LINE);
	m->cookies = place(w, sizeof(struct lull_cookies_used),
			   LULL_COOKIE_SETS, LINE);
	m->listen_hash_len = hash;
	m->listen_hash = place(w, sizeof(uint32_t), hash, LINE);
	lull_table_size(flows, &m->buckets_len, &m->overflow_len);
	m->buckets = place(w, sizeof(struct lull_bucket), m->buckets_len, PAGE);
	m->overflow = place(w, sizeof(struct lull_bucket),
			    (size_t)m->overflow_len + 1, LINE);
	place_dests(w, l, m);
}

static void place_reass(struct walk *w, const struct lull_limits *l,
			struct lull_reass_memory *m)
{
	m->limit = l->datagrams;
	m->heads_len = 16;
	while (m->heads_len < l->datagrams)
		m->heads_len *= 2;
	m->datagrams = place(w, sizeof(struct lull_datagram),
			     (size_t)l->datagrams + 1, LINE);
	m->heads = place(w, sizeof(uint32_t), m->heads_len, LINE);
}

static void place_neigh(struct walk *w, const struct lull_limits *l,
			struct lull_neigh_memory *m)
{
	m->neighs_len = l->neighbours;
	m->waiting_len = l->unresolved;
	m->neighs =
		place(w, sizeof(struct lull_neigh), l->neighbours + 1, LINE);
	m->waiting =
		place(w, sizeof(struct lull_waiting), l->unresolved + 1, LINE);
	lull_table_size(l->neighbours, &m->buckets_len, &m->overflow_len);
	m->buckets = place(w, sizeof(struct lull_bucket), m->buckets_len, PAGE);
	m->overflow = place(w, sizeof(struct lull_bucket),
			    (size_t)m->overflow_len + 1, LINE);
}

static void walk_all(struct walk *mem, struct walk *closing,
		     const struct lull_limits *l, struct layout *out)
{
	out->shard = place(mem, sizeof(struct lull_shard), 1, PAGE);
	out->rx_ring = place(mem, sizeof(uint32_t), l->rx_frames, LINE);
	out->tx_ring = place(mem, sizeof(struct lull_tx), l->tx_frames, LINE);
	out->traces =
		place(mem, sizeof(struct lull_trace_record), l->traces, LINE);
	place_reass(mem, l, &out->reass);
	place_tcp(mem, l, &out->tcp);
	place_neigh(mem, l, &out->neigh);
	place_bufs(mem, l, out);
	out->tcp.records[0] = place(closing, sizeof(struct lull_closing4),
				    l->closing + 1, PAGE);
	out->tcp.records[1] = place(closing, sizeof(struct lull_closing6),
				    l->closing6 + 1, PAGE);
}

int lull_limits_size(const struct lull_limits *limits, size_t *mem_len,
		     size_t *closing_len)
{
	struct walk mem = {0}, closing = {0};
	struct layout unused;

	if (!limits_hold(limits))
		return -EINVAL;
	walk_all(&mem, &closing, limits, &unused);
	*mem_len = (mem.len + PAGE - 1) & ~(size_t)(PAGE - 1);
	*closing_len = (closing.len + PAGE - 1) & ~(size_t)(PAGE - 1);
	return 0;
}

int lull_limits_pieces(const struct lull_limits *limits,
		       struct lull_piece *pieces, int n)
{
	struct notes notes = {.piece = pieces, .size = n};
	struct walk mem = {.notes = &notes}, closing = {0};
	struct layout unused;

	if (!limits_hold(limits))
		return -EINVAL;
	walk_all(&mem, &closing, limits, &unused);
	notes.closing = true;
	mem = closing = (struct walk){0};
	closing.notes = &notes;
	walk_all(&mem, &closing, limits, &unused);
	return notes.len;
}

/* ---- creation ---- */

static void init_ground(struct lull_ground *g, const struct lull_config *config,
			const struct layout *at, uint64_t now_ns)
{
	const struct lull_limits *l = &config->limits;

	g->profile = config->profile;
	g->mtu = config->mtu;
	g->link_cap = config->link_cap;
	g->link_hdr = config->link_type == LULL_LINK_ETHER ? LULL_ETHER_HDR : 0;
	g->now_ns = now_ns; /* whatever it is: there is no leap before it */
	(void)lull_ground_time(g, now_ns);
	lull_knobs_init(&g->knobs);
	lull_knobs_limit(&g->knobs, l, config->profile);
	lull_keys_init(&g->keys, config->key);
	lull_bufs_init(&g->bufs, at->bufs, at->data, at->buf_limit);
	g->txq.ring = at->tx_ring;
	g->txq.mask = l->tx_frames - 1;
	g->trace.ring = l->traces ? at->traces : NULL;
	g->trace.mask = l->traces ? l->traces - 1 : 0;
}

static bool link_holds(const struct lull_config *config)
{
	static const uint8_t none[6];

	if (config->link_type == LULL_LINK_IP)
		return config->mtu <= 65535;
	return config->link_type == LULL_LINK_ETHER &&
	       config->mtu <= 65535 - LULL_ETHER_HDR &&
	       (!memcmp(config->mac, none, 6) || !(config->mac[0] & 1));
}

static bool config_holds(const struct lull_config *config)
{
	return config->size == sizeof *config && config->mtu >= 1280 &&
	       link_holds(config) &&
	       (config->profile == LULL_PROFILE_LULL ||
		config->profile == LULL_PROFILE_LINUX) &&
	       limits_hold(&config->limits);
}

/* Ours, or one that stays the same with the key: of local use (bit 1). */
static void init_neigh(struct lull_shard *s, const struct lull_config *config,
		       const struct lull_neigh_memory *m)
{
	uint64_t h = lull_hash_bytes(s->g.keys.neigh, "mac", 3);
	struct lull_mac mac;

	memcpy(mac.b, config->mac, sizeof mac);
	if (!lull_mac_is_station(&mac)) {
		memcpy(mac.b, &h, sizeof mac);
		mac.b[0] = (uint8_t)((mac.b[0] & ~3) | 2);
	}
	lull_neigh_init(&s->ip, m, mac);
}

int lull_shard_init(struct lull_shard **shard, const struct lull_config *config,
		    struct lull_memory memory, uint64_t now_ns,
		    struct lull_restore *restore)
{
	struct walk mem = {.base = memory.mem};
	struct walk closing = {.base = memory.closing};
	size_t mem_len, closing_len;
	struct layout at;
	struct lull_shard *s;

	if (!config_holds(config) ||
	    (restore && restore->size != sizeof *restore))
		return -EINVAL;
	if (!memory.mem || !memory.closing || (uintptr_t)memory.mem % PAGE ||
	    (uintptr_t)memory.closing % PAGE)
		return -EFAULT;
	if (lull_limits_size(&config->limits, &mem_len, &closing_len) < 0 ||
	    memory.mem_len < mem_len || memory.closing_len < closing_len)
		return -ENOMEM;
	walk_all(&mem, &closing, &config->limits, &at);
	s = at.shard;
	s->limits = config->limits;
	init_ground(&s->g, config, &at, now_ns);
	s->rxq.ring = at.rx_ring;
	s->rxq.mask = config->limits.rx_frames - 1;
	lull_ip_init(&s->ip, &s->g, &at.reass);
	if (s->g.link_hdr)
		init_neigh(s, config, &at.neigh);
	lull_tcp_init(&s->tcp, &s->g, &config->limits, &at.tcp);
	if (restore && !lull_closing_restore(&s->tcp, restore))
		return -EBADMSG;
	*shard = s;
	return 0;
}

int lull_addr_add(struct lull_shard *s, struct lull_prefix prefix, bool whole)
{
	return lull_ip_own_add(&s->ip, prefix, whole);
}

int lull_gateway_set(struct lull_shard *s, const struct lull_addr *gateway)
{
	return lull_ip_gateway_set(&s->ip, gateway);
}

bool lull_mac_get(const struct lull_shard *s, uint8_t mac[6])
{
	if (s->g.link_hdr)
		memcpy(mac, s->ip.neigh.mac.b, sizeof s->ip.neigh.mac);
	return s->g.link_hdr > 0;
}
