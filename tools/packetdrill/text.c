/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.c: the system calls that read and write.
 *
 * A large write is queued in the pieces that Linux makes of it, each with a
 * chance to leave before the next: what a full buffer takes depends on it.
 *
 * Entry points: drill_text_calls, drill_is_writable.
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "drill.h"

enum {
	IOV_MAX_TAKEN = 64,
};

/* ---- reading ---- */

static bool may_read(void *arg)
{
	const struct asked *a = arg;
	struct lull_sock_info info;

	return a->s->kind != SOCK_CONN || a->s->error || a->s->eof ||
	       a->s->dead || !drill_info(a->d, a->s, &info) ||
	       info.rcv_queued > 0 || info.state == LULL_TCP_CLOSED;
}

/* With MSG_TRUNC the bytes go nowhere. */
static long take_some(struct drill *d, struct sock *s, uint8_t *buf, size_t len,
		      int flags)
{
	int core = (flags & MSG_PEEK ? LULL_MSG_PEEK : 0) |
		   (flags & MSG_OOB ? LULL_MSG_OOB : 0);
	uint8_t *nowhere = NULL;
	long n;

	if (flags & MSG_TRUNC)
		buf = nowhere = malloc(len ? len : 1);
	if (!buf && len) /* only what has come is copied */
		return may_read(&(struct asked){d, s}) ? -EFAULT : -EAGAIN;
	n = lull_sock_recv_flags(d->shard, s->sock, buf, len, core);
	free(nowhere);
	return n;
}

static long receive(struct drill *d, struct sock *s, uint8_t *buf, size_t len,
		    int flags)
{
	bool blocks = s && !s->nonblock && !(flags & MSG_DONTWAIT);
	struct asked a = {d, s};
	size_t done = 0;

	if (!s)
		return -EBADF;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (s->kind != SOCK_CONN)
		return -ENOTCONN;
	for (;;) {
		long n = s->dead ? 0
				 : take_some(d, s, buf + done, len - done,
					     flags);

		if (n == -EAGAIN && flags & MSG_OOB)
			return n; /* it never blocks */
		if (n > 0)
			done += (size_t)n;
		/* What the program reads may open the window. */
		if (n > 0)
			drill_step(d);
		if (n == 0 || done == len ||
		    (done > 0 && (!(flags & MSG_WAITALL) || flags & MSG_PEEK)))
			return (long)done;
		if (n < 0 && n != -EAGAIN) {
			if (done > 0)
				return (long)done;
			if (n == -EFAULT || n == -EINVAL)
				return n;
			return s->error ? drill_take_error(s) : 0;
		}
		if (n == -EAGAIN &&
		    drill_wait(d, may_read, &a, blocks ? FOR_EVER : 0) < 0)
			return done ? (long)done : -EAGAIN;
		if (n == -EAGAIN && !blocks)
			return -EAGAIN;
	}
}

static ssize_t call_recv(void *u, int fd, void *buf, size_t len, int flags)
{
	struct drill *d = drill_lock(u);

	return drill_done(d, receive(d, drill_sock(d, fd), buf, len, flags));
}

static ssize_t call_read(void *u, int fd, void *buf, size_t len)
{
	return call_recv(u, fd, buf, len, 0);
}

static ssize_t call_recvfrom(void *u, int fd, void *buf, size_t len, int flags,
			     struct sockaddr *addr, socklen_t *addr_len)
{
	(void)addr;
	if (addr_len)
		*addr_len = 0; /* of a stream nothing is said */
	return call_recv(u, fd, buf, len, flags);
}

static ssize_t receive_iov(void *u, int fd, const struct iovec *iov, size_t n,
			   int flags)
{
	size_t len = 0, at = 0;
	uint8_t *all;
	ssize_t got;

	for (size_t i = 0; i < n; i++)
		len += iov[i].iov_len;
	all = malloc(len ? len : 1);
	if (!all) {
		errno = ENOMEM;
		return -1;
	}
	got = call_recv(u, fd, all, len, flags);
	for (size_t i = 0; i < n && got > 0 && at < (size_t)got; i++) {
		size_t k = (size_t)got - at < iov[i].iov_len ? (size_t)got - at
							     : iov[i].iov_len;

		if (!(flags & MSG_TRUNC))
			memcpy(iov[i].iov_base, all + at, k);
		at += k;
	}
	free(all);
	return got;
}

