/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pcapng.c: what is written is a pcapng file: read back block by block,
 * and by tshark.
 */
#define _GNU_SOURCE /* memfd_create(2) */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <lull/host.h>

#include "../unit/test.h"

/* A file in memory: nothing is left of it, however this program ends. */
static char path[64];

/* An ICMP echo request from 10.9.3.1 to 10.9.3.2, with 3 bytes of data. */
static uint8_t ping[31] = "\x45\0\0\x1f\0\1\0\0\x40\1\x60\xc9" /* IP */
			  "\x0a\x09\3\1\x0a\x09\3\2"
			  "\x08\0\x33\x9b\0\1\0\1" /* ICMP */
			  "abc";

static const struct lull_frame inbound = {
	.len = sizeof ping,
	.spans = 1,
	/* A receive buffer is longer than the frame in it. */
	.span = {{ping, 2048}},
};

static const struct lull_frame outbound = {
	.len = sizeof ping,
	.spans = 3,
	.span = {{ping, 20}, {ping + 20, 8}, {ping + 28, 3}},
};

static size_t slurp(uint8_t *bytes, size_t room)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, bytes, room);
	assert_true(n >= 0 && (size_t)n < room);
	close(fd);
	return (size_t)n;
}

static uint32_t word(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, 4);
	return v;
}

static uint16_t half(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, 2);
	return v;
}

/* A whole block of this type begins here; returns where the next one does. */
static const uint8_t *block(const uint8_t *at, const uint8_t *end,
			    uint32_t type)
{
	uint32_t len;

	assert_true(end - at >= 12);
	assert_int_equal(word(at), type);
	len = word(at + 4);
	assert_true(len >= 12 && len % 4 == 0 && len <= (size_t)(end - at));
	assert_int_equal(word(at + len - 4), len);
	return at + len;
}

