/* The bare machine, driven step by step: what a driver of one's own does. */
#include "check.h"

#define BIT(signal) ((uint64_t)1 << ((signal) - 1))
#define IDLE_OF_STDOUT \
    (lastbyte_timer) { LASTBYTE_TIMER_KIND_IDLE, LASTBYTE_STREAM_STDOUT }

static lastbyte_step step;
static uint32_t why;

static int32_t make(lastbyte_machine *machine, lastbyte_input input)
{
    why = 0;
    return lastbyte_machine_step(machine, &input, &step, &why);
}

static int32_t simple(lastbyte_machine *machine, uint32_t kind)
{
    lastbyte_input input = {0};
    input.kind = kind;
    return make(machine, input);
}

static int32_t on_stream(lastbyte_machine *machine, uint32_t kind, uint32_t stream)
{
    lastbyte_input input = {0};
    input.kind = kind;
    input.stream = stream;
    return make(machine, input);
}

static int32_t chunk(lastbyte_machine *machine, uint32_t stream, uint64_t token, uint64_t length)
{
    lastbyte_input input = {0};
    input.kind = LASTBYTE_INPUT_KIND_CHUNK;
    input.stream = stream;
    input.chunk.token = token;
    input.chunk.length = length;
    return make(machine, input);
}

static int32_t reap(lastbyte_machine *machine, int32_t code, uint64_t standing)
{
    lastbyte_input input = {0};
    input.kind = LASTBYTE_INPUT_KIND_REAP;
    input.status.kind = LASTBYTE_STATUS_KIND_EXITED;
    input.status.code = code;
    input.standing[0] = standing;
    return make(machine, input);
}

static int32_t until(lastbyte_machine *machine, uint32_t kind, uint32_t what)
{
    lastbyte_input input = {0};
    input.kind = kind;
    input.until = what;
    return make(machine, input);
}

/* What the machine has let go of. */
static size_t released(lastbyte_machine *machine, uint64_t *tokens, size_t capacity)
{
    size_t count = 99;
    OK(lastbyte_machine_released(machine, tokens, capacity, &count));
    return count;
}

static const lastbyte_timer_order *order(uint32_t kind, uint32_t stream)
{
    uint32_t i;
    for (i = 0; i < step.timers_count; i++)
        if (step.timers[i].timer.kind == kind && step.timers[i].timer.stream == stream)
            return &step.timers[i];
    return NULL;
}

