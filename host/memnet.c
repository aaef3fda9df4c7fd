/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memnet.c: a network in memory, see host.h.
 *
 * Frames under way stand in a heap by time, then by the order in which they
 * were sent. All that is random is drawn from one generator, in that order.
 *
 * Never drops a frame without faults: a shard that has not caught up keeps
 * the sender's queue waiting.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lull/host.h>

enum {
	PORTS_MAX = 64,
	PREFIXES_MAX = 256,
	BATCH = 32,
	PACKET_MAX = 65536 + 128,
};

struct packet {
	uint64_t due_ns, order;
	struct lull_frame meta; /* its span[0] is the copy */
	int port;
};

struct port {
	struct lull_shard *shard;
	/* Taken from the shard: put back, then filled, then still empty. */
	struct lull_frame frame[BATCH];
	int put, at, len;
};

struct lull_memnet {
	struct lull_faults faults;
	bool faulty;
	uint32_t link_cap;
	uint64_t random;
	uint64_t now_ns, order;
	struct port port[PORTS_MAX];
	int ports;
	struct {
		uint64_t mask[2], prefix[2]; /* as the bytes stand */
		int port;
	} route[PREFIXES_MAX];
	int routes;
	struct packet *heap;
	size_t heap_len, heap_size;
	struct lull_memnet_stats stats;
	lull_tap *tap, *heard;
	void *tap_arg, *heard_arg;
	lull_box *box;
	void *box_arg;
};

/* ---- chance ---- */

