/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * option.c: what can be set on one socket, and the knobs of the whole shard.
 *
 * Entry points: lull_sock_set, lull_sock_get, lull_sysctl_set, lull_sysctl_get.
 */
#include "sock/sock.h"

#define MSS_DEFAULT 536 /* what Linux says of a listener (RFC 9293 3.7.1) */

enum {
	WINDOW_CLAMP_MIN = 1152, /* as in Linux: SOCK_MIN_RCVBUF / 2 */
};

static bool within(int64_t v, int64_t least, int64_t most)
{
	return v >= least && v <= most;
}

static void set_flag(struct lull_tcb *tcb, uint32_t flag, int32_t on)
{
	tcb->flags = on ? tcb->flags | flag : tcb->flags & ~flag;
}

/* Options with an int32_t: does the value have its range? */
static bool value_holds(enum lull_option option, int32_t v)
{
	switch (option) {
	case LULL_OPT_KEEPALIVE:
	case LULL_OPT_NODELAY:
	case LULL_OPT_CORK:
	case LULL_OPT_QUICKACK:
	case LULL_OPT_OOBINLINE:
		return within(v, 0, 1);
	case LULL_OPT_KEEPIDLE:
	case LULL_OPT_KEEPINTVL:
		return within(v, 1, 32767);
	case LULL_OPT_KEEPCNT:
	case LULL_OPT_SYNCNT:
		return within(v, 1, 127);
	case LULL_OPT_LINGER2:
		return within(v, -1, 3600);
	case LULL_OPT_DEFER_ACCEPT:
		return within(v, 0, 32767);
	case LULL_OPT_USER_TIMEOUT:
		return within(v, 0, INT32_MAX);
	case LULL_OPT_RCVBUF:
	case LULL_OPT_SNDBUF:
		return within(v, 4096, 1 << 30);
	case LULL_OPT_NOTSENT_LOWAT:
		return within(v, 0, INT32_MAX);
	case LULL_OPT_WINDOW_CLAMP:
		return v == 0 || within(v, WINDOW_CLAMP_MIN, 1 << 30);
	case LULL_OPT_TOS:
		return within(v, 0, 255);
	case LULL_OPT_TTL:
		return within(v, 1, 255);
	case LULL_OPT_TIMEWAIT_LEN:
		return within(v, 0, 3600);
	case LULL_OPT_MAXSEG:
		return v == 0 || within(v, 88, 32767);
	case LULL_OPT_COOKIE:
	case LULL_OPT_ERROR:
	case LULL_OPT_LINGER:
	case LULL_OPT_INFO:
	case LULL_OPT_CONGESTION:
	case LULL_OPT_MAX_PACING_RATE:
		break;
	}
	return false;
}

static void set_oobinline(struct lull_user *u, int32_t on)
{
	u->urgent_flags &= (uint16_t)~LULL_URGENT_APART;
	if (!on)
		u->urgent_flags |= LULL_URGENT_APART;
}

/* What is due is said at once, as in Linux. */
static void set_quickack(struct lull_tcp *t, struct lull_tcb *tcb, int32_t on)
{
	set_flag(tcb, LULL_TCB_QUICKACK, on);
	if (!on || !(tcb->flags & LULL_TCB_ACK_LATER))
		return;
	tcb->flags |= LULL_TCB_ACK_NOW;
	lull_tcp_want(t, tcb);
}

static void set_maxseg(struct lull_tcp *t, struct lull_tcb *tcb, uint16_t v)
{
	if (tcb->state != LULL_TCP_SYN_SENT)
		return; /* it has been agreed on */
	lull_tcb_cold(t, tcb)->pmtu.user_mss = v;
	lull_pmtu_sync(t, tcb);
}

