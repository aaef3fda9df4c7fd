/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_info.c: what ss(8) prints of a socket with -i, -m and -e, from the
 * attributes of sock_diag. What an older kernel has not is 0, and is left out.
 *
 * Entry points: ss_put, ss_put_info, ss_put_memory, ss_put_details.
 */
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "ss.h"

void ss_put(struct ss_text *t, const char *format, ...)
{
	va_list args;
	int n;

	for (;;) {
		va_start(args, format);
		n = vsnprintf(t->text ? t->text + t->len : NULL,
			      t->size - t->len, format, args);
		va_end(args);
		if (n < 0 || (size_t)n < t->size - t->len)
			break;
		char *more = realloc(t->text, 2 * t->size + (size_t)n + 256);

		if (!more) {
			t->failed = true;
			return;
		}
		t->text = more;
		t->size = 2 * t->size + (size_t)n + 256;
	}
	t->len += (size_t)(n > 0 ? n : 0);
}

/* ---- -m ---- */

void ss_put_memory(struct ss_text *t, const struct ss_row *row)
{
	uint32_t m[SK_MEMINFO_VARS] = {0};
	const struct nlattr *attr = row->attr[INET_DIAG_SKMEMINFO];
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;
	const struct inet_diag_meminfo *old =
		ss_attr(row, INET_DIAG_MEMINFO, sizeof *old);

	if (!len && old)
		ss_put(t, " mem:(r%u,w%u,f%u,t%u)", old->idiag_rmem,
		       old->idiag_wmem, old->idiag_fmem, old->idiag_tmem);
	if (!len)
		return;
	memcpy(m, mnl_attr_get_payload(attr), len < sizeof m ? len : sizeof m);
	ss_put(t, " skmem:(r%u,rb%u,t%u,tb%u,f%u,w%u,o%u",
	       m[SK_MEMINFO_RMEM_ALLOC], m[SK_MEMINFO_RCVBUF],
	       m[SK_MEMINFO_WMEM_ALLOC], m[SK_MEMINFO_SNDBUF],
	       m[SK_MEMINFO_FWD_ALLOC], m[SK_MEMINFO_WMEM_QUEUED],
	       m[SK_MEMINFO_OPTMEM]);
	if (len >= (SK_MEMINFO_BACKLOG + 1) * sizeof *m)
		ss_put(t, ",bl%u", m[SK_MEMINFO_BACKLOG]);
	if (len >= (SK_MEMINFO_DROPS + 1) * sizeof *m)
		ss_put(t, ",d%u", m[SK_MEMINFO_DROPS]);
	ss_put(t, ")");
}

/* ---- -i ---- */

static const char *rate_text(const struct ss *ss, double rate, char *text)
{
	static const char unit[] = "TGMk";
	double least = 1e12;

	if (ss->o.numeric) {
		snprintf(text, SS_TEXT, "%.0f", rate);
		return text;
	}
	for (const char *u = unit; *u; u++, least /= 1000)
		if (rate >= least) {
			snprintf(text, SS_TEXT, "%.3g%c", rate / least, *u);
			return text;
		}
	snprintf(text, SS_TEXT, "%g", rate);
	return text;
}

/* Of those that are there alone. */
static void put_number(struct ss_text *t, const char *name, uint64_t value)
{
	if (value)
		ss_put(t, " %s:%llu", name, (unsigned long long)value);
}

static void put_ms(struct ss_text *t, const char *name, uint32_t us)
{
	if (us)
		ss_put(t, " %s:%g", name, us / 1000.0);
}

static void put_options(struct ss_text *t, const struct tcp_info *i)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} options[] = {
		{TCPI_OPT_TIMESTAMPS, " ts"},
		{TCPI_OPT_SACK, " sack"},
		{TCPI_OPT_ECN, " ecn"},
		{TCPI_OPT_ECN_SEEN, " ecnseen"},
		{TCPI_OPT_SYN_DATA, " fastopen"},
	};

	for (size_t k = 0; k < sizeof options / sizeof options[0]; k++)
		if (i->tcpi_options & options[k].bit)
			ss_put(t, "%s", options[k].name);
}

static void put_clock(struct ss_text *t, const struct tcp_info *i)
{
	if (i->tcpi_rto != 3000000)
		put_ms(t, "rto", i->tcpi_rto);
	put_number(t, "backoff", i->tcpi_backoff);
	if (i->tcpi_rtt)
		ss_put(t, " rtt:%g/%g", i->tcpi_rtt / 1000.0,
		       i->tcpi_rttvar / 1000.0);
	put_ms(t, "ato", i->tcpi_ato);
}

