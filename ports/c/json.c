/* The little JSON that the shim speaks, as RFC 8259 has it. */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deeper than this nothing is meant well. */
#define DEPTH_MAX 64

void bytes_add(bytes *to, const char *from, size_t length)
{
    if (length > to->capacity - to->length) {
        size_t capacity = 2 * (to->length + length) + 64;
        char *at = realloc(to->at, capacity);
        if (at == NULL) {
            fprintf(stderr, "no memory for %zu bytes\n", capacity);
            exit(1);
        }
        to->at = at;
        to->capacity = capacity;
    }
    if (length > 0)
        memcpy(to->at + to->length, from, length);
    to->length += length;
}

void bytes_text(bytes *to, const char *text)
{
    bytes_add(to, text, strlen(text));
}

static bool refuse(json_reader *reader, const char *wrong)
{
    if (reader->wrong == NULL)
        reader->wrong = wrong;
    return false;
}

/* The next byte, or -1 at the end. */
static int peek(const json_reader *reader)
{
    return reader->at < reader->length ? (unsigned char)reader->text[reader->at] : -1;
}

static void skip_space(json_reader *reader)
{
    int next = peek(reader);
    while (next == ' ' || next == '\t' || next == '\n' || next == '\r') {
        reader->at++;
        next = peek(reader);
    }
}

bool json_take(json_reader *reader, char token)
{
    if (reader->wrong != NULL)
        return false;
    skip_space(reader);
    if (peek(reader) != (unsigned char)token)
        return false;
    reader->at++;
    return true;
}

bool json_expect(json_reader *reader, char token)
{
    static const struct {
        char token;
        const char *wrong;
    } all[] = {
        {'{', "`{` is expected"}, {'}', "`,` or `}` is expected"}, {'[', "`[` is expected"},
        {']', "`,` or `]` is expected"}, {':', "`:` is expected"}, {'"', "a string is expected"},
    };
    size_t i;
    if (json_take(reader, token))
        return true;
    for (i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].token == token)
            return refuse(reader, all[i].wrong);
    return refuse(reader, "something else is expected");
}

/* Four hexadecimal digits. */
static bool hex(json_reader *reader, unsigned *value)
{
    int i;
    *value = 0;
    for (i = 0; i < 4; i++) {
        int next = peek(reader);
        unsigned digit;
        if (next >= '0' && next <= '9')
            digit = (unsigned)(next - '0');
        else if (next >= 'a' && next <= 'f')
            digit = (unsigned)(next - 'a' + 10);
        else if (next >= 'A' && next <= 'F')
            digit = (unsigned)(next - 'A' + 10);
        else
            return refuse(reader, "`\\u` has four hexadecimal digits");
        *value = *value * 16 + digit;
        reader->at++;
    }
    return true;
}

static bool escaped(json_reader *reader, bytes *to)
{
    static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    int next = peek(reader);
    const char *found = next > 0 ? strchr(names, next) : NULL;
    unsigned value;
    char byte;
    if (next < 0)
        return refuse(reader, "the string does not end");
    reader->at++;
    if (found != NULL) {
        bytes_add(to, means + (found - names), 1);
        return true;
    }
    if (next != 'u')
        return refuse(reader, "no such escape");
    if (!hex(reader, &value))
        return false;
    if (value > 0xff)
        return refuse(reader, "a character above U+00FF is no byte");
    byte = (char)value;
    bytes_add(to, &byte, 1);
    return true;
}

/* A character of more than one byte in UTF-8: U+0080 to U+00FF take two. */
static bool wide(json_reader *reader, bytes *to)
{
    int first = peek(reader), second;
    char byte;
    reader->at++;
    second = peek(reader);
    if (first < 0xc2 || first > 0xf4 || second < 0x80 || second > 0xbf)
        return refuse(reader, "this is not UTF-8");
    if (first > 0xc3)
        return refuse(reader, "a character above U+00FF is no byte");
    reader->at++;
    byte = (char)(((first & 3) << 6) | (second & 0x3f));
    bytes_add(to, &byte, 1);
    return true;
}

