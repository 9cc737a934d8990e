/* Every function with NULL, with a handle that was freed, and in a state that it has no meaning
 * in. */
#include "check.h"

#define ARGUMENT(call) GIVES(LASTBYTE_CODE_INVALID_ARGUMENT, call)
#define STALE(call) GIVES(LASTBYTE_CODE_NOT_FOUND, call)
#define STATE(call) GIVES(LASTBYTE_CODE_INVALID_STATE, call)

static lastbyte_runtime *runtime;
static lastbyte_terminal terminal;
static lastbyte_status status;
static lastbyte_report report;
static lastbyte_step step;
static lastbyte_input input;
static lastbyte_policy policy;
static lastbyte_stdin_report stdin_report;
static lastbyte_error_info info;
static size_t size;
static uint64_t number;
static uint32_t word;
static int32_t fd;
static bool yes;

/* `bad` cannot be carried out, and is told why. */
static void faulty(const lastbyte_policy *bad, uint32_t fault)
{
    uint32_t told = 77;
    ARGUMENT(lastbyte_policy_check(bad, NULL));
    ARGUMENT(lastbyte_policy_check(bad, &told));
    CHECK(told == fault);
}

static void policies(void)
{
    lastbyte_policy bad;
    uint32_t fault = 77;

    ARGUMENT(lastbyte_policy_default(NULL));
    ARGUMENT(lastbyte_policy_check(NULL, NULL));
    OK(lastbyte_policy_default(&policy));
    OK(lastbyte_policy_check(&policy, NULL));
    OK(lastbyte_policy_check(&policy, &fault));
    CHECK(fault == LASTBYTE_POLICY_FAULT_NONE);
    bad = policy, bad.drain = 9;
    faulty(&bad, LASTBYTE_POLICY_FAULT_NONE);
    bad = policy, bad.descendants = 2;
    faulty(&bad, LASTBYTE_POLICY_FAULT_NONE);
    bad = policy, bad.kill_signal = 0;
    faulty(&bad, LASTBYTE_POLICY_FAULT_NONE);
    bad = policy, bad.kill_target = 2;
    faulty(&bad, LASTBYTE_POLICY_FAULT_NONE);
    bad = policy, bad.buffer_full = 3;
    faulty(&bad, LASTBYTE_POLICY_FAULT_NONE);
    bad = policy, bad.limit = 4;
    faulty(&bad, LASTBYTE_POLICY_FAULT_NONE);
    bad = policy, bad.reserved = 1;
    faulty(&bad, LASTBYTE_POLICY_FAULT_NONE);
    bad = policy, bad.buffer_bytes_max = 0;
    faulty(&bad, LASTBYTE_POLICY_FAULT_BUFFER_BYTES);
    bad = policy, bad.buffer_chunks_max = 0;
    faulty(&bad, LASTBYTE_POLICY_FAULT_BUFFER_CHUNKS);
    bad = policy, bad.drain_gap_ns = bad.drain_max_ns + 1;
    faulty(&bad, LASTBYTE_POLICY_FAULT_IDLE_GAP_OVER_MAX);
    CHECK(strcmp(lastbyte_policy_fault_name(LASTBYTE_POLICY_FAULT_IDLE_GAP_OVER_MAX),
                 "idle_gap_over_max") == 0);
    CHECK(lastbyte_policy_fault_name(LASTBYTE_POLICY_FAULT_NONE) == NULL);
    CHECK(lastbyte_policy_fault_name(99) == NULL);
}

/* Every function of a command, with `command` as its handle. */
static void command_calls(lastbyte_command *command, int32_t code)
{
    lastbyte_execution *execution = NULL;
    GIVES(code, lastbyte_command_arg(command, "a"));
    GIVES(code, lastbyte_command_env(command, "A", "b"));
    GIVES(code, lastbyte_command_env_remove(command, "A"));
    GIVES(code, lastbyte_command_env_clear(command));
    GIVES(code, lastbyte_command_dir(command, "/"));
    GIVES(code, lastbyte_command_stdin(command, LASTBYTE_STDIO_NULL, -1));
    GIVES(code, lastbyte_command_stdout(command, LASTBYTE_STDIO_NULL, -1));
    GIVES(code, lastbyte_command_stderr(command, LASTBYTE_STDIO_NULL, -1));
    GIVES(code, lastbyte_command_combined(command));
    GIVES(code, lastbyte_command_pty(command, 24, 80));
    GIVES(code, lastbyte_command_process_group(command, 1));
    GIVES(code, lastbyte_command_timestamps(command, 1));
    GIVES(code, lastbyte_command_policy(command, &policy));
    GIVES(code, lastbyte_execution_start(runtime, command, &execution, NULL));
    GIVES(code, lastbyte_command_free(command));
}

