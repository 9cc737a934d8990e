/* From what the ABI says to words: what followed from a step, what a pump may read. */
#include "words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *stream_name(uint32_t stream)
{
    static const char *const names[] = {"?", "stdout", "stderr", "combined", "pty"};
    return stream < 5 ? names[stream] : "?";
}

/* The streams of an execution, stdout first. */
static size_t streams_of(uint32_t streams, uint32_t ids[2])
{
    ids[0] = LASTBYTE_STREAM_STDOUT;
    ids[1] = LASTBYTE_STREAM_STDERR;
    switch (streams) {
    case LASTBYTE_STREAMS_SEPARATE:
        return 2;
    case LASTBYTE_STREAMS_STDOUT:
        return 1;
    case LASTBYTE_STREAMS_STDERR:
        ids[0] = LASTBYTE_STREAM_STDERR;
        return 1;
    case LASTBYTE_STREAMS_COMBINED:
        ids[0] = LASTBYTE_STREAM_COMBINED;
        return 1;
    case LASTBYTE_STREAMS_PTY:
        ids[0] = LASTBYTE_STREAM_PTY;
        return 1;
    default:
        return 0;
    }
}

/* A list of strings that is written. */
typedef struct list {
    bytes *to;
    bool begun;
} list;

static void add(list *list, const char *line, size_t length)
{
    bytes_text(list->to, list->begun ? "," : "");
    list->begun = true;
    json_write(list->to, line, length);
}

static void addf(list *list, const char *format, ...)
{
    char line[128];
    va_list values;
    int length;
    va_start(values, format);
    length = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (length < 0 || (size_t)length >= sizeof line) {
        fprintf(stderr, "a line of the answer is too long: %s\n", line);
        exit(1);
    }
    add(list, line, (size_t)length);
}

static void status_text(char *text, size_t size, const lastbyte_status *status)
{
    switch (status->kind) {
    case LASTBYTE_STATUS_KIND_EXITED:
        snprintf(text, size, "exited %" PRId32, status->code);
        break;
    case LASTBYTE_STATUS_KIND_SIGNALED:
        snprintf(text, size, "signaled %" PRId32 "%s", status->signal,
                 status->core_dumped ? " core" : "");
        break;
    case LASTBYTE_STATUS_KIND_UNKNOWN:
        snprintf(text, size, "unknown %" PRId32, status->error);
        break;
    case LASTBYTE_STATUS_KIND_LOST:
        snprintf(text, size, "lost");
        break;
    default:
        snprintf(text, size, "forced");
    }
}

static void end_text(char *text, size_t size, const lastbyte_end *end)
{
    static const char *const cuts[] = {"none", "after", "idle", "max", "close", "shutdown"};
    switch (end->kind) {
    case LASTBYTE_END_KIND_EOF:
        snprintf(text, size, "eof");
        break;
    case LASTBYTE_END_KIND_CUT:
        snprintf(text, size, "cut %s", end->cut < 6 ? cuts[end->cut] : "?");
        break;
    case LASTBYTE_END_KIND_READ_ERROR:
        snprintf(text, size, "read_error %" PRId32, end->error);
        break;
    case LASTBYTE_END_KIND_DISCARDED:
        snprintf(text, size, "discarded");
        break;
    default:
        snprintf(text, size, "limit");
    }
}

static void terminal_words(list *to, const char *name, const lastbyte_terminal *terminal)
{
    const lastbyte_cause *cause = &terminal->cause;
    char text[64];
    uint32_t i;
    status_text(text, sizeof text, &terminal->status);
    addf(to, "%s %s", name, text);
    if (cause->timed_out)
        addf(to, "cause timed_out");
    if (cause->cancelled)
        addf(to, "cause cancelled");
    if (cause->output_limit)
        addf(to, "cause output_limit");
    if (cause->stalled)
        addf(to, "cause stalled");
    if (cause->killed_by_us)
        addf(to, "killed_by_us %" PRId32 "%s", cause->killed_by_us,
             cause->escalated ? " escalated" : "");
    for (i = 0; i < terminal->reports_count; i++) {
        const lastbyte_report *report = &terminal->reports[i];
        end_text(text, sizeof text, &report->end);
        addf(to, "report %s %" PRIu64 " %" PRIu64 " %s%s", stream_name(report->stream),
             report->delivered, report->dropped, text, report->held ? " held" : "");
    }
}

static void chunk_words(list *to, const lastbyte_machine_event *event, const words *chunks)
{
    bytes line = {0};
    bytes_text(&line, "chunk ");
    bytes_text(&line, stream_name(event->stream));
    bytes_text(&line, " ");
    bytes_add(&line, chunks[event->chunk.token].at + event->chunk.offset,
              (size_t)event->chunk.length);
    add(to, line.at, line.length);
    free(line.at);
}

