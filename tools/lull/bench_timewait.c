/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_timewait.c: `lull bench timewait`: very many closing records.
 *
 * First a shard with a million of them, or --entries if that is less: what
 * insert, restart and expire cost. Then one with --entries, of which one in a
 * hundred is made by a close on the wire and the rest by lull_timewait_put():
 * what it costs to find one, and whether they are right.
 *
 * Time is virtual, and stands still but where it must pass: no record ends
 * before it should. What is measured is measured by the real clock, a batch
 * at a time; figures are medians of batches.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "bench.h"
#include "machine.h"
#include "records.h"

enum {
	BATCH = 32, /* as many as a run takes in at once */
	FEW = 1000000,
	WIRE_PART = 100,
	LOOKUPS = 1 << 20, /* that are measured */
	SAMPLES = 10000,   /* records that get a late FIN */
	ROWS = 256,
	LINUX_BYTES = 256, /* of a TIME_WAIT, and a place in its hash table */
};

struct result {
	uint64_t few, entries, by_wire, samples;
	double insert_ns, restart_ns, expire_ns;   /* of few */
	double pause_us, pause_cpu_us;		   /* the longest run */
	double machine_pause_us, machine_load_ns;  /* without us */
	double fill_ns;				   /* insert, of all */
	double find_ns, find_batch_ns, receive_ns; /* of all */
	uint64_t answered, rows, active, dests;
	uint64_t state_errors, dest_errors;
	double peak_mib, seconds;
};

/* ---- medians ---- */

struct times {
	float *ns; /* of one each, a value for each batch */
	uint32_t len, size;
};

static int times_open(struct times *t, uint64_t size)
{
	*t = (struct times){
		.ns = malloc(size * sizeof *t->ns),
		.size = (uint32_t)size,
	};
	return t->ns ? 0 : -ENOMEM;
}

