/*
 * The shim of this port: answers the questions of `lastbyte conform`, one a line, with the bare
 * machine behind the ABI. A question that cannot be read ends it with an error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

/* A list of strings. */
typedef struct strings {
    bytes *all;
    size_t count;
} strings;

/* One history to play. */
typedef struct question {
    bytes id;
    bytes streams;
    strings policy;
    strings inputs;
} question;

static unsigned long line_number;

static void fail(const char *what, const char *detail, size_t length)
{
    fprintf(stderr, "line %lu: %s%.*s\n", line_number, what, (int)length, detail);
    exit(1);
}

/* Room for one more string. */
static bytes *push(strings *to)
{
    bytes *all = realloc(to->all, (to->count + 1) * sizeof *all);
    if (all == NULL)
        fail("no memory", "", 0);
    to->all = all;
    memset(&all[to->count], 0, sizeof *all);
    return &all[to->count++];
}

static void strings_free(strings *all)
{
    size_t i;
    for (i = 0; i < all->count; i++)
        free(all->all[i].at);
    free(all->all);
}

static bool read_list(json_reader *reader, strings *to)
{
    if (!json_expect(reader, '['))
        return false;
    if (json_take(reader, ']'))
        return true;
    do {
        if (!json_string(reader, push(to)))
            return false;
    } while (json_take(reader, ','));
    return json_expect(reader, ']');
}

static bool named(const bytes *key, const char *name)
{
    return key->length == strlen(name) && memcmp(key->at, name, key->length) == 0;
}

static bool read_member(json_reader *reader, const bytes *key, question *to)
{
    if (named(key, "id") && to->id.at == NULL)
        return json_string(reader, &to->id);
    if (named(key, "streams") && to->streams.at == NULL)
        return json_string(reader, &to->streams);
    if (named(key, "policy") && to->policy.all == NULL)
        return read_list(reader, &to->policy);
    if (named(key, "inputs") && to->inputs.all == NULL)
        return read_list(reader, &to->inputs);
    return json_skip(reader);
}

static bool read_question(json_reader *reader, question *to)
{
    if (!json_expect(reader, '{'))
        return false;
    if (json_take(reader, '}'))
        return json_end(reader);
    do {
        bytes key = {0};
        bool read = json_string(reader, &key) && json_expect(reader, ':') &&
                    read_member(reader, &key, to);
        free(key.at);
        if (!read)
            return false;
    } while (json_take(reader, ','));
    return json_expect(reader, '}') && json_end(reader);
}

static void play(bytes *answer, const question *asked, uint32_t streams, lastbyte_machine *machine)
{
    words *chunks = calloc(asked->inputs.count + 1, sizeof *chunks);
    size_t i;
    if (chunks == NULL)
        fail("no memory", "", 0);
    bytes_text(answer, ",\"steps\":[");
    for (i = 0; i < asked->inputs.count; i++) {
        const bytes *line = &asked->inputs.all[i];
        lastbyte_input input;
        lastbyte_step step;
        uint32_t why = 0;
        int32_t code;
        if (!words_input(line, i, &input, &chunks[i]))
            fail("no such input: ", line->at, line->length);
        bytes_text(answer, i > 0 ? "," : "");
        code = lastbyte_machine_step(machine, &input, &step, &why);
        if (code == LASTBYTE_CODE_OK) {
            words_step(answer, &step, streams, machine, chunks);
        } else if (code == LASTBYTE_CODE_INVALID_STATE) {
            bytes_text(answer, "[\"illegal ");
            bytes_text(answer, lastbyte_why_name(why));
            bytes_text(answer, "\"]");
        } else {
            fail("the machine does not take this: ", line->at, line->length);
        }
    }
    bytes_text(answer, "],\"room\":");
    words_room(answer, streams, machine);
    free(chunks);
}

static void answer_question(bytes *answer, const question *asked)
{
    lastbyte_policy policy;
    lastbyte_machine *machine;
    uint32_t streams, fault = LASTBYTE_POLICY_FAULT_NONE;
    size_t i;
    if (!words_streams(&asked->streams, &streams))
        fail("no such streams: ", asked->streams.at, asked->streams.length);
    lastbyte_policy_default(&policy);
    for (i = 0; i < asked->policy.count; i++) {
        const bytes *line = &asked->policy.all[i];
        if (!words_policy(line, &policy))
            fail("no such policy: ", line->at, line->length);
    }
    bytes_text(answer, "{\"id\":");
    json_write(answer, asked->id.at, asked->id.length);
    if (lastbyte_policy_check(&policy, &fault) == LASTBYTE_CODE_OK) {
        if (lastbyte_machine_new(streams, &policy, &machine) != LASTBYTE_CODE_OK)
            fail("no machine", "", 0);
        play(answer, asked, streams, machine);
        lastbyte_machine_free(machine);
    } else {
        const char *why = lastbyte_policy_fault_name(fault);
        if (why == NULL)
            fail("a number of the policy means nothing", "", 0);
        bytes_text(answer, ",\"invalid\":");
        json_write(answer, why, strlen(why));
    }
    bytes_text(answer, "}\n");
}

static void answer_line(const char *line, size_t length)
{
    json_reader reader = {line, length, 0, NULL};
    question asked = {0};
    bytes answer = {0};
    if (!read_question(&reader, &asked)) {
        fprintf(stderr, "line %lu, byte %zu: %s\n", line_number, reader.at + 1, reader.wrong);
        exit(1);
    }
    answer_question(&answer, &asked);
    if (fwrite(answer.at, 1, answer.length, stdout) != answer.length || fflush(stdout) != 0) {
        perror("stdout");
        exit(1);
    }
    free(answer.at);
    free(asked.id.at);
    free(asked.streams.at);
    strings_free(&asked.policy);
    strings_free(&asked.inputs);
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    if (lastbyte_abi_version() != LASTBYTE_ABI_VERSION) {
        fprintf(stderr, "the library has another ABI than the header\n");
        return 1;
    }
    while ((length = getline(&line, &capacity, stdin)) >= 0) {
        line_number++;
        answer_line(line, (size_t)length);
    }
    free(line);
    if (ferror(stdin)) {
        perror("stdin");
        return 1;
    }
    return 0;
}
