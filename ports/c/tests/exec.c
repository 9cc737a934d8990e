/*
 * The front end on real processes: nothing lost, nobody hangs, nothing left. Names begin with the
 * rule. Children may sleep; the tests do not.
 */
#include "lastbyte_exec.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"

#define MS 1000000ull

static lastbyte_policy policy(void)
{
    lastbyte_policy defaults;
    CHECK(lastbyte_policy_default(&defaults) == LASTBYTE_CODE_OK);
    return defaults;
}

/* A script to its end. */
static lastbyte_exec_output sh_with(const char *script, const lastbyte_exec_options *options)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    lastbyte_exec_output output;
    lastbyte_exec_refusal refusal = {0};
    int32_t code = lastbyte_exec_capture(argv, options, &output, &refusal);
    if (code != LASTBYTE_CODE_OK) {
        fprintf(stderr, "%s: failed to %s\n", script, refusal.message);
        exit(1);
    }
    return output;
}

static lastbyte_exec_output sh(const char *script)
{
    return sh_with(script, NULL);
}

/* The same, with these policies. */
static lastbyte_exec_output sh_under(const char *script, const lastbyte_policy *policy)
{
    lastbyte_exec_options options = {0};
    options.policy = policy;
    return sh_with(script, &options);
}

static lastbyte_exec *start(const char *script, const lastbyte_exec_options *options)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    lastbyte_exec *exec = NULL;
    CHECK(lastbyte_exec_start(argv, options, &exec, NULL) == LASTBYTE_CODE_OK);
    return exec;
}

static bool is_text(const char *bytes, size_t length, const char *text)
{
    return length == strlen(text) && memcmp(bytes, text, length) == 0;
}

static bool has_exited(const lastbyte_terminal *terminal, int32_t code)
{
    return terminal->status.kind == LASTBYTE_STATUS_KIND_EXITED && terminal->status.code == code;
}

static bool was_signaled(const lastbyte_terminal *terminal, int32_t signal)
{
    return terminal->status.kind == LASTBYTE_STATUS_KIND_SIGNALED &&
           terminal->status.signal == signal;
}

static size_t descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;
    CHECK(folder != NULL);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* What a consumer keeps, and does at the first chunk. */
typedef struct told {
    /* The begin of the output, and how much there was. */
    char text[64];
    size_t length;
    int ends;
    int32_t answer;
    int32_t nested;
    void (*at_first)(struct told *told, lastbyte_exec *exec);
} told;

static void on_event(void *userdata, lastbyte_exec *exec, const lastbyte_event *event)
{
    told *it = userdata;
    void (*at_first)(told *, lastbyte_exec *) = it->at_first;
    it->ends += event->kind == LASTBYTE_EVENT_KIND_END;
    if (event->kind != LASTBYTE_EVENT_KIND_CHUNK)
        return;
    if (it->length + event->length <= sizeof it->text)
        memcpy(it->text + it->length, event->bytes, event->length);
    it->length += event->length;
    it->at_first = NULL;
    if (at_first != NULL)
        at_first(it, exec);
}

static lastbyte_exec_options telling(told *told, void (*at_first)(struct told *, lastbyte_exec *))
{
    lastbyte_exec_options options = {0};
    memset(told, 0, sizeof *told);
    told->at_first = at_first;
    options.on_event = on_event;
    options.userdata = told;
    return options;
}

/* Bytes. */

/* If this were red, a short command would lose its output now and then. */
static void c01_of_many_echoes_none_is_lost(void)
{
    int round;
    for (round = 0; round < 300; round++) {
        lastbyte_exec_output output = sh("echo hello; exit 3");
        CHECK(is_text(output.out, output.out_length, "hello\n"));
        CHECK(output.err_length == 0 && output.terminal.complete);
        CHECK(has_exited(&output.terminal, 3));
        lastbyte_exec_output_free(&output);
    }
}

