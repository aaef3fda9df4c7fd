/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fill_kernel.c: TIME_WAITs in the kernel of this network namespace, as many as
 * told, spread over destinations of 127.0.0.0/8; for bench/ss.sh.
 *
 * One process has both ends, and opens and closes one connection at a time: the
 * loopback device does all of it within the calls.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PORT = 8080,
	EACH = 8000, /* of a destination: more would search long for a port */
	MOST = 1000000,
};

static int fail(const char *what)
{
	fprintf(stderr, "fill_kernel: %s: %s\n", what, strerror(errno));
	return 3;
}

static struct sockaddr_in address(uint32_t i)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i / EACH),
	};
}

static int listener(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET,
					.sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (const void *)&any, sizeof any) < 0 ||
	    listen(fd, 8) < 0)
		return -1;
	return fd;
}

/* The end that connects closes first. */
static int one(int server, uint32_t i)
{
	const struct sockaddr_in to = address(i);
	int fd = socket(AF_INET, SOCK_STREAM, 0), accepted;

	if (fd < 0 || connect(fd, (const void *)&to, sizeof to) < 0)
		return -1;
	accepted = accept(server, NULL, NULL);
	if (accepted < 0)
		return -1;
	close(fd);
	close(accepted);
	return 0;
}

int main(int argc, char **argv)
{
	long n = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	int server;

	if (n < 1 || n > MOST) {
		fprintf(stderr, "usage: fill_kernel COUNT, at most %d\n", MOST);
		return 64;
	}
	server = listener();
	if (server < 0)
		return fail("a listener");
	for (long i = 0; i < n; i++)
		if (one(server, (uint32_t)i) < 0)
			return fail("a connection");
	return 0;
}
