/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_doctor_from.c: pasted text into facts (tools/doctor/from.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/test.h"
#include "../../tools/doctor/rules.h"
#include "../../tools/lull/tool.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof(a)[0])

static struct facts f;
static struct sheet sheet;
static char path[64];

int tool_error(int code, const char *format, ...)
{
	(void)format;
	return code;
}

static int read_bytes(const char *bytes, size_t len)
{
	FILE *file = fopen(path, "w");
	int code;

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	facts_init(&f);
	code = facts_from_text(&f, path);
	if (code == TOOL_OK)
		rules_judge(&f, &sheet);
	return code;
}

static int read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

static const struct finding *find_id(const char *id)
{
	for (int i = 0; i < sheet.findings; i++)
		if (strcmp(sheet.finding[i].rule->id, id) == 0)
			return &sheet.finding[i];
	return NULL;
}

static void expect_squid(void)
{
	assert_int_equal(f.state[1][TIME_WAIT], 18122);
	assert_int_equal(f.state[1][LAST_ACK], 14);
	assert_non_null(find_id("D11"));
	assert_non_null(find_id("D14"));
	assert_non_null(find_id("D15"));
	for (int i = 0; i < sheet.findings; i++)
		assert_null(strstr(sheet.finding[i].symptom, "TIME_WAIT"));
	assert_int_equal(rules_baseline(&f).verdict, BASE_NO_RATE);
}

/* What an article shows of its Squid: the TIME_WAITs are not the trouble. */
static void the_squid_of_the_article(void **unused)
{
	static const char *const texts[] = {
		"LAST_ACK 14\nSYN_RECV 348\nESTABLISHED 70\nFIN_WAIT1 229\n"
		"FIN_WAIT2 30\nCLOSING 33\nTIME_WAIT 18122\n",
		"LAST_ACK 14\r\nSYN_RECV 348\r\nESTABLISHED 70\r\n"
		"FIN_WAIT1 229\r\nFIN_WAIT2 30\r\nCLOSING 33\r\n"
		"TIME_WAIT 18122",
		"     14 LAST-ACK\n    348 SYN-RECV\n     70 ESTAB\n"
		"    229 FIN-WAIT-1\n     30 FIN-WAIT-2\n     33 CLOSING\n"
		"  18122 TIME-WAIT\n      1 State\n",
		"\xe7\x8a\xb6\xe6\x80\x81 \xe6\x95\xb0\n"
		"LAST_ACK: 14\nsyn_recv: 348\nEstablished: 70\nFIN_WAIT_1: 229\n"
		"FIN_WAIT_2: 30\nClosing: 33\ntime_wait: 18122\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(read_text(texts[i]), TOOL_OK);
		expect_squid();
	}
	(void)unused;
}

static void rows_of_netstat_and_ss(void **unused)
{
	static const char *const texts[] = {
		"Active Internet connections (servers and established)\n"
		"Proto Recv-Q Send-Q Local Address  Foreign Address  State\n"
		"tcp   0  0 0.0.0.0:80     0.0.0.0:*      LISTEN\n"
		"tcp   0  0 10.0.0.1:80    10.0.0.9:40000 TIME_WAIT\n"
		"tcp   0  0 10.0.0.1:80    10.0.0.9:40001 TIME_WAIT  -\n"
		"tcp   0  0 10.0.0.1:40000 10.0.0.5:443   TIME_WAIT timewait "
		"(59.9/0/0)\n"
		"udp   0  0 0.0.0.0:53     0.0.0.0:*\n",
		"State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
		"TIME-WAIT 0 0 10.0.0.1:80 10.0.0.9:40000\n"
		"TIME-WAIT 0 0 10.0.0.1:80 10.0.0.9:40001\r\n"
		"TIME-WAIT 0 0 10.0.0.1%eth0:40000 10.0.0.5:443\n"
		"LISTEN 0 511 *:80 *:*\n",
		"Aktive Verbindungen\r\n\r\n"
		"  Proto  Lokale Adresse   Remoteadresse    Status\r\n"
		"  TCP    0.0.0.0:80       0.0.0.0:0        LISTENING   4\r\n"
		"  TCP    10.0.0.1:80      10.0.0.9:40000   WARTEND     0\r\n"
		"  TCP    10.0.0.1:80      10.0.0.9:40001   TIME_WAIT   0\r\n"
		"  TCP    10.0.0.1:40000   10.0.0.5:443     TIME_WAIT   0\r\n",
		"  sl  local_address rem_address   st tx_queue rx_queue\n"
		"   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:0\n"
		"   1: 0100000A:0050 0900000A:9C40 06 00000000:00000000 03:0\n"
		"   2: 0100000A:0050 0900000A:9C41 06 00000000:00000000 03:0\n"
		"   3: 0100000A:9C40 0500000A:01BB 06 00000000:00000000 03:0\n",
		"tcp6 0 0 :::80 :::* LISTEN\n"
		"tcp6 0 0 [fd00::1]:80 [fd00::2]:40000 TIME_WAIT\n"
		"tcp6 0 0 ::ffff:10.0.0.1:80 ::ffff:10.0.0.9:4000 TIME_WAIT\n"
		"tcp4 0 0 10.0.0.1.40000 10.0.0.5.443 TIME_WAIT\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(read_text(texts[i]), TOOL_OK);
		if (f.tw_server != 2 || f.tw_client != 1)
			fail_msg("%zu: %lld as a server, %lld as a client", i,
				 (long long)f.tw_server,
				 (long long)f.tw_client);
		assert_int_equal(f.state[1][TIME_WAIT], 3);
		assert_int_equal(f.state[1][LISTEN], 1);
		assert_int_equal(f.dests_all, 1);
		assert_int_equal(f.dest[0].dport, 443);
		assert_false(f.role_guessed);
	}
	(void)unused;
}

static void ports_towards_a_destination_are_counted(void **unused)
{
	char *text = malloc(25000 * 64);
	int len = 0;

	for (int i = 0; i < 25000; i++)
		len += sprintf(text + len,
			       "tcp 0 0 10.0.0.1:%d 10.0.0.5:443 TIME_WAIT\n",
			       32768 + i);
	assert_int_equal(read_text(text), TOOL_OK);
	assert_non_null(find_id("D3"));
	assert_int_equal(find_id("D3")->severity, CRITICAL);
	assert_true(f.role_guessed);
	free(text);
	(void)unused;
}

static void every_spelling_is_a_state(void **unused)
{
	static const struct {
		const char *word;
		int state;
	} t[] = {
		{"TIME_WAIT", TIME_WAIT},
		{"TIME-WAIT", TIME_WAIT},
		{"time-wait,", TIME_WAIT},
		{"TIMED_WAIT", TIME_WAIT},
		{"CLOSED_WAIT", CLOSE_WAIT},
		{"SYN_RCVD", SYN_RECV},
		{"FIN_WAIT1", FIN_WAIT_1},
		{"FIN-WAIT-2", FIN_WAIT_2},
		{"Listen", LISTEN},
		{"State", 0},
		{"", 0},
		{"TIME_WAITS", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(from_state(t[i].word), t[i].state);
	(void)unused;
}

static void dangerous_advice_is_seen(void **unused)
{
	assert_int_equal(read_text("TIME_WAIT 5\n"
				   "net.ipv4.tcp_tw_recycle = 1\n"
				   "netstat -ant | awk '{print $2}' | xargs "
				   "kill -9\n"),
			 TOOL_OK);
	assert_int_equal(f.advice, 1U << NO_RECYCLE | 1U << NO_KILL9);
	(void)unused;
}

static void what_is_no_table_is_refused(void **unused)
{
	static const char *const texts[] = {"", "\n\n\n", "hello\n",
					    "State Recv-Q Send-Q\n",
					    "TIME_WAIT\n"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(read_text(texts[i]), TOOL_COULD_NOT);
	(void)unused;
}

static uint64_t rng_state = 88172645463325252U;

static uint32_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (uint32_t)(rng_state >> 16);
}

/* Random bytes, and rows with bytes changed: nothing breaks. */
static void rubbish_does_no_harm(void **unused)
{
	static const char row[] =
		"tcp 0 0 10.0.0.1:80 10.0.0.9:40000 TIME_WAIT\n"
		"TIME-WAIT 0 0 [fd00::1]:80 [::ffff:1.2.3.4%eth0]:40001\n"
		" 1: 0100000A:0050 0900000A:9C40 06 00000000:00000000\n"
		"LAST_ACK 14\n99999999999 CLOSING\n";
	char bytes[4096];

	for (int i = 0; i < 3000; i++) {
		size_t len = rng() % sizeof bytes;

		for (size_t k = 0; k < len; k++)
			bytes[k] =
				i & 1 ? (char)rng() : row[k % (sizeof row - 1)];
		for (int k = 0; !(i & 1) && len && k < 40; k++)
			bytes[rng() % len] = (char)rng();
		read_bytes(bytes, len);
	}
	(void)unused;
}

static int make_file(void **unused)
{
	int fd;

	(void)unused;
	strcpy(path, "/tmp/lull-test-doctor-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **unused)
{
	(void)unused;
	return unlink(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_squid_of_the_article),
		cmocka_unit_test(rows_of_netstat_and_ss),
		cmocka_unit_test(ports_towards_a_destination_are_counted),
		cmocka_unit_test(every_spelling_is_a_state),
		cmocka_unit_test(dangerous_advice_is_seen),
		cmocka_unit_test(what_is_no_table_is_refused),
		cmocka_unit_test(rubbish_does_no_harm),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("doctor_from", tests, make_file,
					   remove_file);
}
