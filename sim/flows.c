/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flows.c: connections over a path in virtual time, see flows.h.
 *
 * A stream's bytes are a pattern by their place, with a period that is no
 * multiple of anything, so that a byte at a wrong place is seen.
 *
 * Entry points: flows_open, flows_run, flows_result, flows_close.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flows.h"

enum {
	PERIOD = 65521,
	CHUNK = 65536,
	PORT = 80,
	BATCH = 64,
	TURNS_MAX = 100000, /* at one moment */
	BUF_BYTES = 8 << 20,
	ANSWERS_MAX = 1 << 16,
	LISTENER = 1 << 20, /* a cookie; others are flows */
};

#define START_NS 1000000000U

struct flow {
	struct lull_sock sock[FLOWS_ENDS];
	bool began, connected, done, broken;
	int error;
	uint64_t written[FLOWS_ENDS], read[FLOWS_ENDS];
	uint64_t end_ns; /* of its last byte */
	uint64_t marked; /* bytes read at b by then */
	uint32_t asked, answered;
	uint64_t asked_ns, ask_at_ns; /* when the next one is due; 0: none */
	uint32_t *took_us;
};

struct end {
	struct lull_memory memory;
	struct lull_shard *shard;
	uint64_t deadline_ns;
};

struct flows {
	struct flows_plan plan;
	struct path *path;
	struct end end[FLOWS_ENDS];
	struct lull_sock listener;
	uint64_t now_ns, mark_ns;
	struct flow flow[FLOWS_MAX];
	uint8_t pattern[PERIOD + CHUNK], buf[CHUNK];
};

struct flows_plan flows_plan(uint64_t delay_ms, uint64_t rate)
{
	struct flows_plan plan = {.n = 1};

	for (int i = 0; i < PATH_WAYS; i++) {
		plan.path.leg[i].delay_us = delay_ms * 1000;
		plan.path.leg[i].rate = rate;
		plan.path.leg[i].queue = 2 * delay_ms * rate / 1000;
	}
	return plan;
}

/* ---- creation ---- */

static int set_knobs(struct lull_shard *shard, const char *const *knobs)
{
	for (int i = 0; i < FLOWS_KNOBS && knobs[i]; i++) {
		const char *eq = strchr(knobs[i], '=');
		char name[64];
		int e;

		if (!eq || (size_t)(eq - knobs[i]) >= sizeof name)
			return -EINVAL;
		memcpy(name, knobs[i], (size_t)(eq - knobs[i]));
		name[eq - knobs[i]] = 0;
		e = lull_sysctl_set(shard, name, eq + 1, NULL);
		if (e < 0)
			return e;
	}
	return 0;
}

static int set_buffers(struct lull_shard *shard, uint32_t bytes)
{
	char wmem[64], rmem[64];
	int e;

	if (bytes == FLOWS_TUNED)
		return 0;
	if (!bytes)
		bytes = BUF_BYTES;
	snprintf(wmem, sizeof wmem, "4096 16384 %u", bytes);
	snprintf(rmem, sizeof rmem, "4096 %u %u", bytes, bytes);
	e = lull_sysctl_set(shard, "net.ipv4.tcp_wmem", wmem, NULL);
	if (e < 0)
		return e;
	return lull_sysctl_set(shard, "net.ipv4.tcp_rmem", rmem, NULL);
}

static struct lull_prefix address(const struct flows_plan *plan, int end)
{
	struct lull_prefix four = {.bits = 120}, six = {.bits = 64};
	uint8_t last = (uint8_t)(1 + end);

	four.addr = (struct lull_addr){
		.b = {[10] = 0xff, [11] = 0xff, 10, 0, 0, last}};
	six.addr = (struct lull_addr){.b = {0xfd, [15] = last}};
	return plan->v6 ? six : four;
}

