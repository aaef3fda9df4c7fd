/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwipsrv.c: the server on lwIP's raw API, over TAP; the library as Debian
 * builds it (NO_SYS=0, core locking, MEMP_MEM_MALLOC). SIGUSR1 prints how many
 * connections it holds.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>
#include <lwip/timeouts.h>
#include <lwip/etharp.h>
#include <lwip/priv/tcp_priv.h>
#include <netif/ethernet.h>
static int tap;
static unsigned long rxp, txp, txdrop;
static const char R[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
static char Z[65536];
static err_t lo(struct netif *n, struct pbuf *p)
{
	static char b[2048];
	(void)n;
	int l;
	void *d;
	if (!p->next) {
		d = p->payload;
		l = p->len;
	} else {
		l = pbuf_copy_partial(p, b, sizeof b, 0);
		d = b;
	}
	if (write(tap, d, l) != l) {
		txdrop++;
		return ERR_IF;
	}
	txp++;
	return ERR_OK;
}
static err_t nif_init(struct netif *n)
{
	n->name[0] = 't';
	n->name[1] = 'p';
	n->output = etharp_output;
	n->linkoutput = lo;
	n->mtu = 1500;
	n->hwaddr_len = 6;
	memcpy(n->hwaddr, "\x02\0\0\0\0\x02", 6);
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
		   NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
	return ERR_OK;
}
static err_t fill(struct tcp_pcb *t)
{
	while (1) {
		u16_t s = tcp_sndbuf(t);
		if (s < 1460 || tcp_sndqueuelen(t) > TCP_SND_QUEUELEN - 20)
			break;
		if (s > 16384)
			s = 16384;
		if (tcp_write(t, Z, s, 0) != ERR_OK)
			break;
	}
	tcp_output(t);
	return ERR_OK;
}
static err_t on_sent(void *a, struct tcp_pcb *t, u16_t l)
{
	(void)l;
	if (a == (void *)2)
		fill(t);
	return ERR_OK;
}
static err_t on_recv(void *a, struct tcp_pcb *t, struct pbuf *p, err_t e)
{
	(void)e;
	if (!p) {
		tcp_arg(t, 0);
		tcp_recv(t, 0);
		tcp_sent(t, 0);
		if (tcp_close(t) != ERR_OK)
			tcp_abort(t);
		else
			return ERR_OK;
		return ERR_ABRT;
	}
	tcp_recved(t, p->tot_len);
	if (a == (void *)1) {
		pbuf_free(p);
		return ERR_OK;
	}
	char b[256];
	int n = pbuf_copy_partial(p, b, sizeof b, 0);
	pbuf_free(p);
	if (n > 8 && !memcmp(b, "PUT /sin", 8)) {
		tcp_arg(t, (void *)1);
		return ERR_OK;
	}
	if (n > 8 && !memcmp(b, "GET /bul", 8)) {
		tcp_arg(t, (void *)2);
		tcp_sent(t, on_sent);
		return fill(t);
	}
	int cl = memmem(b, n, "Connection: close", 17) != 0;
	tcp_write(t, R, sizeof R - 1, 0);
	if (cl) {
		tcp_arg(t, 0); /* keep recv to consume peer FIN */
		if (tcp_close(t) != ERR_OK) {
			tcp_abort(t);
			return ERR_ABRT;
		}
	} else
		tcp_output(t);
	return ERR_OK;
}
static void on_err(void *a, err_t e)
{
	(void)a;
	(void)e;
}
static err_t on_acc(void *a, struct tcp_pcb *t, err_t e)
{
	(void)a;
	if (e != ERR_OK || !t)
		return ERR_VAL;
	tcp_nagle_disable(t);
	tcp_arg(t, 0);
	tcp_recv(t, on_recv);
	tcp_err(t, on_err);
	return ERR_OK;
}
static void stats(int s)
{
	(void)s;
	unsigned tw = 0, ac = 0;
	for (struct tcp_pcb *p = tcp_tw_pcbs; p; p = p->next)
		tw++;
	for (struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
		ac++;
	fprintf(stderr,
		"tw=%u active=%u rx=%lu tx=%lu txdrop=%lu sizeof(tcp_pcb)=%zu\n",
		tw, ac, rxp, txp, txdrop, sizeof(struct tcp_pcb));
}
static volatile int want;
static void sg(int s)
{
	(void)s;
	want = 1;
}
#define LK()  LOCK_TCPIP_CORE()
#define ULK() UNLOCK_TCPIP_CORE()
int main(int ac, char **av)
{
	const char *dev = ac > 1 ? av[1] : "tapL";
	const char *ip = ac > 2 ? av[2] : "10.9.1.2",
		   *gw = ac > 3 ? av[3] : "10.9.1.1";
	signal(SIGUSR1, sg);
	signal(SIGPIPE, SIG_IGN);
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	struct ifreq r;
	memset(&r, 0, sizeof r);
	r.ifr_flags = IFF_TAP | IFF_NO_PI;
	strcpy(r.ifr_name, dev);
	if (ioctl(tap, TUNSETIFF, &r)) {
		perror("tun");
		return 1;
	}
	char cmd[256];
	sprintf(cmd,
		"ip addr add %s/24 dev %s; ip link set %s up txqueuelen 10000",
		gw, dev, dev);
	if (system(cmd))
		return 1;
	tcpip_init(0, 0);
	static struct netif n;
	ip4_addr_t a, m, g;
	ip4addr_aton(ip, &a);
	ip4addr_aton("255.255.255.0", &m);
	ip4addr_aton(gw, &g);
	LK();
	netif_add(&n, &a, &m, &g, 0, nif_init, ethernet_input);
	netif_set_default(&n);
	netif_set_up(&n);
	netif_set_link_up(&n);
	struct tcp_pcb *l = tcp_new();
	tcp_bind(l, IP_ADDR_ANY, 80);
	l = tcp_listen_with_backlog(l, 255);
	tcp_accept(l, on_acc);
	ULK();
	stats(0);
	fflush(stderr);
	static char b[2048];
	for (;;) {
		struct pollfd pf = {tap, POLLIN, 0};
		poll(&pf, 1, 50);
		LK();
		for (int k = 0; k < 64; k++) {
			int s = read(tap, b, sizeof b);
			if (s <= 0)
				break;
			rxp++;
			struct pbuf *p = pbuf_alloc(PBUF_RAW, s, PBUF_RAM);
			if (!p)
				continue;
			memcpy(p->payload, b, s);
			if (n.input(p, &n) != ERR_OK)
				pbuf_free(p);
		}
		if (want) {
			want = 0;
			stats(0);
		}
		ULK();
	}
}
