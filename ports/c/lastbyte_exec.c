/* lastbyte_exec: what a run is, over the executions of the ABI. See lastbyte_exec.h. */
#include "lastbyte_exec.h"

#include <stdlib.h>
#include <string.h>

#include "lastbyte_trace.h"

struct lastbyte_exec {
    lastbyte_runtime *runtime;
    bool owns_runtime;
    lastbyte_execution *execution;
    lastbyte_exec_on_event on_event;
    void *userdata;
    /* What of the input is not accepted yet. */
    const uint8_t *input;
    size_t input_length;
    bool feeds;
    bool exited;
    lastbyte_status status;
    bool over;
    lastbyte_terminal terminal;
    /* Calls of ours that are under way: the memory stays until they return. */
    unsigned busy;
    bool freed;
    lastbyte_trace trace;
};

/* The last call that is under way frees what a callback has freed. */
static void release(lastbyte_exec *exec)
{
    if (exec->busy == 0)
        free(exec);
}

/* Callbacks. Each may free the run as its last deed: nothing of it is touched after the caller's. */

static void on_output(void *userdata, lastbyte_execution *execution, const lastbyte_event *event)
{
    lastbyte_exec *exec = userdata;
    (void)execution;
    lastbyte_trace_event(&exec->trace, event);
    exec->on_event(exec->userdata, exec, event);
}

static void on_exit_told(void *userdata, lastbyte_execution *execution,
                         const lastbyte_terminal *terminal)
{
    lastbyte_exec *exec = userdata;
    (void)execution;
    exec->terminal = *terminal;
    exec->over = true;
    lastbyte_trace_exit(&exec->trace, terminal);
}

static void on_exited(void *userdata, lastbyte_execution *execution, const lastbyte_status *status)
{
    lastbyte_exec *exec = userdata;
    (void)execution;
    exec->status = *status;
    exec->exited = true;
    lastbyte_trace_resolved(&exec->trace, LASTBYTE_UNTIL_EXITED, status);
}

/* Hands on what there is room for of the input that was given at the start. */
static void feed(lastbyte_exec *exec)
{
    size_t accepted = 0;
    int32_t code;
    if (!exec->feeds)
        return;
    code = lastbyte_execution_stdin_write(exec->execution, exec->input, exec->input_length,
                                          &accepted);
    if (code == LASTBYTE_CODE_OK)
        lastbyte_execution_stdin_close(exec->execution);
    exec->input += accepted;
    exec->input_length -= accepted;
    /* A child that has stopped reading gets no more, and fails nothing. */
    exec->feeds = code == LASTBYTE_CODE_PENDING;
}

static void on_stdin(void *userdata, lastbyte_execution *execution,
                     const lastbyte_stdin_report *report)
{
    (void)execution, (void)report;
    feed(userdata);
}

/* Commands. */

static int32_t set_env(lastbyte_command *command, const char *const *env)
{
    int32_t code = LASTBYTE_CODE_OK;
    for (; env != NULL && *env != NULL && code == LASTBYTE_CODE_OK; env++) {
        const char *equals = strchr(*env, '=');
        size_t length = equals != NULL ? (size_t)(equals - *env) : strlen(*env);
        char *key = malloc(length + 1);
        if (key == NULL)
            return LASTBYTE_CODE_OVER_QUOTA;
        memcpy(key, *env, length);
        key[length] = '\0';
        code = equals != NULL ? lastbyte_command_env(command, key, equals + 1)
                              : lastbyte_command_env_remove(command, key);
        free(key);
    }
    return code;
}

static int32_t set_mode(lastbyte_command *command, const lastbyte_exec_options *options)
{
    int32_t code;
    switch (options->mode) {
    case LASTBYTE_EXEC_SEPARATE:
        return LASTBYTE_CODE_OK;
    case LASTBYTE_EXEC_COMBINED:
        return lastbyte_command_combined(command);
    case LASTBYTE_EXEC_PTY:
        return lastbyte_command_pty(command, options->rows ? options->rows : 24,
                                    options->cols ? options->cols : 80);
    case LASTBYTE_EXEC_INHERIT:
        code = lastbyte_command_stdout(command, LASTBYTE_STDIO_INHERIT, -1);
        return code != LASTBYTE_CODE_OK
                   ? code
                   : lastbyte_command_stderr(command, LASTBYTE_STDIO_INHERIT, -1);
    }
    return LASTBYTE_CODE_INVALID_ARGUMENT;
}

