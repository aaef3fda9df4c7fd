/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab.h: experiments about TCP, written in Lua, carried out and drawn.
 *
 * A script has cases. Each case is a small world: hosts, a wire between them
 * that a function of the script may bend, and a clock. A host is a stack in
 * virtual time, the host's kernel in real time (--on kernel), or a crafted end
 * that sends what the script says and keeps what it gets. Everything that
 * passes the wire, each change of state, and what the programs call is logged;
 * the script judges by that, and the diagram is drawn from it.
 *
 *	lab_world.c	hosts, the wire, the clock
 *	lab_stack.c	a host that is a shard
 *	lab_kernel.c	a host that is this machine's kernel
 *	lab_seg.c	segments: bytes <-> fields
 *	lab_log.c	what happened
 *	lab_figure.c	the log as rows, the same for all kinds of diagram
 *	lab_text.c, lab_svg.c, lab_html.c, lab_json.c
 *	lab_lua.c, lab_host.c, lab_wire.c, lab_sock.c	what scripts can call
 *	lab_run.c	one script: what it claims, its cases, the verdict
 *	lab_main.c	lull-lab, which `lull lab` executes
 *
 * The same script on stacks prints the same bytes each time.
 */
#ifndef LULL_LAB_H
#define LULL_LAB_H

#include <stdio.h>

#include <lua.h>

#include <lull/diag.h>
#include <lull/host.h>

enum {
	LAB_HOSTS_MAX = 6,
	LAB_NAME = 32,
	LAB_TEXT = 128,
	LAB_PACKET = 1600,
	LAB_STEPS = 50000000, /* of Lua, of one script */
	LAB_CASES_MAX = 24,
	LAB_CLAIMS_MAX = 12,
	LAB_POINTS_MAX = 64,
	LAB_KNOBS_MAX = 16,
	LAB_MARKS_MAX = 1 << 20, /* of all cases of a script */
	LAB_KEPT = 24,		 /* transmissions that a way of a flow keeps */
	LAB_REAL_SECONDS = 20,	 /* that a script may take on the kernel */
	LAB_ASIDE = 14,		 /* characters beside a lifeline */
};

/* ---- segments ---- */

enum lab_flags {
	LAB_FIN = 1,
	LAB_SYN = 2,
	LAB_RST = 4,
	LAB_PSH = 8,
	LAB_ACK = 16,
};

/* A TCP segment over IPv4, in host order. */
struct lab_seg {
	uint32_t src, dst;
	uint16_t sport, dport, wnd, mss; /* mss 0: none */
	uint32_t seq, ack, tsval, tsecr;
	uint32_t len; /* of its text */
	const uint8_t *text;
	uint8_t flags, wscale;
	bool has_ts, has_wscale, has_sack;
};

/* false: it is not TCP over IPv4, in one piece. */
bool lab_seg_parse(const uint8_t *packet, uint32_t len, struct lab_seg *s);
/* Into LAB_PACKET bytes. Returns how many were used. */
uint32_t lab_seg_build(const struct lab_seg *s, uint8_t *packet);
/* "SYN,ACK"; into `text` of 24 bytes, returned. */
char *lab_flags_text(uint8_t flags, char *text);

/* ---- what happened ---- */

enum lab_mark_kind {
	LAB_MARK_SEGMENT,
	LAB_MARK_STATE,
	LAB_MARK_CALL,	/* a program did something, or was told */
	LAB_MARK_NOTE,	/* the script says something */
	LAB_MARK_TIMER, /* from at_ns to end_ns */
};

enum lab_fate {
	LAB_UNDER_WAY, /* when the case ended */
	LAB_ARRIVED,
	LAB_LOST,   /* the script's wire */
	LAB_NOBODY, /* the host is down */
};