/* If this were red, a large output would not come as it was written. */
static void c03_a_large_binary_arrives_whole(void)
{
    lastbyte_exec_output output =
        sh("i=0; while [ $i -lt 1000 ]; do printf '%08d' $i; head -c 19992 /dev/zero; i=$((i+1)); done");
    size_t block;
    CHECK(output.out_length == 20000u * 1000u);
    for (block = 0; block < 1000; block++) {
        char expected[16];
        size_t i;
        snprintf(expected, sizeof expected, "%08zu", block);
        CHECK(memcmp(output.out + block * 20000, expected, 8) == 0);
        for (i = 8; i < 20000; i++)
            CHECK(output.out[block * 20000 + i] == 0);
    }
    lastbyte_exec_output_free(&output);
}

/* If this were red, one stream would lose or hold up what the other has. */
static void c12_both_streams_arrive_whole(void)
{
    lastbyte_exec_output output =
        sh("head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero; echo end >&2");
    CHECK(output.out_length == 3000000 && output.err_length == 3000004);
    CHECK(memcmp(output.err + 3000000, "end\n", 4) == 0);
    lastbyte_exec_output_free(&output);
}

static void c03_one_stream_has_the_order_of_the_writes(void)
{
    lastbyte_exec_options options = {0};
    lastbyte_exec_output output;
    int i;
    options.mode = LASTBYTE_EXEC_COMBINED;
    output = sh_with("i=0; while [ $i -lt 1000 ]; do printf '%04d\\n' $i; i=$((i+1)); "
                     "printf '%04d\\n' $i >&2; i=$((i+1)); done",
                     &options);
    CHECK(output.out_length == 5000);
    for (i = 0; i < 1000; i++)
        CHECK(atoi(output.out + 5 * i) == i);
    lastbyte_exec_output_free(&output);
}

static void c03_writes_of_one_byte_arrive_in_order(void)
{
    lastbyte_exec_output output =
        sh("i=0; while [ $i -lt 2000 ]; do printf $((i%10)); i=$((i+1)); done");
    size_t i;
    CHECK(output.out_length == 2000);
    for (i = 0; i < 2000; i++)
        CHECK(output.out[i] == (char)('0' + i % 10));
    lastbyte_exec_output_free(&output);
}

/* If this were red, output would be taken for text. */
static void c03_bytes_are_no_text(void)
{
    lastbyte_exec_output output = sh("printf '\\000\\377\\303\\050\\r\\nend'");
    CHECK(output.out_length == 9 && memcmp(output.out, "\0\377\303(\r\nend", 9) == 0);
    CHECK(output.out[9] == '\0');
    lastbyte_exec_output_free(&output);
}

/* If this were red, a child that has closed its output would be taken for one that has ended. */
static void c09_a_child_that_closes_its_output_lives_on(void)
{
    lastbyte_exec_output output = sh("echo hi; exec >&- 2>&-; sleep 0.2; exit 6");
    CHECK(is_text(output.out, output.out_length, "hi\n"));
    CHECK(has_exited(&output.terminal, 6) && output.terminal.complete);
    lastbyte_exec_output_free(&output);
}

static void c03_a_terminal_is_one_stream(void)
{
    lastbyte_exec_options options = {0};
    lastbyte_exec_output output;
    options.mode = LASTBYTE_EXEC_PTY;
    options.rows = 12;
    options.cols = 34;
    output = sh_with("stty size; test -t 0 && test -t 1 && test -t 2 && echo yes", &options);
    CHECK(is_text(output.out, output.out_length, "12 34\r\nyes\r\n"));
    CHECK(output.terminal.reports[0].stream == LASTBYTE_STREAM_PTY);
    lastbyte_exec_output_free(&output);
}

/* If this were red, a consumer who is slow would lose what was buffered at the exit. */
static void c12_a_consumer_who_comes_late_loses_nothing(void)
{
    lastbyte_policy small = policy();
    told it;
    lastbyte_exec_options options = telling(&it, NULL);
    lastbyte_exec_output output;
    lastbyte_terminal terminal;
    lastbyte_exec *exec;
    small.buffer_bytes_max = 1000;
    output = sh_under("head -c 300000 /dev/zero", &small);
    CHECK(output.out_length == 300000);
    lastbyte_exec_output_free(&output);
    /* Its output stands in the pipe, and it has most likely ended, before anybody drains. */
    options.policy = &small;
    exec = start("head -c 60000 /dev/zero", &options);
    output = sh("sleep 0.2");
    lastbyte_exec_output_free(&output);
    CHECK(it.length == 0);
    CHECK(lastbyte_exec_wait(exec, &terminal) == LASTBYTE_CODE_OK);
    CHECK(has_exited(&terminal, 0) && terminal.complete && it.length == 60000);
    lastbyte_exec_free(exec, NULL);
}