static int open_end(struct flows *f, int i)
{
	const struct flows_plan *plan = &f->plan;
	struct end *end = &f->end[i];
	struct lull_config c;
	int e;

	lull_config_init(&c, 64, 1024);
	c.limits.bufs_2k = 1 << 16;
	c.limits.bufs_64k = 1 << 10;
	c.limits.ranges = 1 << 16;
	c.limits.rx_frames = c.limits.tx_frames = 4096;
	c.limits.traces = 0;
	c.mtu = plan->mtu ? plan->mtu : 1500;
	memset(c.key, 0x30 + i, sizeof c.key);
	e = lull_memory_map(&c.limits, &end->memory);
	if (e == 0)
		e = lull_shard_init(&end->shard, &c, end->memory, f->now_ns,
				    NULL);
	if (e == 0)
		e = lull_addr_add(end->shard, address(plan, i), false);
	if (e >= 0)
		e = set_buffers(end->shard, plan->buf_bytes);
	if (e == 0)
		e = set_knobs(end->shard, plan->knobs);
	if (e == 0)
		e = set_knobs(end->shard,
			      i == FLOWS_A ? plan->knobs_a : plan->knobs_b);
	return e;
}

static int start_listening(struct flows *f)
{
	struct lull_listen l = {
		.size = sizeof l,
		.local = {address(&f->plan, FLOWS_B).addr, 128},
		.port_lo = PORT,
		.backlog = FLOWS_MAX,
		.cookie = LISTENER,
	};

	return lull_sock_listen(f->end[FLOWS_B].shard, &l, &f->listener);
}

/* Is there a congestion control of this name? */
static int choose_cc(struct flows *f, const char *cc)
{
	if (!cc)
		return 0;
	return lull_sysctl_set(f->end[FLOWS_A].shard,
			       "net.ipv4.tcp_congestion_control", cc, NULL);
}

int flows_open(struct flows **flows, const struct flows_plan *plan)
{
	struct flows *f = calloc(1, sizeof *f);
	int e = 0;

	if (!f)
		return -ENOMEM;
	f->plan = *plan;
	if (!f->plan.n)
		f->plan.n = 1;
	f->now_ns = START_NS;
	for (uint32_t i = 0; i < sizeof f->pattern; i++)
		f->pattern[i] =
			(uint8_t)(i % PERIOD * 7 + (i % PERIOD >> 8) * 31);
	f->path = path_create(&plan->path, f->now_ns);
	if (!f->path)
		e = -ENOMEM;
	for (int i = 0; i < FLOWS_ENDS && e == 0; i++)
		e = open_end(f, i);
	if (e == 0)
		e = start_listening(f);
	for (int i = 0; i < f->plan.n && e == 0; i++)
		e = choose_cc(f, plan->flow[i].cc);
	if (e < 0) {
		flows_close(f);
		return e;
	}
	path_tail(f->path, plan->flow[0].bytes);
	*flows = f;
	return 0;
}

void flows_close(struct flows *f)
{
	if (!f)
		return;
	for (int i = 0; i < FLOWS_ENDS; i++)
		if (f->end[i].memory.mem)
			lull_memory_unmap(&f->end[i].memory);
	for (int i = 0; i < FLOWS_MAX; i++)
		free(f->flow[i].took_us);
	path_destroy(f->path);
	free(f);
}

/* ---- programs ---- */

static struct flow *flow_of(struct flows *f, uint64_t cookie)
{
	return &f->flow[cookie % FLOWS_MAX];
}

static int index_of(const struct flows *f, const struct flow *w)
{
	return (int)(w - f->flow);
}

/* Write on, to `upto` bytes of this end's stream. */
static void write_on(struct flows *f, struct flow *w, int end, uint64_t upto)
{
	while (w->written[end] < upto) {
		uint64_t left = upto - w->written[end];
		struct lull_span span = {
			f->pattern + w->written[end] % PERIOD,
			left < CHUNK ? (size_t)left : CHUNK,
		};
		long n = lull_sock_send(f->end[end].shard, w->sock[end], &span,
					1, 0);

		if (n <= 0)
			return;
		w->written[end] += (uint64_t)n;
	}
}

