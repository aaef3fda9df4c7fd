/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_hosts.h: hosts for the doctor's rules: an idle one and a busy one.
 */
#ifndef LULL_DOCTOR_HOSTS_H
#define LULL_DOCTOR_HOSTS_H

#include <string.h>

#include "../../tools/doctor/rules.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof(a)[0])

static struct facts f;
static struct sheet sheet;

static void set_addr(uint8_t *addr, uint8_t a, uint8_t d)
{
	const uint8_t v4[16] = {[10] = 0xff, 0xff, a, 0, 0, d};

	memcpy(addr, v4, sizeof v4);
}

static void count(enum counter c, int64_t before, int64_t now)
{
	f.counter[c][0] = before;
	f.counter[c][1] = now;
}

static void states(int state, int64_t n)
{
	f.state[0][state] = f.state[1][state] = n;
}

/* All is known, and nothing happens. */
static void make_idle(void)
{
	facts_init(&f);
	f.seconds = 2;
	memset(f.state, 0, sizeof f.state);
	memset(f.counter, 0, sizeof f.counter);
	for (int i = 0; i < KINDS; i++)
		f.sum[i] = (struct sum){.oldest_ms = UNKNOWN};
	f.range_lo = 32768;
	f.range_hi = 60999;
	f.reserved = 0;
	f.knob[K_TW_REUSE] = 2;
	f.knob[K_TIMESTAMPS] = 1;
	f.knob[K_FIN_TIMEOUT] = 60;
	f.knob[K_MAX_TW] = 131072;
	f.knob[K_EHASH] = 262144;
	f.knob[K_MAX_ORPHANS] = 131072;
	f.knob[K_SYNCOOKIES] = 1;
	f.knob[K_SYN_BACKLOG] = 2048;
	f.knob[K_SOMAXCONN] = 4096;
	f.knob[K_ABORT_ON_OVERFLOW] = 0;
	f.knob[K_CT_COUNT] = 0;
	f.knob[K_CT_MAX] = 262144;
	f.orphans[0] = f.orphans[1] = 0;
	f.tw_minisocks = f.mem_pages = 0;
	f.tw_server = f.tw_client = f.tw_lone = 0;
	f.client_rows = f.dests_all = f.listeners_in_range = 0;
	f.log_orphans = f.log_flood = f.log_conntrack = f.log_buckets = 0;
	f.processes = 100;
	f.hidden = 0;
	f.files_read = f.spaces_read = true;
}

static struct listener *add_listener(uint32_t waiting, uint32_t backlog)
{
	struct listener *l = &f.listener[f.listeners++];

	l->port = 80;
	set_addr(l->addr, 0, 0);
	l->seen[0] = l->seen[1] = true;
	l->rqueue[0] = l->rqueue[1] = waiting;
	l->wqueue = backlog;
	l->pid = 7;
	strcpy(l->name, "web");
	return l;
}

static struct dest *add_dest(uint32_t used, uint32_t tw)
{
	struct dest *d = &f.dest[f.dests++];

	set_addr(d->src, 10, 1);
	set_addr(d->dst, 10, 2);
	d->dport = 443;
	d->used[0] = d->used[1] = used;
	d->tw = tw;
	d->ports = d->full_in_ms = UNKNOWN;
	f.client_rows += used;
	f.dests_all++;
	return d;
}

/* A server of 300 connections a second that it closes itself. */
static void make_busy(void)
{
	make_idle();
	states(ESTABLISHED, 2000);
	states(TIME_WAIT, 18000);
	states(SYN_RECV, 12);
	states(FIN_WAIT_1, 15);
	states(FIN_WAIT_2, 40);
	states(CLOSE_WAIT, 8);
	states(LAST_ACK, 5);
	states(LISTEN, 1);
	f.sum[KIND_FIN_WAIT_1] = (struct sum){.n = 15, .old = 2};
	f.sum[KIND_CLOSE_WAIT] =
		(struct sum){.n = 8, .old = 1, .oldest_ms = 2000};
	f.sum[KIND_LAST_ACK] = (struct sum){.n = 5, .old = 1};
	f.sum[KIND_SYN_RECV] = (struct sum){.n = 12, .old = 1};
	count(C_TW, 100000, 100600);
	count(C_PASSIVE_OPENS, 100000, 100600);
	count(C_OUT_SEGS, 1000000, 1006000);
	count(C_RETRANS_SEGS, 1000, 1003);
	count(C_ABORT_ON_CLOSE, 50, 51);
	f.tw_server = 18000;
	f.tw_minisocks = 18030;
	add_listener(1, 511)->tw = 18000;
}

#endif
