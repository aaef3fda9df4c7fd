/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.h: from facts to findings.
 *
 * A rule is a function of `struct facts` and nothing else. It finds something,
 * or is silent, or says what it would have to know. Thresholds have names;
 * what is below them is no business of an operator's.
 */
#ifndef LULL_DOCTOR_RULES_H
#define LULL_DOCTOR_RULES_H

#include "facts.h"

enum {
	TW_MANY = 100,	       /* fewer TIME_WAITs need no word */
	PORTS_WARN = 60,       /* percent of the range, D3 */
	PORTS_CRITICAL = 85,   /* percent */
	PORTS_DEFAULT = 28232, /* 32768-60999 */
	BIND_ROWS = 50,	       /* D4 */
	BIND_DESTS = 5,
	BIND_WARN = 30,	   /* percent of the range, none used twice */
	BUCKETS_WARN = 95, /* percent, D7 */
	LEAK_MANY = 50,	   /* CLOSE_WAITs that stay, D8 */
	LEAK_GROWTH = 5,   /* more of them in the second sample */
	LEAK_OLD_MS = 60000,
	FDS_CRITICAL = 80, /* percent of RLIMIT_NOFILE */
	QUEUED_MANY = 10,  /* CLOSE_WAITs that nobody accepted, D9 */
	FIN_OLD = 20,	   /* FIN_WAIT_1s that stay, D11 */
	FIN_MANY = 100,	   /* of which the age is not known */
	HELD_MANY = 50,	   /* FIN_WAIT_2s that a program holds, D12 */
	ORPHANED_MANY = 1000,
	ORPHANS_WARN = 50,     /* percent of tcp_max_orphans, D13 */
	ORPHANS_CRITICAL = 90, /* percent */
	LAST_OLD = 10,	       /* LAST_ACK and CLOSING that stay, D14 */
	LAST_MANY = 20,
	HALF_MANY = 100,     /* SYN_RECV, D15 */
	HALF_TIMES = 2,	     /* as many as ESTABLISHED */
	SYN_OLD = 10,	     /* SYN_SENT that stay, D18 */
	PAWS_MANY = 2,	     /* refused within the sample, D19 */
	CONNTRACK_WARN = 80, /* percent, D20 */
	CONNTRACK_CRITICAL = 95,
	DEAD_MANY = 10,	     /* D25 */
	DEAD_SHARE = 1,	     /* percent of ESTABLISHED */
	RESETS_A_SECOND = 5, /* D26 */
	RESETS_SHARE = 10,   /* percent of the connections that begin */
	TW_BYTES = 256,
	TW_SECONDS = 60,

	LINE = 256,
	EVIDENCE = 10,
	WHO = 8,
	SAFE = 6,
	DONT = 8,
	FINDINGS = 48,
	RULES = 40,
};

enum severity {
	INFO,
	WARN,
	CRITICAL,
};

/* What is refused by name, whoever advises it. */
enum refusal {
	NO_RECYCLE,
	NO_BUCKETS,
	NO_FIN_TIMEOUT,
	NO_LINGER,
	NO_SS_KILL,
	NO_KILL9,
	NO_TIMESTAMPS,
	NO_ABORT_ON_OVERFLOW,
	NO_TIMEWAIT_LEN,
	NO_TW_REUSE_SERVER,
	NO_KEEPALIVE,
	NO_WIDE_RANGE,
	NO_LOW_ORPHANS,
	NO_COOKIES_ALWAYS,
	NO_LOW_RETRIES,
	NO_LIBERAL,
	NO_REBOOT,
	REFUSALS,
};

struct refusal_text {
	const char *what, *why;
	bool standing;	   /* dangerous enough to be told unasked */
	const char *match; /* in pasted text; NULL: not looked for */
};

extern const struct refusal_text refusals[REFUSALS];

struct evidence {
	double value;
	char what[LINE], source[LINE];
};

struct finding {
	const struct rule *rule;
	enum severity severity;
	char symptom[LINE], cause[2 * LINE];
	struct evidence evidence[EVIDENCE];
	char who[WHO][LINE], safe[SAFE][LINE];
	enum refusal dont[DONT];
	int evidences, whos, safes, donts;
};

