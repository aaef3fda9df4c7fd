/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.c: a file with the closing records and the key of a shard, in memory
 * that outlives the process (docs/state.md). A page of our own, then the region
 * as the core has it.
 *
 * A new file gets its name when it is whole. It is allocated whole, so that no
 * store ever fails for want of room, and only used under a lock that ends with
 * its process. Whatever is not as it was made is refused.
 *
 * Entry points: lull_state_open, _lend, _close, _is_old, _is_clean, _quiet_ms.
 */
#define _GNU_SOURCE /* O_TMPFILE, fallocate(2) */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <lull/host.h>

enum {
	VERSION = 1,
	PAGE = 4096,
	BOOT_ID = 40, /* 36 characters */
	KEY = 32,
	QUIET_MAX_MS = 86400 * 1000,
	NAPS = 100, /* of 5 ms */
	TRIES = 16, /* when others make and remove the same name */
};

#define MAGIC 0x7461746c6c756c0aULL /* "\nlulltat", in our byte order */

/* `magic` is written last, and cleared first. */
struct header {
	uint64_t magic;
	uint32_t version, format;
	uint32_t closing, closing6;
	uint64_t len;	  /* bytes of the file */
	uint64_t time_ns; /* inode of the time namespace */
	uint64_t quiet_until_ms;
	int64_t pid; /* who has it, or had it last */
	uint32_t uid;
	uint32_t clean; /* it stopped in order */
	char boot_id[BOOT_ID];
	uint8_t key[KEY];
};

_Static_assert(sizeof(struct header) <= PAGE, "a page of our own");

struct lull_state {
	int fd;
	struct header *header; /* mapped */
	size_t len;	       /* bytes of the file */
	bool old, clean;
};

/* ---- what went wrong ---- */

__attribute__((format(printf, 4, 5))) static int refuse(
	struct lull_state_why *why, enum lull_state_reason reason, int error,
	const char *format, ...)
{
	va_list args;

	why->reason = reason;
	why->error = error;
	va_start(args, format);
	vsnprintf(why->text, sizeof why->text, format, args);
	va_end(args);
	return error;
}

static int failed(struct lull_state_why *why, const char *what)
{
	int e = errno;

	return refuse(why, LULL_STATE_ERROR, -e, "%s: %s", what, strerror(e));
}

/* ---- what an other process, boot or clock would have otherwise ---- */

static uint64_t now_ms(void)
{
	return lull_clock_ns() / 1000000;
}

static int read_boot_id(char id[BOOT_ID])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, id, BOOT_ID - 1);

	if (fd >= 0)
		close(fd);
	if (n < 36)
		return -ENOENT;
	memset(id + 36, 0, BOOT_ID - 36);
	return 0;
}

/* 0: this kernel has none. */
static uint64_t time_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/time", &st) < 0 ? 0 : (uint64_t)st.st_ino;
}

/* ---- the file ---- */

/* "fd:N" is opened anew, since a lock belongs to an opened file. */
static int open_path(const char *path)
{
	char text[64];

	if (strncmp(path, "fd:", 3) != 0)
		return open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
					  O_NOCTTY);
	snprintf(text, sizeof text, "/proc/self/fd/%s", path + 3);
	return open(text, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static int check_kind(int fd, struct lull_state_why *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return failed(why, "fstat");
	if (!S_ISREG(st.st_mode))
		return refuse(why, LULL_STATE_KIND, -EBADMSG,
			      "not a regular file");
	if (st.st_uid != geteuid())
		return refuse(why, LULL_STATE_OWNER, -EBADMSG,
			      "it belongs to user %u, not to %u",
			      (unsigned)st.st_uid, (unsigned)geteuid());
	/* A memfd has no name, so nobody opens it by its mode. */
	if (st.st_nlink > 0 && st.st_mode & 077)
		return refuse(why, LULL_STATE_MODE, -EBADMSG,
			      "others may open it (mode %04o, not 0600)",
			      (unsigned)st.st_mode & 07777);
	return 0;
}

static int check_file_system(int fd, bool force, struct lull_state_why *why)
{
	struct statfs fs;

	if (force)
		return 0;
	if (fstatfs(fd, &fs) < 0)
		return failed(why, "fstatfs");
	if (fs.f_type == TMPFS_MAGIC)
		return 0;
	return refuse(why, LULL_STATE_DISK, -EBADMSG,
		      "not on tmpfs: there write-back stalls stores, and a "
		      "full disk kills");
}

/* Who has it says so in the file; it may be about to. */
static int held(int fd, struct lull_state_why *why)
{
	struct header h = {0};

	if (pread(fd, &h, sizeof h, 0) == (ssize_t)sizeof h && h.magic == MAGIC)
		why->pid = h.pid;
	if (why->pid)
		return refuse(why, LULL_STATE_HELD, -EBUSY,
			      "process %lld has it", (long long)why->pid);
	return refuse(why, LULL_STATE_HELD, -EBUSY, "another process has it");
}

/* One that was killed has it until the kernel has taken down its memory. */
static int lock(int fd, struct lull_state_why *why)
{
	const struct timespec nap = {.tv_nsec = 5000000};

	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return failed(why, "flock");
		if (i == NAPS)
			return held(fd, why);
		nanosleep(&nap, NULL);
	}
	return 0;
}