static bool has_stdin(const lastbyte_exec_options *options)
{
    return options->input != NULL || options->stdin_open;
}

/* What asks for two things at once. */
static bool contradicts_itself(const lastbyte_exec_options *options)
{
    return (options->input != NULL && options->stdin_open) ||
           (options->input == NULL && options->input_length > 0) ||
           (options->mode != LASTBYTE_EXEC_PTY && (options->rows || options->cols));
}

static int32_t set_options(lastbyte_command *command, const lastbyte_exec_options *options)
{
    int32_t code = LASTBYTE_CODE_OK;
    if (contradicts_itself(options))
        return LASTBYTE_CODE_INVALID_ARGUMENT;
    if (options->env_clear)
        code = lastbyte_command_env_clear(command);
    if (code == LASTBYTE_CODE_OK)
        code = set_env(command, options->env);
    if (code == LASTBYTE_CODE_OK && options->dir != NULL)
        code = lastbyte_command_dir(command, options->dir);
    if (code == LASTBYTE_CODE_OK && options->policy != NULL)
        code = lastbyte_command_policy(command, options->policy);
    if (code == LASTBYTE_CODE_OK && has_stdin(options) && options->mode != LASTBYTE_EXEC_PTY)
        code = lastbyte_command_stdin(command, LASTBYTE_STDIO_PIPED, -1);
    return code == LASTBYTE_CODE_OK ? set_mode(command, options) : code;
}

static int32_t command_of(const char *const argv[], const lastbyte_exec_options *options,
                          lastbyte_command **command)
{
    int32_t code;
    if (argv == NULL || argv[0] == NULL)
        return LASTBYTE_CODE_INVALID_ARGUMENT;
    code = lastbyte_command_new(argv[0], command);
    if (code != LASTBYTE_CODE_OK)
        return code;
    for (argv++; *argv != NULL && code == LASTBYTE_CODE_OK; argv++)
        code = lastbyte_command_arg(*command, *argv);
    if (code == LASTBYTE_CODE_OK)
        code = set_options(*command, options);
    if (code != LASTBYTE_CODE_OK)
        lastbyte_command_free(*command);
    return code;
}

/* Starts. */

static void refuse(lastbyte_exec_refusal *refusal, int32_t code, lastbyte_error *error)
{
    const char *summary = lastbyte_code_summary(code);
    lastbyte_error_info info;
    if (refusal == NULL)
        return;
    memset(refusal, 0, sizeof *refusal);
    refusal->code = code;
    refusal->exit_code = 125;
    snprintf(refusal->message, sizeof refusal->message, "%s", summary != NULL ? summary : "");
    if (error != NULL && lastbyte_error_read(error, &info) == LASTBYTE_CODE_OK) {
        refusal->stage = info.stage;
        refusal->error = info.error;
        refusal->exit_code = info.exit_code;
        snprintf(refusal->message, sizeof refusal->message, "%s", info.message);
    }
}

/* Registers for everything; nothing is called before the next drain. */
static int32_t listen_to(lastbyte_exec *exec, const lastbyte_exec_options *options)
{
    static const uint32_t all[] = {LASTBYTE_STREAM_STDOUT, LASTBYTE_STREAM_STDERR,
                                   LASTBYTE_STREAM_COMBINED, LASTBYTE_STREAM_PTY};
    static const lastbyte_exec_mode of[] = {LASTBYTE_EXEC_SEPARATE, LASTBYTE_EXEC_SEPARATE,
                                            LASTBYTE_EXEC_COMBINED, LASTBYTE_EXEC_PTY};
    int32_t code = LASTBYTE_CODE_OK;
    size_t i;
    for (i = 0; i < 4 && code == LASTBYTE_CODE_OK; i++) {
        if (of[i] != options->mode)
            continue;
        code = options->on_event != NULL
                   ? lastbyte_execution_on_output(exec->execution, all[i], on_output, exec)
                   : lastbyte_execution_discard(exec->execution, all[i]);
    }
    if (code == LASTBYTE_CODE_OK)
        code = lastbyte_execution_on_exited(exec->execution, on_exited, exec);
    if (code == LASTBYTE_CODE_OK)
        code = lastbyte_execution_on_exit(exec->execution, on_exit_told, exec);
    if (code == LASTBYTE_CODE_OK && has_stdin(options))
        code = lastbyte_execution_on_stdin(exec->execution, on_stdin, exec);
    return code;
}

