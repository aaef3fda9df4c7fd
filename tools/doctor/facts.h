/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts.h: what `lull doctor` judges, wherever it comes from.
 *
 * Facts are gathered by facts_kernel.c, facts_lull.c or from.c, and judged by
 * the rules (rules.h), which look at nothing else. A number that could not be
 * had is UNKNOWN, never 0; at[0] and at[1] are two samples, `seconds` apart.
 */
#ifndef LULL_DOCTOR_FACTS_H
#define LULL_DOCTOR_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define UNKNOWN INT64_MIN

enum {
	ADDRS = 1 << 18, /* destinations that are told apart, at most */
	TOP_DESTS = 16,
	TOP_LISTENERS = 32,
	TOP_GROUPS = 32,
	TOP_SOURCES = 4,
	TOP_LONE = 4,
	TOP_FILES = 16,
	TOP_SPACES = 16,
	NOTES = 16,
	NOTE = 256,
	NAME = 64, /* of a process; PROCS_NAME */
	/* Linux has twelve states, and more numbers that dumps may show. */
	STATES = 16,
};

enum state { /* the kernel's numbers, and lull's */
	ESTABLISHED = 1,
	SYN_SENT,
	SYN_RECV,
	FIN_WAIT_1,
	FIN_WAIT_2,
	TIME_WAIT,
	CLOSED,
	CLOSE_WAIT,
	LAST_ACK,
	LISTEN,
	CLOSING,
};

/* COUNTER(id, group, name): where Linux counts it, and lull if it does. */
#define COUNTERS(COUNTER)                                        \
	COUNTER(TW, "TcpExt", "TW")                              \
	COUNTER(TW_KILLED, "TcpExt", "TWKilled")                 \
	COUNTER(TW_RECYCLED, "TcpExt", "TWRecycled")             \
	COUNTER(TW_OVERFLOW, "TcpExt", "TCPTimeWaitOverflow")    \
	COUNTER(PAWS_ESTAB, "TcpExt", "PAWSEstab")               \
	COUNTER(PAWS_TIMEWAIT, "TcpExt", "PAWSTimewait")         \
	COUNTER(LISTEN_OVERFLOWS, "TcpExt", "ListenOverflows")   \
	COUNTER(LISTEN_DROPS, "TcpExt", "ListenDrops")           \
	COUNTER(COOKIES_SENT, "TcpExt", "SyncookiesSent")        \
	COUNTER(REQQ_COOKIES, "TcpExt", "TCPReqQFullDoCookies")  \
	COUNTER(REQQ_DROP, "TcpExt", "TCPReqQFullDrop")          \
	COUNTER(SYN_RETRANS, "TcpExt", "TCPSynRetrans")          \
	COUNTER(TIMEOUTS, "TcpExt", "TCPTimeouts")               \
	COUNTER(ABORT_ON_DATA, "TcpExt", "TCPAbortOnData")       \
	COUNTER(ABORT_ON_CLOSE, "TcpExt", "TCPAbortOnClose")     \
	COUNTER(ABORT_ON_TIMEOUT, "TcpExt", "TCPAbortOnTimeout") \
	COUNTER(ABORT_ON_MEMORY, "TcpExt", "TCPAbortOnMemory")   \
	COUNTER(KEEPALIVE, "TcpExt", "TCPKeepAlive")             \
	COUNTER(ACTIVE_OPENS, "Tcp", "ActiveOpens")              \
	COUNTER(PASSIVE_OPENS, "Tcp", "PassiveOpens")            \
	COUNTER(ATTEMPT_FAILS, "Tcp", "AttemptFails")            \
	COUNTER(OUT_SEGS, "Tcp", "OutSegs")                      \
	COUNTER(RETRANS_SEGS, "Tcp", "RetransSegs")              \
	COUNTER(OUT_RSTS, "Tcp", "OutRsts")                      \
	COUNTER(CT_DROP, "conntrack", "drop")                    \
	COUNTER(CT_EARLY_DROP, "conntrack", "early_drop")        \
	COUNTER(CT_INSERT_FAILED, "conntrack", "insert_failed")  \
	COUNTER(LULL_TW_EVICTED, "Lull", "TWEvicted")            \
	COUNTER(LULL_FW2_EVICTED, "Lull", "FinWait2Evicted")     \
	COUNTER(LULL_REUSE_REFUSED, "Lull", "TWReuseRefused")    \
	COUNTER(LULL_REUSED_SAFE, "Lull", "TWReusedSafe")        \
	COUNTER(LULL_UNCOUNTED, "Lull", "DestUncounted")         \
	COUNTER(LULL_BROKEN, "Lull", "Broken")