/* splitmix64 (S. Vigna, public domain): one word of state, any seed will do. */
static uint64_t draw(struct lull_memnet *net)
{
	uint64_t z = net->random += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

static bool happens(struct lull_memnet *net, uint32_t ppm)
{
	return ppm && draw(net) % 1000000 < ppm;
}

static uint64_t draw_below(struct lull_memnet *net, uint64_t n)
{
	return n ? draw(net) % n : 0;
}

/* ---- the heap ---- */

static bool before(const struct packet *a, const struct packet *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns;
	return a->order < b->order;
}

static void swap(struct packet *a, struct packet *b)
{
	struct packet c = *a;

	*a = *b;
	*b = c;
}

static bool heap_push(struct lull_memnet *net, struct packet p)
{
	size_t i = net->heap_len;

	if (i == net->heap_size) {
		size_t size = i ? 2 * i : 64;
		struct packet *heap = realloc(net->heap, size * sizeof *heap);

		if (!heap)
			return false;
		net->heap = heap;
		net->heap_size = size;
	}
	net->heap[net->heap_len++] = p;
	for (; i && before(&net->heap[i], &net->heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		swap(&net->heap[i], &net->heap[(i - 1) / 2]);
	return true;
}

static struct packet heap_pop(struct lull_memnet *net)
{
	struct packet top = net->heap[0];
	size_t i = 0, n = --net->heap_len;

	net->heap[0] = net->heap[n];
	for (;;) {
		size_t least = i;

		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < n; k++)
			if (before(&net->heap[k], &net->heap[least]))
				least = k;
		if (least == i)
			return top;
		swap(&net->heap[i], &net->heap[least]);
		i = least;
	}
}

/* ---- creation ---- */

static bool any_fault(const struct lull_faults *f)
{
	return f->loss_ppm || f->dup_ppm || f->reorder_ppm || f->corrupt_ppm ||
	       f->delay_ns || f->jitter_ns || f->queue_frames;
}

void lull_memnet_faults(struct lull_memnet *net,
			const struct lull_faults *faults)
{
	net->faults = *faults;
	net->faulty = any_fault(faults);
}

int lull_memnet_create(struct lull_memnet **net,
		       const struct lull_memnet_config *config)
{
	struct lull_memnet *n;

	if (config->size != sizeof *config)
		return -EINVAL;
	n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	n->random = config->seed;
	n->link_cap = config->link_cap;
	lull_memnet_faults(n, &config->faults);
	*net = n;
	return 0;
}

void lull_memnet_destroy(struct lull_memnet *net)
{
	if (!net)
		return;
	for (size_t i = 0; i < net->heap_len; i++)
		free(net->heap[i].meta.span[0].ptr);
	for (int i = 0; i < net->ports; i++) {
		struct port *p = &net->port[i];

		/* Length 0: given back unused. */
		for (int k = p->at; k < p->len; k++)
			p->frame[k].len = 0;
		(void)lull_rx_put(p->shard, p->frame + p->at, p->len - p->at);
	}
	free(net->heap);
	free(net);
}

static void add_route(struct lull_memnet *net, const struct lull_prefix *prefix,
		      int port)
{
	uint8_t mask[16] = {0}, bytes[16];

	for (int bit = 0; bit < prefix->bits; bit++)
		mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	for (int i = 0; i < 16; i++)
		bytes[i] = prefix->addr.b[i] & mask[i];
	memcpy(net->route[net->routes].mask, mask, sizeof mask);
	memcpy(net->route[net->routes].prefix, bytes, sizeof bytes);
	net->route[net->routes++].port = port;
}

int lull_memnet_attach(struct lull_memnet *net, struct lull_shard *shard,
		       const struct lull_prefix *prefixes, int n)
{
	if (net->ports == PORTS_MAX || net->routes + n > PREFIXES_MAX)
		return -ENOSPC;
	net->port[net->ports].shard = shard;
	if (net->link_cap)
		lull_link_use(shard, net->link_cap);
	for (int i = 0; i < n; i++)
		add_route(net, &prefixes[i], net->ports);
	return net->ports++;
}

void lull_memnet_tap(struct lull_memnet *net, lull_tap *tap, void *arg)
{
	net->tap = tap;
	net->tap_arg = arg;
}

void lull_memnet_heard(struct lull_memnet *net, lull_tap *tap, void *arg)
{
	net->heard = tap;
	net->heard_arg = arg;
}

void lull_memnet_box(struct lull_memnet *net, lull_box *box, void *arg)
{
	net->box = box;
	net->box_arg = arg;
}

int lull_memnet_inject(struct lull_memnet *net, int port, uint64_t due_ns,
		       const void *packet, uint32_t len)
{
	struct packet p = {
		.due_ns = due_ns,
		.order = net->order++,
		.meta = {.len = len, .spans = 1},
		.port = port,
	};
	void *copy;

	if (port < 0 || port >= net->ports || !len || len > PACKET_MAX)
		return -EINVAL;
	copy = malloc(len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, packet, len);
	p.meta.span[0] = (struct lull_span){copy, len};
	if (!heap_push(net, p)) {
		free(copy);
		return -ENOMEM;
	}
	/* cppcheck-suppress memleak ; the heap has it */
	return 0;
}

/* ---- delivery ---- */

/* The second half of ::ffff:A.B.C.D. */
static uint64_t mapped(const uint8_t ip4[4])
{
	uint64_t v;
	uint32_t four;

	memcpy(&four, ip4, sizeof four);
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		v = (uint64_t)four << 32 | 0xffff0000U;
	else
		v = (uint64_t)0xffff << 32 | four;
	return v;
}

/* Whose is the packet? -1: nobody's. */
static int route(const struct lull_memnet *net, const struct lull_frame *f)
{
	const uint8_t *ip = f->span[0].ptr;
	uint64_t to[2] = {0};

	if (ip[0] >> 4 == 4)
		to[1] = mapped(ip + 16);
	else
		memcpy(to, ip + 24, sizeof to);
	for (int i = 0; i < net->routes; i++)
		if ((to[0] & net->route[i].mask[0]) ==
			    net->route[i].prefix[0] &&
		    (to[1] & net->route[i].mask[1]) == net->route[i].prefix[1])
			return net->route[i].port;
	return -1;
}

/* false: the receiver has not caught up. */
static bool flush(struct port *p)
{
	int put = lull_rx_put(p->shard, p->frame + p->put, p->at - p->put);

	if (put > 0)
		p->put += put;
	return p->put == p->at;
}

/* An empty frame of the receiver's, or NULL: it has not caught up. */
static struct lull_frame *next_empty(struct port *p)
{
	if (p->at == p->len) {
		if (!flush(p))
			return NULL;
		p->put = p->at = 0;
		p->len = lull_rx_get(p->shard, p->frame, BATCH);
	}
	return p->at < p->len ? &p->frame[p->at] : NULL;
}

/* Is there room in an empty frame, or can it be had? */
static bool has_room(const struct lull_memnet *net, const struct port *to,
		     struct lull_frame *e, uint32_t len)
{
	if (len <= e->span[0].len)
		return true;
	return net->link_cap & LULL_LINK_RX_GSO &&
	       lull_rx_widen(to->shard, e, 1) == 1;
}

static void copy_frame(const struct lull_frame *to, const struct lull_frame *f)
{
	const struct lull_span *span = to->span;
	size_t at = 0;

	for (int i = 0; i < f->spans; i++) {
		const uint8_t *p = f->span[i].ptr;
		size_t left = f->span[i].len;

		while (left > 0) {
			size_t room = span->len - at;
			size_t n = left < room ? left : room;

			memcpy((uint8_t *)span->ptr + at, p, n);
			p += n;
			left -= n;
			at += n;
			if (at == span->len && left > 0) {
				span++;
				at = 0;
			}
		}
		if (at == span->len) {
			span++;
			at = 0;
		}
	}
}

static bool deliver(struct lull_memnet *net, struct port *to,
		    const struct lull_frame *f)
{
	struct lull_frame *e = next_empty(to);

	if (!e)
		return false;
	/* Larger than its MTU, as on any link; or out of large buffers. */
	if (!has_room(net, to, e, f->len)) {
		net->stats.overflowed++;
		return true;
	}
	if (net->heard)
		net->heard(net->heard_arg, net->now_ns, (int)(to - net->port),
			   f);
	copy_frame(e, f);
	e->len = f->len;
	e->flags = f->flags;
	e->gso_size = f->gso_size;
	to->at++;
	net->stats.frames++;
	net->stats.bytes += f->len;
	return true;
}

/* ---- faults ---- */

static void damage(struct lull_memnet *net, struct packet *p)
{
	uint8_t *bytes = p->meta.span[0].ptr;
	uint64_t bit = draw_below(net, (uint64_t)p->meta.len * 8);

	bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	/* Somebody has to notice: nobody has verified this one. */
	p->meta.flags = 0;
	net->stats.corrupted++;
}

/* Keep a copy until its time comes. */
static void launch(struct lull_memnet *net, int port,
		   const struct lull_frame *f)
{
	const struct lull_faults *k = &net->faults;
	struct packet p = {.order = net->order++, .meta = *f, .port = port};
	uint8_t *copy = malloc(f->len), *out = copy;

	if (!copy)
		return;
	for (int i = 0; i < f->spans; i++) {
		memcpy(out, f->span[i].ptr, f->span[i].len);
		out += f->span[i].len;
	}
	p.meta.spans = 1;
	p.meta.span[0] = (struct lull_span){copy, f->len};
	p.due_ns = net->now_ns + k->delay_ns + draw_below(net, k->jitter_ns);
	if (happens(net, k->reorder_ppm)) {
		p.due_ns += k->reorder_ns;
		net->stats.reordered++;
	}
	if (happens(net, k->corrupt_ppm))
		damage(net, &p);
	if (!heap_push(net, p))
		free(copy);
}

static void launch_or_lose(struct lull_memnet *net, int port,
			   const struct lull_frame *f)
{
	const struct lull_faults *k = &net->faults;

	if (k->queue_frames && net->heap_len >= k->queue_frames) {
		net->stats.overflowed++;
		return;
	}
	if (happens(net, k->loss_ppm)) {
		net->stats.lost++;
		return;
	}
	launch(net, port, f);
	if (happens(net, k->dup_ppm)) {
		net->stats.doubled++;
		launch(net, port, f);
	}
}

/* Through the box, in one piece; then as any other. */
static void through_box(struct lull_memnet *net, int from, int to,
			const struct lull_frame *f)
{
	uint8_t flat[PACKET_MAX], *out = flat;
	struct lull_frame copy = *f;

	for (int i = 0; i < f->spans; i++) {
		memcpy(out, f->span[i].ptr, f->span[i].len);
		out += f->span[i].len;
	}
	copy.spans = 1;
	copy.span[0] = (struct lull_span){flat, f->len};
	to = net->box(net->box_arg, net->now_ns, from, to, flat, f->len);
	if (to < 0 || to >= net->ports)
		net->stats.strayed++;
	else
		launch_or_lose(net, to, &copy);
}

/* ---- a step ---- */

/* Take one port's frames. Returns how many went. */
static int take(struct lull_memnet *net, int from)
{
	struct port *p = &net->port[from];
	struct lull_frame f[BATCH];
	int n = lull_tx_peek(p->shard, f, BATCH), i;

	for (i = 0; i < n; i++) {
		int to = route(net, &f[i]);

		if (net->box) {
			through_box(net, from, to, &f[i]);
		} else if (to < 0) {
			net->stats.strayed++;
		} else if (net->faulty || net->heap_len) {
			launch_or_lose(net, to, &f[i]);
		} else if (!deliver(net, &net->port[to], &f[i])) {
			break;
		}
		if (net->tap)
			net->tap(net->tap_arg, net->now_ns, from, &f[i]);
	}
	lull_tx_done(p->shard, i);
	return i;
}

int lull_memnet_step(struct lull_memnet *net, uint64_t now_ns)
{
	int moved = 0, n;

	net->now_ns = now_ns;
	for (int i = 0; i < net->ports; i++) {
		while ((n = take(net, i)) > 0) {
			moved += n;
			if (n < BATCH)
				break;
		}
	}
	while (net->heap_len && net->heap[0].due_ns <= now_ns) {
		const struct packet *top = &net->heap[0];

		if (!deliver(net, &net->port[top->port], &top->meta))
			break;
		free(heap_pop(net).meta.span[0].ptr);
		moved++;
	}
	for (int i = 0; i < net->ports; i++)
		flush(&net->port[i]);
	return moved;
}

uint64_t lull_memnet_deadline(const struct lull_memnet *net)
{
	return net->heap_len ? net->heap[0].due_ns : UINT64_MAX;
}

struct lull_memnet_stats lull_memnet_stats(const struct lull_memnet *net)
{
	return net->stats;
}