static void times_add(struct times *t, uint64_t began_ns, uint64_t n)
{
	uint64_t took_ns = lull_clock_ns() - began_ns;

	if (n && t->len < t->size)
		t->ns[t->len++] = (float)((double)took_ns / (double)n);
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* And it is no more needed. */
static double times_close(struct times *t)
{
	double middle = 0;

	if (t->len) {
		qsort(t->ns, t->len, sizeof *t->ns, by_value);
		middle = (double)t->ns[t->len / 2];
	}
	free(t->ns);
	return middle;
}

/* ---- what is measured ---- */

static int insert(struct records *r, uint32_t from, uint32_t to, double *ns)
{
	struct lull_timewait tw[BATCH];
	struct times times;
	int e = times_open(&times, (to - from) / BATCH + 1);

	for (uint32_t i = from; i < to && e == 0; i += BATCH) {
		uint32_t n = to - i < BATCH ? to - i : BATCH;
		uint64_t began_ns;

		for (uint32_t k = 0; k < n; k++)
			records_timewait(r, i + k, &tw[k]);
		began_ns = lull_clock_ns();
		e = lull_timewait_put(r->server.shard, tw, (int)n);
		times_add(&times, began_ns, n);
		e = e < 0 ? e : e < (int)n ? -EEXIST : 0;
	}
	*ns = times_close(&times);
	return e;
}

/* One batch of segments for records that are drawn: all of them, or none, are
 * answered. */
static int receive_batch(struct records *r, uint32_t below,
			 enum records_segment what, struct times *times)
{
	struct lull_shard *shard = r->server.shard;
	struct lull_frame frames[BATCH], out[BATCH];
	int n = lull_rx_get(shard, frames, BATCH);
	uint64_t began_ns;

	if (n != BATCH)
		return -ENOBUFS;
	for (int k = 0; k < BATCH; k++)
		records_write(r, records_draw(r, below), what, &frames[k]);
	began_ns = lull_clock_ns();
	n = lull_rx_put(shard, frames, BATCH);
	(void)lull_shard_run(shard, r->now_ns);
	times_add(times, began_ns, BATCH);
	if (n != BATCH)
		return -EIO;
	n = lull_tx_peek(shard, out, BATCH);
	lull_tx_done(shard, n);
	return n == (what == RECORDS_FIN ? BATCH : 0) ? 0 : -EPROTO;
}

static int receive(struct records *r, uint32_t below, uint32_t n,
		   enum records_segment what, double *ns)
{
	struct times times;
	int e = times_open(&times, n / BATCH + 1);

	for (uint32_t i = 0; i < n && e == 0; i += BATCH)
		e = receive_batch(r, below, what, &times);
	*ns = times_close(&times);
	return e;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static uint64_t held(const struct records *r)
{
	uint64_t count[LULL_TCP_STATES];

	lull_diag_states(r->server.shard, count);
	return count[LULL_TCP_TIME_WAIT];
}

/* All that there are, in the same moment. */
static int expire(struct records *r, struct result *out)
{
	uint64_t left = held(r), all_ns;
	struct lull_work work;
	struct times times;
	int e = times_open(&times, left);

	if (e < 0)
		return e;
	r->now_ns += (RECORDS_LENGTH_S + 1) * 1000000000ULL;
	all_ns = lull_clock_ns();
	do {
		uint64_t before = left, cpu = cpu_ns();
		uint64_t began_ns = lull_clock_ns();
		double us;

		work = lull_shard_run(r->server.shard, r->now_ns);
		us = (double)(lull_clock_ns() - began_ns) / 1e3;
		left = held(r);
		times_add(&times, began_ns, before - left);
		out->pause_us = us > out->pause_us ? us : out->pause_us;
		us = (double)(cpu_ns() - cpu) / 1e3;
		out->pause_cpu_us =
			us > out->pause_cpu_us ? us : out->pause_cpu_us;
	} while (work.more);
	out->expire_ns = times_close(&times);
	out->machine_pause_us = machine_pause_us(lull_clock_ns() - all_ns);
	return left ? -EIO : 0;
}

/* Which is the next depends on what was found. */
static int find_each(struct records *r, uint32_t below, double *ns)
{
	struct times times;
	uint64_t found = 0;
	int e = times_open(&times, LOOKUPS / BATCH);

	for (uint32_t i = 0; i < LOOKUPS && e == 0; i += BATCH) {
		uint64_t began_ns = lull_clock_ns();

		for (int k = 0; k < BATCH; k++) {
			struct lull_pair pair =
				records_pair(r, records_draw(r, below));
			struct lull_row row;

			found += (uint64_t)lull_diag_find(r->server.shard,
							  &pair, &row, 1);
			r->random ^= row.id ^ row.timer_ms;
		}
		times_add(&times, began_ns, BATCH);
	}
	*ns = times_close(&times);
	return e < 0 || found == LOOKUPS ? e : -ENOENT;
}

static int find_batches(struct records *r, uint32_t below, double *ns)
{
	struct times times;
	uint64_t found = 0;
	int e = times_open(&times, LOOKUPS / BATCH);

	for (uint32_t i = 0; i < LOOKUPS && e == 0; i += BATCH) {
		struct lull_pair pairs[BATCH];
		struct lull_row rows[BATCH];
		uint64_t began_ns;

		for (int k = 0; k < BATCH; k++)
			pairs[k] = records_pair(r, records_draw(r, below));
		began_ns = lull_clock_ns();
		found += (uint64_t)lull_diag_find(r->server.shard, pairs, rows,
						  BATCH);
		times_add(&times, began_ns, BATCH);
	}
	*ns = times_close(&times);
	return e < 0 || found == LOOKUPS ? e : -ENOENT;
}

/* ---- are they right? ---- */

/* A late FIN is answered by the last ACK, and 2MSL begins anew. */
static bool sample(struct records *r, uint32_t i)
{
	struct lull_shard *shard = r->server.shard;
	struct lull_pair pair = records_pair(r, i);
	struct lull_frame frame, out[2];
	struct lull_row row;
	bool good;
	int n;

	if (lull_rx_get(shard, &frame, 1) != 1)
		return false;
	records_write(r, i, RECORDS_FIN, &frame);
	if (lull_rx_put(shard, &frame, 1) != 1)
		return false;
	(void)lull_shard_run(shard, r->now_ns);
	n = lull_tx_peek(shard, out, 2);
	good = n == 1 && records_is_last_ack(r, i, &out[0]);
	lull_tx_done(shard, n);
	return good && lull_diag_find(shard, &pair, &row, 1) == 1 &&
	       row.state == LULL_TCP_TIME_WAIT &&
	       row.timer_ms == RECORDS_LENGTH_S * 1000;
}

/* A second later and at the beginning of a millisecond, so that a restart is
 * seen. Half of them are of the wire. */
static void samples(struct records *r, struct result *out)
{
	r->now_ns += 1000000000 - r->now_ns % 1000000;
	(void)lull_shard_run(r->server.shard, r->now_ns);
	for (uint64_t i = 0; i < out->samples; i++)
		out->answered += sample(
			r, records_draw(r, i % 2 ? r->wire
						 : (uint32_t)out->entries));
}

/* What a row is, counted by its state and by its destination. */
static void count(struct result *out, const struct lull_row *row,
		  uint64_t *states, uint32_t *closing)
{
	out->rows++;
	states[row->state]++;
	if (row->state == LULL_TCP_TIME_WAIT &&
	    row->remote.port == RECORDS_SERVICE && row->local.port >= 1024) {
		closing[records_peer(&row->remote.addr)]++;
		out->active++;
	}
}

/* Each destination that the shard counts: its number, and that it was ours to
 * take away. */
static void compare_dests(struct records *r, struct result *out,
			  uint32_t *closing)
{
	struct lull_dest_row rows[ROWS];
	uint64_t cursor = 0;
	int n;

	while ((n = lull_diag_dests(r->server.shard, &cursor, rows, ROWS)) !=
	       0) {
		for (int i = 0; i < n; i++) {
			uint32_t *c =
				&closing[records_peer(&rows[i].remote.addr)];

			out->dests++;
			out->dest_errors +=
				rows[i].closing != *c || rows[i].live != 0;
			*c = 0;
		}
	}
	for (int i = 0; i < RECORDS_PEERS; i++)
		out->dest_errors += closing[i] != 0;
}

/* All rows, one by one, against what the shard says that there are. */
static int recount(struct records *r, struct result *out)
{
	uint64_t said[LULL_TCP_STATES], counted[LULL_TCP_STATES] = {0};
	uint32_t *closing = calloc(RECORDS_PEERS, sizeof *closing);
	struct lull_row rows[ROWS];
	uint64_t cursor = 0;
	int n;

	if (!closing)
		return -ENOMEM;
	while ((n = lull_diag_rows(r->server.shard, &cursor, rows, ROWS)) != 0)
		for (int i = 0; i < n; i++)
			count(out, &rows[i], counted, closing);
	lull_diag_states(r->server.shard, said);
	for (int i = 0; i < LULL_TCP_STATES; i++)
		out->state_errors += counted[i] != said[i];
	compare_dests(r, out, closing);
	free(closing);
	return 0;
}

/* ---- both parts ---- */

static int few(struct result *out)
{
	struct records r;
	uint32_t n = (uint32_t)out->few;
	int e = records_open(&r, n, 0);

	if (e == 0)
		e = insert(&r, 0, n, &out->insert_ns);
	if (e == 0)
		e = receive(&r, n, n, RECORDS_FIN, &out->restart_ns);
	if (e == 0)
		e = expire(&r, out);
	records_close(&r);
	return e;
}

/* Of this process, since it began. */
static double peak_mib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	double kib = 0;

	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, "VmHWM:", 6))
			kib = strtod(line + 6, NULL);
	if (f)
		fclose(f);
	return kib / 1024;
}

