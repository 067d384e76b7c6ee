/* Preloaded into an engine: a disk whose fsync fails and a wall clock that jumps, when the
   torturer says so in a small shared file. Everything else is the C library's.

   struct control: int64 clock_offset_ns, int32 fsyncs_to_fail, int32 fsyncs_failed. Only files
   whose path holds "journal" fail, only CLOCK_REALTIME and its kin jump. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL

struct control {
    int64_t clock_offset_ns;
    int32_t fsyncs_to_fail;
    int32_t fsyncs_failed;
};

static volatile struct control *control;
static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("TORTURE_CONTROL");
    real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *found = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (found != MAP_FAILED) control = found;
}

static int fails(int fd) {
    char link[64], path[4096];
    if (!control || control->fsyncs_to_fail <= 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (!strstr(path, "journal")) return 0;
    control->fsyncs_to_fail--;
    control->fsyncs_failed++;
    errno = EIO;
    return 1;
}

int fsync(int fd) { return fails(fd) ? -1 : real_fsync(fd); }
int fdatasync(int fd) { return fails(fd) ? -1 : real_fdatasync(fd); }

static int64_t offset_ns(void) { return control ? control->clock_offset_ns : 0; }

int clock_gettime(clockid_t id, struct timespec *at) {
    int result = real_gettime(id, at);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        int64_t ns = at->tv_sec * NS + at->tv_nsec + offset_ns();
        at->tv_sec = ns / NS;
        at->tv_nsec = ns % NS;
    }
    return result;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return (time_t)-1;
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
