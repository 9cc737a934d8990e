/* What the tests of this port share: a check that says where it failed, and tests by name. */
#ifndef LASTBYTE_PORT_CHECK_H
#define LASTBYTE_PORT_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                                    \
    do {                                                                               \
        if (!(what)) {                                                                 \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);         \
            exit(1);                                                                   \
        }                                                                              \
    } while (0)

/* A test: its name is the claim, and begins with the rule where there is one. */
typedef struct test {
    const char *name;
    void (*run)(void);
} test;

#define TEST(name) {#name, name}

/* Runs the tests whose name has what the program is given, or all; at least one. */
static inline int run_tests(const test *all, size_t count, int argc, char **argv)
{
    size_t i, ran = 0;
    for (i = 0; i < count; i++) {
        if (argc > 1 && strstr(all[i].name, argv[1]) == NULL)
            continue;
        fprintf(stderr, "%s\n", all[i].name);
        all[i].run();
        ran++;
    }
    CHECK(ran > 0);
    return 0;
}

#define RUN_TESTS(all, argc, argv) run_tests(all, sizeof(all) / sizeof(all)[0], argc, argv)

#endif
