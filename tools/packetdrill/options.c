/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options.c: getsockopt(2) and setsockopt(2) as Linux answers them.
 *
 * An option that is set before there is a connection is kept, and applied then;
 * a listener's are its children's as well. packetdrill asks for TCP_INFO past
 * its table, by libc's getsockopt(): so this library is preloaded too, and
 * hands on what is about others' descriptors.
 *
 * Entry points: drill_getsockopt, _setsockopt, _options_apply; getsockopt.
 */
#include <assert.h>
#include <dlfcn.h>
#include <limits.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "drill.h"

/* One is told where the other is asked for. */
static_assert(offsetof(struct tcp_info, tcpi_unacked) ==
		      offsetof(struct lull_tcp_info, unacked),
	      "Linux's layout");
static_assert(offsetof(struct tcp_info, tcpi_snd_wnd) ==
		      offsetof(struct lull_tcp_info, snd_wnd),
	      "Linux's layout");

enum {
	MSS_DEFAULT = 536,
	RCVBUF_MIN = 2304, /* SOCK_MIN_RCVBUF, SOCK_MIN_SNDBUF */
	SNDBUF_MIN = 4608,
};

/* What becomes of an int that is not between `min` and `max`. */
enum beyond {
	REFUSE, /* EINVAL */
	CLAMP,
	TRUTH, /* any but 0 is 1 */
};

/* What is an int here and there. Bounds are those of Linux. */
static const struct same {
	int level, name;
	enum lull_option option;
	enum beyond beyond;
	int min, max;
	int times;   /* Linux keeps so many times what it is told */
	int initial; /* of a new socket */
} same[] = {
	{SOL_SOCKET, SO_KEEPALIVE, LULL_OPT_KEEPALIVE, TRUTH, 0, 1, 1, 0},
	{SOL_SOCKET, SO_OOBINLINE, LULL_OPT_OOBINLINE, TRUTH, 0, 1, 1, 0},
	{SOL_SOCKET, SO_RCVBUF, LULL_OPT_RCVBUF, CLAMP, RCVBUF_MIN, 1 << 29, 2,
	 0},
	{SOL_SOCKET, SO_SNDBUF, LULL_OPT_SNDBUF, CLAMP, SNDBUF_MIN, 1 << 29, 2,
	 0},
	{IPPROTO_TCP, TCP_NODELAY, LULL_OPT_NODELAY, TRUTH, 0, 1, 1, 0},
	{IPPROTO_TCP, TCP_CORK, LULL_OPT_CORK, TRUTH, 0, 1, 1, 0},
	{IPPROTO_TCP, TCP_QUICKACK, LULL_OPT_QUICKACK, TRUTH, 0, 1, 1, 1},
	{IPPROTO_TCP, TCP_MAXSEG, LULL_OPT_MAXSEG, REFUSE, 88, 32767, 1,
	 MSS_DEFAULT},
	{IPPROTO_TCP, TCP_SYNCNT, LULL_OPT_SYNCNT, REFUSE, 1, 127, 1, 0},
	{IPPROTO_TCP, TCP_DEFER_ACCEPT, LULL_OPT_DEFER_ACCEPT, CLAMP, 0, 32767,
	 1, 0},
	{IPPROTO_TCP, TCP_NOTSENT_LOWAT, LULL_OPT_NOTSENT_LOWAT, CLAMP, 0,
	 INT_MAX, 1, 0},
	{IPPROTO_TCP, TCP_WINDOW_CLAMP, LULL_OPT_WINDOW_CLAMP, CLAMP,
	 RCVBUF_MIN / 2, 1 << 29, 1, 0},
	{IPPROTO_TCP, TCP_KEEPIDLE, LULL_OPT_KEEPIDLE, REFUSE, 1, 32767, 1, 0},
	{IPPROTO_TCP, TCP_KEEPINTVL, LULL_OPT_KEEPINTVL, REFUSE, 1, 32767, 1,
	 0},
	{IPPROTO_TCP, TCP_KEEPCNT, LULL_OPT_KEEPCNT, REFUSE, 1, 127, 1, 0},
	{IPPROTO_TCP, TCP_LINGER2, LULL_OPT_LINGER2, CLAMP, -1, 120, 1, 0},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, LULL_OPT_USER_TIMEOUT, REFUSE, 0,
	 INT_MAX, 1, 0},
	{IPPROTO_IP, IP_TOS, LULL_OPT_TOS, REFUSE, 0, 255, 1, 0},
	{IPPROTO_IP, IP_TTL, LULL_OPT_TTL, REFUSE, 1, 255, 1, 0},
	{IPPROTO_IPV6, IPV6_TCLASS, LULL_OPT_TOS, REFUSE, 0, 255, 1, 0},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, LULL_OPT_TTL, REFUSE, 1, 255, 1, 0},
};

