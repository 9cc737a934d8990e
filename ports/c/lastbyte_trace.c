/* Writes a trace. docs/traces.md has the lines. */
#include "lastbyte_trace.h"

#include <inttypes.h>
#include <unistd.h>

void lastbyte_trace_open(lastbyte_trace *trace, FILE *file)
{
    trace->file = file;
    trace->over = false;
    /* No two that run have the same. */
    snprintf(trace->name, sizeof trace->name, "c-%ld-%p", (long)getpid(), (void *)trace);
}

/* The begin of a line; false: nothing is written. */
static bool begin(const lastbyte_trace *trace, const char *event)
{
    if (trace->file == NULL)
        return false;
    flockfile(trace->file);
    fprintf(trace->file, "{\"execution\":\"%s\",\"event\":\"%s\"", trace->name, event);
    return true;
}

static void end(const lastbyte_trace *trace)
{
    fputs("}\n", trace->file);
    funlockfile(trace->file);
}

static const char *stream_name(uint32_t stream)
{
    static const char *const names[] = {"?", "stdout", "stderr", "combined", "pty"};
    return stream < 5 ? names[stream] : "?";
}

static void base64(FILE *file, const uint8_t *bytes, size_t length)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;
    for (i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t three = (uint32_t)bytes[i] << 16;
        three |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        three |= left > 2 ? bytes[i + 2] : 0;
        putc(digits[three >> 18 & 63], file);
        putc(digits[three >> 12 & 63], file);
        putc(left > 1 ? digits[three >> 6 & 63] : '=', file);
        putc(left > 2 ? digits[three & 63] : '=', file);
    }
}

static void status(FILE *file, const lastbyte_status *how)
{
    switch (how->kind) {
    case LASTBYTE_STATUS_KIND_EXITED:
        fprintf(file, ",\"status\":{\"code\":%" PRId32 "}", how->code);
        break;
    case LASTBYTE_STATUS_KIND_SIGNALED:
        fprintf(file, ",\"status\":{\"signal\":%" PRId32 ",\"core\":%s}", how->signal,
                how->core_dumped ? "true" : "false");
        break;
    case LASTBYTE_STATUS_KIND_UNKNOWN:
        fprintf(file, ",\"status\":{\"unknown\":%" PRId32 "}", how->error);
        break;
    case LASTBYTE_STATUS_KIND_LOST:
        fputs(",\"status\":{\"lost\":true}", file);
        break;
    default:
        fputs(",\"status\":{\"forced\":true}", file);
    }
}

static const char *end_name(uint32_t kind)
{
    static const char *const names[] = {"?", "eof", "cut", "read_error", "discarded", "limit"};
    return kind < 6 ? names[kind] : "?";
}

static const char *cut_name(uint32_t cut)
{
    static const char *const names[] = {"none", "after", "idle", "max", "close", "shutdown"};
    return cut < 6 ? names[cut] : "?";
}

void lastbyte_trace_start(const lastbyte_trace *trace)
{
    lastbyte_trace_asked(trace, "start");
}

void lastbyte_trace_refused(const lastbyte_trace *trace)
{
    lastbyte_trace_asked(trace, "refused");
}

void lastbyte_trace_asked(const lastbyte_trace *trace, const char *event)
{
    if (!trace->over && begin(trace, event))
        end(trace);
}

static void end_of_stream(const lastbyte_trace *trace, const lastbyte_event *event)
{
    if (!begin(trace, "end"))
        return;
    fprintf(trace->file, ",\"stream\":\"%s\",\"end\":\"%s\"", stream_name(event->stream),
            end_name(event->end.kind));
    if (event->end.kind == LASTBYTE_END_KIND_CUT)
        fprintf(trace->file, ",\"why\":\"%s\"", cut_name(event->end.cut));
    if (event->end.kind == LASTBYTE_END_KIND_READ_ERROR)
        fprintf(trace->file, ",\"errno\":%" PRId32, event->end.error);
    end(trace);
}

void lastbyte_trace_event(const lastbyte_trace *trace, const lastbyte_event *event)
{
    switch (event->kind) {
    case LASTBYTE_EVENT_KIND_CHUNK:
        if (!begin(trace, "chunk"))
            return;
        fprintf(trace->file, ",\"stream\":\"%s\",\"base64\":\"", stream_name(event->stream));
        base64(trace->file, event->bytes, event->length);
        fputs("\"", trace->file);
        end(trace);
        break;
    case LASTBYTE_EVENT_KIND_GAP:
        if (!begin(trace, "gap"))
            return;
        fprintf(trace->file, ",\"stream\":\"%s\",\"bytes\":%" PRIu64, stream_name(event->stream),
                event->gap_bytes);
        end(trace);
        break;
    default:
        end_of_stream(trace, event);
    }
}

static void reports(FILE *file, const lastbyte_terminal *terminal)
{
    const char *comma = "";
    uint32_t i;
    fputs(",\"cut\":[", file);
    for (i = 0; i < terminal->reports_count; i++) {
        const lastbyte_report *report = &terminal->reports[i];
        if (report->end.kind != LASTBYTE_END_KIND_CUT)
            continue;
        fprintf(file, "%s{\"stream\":\"%s\",\"why\":\"%s\"}", comma, stream_name(report->stream),
                cut_name(report->end.cut));
        comma = ",";
    }
    fputs("],\"streams\":{", file);
    for (i = 0; i < terminal->reports_count; i++) {
        const lastbyte_report *report = &terminal->reports[i];
        fprintf(file, "%s\"%s\":{\"end\":\"%s\"", i > 0 ? "," : "", stream_name(report->stream),
                end_name(report->end.kind));
        if (report->end.kind == LASTBYTE_END_KIND_READ_ERROR)
            fprintf(file, ",\"errno\":%" PRId32, report->end.error);
        fprintf(file, ",\"delivered\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"held\":%s}",
                report->delivered, report->dropped, report->held ? "true" : "false");
    }
    fputs("}", file);
}

void lastbyte_trace_exit(lastbyte_trace *trace, const lastbyte_terminal *terminal)
{
    const lastbyte_cause *cause = &terminal->cause;
    if (!begin(trace, "exit"))
        return;
    trace->over = true;
    status(trace->file, &terminal->status);
    fprintf(trace->file,
            ",\"timed_out\":%s,\"cancelled\":%s,\"output_limit\":%s,\"stalled\":%s",
            cause->timed_out ? "true" : "false", cause->cancelled ? "true" : "false",
            cause->output_limit ? "true" : "false", cause->stalled ? "true" : "false");
    if (cause->killed_by_us)
        fprintf(trace->file, ",\"killed_by_us\":{\"signal\":%" PRId32 ",\"escalated\":%s}",
                cause->killed_by_us, cause->escalated ? "true" : "false");
    reports(trace->file, terminal);
    end(trace);
}

void lastbyte_trace_resolved(const lastbyte_trace *trace, uint32_t until,
                             const lastbyte_status *how)
{
    if (!begin(trace, "resolved"))
        return;
    fprintf(trace->file, ",\"until\":\"%s\"",
            until == LASTBYTE_UNTIL_EXITED ? "exited" : "terminal");
    status(trace->file, how);
    end(trace);
}
