/* The output race: many short executions at once, whose output is there before their exit. */
#include "check.h"

#define AT_ONCE 48

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 10000, running = 0, i;
    lastbyte_runtime *runtime = NULL;
    lastbyte_command *command = NULL;
    lastbyte_execution *executions[AT_ONCE] = {0};
    told its[AT_ONCE];

    memset(its, 0, sizeof its);
    OK(lastbyte_runtime_new(0, &runtime));
    OK(lastbyte_command_new("echo", &command));
    OK(lastbyte_command_arg(command, "x"));
    while (left > 0 || running > 0) {
        for (i = 0; i < AT_ONCE; i++) {
            told *it = &its[i];
            if (executions[i] != NULL && it->exits == 1) {
                CHECK(it->lengths[0] == 2 && memcmp(it->bytes[0], "x\n", 2) == 0);
                CHECK(it->lengths[1] == 0 && it->terminal.complete);
                CHECK(it->terminal.status.kind == LASTBYTE_STATUS_KIND_EXITED);
                CHECK(it->terminal.status.code == 0);
                OK(lastbyte_execution_free(executions[i], NULL));
                executions[i] = NULL;
                told_free(it);
                running--;
            }
            if (executions[i] == NULL && left > 0) {
                OK(lastbyte_execution_start(runtime, command, &executions[i], NULL));
                listen_to(executions[i], it);
                left--;
                running++;
            }
        }
        if (running > 0)
            OK(lastbyte_runtime_drain(runtime, 0, NO_HANG, NULL));
    }
    OK(lastbyte_command_free(command));
    OK(lastbyte_runtime_free(runtime));
    return 0;
}
