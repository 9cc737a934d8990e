/* Free races the exit: at any moment, from any thread, from inside callbacks. One terminal, nothing
 * after the free, nothing left. */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

static uint64_t state;

/* Below `bound`, from the seed that a failure prints. */
static unsigned below(unsigned bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % bound;
}

static int descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    CHECK(dir != NULL);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static const char *const SCRIPTS[] = {
    "echo x; exit 3", "sleep 60", "trap '' TERM; echo x; sleep 60", "yes", "sleep 60 & echo x",
};

/* Before, while or after the exit comes, as the seed has it. */
static void at_any_moment(lastbyte_runtime *runtime)
{
    told it = {0};
    lastbyte_execution *execution = start(runtime, SCRIPTS[below(5)]);
    lastbyte_terminal terminal;
    unsigned drains = below(4), chunks;

    if (below(2))
        listen_to(execution, &it);
    if (below(2))
        OK(lastbyte_execution_on_wait(execution, on_wait, &it));
    while (drains-- > 0)
        OK(lastbyte_runtime_drain(runtime, 1 + below(3), below(3), NULL));
    OK(lastbyte_execution_free(execution, &terminal));
    CHECK(terminal.status.kind != 0);
    CHECK(it.exits <= 1);
    if (it.exits == 1)
        CHECK(same(&terminal, &it.terminal));
    chunks = (unsigned)(it.chunks + it.exits + it.waits);
    OK(lastbyte_runtime_drain(runtime, 0, 0, NULL));
    CHECK(chunks == (unsigned)(it.chunks + it.exits + it.waits));
    GIVES(LASTBYTE_CODE_NOT_FOUND, lastbyte_execution_free(execution, NULL));
    GIVES(LASTBYTE_CODE_NOT_FOUND, lastbyte_execution_kill(execution));
    told_free(&it);
}

/* What a thread that frees is given. */
typedef struct freeing {
    lastbyte_execution *execution;
    lastbyte_terminal terminal;
    int32_t code;
} freeing;

static void *free_it(void *userdata)
{
    freeing *it = userdata;
    it->code = lastbyte_execution_free(it->execution, &it->terminal);
    return NULL;
}

