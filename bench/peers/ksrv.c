/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ksrv.c: the server on kernel sockets: epoll, one thread. Speaks what all of
 * these servers speak: GET /, GET /bulk, PUT /sink. At SIGTERM it says what it
 * saw: connections, and those that a RST ended.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
static const char R[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
static uint8_t st[1100000];
static volatile sig_atomic_t ended;
static unsigned long conns, resets, fails;
static void on_term(int sig)
{
	ended = 1;
}
static void lost(int fd)
{
	if (errno == ECONNRESET || errno == EPIPE)
		resets++;
	else
		fails++;
	close(fd);
}
int main(int ac, char **av)
{
	int port = ac > 1 ? atoi(av[1]) : 80;
	struct rlimit rl = {1048576, 1048576};
	setrlimit(RLIMIT_NOFILE, &rl);
	signal(SIGTERM, on_term);
	signal(SIGPIPE, SIG_IGN);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	if (bind(l, (void *)&a, sizeof a) || listen(l, 4096)) {
		perror("bind");
		return 1;
	}
	int ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN, .data.fd = l}, ev[256];
	epoll_ctl(ep, EPOLL_CTL_ADD, l, &e);
	char *b = malloc(1 << 20);
	char *z = calloc(1, 65536);
	while (!ended) {
		int n = epoll_wait(ep, ev, 256, -1);
		for (int i = 0; i < n; i++) {
			int fd = ev[i].data.fd;
			if (fd == l) {
				for (int k = 0; k < 64; k++) {
					int c = accept4(l, 0, 0, SOCK_NONBLOCK);
					if (c < 0)
						break;
					setsockopt(c, IPPROTO_TCP, TCP_NODELAY,
						   &one, sizeof one);
					conns++;
					st[c] = 0;
					e.events = EPOLLIN;
					e.data.fd = c;
					epoll_ctl(ep, EPOLL_CTL_ADD, c, &e);
				}
				continue;
			}
			if (st[fd] == 2) {
				for (int k = 0; k < 16; k++) {
					int r = write(fd, z, 65536);
					if (r < 0) {
						if (errno != EAGAIN)
							close(fd);
						break;
					}
				}
				continue;
			}
			int r = read(fd, b, 65536);
			if (r <= 0) {
				if (r < 0 && errno == EAGAIN)
					continue;
				if (r < 0)
					lost(fd);
				else
					close(fd);
				continue;
			}
			if (st[fd] == 1)
				continue;
			if (r > 8 && !memcmp(b, "PUT /sin", 8)) {
				st[fd] = 1;
				continue;
			}
			if (r > 8 && !memcmp(b, "GET /bul", 8)) {
				st[fd] = 2;
				e.events = EPOLLOUT;
				e.data.fd = fd;
				epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
				continue;
			}
			if (write(fd, R, sizeof R - 1) < 0) {
				lost(fd);
				continue;
			}
			if (memmem(b, r, "Connection: close", 17))
				close(fd);
		}
	}
	printf("{\"conns\":%lu,\"resets\":%lu,\"fails\":%lu}\n", conns, resets,
	       fails);
	return 0;
}