static void put_sizes(struct ss_text *t, const struct tcp_info *i)
{
	put_number(t, "mss", i->tcpi_snd_mss);
	put_number(t, "pmtu", i->tcpi_pmtu);
	put_number(t, "rcvmss", i->tcpi_rcv_mss);
	put_number(t, "advmss", i->tcpi_advmss);
	put_number(t, "cwnd", i->tcpi_snd_cwnd);
	if (i->tcpi_snd_ssthresh < 0xffff)
		put_number(t, "ssthresh", i->tcpi_snd_ssthresh);
	put_number(t, "bytes_sent", i->tcpi_bytes_sent);
	put_number(t, "bytes_retrans", i->tcpi_bytes_retrans);
	put_number(t, "bytes_acked", i->tcpi_bytes_acked);
	put_number(t, "bytes_received", i->tcpi_bytes_received);
	put_number(t, "segs_out", i->tcpi_segs_out);
	put_number(t, "segs_in", i->tcpi_segs_in);
	put_number(t, "data_segs_out", i->tcpi_data_segs_out);
	put_number(t, "data_segs_in", i->tcpi_data_segs_in);
}

static void put_rates(struct ss_text *t, const struct ss *ss,
		      const struct tcp_info *i, double rtt_us)
{
	char text[SS_TEXT];

	if (rtt_us > 0 && i->tcpi_snd_mss && i->tcpi_snd_cwnd)
		ss_put(t, " send %sbps",
		       rate_text(ss,
				 (double)i->tcpi_snd_cwnd *
					 (double)i->tcpi_snd_mss * 8000000. /
					 rtt_us,
				 text));
	put_number(t, "lastsnd", i->tcpi_last_data_sent);
	put_number(t, "lastrcv", i->tcpi_last_data_recv);
	put_number(t, "lastack", i->tcpi_last_ack_recv);
	if (i->tcpi_pacing_rate && i->tcpi_pacing_rate != UINT64_MAX) {
		ss_put(t, " pacing_rate %sbps",
		       rate_text(ss, (double)i->tcpi_pacing_rate * 8, text));
		if (i->tcpi_max_pacing_rate &&
		    i->tcpi_max_pacing_rate != UINT64_MAX)
			ss_put(t, "/%sbps",
			       rate_text(ss,
					 (double)i->tcpi_max_pacing_rate * 8,
					 text));
	}
	if (i->tcpi_delivery_rate)
		ss_put(t, " delivery_rate %sbps",
		       rate_text(ss, (double)i->tcpi_delivery_rate * 8, text));
	put_number(t, "delivered", i->tcpi_delivered);
	put_number(t, "delivered_ce", i->tcpi_delivered_ce);
	if (i->tcpi_delivery_rate_app_limited)
		ss_put(t, " app_limited");
}

static void put_limited(struct ss_text *t, const char *name, uint64_t us,
			uint64_t busy_us)
{
	if (us)
		ss_put(t, " %s:%llums(%.1f%%)", name,
		       (unsigned long long)us / 1000,
		       100.0 * (double)us / (double)busy_us);
}

static void put_losses(struct ss_text *t, const struct tcp_info *i,
		       uint8_t state)
{
	if (i->tcpi_busy_time) {
		ss_put(t, " busy:%llums",
		       (unsigned long long)i->tcpi_busy_time / 1000);
		put_limited(t, "rwnd_limited", i->tcpi_rwnd_limited,
			    i->tcpi_busy_time);
		put_limited(t, "sndbuf_limited", i->tcpi_sndbuf_limited,
			    i->tcpi_busy_time);
	}
	put_number(t, "unacked", i->tcpi_unacked);
	if (i->tcpi_retrans || i->tcpi_total_retrans)
		ss_put(t, " retrans:%u/%u", i->tcpi_retrans,
		       i->tcpi_total_retrans);
	put_number(t, "lost", i->tcpi_lost);
	if (state != LULL_TCP_LISTEN)
		put_number(t, "sacked", i->tcpi_sacked);
	put_number(t, "dsack_dups", i->tcpi_dsack_dups);
	put_number(t, "fackets", i->tcpi_fackets);
	if (i->tcpi_reordering != 3)
		ss_put(t, " reordering:%d", i->tcpi_reordering);
	put_number(t, "reord_seen", i->tcpi_reord_seen);
}

static void put_windows(struct ss_text *t, const struct tcp_info *i)
{
	put_ms(t, "rcv_rtt", i->tcpi_rcv_rtt);
	put_number(t, "rcv_space", i->tcpi_rcv_space);
	put_number(t, "rcv_ssthresh", i->tcpi_rcv_ssthresh);
	put_number(t, "notsent", i->tcpi_notsent_bytes);
	if (i->tcpi_min_rtt != UINT32_MAX)
		put_ms(t, "minrtt", i->tcpi_min_rtt);
	put_number(t, "rcv_ooopack", i->tcpi_rcv_ooopack);
	put_number(t, "snd_wnd", i->tcpi_snd_wnd);
}