static void check_heads(const uint8_t **at, const uint8_t *end)
{
	const uint8_t *b = *at, *next = block(b, end, 0x0a0d0d0a);

	assert_int_equal(word(b + 8), 0x1a2b3c4d);
	assert_int_equal(half(b + 12), 1);
	assert_int_equal(half(b + 14), 0);
	assert_memory_equal(b + 16, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	b = next;
	next = block(b, end, 1);
	assert_int_equal(half(b + 8), 101); /* LINKTYPE_RAW */
	assert_int_equal(half(b + 16), 9);  /* if_tsresol */
	assert_int_equal(half(b + 18), 1);
	assert_int_equal(b[20], 9); /* 10^-9 s */
	assert_int_equal(word(b + 24), 0);
	*at = next;
}

static uint64_t check_packet(const uint8_t **at, const uint8_t *end,
			     uint32_t direction)
{
	const uint8_t *b = *at, *option = b + 28 + 32;

	*at = block(b, end, 6);
	assert_int_equal(word(b + 8), 0); /* the interface */
	assert_int_equal(word(b + 20), sizeof ping);
	assert_int_equal(word(b + 24), sizeof ping);
	assert_memory_equal(b + 28, ping, sizeof ping);
	assert_int_equal(b[28 + 31], 0);   /* padding */
	assert_int_equal(half(option), 2); /* epb_flags */
	assert_int_equal(half(option + 2), 4);
	assert_int_equal(word(option + 4), direction);
	assert_int_equal(word(option + 8), 0);
	return (uint64_t)word(b + 12) << 32 | word(b + 16);
}

static void blocks_read_back(void **state)
{
	static uint8_t bytes[4096];
	const uint8_t *at = bytes, *end;
	struct lull_pcap *pcap;

	assert_int_equal(lull_pcap_create(&pcap, path, LULL_LINK_IP), 0);
	lull_pcap_write(pcap, 0x123456789abcdef0, true, &inbound);
	lull_pcap_write(pcap, 0x123456789abcdef1, false, &outbound);
	assert_int_equal(lull_pcap_destroy(pcap), 0);
	end = bytes + slurp(bytes, sizeof bytes);
	check_heads(&at, end);
	assert_true(check_packet(&at, end, 1) == 0x123456789abcdef0);
	assert_true(check_packet(&at, end, 2) == 0x123456789abcdef1);
	assert_ptr_equal(at, end);
}

/* A reader must know where packets begin. */
static void frames_of_ethernet_are_marked_so(void **state)
{
	static uint8_t bytes[4096];
	const uint8_t *at = bytes, *end;
	struct lull_pcap *pcap;

	assert_int_equal(lull_pcap_create(&pcap, path, LULL_LINK_ETHER), 0);
	assert_int_equal(lull_pcap_destroy(pcap), 0);
	end = bytes + slurp(bytes, sizeof bytes);
	at = block(at, end, 0x0a0d0d0a);
	assert_ptr_equal(block(at, end, 1), end);
	assert_int_equal(half(at + 8), 1); /* LINKTYPE_ETHERNET */
}

/* Other people's packets. */
static void only_its_owner_reads_a_capture(void **state)
{
	char name[64];
	struct lull_pcap *pcap;
	struct stat st;
	int gone;

	snprintf(name, sizeof name, "/tmp/lull-test-%d.pcapng", getpid());
	umask(0);
	assert_int_equal(lull_pcap_create(&pcap, name, LULL_LINK_IP), 0);
	assert_int_equal(stat(name, &st), 0);
	gone = unlink(name);
	assert_int_equal(gone, 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(lull_pcap_destroy(pcap), 0);
}

static void more_than_the_buffer_holds_comes_out_whole(void **state)
{
	static uint8_t bytes[300000];
	const uint8_t *at = bytes, *end;
	struct lull_pcap *pcap;

	assert_int_equal(lull_pcap_create(&pcap, path, LULL_LINK_IP), 0);
	for (uint64_t i = 0; i < 3000; i++)
		lull_pcap_write(pcap, i, i % 2, i % 2 ? &inbound : &outbound);
	assert_int_equal(lull_pcap_destroy(pcap), 0);
	end = bytes + slurp(bytes, sizeof bytes);
	check_heads(&at, end);
	for (uint64_t i = 0; i < 3000; i++)
		assert_true(check_packet(&at, end, i % 2 ? 1 : 2) == i);
	assert_ptr_equal(at, end);
}

static void errors_are_told(void **state)
{
	struct lull_pcap *pcap;

	assert_int_equal(lull_pcap_create(&pcap, "/nonexistent/x",
					  LULL_LINK_IP),
			 -ENOENT);
	assert_int_equal(lull_pcap_create(&pcap, "/tmp", LULL_LINK_IP),
			 -EISDIR);
	assert_int_equal(lull_pcap_create(&pcap, "/dev/full", LULL_LINK_IP), 0);
	for (int i = 0; i < 3000; i++)
		lull_pcap_write(pcap, 0, true, &inbound);
	assert_int_equal(lull_pcap_destroy(pcap), -ENOSPC);
	/* Also when all of it is still in the buffer. */
	assert_int_equal(lull_pcap_create(&pcap, "/dev/full", LULL_LINK_IP), 0);
	assert_int_equal(lull_pcap_destroy(pcap), -ENOSPC);
	assert_int_equal(lull_pcap_destroy(NULL), 0);
}

/* ---- a link that is another ---- */

struct fake {
	struct lull_link link;
	int closed, rx, tx; /* what rx and tx answer */
};

static struct fake *fake_of(struct lull_link *link)
{
	return (struct fake *)(void *)link;
}

static int fake_rx(struct lull_link *link, struct lull_frame *frames, int n)
{
	for (int i = 0; i < fake_of(link)->rx; i++)
		frames[i] = inbound;
	return fake_of(link)->rx;
}

static int fake_tx(struct lull_link *link, const struct lull_frame *frames,
		   int n)
{
	return fake_of(link)->tx;
}

static int fake_fd(struct lull_link *link)
{
	return 12345;
}

static void fake_close(struct lull_link *link)
{
	fake_of(link)->closed++;
}

static void a_wrapped_link_writes_down_what_passes(void **state)
{
	static const struct lull_link_ops ops = {fake_rx, fake_tx, fake_fd,
						 fake_close, NULL};
	struct fake fake = {.link.ops = &ops, .rx = 2, .tx = 1};
	struct lull_frame in[4],
		out[4] = {outbound, outbound, outbound, outbound};
	uint64_t from = (uint64_t)time(NULL) * 1000000000, when;
	static uint8_t bytes[4096];
	const uint8_t *at = bytes, *end;
	struct lull_link *w;
	struct lull_pcap *pcap;

	assert_int_equal(lull_pcap_create(&pcap, path, LULL_LINK_IP), 0);
	assert_int_equal(lull_pcap_wrap(pcap, &fake.link, &w), 0);
	assert_int_equal(w->ops->fd(w), 12345);
	assert_int_equal(w->ops->rx(w, in, 4), 2);
	assert_int_equal(w->ops->tx(w, out, 4), 1); /* three did not leave */
	fake.rx = 0;
	fake.tx = -EBADFD;
	assert_int_equal(w->ops->rx(w, in, 4), 0);
	assert_int_equal(w->ops->tx(w, out, 4), -EBADFD);
	lull_link_destroy(w);
	assert_int_equal(fake.closed, 0);
	/* Before the end: a reader sees what has passed. */
	end = bytes + slurp(bytes, sizeof bytes);
	check_heads(&at, end);
	when = check_packet(&at, end, 1);
	assert_true(when >= from && when < from + 60000000000U);
	check_packet(&at, end, 1);
	check_packet(&at, end, 2);
	assert_ptr_equal(at, end);
	assert_int_equal(lull_pcap_destroy(pcap), 0);
}

/* ---- tshark ---- */

static void tshark_reads_it(void **state)
{
	char command[256], line[256];
	struct lull_pcap *pcap;
	FILE *out;

	if (system("tshark --version >/dev/null 2>&1") != 0) {
		print_message("# SKIP tshark is not installed\n");
		skip();
	}
	assert_int_equal(lull_pcap_create(&pcap, path, LULL_LINK_IP), 0);
	lull_pcap_write(pcap, 1700000000123456789, true, &inbound);
	lull_pcap_write(pcap, 1700000001000000000, false, &outbound);
	assert_int_equal(lull_pcap_destroy(pcap), 0);
	snprintf(command, sizeof command,
		 "tshark -r %s -o ip.check_checksum:TRUE -T fields "
		 "-e frame.time_epoch -e frame.packet_flags_direction "
		 "-e ip.src -e ip.checksum.status -e icmp.type "
		 "-e icmp.checksum.status 2>/dev/null",
		 path);
	out = popen(command, "r");
	assert_non_null(out);
	assert_non_null(fgets(line, sizeof line, out));
	assert_string_equal(
		line, "1700000000.123456789\t0x00000001\t10.9.3.1\t1\t8\t1\n");
	assert_non_null(fgets(line, sizeof line, out));
	assert_string_equal(
		line, "1700000001.000000000\t0x00000002\t10.9.3.1\t1\t8\t1\n");
	assert_null(fgets(line, sizeof line, out));
	assert_int_equal(pclose(out), 0);
}

/* ---- main ---- */

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_read_back),
		cmocka_unit_test(frames_of_ethernet_are_marked_so),
		cmocka_unit_test(only_its_owner_reads_a_capture),
		cmocka_unit_test(more_than_the_buffer_holds_comes_out_whole),
		cmocka_unit_test(errors_are_told),
		cmocka_unit_test(a_wrapped_link_writes_down_what_passes),
		cmocka_unit_test(tshark_reads_it),
	};
	int fd = memfd_create("lull-test-pcapng", 0);

	if (fd < 0)
		return 1;
	snprintf(path, sizeof path, "/proc/%d/fd/%d", getpid(), fd);
	return RUN("host/pcapng", tests);
}