enum counter {
#define COUNTER(id, group, name) C_##id,
	COUNTERS(COUNTER)
#undef COUNTER
	COUNTERS_ALL
};

/* KNOB(id, name, below): a file of /proc/sys, and whether lull has it too. */
#define KNOBS(KNOB)                                                            \
	KNOB(TW_REUSE, "net.ipv4.tcp_tw_reuse")                                \
	KNOB(TW_RECYCLE, "net.ipv4.tcp_tw_recycle")                            \
	KNOB(TIMESTAMPS, "net.ipv4.tcp_timestamps")                            \
	KNOB(FIN_TIMEOUT, "net.ipv4.tcp_fin_timeout")                          \
	KNOB(MAX_TW, "net.ipv4.tcp_max_tw_buckets")                            \
	KNOB(EHASH, "net.ipv4.tcp_ehash_entries")                              \
	KNOB(MAX_ORPHANS, "net.ipv4.tcp_max_orphans")                          \
	KNOB(ORPHAN_RETRIES, "net.ipv4.tcp_orphan_retries")                    \
	KNOB(SYNCOOKIES, "net.ipv4.tcp_syncookies")                            \
	KNOB(SYN_BACKLOG, "net.ipv4.tcp_max_syn_backlog")                      \
	KNOB(SOMAXCONN, "net.core.somaxconn")                                  \
	KNOB(ABORT_ON_OVERFLOW, "net.ipv4.tcp_abort_on_overflow")              \
	KNOB(KEEPALIVE_TIME, "net.ipv4.tcp_keepalive_time")                    \
	KNOB(RETRIES2, "net.ipv4.tcp_retries2")                                \
	KNOB(CT_COUNT, "net.netfilter.nf_conntrack_count")                     \
	KNOB(CT_MAX, "net.netfilter.nf_conntrack_max")                         \
	KNOB(CT_TIME_WAIT, "net.netfilter.nf_conntrack_tcp_timeout_time_wait") \
	KNOB(CT_CLOSE_WAIT,                                                    \
	     "net.netfilter.nf_conntrack_tcp_timeout_close_wait")              \
	KNOB(LULL_REUSE_SAFE, "net.lull.tcp_tw_reuse_safe")

enum knob {
#define KNOB(id, name) K_##id,
	KNOBS(KNOB)
#undef KNOB
	KNOBS_ALL
};

enum origin {
	FROM_KERNEL,
	FROM_TEXT, /* pasted: one sample, no counters, no knobs */
	FROM_LULL,
};

/* One socket, from whatever source. IPv4 as ::ffff:a.b.c.d. */
struct row {
	uint64_t cookie;  /* 0: none */
	int64_t heard_ms; /* since the peer was heard; UNKNOWN */
	int64_t idle_ms;  /* since data went either way; UNKNOWN */
	uint32_t rqueue, wqueue, inode;
	uint16_t sport, dport;
	uint8_t state, timer, retries;
	uint8_t src[16], dst[16];
	bool no_addr; /* only the state is known */
};

/* Towards one destination from one of our addresses. */
struct dest {
	uint8_t src[16], dst[16];
	uint16_t dport;
	bool no_reuse; /* lull: its peer refused a TIME_WAIT's pair */
	uint32_t used[2], tw, syn_sent, syn_old;
	/* lull knows its own; else UNKNOWN, and the range is looked at */
	int64_t ports, full_in_ms;
};

struct listener {
	uint8_t addr[16];
	uint16_t port;
	bool seen[2];
	uint32_t rqueue[2], wqueue, inode;
	uint32_t syn_recv, tw;
	pid_t pid; /* 0: unknown */
	char name[NAME];
};

/* Sorts of connections whose owner matters. */
enum kind {
	KIND_CLOSE_WAIT,
	KIND_CLOSE_WAIT_QUEUED, /* not accepted yet: no program has it */
	KIND_FIN_WAIT_1,
	KIND_FIN_WAIT_2_HELD,
	KIND_FIN_WAIT_2_ORPHAN,
	KIND_LAST_ACK,
	KIND_CLOSING,
	KIND_SYN_RECV,
	KIND_IDLE, /* ESTABLISHED, no data for IDLE_S, no keepalive */
	KIND_DEAD, /* ESTABLISHED, sent again and again */
	KINDS,
};

enum {
	IDLE_AZURE_S = 240,
	IDLE_AWS_S = 350,
	IDLE_IPVS_S = 900,
	DEAD_RETRIES = 3,
};

