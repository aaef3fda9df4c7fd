/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts_kernel.c: facts of this host, in the network namespace we are in: two
 * dumps of sock_diag, and /proc.
 *
 * Entry point: facts_from_kernel.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>

#include "../lull/diag.h"
#include "../lull/tool.h"
#include "gather.h"
#include "proc.h"
#include "rows.h"

enum {
	TRIES = 3, /* of a dump that is interrupted */
	OTHERS = 0xffff & ~(1 << LISTEN),
};

struct look {
	struct facts *f;
	struct scan *scan;
	struct diag *diag;
	struct procs *procs;
};

/* ---- a row ---- */

void row_take(const struct inet_diag_msg *m, struct row *r)
{
	bool v4 = m->idiag_family == AF_INET;

	*r = (struct row){
		.cookie = (uint64_t)m->id.idiag_cookie[1] << 32 |
			  m->id.idiag_cookie[0],
		.heard_ms = UNKNOWN,
		.idle_ms = UNKNOWN,
		.rqueue = m->idiag_rqueue,
		.wqueue = m->idiag_wqueue,
		.inode = m->idiag_inode,
		.sport = ntohs(m->id.idiag_sport),
		.dport = ntohs(m->id.idiag_dport),
		.state = m->idiag_state,
		.timer = m->idiag_timer,
		.retries = m->idiag_retrans,
	};
	if (v4)
		r->src[10] = r->src[11] = r->dst[10] = r->dst[11] = 0xff;
	memcpy(r->src + (v4 ? 12 : 0), m->id.idiag_src, v4 ? 4 : 16);
	memcpy(r->dst + (v4 ? 12 : 0), m->id.idiag_dst, v4 ? 4 : 16);
}

static void take_info(struct row *r, const struct nlattr *attr)
{
	struct tcp_info info = {0};
	size_t len = mnl_attr_get_payload_len(attr);
	uint32_t sent, received;

	/* Older kernels have a shorter one, with these in it. */
	if (len < offsetof(struct tcp_info, tcpi_pmtu))
		return;
	memcpy(&info, mnl_attr_get_payload(attr),
	       len < sizeof info ? len : sizeof info);
	sent = info.tcpi_last_data_sent;
	received = info.tcpi_last_data_recv;
	r->idle_ms = sent < received ? sent : received;
	r->heard_ms = info.tcpi_last_ack_recv;
}

static int see_row(void *arg, const struct nlmsghdr *hdr)
{
	struct look *look = arg;
	const struct nlattr *attr;
	struct row r;

	row_take(mnl_nlmsg_get_payload(hdr), &r);
	if (r.state == LISTEN)
		return scan_listener(look->scan, &r, 0);
	mnl_attr_for_each(
		attr, hdr,
		sizeof(struct inet_diag_msg)) if (mnl_attr_get_type(attr) ==
						  INET_DIAG_INFO)
		take_info(&r, attr);
	return scan_row(look->scan, &r);
}

/* ---- a sample ---- */

static int dump(struct look *look, uint32_t states, uint8_t ext, bool *torn)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int e = 0;

	for (int i = 0; i < 2 && e == 0; i++) {
		const struct diag_ask ask = {
			.family = families[i], .ext = ext, .states = states};

		e = diag_dump(look->diag, &ask, see_row, look);
		*torn |= diag_was_torn(look->diag);
		if (i && e == -EPROTONOSUPPORT)
			e = 0; /* a kernel without IPv6 */
	}
	return e;
}

static int dump_all(struct look *look, int sample, bool *torn)
{
	uint8_t info = sample ? 1 << (INET_DIAG_INFO - 1) : 0;
	int e;

	*torn = false;
	scan_begin(look->scan, sample);
	e = dump(look, 1 << LISTEN, 0, torn);
	/* One dump for all: each walks through the whole table of the kernel.
	 */
	return e ? e : dump(look, (uint32_t)OTHERS, info, torn);
}

static int take_sample(struct look *look, int sample)
{
	bool torn = true;
	int e = 0;

	proc_counters(look->f, sample);
	for (int i = 0; i < TRIES && torn && e == 0; i++)
		e = dump_all(look, sample, &torn);
	if (torn && e == 0)
		look->f->torn = true;
	return e;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void row_pause(double seconds)
{
	struct timespec t;

	if (seconds <= 0)
		return;
	t = (struct timespec){
		(time_t)seconds,
		(long)((seconds - (double)(time_t)seconds) * 1e9)};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		continue;
}

/* ---- who ---- */

static void read_procs(struct look *look)
{
	struct facts *f = look->f;
	int e = procs_read(&look->procs, "/proc");

	if (e < 0) {
		facts_note(f, "/proc: %s; processes are not named",
			   strerror(-e));
		return;
	}
	f->processes = (int64_t)procs_count(look->procs);
	f->hidden = (int64_t)procs_hidden(look->procs);
	if (f->hidden)
		facts_note(f,
			   "%lld of %lld processes hide their descriptors; "
			   "as root their sockets have names too",
			   (long long)f->hidden, (long long)f->processes);
	if (!f->processes)
		facts_note(f, "/proc shows no process; none is named");
	scan_procs(look->scan, look->procs);
}

static int look_twice(struct look *look, double seconds)
{
	double first = now();
	int e = take_sample(look, 0);

	if (e < 0)
		return e;
	/* What takes time and is not counted twice goes into the pause. What
	 * stays in a state till the second look is there already. */
	read_procs(look);
	proc_log(look->f);
	proc_files(look->f);
	proc_spaces(look->f);
	row_pause(first + seconds - now());
	look->f->seconds = now() - first;
	return take_sample(look, 1);
}

static void note_what_lacks(struct facts *f)
{
	if (f->torn)
		facts_note(f, "sockets came and went while they were read, "
			      "three times: numbers are +-");
	if (f->dests_missed)
		facts_note(f,
			   "%lld connections are to destinations beyond "
			   "the %d that are told apart",
			   (long long)f->dests_missed, ADDRS / 4 * 3);
	if (!known(f->counter[C_TW][1]))
		facts_note(f, "/proc/net/netstat can't be read: there are no "
			      "rates");
}

static int failed(int e)
{
	if (e == -EPROTONOSUPPORT || e == -ENOENT)
		return tool_error(TOOL_COULD_NOT,
				  "this kernel has no sock_diag for TCP "
				  "(CONFIG_INET_DIAG); paste what netstat "
				  "-ant prints to lull doctor --from -");
	return tool_error(TOOL_COULD_NOT, "sock_diag: %s", strerror(-e));
}

int facts_from_kernel(struct facts *f, double seconds)
{
	struct look look = {.f = f};
	char reserved[RESERVED_TEXT];
	int e = diag_open(&look.diag);

	if (e < 0)
		return failed(e);
	f->origin = FROM_KERNEL;
	proc_knobs(f, reserved);
	look.scan = scan_new(f);
	e = look.scan ? 0 : -ENOMEM;
	if (e == 0) {
		scan_reserve(look.scan, reserved);
		e = look_twice(&look, seconds);
	}
	if (e == 0) {
		scan_finish(look.scan);
		proc_descriptors(f);
		note_what_lacks(f);
	}
	scan_free(look.scan);
	procs_free(look.procs);
	diag_close(look.diag);
	return e < 0 ? failed(e) : TOOL_OK;
}