static void commands(void)
{
    lastbyte_command *command = NULL;

    ARGUMENT(lastbyte_command_new(NULL, &command));
    ARGUMENT(lastbyte_command_new("true", NULL));
    command_calls(NULL, LASTBYTE_CODE_INVALID_ARGUMENT);
    OK(lastbyte_command_new("true", &command));
    ARGUMENT(lastbyte_command_arg(command, NULL));
    ARGUMENT(lastbyte_command_env(command, NULL, "b"));
    ARGUMENT(lastbyte_command_env(command, "A", NULL));
    ARGUMENT(lastbyte_command_env(command, "", "b"));
    ARGUMENT(lastbyte_command_env(command, "A=B", "b"));
    ARGUMENT(lastbyte_command_env_remove(command, NULL));
    ARGUMENT(lastbyte_command_dir(command, NULL));
    ARGUMENT(lastbyte_command_stdin(command, 0, -1));
    ARGUMENT(lastbyte_command_stdout(command, LASTBYTE_STDIO_FD, -1));
    ARGUMENT(lastbyte_command_stderr(command, LASTBYTE_STDIO_FD, 999999));
    ARGUMENT(lastbyte_command_pty(command, 0, 80));
    ARGUMENT(lastbyte_command_process_group(command, 2));
    ARGUMENT(lastbyte_command_timestamps(command, 2));
    ARGUMENT(lastbyte_command_policy(command, NULL));
    OK(lastbyte_command_free(command));
    command_calls(command, LASTBYTE_CODE_NOT_FOUND);
}

/* Every function of an execution, with `execution` as its handle. */
static void execution_calls(lastbyte_execution *execution, int32_t code)
{
    GIVES(code, lastbyte_execution_on_output(execution, LASTBYTE_STREAM_STDOUT, on_output, NULL));
    GIVES(code, lastbyte_execution_on_exit(execution, on_exit_told, NULL));
    GIVES(code, lastbyte_execution_on_wait(execution, on_wait, NULL));
    GIVES(code, lastbyte_execution_on_exited(execution, on_exited, NULL));
    GIVES(code, lastbyte_execution_discard(execution, LASTBYTE_STREAM_STDOUT));
    GIVES(code, lastbyte_execution_stdin_write(execution, (const uint8_t *)"x", 1, &size));
    GIVES(code, lastbyte_execution_stdin_close(execution));
    GIVES(code, lastbyte_execution_stdin_report(execution, &stdin_report));
    GIVES(code, lastbyte_execution_signal(execution, 15));
    GIVES(code, lastbyte_execution_kill(execution));
    GIVES(code, lastbyte_execution_wait(execution, 0, &terminal));
    GIVES(code, lastbyte_execution_exited(execution, 0, &status));
    GIVES(code, lastbyte_execution_pid(execution, &word));
    GIVES(code, lastbyte_execution_free(execution, &terminal));
}

static void on_stdin(void *userdata, lastbyte_execution *execution,
                     const lastbyte_stdin_report *told)
{
    (void)userdata, (void)execution, (void)told;
}