static void on_another_thread(lastbyte_runtime *runtime)
{
    told it = {0};
    freeing first = {0}, second = {0};
    pthread_t threads[2];
    lastbyte_execution *execution = start(runtime, SCRIPTS[below(5)]);

    listen_to(execution, &it);
    first.execution = second.execution = execution;
    CHECK(pthread_create(&threads[0], NULL, free_it, &first) == 0);
    CHECK(pthread_create(&threads[1], NULL, free_it, &second) == 0);
    OK(lastbyte_runtime_drain(runtime, 0, below(3), NULL));
    CHECK(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
    /* Of two who free, one does. */
    CHECK((first.code == LASTBYTE_CODE_OK) + (second.code == LASTBYTE_CODE_OK) == 1);
    CHECK(first.code == LASTBYTE_CODE_NOT_FOUND || second.code == LASTBYTE_CODE_NOT_FOUND);
    CHECK(it.exits <= 1);
    if (it.exits == 1)
        CHECK(same(&it.terminal, first.code == 0 ? &first.terminal : &second.terminal));
    told_free(&it);
}

static int calls_inside;

static void free_inside_output(void *userdata, lastbyte_execution *execution,
                               const lastbyte_event *event)
{
    lastbyte_terminal terminal;
    (void)userdata, (void)event;
    calls_inside++;
    GIVES(LASTBYTE_CODE_PENDING, lastbyte_execution_free(execution, &terminal));
    GIVES(LASTBYTE_CODE_NOT_FOUND, lastbyte_execution_free(execution, &terminal));
}

static void free_inside_exit(void *userdata, lastbyte_execution *execution,
                             const lastbyte_terminal *terminal)
{
    (void)userdata, (void)terminal;
    calls_inside++;
    GIVES(LASTBYTE_CODE_PENDING, lastbyte_execution_free(execution, NULL));
}

static void inside_a_callback(lastbyte_runtime *runtime)
{
    lastbyte_execution *execution = start(runtime, "echo x; sleep 60");
    uint64_t calls = 0;
    uint32_t pid;
    char path[64];

    calls_inside = 0;
    OK(lastbyte_execution_pid(execution, &pid));
    OK(lastbyte_execution_on_output(execution, LASTBYTE_STREAM_STDOUT, free_inside_output, NULL));
    OK(lastbyte_execution_on_exit(execution, free_inside_exit, NULL));
    OK(lastbyte_runtime_drain(runtime, 0, NO_HANG, &calls));
    CHECK(calls == 1 && calls_inside == 1);
    /* It is reaped when the drain has returned. */
    snprintf(path, sizeof path, "/proc/%u", pid);
    CHECK(opendir(path) == NULL && errno == ENOENT);

    execution = start(runtime, "exit 0");
    OK(lastbyte_execution_on_exit(execution, free_inside_exit, NULL));
    drain_until(runtime, &calls_inside, 2);
    OK(lastbyte_runtime_drain(runtime, 0, 0, &calls));
    CHECK(calls == 0 && calls_inside == 2);
}

static void free_the_runtime(void *userdata, lastbyte_execution *execution,
                             const lastbyte_event *event)
{
    lastbyte_runtime **runtime = userdata;
    (void)execution, (void)event;
    calls_inside++;
    GIVES(LASTBYTE_CODE_INVALID_STATE, lastbyte_runtime_drain(*runtime, 0, 0, NULL));
    GIVES(LASTBYTE_CODE_INVALID_STATE, lastbyte_execution_wait(execution, -1, NULL));
    GIVES(LASTBYTE_CODE_PENDING, lastbyte_runtime_free(*runtime));
}

static void the_runtime_inside_a_callback(void)
{
    lastbyte_runtime *runtime = NULL;
    lastbyte_execution *first, *second;

    calls_inside = 0;
    OK(lastbyte_runtime_new(2, &runtime));
    first = start(runtime, "echo x; echo y >&2; sleep 60");
    second = start(runtime, "echo x; sleep 60");
    OK(lastbyte_execution_on_output(first, LASTBYTE_STREAM_STDOUT, free_the_runtime, &runtime));
    OK(lastbyte_execution_on_output(second, LASTBYTE_STREAM_STDOUT, free_the_runtime, &runtime));
    OK(lastbyte_runtime_drain(runtime, 0, NO_HANG, NULL));
    CHECK(calls_inside == 1);
    GIVES(LASTBYTE_CODE_NOT_FOUND, lastbyte_execution_free(first, NULL));
    GIVES(LASTBYTE_CODE_NOT_FOUND, lastbyte_execution_free(second, NULL));
    GIVES(LASTBYTE_CODE_NOT_FOUND, lastbyte_runtime_free(runtime));
}

static void *wait_for_it(void *userdata)
{
    freeing *it = userdata;
    it->code = lastbyte_execution_wait(it->execution, NO_HANG, &it->terminal);
    return NULL;
}

/* Whoever blocks is resolved by a free, with its terminal. */
static void a_waiter_is_resolved(lastbyte_runtime *runtime)
{
    told it = {0};
    freeing waiting = {0};
    lastbyte_terminal terminal;
    pthread_t thread;

    waiting.execution = start(runtime, "sleep 60");
    listen_to(waiting.execution, &it);
    CHECK(pthread_create(&thread, NULL, wait_for_it, &waiting) == 0);
    OK(lastbyte_runtime_drain(runtime, 0, 1 + below(3), NULL));
    OK(lastbyte_execution_free(waiting.execution, &terminal));
    CHECK(pthread_join(thread, NULL) == 0);
    /* It may have come after the free. */
    CHECK(waiting.code == LASTBYTE_CODE_OK || waiting.code == LASTBYTE_CODE_NOT_FOUND);
    if (waiting.code == LASTBYTE_CODE_OK)
        CHECK(same(&terminal, &waiting.terminal));
    told_free(&it);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 100, before = descriptors(), i;
    lastbyte_runtime *runtime = NULL;

    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    fprintf(stderr, "seed %llu\n", (unsigned long long)state);
    state = (state << 1) + 0x9e3779b97f4a7c15u;
    OK(lastbyte_runtime_new(0, &runtime));
    for (i = 0; i < rounds; i++) {
        at_any_moment(runtime);
        on_another_thread(runtime);
        inside_a_callback(runtime);
        a_waiter_is_resolved(runtime);
    }
    OK(lastbyte_runtime_free(runtime));
    the_runtime_inside_a_callback();
    /* No process and no descriptor is left. */
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    CHECK(descriptors() == before);
    return 0;
}