struct lab_mark {
	uint8_t kind, fate, state; /* state: of enum lull_tcp_state */
	int8_t host, to;	   /* to: of a segment */
	bool again;		   /* its text, SYN or FIN went before */
	bool probe;		   /* below what was sent, and nothing in it */
	bool crafted;		   /* no stack made it */
	bool in_run;		   /* drawn with an earlier one, which has: */
	uint32_t run, run_len;	   /* segments, bytes of text; run 0: one */
	uint64_t at_ns,
		end_ns;	    /* since the case began; of a segment: arrival */
	uint64_t before_ns; /* with again: when */
	uint32_t flow;	    /* from 1; 0: none */
	/* Of a segment: numbers count from that way's first SYN. */
	struct lab_seg seg;
	int64_t seq, ack, tsval, tsecr;
	uint16_t port; /* of a change of state: ours */
	char text[LAB_TEXT];
};

/* One way of a flow. */
struct lab_way {
	bool known, has_ts;
	uint32_t isn, ts, end;
	struct {
		uint32_t seq, end;
		uint64_t at_ns;
	} kept[LAB_KEPT];
	uint32_t n;
};

struct lab_flow {
	uint32_t addr[2];
	uint16_t port[2];
	struct lab_way way[2];
};

struct lab_log {
	struct lab_mark *mark;
	size_t n, size;
	struct lab_flow *flow;
	size_t flows, flows_size;
	size_t marks_max;
	bool failed; /* no memory */
};

/* The new mark, zero but for kind, host and time; NULL: no memory. */
struct lab_mark *lab_log_add(struct lab_log *log, enum lab_mark_kind kind,
			     int host, uint64_t at_ns);
/* Fill what a segment's place in its flow says. */
void lab_log_segment(struct lab_log *log, struct lab_mark *m,
		     const struct lab_seg *s);
/* From 1; it is made. 0: no memory. */
uint32_t lab_log_flow(struct lab_log *log, uint32_t addr_a, uint16_t port_a,
		      uint32_t addr_b, uint16_t port_b);
/* Segments of text in a row become one in diagrams. */
void lab_log_runs(struct lab_log *log);
void lab_log_free(struct lab_log *log);
/* Bytes of the character at `p`; 0: it is not UTF-8. */
size_t lab_char_len(const char *p);
/* As much as there is room for, cut between characters. */
void lab_copy_text(char *to, size_t size, const char *from);
/* "TIME_WAIT", as RFC 9293 has them. */
const char *lab_state_name(uint8_t state);

/* ---- the world of a case ---- */

enum lab_kind {
	LAB_STACK,
	LAB_KERNEL,
	LAB_CRAFT,
};

struct lab_got {
	struct lab_seg seg; /* its text is not kept */
	char text[LAB_TEXT];
};

struct lab_host {
	char name[LAB_NAME];
	enum lab_kind kind;
	bool up;
	uint32_t addr; /* host order */
	/* A stack. */
	struct lull_config config;
	struct lull_memory memory;
	struct lull_shard *shard;
	uint64_t trace_cursor, deadline_ns;
	uint32_t lives;
	char knob[LAB_KNOBS_MAX][LAB_TEXT]; /* set at each start */
	int knobs;
	/* The kernel. */
	int tun;
	struct lab_krow *row; /* lab_kernel.c */
	size_t rows, rows_size;
	/* A crafted end. */
	struct lab_got *got;
	size_t gots, gots_size, gots_read;
};

struct lab_sock {
	int host;
	bool open, listener, connected, eof, lingers;
	struct lull_sock sock;
	int fd; /* of the kernel's; -1: none */
	uint32_t addr, raddr;
	uint16_t port, rport;
	int error; /* negative errno that ended it, as the program was told */
};

struct lab_packet {
	uint64_t due_ns, order;
	int to;
	size_t mark;
	uint32_t len;
	uint8_t bytes[];
};

/* What the script's wire does with a segment. */
struct lab_bend {
	bool lose;
	uint64_t late_ns; /* more delay */
	bool twice;
	uint64_t copy_ns; /* how much later the copy comes */
};

