/* Two threads drain a runtime each, and each frees from its callback what the other is called for: one
 * waits for the other, and not both. A hang ends by SIGALRM. */
#include "check.h"

#include <pthread.h>
#include <unistd.h>

/* One thread, its runtime, its execution, and what it frees. */
typedef struct side {
    lastbyte_runtime *runtime;
    lastbyte_execution *execution;
    struct side *other;
    int frees_runtime;
    int32_t answer;
    int calls;
} side;

/* Both callbacks run at once. */
static pthread_barrier_t both;

static void free_the_other(void *userdata, lastbyte_execution *execution,
                           const lastbyte_event *event)
{
    side *it = userdata;
    (void)execution, (void)event;
    it->calls++;
    pthread_barrier_wait(&both);
    it->answer = it->frees_runtime ? lastbyte_runtime_free(it->other->runtime)
                                   : lastbyte_execution_free(it->other->execution, NULL);
}

static void *drain(void *userdata)
{
    side *it = userdata;
    while (it->calls == 0)
        OK(lastbyte_runtime_drain(it->runtime, 1, NO_HANG, NULL));
    return NULL;
}

static void begin(side *it, side *other, int frees_runtime)
{
    memset(it, 0, sizeof *it);
    it->other = other;
    it->frees_runtime = frees_runtime;
    OK(lastbyte_runtime_new(1, &it->runtime));
    it->execution = start(it->runtime, "echo x; exec sleep 60");
    OK(lastbyte_execution_on_output(it->execution, LASTBYTE_STREAM_STDOUT, free_the_other, it));
}

/* What each frees: an execution or a runtime. */
static void round_of(int first, int second)
{
    side a, b;
    pthread_t threads[2];
    begin(&a, &b, first);
    begin(&b, &a, second);
    CHECK(pthread_create(&threads[0], NULL, drain, &a) == 0);
    CHECK(pthread_create(&threads[1], NULL, drain, &b) == 0);
    CHECK(pthread_join(threads[0], NULL) == 0);
    CHECK(pthread_join(threads[1], NULL) == 0);
    /* One has waited until the other's callback returned, and that one could not. */
    CHECK(a.answer + b.answer == LASTBYTE_CODE_PENDING);
    CHECK(a.calls == 1 && b.calls == 1);
    GIVES(LASTBYTE_CODE_NOT_FOUND, lastbyte_execution_free(a.execution, NULL));
    GIVES(LASTBYTE_CODE_NOT_FOUND, lastbyte_execution_free(b.execution, NULL));
    GIVES(second ? LASTBYTE_CODE_NOT_FOUND : LASTBYTE_CODE_OK, lastbyte_runtime_free(a.runtime));
    GIVES(first ? LASTBYTE_CODE_NOT_FOUND : LASTBYTE_CODE_OK, lastbyte_runtime_free(b.runtime));
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    alarm(NO_HANG / 1000);
    CHECK(pthread_barrier_init(&both, NULL, 2) == 0);
    while (rounds-- > 0) {
        round_of(0, 0);
        round_of(1, 1);
        round_of(0, 1);
    }
    pthread_barrier_destroy(&both);
    return 0;
}