static void executions(void)
{
    lastbyte_command *command = shell("exit 0");
    lastbyte_execution *execution = NULL;

    ARGUMENT(lastbyte_execution_start(NULL, command, &execution, NULL));
    ARGUMENT(lastbyte_execution_start(runtime, command, NULL, NULL));
    execution_calls(NULL, LASTBYTE_CODE_INVALID_ARGUMENT);
    OK(lastbyte_execution_start(runtime, command, &execution, NULL));
    OK(lastbyte_command_free(command));
    ARGUMENT(lastbyte_execution_on_output(execution, LASTBYTE_STREAM_STDOUT, NULL, NULL));
    ARGUMENT(lastbyte_execution_on_output(execution, 0, on_output, NULL));
    ARGUMENT(lastbyte_execution_on_output(execution, 5, on_output, NULL));
    ARGUMENT(lastbyte_execution_on_exit(execution, NULL, NULL));
    ARGUMENT(lastbyte_execution_on_wait(execution, NULL, NULL));
    ARGUMENT(lastbyte_execution_on_exited(execution, NULL, NULL));
    ARGUMENT(lastbyte_execution_on_stdin(execution, NULL, NULL));
    ARGUMENT(lastbyte_execution_discard(execution, 9));
    ARGUMENT(lastbyte_execution_discard(execution, LASTBYTE_STREAM_COMBINED));
    ARGUMENT(lastbyte_execution_signal(execution, 0));
    ARGUMENT(lastbyte_execution_signal(execution, 65));
    ARGUMENT(lastbyte_execution_pid(execution, NULL));
    ARGUMENT(lastbyte_execution_stdin_write(execution, NULL, 1, &size));
    ARGUMENT(lastbyte_execution_stdin_write(execution, (const uint8_t *)"", SIZE_MAX, &size));
    ARGUMENT(lastbyte_execution_stdin_write(execution, NULL, 0, NULL));
    ARGUMENT(lastbyte_execution_stdin_report(execution, NULL));
    /* Its stdin is not ours. */
    STATE(lastbyte_execution_stdin_write(execution, NULL, 0, &size));
    STATE(lastbyte_execution_stdin_close(execution));
    STATE(lastbyte_execution_stdin_report(execution, &stdin_report));
    STATE(lastbyte_execution_on_stdin(execution, on_stdin, NULL));
    OK(lastbyte_execution_wait(execution, NO_HANG, NULL));
    OK(lastbyte_execution_exited(execution, -1, NULL));
    GIVES(LASTBYTE_CODE_STOPPED, lastbyte_execution_kill(execution));
    GIVES(LASTBYTE_CODE_STOPPED, lastbyte_execution_signal(execution, 15));
    /* A handle of one type is none of another. */
    STALE(lastbyte_runtime_free((lastbyte_runtime *)(void *)execution));
    OK(lastbyte_execution_free(execution, NULL));
    execution_calls(execution, LASTBYTE_CODE_NOT_FOUND);

    /* Whoever drains cannot wait for his own calls, and may look. */
    execution = start(runtime, "sleep 60");
    OK(lastbyte_execution_on_output(execution, LASTBYTE_STREAM_STDOUT, on_output, NULL));
    OK(lastbyte_runtime_drain(runtime, 0, 0, NULL));
    STATE(lastbyte_execution_wait(execution, -1, &terminal));
    GIVES(LASTBYTE_CODE_PENDING, lastbyte_execution_wait(execution, 0, &terminal));
    GIVES(LASTBYTE_CODE_PENDING, lastbyte_execution_exited(execution, 0, &status));
    GIVES(LASTBYTE_CODE_PENDING, lastbyte_execution_exited(execution, 1, &status));
    OK(lastbyte_execution_free(execution, NULL));
}

/* Every function of a machine, with `machine` as its handle. */
static void machine_calls(lastbyte_machine *machine, int32_t code)
{
    lastbyte_timer timer = {LASTBYTE_TIMER_KIND_GRACE, 0};
    input.kind = LASTBYTE_INPUT_KIND_STARTED;
    GIVES(code, lastbyte_machine_step(machine, &input, &step, NULL));
    GIVES(code, lastbyte_machine_released(machine, &number, 1, &size));
    GIVES(code, lastbyte_machine_room(machine, LASTBYTE_STREAM_STDOUT, &number));
    GIVES(code, lastbyte_machine_buffered(machine, LASTBYTE_STREAM_STDOUT, &number));
    GIVES(code, lastbyte_machine_delay(machine, timer, &number));
    GIVES(code, lastbyte_machine_is_running(machine, timer, &yes));
    GIVES(code, lastbyte_machine_is_done(machine, &yes));
    GIVES(code, lastbyte_machine_status(machine, &status));
    GIVES(code, lastbyte_machine_terminal(machine, &terminal));
    GIVES(code, lastbyte_machine_free(machine));
}