static int map_header(struct lull_state *s, struct lull_state_why *why)
{
	void *p =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);

	if (p == MAP_FAILED)
		return failed(why, "mmap");
	s->header = p;
	return 0;
}

/* ---- a new one ---- */

static int make_room(const struct lull_state *s, struct lull_state_why *why)
{
	int e;

	do
		e = fallocate(s->fd, 0, 0, (off_t)s->len);
	while (e < 0 && errno == EINTR);
	if (e == 0)
		return 0;
	if (errno == ENOSPC || errno == EFBIG || errno == ENOMEM)
		return refuse(why, LULL_STATE_ROOM, -ENOSPC,
			      "no room for its %llu MiB",
			      (unsigned long long)s->len >> 20);
	return failed(why, "fallocate");
}

/* All of it anew, its header last. */
static int fill(struct lull_state *s, const struct lull_state_config *config,
		struct lull_state_why *why)
{
	struct header h = {
		.version = VERSION,
		.format = LULL_CLOSING_FORMAT,
		.closing = config->limits->closing,
		.closing6 = config->limits->closing6,
		.len = s->len,
		.time_ns = time_namespace(),
		.pid = getpid(),
		.uid = geteuid(),
	};
	int e = make_room(s, why);

	if (e == 0)
		e = map_header(s, why);
	if (e < 0)
		return e;
	if (read_boot_id(h.boot_id) < 0)
		return refuse(why, LULL_STATE_ERROR, -ENOENT,
			      "no /proc/sys/kernel/random/boot_id");
	if (getrandom(h.key, sizeof h.key, 0) != (ssize_t)sizeof h.key)
		return failed(why, "getrandom");
	if (config->fresh)
		h.quiet_until_ms = now_ms() + config->quiet_ms;
	*s->header = h;
	__atomic_store_n(&s->header->magic, MAGIC, __ATOMIC_RELEASE);
	return 0;
}

/* A descriptor in the directory of `path`, without a name where that goes. */
static int open_nameless(const char *path, bool *nameless)
{
	const char *slash = strrchr(path, '/');
	char dir[4096];
	int fd;

	if (snprintf(dir, sizeof dir, "%.*s",
		     slash ? (int)(slash - path) + 1 : 1,
		     slash ? path : ".") >= (int)sizeof dir) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	*nameless = fd >= 0;
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
}

/* -EEXIST: somebody was faster. */
static int make(struct lull_state *s, const struct lull_state_config *config,
		struct lull_state_why *why)
{
	char self[64];
	bool nameless;
	int e;