static void event_words(list *to, const lastbyte_machine_event *event, const words *chunks)
{
    char text[64];
    switch (event->kind) {
    case LASTBYTE_EVENT_KIND_CHUNK:
        chunk_words(to, event, chunks);
        break;
    case LASTBYTE_EVENT_KIND_GAP:
        addf(to, "gap %s %" PRIu64, stream_name(event->stream), event->gap_bytes);
        break;
    case LASTBYTE_EVENT_KIND_END:
        end_text(text, sizeof text, &event->end);
        addf(to, "end %s %s", stream_name(event->stream), text);
        break;
    case LASTBYTE_EVENT_KIND_EXIT:
        terminal_words(to, "exit", &event->terminal);
        break;
    default:
        break;
    }
}

/* The lowest number first, SIGKILL last. */
static void signal_words(list *to, uint64_t signals)
{
    const int sigkill = 9;
    int signal;
    for (signal = 1; signal <= 64; signal++)
        if (signal != sigkill && (signals >> (signal - 1) & 1))
            addf(to, "signal %d", signal);
    if (signals >> (sigkill - 1) & 1)
        addf(to, "signal %d", sigkill);
}

static void pump_words(list *to, const lastbyte_step *step, uint32_t streams)
{
    static const char *const actions[] = {"", "pause", "resume", "abandon"};
    uint32_t ids[2];
    size_t i, count = streams_of(streams, ids);
    for (i = 0; i < count; i++) {
        uint32_t action = step->pumps[ids[i] == LASTBYTE_STREAM_STDERR];
        if (action != LASTBYTE_PUMP_ACTION_NONE)
            addf(to, "%s %s", action < 4 ? actions[action] : "?", stream_name(ids[i]));
    }
}

static void timer_words(list *to, const lastbyte_timer_order *order, lastbyte_machine *machine)
{
    static const char *const actions[] = {"?", "arm", "arm_held", "hold", "resume", "disarm"};
    static const char *const kinds[] = {"?",        "timeout", "grace",   "stall",
                                        "close", "shutdown", "idle", "deadline"};
    const lastbyte_timer *timer = &order->timer;
    char delay[32] = "";
    if (order->action <= LASTBYTE_TIMER_ACTION_ARM_HELD) {
        uint64_t ns = 0;
        lastbyte_machine_delay(machine, *timer, &ns);
        snprintf(delay, sizeof delay, " %" PRIu64, ns / 1000000);
    }
    addf(to, "%s %s%s%s%s", order->action < 6 ? actions[order->action] : "?",
         timer->kind < 8 ? kinds[timer->kind] : "?", timer->stream ? " " : "",
         timer->stream ? stream_name(timer->stream) : "", delay);
}

static void resolved_words(list *to, const lastbyte_step *step, lastbyte_machine *machine)
{
    lastbyte_terminal terminal;
    if (step->resolved_exited > 0)
        addf(to, "resolved exited %" PRIu32, step->resolved_exited);
    if (step->resolved_terminal == 0)
        return;
    addf(to, "resolved terminal %" PRIu32, step->resolved_terminal);
    if (step->event.kind != LASTBYTE_EVENT_KIND_EXIT &&
        lastbyte_machine_terminal(machine, &terminal) == LASTBYTE_CODE_OK)
        terminal_words(to, "terminal", &terminal);
}

void words_step(bytes *to, const lastbyte_step *step, uint32_t streams, lastbyte_machine *machine,
                const words *chunks)
{
    list lines = {to, false};
    uint32_t i;
    bytes_text(to, "[");
    event_words(&lines, &step->event, chunks);
    signal_words(&lines, step->signals);
    pump_words(&lines, step, streams);
    for (i = 0; i < step->timers_count; i++)
        timer_words(&lines, &step->timers[i], machine);
    resolved_words(&lines, step, machine);
    if (step->reply == LASTBYTE_REPLY_LATCHED)
        addf(&lines, "reply latched");
    if (step->reply == LASTBYTE_REPLY_ALREADY_EXITED)
        addf(&lines, "reply already_exited");
    if (step->ready)
        addf(&lines, "ready");
    bytes_text(to, "]");
}

void words_room(bytes *to, uint32_t streams, lastbyte_machine *machine)
{
    list lines = {to, false};
    uint32_t ids[2];
    size_t i, count = streams_of(streams, ids);
    bytes_text(to, "[");
    for (i = 0; i < count; i++) {
        uint64_t room = 0;
        lastbyte_machine_room(machine, ids[i], &room);
        if (room == UINT64_MAX)
            addf(&lines, "%s any", stream_name(ids[i]));
        else if (room > 0)
            addf(&lines, "%s %" PRIu64, stream_name(ids[i]), room);
    }
    bytes_text(to, "]");
}
