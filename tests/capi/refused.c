/* A start that is refused: one error with its stage and errno, and nothing left. Not for valgrind,
 * under which posix_spawn(3) does not learn that an exec failed. */
#include "check.h"

static void stage(lastbyte_runtime *runtime, const char *program, const char *dir, uint32_t stage,
                  int32_t errnum, uint8_t exit_code)
{
    lastbyte_command *command = NULL;
    lastbyte_execution *execution = NULL;
    lastbyte_error *error = NULL;
    lastbyte_error_info info;

    OK(lastbyte_command_new(program, &command));
    if (dir != NULL)
        OK(lastbyte_command_dir(command, dir));
    GIVES(LASTBYTE_CODE_CANNOT_SPAWN,
          lastbyte_execution_start(runtime, command, &execution, &error));
    CHECK(execution == NULL && error != NULL);
    OK(lastbyte_error_read(error, &info));
    CHECK(info.code == LASTBYTE_CODE_CANNOT_SPAWN && info.stage == stage);
    CHECK(info.error == errnum && info.exit_code == exit_code);
    CHECK(strstr(info.message, program) != NULL);
    CHECK(lastbyte_stage_name(info.stage) != NULL);
    OK(lastbyte_error_free(error));
    GIVES(LASTBYTE_CODE_NOT_FOUND, lastbyte_error_read(error, &info));
    GIVES(LASTBYTE_CODE_NOT_FOUND, lastbyte_error_free(error));

    /* Whoever does not want the error need not take it. */
    GIVES(LASTBYTE_CODE_CANNOT_SPAWN,
          lastbyte_execution_start(runtime, command, &execution, NULL));
    OK(lastbyte_command_free(command));
}

int main(void)
{
    lastbyte_runtime *runtime = NULL;
    uint64_t calls = 1;

    OK(lastbyte_runtime_new(0, &runtime));
    stage(runtime, "/no/such/program", NULL, LASTBYTE_STAGE_LOOKUP, 2, 127);
    stage(runtime, "no-such-program", NULL, LASTBYTE_STAGE_LOOKUP, 2, 127);
    stage(runtime, "true", "/no/such/dir", LASTBYTE_STAGE_CHDIR, 2, 126);
    stage(runtime, "/etc/passwd", NULL, LASTBYTE_STAGE_PERMISSION, 13, 126);
    stage(runtime, "/", NULL, LASTBYTE_STAGE_PERMISSION, 13, 126);
    OK(lastbyte_runtime_drain(runtime, 0, 0, &calls));
    CHECK(calls == 0);
    OK(lastbyte_runtime_free(runtime));
    return 0;
}
