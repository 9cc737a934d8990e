/* Bare C: posix_spawn, a loop of poll(2) and read(2), waitpid(2). What a child costs at least. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { BLOCK = 64 * 1024 };

static int big_pipe;
static size_t stride, skip;
static uint32_t crc = ~0u, table[256];
static uint64_t count;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void make_table(void)
{
    for (uint32_t place = 0; place < 256; place++) {
        uint32_t value = place;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xEDB88320u : value >> 1;
        table[place] = value;
    }
}

static void take(const unsigned char *chunk, size_t length)
{
    count += length;
    for (; skip < length; skip += stride)
        crc = table[(crc ^ chunk[skip]) & 255] ^ crc >> 8;
    skip -= length;
}

/* What was read, whole: grows by doubling. */
static unsigned char *all;
static size_t all_length, all_size;

static unsigned char *room(size_t least)
{
    if (all_size - all_length < least) {
        all_size = all_size < BLOCK ? 2 * BLOCK : 2 * all_size;
        all = realloc(all, all_size);
        if (!all)
            fail("realloc");
    }
    return all + all_length;
}

/* Runs a child to its end. Both streams are piped and read to their ends. */
static void run(char **argv, int collect)
{
    static unsigned char block[BLOCK];
    int out[2], err[2], status;
    posix_spawn_file_actions_t actions;
    pid_t pid;

    if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
        fail("pipe2");
    if (big_pipe)
        fcntl(out[0], F_SETPIPE_SZ, 1 << 20);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ))
        fail("posix_spawnp");
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    struct pollfd fds[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
    for (int open = 2; open > 0;) {
        if (poll(fds, 2, -1) < 0)
            fail("poll");
        for (int which = 0; which < 2; which++) {
            if (!fds[which].revents)
                continue;
            unsigned char *place = collect && which == 0 ? room(BLOCK) : block;
            ssize_t length = read(fds[which].fd, place, BLOCK);
            if (length < 0)
                fail("read");
            if (length == 0) {
                close(fds[which].fd);
                fds[which].fd = -1;
                open--;
            } else if (which == 0 && collect) {
                all_length += length;
            } else if (which == 0) {
                take(place, length);
            }
        }
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        fail("waitpid");
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static long of_status(const char *name)
{
    char line[256];
    long value = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            value = atol(line + strlen(name));
    if (file)
        fclose(file);
    return value;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    const char *what = argv[2];
    long number = atol(argv[3]);
    big_pipe = !strcmp(argv[1], "big");
    stride = strtoul(argv[4], NULL, 10);
    make_table();
    char *echo[] = {"echo", "hi", NULL};
    char *mode = !strcmp(what, "lines") ? "--lines" : "--write";
    char *child[] = {argv[5], mode, argv[3], NULL};
    double began = now();
    if (!strcmp(what, "echo"))
        for (long run_number = 0; run_number < number; run_number++)
            run(echo, 0);
    else
        run(child, !strcmp(what, "collect"));
    double seconds = now() - began;
    if (all)
        take(all, all_length);
    printf("%.9f %llu %u %ld %ld\n", seconds, (unsigned long long)count, ~crc,
           of_status("VmHWM:"), of_status("voluntary_ctxt_switches:"));
    return 0;
}