static void read_all(struct flows *f, struct flow *w, int end)
{
	long n;

	for (;;) {
		n = lull_sock_recv(f->end[end].shard, w->sock[end], f->buf,
				   sizeof f->buf);
		if (n <= 0)
			return;
		if (memcmp(f->buf, f->pattern + w->read[end] % PERIOD,
			   (size_t)n) != 0)
			w->broken = true;
		w->read[end] += (uint64_t)n;
		if (end == FLOWS_B)
			w->end_ns = f->now_ns;
	}
}

static void ask(struct flows *f, struct flow *w)
{
	const struct flows_flow *plan = &f->plan.flow[index_of(f, w)];

	w->ask_at_ns = 0;
	w->asked++;
	w->asked_ns = f->now_ns;
	write_on(f, w, FLOWS_A, (uint64_t)w->asked * plan->ask);
}

static void answered(struct flows *f, struct flow *w)
{
	const struct flows_flow *plan = &f->plan.flow[index_of(f, w)];

	if (w->answered == w->asked ||
	    w->read[FLOWS_A] < (uint64_t)w->asked * plan->answer)
		return;
	if (!w->took_us)
		w->took_us = calloc(ANSWERS_MAX, sizeof *w->took_us);
	if (w->took_us && w->answered < ANSWERS_MAX)
		w->took_us[w->answered] =
			(uint32_t)((f->now_ns - w->asked_ns) / 1000);
	w->answered++;
	w->done = plan->times && w->answered == plan->times;
	if (!w->done)
		w->ask_at_ns = f->now_ns + plan->think_us * 1000 + 1;
}

static void a_acts(struct flows *f, struct flow *w)
{
	const struct flows_flow *plan = &f->plan.flow[index_of(f, w)];
	uint64_t upto = plan->bytes ? plan->bytes : UINT64_MAX;

	if (plan->ask) {
		if (!w->asked)
			ask(f, w);
		write_on(f, w, FLOWS_A, (uint64_t)w->asked * plan->ask);
		read_all(f, w, FLOWS_A);
		answered(f, w);
		return;
	}
	write_on(f, w, FLOWS_A, upto);
	if (plan->fin && w->written[FLOWS_A] == upto)
		(void)!lull_sock_shutdown(f->end[FLOWS_A].shard,
					  w->sock[FLOWS_A], LULL_SHUT_WR);
}

static void b_acts(struct flows *f, struct flow *w)
{
	const struct flows_flow *plan = &f->plan.flow[index_of(f, w)];

	read_all(f, w, FLOWS_B);
	if (plan->ask)
		write_on(f, w, FLOWS_B,
			 w->read[FLOWS_B] / plan->ask * plan->answer);
	else if (plan->bytes && w->read[FLOWS_B] >= plan->bytes)
		w->done = true;
}

static void accept_all(struct flows *f)
{
	struct lull_shard *b = f->end[FLOWS_B].shard;
	struct lull_sock_info info = {.size = sizeof info};
	struct lull_sock sock;

	while (lull_sock_accept(b, f->listener, 0, &sock) == 0) {
		uint64_t i = UINT64_MAX;

		if (lull_sock_info(b, sock, &info) == 0)
			i = info.remote.port - FLOWS_PORT;
		if (i >= FLOWS_MAX ||
		    lull_sock_set(b, sock, LULL_OPT_COOKIE, &i, sizeof i) < 0) {
			lull_sock_abort(b, sock);
			continue;
		}
		f->flow[i].sock[FLOWS_B] = sock;
		b_acts(f, &f->flow[i]);
	}
}

static void on_event(struct flows *f, int end, const struct lull_event *e)
{
	struct flow *w = flow_of(f, e->cookie);

	if (e->cookie == LISTENER) {
		accept_all(f);
		return;
	}
	if (e->bits & LULL_EVENT_ERROR) {
		w->error = e->error;
		w->done = true;
		return;
	}
	if (end == FLOWS_A) {
		w->connected = true;
		a_acts(f, w);
	} else {
		b_acts(f, w);
	}
}

