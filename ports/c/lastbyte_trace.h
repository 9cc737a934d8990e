/*
 * Writes what a consumer is told of an execution as a trace: JSON lines that `lastbyte trace check`
 * holds against the contract. lastbyte_exec writes one where its options say so; a program that uses
 * lastbyte.h alone calls these from its callbacks. Each line is whole, from whatever thread it
 * comes. A file that cannot be written is seen by ferror(3).
 */
#ifndef LASTBYTE_TRACE_H
#define LASTBYTE_TRACE_H

#include <lastbyte.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The trace of one execution. */
typedef struct lastbyte_trace {
    /* NULL: nothing is written. */
    FILE *file;
    /* What its lines call the execution. */
    char name[48];
    /* The terminal was written. */
    bool over;
} lastbyte_trace;

/* Begins a trace; nothing is written yet. */
void lastbyte_trace_open(lastbyte_trace *trace, FILE *file);

/* The root runs, or could not be started. */
void lastbyte_trace_start(const lastbyte_trace *trace);
void lastbyte_trace_refused(const lastbyte_trace *trace);

/* An event of a stream was handed over. */
void lastbyte_trace_event(const lastbyte_trace *trace, const lastbyte_event *event);

/* The terminal was handed over. */
void lastbyte_trace_exit(lastbyte_trace *trace, const lastbyte_terminal *terminal);

/* One who waited, for a lastbyte_until, was answered. */
void lastbyte_trace_resolved(const lastbyte_trace *trace, uint32_t until,
                             const lastbyte_status *status);

/* Somebody asked for a `kill`, `close` or `shutdown`; a close has returned: `closed`. Nothing is
   written after the terminal. */
void lastbyte_trace_asked(const lastbyte_trace *trace, const char *event);

#ifdef __cplusplus
}
#endif

#endif