/* What is on or off. false: it is another one. */
static bool set_switch(struct lull_tcp *t, struct lull_tcb *tcb,
		       enum lull_option option, int32_t v)
{
	if (option == LULL_OPT_KEEPALIVE) {
		set_flag(tcb, LULL_TCB_KEEPALIVE, v);
	} else if (option == LULL_OPT_NODELAY) {
		set_flag(tcb, LULL_TCB_NODELAY, v);
		/* As Linux: what waits goes at once, even with a cork. */
		if (v && lull_seq_lt(tcb->snd.nxt, tcb->snd.end))
			tcb->flags |= LULL_TCB_PUSH;
		lull_tcp_want(t, tcb);
	} else if (option == LULL_OPT_CORK) {
		set_flag(tcb, LULL_TCB_CORK, v);
		lull_tcp_want(t, tcb);
	} else if (option == LULL_OPT_QUICKACK) {
		set_quickack(t, tcb, v);
	} else if (option == LULL_OPT_OOBINLINE) {
		set_oobinline(lull_user_at(t, tcb->user), v);
	} else {
		return false;
	}
	return true;
}

static void set_number(struct lull_tcp *t, struct lull_tcb *tcb,
		       enum lull_option option, int32_t v)
{
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);

	if (set_switch(t, tcb, option, v)) {
		if (option == LULL_OPT_KEEPALIVE && v)
			lull_timer_keepalive(t, tcb);
		return;
	}
	switch (option) {
	case LULL_OPT_SYNCNT:
		cold->syn_retries = (uint8_t)v;
		break;
	case LULL_OPT_KEEPIDLE:
		cold->keep_idle_s = (uint16_t)v;
		if (tcb->flags & LULL_TCB_KEEPALIVE)
			lull_timer_keepalive(t, tcb);
		break;
	case LULL_OPT_KEEPINTVL:
		cold->keep_intvl_s = (uint16_t)v;
		break;
	case LULL_OPT_KEEPCNT:
		cold->keep_probes_max = (uint8_t)v;
		break;
	case LULL_OPT_LINGER2:
		cold->linger2_s = v;
		break;
	case LULL_OPT_USER_TIMEOUT:
		cold->user_timeout_ms = (uint32_t)v;
		break;
	case LULL_OPT_RCVBUF:
		tcb->rcv.buf = (uint32_t)v;
		tcb->flags |= LULL_TCB_RCVBUF;
		break;
	case LULL_OPT_SNDBUF:
		cold->sndbuf = (uint32_t)v;
		break;
	case LULL_OPT_NOTSENT_LOWAT:
		cold->notsent_lowat = (uint32_t)v;
		lull_sendq_tell(t, tcb);
		break;
	case LULL_OPT_WINDOW_CLAMP:
		cold->window_clamp = (uint32_t)v;
		break;
	case LULL_OPT_TOS: /* SHLD-21, SHLD-22; ECN's bits stay ours */
		cold->tos = (uint8_t)(v & 0xfc);
		break;
	case LULL_OPT_TTL:
		cold->ttl = (uint8_t)v;
		break;
	case LULL_OPT_TIMEWAIT_LEN:
		cold->timewait_len_s = (uint16_t)v;
		break;
	case LULL_OPT_MAXSEG:
		set_maxseg(t, tcb, (uint16_t)v);
		break;
	case LULL_OPT_KEEPALIVE:
	case LULL_OPT_NODELAY:
	case LULL_OPT_CORK:
	case LULL_OPT_QUICKACK:
	case LULL_OPT_OOBINLINE:
	case LULL_OPT_COOKIE:
	case LULL_OPT_ERROR:
	case LULL_OPT_LINGER:
	case LULL_OPT_DEFER_ACCEPT:
	case LULL_OPT_INFO:
	case LULL_OPT_CONGESTION:
	case LULL_OPT_MAX_PACING_RATE:
		break;
	}
}

static int32_t timewait_len(const struct lull_knobs *k, uint16_t own_s)
{
	return own_s ? own_s : (int32_t)k->timewait_len_s;
}

static int32_t get_number(const struct lull_tcp *t, const struct lull_tcb *tcb,
			  enum lull_option option)
{
	const struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	const struct lull_knobs *k = &t->g->knobs;

