/* What the C programs of the tests share: a check that says where it failed. */
#ifndef CHECK_H
#define CHECK_H

#include <lastbyte.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                                   \
    do {                                                                              \
        if (!(what)) {                                                                \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);        \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

/* Checks what a call returned, and says what it returned instead. */
#define GIVES(code, call)                                                             \
    do {                                                                              \
        int32_t given_ = (call);                                                      \
        if (given_ != (code)) {                                                       \
            const char *name_ = lastbyte_code_name(given_);                           \
            fprintf(stderr, "%s:%d: %s gave %d (%s)\n", __FILE__, __LINE__, #call,    \
                    (int)given_, name_ ? name_ : "?");                                \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

#define OK(call) GIVES(LASTBYTE_CODE_OK, call)

/* Far above what a busy machine needs: detects a hang, in milliseconds. */
#define NO_HANG 120000

/* What the callbacks of one execution were told. */
typedef struct told {
    char *bytes[2];
    size_t lengths[2];
    size_t capacities[2];
    uint64_t gaps[2];
    lastbyte_end ends[2];
    int chunks;
    int exits;
    int waits;
    int exiteds;
    lastbyte_terminal terminal;
    lastbyte_status status;
} told;

static inline void on_output(void *userdata, lastbyte_execution *execution,
                             const lastbyte_event *event)
{
    told *it = userdata;
    int slot = event->stream == LASTBYTE_STREAM_STDERR;
    (void)execution;
    CHECK(it->exits == 0);
    CHECK(it->ends[slot].kind == 0);
    switch (event->kind) {
    case LASTBYTE_EVENT_KIND_CHUNK:
        CHECK(event->length > 0);
        if (it->lengths[slot] + event->length > it->capacities[slot]) {
            it->capacities[slot] = 2 * (it->lengths[slot] + event->length);
            it->bytes[slot] = realloc(it->bytes[slot], it->capacities[slot]);
            CHECK(it->bytes[slot] != NULL);
        }
        memcpy(it->bytes[slot] + it->lengths[slot], event->bytes, event->length);
        it->lengths[slot] += event->length;
        it->chunks++;
        break;
    case LASTBYTE_EVENT_KIND_GAP:
        it->gaps[slot] += event->gap_bytes;
        break;
    case LASTBYTE_EVENT_KIND_END:
        it->ends[slot] = event->end;
        break;
    default:
        CHECK(!"a kind of event that is none of a stream's");
    }
}

static inline void on_exit_told(void *userdata, lastbyte_execution *execution,
                                const lastbyte_terminal *terminal)
{
    told *it = userdata;
    (void)execution;
    it->exits++;
    it->terminal = *terminal;
}

static inline void on_wait(void *userdata, lastbyte_execution *execution,
                           const lastbyte_terminal *terminal)
{
    told *it = userdata;
    (void)execution;
    (void)terminal;
    it->waits++;
}

static inline void on_exited(void *userdata, lastbyte_execution *execution,
                             const lastbyte_status *status)
{
    told *it = userdata;
    (void)execution;
    it->exiteds++;
    it->status = *status;
}

/* Whether two are told the same end. Not memcmp, which sees the padding. */
static inline int same(const lastbyte_terminal *a, const lastbyte_terminal *b)
{
    uint32_t i;
    for (i = 0; i < a->reports_count; i++) {
        const lastbyte_report *x = &a->reports[i], *y = &b->reports[i];
        if (x->stream != y->stream || x->end.kind != y->end.kind || x->end.cut != y->end.cut ||
            x->delivered != y->delivered || x->dropped != y->dropped || x->held != y->held)
            return 0;
    }
    return a->reports_count == b->reports_count && a->status.kind == b->status.kind &&
           a->status.code == b->status.code && a->status.signal == b->status.signal &&
           a->cause.cancelled == b->cause.cancelled && a->complete == b->complete;
}

static inline void told_free(told *it)
{
    free(it->bytes[0]);
    free(it->bytes[1]);
    memset(it, 0, sizeof *it);
}

static inline lastbyte_command *shell(const char *script)
{
    lastbyte_command *command = NULL;
    OK(lastbyte_command_new("sh", &command));
    OK(lastbyte_command_arg(command, "-c"));
    OK(lastbyte_command_arg(command, script));
    return command;
}

/* Starts a script without callbacks. */
static inline lastbyte_execution *start(lastbyte_runtime *runtime, const char *script)
{
    lastbyte_command *command = shell(script);
    lastbyte_execution *execution = NULL;
    OK(lastbyte_execution_start(runtime, command, &execution, NULL));
    OK(lastbyte_command_free(command));
    return execution;
}

/* Registers for everything. */
static inline void listen_to(lastbyte_execution *execution, told *it)
{
    OK(lastbyte_execution_on_output(execution, LASTBYTE_STREAM_STDOUT, on_output, it));
    OK(lastbyte_execution_on_output(execution, LASTBYTE_STREAM_STDERR, on_output, it));
    OK(lastbyte_execution_on_exit(execution, on_exit_told, it));
}

/* Drains until `*count` has reached `until`. */
static inline void drain_until(lastbyte_runtime *runtime, const int *count, int until)
{
    while (*count < until) {
        uint64_t calls = 0;
        OK(lastbyte_runtime_drain(runtime, 0, NO_HANG, &calls));
        CHECK(calls > 0);
    }
}

#endif
