/* One execution that floods, and one that nobody takes, hold up nobody else; drains sleep until
 * something is queued; input waits for room without blocking; a shutdown ends all. */
#include "check.h"

#include <poll.h>

static uint64_t flooded;

static void on_flood(void *userdata, lastbyte_execution *execution, const lastbyte_event *event)
{
    (void)userdata, (void)execution;
    flooded += event->length;
}

static void a_flood(lastbyte_runtime *runtime)
{
    told it = {0};
    lastbyte_terminal terminal;
    lastbyte_execution *flood = start(runtime, "exec yes");
    lastbyte_execution *untaken = start(runtime, "exec yes");
    lastbyte_execution *quiet = start(runtime, "for i in 1 2 3; do echo $i; sleep 0.01; done");

    OK(lastbyte_execution_on_output(flood, LASTBYTE_STREAM_STDOUT, on_flood, NULL));
    listen_to(quiet, &it);
    drain_until(runtime, &it.exits, 1);
    CHECK(it.lengths[0] == 6 && it.terminal.complete && flooded > 0);
    OK(lastbyte_execution_kill(flood));
    OK(lastbyte_execution_free(flood, &terminal));
    OK(lastbyte_execution_free(untaken, &terminal));
    CHECK(terminal.status.kind == LASTBYTE_STATUS_KIND_SIGNALED && terminal.status.signal == 9);
    OK(lastbyte_execution_free(quiet, NULL));
    told_free(&it);
}

static void an_event_loop(lastbyte_runtime *runtime)
{
    told it = {0};
    struct pollfd ready = {-1, POLLIN, 0};
    lastbyte_execution *execution;

    OK(lastbyte_runtime_drain(runtime, 0, 0, NULL));
    OK(lastbyte_runtime_fd(runtime, &ready.fd));
    CHECK(poll(&ready, 1, 0) == 0);
    execution = start(runtime, "echo x");
    listen_to(execution, &it);
    while (it.exits == 0) {
        CHECK(poll(&ready, 1, NO_HANG) == 1);
        OK(lastbyte_runtime_drain(runtime, 0, 0, NULL));
    }
    CHECK(it.lengths[0] == 2);
    OK(lastbyte_execution_free(execution, NULL));
    told_free(&it);
}

static int stdin_calls;

static void on_stdin(void *userdata, lastbyte_execution *execution,
                     const lastbyte_stdin_report *report)
{
    (void)userdata, (void)execution, (void)report;
    stdin_calls++;
}

/* A child that answers each byte: more goes in than any buffer holds, on one thread. */
static void input_and_output(lastbyte_runtime *runtime)
{
    enum { TOTAL = 3000000 };
    static uint8_t data[TOTAL];
    told it = {0};
    lastbyte_command *command = NULL;
    lastbyte_execution *execution = NULL;
    size_t sent = 0, accepted = 0, i;
    int32_t code;

    for (i = 0; i < TOTAL; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    OK(lastbyte_command_new("cat", &command));
    OK(lastbyte_command_stdin(command, LASTBYTE_STDIO_PIPED, -1));
    OK(lastbyte_execution_start(runtime, command, &execution, NULL));
    OK(lastbyte_command_free(command));
    listen_to(execution, &it);
    OK(lastbyte_execution_on_stdin(execution, on_stdin, NULL));
    while (sent < TOTAL) {
        code = lastbyte_execution_stdin_write(execution, data + sent, TOTAL - sent, &accepted);
        sent += accepted;
        CHECK(code == LASTBYTE_CODE_OK || code == LASTBYTE_CODE_PENDING);
        if (code == LASTBYTE_CODE_PENDING)
            OK(lastbyte_runtime_drain(runtime, 0, NO_HANG, NULL));
    }
    OK(lastbyte_execution_stdin_close(execution));
    drain_until(runtime, &it.exits, 1);
    CHECK(it.lengths[0] == TOTAL && memcmp(it.bytes[0], data, TOTAL) == 0);
    CHECK(stdin_calls > 1);
    OK(lastbyte_execution_free(execution, NULL));
    told_free(&it);
}

/* A child that does not read ends its input and nothing else. */
static void broken_input(lastbyte_runtime *runtime)
{
    told it = {0};
    lastbyte_command *command = shell("exec <&-; echo x; sleep 0.05; exit 6");
    lastbyte_execution *execution = NULL;
    lastbyte_stdin_report report;
    size_t accepted = 0;
    static const uint8_t data[200000];

    OK(lastbyte_command_stdin(command, LASTBYTE_STDIO_PIPED, -1));
    OK(lastbyte_execution_start(runtime, command, &execution, NULL));
    OK(lastbyte_command_free(command));
    listen_to(execution, &it);
    OK(lastbyte_execution_stdin_write(execution, data, sizeof data, &accepted));
    drain_until(runtime, &it.exits, 1);
    CHECK(it.terminal.status.code == 6 && it.terminal.complete && it.lengths[0] == 2);
    do {
        OK(lastbyte_execution_stdin_report(execution, &report));
    } while (!report.ended);
    CHECK(report.broken && report.accepted == sizeof data && report.written < sizeof data);
    GIVES(LASTBYTE_CODE_STOPPED, lastbyte_execution_stdin_write(execution, data, 1, &accepted));
    OK(lastbyte_execution_free(execution, NULL));
    told_free(&it);
}

static void shutdown_ends_all(lastbyte_runtime *runtime)
{
    told its[3];
    int i;
    uint64_t calls = 0;
    lastbyte_command *command = shell("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done");
    lastbyte_execution *executions[3] = {0}, *more = NULL;

    memset(its, 0, sizeof its);
    for (i = 0; i < 3; i++) {
        OK(lastbyte_execution_start(runtime, command, &executions[i], NULL));
        listen_to(executions[i], &its[i]);
        drain_until(runtime, &its[i].chunks, 1);
    }
    OK(lastbyte_runtime_shutdown(runtime));
    OK(lastbyte_runtime_shutdown(runtime));
    GIVES(LASTBYTE_CODE_SHUTDOWN, lastbyte_execution_start(runtime, command, &more, NULL));
    for (i = 0; i < 3; i++) {
        drain_until(runtime, &its[i].exits, 1);
        CHECK(its[i].terminal.status.code == 7 && its[i].terminal.cause.cancelled);
        CHECK(its[i].lengths[0] == 7 && memcmp(its[i].bytes[0], "up\nbye\n", 7) == 0);
        told_free(&its[i]);
    }
    /* Nothing can come any more, so it does not sleep. */
    OK(lastbyte_runtime_drain(runtime, 0, -1, &calls));
    CHECK(calls == 0);
    OK(lastbyte_command_free(command));
}

int main(void)
{
    lastbyte_runtime *runtime = NULL;

    OK(lastbyte_runtime_new(1, &runtime));
    an_event_loop(runtime);
    a_flood(runtime);
    input_and_output(runtime);
    broken_input(runtime);
    shutdown_ends_all(runtime);
    OK(lastbyte_runtime_free(runtime));
    return 0;
}
