/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_state.c: a state file (host/state.c): who may have it, what is refused
 * and left as it is, and what the next process finds. On /dev/shm; without
 * root all but the files of others is tested.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lull/diag.h>
#include <lull/host.h>

#include "../unit/test.h"

enum {
	PAGE = 4096,
	CONNS = 5,
	/* Of the header, see docs/state.md. */
	AT_VERSION = 8,
	AT_FORMAT = 12,
	AT_CLOSING6 = 20,
	AT_LEN = 24,
	AT_TIME_NS = 32,
	AT_QUIET = 40,
	AT_UID = 56,
	AT_BOOT_ID = 64,
	AT_KEY = 104,
};

static char dir[64], path[96];
static struct lull_config config;
static size_t closing_len;

/* ---- opening ---- */

static struct lull_state_why why;

static int open_how(struct lull_state **state, struct lull_state_config how)
{
	how.size = sizeof how;
	if (!how.path)
		how.path = path;
	if (!how.limits)
		how.limits = &config.limits;
	memset(&why, 0x5a, sizeof why);
	why.size = sizeof why;
	return lull_state_open(state, &how, &why);
}

static struct lull_state *must_open(void)
{
	struct lull_state *s = NULL;
	int e = open_how(&s, (struct lull_state_config){0});

	if (e < 0)
		fail_msg("%d: %s", e, why.text);
	return s;
}

static void must_refuse(enum lull_state_reason reason)
{
	struct lull_state *s;
	int e = open_how(&s, (struct lull_state_config){0});

	if (e >= 0)
		fail_msg("it was taken; not reason %d", (int)reason);
	if (why.reason != reason)
		fail_msg("reason %d (%s), not %d", (int)why.reason, why.text,
			 (int)reason);
	/* One line. */
	assert_null(strchr(why.text, '\n'));
	assert_true(strlen(why.text) > 8);
}

/* The key that a shard would get. */
static void key_of(struct lull_state *s, uint8_t key[32])
{
	struct lull_config c = config;
	struct lull_memory m;

	assert_int_equal(lull_memory_map(&c.limits, &m), 0);
	assert_int_equal(lull_state_lend(s, &c, &m), 0);
	memcpy(key, c.key, 32);
	lull_memory_unmap(&m);
}

/* ---- the file, by hand ---- */

static void with_file(void (*use)(int fd, off_t at), off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	use(fd, at);
	close(fd);
}

static void flip(int fd, off_t at)
{
	uint8_t b;

	assert_int_equal(pread(fd, &b, 1, at), 1);
	b ^= 1;
	assert_int_equal(pwrite(fd, &b, 1, at), 1);
}

static void cut(int fd, off_t at)
{
	assert_int_equal(ftruncate(fd, at), 0);
}

static void punch(int fd, off_t at)
{
	assert_int_equal(fallocate(fd,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   at, PAGE),
			 0);
}

static void garbage(int fd, off_t len)
{
	uint64_t seed = 5;

	for (off_t at = 0; at < len; at += 8) {
		seed = seed * 6364136223846793005U + 1442695040888963407U;
		assert_int_equal(pwrite(fd, &seed, 8, at), 8);
	}
}

static uint64_t sum_of_file(void)
{
	static uint8_t bytes[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, bytes, sizeof bytes);
	uint64_t sum = (uint64_t)n;

	for (ssize_t i = 0; i < n; i++)
		sum = sum * 31 + bytes[i];
	close(fd);
	return sum;
}

static void forget(void)
{
	unlink(path);
}

/* ---- whole ---- */

static void new_and_old(void **unused)
{
	uint8_t key[32], same[32], zero[32] = {0};
	struct lull_state *s = must_open();
	struct stat st;

	assert_false(lull_state_is_old(s));
	assert_int_equal(lull_state_quiet_ms(s), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, PAGE + closing_len);
	assert_true((size_t)st.st_blocks * 512 >= PAGE + closing_len);
	key_of(s, key);
	assert_memory_not_equal(key, zero, 32);
	lull_state_close(s);
	s = must_open();
	assert_true(lull_state_is_old(s));
	assert_true(lull_state_is_clean(s));
	key_of(s, same);
	assert_memory_equal(key, same, 32);
	lull_state_close(s);
	forget();
}