enum outcome {
	SILENT,
	FOUND,
	NOT_KNOWN,
};

/* What all rules said of one host. */
struct sheet {
	struct finding finding[FINDINGS]; /* the worst first, once judged */
	int findings;
	struct {
		enum outcome outcome;
		char why[LINE]; /* of NOT_KNOWN */
	} rule[RULES];
	int now; /* the rule that judges */
};

struct rule {
	const char *id, *title;
	void (*judge)(const struct facts *f, struct sheet *s);
};

extern const struct rule rules[];
extern const int rules_count;

/* All rules; findings sorted, the worst first. */
void rules_judge(const struct facts *f, struct sheet *s);

/* TIME_WAIT against what the rate of closing predicts. */
struct baseline {
	enum {
		BASE_UNKNOWN,
		BASE_NONE, /* too few to talk about */
		BASE_NORMAL,
		BASE_NO_RATE,  /* one sample: what rate it stands for */
		BASE_LEFTOVER, /* of an earlier, higher rate; they go */
	} verdict;
	int64_t tw, expected; /* UNKNOWN */
	double closes;	      /* a second; below 0: unknown */
};

struct baseline rules_baseline(const struct facts *f);

/* ---- for the rules ---- */

#define SAYS(n) __attribute__((format(printf, n, n + 1)))

SAYS(3)
struct finding *find(struct sheet *s, enum severity severity,
		     const char *format, ...);
SAYS(2) void not_known(struct sheet *s, const char *format, ...);
SAYS(2) void cause(struct finding *n, const char *format, ...);
SAYS(4)
void evidence(struct finding *n, const char *source, double value,
	      const char *format, ...);
SAYS(2) void who(struct finding *n, const char *format, ...);
SAYS(2) void safe(struct finding *n, const char *format, ...);
void dont(struct finding *n, enum refusal r);
/* Evidence of a counter's rate, a knob's value; nothing if unknown. */
void evidence_rate(struct finding *n, const struct facts *f, enum counter c);
void evidence_knob(struct finding *n, const struct facts *f, enum knob k);
void evidence_state(struct finding *n, const struct facts *f, int state);
/* Who holds those of a kind, and one of them. */
void who_holds(struct finding *n, const struct facts *f, enum kind kind);
void who_listens(struct finding *n, const struct listener *l);
/* Where rows come from: "sock_diag", "pasted text", "control socket". */
const char *row_source(const struct facts *f);
/* Those that stay from one sample to the next; with one sample, all. */
int64_t lasting(const struct facts *f, enum kind kind);
bool has_age(const struct facts *f, enum kind kind);
/* 0 if unknown. */
int64_t or_zero(int64_t v);
int percent(int64_t part, int64_t whole);
/* The listener with connections waiting and no room, or NULL. */
const struct listener *full_listener(const struct facts *f);
/* Are its TIME_WAITs' ports taken again by connect()? */
bool is_reused(const struct facts *f, const struct dest *d);
int64_t dest_ports(const struct facts *f, const struct dest *d);

#define JUDGE(name) void name(const struct facts *f, struct sheet *s)
JUDGE(rule_d1);
JUDGE(rule_d2);
JUDGE(rule_d3);
JUDGE(rule_d4);
JUDGE(rule_d5);
JUDGE(rule_d6);
JUDGE(rule_d7);
JUDGE(rule_d8);
JUDGE(rule_d9);
JUDGE(rule_d10);
JUDGE(rule_d11);
JUDGE(rule_d12);
JUDGE(rule_d13);
JUDGE(rule_d14);
JUDGE(rule_d15);
JUDGE(rule_d16);
JUDGE(rule_d17);
JUDGE(rule_d18);
JUDGE(rule_d19);
JUDGE(rule_d20);
JUDGE(rule_d21);
JUDGE(rule_d22);
JUDGE(rule_d23);
JUDGE(rule_d24);
JUDGE(rule_d25);
JUDGE(rule_d26);
JUDGE(rule_d27);
JUDGE(rule_d28);
JUDGE(rule_d29);
JUDGE(rule_d30);
JUDGE(rule_d31);
JUDGE(rule_d32);
JUDGE(rule_l1);
JUDGE(rule_l2);
JUDGE(rule_l3);
JUDGE(rule_l4);

#endif