	switch (option) {
	case LULL_OPT_KEEPALIVE:
		return !!(tcb->flags & LULL_TCB_KEEPALIVE);
	case LULL_OPT_NODELAY:
		return !!(tcb->flags & LULL_TCB_NODELAY);
	case LULL_OPT_CORK:
		return !!(tcb->flags & LULL_TCB_CORK);
	case LULL_OPT_QUICKACK:
		return !!(tcb->flags & LULL_TCB_QUICKACK);
	case LULL_OPT_OOBINLINE:
		return !(lull_user_at(t, tcb->user)->urgent_flags &
			 LULL_URGENT_APART);
	case LULL_OPT_SYNCNT:
		return cold->syn_retries ? cold->syn_retries
					 : (int32_t)k->syn_retries;
	case LULL_OPT_KEEPIDLE:
		return cold->keep_idle_s ? cold->keep_idle_s
					 : (int32_t)k->keepalive_time_s;
	case LULL_OPT_KEEPINTVL:
		return cold->keep_intvl_s ? cold->keep_intvl_s
					  : (int32_t)k->keepalive_intvl_s;
	case LULL_OPT_KEEPCNT:
		return cold->keep_probes_max ? cold->keep_probes_max
					     : (int32_t)k->keepalive_probes;
	case LULL_OPT_LINGER2:
		return cold->linger2_s ? cold->linger2_s
				       : (int32_t)k->fin_timeout_s;
	case LULL_OPT_USER_TIMEOUT:
		return (int32_t)cold->user_timeout_ms;
	case LULL_OPT_RCVBUF:
		return (int32_t)tcb->rcv.buf;
	case LULL_OPT_SNDBUF: /* what it is now */
		return (int32_t)lull_sndbuf_most(t, tcb);
	case LULL_OPT_NOTSENT_LOWAT:
		return (int32_t)cold->notsent_lowat;
	case LULL_OPT_WINDOW_CLAMP:
		return (int32_t)cold->window_clamp;
	case LULL_OPT_TOS:
		return cold->tos;
	case LULL_OPT_TTL:
		return cold->ttl;
	case LULL_OPT_TIMEWAIT_LEN:
		return timewait_len(k, cold->timewait_len_s);
	case LULL_OPT_MAXSEG:
		return tcb->opt.mss;
	case LULL_OPT_COOKIE:
	case LULL_OPT_ERROR:
	case LULL_OPT_LINGER:
	case LULL_OPT_DEFER_ACCEPT:
	case LULL_OPT_INFO:
	case LULL_OPT_CONGESTION:
	case LULL_OPT_MAX_PACING_RATE:
		break;
	}
	return 0;
}

static int set_linger(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_linger *linger)
{
	if (!within(linger->on, 0, 1) || !within(linger->seconds, 0, 86400))
		return -EINVAL;
	lull_tcb_cold(t, tcb)->linger_s = linger->on ? linger->seconds : -1;
	return 0;
}

/* Seconds as timeouts of a SYN-ACK, which double (Linux's secs_to_retrans()):
 * how many it takes to reach them. */
static uint8_t timeouts_of(const struct lull_knobs *k, int32_t seconds)
{
	int64_t sum_ms = 0, ms = LULL_SYN_ACK_MS;
	uint8_t n = 0;

	for (; sum_ms < (int64_t)seconds * 1000 && n < UINT8_MAX; n++) {
		sum_ms += ms;
		ms = 2 * ms < k->rto_max_ms ? 2 * ms : k->rto_max_ms;
	}
	return n;
}

static int32_t seconds_of(const struct lull_knobs *k, uint8_t timeouts)
{
	int64_t sum_ms = 0, ms = LULL_SYN_ACK_MS;

	for (; timeouts > 0; timeouts--) {
		sum_ms += ms;
		ms = 2 * ms < k->rto_max_ms ? 2 * ms : k->rto_max_ms;
	}
	return (int32_t)(sum_ms / 1000);
}

/* ---- congestion control ---- */

/* By name, of a connection, or of what a listener accepts. */
static int set_congestion(struct lull_tcp *t, struct lull_tcb *tcb,
			  struct lull_listener *l, const void *name, size_t len)
{
	enum lull_cc_kind kind = lull_cc_find(name, len);