static void machines(void)
{
    lastbyte_machine *machine = NULL;
    lastbyte_policy bad = policy;
    lastbyte_timer none = {0, 0}, no_stream = {LASTBYTE_TIMER_KIND_IDLE, 0};
    uint32_t kind;

    bad.limit = 7;
    ARGUMENT(lastbyte_machine_new(6, NULL, &machine));
    ARGUMENT(lastbyte_machine_new(0, &bad, &machine));
    ARGUMENT(lastbyte_machine_new(0, NULL, NULL));
    machine_calls(NULL, LASTBYTE_CODE_INVALID_ARGUMENT);
    OK(lastbyte_machine_new(LASTBYTE_STREAMS_PTY, &policy, &machine));
    ARGUMENT(lastbyte_machine_step(machine, NULL, &step, NULL));
    ARGUMENT(lastbyte_machine_step(machine, &input, NULL, NULL));
    ARGUMENT(lastbyte_machine_released(machine, NULL, 1, &size));
    ARGUMENT(lastbyte_machine_released(machine, &number, 1, NULL));
    OK(lastbyte_machine_released(machine, NULL, 0, &size));
    ARGUMENT(lastbyte_machine_room(machine, 0, &number));
    ARGUMENT(lastbyte_machine_room(machine, LASTBYTE_STREAM_PTY, NULL));
    ARGUMENT(lastbyte_machine_buffered(machine, 8, &number));
    ARGUMENT(lastbyte_machine_delay(machine, none, &number));
    ARGUMENT(lastbyte_machine_is_running(machine, no_stream, &yes));
    ARGUMENT(lastbyte_machine_is_done(machine, NULL));
    ARGUMENT(lastbyte_machine_status(machine, NULL));
    ARGUMENT(lastbyte_machine_terminal(machine, NULL));
    memset(&input, 0, sizeof input);
    for (kind = 0; kind < 20; kind++) {
        /* Kinds that read a field which is 0 here; 0 means nothing in any of them. */
        bool reads = (kind >= 3 && kind <= 7) || kind == 9 || kind == 10 || kind == 11 ||
                     kind == 13 || kind >= 17 || kind == 0;
        input.kind = kind;
        if (reads)
            ARGUMENT(lastbyte_machine_step(machine, &input, &step, NULL));
    }
    input.kind = LASTBYTE_INPUT_KIND_CHUNK;
    input.stream = LASTBYTE_STREAM_PTY;
    input.chunk.offset = 2, input.chunk.length = UINT64_MAX;
    ARGUMENT(lastbyte_machine_step(machine, &input, &step, NULL));
    /* An illegal input changes nothing, and need not say why. */
    input.chunk.offset = 0, input.chunk.length = 1;
    STATE(lastbyte_machine_step(machine, &input, &step, NULL));
    OK(lastbyte_machine_free(machine));
    machine_calls(machine, LASTBYTE_CODE_NOT_FOUND);
}

static void runtimes(void)
{
    lastbyte_runtime *other = NULL;
    lastbyte_command *command = shell("exit 0");
    lastbyte_execution *execution = NULL;

    ARGUMENT(lastbyte_runtime_new(0, NULL));
    ARGUMENT(lastbyte_runtime_new(1000000, &other));
    ARGUMENT(lastbyte_runtime_drain(NULL, 0, 0, NULL));
    ARGUMENT(lastbyte_runtime_fd(NULL, &fd));
    ARGUMENT(lastbyte_runtime_fd(runtime, NULL));
    ARGUMENT(lastbyte_runtime_shutdown(NULL));
    ARGUMENT(lastbyte_runtime_free(NULL));
    OK(lastbyte_runtime_new(1, &other));
    OK(lastbyte_runtime_free(other));
    STALE(lastbyte_runtime_drain(other, 0, 0, NULL));
    STALE(lastbyte_runtime_fd(other, &fd));
    STALE(lastbyte_runtime_shutdown(other));
    STALE(lastbyte_runtime_free(other));
    STALE(lastbyte_execution_start(other, command, &execution, NULL));
    OK(lastbyte_command_free(command));
}

static void others(void)
{
    memset(&terminal, 0, sizeof terminal);
    terminal.reports_count = 2000000000;
    ARGUMENT(lastbyte_terminal_report(NULL, LASTBYTE_STREAM_STDOUT, &report));
    ARGUMENT(lastbyte_terminal_report(&terminal, LASTBYTE_STREAM_STDOUT, NULL));
    STALE(lastbyte_terminal_report(&terminal, LASTBYTE_STREAM_STDOUT, &report));
    ARGUMENT(lastbyte_error_read(NULL, &info));
    ARGUMENT(lastbyte_error_free(NULL));
    CHECK(lastbyte_code_name(-1) == NULL && lastbyte_code_summary(2) == NULL);
    CHECK(lastbyte_stage_name(0) == NULL && lastbyte_stage_name(7) == NULL);
    CHECK(lastbyte_why_name(0) == NULL && lastbyte_why_rule(99) == NULL);
    CHECK(strcmp(lastbyte_code_name(LASTBYTE_CODE_NOT_FOUND), "not_found") == 0);
    CHECK(lastbyte_code_summary(LASTBYTE_CODE_OK) != NULL && lastbyte_version() != NULL);
}

int main(void)
{
    OK(lastbyte_runtime_new(0, &runtime));
    policies();
    commands();
    executions();
    machines();
    runtimes();
    others();
    OK(lastbyte_runtime_free(runtime));
    return 0;
}