struct lab_world {
	uint64_t now_ns, start_ns;
	bool real; /* a kernel is in it */
	uint64_t delay_ns;
	struct lab_host host[LAB_HOSTS_MAX];
	int hosts;
	struct lab_sock *sock;
	size_t socks, socks_size;
	struct lab_packet **heap;
	size_t under_way, heap_size;
	uint64_t order;
	struct lab_log log;
	struct lull_pcap *pcap; /* the runner's */
	uint64_t pcap_ns;	/* when the case begins, in the file */
	/* Asked of each segment; may not return (Lua). */
	void (*bend)(void *arg, const struct lab_mark *m,
		     struct lab_bend *bend);
	void *bend_arg;
	int bending; /* in that function: a host is in the midst of its turn */
	uint64_t turns_left, turns_max;
	char why[256]; /* with a negative result */
};

/* ---- lab_world.c ---- */

void lab_world_init(struct lab_world *w, uint64_t turns_max); /* 0: many */
void lab_world_fini(struct lab_world *w); /* its log stays, for the diagram */
uint64_t lab_world_now(const struct lab_world *w); /* since it began */
/* To this time since it began. -ELOOP: it comes to no end; other -errno. */
int lab_world_run(struct lab_world *w, uint64_t until_ns);
/* There is no room for what happens: `why`, and -ENOMEM. */
int lab_world_overflows(struct lab_world *w);
/* A packet leaves a host. */
void lab_world_send(struct lab_world *w, int host, const uint8_t *packet,
		    uint32_t len);
/* A place for a socket; its index, or -ENOMEM. */
long lab_world_sock(struct lab_world *w, int host);
struct lab_mark *lab_world_mark(struct lab_world *w, enum lab_mark_kind kind,
				int host);
/* The program of this socket does, or hears, something. */
__attribute__((format(printf, 3, 4))) void lab_world_call(
	struct lab_world *w, const struct lab_sock *s, const char *format, ...);
void lab_world_state(struct lab_world *w, int host, uint8_t state,
		     const struct lab_krow *where, const char *why);

/* What is asked of one host, whatever it is. Rows are by its own port. */
struct lab_krow {
	uint32_t addr, raddr;
	uint16_t port, rport;
	uint8_t state, timer; /* of enum lull_tcp_state, enum lull_row_timer */
	uint32_t timer_ms, wqueue, rqueue;
	bool held;
	bool seen; /* lab_kernel.c */
};

struct lab_connect {
	int to; /* a host */
	uint16_t rport, port;
	bool reuseaddr;
	bool bind_first; /* bind(2) chooses the port */
	bool no_port;	 /* ... with IP_BIND_ADDRESS_NO_PORT it does not */
};

struct lab_listen {
	uint16_t port;
	uint32_t backlog;
	bool reuseaddr;
};

/* ---- lab_stack.c and lab_kernel.c: the same for both ---- */

int lab_stack_open(struct lab_world *w, int host);
void lab_stack_close(struct lab_host *h);
/* One turn; frames out, events in. Returns whether anything was done. */
bool lab_stack_turn(struct lab_world *w, int host);
bool lab_stack_take(struct lab_world *w, int host, const uint8_t *packet,
		    uint32_t len);
int lab_stack_knob(struct lab_host *h, const char *name, const char *value,
		   char *out, size_t size);
uint64_t lab_stack_count(const struct lab_host *h, const char *name,
			 bool *found);
/* Rows of all that is there; -ENOMEM. */
int lab_stack_rows(const struct lab_host *h, struct lab_krow **rows, size_t *n);
int lab_stack_listen(struct lab_world *w, struct lab_sock *s,
		     const struct lab_listen *l);
int lab_stack_connect(struct lab_world *w, struct lab_sock *s,
		      const struct lab_connect *c);
int lab_stack_accept(struct lab_world *w, struct lab_sock *l,
		     struct lab_sock *s);
long lab_stack_send(struct lab_world *w, struct lab_sock *s, const void *p,
		    size_t len);
long lab_stack_recv(struct lab_world *w, struct lab_sock *s, void *p,
		    size_t len);