/* If this were red, output that nobody wants would block the child, or go unreported. */
static void c15_output_that_nobody_takes_is_thrown_away_and_told(void)
{
    const char *const argv[] = {"head", "-c", "1000000", "/dev/zero", NULL};
    lastbyte_terminal terminal;
    CHECK(lastbyte_exec_run(argv, NULL, &terminal, NULL) == LASTBYTE_CODE_OK);
    CHECK(has_exited(&terminal, 0) && !terminal.complete);
    CHECK(terminal.reports[0].end.kind == LASTBYTE_END_KIND_DISCARDED);
    CHECK(terminal.reports[0].delivered == 0);
}

/* The drain. */

static void held(const lastbyte_policy *policy, uint32_t cut)
{
    lastbyte_exec_output output = sh_under("echo hi; sleep 30 & exit 4", policy);
    uint32_t i;
    CHECK(is_text(output.out, output.out_length, "hi\n"));
    CHECK(has_exited(&output.terminal, 4) && !output.terminal.complete);
    for (i = 0; i < 2; i++) {
        CHECK(output.terminal.reports[i].end.kind == LASTBYTE_END_KIND_CUT);
        CHECK(output.terminal.reports[i].end.cut == cut && output.terminal.reports[i].held);
    }
    lastbyte_exec_output_free(&output);
}

/* If this were red, a background process would hang its caller. */
static void c06_a_held_pipe_ends_by_policy(void)
{
    lastbyte_policy it = policy();
    it.drain = LASTBYTE_DRAIN_AFTER;
    it.drain_gap_ns = it.drain_max_ns = 0;
    held(&it, LASTBYTE_CUT_AFTER);
    it.drain_max_ns = 50 * MS;
    held(&it, LASTBYTE_CUT_AFTER);
    it.drain = LASTBYTE_DRAIN_IDLE;
    it.drain_gap_ns = 50 * MS;
    it.drain_max_ns = 60000 * MS;
    held(&it, LASTBYTE_CUT_IDLE);
}

static void c06_until_eof_waits_for_whoever_holds_the_pipe(void)
{
    lastbyte_policy it = policy();
    lastbyte_exec_output output;
    it.drain = LASTBYTE_DRAIN_UNTIL_EOF;
    output = sh_under("echo hi; (sleep 0.2; echo late) & exit", &it);
    CHECK(is_text(output.out, output.out_length, "hi\nlate\n") && output.terminal.complete);
    lastbyte_exec_output_free(&output);
}

static void c06_a_descendant_that_is_never_silent_is_cut_at_the_cap(void)
{
    lastbyte_policy it = policy();
    told told;
    lastbyte_exec_options options = telling(&told, NULL);
    lastbyte_terminal terminal;
    lastbyte_exec *exec;
    uint32_t pid = 0;
    /* Far longer than `yes` is silent on a busy machine. */
    it.drain_gap_ns = 1500 * MS;
    it.drain_max_ns = 1600 * MS;
    options.policy = &it;
    exec = start("exec 2>&-; yes & exit 0", &options);
    CHECK(lastbyte_exec_pid(exec, &pid) == LASTBYTE_CODE_OK);
    CHECK(lastbyte_exec_wait(exec, &terminal) == LASTBYTE_CODE_OK);
    CHECK(has_exited(&terminal, 0) && told.length > 0);
    CHECK(terminal.reports[0].end.kind == LASTBYTE_END_KIND_CUT);
    CHECK(terminal.reports[0].end.cut == LASTBYTE_CUT_MAX && terminal.reports[0].held);
    CHECK(terminal.reports[0].delivered == told.length);
    CHECK(terminal.reports[1].end.kind == LASTBYTE_END_KIND_EOF);
    /* Nobody reads `yes` any more: it ends by SIGPIPE. */
    lastbyte_exec_free(exec, NULL);
}