/* No file is seen before it is whole, and no descriptor is left behind. */
static void nothing_is_left_over(void **unused)
{
	int before = dup(0), after;
	struct lull_limits more = config.limits;
	struct lull_state *s;

	close(before);
	lull_state_close(must_open());
	more.closing++;
	assert_int_equal(open_how(&s,
				  (struct lull_state_config){.limits = &more}),
			 -EBADMSG);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	forget();
	assert_int_equal(rmdir(dir), 0); /* that was all */
	assert_int_equal(mkdir(dir, 0700), 0);
	lull_state_close(NULL);
}

/* A limit of a file's size stands for a file system that is full. */
static void no_room(void **unused)
{
	struct rlimit was, less;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	less = was;
	less.rlim_cur = PAGE;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
	must_refuse(LULL_STATE_ROOM);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void bad_calls(void **unused)
{
	struct lull_limits none = {0};
	struct lull_state_config how = {
		.size = sizeof how, .path = path, .limits = &config.limits};
	struct lull_state *s;

	why.size = sizeof why;
	how.size--;
	assert_int_equal(lull_state_open(&s, &how, &why), -EINVAL);
	how.size++;
	why.size--;
	assert_int_equal(lull_state_open(&s, &how, &why), -EINVAL);
	assert_int_equal(open_how(&s,
				  (struct lull_state_config){.limits = &none}),
			 -EINVAL);
	assert_int_equal(
		open_how(&s, (struct lull_state_config){.quiet_ms = 86400001}),
		-EINVAL);
	assert_int_equal(
		open_how(&s, (struct lull_state_config){.path = "/no/where/f"}),
		-ENOENT);
	assert_int_equal(why.reason, LULL_STATE_ERROR);
	assert_int_equal(open_how(&s,
				  (struct lull_state_config){.path = "fd:99"}),
			 -ENOENT);
}

/* ---- who has it ---- */

/* Another process opens it, and says so; and ends when told to. */
static pid_t other_process(int *told)
{
	int said[2], tell[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(said), 0);
	assert_int_equal(pipe(tell), 0);
	pid = fork();
	if (pid == 0) {
		struct lull_state *s;

		close(tell[1]);
		if (open_how(&s, (struct lull_state_config){0}) < 0 ||
		    write(said[1], "x", 1) != 1)
			_exit(1);
		(void)!read(tell[0], &c, 1);
		_exit(0); /* without a word, as if killed */
	}
	assert_true(pid > 0);
	close(said[1]);
	close(tell[0]);
	assert_int_equal(read(said[0], &c, 1), 1);
	close(said[0]);
	*told = tell[1];
	return pid;
}

static void second_process(void **unused)
{
	struct lull_state *s;
	char text[32];
	int told, code;
	pid_t pid;

	lull_state_close(must_open()); /* in order; the next one won't be */
	pid = other_process(&told);
	must_refuse(LULL_STATE_HELD);
	assert_int_equal(why.error, -EBUSY);
	assert_int_equal(why.pid, pid);
	snprintf(text, sizeof text, "%d", (int)pid);
	assert_non_null(strstr(why.text, text));
	/* Not even who would forget it. */
	assert_int_equal(open_how(&s,
				  (struct lull_state_config){.fresh = true}),
			 -EBUSY);
	close(told);
	assert_int_equal(waitpid(pid, &code, 0), pid);
	assert_int_equal(code, 0);
	s = must_open();
	assert_true(lull_state_is_old(s));
	assert_false(lull_state_is_clean(s));
	/* Nor twice in one process. */
	must_refuse(LULL_STATE_HELD);
	assert_int_equal(why.pid, getpid());
	lull_state_close(s);
	forget();
}

/* A memfd that somebody keeps: here the test. */
static void memfd(void **unused)
{
	struct lull_state *s;
	uint8_t key[32], same[32];
	char name[32];
	int fd = memfd_create("lull", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	snprintf(name, sizeof name, "fd:%d", fd);
	assert_int_equal(open_how(&s, (struct lull_state_config){.path = name}),
			 0);
	assert_false(lull_state_is_old(s));
	key_of(s, key);
	assert_int_equal(ftruncate(fd, 0), -1); /* no SIGBUS for us */
	{
		struct lull_state *second;

		assert_int_equal(
			open_how(&second,
				 (struct lull_state_config){.path = name}),
			-EBUSY);
		assert_int_equal(why.pid, getpid());
	}
	lull_state_close(s);
	assert_int_equal(open_how(&s, (struct lull_state_config){.path = name}),
			 0);
	assert_true(lull_state_is_old(s));
	key_of(s, same);
	assert_memory_equal(key, same, 32);
	lull_state_close(s);
	close(fd);
}

/* ---- what is not a file of ours ---- */

static void kinds(void **unused)
{
	char other[128];

	assert_int_equal(mkdir(path, 0700), 0);
	must_refuse(LULL_STATE_KIND);
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	must_refuse(LULL_STATE_KIND);
	forget();
	lull_state_close(must_open());
	snprintf(other, sizeof other, "%s.other", path);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	must_refuse(LULL_STATE_KIND);
	forget();
	assert_int_equal(symlink("/no/where", path), 0);
	must_refuse(LULL_STATE_KIND); /* nor is it made there */
	forget();
	unlink(other);
}

static void modes_and_owners(void **unused)
{
	static const mode_t bad[] = {0644, 0660, 0604, 0602, 0640, 0610};

	lull_state_close(must_open());
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(chmod(path, bad[i]), 0);
		must_refuse(LULL_STATE_MODE);
	}
	assert_int_equal(chmod(path, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 0), 0);
		must_refuse(LULL_STATE_OWNER);
		assert_int_equal(chown(path, 0, 0), 0);
	}
	with_file(flip, AT_UID);
	must_refuse(LULL_STATE_OWNER);
	with_file(flip, AT_UID);
	lull_state_close(must_open());
	forget();
}