static int32_t begin(lastbyte_exec *exec, const lastbyte_command *command,
                     const lastbyte_exec_options *options, lastbyte_exec_refusal *refusal)
{
    lastbyte_error *error = NULL;
    int32_t code = LASTBYTE_CODE_OK;
    if (exec->owns_runtime)
        code = lastbyte_runtime_new(1, &exec->runtime);
    if (code == LASTBYTE_CODE_OK)
        code = lastbyte_execution_start(exec->runtime, command, &exec->execution, &error);
    if (code != LASTBYTE_CODE_OK) {
        lastbyte_trace_refused(&exec->trace);
        refuse(refusal, code, error);
        lastbyte_error_free(error);
        return code;
    }
    lastbyte_trace_start(&exec->trace);
    code = listen_to(exec, options);
    if (code != LASTBYTE_CODE_OK) {
        refuse(refusal, code, NULL);
        lastbyte_execution_free(exec->execution, NULL);
        return code;
    }
    feed(exec);
    return LASTBYTE_CODE_OK;
}

int32_t lastbyte_exec_start(const char *const argv[], const lastbyte_exec_options *options,
                            lastbyte_exec **place, lastbyte_exec_refusal *refusal)
{
    static const lastbyte_exec_options defaults = {0};
    lastbyte_command *command = NULL;
    lastbyte_exec *exec;
    int32_t code = place != NULL ? LASTBYTE_CODE_OK : LASTBYTE_CODE_INVALID_ARGUMENT;
    options = options != NULL ? options : &defaults;
    if (code == LASTBYTE_CODE_OK)
        code = command_of(argv, options, &command);
    if (code != LASTBYTE_CODE_OK) {
        refuse(refusal, code, NULL);
        return code;
    }
    exec = calloc(1, sizeof *exec);
    if (exec == NULL) {
        lastbyte_command_free(command);
        refuse(refusal, LASTBYTE_CODE_OVER_QUOTA, NULL);
        return LASTBYTE_CODE_OVER_QUOTA;
    }
    exec->runtime = options->runtime;
    exec->owns_runtime = options->runtime == NULL;
    exec->on_event = options->on_event;
    exec->userdata = options->userdata;
    exec->input = options->input;
    exec->input_length = options->input_length;
    exec->feeds = options->input != NULL;
    lastbyte_trace_open(&exec->trace, options->trace);
    code = begin(exec, command, options, refusal);
    lastbyte_command_free(command);
    if (code == LASTBYTE_CODE_OK) {
        *place = exec;
    } else {
        if (exec->owns_runtime)
            lastbyte_runtime_free(exec->runtime);
        free(exec);
    }
    return code;
}

/* Waits. */

int32_t lastbyte_exec_poll(lastbyte_exec *exec, int64_t timeout_ms)
{
    int32_t code;
    if (exec == NULL)
        return LASTBYTE_CODE_INVALID_ARGUMENT;
    if (exec->over)
        return LASTBYTE_CODE_OK;
    exec->busy++;
    code = lastbyte_runtime_drain(exec->runtime, 0, timeout_ms, NULL);
    exec->busy--;
    if (exec->freed) {
        release(exec);
        return LASTBYTE_CODE_STOPPED;
    }
    return code == LASTBYTE_CODE_OK && !exec->over ? LASTBYTE_CODE_PENDING : code;
}

int32_t lastbyte_exec_wait(lastbyte_exec *exec, lastbyte_terminal *terminal)
{
    int32_t code = LASTBYTE_CODE_PENDING;
    while (code == LASTBYTE_CODE_PENDING)
        code = lastbyte_exec_poll(exec, -1);
    if (code == LASTBYTE_CODE_OK && terminal != NULL)
        *terminal = exec->terminal;
    return code;
}