static ssize_t call_readv(void *u, int fd, const struct iovec *iov, int n)
{
	return receive_iov(u, fd, iov, (size_t)n, 0);
}

/* TCP_CM_INQ: what is left to read; 1 when it is the end of file. */
static void tell_inq(struct drill *d, int fd, struct msghdr *msg)
{
	const struct sock *s = drill_sock(d, fd);
	socklen_t room = (socklen_t)msg->msg_controllen;
	struct lull_sock_info info;
	struct cmsghdr *c = msg->msg_control;
	int left;

	msg->msg_controllen = 0;
	if (!s || !s->inq || !c || !drill_info(d, s, &info))
		return;
	if (room < CMSG_SPACE(sizeof left)) {
		msg->msg_flags |= MSG_CTRUNC;
		return;
	}
	left = info.rcv_queued ? (int)info.rcv_queued : s->eof;
	*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof left),
			      .cmsg_level = IPPROTO_TCP,
			      .cmsg_type = TCP_CM_INQ};
	memcpy(CMSG_DATA(c), &left, sizeof left);
	msg->msg_controllen = CMSG_SPACE(sizeof left);
}

static ssize_t call_recvmsg(void *u, int fd, struct msghdr *msg, int flags)
{
	ssize_t n = receive_iov(u, fd, msg->msg_iov, msg->msg_iovlen, flags);
	int e = errno;

	msg->msg_namelen = 0;
	msg->msg_flags = 0;
	if (n >= 0) {
		tell_inq(drill_lock(u), fd, msg);
		drill_done(u, 0);
	} else {
		msg->msg_controllen = 0;
	}
	errno = e;
	return n;
}

/* ---- writing ---- */

static uint64_t lowat_of_all(const struct drill *d)
{
	char text[32];

	if (lull_sysctl_get(d->shard, "net.ipv4.tcp_notsent_lowat", text,
			    sizeof text) < 0)
		return UINT32_MAX;
	return strtoull(text, NULL, 10);
}

/* sk_stream_is_writeable(): a third is free, and half of the low mark. */
bool drill_is_writable(struct drill *d, const struct sock *s,
		       const struct lull_sock_info *info)
{
	int32_t sndbuf = 0, lowat = 0;
	struct lull_tcp_info tcp;
	uint64_t mark;

	if (lull_sock_get(d->shard, s->sock, LULL_OPT_SNDBUF, &sndbuf,
			  sizeof sndbuf) < 0 ||
	    lull_sock_get(d->shard, s->sock, LULL_OPT_NOTSENT_LOWAT, &lowat,
			  sizeof lowat) < 0 ||
	    lull_sock_get(d->shard, s->sock, LULL_OPT_INFO, &tcp, sizeof tcp) <
		    0)
		return info->snd_room > 0;
	mark = lowat ? (uint32_t)lowat : lowat_of_all(d);
	return info->snd_room > 0 &&
	       (uint64_t)info->snd_queued * 3 <= (uint64_t)sndbuf * 2 &&
	       (uint64_t)tcp.notsent_bytes * 2 < mark;
}

static bool may_write(void *arg)
{
	const struct asked *a = arg;
	struct lull_sock_info info;

	return a->s->kind != SOCK_CONN || a->s->error || a->s->dead ||
	       !drill_info(a->d, a->s, &info) ||
	       (a->s->connected && drill_is_writable(a->d, a->s, &info));
}

/*
 * What makes one large packet at most, so that it can go before the rest is
 * queued, as in Linux; MSG_MORE is said of what is not the last.
 */
static long send_piece(struct drill *d, struct sock *s,
		       const struct lull_span *from, int n, int flags)
{
	struct lull_span spans[IOV_MAX_TAKEN];
	struct lull_tcp_info info;
	uint32_t most, room;
	bool all = true;
	int k = 0;

	if (lull_sock_get(d->shard, s->sock, LULL_OPT_INFO, &info,
			  sizeof info) < 0 ||
	    !info.snd_mss || n > IOV_MAX_TAKEN)
		return lull_sock_send(d->shard, s->sock, from, n, flags);
	most = info.snd_wnd / 2 < DRILL_PACKET_MAX ? info.snd_wnd / 2
						   : DRILL_PACKET_MAX;
	most = most > info.snd_mss ? most - most % info.snd_mss : info.snd_mss;
	room = most - info.notsent_bytes % most;
	for (; k < n && room > 0; k++) {
		spans[k] = from[k];
		if (spans[k].len > room) {
			spans[k].len = room;
			all = false;
		}
		room -= (uint32_t)spans[k].len;
	}
	if (k < n || !all)
		flags = (flags & ~LULL_MSG_EOR) | LULL_MSG_MORE;
	return lull_sock_send(d->shard, s->sock, spans, k, flags);
}