int lab_stack_shutdown(struct lab_world *w, struct lab_sock *s);
void lab_stack_close_sock(struct lab_world *w, struct lab_sock *s, bool abort);
int lab_stack_set(struct lab_world *w, struct lab_sock *s, const char *option,
		  int a, int b);

int lab_kernel_open(struct lab_world *w, int host);
void lab_kernel_close(struct lab_host *h);
bool lab_kernel_turn(struct lab_world *w, int host);
bool lab_kernel_take(struct lab_world *w, int host, const uint8_t *packet,
		     uint32_t len);
/* Until the TUN device has something, or so long. */
void lab_kernel_wait(struct lab_world *w, uint64_t ns);
int lab_kernel_knob(struct lab_host *h, const char *name, const char *value,
		    char *out, size_t size);
uint64_t lab_kernel_count(const struct lab_host *h, const char *name,
			  bool *found);
int lab_kernel_rows(const struct lab_host *h, struct lab_krow **rows,
		    size_t *n);
int lab_kernel_listen(struct lab_world *w, struct lab_sock *s,
		      const struct lab_listen *l);
int lab_kernel_connect(struct lab_world *w, struct lab_sock *s,
		       const struct lab_connect *c);
int lab_kernel_accept(struct lab_world *w, struct lab_sock *l,
		      struct lab_sock *s);
long lab_kernel_send(struct lab_world *w, struct lab_sock *s, const void *p,
		     size_t len);
long lab_kernel_recv(struct lab_world *w, struct lab_sock *s, void *p,
		     size_t len);
int lab_kernel_shutdown(struct lab_world *w, struct lab_sock *s);
void lab_kernel_close_sock(struct lab_world *w, struct lab_sock *s, bool abort);
int lab_kernel_set(struct lab_world *w, struct lab_sock *s, const char *option,
		   int a, int b);

/* ---- a script and what came of it ---- */

struct lab_claim {
	char id[8], says[400], who[200], verdict[8]; /* expected */
	char found[8]; /* by the parts that held; "": not judged */
};

enum lab_point_kind {
	LAB_FACT, /* of no claim: what is so; else the run contradicts us */
	LAB_PART, /* of what is claimed: all OK, some PART, none WRONG */
	LAB_WAS,  /* none, but this under the rules of old: OLD */
	LAB_HARM, /* it does harm: DANGER */
};

struct lab_point {
	enum lab_point_kind kind;
	char id[8], text[240];
	bool held;
};

struct lab_counter {
	int host;
	char name[32];
	uint64_t value;
};

struct lab_case {
	char title[120], skipped[160];
	char host[LAB_HOSTS_MAX][LAB_NAME];
	bool kernel[LAB_HOSTS_MAX];
	int hosts;
	struct lab_log log;
	uint64_t end_ns;
	uint32_t follow; /* flows that the diagram has */
	bool show_ts;
	struct lab_counter counter[96];
	int counters;
};

struct lab_script {
	char name[64], path[512];
	char title[160];
	struct lab_claim claim[LAB_CLAIMS_MAX];
	int claims;
	char no_kernel[160], no_stack[160]; /* why not; "": it runs there */
	struct lab_case *cases;
	int n;
	struct lab_point point[LAB_POINTS_MAX];
	int points;
	char skipped[200]; /* not run here, and why */
	bool contradicted;
};

/* While a script runs: what lab_lua.c works on. */
struct lab_run {
	struct lab_script *script;
	struct lab_world *world; /* of the case that runs, or NULL */
	struct lab_case *at;
	bool on_kernel, list_only, listed;
	size_t marks;  /* of cases that have ended */
	int could_not; /* -errno of what is no fault of the script's */
	char why[256];
	struct lull_pcap *pcap;
	uint64_t pcap_ns, real_start_ns;
	/* In the place of what its path has, and of the usual bounds. */
	const char *text;
	size_t text_len;
	uint64_t steps_max, turns_max;
};