int32_t lastbyte_exec_exited(lastbyte_exec *exec, lastbyte_status *status)
{
    if (exec == NULL)
        return LASTBYTE_CODE_INVALID_ARGUMENT;
    while (!exec->exited && !exec->over) {
        int32_t code = lastbyte_exec_poll(exec, -1);
        if (code != LASTBYTE_CODE_OK && code != LASTBYTE_CODE_PENDING)
            return code;
    }
    if (status != NULL)
        *status = exec->exited ? exec->status : exec->terminal.status;
    return LASTBYTE_CODE_OK;
}

int32_t lastbyte_exec_write(lastbyte_exec *exec, const void *data, size_t length, size_t *accepted)
{
    size_t sum = 0;
    int32_t code;
    if (exec == NULL || (data == NULL && length > 0))
        return LASTBYTE_CODE_INVALID_ARGUMENT;
    do {
        size_t more = 0;
        code = lastbyte_execution_stdin_write(exec->execution, (const uint8_t *)data + sum,
                                              length - sum, &more);
        sum += more;
        if (code == LASTBYTE_CODE_PENDING) {
            int32_t polled = lastbyte_exec_poll(exec, -1);
            if (polled == LASTBYTE_CODE_INVALID_STATE)
                break;
            if (polled != LASTBYTE_CODE_PENDING)
                code = LASTBYTE_CODE_STOPPED;
        }
    } while (code == LASTBYTE_CODE_PENDING);
    if (accepted != NULL)
        *accepted = sum;
    return code;
}

int32_t lastbyte_exec_close_stdin(lastbyte_exec *exec)
{
    return exec != NULL ? lastbyte_execution_stdin_close(exec->execution)
                        : LASTBYTE_CODE_INVALID_ARGUMENT;
}

/* Callers. */

int32_t lastbyte_exec_kill(lastbyte_exec *exec)
{
    if (exec == NULL)
        return LASTBYTE_CODE_INVALID_ARGUMENT;
    lastbyte_trace_asked(&exec->trace, "kill");
    return lastbyte_execution_kill(exec->execution);
}

int32_t lastbyte_exec_signal(lastbyte_exec *exec, int signal)
{
    return exec != NULL ? lastbyte_execution_signal(exec->execution, signal)
                        : LASTBYTE_CODE_INVALID_ARGUMENT;
}

int32_t lastbyte_exec_pid(const lastbyte_exec *exec, uint32_t *pid)
{
    return exec != NULL ? lastbyte_execution_pid(exec->execution, pid)
                        : LASTBYTE_CODE_INVALID_ARGUMENT;
}

int32_t lastbyte_exec_free(lastbyte_exec *exec, lastbyte_terminal *terminal)
{
    lastbyte_terminal told;
    int32_t code;
    if (exec == NULL)
        return LASTBYTE_CODE_OK;
    if (exec->freed)
        return LASTBYTE_CODE_NOT_FOUND;
    exec->freed = true;
    lastbyte_trace_asked(&exec->trace, "close");
    code = lastbyte_execution_free(exec->execution, &told);
    lastbyte_trace_asked(&exec->trace, "closed");
    if (code == LASTBYTE_CODE_OK && terminal != NULL)
        *terminal = told;
    if (exec->owns_runtime)
        lastbyte_runtime_free(exec->runtime);
    release(exec);
    return code;
}

/* In one call. */

int32_t lastbyte_exec_run(const char *const argv[], const lastbyte_exec_options *options,
                          lastbyte_terminal *terminal, lastbyte_exec_refusal *refusal)
{
    lastbyte_exec *exec;
    int32_t code = lastbyte_exec_start(argv, options, &exec, refusal);
    if (code != LASTBYTE_CODE_OK)
        return code;
    code = lastbyte_exec_wait(exec, terminal);
    if (code == LASTBYTE_CODE_OK)
        lastbyte_exec_free(exec, NULL);
    else if (code != LASTBYTE_CODE_STOPPED)
        lastbyte_exec_free(exec, terminal);
    if (code != LASTBYTE_CODE_OK)
        refuse(refusal, code, NULL);
    return code;
}
