/* From words to what the ABI takes: streams, policies, inputs. Strict: what is no word is refused. */
#include "words.h"

#include <string.h>

/* A name and the number that the ABI has for it. */
typedef struct named {
    const char *name;
    uint32_t number;
} named;

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool is(const words *word, const char *name)
{
    size_t length = (size_t)(word->end - word->at);
    return length == strlen(name) && memcmp(word->at, name, length) == 0;
}

static bool find(const words *word, const named *all, size_t count, uint32_t *number)
{
    size_t i;
    for (i = 0; i < count; i++) {
        if (is(word, all[i].name)) {
            *number = all[i].number;
            return true;
        }
    }
    return false;
}

/* The next word; false: there is none. */
static bool next(words *rest, words *word)
{
    const char *space;
    if (rest->at == NULL)
        return false;
    space = memchr(rest->at, ' ', (size_t)(rest->end - rest->at));
    word->at = rest->at;
    word->end = space != NULL ? space : rest->end;
    rest->at = space != NULL ? space + 1 : NULL;
    return true;
}

static bool next_named(words *rest, const named *all, size_t count, uint32_t *number)
{
    words word;
    return next(rest, &word) && find(&word, all, count, number);
}

static bool next_number(words *rest, uint64_t max, uint64_t *number)
{
    words word;
    const char *digit;
    uint64_t value = 0;
    if (!next(rest, &word) || word.at == word.end)
        return false;
    for (digit = word.at; digit < word.end; digit++) {
        uint64_t worth = (uint64_t)(*digit - '0');
        if (*digit < '0' || *digit > '9' || value > (max - worth) / 10)
            return false;
        value = value * 10 + worth;
    }
    *number = value;
    return true;
}

static bool next_int(words *rest, int32_t *number)
{
    uint64_t value;
    if (!next_number(rest, INT32_MAX, &value))
        return false;
    *number = (int32_t)value;
    return true;
}

/* Milliseconds, as nanoseconds. */
static bool next_time(words *rest, uint64_t *ns)
{
    uint64_t ms;
    if (!next_number(rest, (LASTBYTE_NEVER - 1) / 1000000, &ms))
        return false;
    *ns = ms * 1000000;
    return true;
}

static bool over(const words *rest)
{
    return rest->at == NULL;
}

bool words_streams(const bytes *name, uint32_t *streams)
{
    static const named all[] = {
        {"none", LASTBYTE_STREAMS_NONE},         {"stdout", LASTBYTE_STREAMS_STDOUT},
        {"stderr", LASTBYTE_STREAMS_STDERR},     {"separate", LASTBYTE_STREAMS_SEPARATE},
        {"combined", LASTBYTE_STREAMS_COMBINED}, {"pty", LASTBYTE_STREAMS_PTY},
    };
    words word = {name->at, name->at + name->length};
    return name->at != NULL && find(&word, all, COUNT(all), streams);
}

static bool next_stream(words *rest, uint32_t *stream)
{
    static const named all[] = {
        {"stdout", LASTBYTE_STREAM_STDOUT},
        {"stderr", LASTBYTE_STREAM_STDERR},
        {"combined", LASTBYTE_STREAM_COMBINED},
        {"pty", LASTBYTE_STREAM_PTY},
    };
    return next_named(rest, all, COUNT(all), stream);
}

/* Policies. */

static bool drain_policy(words *rest, lastbyte_policy *policy)
{
    static const named all[] = {
        {"until_eof", LASTBYTE_DRAIN_UNTIL_EOF},
        {"after", LASTBYTE_DRAIN_AFTER},
        {"idle", LASTBYTE_DRAIN_IDLE},
    };
    if (!next_named(rest, all, COUNT(all), &policy->drain))
        return false;
    policy->drain_gap_ns = policy->drain_max_ns = 0;
    if (policy->drain == LASTBYTE_DRAIN_UNTIL_EOF)
        return true;
    if (policy->drain == LASTBYTE_DRAIN_IDLE && !next_time(rest, &policy->drain_gap_ns))
        return false;
    return next_time(rest, &policy->drain_max_ns);
}

static bool full_policy(words *rest, lastbyte_policy *policy)
{
    static const named all[] = {
        {"pause", LASTBYTE_FULL_PAUSE},
        {"gap", LASTBYTE_FULL_GAP},
        {"kill_after", LASTBYTE_FULL_KILL_AFTER},
    };
    if (!next_named(rest, all, COUNT(all), &policy->buffer_full))
        return false;
    return policy->buffer_full != LASTBYTE_FULL_KILL_AFTER ||
           next_time(rest, &policy->buffer_stall_ns);
}