/* 0; -EINVAL and others: `why` has "file:line: what"; could_not: see there. */
int lab_run_script(struct lab_run *run, char *why, size_t size);
void lab_script_free(struct lab_script *script);
bool lab_script_has_facts(const struct lab_script *script);
/* The verdicts, by what held. */
void lab_script_judge(struct lab_script *script);

/* ---- lab_lua.c, lab_sock.c, lab_prelude.c ---- */

extern const char lab_prelude[];

struct lab_run *lab_lua_run(lua_State *L);
struct lab_world *lab_lua_world(lua_State *L);
void lab_lua_open(lua_State *L, struct lab_run *run);
/* Functions into the table at the top: the globals', a host's methods'. */
void lab_lua_open_host(lua_State *L);
void lab_lua_open_wire(lua_State *L);
void lab_lua_open_sock(lua_State *L);
/* Fields of the table at the top. */
void lab_lua_set_int(lua_State *L, const char *name, int64_t v);
void lab_lua_set_flags(lua_State *L, uint8_t flags);
void lab_lua_push_sock(lua_State *L, long index);
int lab_lua_check_host(lua_State *L, int at);
/* What the wire's function may not do: let time pass, take a host away. */
void lab_lua_check_bending(lua_State *L);
/* Raises an error, with the line of the script itself. */
int lab_lua_error(lua_State *L, const char *format, ...);
/* Raises what a call returned. */
int lab_lua_fail(lua_State *L, int error);
/* "ECONNRESET", or "errno 200". */
const char *lab_errno_name(int error);

/* ---- the diagram ---- */

enum lab_row_kind {
	LAB_ROW_EVENT,
	LAB_ROW_GAP, /* time passes: gap_ns */
};

struct lab_row {
	enum lab_row_kind kind;
	uint64_t at_ns, gap_ns;
	bool same_time; /* as the row above */
	const struct lab_mark *state[2], *call[2], *note[2];
	/* An arrow that begins, or ends, here. */
	const struct lab_mark *sent, *arrives;
};

struct lab_arrow {
	const struct lab_mark *m;
	int from;	     /* lane 0 or 1 */
	size_t row, end_row; /* end_row: where it arrives, or row */
	bool is_long;	     /* it crosses a gap */
};

struct lab_bracket {
	int lane, level;
	size_t row, end_row;
	uint64_t at_ns, end_ns;
	char label[88], time[40];
};

struct lab_figure {
	const struct lab_case *c;
	int lane[2]; /* hosts */
	struct lab_row *row;
	size_t rows, rows_size;
	struct lab_arrow *arrow;
	size_t arrows, arrows_size;
	struct lab_bracket bracket[24];
	int brackets;
	size_t left_out; /* marks for which there was no room */
};

/* false: no memory, or there is nothing to draw. */
bool lab_figure_make(struct lab_figure *f, const struct lab_case *c);
void lab_figure_free(struct lab_figure *f);
/* A call or note too long to stand beside its lifeline. */
bool lab_figure_is_wide(const struct lab_mark *m);
/* What is written on a segment's arrow, within `room` characters. */
char *lab_figure_label(const struct lab_figure *f, const struct lab_mark *m,
		       size_t room, char *text, size_t size);
/* "12.3 ms", "60 s", "2 h 11 min 15 s"; `text` of 40 bytes, returned. */
char *lab_time_text(uint64_t ns, char *text);

void lab_text_write(const struct lab_script *s, bool diagram, FILE *out);
/* One figure, as a document of its own, or for a page. */
void lab_svg_figure(const struct lab_figure *f, bool narrow, bool alone,
		    FILE *out);
/* Colours and fonts, once a page. */
void lab_svg_style(FILE *out);
void lab_svg_write(const struct lab_script *s, FILE *out);
void lab_html_write(const struct lab_script *const *s, int n, FILE *out);
/* -EINVAL: a text that is not UTF-8. */
int lab_json_write(const struct lab_script *const *s, int n, FILE *out);
/* "<" and others as entities, as XML may have it. */
void lab_html_text(const char *text, FILE *out);

#endif