static void c07_a_bound_of_zero_cuts_no_byte_of_the_root(void)
{
    lastbyte_policy it = policy();
    int round;
    it.drain = LASTBYTE_DRAIN_AFTER;
    it.drain_gap_ns = it.drain_max_ns = 0;
    for (round = 0; round < 20; round++) {
        lastbyte_exec_output output = sh_under("sleep 30 & head -c 100000 /dev/zero", &it);
        CHECK(output.out_length == 100000);
        lastbyte_exec_output_free(&output);
    }
}

static void c08_a_limit_is_told(void)
{
    lastbyte_policy it = policy();
    lastbyte_exec_output output;
    it.limit = LASTBYTE_LIMIT_TRUNCATE;
    it.limit_bytes_max = 4;
    output = sh_under("printf 0123456789", &it);
    CHECK(is_text(output.out, output.out_length, "0123") && !output.terminal.complete);
    CHECK(output.terminal.reports[0].end.kind == LASTBYTE_END_KIND_LIMIT);
    CHECK(output.terminal.reports[0].dropped == 6);
    lastbyte_exec_output_free(&output);
}

/* Ends and kills. */

static void c09_death_by_a_signal_is_no_code(void)
{
    lastbyte_exec_output died = sh("kill -KILL $$"), exited = sh("exit 137");
    CHECK(was_signaled(&died.terminal, SIGKILL) && has_exited(&exited.terminal, 137));
    CHECK(died.terminal.shell_exit_code == 137 && exited.terminal.shell_exit_code == 137);
    lastbyte_exec_output_free(&died);
    lastbyte_exec_output_free(&exited);
}

static void kill_it(told *told, lastbyte_exec *exec)
{
    told->answer = lastbyte_exec_kill(exec);
}

static void free_it(told *told, lastbyte_exec *exec)
{
    told->answer = lastbyte_exec_free(exec, NULL);
}

static void wait_for_it(told *told, lastbyte_exec *exec)
{
    told->answer = lastbyte_exec_wait(exec, NULL);
    told->nested = lastbyte_exec_exited(exec, NULL);
}

static void c16_a_root_that_ignores_term_is_killed_after_the_grace_period(void)
{
    lastbyte_policy policy_of_it = policy();
    told it;
    lastbyte_exec_options options = telling(&it, kill_it);
    lastbyte_terminal terminal;
    lastbyte_exec *exec;
    policy_of_it.kill_grace_ns = 100 * MS;
    options.policy = &policy_of_it;
    exec = start("trap '' TERM; echo up; while :; do sleep 0.05; done", &options);
    CHECK(lastbyte_exec_wait(exec, &terminal) == LASTBYTE_CODE_OK);
    CHECK(it.answer == LASTBYTE_CODE_OK && strncmp(it.text, "up\n", 3) == 0);
    CHECK(was_signaled(&terminal, SIGKILL) && terminal.cause.cancelled);
    CHECK(terminal.cause.killed_by_us == SIGTERM && terminal.cause.escalated);
    lastbyte_exec_free(exec, NULL);
}

static void c10_a_timeout_is_the_cause(void)
{
    lastbyte_policy it = policy();
    lastbyte_exec_output output;
    it.timeout_ns = 50 * MS;
    output = sh_under("exec sleep 60", &it);
    CHECK(was_signaled(&output.terminal, SIGTERM) && output.terminal.cause.timed_out);
    CHECK(output.terminal.cause.killed_by_us == SIGTERM && !output.terminal.cause.escalated);
    lastbyte_exec_output_free(&output);
}

/* If this were red, what a child says to a kill would be lost. */
static void c16_output_in_answer_to_term_is_delivered(void)
{
    told it;
    lastbyte_exec_options options = telling(&it, kill_it);
    lastbyte_exec *exec =
        start("exec 2>&-; trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done",
              &options);
    lastbyte_terminal terminal;
    CHECK(lastbyte_exec_wait(exec, &terminal) == LASTBYTE_CODE_OK);
    CHECK(it.answer == LASTBYTE_CODE_OK && is_text(it.text, it.length, "up\nbye\n"));
    CHECK(has_exited(&terminal, 5) && terminal.cause.cancelled);
    CHECK(lastbyte_exec_free(exec, NULL) == LASTBYTE_CODE_OK);
}