	s->fd = open_nameless(config->path, &nameless);
	if (s->fd < 0)
		return errno == EEXIST ? -EEXIST : failed(why, "open");
	e = lock(s->fd, why);
	if (e == 0)
		e = check_file_system(s->fd, config->force, why);
	if (e == 0)
		e = fill(s, config, why);
	if (!nameless) {
		if (e < 0)
			unlink(config->path);
		return e;
	}
	snprintf(self, sizeof self, "/proc/self/fd/%d", s->fd);
	if (e == 0 && linkat(AT_FDCWD, self, AT_FDCWD, config->path,
			     AT_SYMLINK_FOLLOW) < 0)
		e = errno == EEXIST ? -EEXIST : failed(why, "linkat");
	return e;
}

/* ---- one that is there ---- */

static int check_header(const struct header *h,
			const struct lull_state_config *config,
			struct lull_state_why *why)
{
	const struct lull_limits *l = config->limits;
	char boot_id[BOOT_ID];

	if (h->magic != MAGIC)
		return refuse(why, LULL_STATE_FOREIGN, -EBADMSG,
			      "not a state file of lull");
	if (h->version != VERSION || h->format != LULL_CLOSING_FORMAT)
		return refuse(why, LULL_STATE_VERSION, -EBADMSG,
			      "of version %u.%u, and this lull has %u.%u",
			      h->version, h->format, (unsigned)VERSION,
			      (unsigned)LULL_CLOSING_FORMAT);
	if (h->closing != l->closing || h->closing6 != l->closing6)
		return refuse(why, LULL_STATE_LIMITS, -EBADMSG,
			      "made for %u and %u records, not %u and %u",
			      h->closing, h->closing6, l->closing, l->closing6);
	if (h->uid != geteuid())
		return refuse(why, LULL_STATE_OWNER, -EBADMSG,
			      "made by user %u, not %u", h->uid,
			      (unsigned)geteuid());
	if (read_boot_id(boot_id) < 0 ||
	    memcmp(boot_id, h->boot_id, BOOT_ID) != 0)
		return refuse(why, LULL_STATE_BOOT, -EBADMSG,
			      "made on another boot: its times mean nothing");
	if (h->time_ns != time_namespace())
		return refuse(why, LULL_STATE_BOOT, -EBADMSG,
			      "made in another time namespace: its times mean "
			      "nothing");
	if (h->quiet_until_ms > now_ms() + QUIET_MAX_MS)
		return refuse(why, LULL_STATE_FOREIGN, -EBADMSG,
			      "its quiet time makes no sense");
	return 0;
}

/* As long as it was made, and without a hole, where a store could fail. */
static int check_len(const struct lull_state *s, const struct header *h,
		     const struct stat *st, struct lull_state_why *why)
{
	if ((uint64_t)st->st_size != s->len || h->len != s->len)
		return refuse(why, LULL_STATE_CUT, -EBADMSG,
			      "%llu bytes long, not %llu: it was cut",
			      (unsigned long long)st->st_size,
			      (unsigned long long)s->len);
	if ((uint64_t)st->st_blocks * 512 < s->len)
		return refuse(why, LULL_STATE_CUT, -EBADMSG,
			      "it has holes: it was cut");
	return 0;
}

/* The file under the lock: is it what a lull has left? */
static int take_old(struct lull_state *s,
		    const struct lull_state_config *config,
		    struct lull_state_why *why)
{
	struct header h = {0};
	struct stat st;
	ssize_t n;
	int e;

	if (fstat(s->fd, &st) < 0)
		return failed(why, "fstat");
	n = pread(s->fd, &h, sizeof h, 0);
	if (n < 0)
		return failed(why, "read");
	if (n < (ssize_t)sizeof h)
		return refuse(why, LULL_STATE_CUT, -EBADMSG,
			      "%zd bytes long: it was cut", n);
	e = check_header(&h, config, why);
	if (e == 0)
		e = check_len(s, &h, &st, why);
	if (e == 0)
		e = make_room(s, why); /* allocated, but who knows where */
	if (e == 0)
		e = map_header(s, why);
	if (e < 0)
		return e;
	s->old = true;
	s->clean = h.clean;
	s->header->pid = getpid();
	s->header->clean = 0;
	return 0;
}

static int take(struct lull_state *s, const struct lull_state_config *config,
		struct lull_state_why *why)
{
	struct stat st;
	int e = check_kind(s->fd, why);

