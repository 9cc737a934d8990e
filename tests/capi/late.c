/* Who registers late gets every byte from the first, within the bound; who never does holds up
 * nobody. */
#include "check.h"

/* Drains until the root has ended and all that is there was taken. */
static void let_it_end(lastbyte_runtime *runtime, lastbyte_execution *execution, told *it)
{
    uint64_t calls = 1;
    OK(lastbyte_execution_on_exited(execution, on_exited, it));
    drain_until(runtime, &it->exiteds, 1);
    while (calls > 0)
        OK(lastbyte_runtime_drain(runtime, 0, 50, &calls));
}

static void everything_from_the_first_byte(lastbyte_runtime *runtime)
{
    told it = {0};
    size_t i;
    lastbyte_execution *execution = start(runtime, "head -c 200000 /dev/zero | tr '\\0' z; exit 2");

    let_it_end(runtime, execution, &it);
    CHECK(it.chunks == 0);
    listen_to(execution, &it);
    drain_until(runtime, &it.exits, 1);
    CHECK(it.lengths[0] == 200000 && it.gaps[0] == 0);
    for (i = 0; i < it.lengths[0]; i++)
        CHECK(it.bytes[0][i] == 'z');
    CHECK(it.terminal.complete && it.terminal.status.code == 2);
    CHECK(it.terminal.reports[0].delivered == 200000);
    OK(lastbyte_execution_free(execution, NULL));
    told_free(&it);
}

static void beyond_the_bound(lastbyte_runtime *runtime)
{
    told it = {0};
    lastbyte_execution *execution = start(runtime, "head -c 3000000 /dev/zero");

    /* Nobody takes it, and the child does not block. */
    let_it_end(runtime, execution, &it);
    listen_to(execution, &it);
    drain_until(runtime, &it.exits, 1);
    CHECK(it.lengths[0] > 0 && it.lengths[0] <= 256 * 1024);
    CHECK(it.gaps[0] > 0 && it.lengths[0] + it.gaps[0] <= 3000000);
    CHECK(it.ends[0].kind == LASTBYTE_END_KIND_DISCARDED);
    CHECK(!it.terminal.complete && it.terminal.status.code == 0);
    CHECK(it.terminal.reports[0].delivered == it.lengths[0]);
    CHECK(it.terminal.reports[0].dropped == it.gaps[0]);
    OK(lastbyte_execution_free(execution, NULL));
    told_free(&it);
}

/* One stream late, the other never: neither holds up the exit, which says so. */
static void never(lastbyte_runtime *runtime)
{
    told it = {0};
    lastbyte_terminal terminal;
    lastbyte_execution *execution = start(runtime, "echo out; echo error >&2");

    OK(lastbyte_execution_on_output(execution, LASTBYTE_STREAM_STDOUT, on_output, &it));
    GIVES(LASTBYTE_CODE_INVALID_STATE,
          lastbyte_execution_on_output(execution, LASTBYTE_STREAM_STDOUT, on_output, &it));
    OK(lastbyte_execution_on_exit(execution, on_exit_told, &it));
    GIVES(LASTBYTE_CODE_INVALID_STATE, lastbyte_execution_on_exit(execution, on_exit_told, &it));
    GIVES(LASTBYTE_CODE_INVALID_ARGUMENT,
          lastbyte_execution_on_output(execution, LASTBYTE_STREAM_PTY, on_output, &it));
    drain_until(runtime, &it.exits, 1);
    CHECK(it.lengths[0] == 4 && it.lengths[1] == 0 && !it.terminal.complete);
    CHECK(it.terminal.reports[0].complete);
    CHECK(it.terminal.reports[1].end.kind == LASTBYTE_END_KIND_DISCARDED);
    CHECK(it.terminal.reports[1].delivered == 0 && it.terminal.reports[1].dropped == 6);
    GIVES(LASTBYTE_CODE_STOPPED,
          lastbyte_execution_on_output(execution, LASTBYTE_STREAM_STDERR, on_output, &it));
    GIVES(LASTBYTE_CODE_STOPPED, lastbyte_execution_discard(execution, LASTBYTE_STREAM_STDERR));
    GIVES(LASTBYTE_CODE_INVALID_STATE, lastbyte_execution_on_exit(execution, on_exit_told, &it));
    OK(lastbyte_execution_wait(execution, -1, &terminal));
    CHECK(same(&terminal, &it.terminal));
    OK(lastbyte_execution_free(execution, NULL));
    told_free(&it);
}

int main(void)
{
    lastbyte_runtime *runtime = NULL;

    OK(lastbyte_runtime_new(0, &runtime));
    everything_from_the_first_byte(runtime);
    beyond_the_bound(runtime);
    never(runtime);
    OK(lastbyte_runtime_free(runtime));
    return 0;
}