static long transmit(struct drill *d, struct sock *s, const struct iovec *iov,
		     int n, int flags)
{
	bool blocks = s && !s->nonblock && !(flags & MSG_DONTWAIT);
	struct lull_span spans[IOV_MAX_TAKEN];
	struct asked a = {d, s};
	size_t len = 0, done = 0;
	int core = (flags & MSG_MORE ? LULL_MSG_MORE : 0) |
		   (flags & MSG_OOB ? LULL_MSG_OOB : 0) |
		   (flags & MSG_EOR ? LULL_MSG_EOR : 0);

	if (!s)
		return -EBADF;
	if (s->kind != SOCK_CONN || s->dead)
		return -EPIPE;
	if (flags & MSG_FASTOPEN)
		return -EOPNOTSUPP;
	if (n > IOV_MAX_TAKEN)
		return -EMSGSIZE;
	for (int i = 0; i < n; i++) {
		if (!iov[i].iov_base && iov[i].iov_len)
			return -EFAULT;
		spans[i] = (struct lull_span){iov[i].iov_base, iov[i].iov_len};
		len += iov[i].iov_len;
	}
	while (done < len) {
		long k;
		int from = 0;

		while (spans[from].len == 0)
			from++;
		k = send_piece(d, s, spans + from, n - from, core);
		if (k < 0 && k != -EAGAIN) {
			if (done > 0)
				return (long)done;
			return s->error ? drill_take_error(s)
					: (s->dead ? -EPIPE : k);
		}
		if (k > 0) {
			done += (size_t)k;
			drill_step(d);
		}
		for (; k > 0; from++) {
			size_t cut = spans[from].len < (size_t)k
					     ? spans[from].len
					     : (size_t)k;

			spans[from].ptr = (uint8_t *)spans[from].ptr + cut;
			spans[from].len -= cut;
			k -= (long)cut;
			if (spans[from].len > 0)
				break;
		}
		if (done == len)
			break;
		if (k == -EAGAIN &&
		    (!blocks || drill_wait(d, may_write, &a, FOR_EVER) < 0))
			return done ? (long)done : -EAGAIN;
	}
	return (long)done;
}

static ssize_t send_iov(void *u, int fd, const struct iovec *iov, int n,
			int flags)
{
	struct drill *d = drill_lock(u);

	return drill_done(d, transmit(d, drill_sock(d, fd), iov, n, flags));
}

static ssize_t call_send(void *u, int fd, const void *buf, size_t len,
			 int flags)
{
	const struct iovec iov = {(void *)(uintptr_t)buf, len};

	return send_iov(u, fd, &iov, 1, flags);
}

static ssize_t call_write(void *u, int fd, const void *buf, size_t len)
{
	return call_send(u, fd, buf, len, 0);
}

static ssize_t call_writev(void *u, int fd, const struct iovec *iov, int n)
{
	return send_iov(u, fd, iov, n, 0);
}

static ssize_t call_sendto(void *u, int fd, const void *buf, size_t len,
			   int flags, const struct sockaddr *addr,
			   socklen_t addr_len)
{
	(void)addr;
	(void)addr_len;
	return call_send(u, fd, buf, len, flags);
}

static ssize_t call_sendmsg(void *u, int fd, const struct msghdr *msg,
			    int flags)
{
	return send_iov(u, fd, msg->msg_iov, (int)msg->msg_iovlen, flags);
}

void drill_text_calls(struct packetdrill_interface *ifc)
{
	ifc->read = call_read;
	ifc->readv = call_readv;
	ifc->recv = call_recv;
	ifc->recvfrom = call_recvfrom;
	ifc->recvmsg = call_recvmsg;
	ifc->write = call_write;
	ifc->writev = call_writev;
	ifc->send = call_send;
	ifc->sendto = call_sendto;
	ifc->sendmsg = call_sendmsg;
}