	if (e == 0)
		e = lock(s->fd, why);
	if (e == 0)
		e = check_file_system(s->fd, config->force, why);
	if (e < 0)
		return e;
	if (fstat(s->fd, &st) < 0)
		return failed(why, "fstat");
	/* A memfd that its maker has just made. */
	if (st.st_size == 0 && strncmp(config->path, "fd:", 3) == 0)
		return fill(s, config, why);
	if (!config->fresh)
		return take_old(s, config, why);
	if (ftruncate(s->fd, 0) < 0)
		return failed(why, "ftruncate");
	return fill(s, config, why);
}

/* Does the name still mean what was opened? */
static bool is_named(int fd, const char *path)
{
	struct stat ours, named;

	return strncmp(path, "fd:", 3) == 0 ||
	       (fstat(fd, &ours) == 0 && lstat(path, &named) == 0 &&
		ours.st_dev == named.st_dev && ours.st_ino == named.st_ino);
}

/* Open or make it. -EAGAIN: the name changed meanwhile. */
static int open_or_make(struct lull_state *s,
			const struct lull_state_config *config,
			struct lull_state_why *why)
{
	int e;

	s->fd = open_path(config->path);
	if (s->fd < 0 && errno == ENOENT &&
	    strncmp(config->path, "fd:", 3) != 0) {
		e = make(s, config, why);
		return e == -EEXIST ? -EAGAIN : e;
	}
	if (s->fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
		return refuse(why, LULL_STATE_KIND, -EBADMSG,
			      errno == ELOOP ? "a symbolic link"
					     : "not a regular file");
	if (s->fd < 0)
		return failed(why, "open");
	e = take(s, config, why);
	return e == 0 && !is_named(s->fd, config->path) ? -EAGAIN : e;
}

static void release(struct lull_state *s)
{
	if (s->header)
		munmap(s->header, PAGE);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct lull_state){.fd = -1, .len = s->len};
}

int lull_state_open(struct lull_state **state,
		    const struct lull_state_config *config,
		    struct lull_state_why *why)
{
	struct lull_state *s;
	size_t mem_len, closing_len;
	int e = -EAGAIN;

	if (config->size != sizeof *config || why->size != sizeof *why ||
	    config->quiet_ms > QUIET_MAX_MS ||
	    lull_limits_size(config->limits, &mem_len, &closing_len) < 0)
		return -EINVAL;
	*why = (struct lull_state_why){.size = sizeof *why};
	s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	s->fd = -1;
	s->len = PAGE + closing_len;
	for (int i = 0; i < TRIES && e == -EAGAIN; i++) {
		release(s);
		e = open_or_make(s, config, why);
	}
	if (e == -EAGAIN)
		e = refuse(why, LULL_STATE_ERROR, e, "others keep making it");
	if (e < 0) {
		release(s);
		free(s);
		return e;
	}
	/* A memfd can't be cut any more; other files could, by their owner. */
	(void)fcntl(s->fd, F_ADD_SEALS, F_SEAL_SHRINK);
	*state = s;
	return 0;
}

/* ---- in use ---- */

bool lull_state_is_old(const struct lull_state *s)
{
	return s->old;
}

bool lull_state_is_clean(const struct lull_state *s)
{
	return s->clean;
}

uint32_t lull_state_quiet_ms(const struct lull_state *s)
{
	uint64_t now = now_ms(), until = s->header->quiet_until_ms;

	if (until <= now)
		return 0;
	return until - now > UINT32_MAX ? UINT32_MAX : (uint32_t)(until - now);
}

int lull_state_lend(struct lull_state *s, struct lull_config *config,
		    struct lull_memory *memory)
{
	if (memory->closing_len != s->len - PAGE)
		return -EINVAL;
	if (mmap(memory->closing, memory->closing_len, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED | MAP_POPULATE, s->fd,
		 PAGE) == MAP_FAILED)
		return -errno;
	memcpy(config->key, s->header->key, sizeof config->key);
	return 0;
}

void lull_state_close(struct lull_state *s)
{
	if (!s)
		return;
	s->header->clean = 1;
	s->header->pid = 0;
	release(s);
	free(s);
}