	if (kind == LULL_CC_KINDS)
		return -ENOENT;
	if (l)
		l->cc_kind = (uint8_t)(kind + 1);
	else
		lull_cc_choose(t, tcb, kind);
	return 0;
}

static int get_congestion(const struct lull_tcp *t, const struct lull_tcb *tcb,
			  const struct lull_listener *l, char *name, size_t len)
{
	enum lull_cc_kind kind =
		(enum lull_cc_kind)t->g->knobs.congestion_control;
	const char *text;

	if (tcb)
		kind = (enum lull_cc_kind)tcb->cc_kind;
	else if (l->cc_kind)
		kind = (enum lull_cc_kind)(l->cc_kind - 1);
	if (len < LULL_CONGESTION_MAX)
		return -EINVAL;
	text = lull_cc_name(kind);
	memcpy(name, text, strlen(text) + 1);
	return 0;
}

static int set_rate_max(struct lull_tcp *t, struct lull_tcb *tcb,
			const void *value, size_t len)
{
	uint32_t rate;

	if (len != sizeof rate)
		return -EINVAL;
	memcpy(&rate, value, len);
	if (!rate)
		return -EINVAL;
	lull_tcb_cold(t, tcb)->more.rate_max = rate;
	tcb->snd.cc &= (uint8_t)~LULL_CC_RATE_MAX;
	if (rate != UINT32_MAX)
		tcb->snd.cc |= LULL_CC_RATE_MAX;
	lull_tcp_want(t, tcb);
	return 0;
}

static int get_rate_max(const struct lull_tcp *t, const struct lull_tcb *tcb,
			void *value, size_t len)
{
	uint32_t rate = tcb->snd.cc & LULL_CC_RATE_MAX
				? lull_tcb_cold(t, tcb)->more.rate_max
				: UINT32_MAX;

	if (len != sizeof rate)
		return -EINVAL;
	memcpy(value, &rate, len);
	return 0;
}

/* The listener, if this is one and the option is one of those it has. */
static struct lull_listener *listener_for(struct lull_shard *s,
					  const struct lull_user *u,
					  enum lull_option option)
{
	if (u->kind != LULL_USER_LISTENER ||
	    (option != LULL_OPT_TIMEWAIT_LEN && option != LULL_OPT_MAXSEG &&
	     option != LULL_OPT_DEFER_ACCEPT && option != LULL_OPT_CONGESTION))
		return NULL;
	return lull_listener_at(&s->tcp, lull_name_index(u->name));
}

static void set_of_listener(const struct lull_knobs *k, struct lull_listener *l,
			    enum lull_option option, int32_t v)
{
	if (option == LULL_OPT_DEFER_ACCEPT)
		l->defer = timeouts_of(k, v);
	else if (option == LULL_OPT_MAXSEG)
		l->user_mss = (uint16_t)v;
	else
		l->timewait_len_s = (uint16_t)v;
}

static int32_t get_of_listener(const struct lull_knobs *k,
			       const struct lull_listener *l,
			       enum lull_option option)
{
	if (option == LULL_OPT_DEFER_ACCEPT)
		return seconds_of(k, l->defer);
	if (option == LULL_OPT_MAXSEG)
		return l->user_mss ? l->user_mss : MSS_DEFAULT;
	return timewait_len(k, l->timewait_len_s);
}

int lull_sock_set(struct lull_shard *s, struct lull_sock sock,
		  enum lull_option option, const void *value, size_t len)
{
	struct lull_user *u = lull_sock_user(s, sock);
	struct lull_linger linger;
	struct lull_listener *l;
	struct lull_tcb *tcb;
	int32_t v;

