/* lastbyte_exec_capture: a run whose output is kept. */
#include <stdlib.h>
#include <string.h>

#include "lastbyte_exec.h"

/* What is kept of one stream, with a NUL after it. */
typedef struct kept {
    char *at;
    size_t length;
    size_t capacity;
} kept;

typedef struct both {
    kept out;
    kept err;
    bool full;
} both;

static bool keep(kept *to, const uint8_t *bytes, size_t length)
{
    if (length >= to->capacity - to->length) {
        size_t capacity = 2 * (to->length + length) + 64;
        char *at = capacity > length ? realloc(to->at, capacity) : NULL;
        if (at == NULL)
            return false;
        to->at = at;
        to->capacity = capacity;
    }
    if (length > 0)
        memcpy(to->at + to->length, bytes, length);
    to->length += length;
    to->at[to->length] = '\0';
    return true;
}

static void on_event(void *userdata, lastbyte_exec *exec, const lastbyte_event *event)
{
    both *all = userdata;
    kept *to = event->stream == LASTBYTE_STREAM_STDERR ? &all->err : &all->out;
    (void)exec;
    if (event->kind == LASTBYTE_EVENT_KIND_CHUNK && !all->full)
        all->full = !keep(to, event->bytes, event->length);
}

int32_t lastbyte_exec_capture(const char *const argv[], const lastbyte_exec_options *options,
                              lastbyte_exec_output *output, lastbyte_exec_refusal *refusal)
{
    lastbyte_exec_options with = {0};
    both all = {{0}, {0}, false};
    int32_t code;
    if (output == NULL)
        return LASTBYTE_CODE_INVALID_ARGUMENT;
    if (options != NULL)
        with = *options;
    with.on_event = on_event;
    with.userdata = &all;
    if (!keep(&all.out, NULL, 0) || !keep(&all.err, NULL, 0))
        all.full = true;
    code = all.full ? LASTBYTE_CODE_OVER_QUOTA
                    : lastbyte_exec_run(argv, &with, &output->terminal, refusal);
    /* Part of an output is not passed off as all of it. */
    if (code == LASTBYTE_CODE_OK && all.full)
        code = LASTBYTE_CODE_OVER_QUOTA;
    if (code != LASTBYTE_CODE_OK) {
        free(all.out.at);
        free(all.err.at);
        return code;
    }
    output->out = all.out.at;
    output->out_length = all.out.length;
    output->err = all.err.at;
    output->err_length = all.err.length;
    return LASTBYTE_CODE_OK;
}

void lastbyte_exec_output_free(lastbyte_exec_output *output)
{
    if (output == NULL)
        return;
    free(output->out);
    free(output->err);
    output->out = output->err = NULL;
    output->out_length = output->err_length = 0;
}
