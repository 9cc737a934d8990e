/* The little JSON: what is JSON is read, what is not is refused where it stops being it. */
#include "json.h"

#include "check.h"

/* Reads one string; NULL: it is refused. */
static const char *read_string(const char *text, bytes *to)
{
    json_reader reader = {text, strlen(text), 0, NULL};
    to->length = 0;
    return json_string(&reader, to) && json_end(&reader) ? NULL : reader.wrong;
}

static void strings_are_bytes(void)
{
    bytes read = {0};
    CHECK(read_string("\"a b\"", &read) == NULL && read.length == 3);
    CHECK(memcmp(read.at, "a b", 3) == 0);
    CHECK(read_string(" \"\\\"\\\\\\/\\b\\f\\n\\r\\t\" ", &read) == NULL && read.length == 8);
    CHECK(memcmp(read.at, "\"\\/\b\f\n\r\t", 8) == 0);
    CHECK(read_string("\"\\u0000\\u00ff\\u00Ff\"", &read) == NULL && read.length == 3);
    CHECK(memcmp(read.at, "\0\377\377", 3) == 0);
    /* UTF-8 of U+0080 and U+00FF. */
    CHECK(read_string("\"\302\200\303\277\"", &read) == NULL && read.length == 2);
    CHECK(memcmp(read.at, "\200\377", 2) == 0);
    CHECK(read_string("\"\"", &read) == NULL && read.length == 0);
    free(read.at);
}

static void what_is_no_string_is_refused(void)
{
    static const char *const bad[] = {
        "",          "a",          "\"a",          "\"\\x\"",     "\"\\u12\"",   "\"\\u12g4\"",
        "\"\n\"",    "\"\\\"",     "\"\\u0100\"",  "\"\304\200\"", "\"\377\"",   "\"\302\"",
        "\"\301\200\"", "\"a\" b", "'a'",          "\"\\u\"",
    };
    bytes read = {0};
    size_t i;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_string(bad[i], &read) == NULL) {
            fprintf(stderr, "this was read: %s\n", bad[i]);
            exit(1);
        }
    }
    free(read.at);
}

static bool skips(const char *text)
{
    json_reader reader = {text, strlen(text), 0, NULL};
    return json_skip(&reader) && json_end(&reader);
}

static void any_value_is_skipped(void)
{
    char deep[300];
    CHECK(skips("{}") && skips("[]") && skips("true") && skips("null") && skips(" false "));
    CHECK(skips("0") && skips("-1.5e+3") && skips("10") && skips("\"a\""));
    CHECK(skips("{\"a\":[1,{\"b\":null},\"c\"],\"d\":-0}"));
    CHECK(!skips("") && !skips("[1,]") && !skips("{\"a\"}") && !skips("{\"a\":1,}"));
    CHECK(!skips("01") && !skips("1.") && !skips("-") && !skips("1e") && !skips("tru"));
    CHECK(!skips("[1 2]") && !skips("[1") && !skips("{1:2}") && !skips("nan") && !skips("+1"));
    memset(deep, '[', 150);
    memset(deep + 150, ']', 149);
    deep[299] = '\0';
    CHECK(!skips(deep));
}

static void what_is_written_is_read_again(void)
{
    bytes all = {0}, text = {0}, read = {0};
    int byte;
    for (byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        bytes_add(&all, &c, 1);
    }
    json_write(&text, all.at, all.length);
    bytes_add(&text, "", 1);
    CHECK(strlen(text.at) == text.length - 1);
    CHECK(read_string(text.at, &read) == NULL);
    CHECK(read.length == 256 && memcmp(read.at, all.at, 256) == 0);
    free(all.at);
    free(text.at);
    free(read.at);
}

int main(int argc, char **argv)
{
    static const test all[] = {
        TEST(strings_are_bytes),
        TEST(what_is_no_string_is_refused),
        TEST(any_value_is_skipped),
        TEST(what_is_written_is_read_again),
    };
    return RUN_TESTS(all, argc, argv);
}