static void begin(struct flows *f, int i)
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {address(&f->plan, FLOWS_B).addr, PORT},
		.local = {address(&f->plan, FLOWS_A).addr,
			  (uint16_t)(FLOWS_PORT + i)},
		.cookie = (uint64_t)i,
	};
	struct flow *w = &f->flow[i];

	w->began = true;
	w->error = choose_cc(f, f->plan.flow[i].cc);
	if (w->error == 0)
		w->error = lull_sock_connect(f->end[FLOWS_A].shard, &c,
					     &w->sock[FLOWS_A], NULL);
	w->done = w->error < 0;
}

/* What programs do by the clock. Returns when next. */
static uint64_t by_the_clock(struct flows *f)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < f->plan.n; i++) {
		struct flow *w = &f->flow[i];
		uint64_t at = START_NS + f->plan.flow[i].start_us * 1000;

		if (!w->began && at <= f->now_ns)
			begin(f, i);
		if (w->ask_at_ns && w->ask_at_ns <= f->now_ns)
			ask(f, w);
		if (!w->began && at < next)
			next = at;
		if (w->ask_at_ns && w->ask_at_ns < next)
			next = w->ask_at_ns;
	}
	return next;
}

/* ---- time ---- */

/*
 * From the path into a shard: one packet at a time, so that each is answered
 * by itself; or all that have arrived, as from a card that waits.
 */
static bool deliver(struct flows *f, int end)
{
	enum path_way way = end == FLOWS_B ? PATH_FORTH : PATH_BACK;
	struct lull_shard *shard = f->end[end].shard;
	const void *packet;
	struct lull_frame frame;
	uint32_t len;
	bool any = false;

	while ((!any || f->plan.batches) &&
	       (packet = path_peek(f->path, way, f->now_ns, &len))) {
		if (lull_rx_get(shard, &frame, 1) != 1)
			return true;
		if (len <= frame.span[0].len) {
			memcpy(frame.span[0].ptr, packet, len);
			frame.len = len;
		} else {
			frame.len = 0;
		}
		frame.flags = 0;
		frame.gso_size = 0;
		if (lull_rx_put(shard, &frame, 1) != 1)
			return true;
		path_pop(f->path, way);
		any = true;
	}
	return any;
}

/* From a shard into the path. */
static bool collect(struct flows *f, int end)
{
	enum path_way way = end == FLOWS_A ? PATH_FORTH : PATH_BACK;
	uint8_t flat[PATH_PACKET_MAX];
	struct lull_frame frame;
	bool any = false;

	while (lull_tx_peek(f->end[end].shard, &frame, 1) == 1) {
		uint32_t at = 0;

		for (int i = 0; i < frame.spans; i++) {
			memcpy(flat + at, frame.span[i].ptr, frame.span[i].len);
			at += (uint32_t)frame.span[i].len;
		}
		path_put(f->path, way, f->now_ns, flat, at);
		lull_tx_done(f->end[end].shard, 1);
		any = true;
	}
	return any;
}