static void c16_a_kill_that_races_the_exit_loses_nothing(void)
{
    int round;
    for (round = 0; round < 100; round++) {
        told it;
        lastbyte_exec_options options = telling(&it, kill_it);
        lastbyte_exec *exec = start("echo hi", &options);
        lastbyte_terminal terminal, again;
        CHECK(lastbyte_exec_wait(exec, &terminal) == LASTBYTE_CODE_OK);
        CHECK(it.answer == LASTBYTE_CODE_OK || it.answer == LASTBYTE_CODE_STOPPED);
        CHECK(is_text(it.text, it.length, "hi\n") && it.ends == 2);
        CHECK(has_exited(&terminal, 0) || was_signaled(&terminal, SIGTERM));
        CHECK(!was_signaled(&terminal, SIGTERM) || terminal.cause.killed_by_us == SIGTERM);
        CHECK(lastbyte_exec_kill(exec) == LASTBYTE_CODE_STOPPED);
        CHECK(lastbyte_exec_signal(exec, SIGKILL) == LASTBYTE_CODE_STOPPED);
        CHECK(lastbyte_exec_wait(exec, &again) == LASTBYTE_CODE_OK);
        CHECK(again.status.kind == terminal.status.kind);
        CHECK(lastbyte_exec_free(exec, &again) == LASTBYTE_CODE_OK);
        CHECK(again.status.kind == terminal.status.kind && again.complete == terminal.complete);
    }
}

/* If this were red, the root's end would wait for its output, or be told before it. */
static void c04_exited_and_wait_have_one_outcome(void)
{
    told it;
    lastbyte_exec_options options = telling(&it, NULL);
    lastbyte_exec *exec = start("echo hi; exit 5", &options);
    lastbyte_terminal terminal;
    lastbyte_status status;
    CHECK(lastbyte_exec_exited(exec, &status) == LASTBYTE_CODE_OK && status.code == 5);
    CHECK(lastbyte_exec_wait(exec, &terminal) == LASTBYTE_CODE_OK && terminal.status.code == 5);
    CHECK(is_text(it.text, it.length, "hi\n") && it.ends == 2);
    CHECK(lastbyte_exec_exited(exec, &status) == LASTBYTE_CODE_OK && status.code == 5);
    CHECK(lastbyte_exec_poll(exec, 0) == LASTBYTE_CODE_OK);
    lastbyte_exec_free(exec, NULL);
}

/* Freeing. */

/* If this were red, a run that was freed would leave a process, a descriptor or a byte. */
static void c11_free_at_any_moment_leaves_nothing(void)
{
    size_t before;
    int round;
    lastbyte_exec_output warm = sh("true");
    lastbyte_exec_output_free(&warm);
    before = descriptors();
    for (round = 0; round < 60; round++) {
        told it;
        lastbyte_exec_options options = telling(&it, NULL);
        lastbyte_exec *exec = start("echo hi; sleep 60 & exec sleep 60", &options);
        lastbyte_terminal terminal;
        uint32_t pid = 0;
        CHECK(lastbyte_exec_pid(exec, &pid) == LASTBYTE_CODE_OK && pid > 0);
        CHECK(lastbyte_exec_poll(exec, round % 3) == LASTBYTE_CODE_PENDING);
        CHECK(lastbyte_exec_free(exec, &terminal) == LASTBYTE_CODE_OK);
        CHECK(was_signaled(&terminal, SIGKILL));
        CHECK(kill((pid_t)pid, 0) == -1 && errno == ESRCH);
    }
    CHECK(descriptors() == before);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    CHECK(lastbyte_exec_free(NULL, NULL) == LASTBYTE_CODE_OK);
}

/* If this were red, a callback that ends its run would be called again, or touch what is gone. */
static void c11_a_callback_may_free_its_run(void)
{
    int round;
    for (round = 0; round < 20; round++) {
        told it;
        lastbyte_exec_options options = telling(&it, free_it);
        lastbyte_exec *exec = start("echo hi; echo oops >&2; sleep 60", &options);
        CHECK(lastbyte_exec_wait(exec, NULL) == LASTBYTE_CODE_STOPPED);
        CHECK(it.answer == LASTBYTE_CODE_PENDING && it.length > 0 && it.ends == 0);
    }
}

