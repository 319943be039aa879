// A clock for redis-server that stands before that of libc, see clock.go.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifdef SHIFTED
static volatile long long none, *shift = &none;

__attribute__((constructor)) static void start(void) {
	int fd = open(getenv("CLOCK_SHIFT"), O_RDONLY);
	void *at = mmap(0, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
	if (fd < 0 || at == MAP_FAILED) abort();
	shift = at;
}

static void move(struct timespec *ts) { ts->tv_sec += *shift; }
#else
static void move(struct timespec *ts) {
	long long base = atoll(getenv("CLOCK_BASE")), now = ts->tv_sec * 1000000000LL + ts->tv_nsec;
	now = base + (now - base) * atoll(getenv("CLOCK_SPEED"));
	ts->tv_sec = now / 1000000000;
	ts->tv_nsec = now % 1000000000;
}
#endif

int clock_gettime(clockid_t id, struct timespec *ts) {
	long bad = syscall(SYS_clock_gettime, id, ts);
	if (!bad && id == CLOCK_REALTIME) move(ts);
	return bad;
}

int gettimeofday(struct timeval *tv, void *tz) {
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *at) {
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (at) *at = ts.tv_sec;
	return ts.tv_sec;
}