static const struct same *find_same(int level, int name)
{
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
		if (same[i].level == level && same[i].name == name)
			return &same[i];
	return NULL;
}

/* ---- set ---- */

/* The value as lull takes it. */
static int take_int(const struct same *m, const void *value, socklen_t len,
		    int32_t *v)
{
	*v = 0;
	if (m->level == IPPROTO_IP && len > 0 && len < (socklen_t)sizeof *v)
		len = 1; /* ip(7): a byte will do */
	else if (len < (socklen_t)sizeof *v)
		return -EINVAL;
	memcpy(v, value, len < (socklen_t)sizeof *v ? len : sizeof *v);
	if (m->option == LULL_OPT_NOTSENT_LOWAT && *v < 0)
		*v = INT_MAX; /* it is unsigned */
	if (m->option == LULL_OPT_MAXSEG && *v == 0)
		return 0; /* no bound */
	if (m->beyond == TRUTH)
		*v = !!*v;
	if (m->beyond == REFUSE && (*v < m->min || *v > m->max))
		return -EINVAL;
	*v = *v > m->max ? m->max : *v;
	if (m->times > 1)
		*v *= m->times;
	*v = *v < m->min ? m->min : *v;
	if (m->option == LULL_OPT_RCVBUF && *v < 4096)
		*v = 4096; /* lull has none that is smaller */
	return 0;
}

static int apply_same(struct drill *d, struct sock *s, const struct same *m,
		      const void *value, socklen_t len)
{
	int32_t v;
	int e = take_int(m, value, len, &v);

	if (e < 0)
		return e;
	return lull_sock_set(d->shard, s->sock, m->option, &v, sizeof v);
}

static int apply_linger(struct drill *d, struct sock *s, const void *value,
			socklen_t len)
{
	struct lull_linger to;
	struct linger l;

	if (len < (socklen_t)sizeof l)
		return -EINVAL;
	memcpy(&l, value, sizeof l);
	to = (struct lull_linger){!!l.l_onoff, l.l_linger};
	return lull_sock_set(d->shard, s->sock, LULL_OPT_LINGER, &to,
			     sizeof to);
}

static bool is(const struct sock_option *o, int level, int name)
{
	return o->level == level && o->name == name;
}

/* Of 4 bytes or 8; ~0 of either is no limit. */
static int apply_rate(struct drill *d, struct sock *s, const void *value,
		      socklen_t len)
{
	uint64_t wide = 0;
	uint32_t rate;

	if (len < (socklen_t)sizeof rate)
		return -EINVAL;
	memcpy(&wide, value, len < sizeof wide ? sizeof rate : sizeof wide);
	rate = wide < UINT32_MAX ? (uint32_t)wide : UINT32_MAX;
	return lull_sock_set(d->shard, s->sock, LULL_OPT_MAX_PACING_RATE, &rate,
			     sizeof rate);
}

static int apply(struct drill *d, struct sock *s, const struct sock_option *o)
{
	const struct same *m = find_same(o->level, o->name);

	if (m)
		return apply_same(d, s, m, o->value, o->len);
	if (is(o, IPPROTO_TCP, TCP_CONGESTION))
		return lull_sock_set(d->shard, s->sock, LULL_OPT_CONGESTION,
				     o->value,
				     strnlen((const char *)o->value, o->len));
	if (is(o, SOL_SOCKET, SO_MAX_PACING_RATE))
		return apply_rate(d, s, o->value, o->len);
	return apply_linger(d, s, o->value, o->len);
}

/* Does a listener have it, or only what it accepts? */
static bool of_listener(const struct sock_option *o)
{
	return is(o, IPPROTO_TCP, TCP_MAXSEG) ||
	       is(o, IPPROTO_TCP, TCP_DEFER_ACCEPT) ||
	       is(o, IPPROTO_TCP, TCP_CONGESTION);
}

int drill_options_apply(struct drill *d, struct sock *s)
{
	int e = 0;

	for (int i = 0; i < s->options; i++) {
		const struct sock_option *o = &s->option[i];
		bool passive = is(o, IPPROTO_TCP, TCP_DEFER_ACCEPT);

		if (s->kind == SOCK_CONN ? !passive : of_listener(o))
			e = e ? e : apply(d, s, o);
	}
	return e;
}

/* Remember it, in the place of an earlier value. */
static int keep(struct sock *s, const struct sock_option *o)
{
	for (int i = 0; i < s->options; i++)
		if (s->option[i].level == o->level &&
		    s->option[i].name == o->name) {
			s->option[i] = *o;
			return 0;
		}
	if (s->options == DRILL_OPTIONS)
		return -ENOMEM;
	s->option[s->options++] = *o;
	return 0;
}

