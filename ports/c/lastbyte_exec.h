/*
 * lastbyte_exec: run a command from C, and get every byte of its output before its exit.
 *
 *     static const char *const argv[] = {"sh", "-c", "echo hi; exit 3", NULL};
 *     lastbyte_exec_output output;
 *     if (lastbyte_exec_capture(argv, NULL, &output, NULL) == LASTBYTE_CODE_OK) {
 *         fwrite(output.out, 1, output.out_length, stdout);
 *         printf("exit code %d\n", (int)output.terminal.status.code);
 *         lastbyte_exec_output_free(&output);
 *     }
 *
 * A front end over lastbyte.h, whose codes, events, policies and terminals it uses as they are. How
 * a command ended is never an error: it is in the terminal. Options are a struct of which zero is
 * the default everywhere; NULL stands for all zero. Callbacks are called inside the functions of
 * this header that are marked [calls], on their thread, and nowhere else.
 *
 * A run is used by one thread at a time; only lastbyte_exec_kill and lastbyte_exec_signal may be
 * called from any, until it is freed.
 */
#ifndef LASTBYTE_EXEC_H
#define LASTBYTE_EXEC_H

#include <lastbyte.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One run of a command. Freed once, with lastbyte_exec_free. */
typedef struct lastbyte_exec lastbyte_exec;

/* Called with each event of a stream: chunk, gap, end. What it points to lives until it returns. */
typedef void (*lastbyte_exec_on_event)(void *userdata, lastbyte_exec *exec,
                                       const lastbyte_event *event);

/* What becomes of the child's stdout and stderr. */
typedef enum lastbyte_exec_mode {
    /* Each is a stream. */
    LASTBYTE_EXEC_SEPARATE = 0,
    /* Both are one stream, in the order of the child's writes. */
    LASTBYTE_EXEC_COMBINED = 1,
    /* The child runs on a terminal, which is the one stream and its stdin. */
    LASTBYTE_EXEC_PTY = 2,
    /* They are ours: the child writes where we would. No streams. */
    LASTBYTE_EXEC_INHERIT = 3
} lastbyte_exec_mode;

/* What a run is to be like. */
typedef struct lastbyte_exec_options {
    /* The directory to start in; NULL: ours. */
    const char *dir;
    /* Changes to our environment, ended by NULL: "KEY=VALUE" sets, "KEY" removes. */
    const char *const *env;
    /* Whether the child starts with no variable of ours. */
    bool env_clear;
    /* What becomes of stdout and stderr. */
    lastbyte_exec_mode mode;
    /* For a pty, its size; 0: 24 rows, 80 columns. */
    uint16_t rows, cols;
    /* The child's input, and its EOF after it; on a pty it is typed. It must stay until the run is
       over or freed. */
    const void *input;
    size_t input_length;
    /* Whether there is input to come: lastbyte_exec_write, lastbyte_exec_close_stdin. Without it and
       without `input` the child reads /dev/null. */
    bool stdin_open;
    /* The policies; NULL: the defaults. */
    const lastbyte_policy *policy;
    /* Called with the output; NULL: output is thrown away, and reported so. */
    lastbyte_exec_on_event on_event;
    void *userdata;
    /* Where it runs; NULL: in a runtime of its own. In a shared one, any call marked [calls] makes
       the calls of all, so one thread at a time may make them. */
    lastbyte_runtime *runtime;
    /* Where a trace is written, for `lastbyte trace check`; NULL: nowhere. */
    FILE *trace;
} lastbyte_exec_options;

/* Why a start was refused. */
typedef struct lastbyte_exec_refusal {
    /* A lastbyte_code. */
    int32_t code;
    /* A lastbyte_stage: how far it came. */
    uint32_t stage;
    /* The errno; 0: none. */
    int32_t error;
    /* The exit code of a program that ends because of it. */
    uint8_t exit_code;
    /* One line, cut where it does not fit: reads after "failed to". */
    char message[256];
} lastbyte_exec_refusal;