static int all(struct result *out)
{
	struct records r;
	uint32_t n = (uint32_t)out->entries;
	int e = records_open(&r, n, (uint32_t)out->by_wire);

	if (e == 0)
		e = records_close_on_wire(&r);
	if (e == 0)
		e = insert(&r, r.wire, n, &out->fill_ns);
	if (e == 0)
		e = find_each(&r, n, &out->find_ns);
	if (e == 0)
		out->machine_load_ns = machine_load_ns(
			r.server.memory.closing, r.server.memory.closing_len);
	if (e == 0)
		e = find_batches(&r, n, &out->find_batch_ns);
	if (e == 0)
		e = receive(&r, n, LOOKUPS, RECORDS_ACK, &out->receive_ns);
	if (e == 0) {
		samples(&r, out);
		e = recount(&r, out);
	}
	out->peak_mib = peak_mib();
	records_close(&r);
	return e;
}

/* ---- results ---- */

static double linux_mib(const struct result *r)
{
	return (double)r->entries * LINUX_BYTES / (1 << 20);
}

static bool is_right(const struct result *r)
{
	return r->answered == r->samples && r->rows >= r->entries &&
	       !r->state_errors && !r->dest_errors;
}

static void print_json(const struct result *r)
{
	json_t *all = json_pack(
		"{s:i s:s s:I s:I s:I s:f s:f s:f s:f s:f s:f s:f s:f s:f "
		"s:f s:f "
		"s:I s:I s:I s:I s:I s:I s:I s:f s:f s:f s:b}",
		"schema", 1, "tag", "lull.memory.timewait", "entries",
		(json_int_t)r->entries, "by_wire", (json_int_t)r->by_wire,
		"few", (json_int_t)r->few, "insert_ns", r->insert_ns,
		"restart_ns", r->restart_ns, "expire_ns", r->expire_ns,
		"pause_us", r->pause_us, "pause_cpu_us", r->pause_cpu_us,
		"machine_pause_us", r->machine_pause_us, "machine_load_ns",
		r->machine_load_ns, "fill_ns", r->fill_ns, "find_ns",
		r->find_ns, "find_batch_ns", r->find_batch_ns, "receive_ns",
		r->receive_ns, "samples", (json_int_t)r->samples, "answered",
		(json_int_t)r->answered, "rows", (json_int_t)r->rows,
		"state_errors", (json_int_t)r->state_errors, "active",
		(json_int_t)r->active, "destinations", (json_int_t)r->dests,
		"dest_errors", (json_int_t)r->dest_errors, "peak_mib",
		r->peak_mib, "linux_mib", linux_mib(r), "sec", r->seconds,
		"right", is_right(r));

	json_dumpf(all, stdout,
		   JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(all);
}

static void print_text(const struct result *r)
{
	printf("%lu closing records over %d peers, %lu of them made by closes "
	       "on the wire, %.1f s\n",
	       r->entries, RECORDS_PEERS, r->by_wire, r->seconds);
	printf("  of %lu: insert %.0f ns, restart by a late FIN %.0f ns, "
	       "expire %.0f ns\n"
	       "  the longest turn while they end together: %.0f us, %.0f us "
	       "of CPU;\n"
	       "    a loop that only reads the clock was held up for %.0f us\n",
	       r->few, r->insert_ns, r->restart_ns, r->expire_ns, r->pause_us,
	       r->pause_cpu_us, r->machine_pause_us);
	printf("  of %lu: insert %.0f ns; find, one after the other %.0f ns, "
	       "in batches of %d %.0f ns;\n"
	       "    take in an old ACK, all of the way, in such batches "
	       "%.0f ns;\n"
	       "    a load from their memory that waits for the one before "
	       "%.0f ns: a find has two\n",
	       r->entries, r->fill_ns, r->find_ns, BATCH, r->find_batch_ns,
	       r->receive_ns, r->machine_load_ns);
	printf("  late FINs answered rightly: %lu of %lu\n"
	       "  recount: %lu rows, %lu of them with ports of ours towards %lu "
	       "destinations;\n"
	       "    counts that differ: %lu of states, %lu of destinations\n",
	       r->answered, r->samples, r->rows, r->active, r->dests,
	       r->state_errors, r->dest_errors);
	printf("  most resident, this process with its peer: %.0f MiB; Linux: "
	       "%.0f MiB (%d bytes each), and its hash table\n",
	       r->peak_mib, linux_mib(r), LINUX_BYTES);
}

int bench_timewait(const struct bench_options *o)
{
	struct result r = {
		.few = o->entries < FEW ? o->entries : FEW,
		.entries = o->entries,
		.by_wire = (o->entries + WIRE_PART - 1) / WIRE_PART,
		.samples = SAMPLES,
	};
	uint64_t began_ns = lull_clock_ns();
	int e = few(&r);

	if (e == 0)
		e = all(&r);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "%lu closing records: %s",
				  r.entries, strerror(-e));
	r.seconds = (double)(lull_clock_ns() - began_ns) / 1e9;
	if (o->json)
		print_json(&r);
	else
		print_text(&r);
	return is_right(&r) ? TOOL_OK : TOOL_FINDING;
}