	if (!u)
		return -EBADF;
	if (option == LULL_OPT_COOKIE) {
		if (len != sizeof u->cookie)
			return -EINVAL;
		memcpy(&u->cookie, value, len);
		return 0;
	}
	tcb = lull_sock_tcb(s, u);
	l = listener_for(s, u, option);
	if (!tcb && !l)
		return -ENOTCONN;
	if (!l && option == LULL_OPT_DEFER_ACCEPT)
		return -ENOPROTOOPT;
	if (option == LULL_OPT_LINGER) {
		if (len != sizeof linger)
			return -EINVAL;
		memcpy(&linger, value, len);
		return set_linger(&s->tcp, tcb, &linger);
	}
	if (option == LULL_OPT_CONGESTION)
		return set_congestion(&s->tcp, tcb, l, value, len);
	if (option == LULL_OPT_MAX_PACING_RATE)
		return set_rate_max(&s->tcp, tcb, value, len);
	if ((uint32_t)option >= LULL_OPTIONS || option == LULL_OPT_ERROR ||
	    option == LULL_OPT_INFO)
		return -ENOPROTOOPT;
	if (len != sizeof v)
		return -EINVAL;
	memcpy(&v, value, len);
	if (!value_holds(option, v))
		return -EINVAL;
	if (l)
		set_of_listener(&s->g.knobs, l, option, v);
	else
		set_number(&s->tcp, tcb, option, v);
	return 0;
}

static int get_info(const struct lull_shard *s, const struct lull_tcb *tcb,
		    void *value, size_t len)
{
	struct lull_tcp_info info;

	if (!tcb)
		return -ENOTCONN;
	if (!len || len > sizeof info)
		return -EINVAL;
	lull_info_of(s, tcb, &info);
	memcpy(value, &info, len);
	return 0;
}

int lull_sock_get(struct lull_shard *s, struct lull_sock sock,
		  enum lull_option option, void *value, size_t len)
{
	struct lull_user *u = lull_sock_user(s, sock);
	struct lull_linger linger;
	const struct lull_listener *l;
	const struct lull_tcb *tcb;
	int32_t v;

	if (!u)
		return -EBADF;
	if (option == LULL_OPT_COOKIE) {
		if (len != sizeof u->cookie)
			return -EINVAL;
		memcpy(value, &u->cookie, len);
		return 0;
	}
	if ((uint32_t)option >= LULL_OPTIONS)
		return -ENOPROTOOPT;
	tcb = lull_sock_tcb(s, u);
	l = listener_for(s, u, option);
	if (option != LULL_OPT_ERROR && !tcb && !l)
		return -ENOTCONN;
	if (option == LULL_OPT_LINGER) {
		int32_t on_s = lull_tcb_cold(&s->tcp, tcb)->linger_s;

		if (len != sizeof linger)
			return -EINVAL;
		linger.on = on_s >= 0;
		linger.seconds = on_s >= 0 ? on_s : 0;
		memcpy(value, &linger, len);
		return 0;
	}
	if (option == LULL_OPT_INFO)
		return get_info(s, tcb, value, len);
	if (option == LULL_OPT_CONGESTION)
		return get_congestion(&s->tcp, tcb, l, value, len);
	if (option == LULL_OPT_MAX_PACING_RATE)
		return get_rate_max(&s->tcp, tcb, value, len);
	if (len != sizeof v)
		return -EINVAL;
	if (l)
		v = get_of_listener(&s->g.knobs, l, option);
	else
		v = option == LULL_OPT_ERROR ? lull_sock_take_error(u)
					     : get_number(&s->tcp, tcb, option);
	memcpy(value, &v, len);
	return 0;
}

int lull_sysctl_set(struct lull_shard *s, const char *name, const char *value,
		    struct lull_sysctl_why *why)
{
	const struct lull_knob *row = lull_knob_find(name);
	int e = -ENOENT;

	if (row)
		e = lull_knob_set(&s->g.knobs, row, value);
	else if (lull_idle_find(name))
		e = -EOPNOTSUPP;
	if (why && why->size == sizeof *why) {
		why->error = e;
		why->min = row ? row->min : 0;
		why->max = row ? row->max : 0;
	}
	return e;
}

int lull_sysctl_get(const struct lull_shard *s, const char *name, char *value,
		    size_t len)
{
	const struct lull_knob *row = lull_knob_find(name);

	return row ? lull_knob_get(&s->g.knobs, row, value, len) : -ENOENT;
}