/* If this were red, a callback could wait for itself. */
static void c15_a_wait_inside_a_callback_is_refused(void)
{
    told it;
    lastbyte_exec_options options = telling(&it, wait_for_it);
    lastbyte_exec *exec = start("echo hi", &options);
    CHECK(lastbyte_exec_wait(exec, NULL) == LASTBYTE_CODE_OK);
    CHECK(it.answer == LASTBYTE_CODE_INVALID_STATE);
    CHECK(it.nested == LASTBYTE_CODE_INVALID_STATE || it.nested == LASTBYTE_CODE_OK);
    lastbyte_exec_free(exec, NULL);
}

enum { MANY = 50 };

/* If this were red, runs that share a runtime would take each other's output, or free each other. */
static void c12_many_share_one_runtime(void)
{
    lastbyte_runtime *runtime = NULL;
    lastbyte_exec *all[MANY];
    told its[MANY];
    int i;
    CHECK(lastbyte_runtime_new(1, &runtime) == LASTBYTE_CODE_OK);
    for (i = 0; i < MANY; i++) {
        char script[64];
        lastbyte_exec_options options = telling(&its[i], i == 7 ? free_it : NULL);
        options.runtime = runtime;
        snprintf(script, sizeof script, i == 7 ? "echo 7; sleep 60" : "echo %d", i);
        all[i] = start(script, &options);
    }
    for (i = MANY - 1; i >= 0; i--) {
        char expected[16];
        if (i != 7) {
            CHECK(lastbyte_exec_wait(all[i], NULL) == LASTBYTE_CODE_OK);
            snprintf(expected, sizeof expected, "%d\n", i);
            CHECK(is_text(its[i].text, its[i].length, expected));
        }
    }
    while (its[7].answer == 0)
        CHECK(lastbyte_runtime_drain(runtime, 0, -1, NULL) == LASTBYTE_CODE_OK);
    CHECK(its[7].answer == LASTBYTE_CODE_PENDING);
    for (i = 0; i < MANY; i++)
        if (i != 7)
            CHECK(lastbyte_exec_free(all[i], NULL) == LASTBYTE_CODE_OK);
    CHECK(lastbyte_runtime_free(runtime) == LASTBYTE_CODE_OK);
}

/* Input. */

static void c17_input_arrives_and_ends(void)
{
    lastbyte_exec_options options = {0};
    lastbyte_exec_output output;
    size_t length = 1000000, i;
    char *input = malloc(length);
    CHECK(input != NULL);
    for (i = 0; i < length; i++)
        input[i] = (char)(i * 31 % 251);
    options.input = input;
    options.input_length = length;
    output = sh_with("cat; echo end >&2", &options);
    CHECK(output.out_length == length && memcmp(output.out, input, length) == 0);
    CHECK(is_text(output.err, output.err_length, "end\n"));
    lastbyte_exec_output_free(&output);
    /* Nothing is an input too, and without any there is none. */
    options.input_length = 0;
    output = sh_with("wc -c", &options);
    CHECK(atoi(output.out) == 0);
    lastbyte_exec_output_free(&output);
    output = sh("cat; echo end");
    CHECK(is_text(output.out, output.out_length, "end\n"));
    lastbyte_exec_output_free(&output);
    free(input);
}

static void c17_input_is_written_while_output_comes(void)
{
    static char input[600000];
    lastbyte_exec_options options = {0};
    lastbyte_terminal terminal;
    size_t accepted = 0;
    lastbyte_exec *exec;
    memset(input, 'x', sizeof input);
    options.stdin_open = true;
    exec = start("cat", &options);
    CHECK(lastbyte_exec_write(exec, input, sizeof input, &accepted) == LASTBYTE_CODE_OK);
    CHECK(accepted == sizeof input);
    CHECK(lastbyte_exec_close_stdin(exec) == LASTBYTE_CODE_OK);
    CHECK(lastbyte_exec_close_stdin(exec) == LASTBYTE_CODE_INVALID_STATE);
    CHECK(lastbyte_exec_wait(exec, &terminal) == LASTBYTE_CODE_OK && has_exited(&terminal, 0));
    lastbyte_exec_free(exec, NULL);
}