/* All output of a run. A NUL, which is not counted, follows each; neither is NULL. */
typedef struct lastbyte_exec_output {
    /* Of stdout, the combined stream or the pty. */
    char *out;
    size_t out_length;
    /* Of stderr. */
    char *err;
    size_t err_length;
    /* The last event. */
    lastbyte_terminal terminal;
} lastbyte_exec_output;

/* Runs a command to its end. `argv` is ended by NULL; its first is a path or a name to look up.
   `refusal` may be NULL. [calls] */
int32_t lastbyte_exec_run(const char *const argv[], const lastbyte_exec_options *options,
                          lastbyte_terminal *terminal, lastbyte_exec_refusal *refusal);

/* As lastbyte_exec_run, and keeps the output, to be freed with lastbyte_exec_output_free where the
   code is 0. Output is not bounded but by the limit of the policy. `on_event` is not called. [calls] */
int32_t lastbyte_exec_capture(const char *const argv[], const lastbyte_exec_options *options,
                              lastbyte_exec_output *output, lastbyte_exec_refusal *refusal);

/* Frees what was kept. */
void lastbyte_exec_output_free(lastbyte_exec_output *output);

/* Starts a command. */
int32_t lastbyte_exec_start(const char *const argv[], const lastbyte_exec_options *options,
                            lastbyte_exec **exec, lastbyte_exec_refusal *refusal);

/* Makes the calls that are due, sleeping until there are some: at most `timeout_ms` milliseconds,
   for ever if it is negative. 0 when the run is over, LASTBYTE_CODE_PENDING when it is not. [calls] */
int32_t lastbyte_exec_poll(lastbyte_exec *exec, int64_t timeout_ms);

/* Waits for the terminal, any number of times: it follows the last byte. From inside a callback
   LASTBYTE_CODE_INVALID_STATE: it would wait for itself. LASTBYTE_CODE_STOPPED if a callback freed the
   run; then `exec` is gone. `terminal` may be NULL. [calls] */
int32_t lastbyte_exec_wait(lastbyte_exec *exec, lastbyte_terminal *terminal);

/* Waits for the root's end, which says nothing of its output; otherwise as lastbyte_exec_wait. [calls] */
int32_t lastbyte_exec_exited(lastbyte_exec *exec, lastbyte_status *status);

/* Writes input, all of it: while the child does not read it waits, and takes its output. `accepted`
   (which may be NULL) is how much was accepted. LASTBYTE_CODE_STOPPED when the child has stopped
   reading; from inside a callback it does not wait, and is LASTBYTE_CODE_PENDING. [calls] */
int32_t lastbyte_exec_write(lastbyte_exec *exec, const void *data, size_t length, size_t *accepted);

/* Ends the child's input, once, after all that was written. */
int32_t lastbyte_exec_close_stdin(lastbyte_exec *exec);

/* Kills by policy: the first signal, the grace period, SIGKILL. Output written in answer still comes.
   LASTBYTE_CODE_STOPPED after the root's end. */
int32_t lastbyte_exec_kill(lastbyte_exec *exec);

/* Sends one signal. LASTBYTE_CODE_STOPPED after the root's end. */
int32_t lastbyte_exec_signal(lastbyte_exec *exec, int signal);

/* The root's process id, for display. */
int32_t lastbyte_exec_pid(const lastbyte_exec *exec, uint32_t *pid);

/* Frees a run at any moment, also from inside a callback. One that is not over is killed and reaped;
   nothing is left and no callback is called any more. `terminal` (which may be NULL) is its one
   terminal. From inside one of its own callbacks LASTBYTE_CODE_PENDING, without a terminal: the rest
   is done when the callback has returned. NULL is no run, and nothing happens. */
int32_t lastbyte_exec_free(lastbyte_exec *exec, lastbyte_terminal *terminal);

#ifdef __cplusplus
}
#endif

#endif
