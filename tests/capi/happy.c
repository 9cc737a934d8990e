/* A command from its start to its end: every byte before the exit, both streams, waits, stdin. */
#include "check.h"

static void both_streams(lastbyte_runtime *runtime)
{
    told it = {0};
    lastbyte_execution *execution = start(runtime, "printf out; printf err >&2; exit 3");
    lastbyte_terminal terminal;
    lastbyte_report report;
    lastbyte_status status;
    uint32_t pid = 0;

    listen_to(execution, &it);
    OK(lastbyte_execution_on_wait(execution, on_wait, &it));
    OK(lastbyte_execution_on_exited(execution, on_exited, &it));
    OK(lastbyte_execution_pid(execution, &pid));
    CHECK(pid > 1);
    drain_until(runtime, &it.waits, 1);

    CHECK(it.exits == 1 && it.exiteds == 1);
    CHECK(it.lengths[0] == 3 && memcmp(it.bytes[0], "out", 3) == 0);
    CHECK(it.lengths[1] == 3 && memcmp(it.bytes[1], "err", 3) == 0);
    CHECK(it.ends[0].kind == LASTBYTE_END_KIND_EOF && it.ends[1].kind == LASTBYTE_END_KIND_EOF);
    CHECK(it.terminal.status.kind == LASTBYTE_STATUS_KIND_EXITED);
    CHECK(it.terminal.status.code == 3 && it.terminal.shell_exit_code == 3);
    CHECK(it.terminal.complete && it.terminal.reports_count == 2);
    CHECK(it.status.kind == LASTBYTE_STATUS_KIND_EXITED && it.status.code == 3);
    OK(lastbyte_terminal_report(&it.terminal, LASTBYTE_STREAM_STDERR, &report));
    CHECK(report.delivered == 3 && report.dropped == 0 && report.complete && !report.held);

    /* Waits are level-triggered, and the one terminal is the same for all. */
    OK(lastbyte_execution_wait(execution, 0, &terminal));
    CHECK(same(&terminal, &it.terminal));
    OK(lastbyte_execution_exited(execution, 0, &status));
    CHECK(status.code == 3);
    OK(lastbyte_execution_on_wait(execution, on_wait, &it));
    drain_until(runtime, &it.waits, 2);
    OK(lastbyte_execution_free(execution, &terminal));
    CHECK(same(&terminal, &it.terminal));
    told_free(&it);
}

static void without_callbacks(lastbyte_runtime *runtime)
{
    lastbyte_execution *execution = start(runtime, "head -c 1000000 /dev/zero; exit 4");
    lastbyte_terminal terminal;

    /* Nobody takes the output: the child does not block on it, and it is reported. */
    OK(lastbyte_execution_wait(execution, NO_HANG, &terminal));
    CHECK(terminal.status.code == 4 && !terminal.complete);
    CHECK(terminal.reports[0].end.kind == LASTBYTE_END_KIND_DISCARDED);
    CHECK(terminal.reports[0].delivered == 0 && terminal.reports[0].dropped > 256 * 1024);
    CHECK(terminal.reports[1].end.kind == LASTBYTE_END_KIND_EOF);
    OK(lastbyte_execution_free(execution, NULL));
}

static void input(lastbyte_runtime *runtime)
{
    told it = {0};
    lastbyte_command *command = shell("cat; echo end");
    lastbyte_execution *execution = NULL;
    lastbyte_stdin_report report;
    size_t accepted = 0;

    OK(lastbyte_command_stdin(command, LASTBYTE_STDIO_PIPED, -1));
    OK(lastbyte_execution_start(runtime, command, &execution, NULL));
    OK(lastbyte_command_free(command));
    listen_to(execution, &it);
    OK(lastbyte_execution_stdin_write(execution, (const uint8_t *)"a\0b\n", 4, &accepted));
    CHECK(accepted == 4);
    OK(lastbyte_execution_stdin_close(execution));
    GIVES(LASTBYTE_CODE_INVALID_STATE, lastbyte_execution_stdin_close(execution));
    drain_until(runtime, &it.exits, 1);
    CHECK(it.lengths[0] == 8 && memcmp(it.bytes[0], "a\0b\nend\n", 8) == 0);
    OK(lastbyte_execution_stdin_report(execution, &report));
    CHECK(report.accepted == 4 && report.written == 4 && !report.broken && report.ended);
    OK(lastbyte_execution_free(execution, NULL));
    told_free(&it);
}

int main(void)
{
    lastbyte_runtime *runtime = NULL;

    CHECK(lastbyte_abi_version() == LASTBYTE_ABI_VERSION);
    OK(lastbyte_runtime_new(0, &runtime));
    both_streams(runtime);
    without_callbacks(runtime);
    input(runtime);
    OK(lastbyte_runtime_shutdown(runtime));
    OK(lastbyte_runtime_free(runtime));
    return 0;
}