static void c17_a_child_that_does_not_read_fails_nothing(void)
{
    static char input[1000000];
    lastbyte_exec_options options = {0};
    lastbyte_exec_output output;
    lastbyte_terminal terminal;
    lastbyte_exec *exec;
    options.input = input;
    options.input_length = sizeof input;
    output = sh_with("exec <&-; echo hi", &options);
    CHECK(is_text(output.out, output.out_length, "hi\n") && has_exited(&output.terminal, 0));
    lastbyte_exec_output_free(&output);
    options.input = NULL;
    options.input_length = 0;
    options.stdin_open = true;
    exec = start("exec <&-; exit 2", &options);
    CHECK(lastbyte_exec_write(exec, input, sizeof input, NULL) == LASTBYTE_CODE_STOPPED);
    CHECK(lastbyte_exec_wait(exec, &terminal) == LASTBYTE_CODE_OK && has_exited(&terminal, 2));
    lastbyte_exec_free(exec, NULL);
}

/* Starts. */

static void c18_the_child_has_what_it_was_given(void)
{
    static const char *const env[] = {"LASTBYTE_A=1=2", "HOME", NULL};
    static const char *const only[] = {"A=b", NULL};
    lastbyte_exec_options options = {0};
    lastbyte_exec_output output;
    options.dir = "/usr";
    options.env = env;
    output = sh_with("pwd; echo $LASTBYTE_A ${HOME-none}", &options);
    CHECK(is_text(output.out, output.out_length, "/usr\n1=2 none\n"));
    lastbyte_exec_output_free(&output);
    options.env = only;
    options.env_clear = true;
    output = sh_with("echo $A ${HOME-none}", &options);
    CHECK(is_text(output.out, output.out_length, "b none\n"));
    lastbyte_exec_output_free(&output);
}

static void refused(const char *program, const char *dir, const char *stage, int error, int shell)
{
    const char *const argv[] = {program, NULL};
    lastbyte_exec_options options = {0};
    lastbyte_exec_refusal refusal;
    lastbyte_terminal terminal;
    options.dir = dir;
    CHECK(lastbyte_exec_run(argv, &options, &terminal, &refusal) == LASTBYTE_CODE_CANNOT_SPAWN);
    CHECK(refusal.code == LASTBYTE_CODE_CANNOT_SPAWN && refusal.error == error);
    CHECK(strcmp(lastbyte_stage_name(refusal.stage), stage) == 0);
    CHECK(refusal.exit_code == shell && refusal.message[0] != '\0');
}

static void c14_a_refused_start_says_its_stage_and_errno_and_leaves_nothing(void)
{
    size_t before = descriptors();
    refused("no-such-program", NULL, "lookup", ENOENT, 127);
    refused("/etc/passwd", NULL, "permission", EACCES, 126);
    refused("true", "/no/such/folder", "chdir", ENOENT, 126);
    CHECK(descriptors() == before);
}

static void c14_no_descriptor_is_a_refusal_and_no_crash(void)
{
    const char *const argv[] = {"true", NULL};
    struct rlimit old, few;
    lastbyte_exec_refusal refusal;
    lastbyte_terminal terminal;
    rlim_t max;
    int refusals = 0;
    CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
    few = old;
    for (max = 3; max < 24; max++) {
        int32_t code;
        few.rlim_cur = max;
        CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
        code = lastbyte_exec_run(argv, NULL, &terminal, &refusal);
        CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
        CHECK(code == LASTBYTE_CODE_OK || (code < 0 && refusal.message[0] != '\0'));
        refusals += code != LASTBYTE_CODE_OK;
    }
    CHECK(refusals > 0);
}