struct sum {
	int64_t n;	  /* UNKNOWN: not even their number */
	int64_t old;	  /* there in both samples, by cookie */
	int64_t unread;	  /* with bytes that nobody read, besides the FIN */
	int64_t not_read; /* not even the FIN was read */
	int64_t stuck;	  /* bytes to send, as many in both samples */
	int64_t probing;  /* the persist timer runs: a zero window */
	int64_t oldest_ms;
	int64_t idle[3]; /* longer than IDLE_AZURE_S, _AWS_S, _IPVS_S */
};

/* Those of one kind that one process holds; or nobody, or nobody we see. */
struct group {
	enum kind kind;
	pid_t pid; /* 0: unknown */
	char name[NAME];
	int fd; /* one of them; -1 */
	uint32_t n, old;
	int64_t fds, fds_max; /* of the process */
	struct row example;
};

/* One of our addresses, as connect() uses its ports. */
struct source {
	uint8_t addr[16];
	uint32_t rows, ports, dests;
};

/* TIME_WAITs on a port of ours outside the range, with no listener. */
struct lone {
	uint16_t port, rport;
	uint32_t tw;
};

struct file_line {
	char file[96], name[96], value[32];
	uint32_t line;
	bool recycle, unknown;
};

/* Knobs of another network namespace that differ from ours. */
struct space {
	char name[64], knob[48];
	int64_t theirs, ours;
};

struct facts {
	enum origin origin;
	double seconds; /* between the samples; 0: there is but one */
	int64_t state[2][STATES];
	int64_t counter[COUNTERS_ALL][2];
	int64_t knob[KNOBS_ALL];
	int64_t range_lo, range_hi, reserved; /* reserved: within the range */
	char reserved_ports[128]; /* as they are set; "...": too many */
	int64_t orphans[2], tw_minisocks, mem_pages;
	bool child_netns; /* some knobs and numbers are the host's alone */

	int64_t tw_server, tw_client, tw_lone; /* UNKNOWN: no addresses */
	bool role_guessed; /* no listeners were seen: by port numbers */
	struct sum sum[KINDS];
	struct group group[TOP_GROUPS];
	int groups;
	struct dest dest[TOP_DESTS]; /* by used[1], most first */
	int dests;
	int64_t dests_all, dests_missed, client_rows;
	struct dest syn_dest;			 /* that with most SYN_SENT */
	struct listener listener[TOP_LISTENERS]; /* the fullest first */
	int listeners;
	int64_t listeners_in_range; /* UNKNOWN */
	uint16_t port_in_range;
	struct source source[TOP_SOURCES];
	int sources;
	struct lone lone[TOP_LONE];
	int lones;
	struct file_line file[TOP_FILES];
	int files;
	bool files_read;
	struct space space[TOP_SPACES];
	int spaces;
	bool spaces_read;
	/* Lines of the kernel's log since boot, in any namespace; UNKNOWN */
	int64_t log_orphans, log_flood, log_conntrack, log_buckets;
	int64_t pools_empty; /* lull: requests that a pool refused */
	char pool[16];

	int64_t processes, hidden; /* those whose descriptors we may not read */
	int64_t lines, lines_unread; /* of pasted text */
	uint32_t advice; /* bits: dangerous advice in it, by rules.h */
	bool torn;	 /* a dump was interrupted, again and again */
	char note[NOTES][NOTE];
	int notes;
};

/* All unknown. */
void facts_init(struct facts *f);
__attribute__((format(printf, 2, 3))) void facts_note(struct facts *f,
						      const char *format, ...);
static inline bool known(int64_t v)
{
	return v != UNKNOWN;
}
/* By second, below 0: unknown, since one sample is, or it ran backwards. */
double facts_rate(const struct facts *f, enum counter c);
/* Ports that connect() may choose towards one destination; UNKNOWN. */
int64_t facts_ports(const struct facts *f);
/* "/proc/net/netstat TcpExt TW", "/proc/sys/net/ipv4/...". */
const char *facts_counter_source(const struct facts *f, enum counter c,
				 char *text, size_t size);
const char *facts_knob_name(enum knob k);
void facts_counter_name(enum counter c, const char **group, const char **name);
/* "LAST_ACK"; "state 14" of a number that is none. */
const char *facts_state_name(int state, char *text, size_t size);
/* "10.0.0.1:80", "[fd00::1]:80"; port 0 is left out. */
const char *facts_addr(const uint8_t *addr, uint32_t port, char *text,
		       size_t size);
enum {
	ADDR_TEXT = 80,
};

/* Where facts come from. TOOL_OK, or an exit code that is explained. */
int facts_from_kernel(struct facts *f, double seconds);
int facts_from_lull(struct facts *f, const char *path, double seconds);
int facts_from_text(struct facts *f, const char *path);
/* The number of a state by any of its names; 0: it is none. */
int from_state(const char *word);

#endif