/* What only our bookkeeping knows. false: it is another one. */
static bool set_own(struct sock *s, int level, int name, const void *value,
		    socklen_t len)
{
	int v = 0;

	memcpy(&v, value, (size_t)len < sizeof v ? (size_t)len : sizeof v);
	if (level == SOL_SOCKET && name == SO_REUSEADDR)
		s->reuseaddr = v;
	else if (level == SOL_SOCKET && name == SO_REUSEPORT)
		s->reuseport = v;
	else if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY)
		s->v6only = v;
	else if (level == IPPROTO_TCP && name == TCP_INQ)
		s->inq = v;
	else if ((level == IPPROTO_IP && name == IP_RECVERR) ||
		 (level == IPPROTO_IPV6 && name == IPV6_RECVERR))
		return true; /* errors are told without it */
	else
		return false;
	return true;
}

/* Is there such an option, and is its value one? */
static int validate(const struct sock_option *o)
{
	const struct same *m = find_same(o->level, o->name);
	int32_t v;

	if (m)
		return take_int(m, o->value, o->len, &v);
	if (is(o, SOL_SOCKET, SO_LINGER) || is(o, IPPROTO_TCP, TCP_CONGESTION))
		return 0;
	return is(o, SOL_SOCKET, SO_MAX_PACING_RATE) ? 0 : -ENOPROTOOPT;
}

static int set(struct drill *d, struct sock *s, int level, int name,
	       const void *value, socklen_t len)
{
	struct sock_option o = {.level = level, .name = name, .len = len};
	int e;

	if (!s)
		return -EBADF;
	if (!value && len)
		return -EFAULT;
	if (set_own(s, level, name, value, len))
		return 0;
	if (len > (socklen_t)sizeof o.value)
		return -EINVAL;
	memcpy(o.value, value, (size_t)len);
	e = validate(&o);
	if (e < 0)
		return e;
	if (s->kind == SOCK_CONN ||
	    (s->kind == SOCK_LISTENER && of_listener(&o))) {
		e = apply(d, s, &o);
		if (e < 0)
			return e;
		drill_step(d); /* some let something go */
	}
	return keep(s, &o);
}

int drill_setsockopt(void *u, int fd, int level, int name, const void *value,
		     socklen_t len)
{
	struct drill *d = drill_lock(u);

	drill_knobs(d);
	return (int)drill_done(d, set(d, drill_sock(d, fd), level, name, value,
				      len));
}

/* ---- get ---- */

static int give(const void *from, size_t size, void *value, socklen_t *len)
{
	*len = *len < size ? *len : (socklen_t)size;
	memcpy(value, from, *len);
	return 0;
}

static const struct sock_option *kept(const struct sock *s, int level, int name)
{
	for (int i = 0; i < s->options; i++)
		if (is(&s->option[i], level, name))
			return &s->option[i];
	return NULL;
}

static int get_same(struct drill *d, struct sock *s, const struct same *m,
		    void *value, socklen_t *len)
{
	const struct sock_option *o = kept(s, m->level, m->name);
	int32_t v = m->initial;
	int e;

	if (o)
		(void)take_int(m, o->value, o->len, &v);
	if (m->option == LULL_OPT_NOTSENT_LOWAT && o) /* as it was told */
		memcpy(&v, o->value, sizeof v);
	else if (s->kind == SOCK_CONN && m->option != LULL_OPT_DEFER_ACCEPT) {
		e = lull_sock_get(d->shard, s->sock, m->option, &v, sizeof v);
		if (e < 0)
			return e;
	}
	return give(&v, sizeof v, value, len);
}

static int get_info(struct drill *d, struct sock *s, void *value,
		    socklen_t *len)
{
	struct lull_tcp_info info = {0};
	int e;

	info.state =
		s->kind == SOCK_LISTENER ? LULL_TCP_LISTEN : LULL_TCP_CLOSED;
	e = s->kind == SOCK_CONN
		    ? lull_sock_get(d->shard, s->sock, LULL_OPT_INFO, &info,
				    sizeof info)
		    : 0;
	if (e < 0 && e != -ENOTCONN)
		return e;
	/* What newer systems tell besides is 0. */
	memset(value, 0, *len);
	memcpy(value, &info, *len < sizeof info ? *len : sizeof info);
	return 0;
}