/* All that happens at one end now. false: nothing did. */
static bool turn(struct flows *f, int end)
{
	struct lull_event e[BATCH];
	struct lull_work work;
	bool any = deliver(f, end);
	int n;

	work = lull_shard_run(f->end[end].shard, f->now_ns);
	f->end[end].deadline_ns = work.deadline_ns;
	while ((n = lull_events_get(f->end[end].shard, e, BATCH)) > 0) {
		for (int i = 0; i < n; i++)
			on_event(f, end, &e[i]);
		any = true;
	}
	any |= collect(f, end);
	return any || work.more;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Everything of this moment. Returns when the next one is. */
static uint64_t moment(struct flows *f)
{
	uint64_t next = UINT64_MAX;
	int turns = 0;
	bool any;

	do {
		next = by_the_clock(f);
		any = turn(f, FLOWS_A);
		any |= turn(f, FLOWS_B);
	} while (any && ++turns < TURNS_MAX);
	if (turns == TURNS_MAX) /* it would never end */
		abort();
	for (int i = 0; i < FLOWS_ENDS; i++)
		next = least(next, f->end[i].deadline_ns);
	next = least(next, path_deadline(f->path));
	return next > f->now_ns ? next : f->now_ns + 1;
}

bool flows_are_done(const struct flows *f)
{
	for (int i = 0; i < f->plan.n; i++)
		if (!f->flow[i].done)
			return false;
	return true;
}

void flows_run(struct flows *f, uint64_t until_us)
{
	uint64_t last_us = f->plan.until_us ? f->plan.until_us : 60000000;
	uint64_t until = START_NS + (until_us ? until_us : last_us) * 1000;

	while (f->now_ns <= until) {
		uint64_t next = moment(f);

		if (!until_us && flows_are_done(f))
			return;
		if (next > until)
			break;
		f->now_ns = next;
	}
	if (f->now_ns < until)
		f->now_ns = until;
}

/* ---- what was seen ---- */

void flows_mark(struct flows *f)
{
	f->mark_ns = f->now_ns;
	for (int i = 0; i < FLOWS_MAX; i++)
		f->flow[i].marked = f->flow[i].read[FLOWS_B];
}

uint64_t flows_now_us(const struct flows *f)
{
	return (f->now_ns - START_NS) / 1000;
}

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void take_answers(const struct flow *w, struct flows_result *r)
{
	uint32_t n = w->answered < ANSWERS_MAX ? w->answered : ANSWERS_MAX;
	uint32_t *sorted;

	r->answered = w->answered;
	if (!n || !w->took_us)
		return;
	sorted = malloc(n * sizeof *sorted);
	if (!sorted)
		return;
	memcpy(sorted, w->took_us, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_size);
	r->answer_median_us = sorted[n / 2];
	r->answer_most_us = sorted[n - 1];
	free(sorted);
}

static void take_sender(const struct flows *f, int i, struct flows_result *r)
{
	struct lull_pair pair = {
		.local = {address(&f->plan, FLOWS_A).addr,
			  (uint16_t)(FLOWS_PORT + i)},
		.remote = {address(&f->plan, FLOWS_B).addr, PORT},
	};
	struct lull_row row;

	if (lull_diag_find(f->end[FLOWS_A].shard, &pair, &row, 1) != 1)
		return;
	r->cwnd_bytes = row.cwnd_bytes;
	r->ssthresh_bytes = row.ssthresh_bytes;
	r->rtt_us = row.rtt_us;
	r->rto_us = row.rto_us;
}

struct flows_result flows_result(const struct flows *f, int flow)
{
	const struct flow *w = &f->flow[flow];
	uint64_t begin = START_NS + f->plan.flow[flow].start_us * 1000;
	uint64_t start = begin > f->mark_ns ? begin : f->mark_ns;
	uint64_t end = w->done && w->end_ns ? w->end_ns : f->now_ns;
	struct flows_result r = {
		.connected = w->connected,
		.done = w->done,
		.broken = w->broken,
		.error = w->error,
		.bytes = w->read[FLOWS_B] - w->marked,
		.took_us = end > start ? (end - start) / 1000 : 0,
	};

	if (r.took_us)
		r.rate = (double)r.bytes * 1e6 / (double)r.took_us;
	take_answers(w, &r);
	take_sender(f, flow, &r);
	r.path = path_flow_stats(f->path, PATH_FORTH,
				 path_flow_of(f->path,
					      (uint16_t)(FLOWS_PORT + flow)));
	return r;
}

uint64_t flows_count(const struct flows *f, enum flows_end end,
		     const char *name)
{
	struct lull_counter c;

	for (uint32_t i = 0; lull_diag_counter(f->end[end].shard, i, &c); i++)
		if (!strcmp(c.name, name))
			return c.value;
	return 0;
}

struct path *flows_path(struct flows *f)
{
	return f->path;
}

struct lull_shard *flows_shard(struct flows *f, enum flows_end end)
{
	return f->end[end].shard;
}

double flows_fairness(const struct flows *f)
{
	double sum = 0, squares = 0;

	for (int i = 0; i < f->plan.n; i++) {
		double rate = flows_result(f, i).rate;

		sum += rate;
		squares += rate * rate;
	}
	return squares > 0 ? sum * sum / (f->plan.n * squares) : 0;
}
