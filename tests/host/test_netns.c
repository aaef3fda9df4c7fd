/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_netns.c: network namespaces with names (host/netns.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <lull/host.h>

#include "../unit/test.h"
#include "need.h"

#define DIR "/run/netns/"

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static ino_t inode(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void minus_is_the_current_one(void **state)
{
	ino_t before = which_net();
	struct lull_netns *ns;

	assert_int_equal(lull_netns_open(&ns, "-"), 0);
	assert_false(lull_netns_is_made(ns));
	assert_int_equal(which_net(), before);
	lull_netns_close(ns);
	lull_netns_close(NULL);
}

static void who_makes_it_removes_it(void **state)
{
	ino_t before = which_net();
	struct lull_netns *first, *second;

	assert_int_equal(lull_netns_open(&first, "lull-a"), 0);
	assert_true(lull_netns_is_made(first));
	assert_int_equal(which_net(), before);
	assert_int_not_equal(inode(DIR "lull-a"), before);

	assert_int_equal(lull_netns_open(&second, "lull-a"), 0);
	assert_false(lull_netns_is_made(second));
	lull_netns_close(second);
	assert_true(is_there(DIR "lull-a"));

	lull_netns_close(first);
	assert_false(is_there(DIR "lull-a"));
	assert_int_equal(which_net(), before);
}

static void a_name_that_is_no_name_is_refused(void **state)
{
	char longer[NAME_MAX + 2];
	const char *const names[] = {"",    ".", "..", "a/b", "/run/netns/a",
				     longer};
	struct lull_netns *ns;

	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_int_equal(lull_netns_open(&ns, names[i]), -EINVAL);
}

/* Of a maker that was killed between open(2) and mount(2). */
static void an_empty_leftover_is_used(void **state)
{
	struct lull_netns *ns;
	int fd;

	assert_int_equal(lull_netns_open(&ns, "lull-a"), 0);
	lull_netns_close(ns); /* now there is the directory */
	fd = open(DIR "lull-b", O_CREAT | O_WRONLY, 0444);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(lull_netns_open(&ns, "lull-b"), 0);
	assert_true(lull_netns_is_made(ns));
	lull_netns_close(ns);
	assert_false(is_there(DIR "lull-b"));
}

static void what_is_something_else_is_left_alone(void **state)
{
	ino_t before = which_net();
	struct lull_netns *ns;
	int fd = open(DIR "lull-c", O_CREAT | O_WRONLY, 0444);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(lull_netns_open(&ns, "lull-c"), -EINVAL);
	assert_true(is_there(DIR "lull-c"));
	unlink(DIR "lull-c");
	assert_int_equal(mkdir(DIR "lull-c", 0755), 0);
	assert_int_equal(lull_netns_open(&ns, "lull-c"), -EINVAL);
	assert_int_equal(rmdir(DIR "lull-c"), 0);
	assert_int_equal(which_net(), before);
}

static void a_name_that_went_to_another_is_not_removed(void **state)
{
	struct lull_netns *ours, *theirs;

	assert_int_equal(lull_netns_open(&ours, "lull-d"), 0);
	assert_int_equal(umount2(DIR "lull-d", MNT_DETACH), 0);
	assert_int_equal(unlink(DIR "lull-d"), 0);
	assert_int_equal(lull_netns_open(&theirs, "lull-d"), 0);
	assert_true(lull_netns_is_made(theirs));
	lull_netns_close(ours);
	assert_true(is_there(DIR "lull-d"));
	lull_netns_close(theirs);
	assert_false(is_there(DIR "lull-d"));
}

/* In a child: what lull_netns_open() says without any capability. */
static int open_without_rights(const char *name)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	struct lull_netns *ns;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (syscall(SYS_capset, &header, none) < 0)
			_exit(99);
		_exit(-lull_netns_open(&ns, name));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void without_rights_nothing_is_made(void **state)
{
	ino_t before = which_net();

	assert_int_equal(open_without_rights("lull-e"), -EPERM);
	assert_false(is_there(DIR "lull-e"));
	assert_int_equal(open_without_rights("-"), 0);
	assert_int_equal(which_net(), before);
}

struct race {
	int go[2], report[2], hold[2];
};

/*
 * In a child: open when `go` says so, tell in `report` whether it was made,
 * and keep it until `hold` is closed.
 */
static void racer(const struct race *r)
{
	struct lull_netns *ns;
	char said;

	close(r->go[1]);
	close(r->hold[1]);
	if (read(r->go[0], &said, 1) != 1)
		_exit(1);
	if (lull_netns_open(&ns, "lull-f") < 0)
		_exit(1);
	said = lull_netns_is_made(ns) ? '1' : '0';
	if (write(r->report[1], &said, 1) != 1 ||
	    read(r->hold[0], &said, 1) != 0)
		_exit(1);
	lull_netns_close(ns);
	_exit(0);
}

static void of_many_at_once_one_makes_it(void **state)
{
	enum {
		RACERS = 8
	};
	struct race r;
	int made = 0, status;
	char said;

	assert_int_equal(pipe(r.go), 0);
	assert_int_equal(pipe(r.report), 0);
	assert_int_equal(pipe(r.hold), 0);
	for (int i = 0; i < RACERS; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			racer(&r);
	}
	close(r.report[1]); /* so that read(2) ends if they all die */
	assert_int_equal(write(r.go[1], "gggggggg", RACERS), RACERS);
	for (int i = 0; i < RACERS; i++) {
		assert_int_equal(read(r.report[0], &said, 1), 1);
		made += said == '1';
	}
	assert_int_equal(made, 1);
	close(r.hold[1]);
	for (int i = 0; i < RACERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_false(is_there(DIR "lull-f"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(minus_is_the_current_one),
		cmocka_unit_test(who_makes_it_removes_it),
		cmocka_unit_test(a_name_that_is_no_name_is_refused),
		cmocka_unit_test(an_empty_leftover_is_used),
		cmocka_unit_test(what_is_something_else_is_left_alone),
		cmocka_unit_test(a_name_that_went_to_another_is_not_removed),
		cmocka_unit_test(without_rights_nothing_is_made),
		cmocka_unit_test(of_many_at_once_one_makes_it),
	};

	SKIP_UNLESS_OWN_WORLD();
	return RUN("host/netns", tests);
}
