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
#include <dlfcn.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "drill.h"

/* What is an int here and there. */
static const struct same {
	int level, name;
	enum lull_option option;
	int times; /* Linux keeps so many times what it is told */
} same[] = {
	{SOL_SOCKET, SO_KEEPALIVE, LULL_OPT_KEEPALIVE, 1},
	{SOL_SOCKET, SO_RCVBUF, LULL_OPT_RCVBUF, 2},
	{SOL_SOCKET, SO_SNDBUF, LULL_OPT_SNDBUF, 2},
	{SOL_TCP, TCP_NODELAY, LULL_OPT_NODELAY, 1},
	{SOL_TCP, TCP_KEEPIDLE, LULL_OPT_KEEPIDLE, 1},
	{SOL_TCP, TCP_KEEPINTVL, LULL_OPT_KEEPINTVL, 1},
	{SOL_TCP, TCP_KEEPCNT, LULL_OPT_KEEPCNT, 1},
	{SOL_TCP, TCP_LINGER2, LULL_OPT_LINGER2, 1},
	{SOL_TCP, TCP_USER_TIMEOUT, LULL_OPT_USER_TIMEOUT, 1},
	{IPPROTO_IP, IP_TOS, LULL_OPT_TOS, 1},
	{IPPROTO_IP, IP_TTL, LULL_OPT_TTL, 1},
	{IPPROTO_IPV6, IPV6_TCLASS, LULL_OPT_TOS, 1},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, LULL_OPT_TTL, 1},
};

static const struct same *find_same(int level, int name)
{
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
		if (same[i].level == level && same[i].name == name)
			return &same[i];
	return NULL;
}

/* ---- set ---- */

static int apply_same(struct drill *d, struct sock *s, const struct same *m,
		      const void *value, socklen_t len)
{
	int32_t v;

	if (len < (socklen_t)sizeof v)
		return -EINVAL;
	memcpy(&v, value, sizeof v);
	v *= m->times;
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

static int apply(struct drill *d, struct sock *s, const struct sock_option *o)
{
	const struct same *m = find_same(o->level, o->name);

	if (m)
		return apply_same(d, s, m, o->value, o->len);
	return apply_linger(d, s, o->value, o->len);
}

int drill_options_apply(struct drill *d, struct sock *s)
{
	int e = 0;

	for (int i = 0; i < s->options && s->kind == SOCK_CONN; i++)
		e = e ? e : apply(d, s, &s->option[i]);
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
	else if ((level == IPPROTO_IP && name == IP_RECVERR) ||
		 (level == IPPROTO_IPV6 && name == IPV6_RECVERR))
		return true; /* errors are told without it */
	else
		return false;
	return true;
}

static int set(struct drill *d, struct sock *s, int level, int name,
	       const void *value, socklen_t len)
{
	struct sock_option o = {.level = level, .name = name, .len = len};
	int e;

	if (!s)
		return -EBADF;
	if (set_own(s, level, name, value, len))
		return 0;
	if (!find_same(level, name) &&
	    !(level == SOL_SOCKET && name == SO_LINGER))
		return -ENOPROTOOPT;
	if (len > (socklen_t)sizeof o.value)
		return -EINVAL;
	memcpy(o.value, value, (size_t)len);
	if (s->kind == SOCK_CONN) {
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

static int get_same(struct drill *d, struct sock *s, const struct same *m,
		    void *value, socklen_t *len)
{
	int32_t v = 0;

	for (int i = 0; i < s->options; i++)
		if (s->option[i].level == m->level &&
		    s->option[i].name == m->name)
			memcpy(&v, s->option[i].value, sizeof v);
	v *= m->times;
	if (s->kind == SOCK_CONN) {
		int e = lull_sock_get(d->shard, s->sock, m->option, &v,
				      sizeof v);

		if (e < 0)
			return e;
	}
	return give(&v, sizeof v, value, len);
}

static int get(struct drill *d, struct sock *s, int level, int name,
	       void *value, socklen_t *len)
{
	const struct same *m = find_same(level, name);
	int v;

	if (!s)
		return -EBADF;
	if (m)
		return get_same(d, s, m, value, len);
	if (level == SOL_SOCKET && name == SO_ERROR) {
		v = s->error;
		s->dead |= v != 0;
		s->error = 0;
		return give(&v, sizeof v, value, len);
	}
	if (level == SOL_SOCKET && name == SO_TYPE) {
		v = SOCK_STREAM;
		return give(&v, sizeof v, value, len);
	}
	if (level == SOL_SOCKET && name == SO_REUSEADDR) {
		v = s->reuseaddr;
		return give(&v, sizeof v, value, len);
	}
	return -ENOPROTOOPT;
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