static bool limit_policy(words *rest, lastbyte_policy *policy)
{
    static const named all[] = {
        {"truncate", LASTBYTE_LIMIT_TRUNCATE},
        {"keep_tail", LASTBYTE_LIMIT_KEEP_TAIL},
        {"kill", LASTBYTE_LIMIT_KILL},
    };
    if (!next_number(rest, UINT64_MAX, &policy->limit_bytes_max) ||
        !next_named(rest, all, COUNT(all), &policy->limit))
        return false;
    return policy->limit != LASTBYTE_LIMIT_KEEP_TAIL ||
           next_number(rest, UINT64_MAX, &policy->limit_tail_bytes_max);
}

static bool chunks_policy(words *rest, lastbyte_policy *policy)
{
    uint64_t chunks;
    if (!next_number(rest, UINT32_MAX, &chunks))
        return false;
    policy->buffer_chunks_max = (uint32_t)chunks;
    return true;
}

static bool value_of(const words *key, words *rest, lastbyte_policy *policy)
{
    static const named descendants[] = {
        {"leave", LASTBYTE_DESCENDANTS_LEAVE},
        {"kill", LASTBYTE_DESCENDANTS_KILL},
    };
    static const named targets[] = {
        {"group", LASTBYTE_TARGET_GROUP},
        {"leader", LASTBYTE_TARGET_LEADER},
    };
    if (is(key, "drain"))
        return drain_policy(rest, policy);
    if (is(key, "descendants"))
        return next_named(rest, descendants, COUNT(descendants), &policy->descendants);
    if (is(key, "kill_signal"))
        return next_int(rest, &policy->kill_signal);
    if (is(key, "kill_grace"))
        return next_time(rest, &policy->kill_grace_ns);
    if (is(key, "kill_target"))
        return next_named(rest, targets, COUNT(targets), &policy->kill_target);
    if (is(key, "buffer_bytes_max"))
        return next_number(rest, UINT64_MAX, &policy->buffer_bytes_max);
    if (is(key, "buffer_chunks_max"))
        return chunks_policy(rest, policy);
    if (is(key, "buffer_full"))
        return full_policy(rest, policy);
    if (is(key, "limit"))
        return limit_policy(rest, policy);
    if (is(key, "timeout"))
        return next_time(rest, &policy->timeout_ns);
    if (is(key, "close_max"))
        return next_time(rest, &policy->close_max_ns);
    return is(key, "shutdown_max") && next_time(rest, &policy->shutdown_max_ns);
}

bool words_policy(const bytes *line, lastbyte_policy *policy)
{
    words rest = {line->at, line->at + line->length}, key;
    return next(&rest, &key) && value_of(&key, &rest, policy) && over(&rest);
}

/* Inputs. */

static bool status_of(words *rest, lastbyte_status *status)
{
    static const named all[] = {
        {"exited", LASTBYTE_STATUS_KIND_EXITED},   {"signaled", LASTBYTE_STATUS_KIND_SIGNALED},
        {"unknown", LASTBYTE_STATUS_KIND_UNKNOWN}, {"lost", LASTBYTE_STATUS_KIND_LOST},
        {"forced", LASTBYTE_STATUS_KIND_FORCED},
    };
    words before, word;
    if (!next_named(rest, all, COUNT(all), &status->kind))
        return false;
    switch (status->kind) {
    case LASTBYTE_STATUS_KIND_EXITED:
        return next_int(rest, &status->code);
    case LASTBYTE_STATUS_KIND_UNKNOWN:
        return next_int(rest, &status->error);
    case LASTBYTE_STATUS_KIND_SIGNALED:
        if (!next_int(rest, &status->signal))
            return false;
        before = *rest;
        if (next(rest, &word) && is(&word, "core"))
            status->core_dumped = 1;
        else
            *rest = before;
        return true;
    default:
        return true;
    }
}

static bool reap(words *rest, lastbyte_input *input)
{
    words word;
    if (!status_of(rest, &input->status))
        return false;
    if (over(rest))
        return true;
    if (!next(rest, &word) || !is(&word, "standing") || over(rest))
        return false;
    while (!over(rest)) {
        uint32_t stream;
        if (!next_stream(rest, &stream) ||
            !next_number(rest, UINT64_MAX, &input->standing[stream == LASTBYTE_STREAM_STDERR]))
            return false;
    }
    return true;
}