/* Where memory is not behind it: only if it must be. */
static void disks(void **unused)
{
	char disk[] = "./lull-state-XXXXXX", name[64];
	struct lull_state *s;
	struct statfs fs;

	assert_non_null(mkdtemp(disk));
	snprintf(name, sizeof name, "%s/f", disk);
	assert_int_equal(statfs(disk, &fs), 0);
	if (fs.f_type != TMPFS_MAGIC) {
		assert_int_equal(
			open_how(&s, (struct lull_state_config){.path = name}),
			-EBADMSG);
		assert_int_equal(why.reason, LULL_STATE_DISK);
		assert_int_equal(access(name, F_OK), -1);
	}
	assert_int_equal(open_how(&s,
				  (struct lull_state_config){.path = name,
							     .force = true}),
			 0);
	lull_state_close(s);
	unlink(name);
	rmdir(disk);
}

/* ---- what is not as it was made ---- */

/* Refused and left alone; then taken anew, and quiet for so long. */
static void check_damage(enum lull_state_reason reason)
{
	uint64_t sum = sum_of_file();
	uint8_t old[32] = {0}, key[32];
	struct lull_state *s;
	uint32_t quiet_ms;

	must_refuse(reason);
	assert_true(reason >= LULL_STATE_FOREIGN);
	assert_true(sum_of_file() == sum);
	assert_int_equal(
		open_how(&s, (struct lull_state_config){.fresh = true,
							.quiet_ms = 60000}),
		0);
	assert_false(lull_state_is_old(s));
	assert_in_range(lull_state_quiet_ms(s), 50000, 60000);
	key_of(s, key);
	assert_memory_not_equal(key, old, 32);
	lull_state_close(s);
	/* Whoever comes now has to be quiet, too: for the rest of it. */
	s = must_open();
	assert_true(lull_state_is_old(s));
	quiet_ms = lull_state_quiet_ms(s);
	assert_in_range(quiet_ms, 50000, 60000);
	lull_state_close(s);
	forget();
}