bool json_string(json_reader *reader, bytes *to)
{
    if (!json_expect(reader, '"'))
        return false;
    for (;;) {
        int next = peek(reader);
        bool read = true;
        if (next < 0)
            return refuse(reader, "the string does not end");
        if (next < 0x20)
            return refuse(reader, "a control character is escaped in a string");
        if (next >= 0x80) {
            read = wide(reader, to);
        } else {
            reader->at++;
            if (next == '"')
                return true;
            if (next == '\\')
                read = escaped(reader, to);
            else
                bytes_add(to, reader->text + reader->at - 1, 1);
        }
        if (!read)
            return false;
    }
}

static bool skip_digits(json_reader *reader)
{
    size_t before = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9')
        reader->at++;
    return reader->at > before || refuse(reader, "a digit is expected");
}

static bool skip_number(json_reader *reader)
{
    if (peek(reader) == '-')
        reader->at++;
    if (peek(reader) == '0')
        reader->at++;
    else if (!skip_digits(reader))
        return false;
    if (peek(reader) == '.') {
        reader->at++;
        if (!skip_digits(reader))
            return false;
    }
    if (peek(reader) == 'e' || peek(reader) == 'E') {
        reader->at++;
        if (peek(reader) == '+' || peek(reader) == '-')
            reader->at++;
        return skip_digits(reader);
    }
    return true;
}

static bool skip_word(json_reader *reader, const char *word)
{
    size_t length = strlen(word);
    if (reader->length - reader->at < length ||
        memcmp(reader->text + reader->at, word, length) != 0)
        return refuse(reader, "a value is expected");
    reader->at += length;
    return true;
}

static bool skip_value(json_reader *reader, int depth);

/* What stands between brackets, which are open. */
static bool skip_members(json_reader *reader, char close, int depth)
{
    bytes key = {0};
    bool first = true;
    if (json_take(reader, close))
        return true;
    while (first || json_take(reader, ',')) {
        first = false;
        if (close == '}') {
            bool read = json_string(reader, &key) && json_expect(reader, ':');
            free(key.at);
            memset(&key, 0, sizeof key);
            if (!read)
                return false;
        }
        if (!skip_value(reader, depth + 1))
            return false;
    }
    return json_expect(reader, close);
}

static bool skip_value(json_reader *reader, int depth)
{
    bytes text = {0};
    bool read;
    if (depth > DEPTH_MAX)
        return refuse(reader, "this is nested too deeply");
    skip_space(reader);
    switch (peek(reader)) {
    case '{':
        reader->at++;
        return skip_members(reader, '}', depth);
    case '[':
        reader->at++;
        return skip_members(reader, ']', depth);
    case '"':
        read = json_string(reader, &text);
        free(text.at);
        return read;
    case 't':
        return skip_word(reader, "true");
    case 'f':
        return skip_word(reader, "false");
    case 'n':
        return skip_word(reader, "null");
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return skip_number(reader);
    default:
        return refuse(reader, "a value is expected");
    }
}

bool json_skip(json_reader *reader)
{
    return reader->wrong == NULL && skip_value(reader, 0);
}

bool json_end(json_reader *reader)
{
    if (reader->wrong != NULL)
        return false;
    skip_space(reader);
    return peek(reader) < 0 || refuse(reader, "something follows the value");
}

void json_write(bytes *to, const char *from, size_t length)
{
    size_t i;
    bytes_text(to, "\"");
    for (i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)from[i];
        char text[8];
        if (byte == '"' || byte == '\\')
            snprintf(text, sizeof text, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f)
            snprintf(text, sizeof text, "\\u%04x", byte);
        else
            snprintf(text, sizeof text, "%c", byte);
        bytes_text(to, text);
    }
    bytes_text(to, "\"");
}