static bool timer_of(words *rest, lastbyte_timer *timer)
{
    static const named all[] = {
        {"timeout", LASTBYTE_TIMER_KIND_TIMEOUT},   {"grace", LASTBYTE_TIMER_KIND_GRACE},
        {"stall", LASTBYTE_TIMER_KIND_STALL},       {"close", LASTBYTE_TIMER_KIND_CLOSE},
        {"shutdown", LASTBYTE_TIMER_KIND_SHUTDOWN}, {"idle", LASTBYTE_TIMER_KIND_IDLE},
        {"deadline", LASTBYTE_TIMER_KIND_DEADLINE},
    };
    if (!next_named(rest, all, COUNT(all), &timer->kind))
        return false;
    return timer->kind < LASTBYTE_TIMER_KIND_IDLE || next_stream(rest, &timer->stream);
}

/* What belongs to an input of this kind. */
static bool rest_of(words *rest, lastbyte_input *input, words *chunk)
{
    static const named untils[] = {
        {"exited", LASTBYTE_UNTIL_EXITED},
        {"terminal", LASTBYTE_UNTIL_TERMINAL},
    };
    switch (input->kind) {
    case LASTBYTE_INPUT_KIND_CHUNK:
        if (!next_stream(rest, &input->stream) || over(rest))
            return false;
        /* Bytes reach to the end: they may contain spaces. */
        *chunk = *rest;
        input->chunk.length = (uint64_t)(rest->end - rest->at);
        rest->at = NULL;
        return true;
    case LASTBYTE_INPUT_KIND_EOF:
    case LASTBYTE_INPUT_KIND_EMPTY:
    case LASTBYTE_INPUT_KIND_DISCARD:
        return next_stream(rest, &input->stream);
    case LASTBYTE_INPUT_KIND_READ_ERROR:
        return next_stream(rest, &input->stream) && next_int(rest, &input->error);
    case LASTBYTE_INPUT_KIND_REAP:
        return reap(rest, input);
    case LASTBYTE_INPUT_KIND_WAIT:
    case LASTBYTE_INPUT_KIND_CANCEL_WAIT:
        return next_named(rest, untils, COUNT(untils), &input->until);
    case LASTBYTE_INPUT_KIND_SIGNAL:
        return next_int(rest, &input->signal);
    case LASTBYTE_INPUT_KIND_TIMEOUT:
        return timer_of(rest, &input->timer);
    default:
        return true;
    }
}

bool words_input(const bytes *line, uint64_t token, lastbyte_input *input, words *chunk)
{
    static const named all[] = {
        {"started", LASTBYTE_INPUT_KIND_STARTED},
        {"refused", LASTBYTE_INPUT_KIND_REFUSED},
        {"chunk", LASTBYTE_INPUT_KIND_CHUNK},
        {"eof", LASTBYTE_INPUT_KIND_EOF},
        {"read_error", LASTBYTE_INPUT_KIND_READ_ERROR},
        {"empty", LASTBYTE_INPUT_KIND_EMPTY},
        {"reap", LASTBYTE_INPUT_KIND_REAP},
        {"drain", LASTBYTE_INPUT_KIND_DRAIN},
        {"wait", LASTBYTE_INPUT_KIND_WAIT},
        {"cancel_wait", LASTBYTE_INPUT_KIND_CANCEL_WAIT},
        {"signal", LASTBYTE_INPUT_KIND_SIGNAL},
        {"kill", LASTBYTE_INPUT_KIND_KILL},
        {"discard", LASTBYTE_INPUT_KIND_DISCARD},
        {"detach", LASTBYTE_INPUT_KIND_DETACH},
        {"close", LASTBYTE_INPUT_KIND_CLOSE},
        {"shutdown", LASTBYTE_INPUT_KIND_SHUTDOWN},
        {"timeout", LASTBYTE_INPUT_KIND_TIMEOUT},
    };
    words rest = {line->at, line->at + line->length};
    memset(input, 0, sizeof *input);
    input->chunk.token = token;
    return next_named(&rest, all, COUNT(all), &input->kind) && rest_of(&rest, input, chunk) &&
           over(&rest);
}