static void options_that_contradict_each_other_are_refused(void)
{
    const char *const argv[] = {"true", NULL}, *const none[] = {NULL};
    lastbyte_exec_options options = {0};
    lastbyte_exec_refusal refusal;
    lastbyte_terminal terminal;
    lastbyte_exec *exec = NULL;
    lastbyte_policy bad = policy();
    CHECK(lastbyte_exec_run(NULL, NULL, &terminal, NULL) == LASTBYTE_CODE_INVALID_ARGUMENT);
    CHECK(lastbyte_exec_run(none, NULL, &terminal, &refusal) == LASTBYTE_CODE_INVALID_ARGUMENT);
    CHECK(refusal.code == LASTBYTE_CODE_INVALID_ARGUMENT && refusal.message[0] != '\0');
    CHECK(lastbyte_exec_start(argv, NULL, NULL, NULL) == LASTBYTE_CODE_INVALID_ARGUMENT);
    CHECK(lastbyte_exec_capture(argv, NULL, NULL, NULL) == LASTBYTE_CODE_INVALID_ARGUMENT);
    options.input_length = 1;
    CHECK(lastbyte_exec_start(argv, &options, &exec, NULL) == LASTBYTE_CODE_INVALID_ARGUMENT);
    options.input_length = 0, options.rows = 1;
    CHECK(lastbyte_exec_start(argv, &options, &exec, NULL) == LASTBYTE_CODE_INVALID_ARGUMENT);
    options.rows = 0, options.input = "", options.stdin_open = true;
    CHECK(lastbyte_exec_start(argv, &options, &exec, NULL) == LASTBYTE_CODE_INVALID_ARGUMENT);
    memset(&options, 0, sizeof options);
    bad.buffer_bytes_max = 0;
    options.policy = &bad;
    CHECK(lastbyte_exec_start(argv, &options, &exec, NULL) == LASTBYTE_CODE_INVALID_ARGUMENT);
    CHECK(exec == NULL);
    CHECK(lastbyte_exec_wait(NULL, NULL) == LASTBYTE_CODE_INVALID_ARGUMENT);
    CHECK(lastbyte_exec_write(NULL, "", 0, NULL) == LASTBYTE_CODE_INVALID_ARGUMENT);
}

int main(int argc, char **argv)
{
    static const test all[] = {
        TEST(c01_of_many_echoes_none_is_lost),
        TEST(c03_a_large_binary_arrives_whole),
        TEST(c12_both_streams_arrive_whole),
        TEST(c03_one_stream_has_the_order_of_the_writes),
        TEST(c03_writes_of_one_byte_arrive_in_order),
        TEST(c03_bytes_are_no_text),
        TEST(c09_a_child_that_closes_its_output_lives_on),
        TEST(c03_a_terminal_is_one_stream),
        TEST(c12_a_consumer_who_comes_late_loses_nothing),
        TEST(c15_output_that_nobody_takes_is_thrown_away_and_told),
        TEST(c06_a_held_pipe_ends_by_policy),
        TEST(c06_until_eof_waits_for_whoever_holds_the_pipe),
        TEST(c06_a_descendant_that_is_never_silent_is_cut_at_the_cap),
        TEST(c07_a_bound_of_zero_cuts_no_byte_of_the_root),
        TEST(c08_a_limit_is_told),
        TEST(c09_death_by_a_signal_is_no_code),
        TEST(c16_a_root_that_ignores_term_is_killed_after_the_grace_period),
        TEST(c10_a_timeout_is_the_cause),
        TEST(c16_output_in_answer_to_term_is_delivered),
        TEST(c16_a_kill_that_races_the_exit_loses_nothing),
        TEST(c04_exited_and_wait_have_one_outcome),
        TEST(c11_free_at_any_moment_leaves_nothing),
        TEST(c11_a_callback_may_free_its_run),
        TEST(c15_a_wait_inside_a_callback_is_refused),
        TEST(c12_many_share_one_runtime),
        TEST(c17_input_arrives_and_ends),
        TEST(c17_input_is_written_while_output_comes),
        TEST(c17_a_child_that_does_not_read_fails_nothing),
        TEST(c18_the_child_has_what_it_was_given),
        TEST(c14_a_refused_start_says_its_stage_and_errno_and_leaves_nothing),
        TEST(c14_no_descriptor_is_a_refusal_and_no_crash),
        TEST(options_that_contradict_each_other_are_refused),
    };
    return RUN_TESTS(all, argc, argv);
}
