/* The words of the conformance protocol, and what they are in the ABI. docs/conformance.md has them. */
#ifndef LASTBYTE_PORT_WORDS_H
#define LASTBYTE_PORT_WORDS_H

#include <lastbyte.h>

#include "json.h"

/* What is read, word by word; each stands after one space. */
typedef struct words {
    const char *at;
    const char *end;
} words;

/* The streams of an execution; false: there are none of this name. */
bool words_streams(const bytes *name, uint32_t *streams);

/* Changes one value of a policy. */
bool words_policy(const bytes *line, lastbyte_policy *policy);

/* An input. A chunk gets `token`, and `chunk` its bytes, which stand in `line`. */
bool words_input(const bytes *line, uint64_t token, lastbyte_input *input, words *chunk);

/* Appends what followed from a step as a list of strings; `chunks` has the bytes of each token. */
void words_step(bytes *to, const lastbyte_step *step, uint32_t streams, lastbyte_machine *machine,
                const words *chunks);

/* Appends what each pump may read. */
void words_room(bytes *to, uint32_t streams, lastbyte_machine *machine);

#endif
