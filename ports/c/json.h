/*
 * The little JSON that the shim speaks: objects, lists, and strings in which each character,
 * U+0000 to U+00FF, is one byte. Strict: what is not JSON is refused, with the place where.
 */
#ifndef LASTBYTE_PORT_JSON_H
#define LASTBYTE_PORT_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that grow. `{0}` is empty; `at` is to be freed. */
typedef struct bytes {
    char *at;
    size_t length;
    size_t capacity;
} bytes;

/* Appends; ends the program when there is no memory. */
void bytes_add(bytes *to, const char *from, size_t length);
void bytes_text(bytes *to, const char *text);

/* A text that is read. `wrong` is NULL until something is refused at `at`. */
typedef struct json_reader {
    const char *text;
    size_t length;
    size_t at;
    const char *wrong;
} json_reader;

/* Takes `token` (one of `{}[]:,`) if it is next. */
bool json_take(json_reader *reader, char token);

/* Takes `token`, or refuses. */
bool json_expect(json_reader *reader, char token);

/* Appends the bytes of the string that is next. */
bool json_string(json_reader *reader, bytes *to);

/* Skips one value of any kind. */
bool json_skip(json_reader *reader);

/* Nothing follows. */
bool json_end(json_reader *reader);

/* Appends bytes as a string. */
void json_write(bytes *to, const char *from, size_t length);

#endif