static int get_memory(struct drill *d, struct sock *s, void *value,
		      socklen_t *len)
{
	struct lull_sock_info info = {.size = sizeof info};
	uint32_t m[SK_MEMINFO_VARS] = {0};

	if (s->kind != SOCK_CONN ||
	    lull_sock_info(d->shard, s->sock, &info) < 0)
		return give(m, sizeof m, value, len);
	m[SK_MEMINFO_RMEM_ALLOC] = info.rcv_queued;
	m[SK_MEMINFO_WMEM_QUEUED] = info.snd_queued;
	(void)!lull_sock_get(d->shard, s->sock, LULL_OPT_RCVBUF,
			     &m[SK_MEMINFO_RCVBUF], sizeof m[0]);
	(void)!lull_sock_get(d->shard, s->sock, LULL_OPT_SNDBUF,
			     &m[SK_MEMINFO_SNDBUF], sizeof m[0]);
	return give(m, sizeof m, value, len);
}

static int get_congestion(struct drill *d, struct sock *s, void *value,
			  socklen_t *len)
{
	const struct sock_option *o = kept(s, IPPROTO_TCP, TCP_CONGESTION);
	char name[LULL_CONGESTION_MAX] = {0};
	int e;

	if (s->kind != SOCK_NEW)
		e = lull_sock_get(d->shard, s->sock, LULL_OPT_CONGESTION, name,
				  sizeof name);
	else if (o)
		e = (memcpy(name, o->value, o->len < 15 ? o->len : 15), 0);
	else
		e = lull_sysctl_get(d->shard, "net.ipv4.tcp_congestion_control",
				    name, sizeof name);
	return e < 0 ? e : give(name, sizeof name, value, len);
}

static int get_linger(struct drill *d, struct sock *s, void *value,
		      socklen_t *len)
{
	const struct sock_option *o = kept(s, SOL_SOCKET, SO_LINGER);
	struct linger l = {0};

	(void)d;
	if (o)
		memcpy(&l, o->value, sizeof l);
	return give(&l, sizeof l, value, len);
}

/* What only our bookkeeping knows. */
static int get_own(struct sock *s, int level, int name, int *v)
{
	if (level == IPPROTO_TCP && name == TCP_INQ)
		*v = s->inq;
	else if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	else if (name == SO_TYPE)
		*v = SOCK_STREAM;
	else if (name == SO_DOMAIN)
		*v = s->domain;
	else if (name == SO_PROTOCOL)
		*v = IPPROTO_TCP;
	else if (name == SO_ACCEPTCONN)
		*v = s->kind == SOCK_LISTENER;
	else if (name == SO_REUSEADDR)
		*v = s->reuseaddr;
	else if (name == SO_REUSEPORT)
		*v = s->reuseport;
	else if (name == SO_ERROR)
		*v = s->error;
	else
		return -ENOPROTOOPT;
	return 0;
}

static int get(struct drill *d, struct sock *s, int level, int name,
	       void *value, socklen_t *len)
{
	static const struct {
		int level, name;
		int (*get)(struct drill *d, struct sock *s, void *value,
			   socklen_t *len);
	} others[] = {
		{IPPROTO_TCP, TCP_INFO, get_info},
		{IPPROTO_TCP, TCP_CONGESTION, get_congestion},
		{SOL_SOCKET, SO_MEMINFO, get_memory},
		{SOL_SOCKET, SO_LINGER, get_linger},
	};
	const struct same *m = find_same(level, name);
	int v, e;

	if (!s)
		return -EBADF;
	if (m)
		return get_same(d, s, m, value, len);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (others[i].level == level && others[i].name == name)
			return others[i].get(d, s, value, len);
	if (level == IPPROTO_TCP && name == TCP_CC_INFO) {
		*len = 0; /* CUBIC and Reno have nothing to tell */
		return 0;
	}
	e = get_own(s, level, name, &v);
	if (e < 0)
		return e;
	if (level == SOL_SOCKET && name == SO_ERROR) {
		s->dead |= v != 0;
		s->error = 0;
	}
	return give(&v, sizeof v, value, len);
}

int drill_getsockopt(void *u, int fd, int level, int name, void *value,
		     socklen_t *len)
{
	struct drill *d = drill_lock(u);

	return (int)drill_done(d, get(d, drill_sock(d, fd), level, name, value,
				      len));
}

/* ---- by libc's name ---- */

__attribute__((visibility("default"))) int getsockopt(int fd, int level,
						      int name,
						      void *restrict value,
						      socklen_t *restrict len)
{
	int (*libc)(int, int, int, void *, socklen_t *);
	struct drill *d = &drill_world;
	bool ours;

	pthread_mutex_lock(&d->lock);
	ours = d->shard && drill_sock(d, fd);
	pthread_mutex_unlock(&d->lock);
	if (ours)
		return drill_getsockopt(d, fd, level, name, value, len);
	*(void **)&libc = dlsym(RTLD_NEXT, "getsockopt");
	return libc(fd, level, name, value, len);
}