static void damaged_headers(void **unused)
{
	static const struct {
		off_t at;
		enum lull_state_reason reason;
	} t[] = {
		{0, LULL_STATE_FOREIGN},
		{7, LULL_STATE_FOREIGN},
		{AT_VERSION, LULL_STATE_VERSION},
		{AT_FORMAT, LULL_STATE_VERSION},
		{AT_CLOSING6, LULL_STATE_LIMITS},
		{AT_LEN, LULL_STATE_CUT},
		{AT_TIME_NS, LULL_STATE_BOOT},
		{AT_QUIET + 7, LULL_STATE_FOREIGN},
		{AT_BOOT_ID, LULL_STATE_BOOT},
		{AT_BOOT_ID + 35, LULL_STATE_BOOT},
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		lull_state_close(must_open());
		with_file(flip, t[i].at);
		check_damage(t[i].reason);
	}
}

static void cut_files(void **unused)
{
	const off_t len = (off_t)(PAGE + closing_len);
	const off_t t[] = {0,	 1,	  100,	   PAGE - 1,  PAGE,
			   8192, len - 1, len + 1, len + PAGE};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		lull_state_close(must_open());
		with_file(cut, t[i]);
		check_damage(LULL_STATE_CUT);
	}
	/* Cut, and made as long again: a hole. */
	lull_state_close(must_open());
	with_file(cut, PAGE);
	with_file(cut, len);
	check_damage(LULL_STATE_CUT);
	lull_state_close(must_open());
	with_file(punch, PAGE);
	check_damage(LULL_STATE_CUT);
}

static void garbage_files(void **unused)
{
	lull_state_close(must_open());
	with_file(garbage, (off_t)(PAGE + closing_len));
	check_damage(LULL_STATE_FOREIGN);
	lull_state_close(must_open());
	with_file(cut, 0);
	with_file(cut, (off_t)(PAGE + closing_len)); /* zeros alone */
	check_damage(LULL_STATE_FOREIGN);
}

static void other_limits(void **unused)
{
	struct lull_limits more = config.limits;
	struct lull_state *s;

	lull_state_close(must_open());
	more.closing++;
	assert_int_equal(open_how(&s,
				  (struct lull_state_config){.limits = &more}),
			 -EBADMSG);
	assert_int_equal(why.reason, LULL_STATE_LIMITS);
	assert_int_equal(open_how(&s,
				  (struct lull_state_config){.limits = &more,
							     .fresh = true}),
			 0);
	lull_state_close(s);
	must_refuse(LULL_STATE_LIMITS);
	forget();
}

/* ---- with shards ---- */

struct world {
	struct lull_state *state;
	struct lull_shard *us, *peer;
	struct lull_memory memory[2];
	struct lull_memnet *net;
	struct lull_restore restore;
	uint64_t now_ns;
};

static struct lull_prefix prefix(const char *text)
{
	struct lull_prefix p;

	assert_int_equal(lull_prefix_parse(text, &p), 0);
	return p;
}

static int open_us(struct world *w)
{
	struct lull_config c = config;

	w->state = must_open();
	/* The first one's steps are ahead of the clock. */
	w->now_ns = lull_clock_ns();
	if (lull_state_is_old(w->state))
		w->now_ns += 10000000000;
	w->restore.size = sizeof w->restore;
	assert_int_equal(lull_memory_map(&c.limits, &w->memory[0]), 0);
	assert_int_equal(lull_state_lend(w->state, &c, &w->memory[0]), 0);
	return lull_shard_init(&w->us, &c, w->memory[0], w->now_ns,
			       lull_state_is_old(w->state) ? &w->restore
							   : NULL);
}

static void step(struct world *w)
{
	for (int i = 0; i < 50; i++) {
		w->now_ns += 1000000;
		(void)lull_shard_run(w->us, w->now_ns);
		(void)lull_shard_run(w->peer, w->now_ns);
		(void)lull_memnet_step(w->net, w->now_ns);
	}
}

