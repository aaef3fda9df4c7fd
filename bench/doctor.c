// SPDX-License-Identifier: BSD-2-Clause
/*
 * doctor.c: a busy host for doctor.sh: so many TIME_WAITs, open connections and
 * processes, in the network namespace it is started in. Prints "ready", and
 * stays until its standard input ends.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PORTS = 16,
	FIRST = 500, /* below the range */
	FDS = 10,    /* of each process */
};

static void fail(const char *what)
{
	perror(what);
	exit(3);
}

static struct sockaddr_in at(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Both ends open; or closed, the client's first. */
static void make_connection(const int *listener, int i, int keep)
{
	struct sockaddr_in to = at(FIRST + i % PORTS);
	int c = socket(AF_INET, SOCK_STREAM, 0), s;

	if (c < 0 || connect(c, (struct sockaddr *)&to, sizeof to) < 0)
		fail("connect");
	s = accept(listener[i % PORTS], NULL, NULL);
	if (s < 0)
		fail("accept");
	if (keep)
		return;
	close(c);
	close(s);
}

/* One process, with its share of the connections. */
static void live(const int *listener, int pairs, int done)
{
	for (int i = 0; i < FDS; i++)
		if (socket(AF_UNIX, SOCK_STREAM, 0) < 0)
			fail("socket");
	for (int i = 0; i < pairs; i++)
		make_connection(listener, i, 1);
	for (int i = 0; i < PORTS; i++)
		close(listener[i]);
	if (write(done, "", 1) != 1)
		fail("write");
	for (;;)
		pause();
}

static void make_processes(const int *listener, int n, int pairs)
{
	pid_t parent = getpid();
	int done[2];
	char byte;

	if (pipe(done) < 0)
		fail("pipe");
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		live(listener, pairs / n + (i < pairs % n), done[1]);
	}
	close(done[1]);
	for (int i = 0; i < n; i++)
		if (read(done[0], &byte, 1) != 1)
			fail("a process");
}

int main(int argc, char **argv)
{
	int listener[PORTS];
	int tw = argc > 1 ? atoi(argv[1]) : 0;
	int pairs = argc > 2 ? atoi(argv[2]) : 0;

	for (int i = 0; i < PORTS; i++) {
		struct sockaddr_in here = at(FIRST + i);

		listener[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(listener[i], (struct sockaddr *)&here, sizeof here) <
			    0 ||
		    listen(listener[i], 4096) < 0)
			fail("listen");
	}
	make_processes(listener, argc > 3 ? atoi(argv[3]) : 0, pairs);
	for (int i = 0; i < tw; i++)
		make_connection(listener, i, 0);
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		continue;
	return 0;
}
