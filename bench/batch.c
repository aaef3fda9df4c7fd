/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * batch.c: many frames of a TUN device: one readv(2) or writev(2) for each, or
 * batches of 32 by io_uring. What a frame costs, in ns of this thread's CPU:
 * the least of the rounds. It decides how host/tun.c does it. Root.
 *
 *	cc -O2 -o batch bench/batch.c && ./batch
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	FRAMES = 4096,
	BATCH = 32,
	ROUNDS = 15,
	ROOM = 2048,
};

static int tun, ring_fd;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;
static unsigned *sq_tail, *sq_array, sq_mask, *cq_head, *cq_tail, cq_mask;
static uint8_t room[BATCH][ROOM];
static struct virtio_net_hdr hdr[BATCH];
static struct iovec iov[BATCH][2];

static void die(const char *what)
{
	perror(what);
	exit(3);
}

static void open_ring(void)
{
	struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER |
					     IORING_SETUP_DEFER_TASKRUN};
	uint8_t *at;

	ring_fd = (int)syscall(SYS_io_uring_setup, BATCH, &p);
	if (ring_fd < 0)
		die("io_uring_setup");
	at = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, ring_fd, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, BATCH * sizeof *sqes, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, ring_fd, IORING_OFF_SQES);
	if (at == MAP_FAILED || sqes == MAP_FAILED ||
	    !(p.features & IORING_FEAT_SINGLE_MMAP))
		die("mmap");
	sq_tail = (void *)(at + p.sq_off.tail);
	sq_array = (void *)(at + p.sq_off.array);
	sq_mask = *(unsigned *)(void *)(at + p.sq_off.ring_mask);
	cq_head = (void *)(at + p.cq_off.head);
	cq_tail = (void *)(at + p.cq_off.tail);
	cq_mask = *(unsigned *)(void *)(at + p.cq_off.ring_mask);
	cqes = (void *)(at + p.cq_off.cqes);
	if (syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_FILES, &tun,
		    1) < 0)
		die("register");
}

/* BATCH of them in one call. Returns how many moved a frame. */
static int ring_batch(int op)
{
	int done = 0;

	for (unsigned i = 0; i < BATCH; i++) {
		unsigned at = (*sq_tail + i) & sq_mask;

		sqes[at] = (struct io_uring_sqe){
			.opcode = (uint8_t)op,
			.flags = IOSQE_FIXED_FILE,
			.fd = 0,
			.addr = (uintptr_t)iov[i],
			.len = 2,
			.rw_flags = RWF_NOWAIT * (op == IORING_OP_READV),
		};
		sq_array[at] = at;
	}
	atomic_store_explicit((_Atomic unsigned *)sq_tail, *sq_tail + BATCH,
			      memory_order_release);
	if (syscall(SYS_io_uring_enter, ring_fd, BATCH, BATCH,
		    IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		die("enter");
	while (*cq_head != atomic_load_explicit((_Atomic unsigned *)cq_tail,
						memory_order_acquire)) {
		done += cqes[*cq_head & cq_mask].res > 0;
		atomic_store_explicit((_Atomic unsigned *)cq_head, *cq_head + 1,
				      memory_order_release);
	}
	return done;
}

static int call_batch(int op)
{
	for (int i = 0; i < BATCH; i++)
		if ((op == IORING_OP_READV ? readv(tun, iov[i], 2)
					   : writev(tun, iov[i], 2)) <= 0)
			return i;
	return BATCH;
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void open_tun(void)
{
	struct ifreq req = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};

	if (unshare(CLONE_NEWNET) < 0)
		die("a network namespace");
	tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	strcpy(req.ifr_name, "b0");
	if (tun < 0 || ioctl(tun, TUNSETIFF, &req) < 0)
		die("a TUN device");
	if (system("ip link set b0 txqueuelen 10000; ip addr add "
		   "10.79.0.1/24 dev b0; ip link set b0 up"))
		die("ip");
}

static void fill_queue(size_t len)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	static const uint8_t text[1472];
	int s = socket(AF_INET, SOCK_DGRAM, 0), size = 64 << 20;

	to.sin_addr.s_addr = inet_addr("10.79.0.2");
	(void)setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	for (int i = 0; i < FRAMES; i++)
		(void)sendto(s, text, len, 0, (void *)&to, sizeof to);
	close(s);
}

/* A protocol that nobody has, for an address of the kernel's. */
static void fill_frames(size_t len)
{
	static const uint8_t head[20] = {0x45, 0, 0,  0,  0, 0, 0,  0,	64, 253,
					 0,    0, 10, 79, 0, 2, 10, 79, 0,  1};

	for (int i = 0; i < BATCH; i++) {
		uint32_t sum = 0;

		memcpy(room[i], head, sizeof head);
		room[i][2] = (uint8_t)(len >> 8);
		room[i][3] = (uint8_t)len;
		for (int k = 0; k < 20; k += 2)
			sum += (uint32_t)room[i][k] << 8 | room[i][k + 1];
		sum = ~((sum & 0xffff) + (sum >> 16));
		room[i][10] = (uint8_t)(sum >> 8);
		room[i][11] = (uint8_t)sum;
		memset(&hdr[i], 0, sizeof hdr[i]);
	}
}

static double measure(int op, size_t len, int (*batch)(int op))
{
	double least = 1e9;

	for (int r = 0; r < ROUNDS; r++) {
		int n = 0, k;
		double ns;

		for (int i = 0; i < BATCH; i++) {
			iov[i][0] = (struct iovec){&hdr[i], sizeof hdr[i]};
			iov[i][1] = (struct iovec){
				room[i], op == IORING_OP_READV ? ROOM : len};
		}
		if (op == IORING_OP_READV)
			fill_queue(len - 28);
		else
			fill_frames(len);
		ns = cpu_ns();
		while (n < FRAMES && (k = batch(op)) > 0)
			n += k;
		ns = (cpu_ns() - ns) / (n ? n : 1);
		if (n > FRAMES / 2 && ns < least)
			least = ns;
	}
	return least;
}

int main(void)
{
	static const struct {
		const char *what;
		int op;
		size_t len;
	} t[] = {
		{"read", IORING_OP_READV, 60},
		{"read", IORING_OP_READV, 1500},
		{"write", IORING_OP_WRITEV, 60},
		{"write", IORING_OP_WRITEV, 1500},
	};

	open_tun();
	open_ring();
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
		printf("%s of %4zu bytes: a call each %4.0f ns, io_uring %4.0f "
		       "ns\n",
		       t[i].what, t[i].len,
		       measure(t[i].op, t[i].len, call_batch),
		       measure(t[i].op, t[i].len, ring_batch));
	return 0;
}
