/* The words: what is none is refused, and not guessed at. What they mean is held by the vectors. */
#include "words.h"

#include "check.h"

static bool is_input(const char *line)
{
    bytes text = {(char *)line, strlen(line), 0};
    lastbyte_input input;
    words chunk;
    return words_input(&text, 0, &input, &chunk);
}

static bool is_policy(const char *line)
{
    bytes text = {(char *)line, strlen(line), 0};
    lastbyte_policy policy;
    lastbyte_policy_default(&policy);
    return words_policy(&text, &policy);
}

static void what_is_no_input_is_refused(void)
{
    static const char *const bad[] = {
        "",           "start",         "started ",     "started now",  "chunk",
        "chunk stdout", "chunk stdin a", "eof",        "eof stdout x", "reap",
        "reap exited", "reap exited x", "reap exited 1 2", "reap exited 1 standing",
        "reap exited 1 standing stdout", "reap signaled 9 cores", "wait", "wait reap",
        "signal -1",  "signal 99999999999", "timeout", "timeout idle", "timeout grace stdout",
        "read_error stdout", "read_error stdout  5",
    };
    size_t i;
    CHECK(is_input("chunk stdout ") && is_input("chunk stdout a b") && is_input("started"));
    CHECK(is_input("reap signaled 9 core standing stdout 3 stderr 4"));
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (is_input(bad[i])) {
            fprintf(stderr, "this was taken: %s\n", bad[i]);
            exit(1);
        }
    }
}

static void what_is_no_policy_is_refused(void)
{
    static const char *const bad[] = {
        "", "drain", "drain eof", "drain after", "drain idle 1", "drain after 1 2", "descendants",
        "kill_grace -1", "kill_grace 99999999999999999999", "buffer_chunks_max 4294967296",
        "buffer_full kill_after", "limit 1", "limit 1 keep_tail", "limit keep 1", "timeout",
        "timeout 1 ", "colour blue",
    };
    size_t i;
    CHECK(is_policy("drain idle 1 2") && is_policy("limit 5 keep_tail 6"));
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (is_policy(bad[i])) {
            fprintf(stderr, "this was taken: %s\n", bad[i]);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    static const test all[] = {
        TEST(what_is_no_input_is_refused),
        TEST(what_is_no_policy_is_refused),
    };
    return RUN_TESTS(all, argc, argv);
}