/* What the congestion control has of its own. */
static void put_control(struct ss_text *t, const struct ss *ss,
			const struct ss_row *row)
{
	const struct tcp_dctcp_info *d =
		ss_attr(row, INET_DIAG_DCTCPINFO, sizeof *d);
	const struct tcp_bbr_info *b =
		ss_attr(row, INET_DIAG_BBRINFO, sizeof *b);
	char text[SS_TEXT];

	if (d && d->dctcp_enabled)
		ss_put(t, " dctcp:(ce_state:%u,alpha:%u,ab_ecn:%u,ab_tot:%u)",
		       d->dctcp_ce_state, d->dctcp_alpha, d->dctcp_ab_ecn,
		       d->dctcp_ab_tot);
	else if (d)
		ss_put(t, " dctcp:fallback_mode");
	if (!b)
		return;
	ss_put(t, " bbr:(bw:%sbps,mrtt:%g",
	       rate_text(ss,
			 (double)((uint64_t)b->bbr_bw_hi << 32 | b->bbr_bw_lo) *
				 8,
			 text),
	       b->bbr_min_rtt / 1000.0);
	if (b->bbr_pacing_gain)
		ss_put(t, ",pacing_gain:%g", b->bbr_pacing_gain / 256.0);
	if (b->bbr_cwnd_gain)
		ss_put(t, ",cwnd_gain:%g", b->bbr_cwnd_gain / 256.0);
	ss_put(t, ")");
}

void ss_put_info(struct ss_text *t, const struct ss *ss,
		 const struct ss_row *row)
{
	const struct nlattr *attr = row->attr[INET_DIAG_INFO];
	const struct nlattr *cong = row->attr[INET_DIAG_CONG];
	struct tcp_info i = {0};
	size_t len;

	if (!attr)
		return;
	len = mnl_attr_get_payload_len(attr);
	memcpy(&i, mnl_attr_get_payload(attr), len < sizeof i ? len : sizeof i);
	if (ss->o.timers)
		put_options(t, &i);
	if (cong)
		ss_put(t, " %.*s", (int)mnl_attr_get_payload_len(cong),
		       mnl_attr_get_str(cong));
	if (i.tcpi_options & TCPI_OPT_WSCALE)
		ss_put(t, " wscale:%d,%d", i.tcpi_snd_wscale,
		       i.tcpi_rcv_wscale);
	put_clock(t, &i);
	put_sizes(t, &i);
	put_control(t, ss, row);
	put_rates(t, ss, &i, i.tcpi_rtt);
	put_losses(t, &i, row->msg.idiag_state);
	put_windows(t, &i);
}

/* ---- -e ---- */

static bool find_cgroup(uint64_t id, const char *mount, char *text, size_t size)
{
	union {
		struct file_handle head;
		uint8_t space[sizeof(struct file_handle) + sizeof id];
	} handle = {.head = {.handle_bytes = sizeof id, .handle_type = 1}};
	int dir = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
	size_t skip = strlen(mount);
	char link[32], path[SS_CGROUP];
	ssize_t n = -1;

	memcpy(handle.head.f_handle, &id, sizeof id);
	if (dir >= 0)
		fd = open_by_handle_at(dir, &handle.head, O_PATH);
	if (fd >= 0) {
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		n = readlink(link, path, sizeof path - 1);
		close(fd);
	}
	if (dir >= 0)
		close(dir);
	if (n < 0)
		return false;
	path[n] = 0;
	if (strncmp(path, mount, skip) != 0)
		skip = 0;
	snprintf(text, size, "%s", path[skip] ? path + skip : "/");
	tool_plain(text); /* containers name theirs */
	return true;
}

/* The directory of a cgroup, as ss finds it: by its number. Most sockets have
 * that of the one before. */
static void put_cgroup(struct ss_text *t, struct ss_cgroup *last, uint64_t id)
{
	if (last->id != id &&
	    !find_cgroup(id, "/sys/fs/cgroup/unified", last->path,
			 sizeof last->path) &&
	    !find_cgroup(id, "/sys/fs/cgroup", last->path, sizeof last->path))
		snprintf(last->path, sizeof last->path, "unreachable:%llx",
			 (unsigned long long)id);
	last->id = id;
	ss_put(t, " cgroup:%s", last->path);
}

void ss_put_details(struct ss_text *t, struct ss *ss, const struct ss_row *row)
{
	const struct inet_diag_msg *m = &row->msg;
	const uint32_t *mark = ss_attr(row, INET_DIAG_MARK, sizeof *mark);
	const uint64_t *cgroup =
		ss_attr(row, INET_DIAG_CGROUP_ID, sizeof *cgroup);
	const uint8_t *shut = ss_attr(row, INET_DIAG_SHUTDOWN, 1);
	uint64_t id;

	if (m->idiag_uid)
		ss_put(t, " uid:%u", m->idiag_uid);
	ss_put(t, " ino:%u sk:%llx", m->idiag_inode,
	       (unsigned long long)m->id.idiag_cookie[1] << 32 |
		       m->id.idiag_cookie[0]);
	if (mark && *mark)
		ss_put(t, " fwmark:0x%x", *mark);
	if (cgroup) {
		memcpy(&id, cgroup, sizeof id);
		if (id)
			put_cgroup(t, &ss->cgroup, id);
	}
	if (m->idiag_family == AF_INET6 && row->attr[INET_DIAG_SKV6ONLY])
		ss_put(t, " v6only:%u", row->v6only);
	if (shut)
		ss_put(t, " %c-%c", *shut & 1 ? '-' : '<',
		       *shut & 2 ? '-' : '>');
}