static void open_peer(struct world *w)
{
	struct lull_memnet_config net = {.size = sizeof net};
	struct lull_prefix ours = prefix("10.9.3.2"),
			   peers = prefix("10.9.3.1");
	struct lull_config c = config;

	assert_int_equal(lull_key_make(&c), 0);
	assert_int_equal(lull_memory_map(&c.limits, &w->memory[1]), 0);
	assert_int_equal(lull_shard_init(&w->peer, &c, w->memory[1], w->now_ns,
					 NULL),
			 0);
	assert_int_equal(lull_addr_add(w->us, ours, false), 0);
	assert_int_equal(lull_addr_add(w->peer, peers, false), 0);
	assert_int_equal(lull_memnet_create(&w->net, &net), 0);
	assert_int_equal(lull_memnet_attach(w->net, w->us, &ours, 1), 0);
	assert_int_equal(lull_memnet_attach(w->net, w->peer, &peers, 1), 1);
}

/* So many connections, which we close first. */
static void make_time_waits(struct world *w)
{
	struct lull_listen l = {
		.size = sizeof l, .port_lo = 80, .backlog = CONNS};
	struct lull_connect to = {.size = sizeof to,
				  .remote = {prefix("10.9.3.2").addr, 80}};
	struct lull_sock listener, peer[CONNS], us;

	assert_int_equal(lull_sock_listen(w->us, &l, &listener), 0);
	for (int i = 0; i < CONNS; i++)
		assert_int_equal(
			lull_sock_connect(w->peer, &to, &peer[i], NULL), 0);
	step(w);
	while (lull_sock_accept(w->us, listener, 0, &us) == 0)
		lull_sock_close(w->us, us);
	step(w);
	for (int i = 0; i < CONNS; i++)
		lull_sock_close(w->peer, peer[i]);
	step(w);
}

static uint64_t time_waits(const struct world *w)
{
	uint64_t count[LULL_TCP_STATES];

	lull_diag_states(w->us, count);
	return count[LULL_TCP_TIME_WAIT];
}

/* The file's records reach the next process, and a damaged one does not. */
static void records_go_on(void **unused)
{
	static struct world w;
	pid_t pid = fork();
	int code;

	if (pid == 0) {
		if (open_us(&w) < 0)
			_exit(1);
		open_peer(&w);
		make_time_waits(&w);
		raise(time_waits(&w) == CONNS ? SIGKILL : SIGTERM);
	}
	assert_int_equal(waitpid(pid, &code, 0), pid);
	assert_true(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL);
	assert_int_equal(open_us(&w), 0);
	assert_int_equal(w.restore.time_wait, CONNS);
	assert_int_equal(time_waits(&w), CONNS);
	lull_memory_unmap(&w.memory[0]);
	lull_state_close(w.state);
	with_file(flip, PAGE + 40 + 12); /* SND.NXT of the first */
	assert_int_equal(open_us(&w), -EBADMSG);
	assert_int_equal(w.restore.refused, 1);
	lull_memory_unmap(&w.memory[0]);
	lull_state_close(w.state);
	forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_and_old),
		cmocka_unit_test(nothing_is_left_over),
		cmocka_unit_test(no_room),
		cmocka_unit_test(bad_calls),
		cmocka_unit_test(second_process),
		cmocka_unit_test(memfd),
		cmocka_unit_test(kinds),
		cmocka_unit_test(modes_and_owners),
		cmocka_unit_test(disks),
		cmocka_unit_test(damaged_headers),
		cmocka_unit_test(cut_files),
		cmocka_unit_test(garbage_files),
		cmocka_unit_test(other_limits),
		cmocka_unit_test(records_go_on),
	};
	struct statfs fs;
	size_t mem_len;
	int failed;

	strcpy(dir, "/dev/shm/lull-state-XXXXXX");
	if (statfs("/dev/shm", &fs) < 0 || fs.f_type != TMPFS_MAGIC ||
	    !mkdtemp(dir)) {
		printf("1..0 # SKIP needs tmpfs on /dev/shm\n");
		return 0;
	}
	snprintf(path, sizeof path, "%s/f", dir);
	lull_config_init(&config, 64, 1000);
	if (lull_limits_size(&config.limits, &mem_len, &closing_len) < 0)
		return 1;
	failed = RUN("state", tests);
	forget();
	rmdir(dir);
	return failed;
}