static void ordinary(void)
{
    lastbyte_machine *machine = NULL;
    lastbyte_terminal terminal;
    lastbyte_status status;
    uint64_t tokens[4], room = 0;
    bool done = true;

    OK(lastbyte_machine_new(LASTBYTE_STREAMS_SEPARATE, NULL, &machine));
    OK(until(machine, LASTBYTE_INPUT_KIND_WAIT, LASTBYTE_UNTIL_TERMINAL));
    OK(until(machine, LASTBYTE_INPUT_KIND_WAIT, LASTBYTE_UNTIL_EXITED));
    CHECK(step.resolved_exited == 0 && step.resolved_terminal == 0);
    GIVES(LASTBYTE_CODE_INVALID_STATE, chunk(machine, LASTBYTE_STREAM_STDOUT, 7, 3));
    CHECK(why == LASTBYTE_WHY_NOT_STARTED && strcmp(lastbyte_why_rule(why), "C14") == 0);
    CHECK(released(machine, tokens, 4) == 0);
    OK(simple(machine, LASTBYTE_INPUT_KIND_STARTED));
    OK(lastbyte_machine_room(machine, LASTBYTE_STREAM_STDOUT, &room));
    CHECK(room == 256 * 1024);

    OK(chunk(machine, LASTBYTE_STREAM_STDOUT, 7, 3));
    CHECK(step.ready && step.event.kind == LASTBYTE_EVENT_KIND_NONE);
    OK(lastbyte_machine_buffered(machine, LASTBYTE_STREAM_STDOUT, &room));
    CHECK(room == 3);
    GIVES(LASTBYTE_CODE_PENDING, lastbyte_machine_status(machine, &status));
    OK(reap(machine, 5, 1));
    CHECK(step.resolved_exited == 1 && step.resolved_terminal == 0);
    OK(lastbyte_machine_status(machine, &status));
    CHECK(status.kind == LASTBYTE_STATUS_KIND_EXITED && status.code == 5);
    GIVES(LASTBYTE_CODE_INVALID_STATE, reap(machine, 6, 0));
    CHECK(why == LASTBYTE_WHY_ALREADY_REAPED && strcmp(lastbyte_why_rule(why), "C2") == 0);

    /* The last byte comes after the reap, and before the terminal. */
    OK(chunk(machine, LASTBYTE_STREAM_STDOUT, 8, 1));
    OK(on_stream(machine, LASTBYTE_INPUT_KIND_EOF, LASTBYTE_STREAM_STDOUT));
    OK(on_stream(machine, LASTBYTE_INPUT_KIND_EOF, LASTBYTE_STREAM_STDERR));
    OK(simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
    CHECK(step.event.kind == LASTBYTE_EVENT_KIND_END);
    CHECK(step.event.stream == LASTBYTE_STREAM_STDERR);
    OK(simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
    CHECK(step.event.kind == LASTBYTE_EVENT_KIND_CHUNK && step.event.chunk.token == 7);
    CHECK(step.event.chunk.offset == 0 && step.event.chunk.length == 3);
    CHECK(released(machine, tokens, 4) == 1 && tokens[0] == 7);
    CHECK(released(machine, tokens, 4) == 0);
    OK(simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
    CHECK(step.event.chunk.token == 8);
    OK(simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
    CHECK(step.event.kind == LASTBYTE_EVENT_KIND_END);
    CHECK(step.event.end.kind == LASTBYTE_END_KIND_EOF);
    GIVES(LASTBYTE_CODE_PENDING, lastbyte_machine_terminal(machine, &terminal));
    OK(lastbyte_machine_is_done(machine, &done));
    CHECK(!done);
    OK(simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
    CHECK(step.event.kind == LASTBYTE_EVENT_KIND_EXIT && step.resolved_terminal == 1);
    CHECK(step.event.terminal.status.code == 5 && step.event.terminal.complete);
    CHECK(step.event.terminal.reports[0].delivered == 4);
    OK(lastbyte_machine_terminal(machine, &terminal));
    CHECK(same(&terminal, &step.event.terminal));
    OK(lastbyte_machine_is_done(machine, &done));
    CHECK(done);
    GIVES(LASTBYTE_CODE_INVALID_STATE, simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
    CHECK(why == LASTBYTE_WHY_ALREADY_DONE);
    OK(lastbyte_machine_free(machine));
    GIVES(LASTBYTE_CODE_NOT_FOUND, lastbyte_machine_free(machine));
    GIVES(LASTBYTE_CODE_NOT_FOUND, simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
}

/* A kill before the pid is latched, and escalates; a descendant that holds the pipe is cut. */
static void kill_and_cut(void)
{
    lastbyte_machine *machine = NULL;
    lastbyte_input fire = {0};
    uint64_t delay = 0;
    bool running = false;

    OK(lastbyte_machine_new(LASTBYTE_STREAMS_STDOUT, NULL, &machine));
    OK(simple(machine, LASTBYTE_INPUT_KIND_KILL));
    CHECK(step.reply == LASTBYTE_REPLY_LATCHED && step.signals == 0);
    OK(simple(machine, LASTBYTE_INPUT_KIND_STARTED));
    CHECK(step.signals == BIT(15));
    CHECK(order(LASTBYTE_TIMER_KIND_GRACE, 0)->action == LASTBYTE_TIMER_ACTION_ARM);
    fire.kind = LASTBYTE_INPUT_KIND_TIMEOUT;
    fire.timer.kind = LASTBYTE_TIMER_KIND_GRACE;
    OK(lastbyte_machine_delay(machine, fire.timer, &delay));
    CHECK(delay == 2000000000);
    OK(make(machine, fire));
    CHECK(step.signals == BIT(9));
    GIVES(LASTBYTE_CODE_INVALID_STATE, make(machine, fire));
    CHECK(why == LASTBYTE_WHY_TIMER_NOT_RUNNING);
    OK(reap(machine, 0, 0));
    CHECK(order(LASTBYTE_TIMER_KIND_IDLE, LASTBYTE_STREAM_STDOUT) != NULL);
    OK(lastbyte_machine_is_running(machine, IDLE_OF_STDOUT, &running));
    CHECK(running);
    OK(simple(machine, LASTBYTE_INPUT_KIND_KILL));
    CHECK(step.reply == LASTBYTE_REPLY_ALREADY_EXITED && step.signals == 0);
    OK(on_stream(machine, LASTBYTE_INPUT_KIND_EMPTY, LASTBYTE_STREAM_STDOUT));
    fire.timer = IDLE_OF_STDOUT;
    OK(make(machine, fire));
    OK(on_stream(machine, LASTBYTE_INPUT_KIND_EMPTY, LASTBYTE_STREAM_STDOUT));
    CHECK(step.pumps[0] == LASTBYTE_PUMP_ACTION_ABANDON && step.ready);
    OK(simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
    CHECK(step.event.end.kind == LASTBYTE_END_KIND_CUT);
    CHECK(step.event.end.cut == LASTBYTE_CUT_IDLE);
    OK(simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
    CHECK(step.event.terminal.cause.cancelled && step.event.terminal.cause.escalated);
    CHECK(step.event.terminal.cause.killed_by_us == 15);
    CHECK(step.event.terminal.reports[0].held && !step.event.terminal.complete);
    OK(lastbyte_machine_free(machine));
}

/* A chunk is split at the limit; its token comes back once, when both parts are gone. */
static void limit(void)
{
    lastbyte_machine *machine = NULL;
    lastbyte_policy policy;
    uint64_t tokens[4];

    OK(lastbyte_policy_default(&policy));
    policy.limit = LASTBYTE_LIMIT_KEEP_TAIL;
    policy.limit_bytes_max = 4;
    policy.limit_tail_bytes_max = 2;
    OK(lastbyte_policy_check(&policy, NULL));
    OK(lastbyte_machine_new(LASTBYTE_STREAMS_COMBINED, &policy, &machine));
    OK(simple(machine, LASTBYTE_INPUT_KIND_STARTED));
    OK(chunk(machine, LASTBYTE_STREAM_COMBINED, 42, 10));
    OK(simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
    CHECK(step.event.chunk.token == 42 && step.event.chunk.length == 4);
    CHECK(released(machine, tokens, 4) == 0);
    OK(on_stream(machine, LASTBYTE_INPUT_KIND_EOF, LASTBYTE_STREAM_COMBINED));
    OK(simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
    CHECK(step.event.kind == LASTBYTE_EVENT_KIND_GAP && step.event.gap_bytes == 4);
    OK(simple(machine, LASTBYTE_INPUT_KIND_DRAIN));
    CHECK(step.event.chunk.token == 42 && step.event.chunk.offset == 8);
    CHECK(step.event.chunk.length == 2);
    CHECK(released(machine, tokens, 4) == 1 && tokens[0] == 42);

    /* What a close drops comes back as well. */
    OK(lastbyte_machine_free(machine));
    OK(lastbyte_machine_new(LASTBYTE_STREAMS_STDERR, NULL, &machine));
    OK(simple(machine, LASTBYTE_INPUT_KIND_STARTED));
    OK(chunk(machine, LASTBYTE_STREAM_STDERR, 1, 5));
    OK(chunk(machine, LASTBYTE_STREAM_STDERR, 2, 5));
    OK(simple(machine, LASTBYTE_INPUT_KIND_CLOSE));
    CHECK(step.signals == BIT(9) && step.pumps[1] == LASTBYTE_PUMP_ACTION_ABANDON);
    CHECK(released(machine, tokens, 1) == 1 && tokens[0] == 1);
    CHECK(released(machine, tokens, 4) == 1 && tokens[0] == 2);
    OK(lastbyte_machine_free(machine));
}

int main(void)
{
    ordinary();
    kill_and_cut();
    limit();
    return 0;
}
