/*
 * What the emitter writes: `lastbyte trace check --complete` holds it to the contract, where the
 * program is given a file to leave it in.
 */
#include "lastbyte_exec.h"

#include "check.h"

static FILE *trace;

static int count(const char *text, const char *what)
{
    int found = 0;
    for (text = strstr(text, what); text != NULL; text = strstr(text + 1, what))
        found++;
    return found;
}

static void run(const char *script, lastbyte_exec_options options)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    lastbyte_exec_output output;
    options.trace = trace;
    CHECK(lastbyte_exec_capture(argv, &options, &output, NULL) == LASTBYTE_CODE_OK);
    lastbyte_exec_output_free(&output);
}

static void kill_it(void *userdata, lastbyte_exec *exec, const lastbyte_event *event)
{
    (void)userdata;
    if (event->kind == LASTBYTE_EVENT_KIND_CHUNK)
        lastbyte_exec_kill(exec);
}

static void free_it(void *userdata, lastbyte_exec *exec, const lastbyte_event *event)
{
    (void)userdata;
    if (event->kind == LASTBYTE_EVENT_KIND_CHUNK)
        lastbyte_exec_free(exec, NULL);
}

/* Histories of every kind. */
static void record(void)
{
    const char *const argv[] = {"sh", "-c", "echo hi; sleep 60", NULL};
    const char *const none[] = {"no-such-program", NULL};
    lastbyte_exec_options options = {0};
    lastbyte_policy policy;
    lastbyte_exec *exec = NULL;

    lastbyte_policy_default(&policy);
    run("echo hi; echo oops >&2; exit 3", options);
    run("printf '\\000\\001\\377'; head -c 100000 /dev/urandom", options);
    options.mode = LASTBYTE_EXEC_COMBINED;
    run("echo one; echo two >&2", options);
    options.mode = LASTBYTE_EXEC_SEPARATE;

    options.policy = &policy;
    policy.drain = LASTBYTE_DRAIN_AFTER;
    policy.drain_gap_ns = policy.drain_max_ns = 0;
    run("echo hi; sleep 5 & exit", options);
    policy.timeout_ns = policy.kill_grace_ns = 50000000;
    run("trap '' TERM; echo hi; while :; do sleep 0.02; done", options);
    policy.timeout_ns = LASTBYTE_NEVER;
    policy.limit = LASTBYTE_LIMIT_TRUNCATE;
    policy.limit_bytes_max = 10;
    run("head -c 1000 /dev/zero; kill -9 $$", options);
    options.policy = NULL;
    options.trace = trace;

    options.on_event = kill_it;
    CHECK(lastbyte_exec_run(argv, &options, NULL, NULL) == LASTBYTE_CODE_OK);
    options.on_event = free_it;
    CHECK(lastbyte_exec_start(argv, &options, &exec, NULL) == LASTBYTE_CODE_OK);
    CHECK(lastbyte_exec_wait(exec, NULL) == LASTBYTE_CODE_STOPPED);
    options.on_event = NULL;
    CHECK(lastbyte_exec_start(argv, &options, &exec, NULL) == LASTBYTE_CODE_OK);
    CHECK(lastbyte_exec_free(exec, NULL) == LASTBYTE_CODE_OK);
    CHECK(lastbyte_exec_run(argv + 2, &options, NULL, NULL) == LASTBYTE_CODE_CANNOT_SPAWN);
    CHECK(lastbyte_exec_run(none, &options, NULL, NULL) == LASTBYTE_CODE_CANNOT_SPAWN);
}

/* If this were red, a trace would not say what happened. */
static void check_what_was_written(void)
{
    long length = ftell(trace);
    char *text = malloc((size_t)length + 1);
    CHECK(length > 0 && text != NULL);
    rewind(trace);
    CHECK(fread(text, 1, (size_t)length, trace) == (size_t)length);
    text[length] = '\0';
    CHECK(count(text, "\"event\":\"start\"") == 9);
    CHECK(count(text, "\"event\":\"refused\"") == 2);
    CHECK(count(text, "\"event\":\"exit\"") == 7);
    CHECK(count(text, "\"event\":\"close\"") == 2 && count(text, "\"event\":\"closed\"") == 2);
    CHECK(count(text, "\"event\":\"kill\"") == 1);
    CHECK(count(text, "\"stream\":\"stdout\",\"base64\":\"aGkK\"}\n") >= 4);
    CHECK(count(text, "\"stream\":\"combined\"") >= 2);
    CHECK(count(text, "\"status\":{\"code\":3}") == 2);
    CHECK(count(text, "\"status\":{\"signal\":9,\"core\":false}") >= 2);
    CHECK(strncmp(text, "{\"execution\":\"c-", 16) == 0);
    free(text);
}

int main(int argc, char **argv)
{
    trace = argc > 1 ? fopen(argv[1], "w+") : tmpfile();
    CHECK(trace != NULL);
    record();
    CHECK(!ferror(trace));
    check_what_was_written();
    CHECK(fclose(trace) == 0);
    return 0;
}
