/*
 * lastbyte: run a command and get every byte of its output before its exit.
 *
 * Made by cbindgen from src/capi: edits are overwritten. Conventions, ownership and threads are in
 * docs/c.md. In short: a function returns a lastbyte_code, errors are negative, an output is
 * written only on success; a handle is freed once with the _free of its type, from any thread;
 * callbacks run inside lastbyte_runtime_drain, on its thread, and nowhere else.
 */

#ifndef LASTBYTE_H
#define LASTBYTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The version of this ABI. Raised when a function, a struct or a number changes its meaning; new
// functions and numbers are added without.
#define LASTBYTE_ABI_VERSION 2

// A duration that never ends.
#define LASTBYTE_NEVER UINT64_MAX

// What a function returns. Errors are negative, and the numbers of the one table of errors.
typedef enum lastbyte_code {
    // Done.
    LASTBYTE_CODE_OK = 0,
    // Not yet: nothing is there now, or it goes on in the background.
    LASTBYTE_CODE_PENDING = 1,
    // Nothing has this id: the handle was freed, or never was one.
    LASTBYTE_CODE_NOT_FOUND = -5001,
    // The execution has stopped already.
    LASTBYTE_CODE_STOPPED = -5002,
    // The call has no meaning in this state.
    LASTBYTE_CODE_INVALID_STATE = -5003,
    // An argument cannot be used: NULL, or a number that means nothing.
    LASTBYTE_CODE_INVALID_ARGUMENT = -5004,
    // The command cannot be started.
    LASTBYTE_CODE_CANNOT_SPAWN = -5005,
    // A quota or a limit of the system is used up.
    LASTBYTE_CODE_OVER_QUOTA = -5006,
    // The credentials are missing or wrong.
    LASTBYTE_CODE_UNAUTHORIZED = -5007,
    // The session is over and has been cleared away.
    LASTBYTE_CODE_GONE = -5008,
    // The connection to the runner broke.
    LASTBYTE_CODE_BACKEND_LOST = -5009,
    // The runner cannot be reached.
    LASTBYTE_CODE_BACKEND_UNAVAILABLE = -5010,
    // The runtime is shutting down.
    LASTBYTE_CODE_SHUTDOWN = -5011,
    // A defect of lastbyte itself.
    LASTBYTE_CODE_INTERNAL = -5012,
} lastbyte_code;

// Why we stopped reading.
typedef enum lastbyte_cut {
    // We did not.
    LASTBYTE_CUT_NONE = 0,
    // The deadline of the drain policy after.
    LASTBYTE_CUT_AFTER = 1,
    // The silence of the drain policy idle.
    LASTBYTE_CUT_IDLE = 2,
    // The cap of the drain policy idle.
    LASTBYTE_CUT_MAX = 3,
    // A free.
    LASTBYTE_CUT_CLOSE = 4,
    // A shutdown.
    LASTBYTE_CUT_SHUTDOWN = 5,
} lastbyte_cut;

// What happens at the reap to processes of the group that outlive the root.
typedef enum lastbyte_descendants {
    // They live on. The default.
    LASTBYTE_DESCENDANTS_LEAVE = 0,
    // The group is sent SIGKILL.
    LASTBYTE_DESCENDANTS_KILL = 1,
} lastbyte_descendants;

// How long output may go on after the root's end.
typedef enum lastbyte_drain {
    // Until every stream has ended; waits for ever if a descendant keeps one open.
    LASTBYTE_DRAIN_UNTIL_EOF = 0,
    // At most `drain_max_ns` after the reap. Zero: nothing but the root's own bytes.
    LASTBYTE_DRAIN_AFTER = 1,
    // Until a stream has been silent for `drain_gap_ns`, at most `drain_max_ns`. The default.
    LASTBYTE_DRAIN_IDLE = 2,
} lastbyte_drain;

// How a stream ended.
typedef enum lastbyte_end_kind {
    // The source said end.
    LASTBYTE_END_KIND_EOF = 1,
    // We stopped reading before the end: see `cut`.
    LASTBYTE_END_KIND_CUT = 2,
    // A read failed: see `error`.
    LASTBYTE_END_KIND_READ_ERROR = 3,
    // Nobody wanted it, or not all of it.
    LASTBYTE_END_KIND_DISCARDED = 4,
    // The source said end, and the output limit had dropped a part.
    LASTBYTE_END_KIND_LIMIT = 5,
} lastbyte_end_kind;

// What the consumer gets.
typedef enum lastbyte_event_kind {
    // Nothing.
    LASTBYTE_EVENT_KIND_NONE = 0,
    // Bytes of a stream, in their order.
    LASTBYTE_EVENT_KIND_CHUNK = 1,
    // Bytes that were read and dropped stood here.
    LASTBYTE_EVENT_KIND_GAP = 2,
    // Nothing of this stream follows.
    LASTBYTE_EVENT_KIND_END = 3,
    // The terminal: nothing follows.
    LASTBYTE_EVENT_KIND_EXIT = 4,
} lastbyte_event_kind;

// What happens to a stream whose buffer is full because nobody drains.
typedef enum lastbyte_full {
    // The child waits. The default.
    LASTBYTE_FULL_PAUSE = 0,
    // What does not fit is dropped, and a gap stands in its place.
    LASTBYTE_FULL_GAP = 1,
    // The child waits, and is killed after `buffer_stall_ns`.
    LASTBYTE_FULL_KILL_AFTER = 2,
} lastbyte_full;

// What happened. The comment says which fields of `lastbyte_input` are read.
typedef enum lastbyte_input_kind {
    // The root runs: its pid is known.
    LASTBYTE_INPUT_KIND_STARTED = 1,
    // The root could not be started.
    LASTBYTE_INPUT_KIND_REFUSED = 2,
    // A read returned 1 byte or more: `stream`, `chunk`.
    LASTBYTE_INPUT_KIND_CHUNK = 3,
    // A read returned 0, or EIO on a pty: `stream`.
    LASTBYTE_INPUT_KIND_EOF = 4,
    // A read failed: `stream`, `error`.
    LASTBYTE_INPUT_KIND_READ_ERROR = 5,
    // A read found nothing to take (EAGAIN): `stream`.
    LASTBYTE_INPUT_KIND_EMPTY = 6,
    // The root has ended: `status`, `standing`.
    LASTBYTE_INPUT_KIND_REAP = 7,
    // The consumer takes one event, if there is one.
    LASTBYTE_INPUT_KIND_DRAIN = 8,
    // Somebody waits: `until`.
    LASTBYTE_INPUT_KIND_WAIT = 9,
    // Somebody who waited does not any more: `until`.
    LASTBYTE_INPUT_KIND_CANCEL_WAIT = 10,
    // Sends a signal: `signal`.
    LASTBYTE_INPUT_KIND_SIGNAL = 11,
    // Kills by policy.
    LASTBYTE_INPUT_KIND_KILL = 12,
    // Nobody will take this stream: `stream`.
    LASTBYTE_INPUT_KIND_DISCARD = 13,
    // The consumer is gone and the execution goes on.
    LASTBYTE_INPUT_KIND_DETACH = 14,
    // Ends it now.
    LASTBYTE_INPUT_KIND_CLOSE = 15,
    // The runtime ends.
    LASTBYTE_INPUT_KIND_SHUTDOWN = 16,
    // An armed timer has run out: `timer`.
    LASTBYTE_INPUT_KIND_TIMEOUT = 17,
} lastbyte_input_kind;

// What happens to output beyond the limit.
typedef enum lastbyte_limit {
    // There is no limit. The default.
    LASTBYTE_LIMIT_NONE = 0,
    // The rest is dropped.
    LASTBYTE_LIMIT_TRUNCATE = 1,
    // The last `limit_tail_bytes_max` bytes are kept.
    LASTBYTE_LIMIT_KEEP_TAIL = 2,
    // The rest is dropped and the execution killed.
    LASTBYTE_LIMIT_KILL = 3,
} lastbyte_limit;

// Why a policy whose numbers all mean something cannot be carried out.
typedef enum lastbyte_policy_fault {
    // Nothing stands against it, or a number in it means nothing.
    LASTBYTE_POLICY_FAULT_NONE = 0,
    // `buffer_bytes_max` is 0.
    LASTBYTE_POLICY_FAULT_BUFFER_BYTES = 1,
    // `buffer_chunks_max` is 0.
    LASTBYTE_POLICY_FAULT_BUFFER_CHUNKS = 2,
    // For idle: `drain_gap_ns` is longer than `drain_max_ns`.
    LASTBYTE_POLICY_FAULT_IDLE_GAP_OVER_MAX = 3,
} lastbyte_policy_fault;

// What the driver does with a pump.
typedef enum lastbyte_pump_action {
    // Nothing new.
    LASTBYTE_PUMP_ACTION_NONE = 0,
    // Stop reading for now: the consumer is slow.
    LASTBYTE_PUMP_ACTION_PAUSE = 1,
    // Read again.
    LASTBYTE_PUMP_ACTION_RESUME = 2,
    // Stop reading for good and let go of the source.
    LASTBYTE_PUMP_ACTION_ABANDON = 3,
} lastbyte_pump_action;

// What became of a signal, kill, close or shutdown.
typedef enum lastbyte_reply {
    // Done, or under way.
    LASTBYTE_REPLY_DONE = 1,
    // The root has no pid yet; it is done when it has.
    LASTBYTE_REPLY_LATCHED = 2,
    // The root has been reaped: there is nobody to signal.
    LASTBYTE_REPLY_ALREADY_EXITED = 3,
} lastbyte_reply;

// How far a start came before it was refused.
typedef enum lastbyte_stage {
    // It was refused before.
    LASTBYTE_STAGE_NONE = 0,
    // Finding the program.
    LASTBYTE_STAGE_LOOKUP = 1,
    // Entering the working directory.
    LASTBYTE_STAGE_CHDIR = 2,
    // Loading the program that was found.
    LASTBYTE_STAGE_EXEC = 3,
    // Making the process.
    LASTBYTE_STAGE_FORK = 4,
    // Making the pipes or the pty of its streams.
    LASTBYTE_STAGE_PIPES = 5,
    // Being allowed to run it.
    LASTBYTE_STAGE_PERMISSION = 6,
} lastbyte_stage;

// How the root ended: evidence, never a guess or a sentinel number.
typedef enum lastbyte_status_kind {
    // It called exit with `code`.
    LASTBYTE_STATUS_KIND_EXITED = 1,
    // `signal` ended it; `core_dumped` says what it says.
    LASTBYTE_STATUS_KIND_SIGNALED = 2,
    // It is gone, and how is not known: `error` is the errno of the wait.
    LASTBYTE_STATUS_KIND_UNKNOWN = 3,
    // Whoever ran it has vanished; it may run on.
    LASTBYTE_STATUS_KIND_LOST = 4,
    // We gave up waiting at the bound of a free or a shutdown.
    LASTBYTE_STATUS_KIND_FORCED = 5,
} lastbyte_status_kind;

// What one of the child's standard descriptors is.
typedef enum lastbyte_stdio {
    // A pipe to us. The default of stdout and stderr.
    LASTBYTE_STDIO_PIPED = 1,
    // `/dev/null`. The default of stdin.
    LASTBYTE_STDIO_NULL = 2,
    // The same as ours.
    LASTBYTE_STDIO_INHERIT = 3,
    // The descriptor that is given. It is duplicated; the caller keeps his.
    LASTBYTE_STDIO_FD = 4,
} lastbyte_stdio;

// One output of an execution.
typedef enum lastbyte_stream {
    // File descriptor 1 of the child.
    LASTBYTE_STREAM_STDOUT = 1,
    // File descriptor 2 of the child.
    LASTBYTE_STREAM_STDERR = 2,
    // Both through one pipe, in kernel order.
    LASTBYTE_STREAM_COMBINED = 3,
    // The master side of the child's terminal.
    LASTBYTE_STREAM_PTY = 4,
} lastbyte_stream;

// The streams of an execution of a bare machine.
typedef enum lastbyte_streams {
    // No output is ours.
    LASTBYTE_STREAMS_NONE = 0,
    // Only stdout.
    LASTBYTE_STREAMS_STDOUT = 1,
    // Only stderr.
    LASTBYTE_STREAMS_STDERR = 2,
    // Stdout and stderr, each through a pipe of its own.
    LASTBYTE_STREAMS_SEPARATE = 3,
    // Both through one pipe.
    LASTBYTE_STREAMS_COMBINED = 4,
    // A terminal.
    LASTBYTE_STREAMS_PTY = 5,
} lastbyte_streams;

// Whom a signal reaches.
typedef enum lastbyte_target {
    // The root's process group. The default.
    LASTBYTE_TARGET_GROUP = 0,
    // The root alone.
    LASTBYTE_TARGET_LEADER = 1,
} lastbyte_target;

// What the driver does with a timer.
typedef enum lastbyte_timer_action {
    // Start it with its full length, also if it runs.
    LASTBYTE_TIMER_ACTION_ARM = 1,
    // Set it to its full length, standing still.
    LASTBYTE_TIMER_ACTION_ARM_HELD = 2,
    // Let it stand still with what is left.
    LASTBYTE_TIMER_ACTION_HOLD = 3,
    // Let it go on.
    LASTBYTE_TIMER_ACTION_RESUME = 4,
    // Forget it.
    LASTBYTE_TIMER_ACTION_DISARM = 5,
} lastbyte_timer_action;

// A clock that the driver runs for the machine.
typedef enum lastbyte_timer_kind {
    // Armed at the start; then kills the execution.
    LASTBYTE_TIMER_KIND_TIMEOUT = 1,
    // Armed by the first signal of a kill; then sends SIGKILL.
    LASTBYTE_TIMER_KIND_GRACE = 2,
    // Armed while output stands buffered and is not taken; then kills the execution.
    LASTBYTE_TIMER_KIND_STALL = 3,
    // Armed by a close before the reap; then forces the terminal.
    LASTBYTE_TIMER_KIND_CLOSE = 4,
    // Armed by a shutdown; then forces the terminal.
    LASTBYTE_TIMER_KIND_SHUTDOWN = 5,
    // Of `stream`: armed at the reap and by each chunk after it; then the stream is due.
    LASTBYTE_TIMER_KIND_IDLE = 6,
    // Of `stream`: armed at the reap; then the stream is due.
    LASTBYTE_TIMER_KIND_DEADLINE = 7,
} lastbyte_timer_kind;

// What a waiter waits for.
typedef enum lastbyte_until {
    // The reap: the status is known.
    LASTBYTE_UNTIL_EXITED = 1,
    // The terminal has been delivered, or is available and nobody will take it.
    LASTBYTE_UNTIL_TERMINAL = 2,
} lastbyte_until;

// Why an input is illegal.
typedef enum lastbyte_why {
    // The root has not started.
    LASTBYTE_WHY_NOT_STARTED = 1,
    // The root has started already, or was refused.
    LASTBYTE_WHY_ALREADY_STARTED = 2,
    // The start was refused: there is no execution.
    LASTBYTE_WHY_REFUSED = 3,
    // The root has been reaped already.
    LASTBYTE_WHY_ALREADY_REAPED = 4,
    // The terminal has been delivered: nothing follows it.
    LASTBYTE_WHY_ALREADY_DONE = 5,
    // The execution has no such stream.
    LASTBYTE_WHY_NO_SUCH_STREAM = 6,
    // The stream has ended or was abandoned.
    LASTBYTE_WHY_STREAM_ENDED = 7,
    // Its pump is paused.
    LASTBYTE_WHY_PUMP_PAUSED = 8,
    // The chunk is larger than the room left in the buffer.
    LASTBYTE_WHY_NO_ROOM = 9,
    // A chunk has at least one byte.
    LASTBYTE_WHY_EMPTY_CHUNK = 10,
    // Only the machine says that an end was forced.
    LASTBYTE_WHY_STATUS_IS_OURS = 11,
    // Nobody of that kind waits.
    LASTBYTE_WHY_NOBODY_WAITS = 12,
    // The timer is not armed, or it stands still.
    LASTBYTE_WHY_TIMER_NOT_RUNNING = 13,
    // There is no consumer.
    LASTBYTE_WHY_NO_CONSUMER = 14,
} lastbyte_why;

// A command to run, with its policies. Can be started any number of times.
typedef struct lastbyte_command lastbyte_command;

// A refused start.
typedef struct lastbyte_error lastbyte_error;

// One run of a command.
typedef struct lastbyte_execution lastbyte_execution;

// One execution as a pure state machine.
typedef struct lastbyte_machine lastbyte_machine;

// The threads that read for executions, and the queue that is drained.
typedef struct lastbyte_runtime lastbyte_runtime;

// All choices of one execution. `lastbyte_policy_default` fills it; change what should differ.
// Durations are in nanoseconds.
typedef struct lastbyte_policy {
    // A `lastbyte_drain`.
    uint32_t drain;
    // A `lastbyte_descendants`.
    uint32_t descendants;
    // Silence that ends a stream, for idle.
    uint64_t drain_gap_ns;
    // The deadline of after, the cap of idle; at least the gap.
    uint64_t drain_max_ns;
    // The first signal of a kill.
    int32_t kill_signal;
    // A `lastbyte_target`.
    uint32_t kill_target;
    // From the first signal to SIGKILL. Zero: SIGKILL at once.
    uint64_t kill_grace_ns;
    // Bytes of one stream that were read and not taken, at least 1.
    uint64_t buffer_bytes_max;
    // Chunks of one stream that were read and not taken, at least 1.
    uint32_t buffer_chunks_max;
    // A `lastbyte_full`.
    uint32_t buffer_full;
    // How long nobody may drain, for kill after.
    uint64_t buffer_stall_ns;
    // A `lastbyte_limit`, on each stream.
    uint32_t limit;
    // Zero.
    uint32_t reserved;
    // Bytes of one stream that are delivered before the limit applies.
    uint64_t limit_bytes_max;
    // Bytes kept from the end, for keep tail.
    uint64_t limit_tail_bytes_max;
    // Run time after which the execution is killed; `LASTBYTE_NEVER`: no limit.
    uint64_t timeout_ns;
    // From the SIGKILL of a free to a forced end.
    uint64_t close_max_ns;
    // From the first signal of a shutdown to a forced end.
    uint64_t shutdown_max_ns;
} lastbyte_policy;

// What can be told of an error.
typedef struct lastbyte_error_info {
    // A `lastbyte_code`.
    int32_t code;
    // A `lastbyte_stage`.
    uint32_t stage;
    // The errno; 0: none.
    int32_t error;
    // The exit code of a program that ends because of it.
    uint8_t exit_code;
    // What, where, and what to do: reads after "failed to". Lives until the error is freed.
    const char *message;
} lastbyte_error_info;

// How a stream ended, and why.
typedef struct lastbyte_end {
    // A `lastbyte_end_kind`; 0 where nothing has ended.
    uint32_t kind;
    // A `lastbyte_cut`.
    uint32_t cut;
    // For a read error: an errno.
    int32_t error;
} lastbyte_end;

// What happened to one stream of an execution.
typedef struct lastbyte_event {
    // A `lastbyte_event_kind`: chunk, gap or end.
    uint32_t kind;
    // A `lastbyte_stream`.
    uint32_t stream;
    // For a chunk: its bytes, until the callback returns. They are not text: they may hold NUL
    // bytes and have none at their end.
    const uint8_t *bytes;
    // For a chunk: how many, at least 1.
    size_t length;
    // For a chunk whose command asked for timestamps: when it was read, in nanoseconds after the
    // start. Otherwise 0.
    uint64_t read_at_ns;
    // For a gap: bytes that were read and dropped here, at least 1.
    uint64_t gap_bytes;
    // For an end: nothing of this stream follows.
    struct lastbyte_end end;
} lastbyte_event;

// Called with each event of a stream.
typedef void (*lastbyte_on_output)(void *userdata,
                                   struct lastbyte_execution *execution,
                                   const struct lastbyte_event *event);

// How the root ended.
typedef struct lastbyte_status {
    // A `lastbyte_status_kind`.
    uint32_t kind;
    // For exited.
    int32_t code;
    // For signaled.
    int32_t signal;
    // For signaled: 1 if the kernel says so, otherwise 0.
    uint32_t core_dumped;
    // For unknown: an errno.
    int32_t error;
} lastbyte_status;

// What we did before the reap.
typedef struct lastbyte_cause {
    // We killed it because its timeout ran out.
    bool timed_out;
    // We killed it because the caller asked: kill, free or shutdown.
    bool cancelled;
    // We killed it because a stream passed its output limit.
    bool output_limit;
    // We killed it because nobody took its output for too long.
    bool stalled;
    // Whether SIGKILL followed the first signal of the kill.
    bool escalated;
    // The first signal of our kill; 0: we did not kill it.
    int32_t killed_by_us;
} lastbyte_cause;

// How complete one stream is.
typedef struct lastbyte_report {
    // A `lastbyte_stream`.
    uint32_t stream;
    // How it ended.
    struct lastbyte_end end;
    // Whether a descendant still held it when we stopped reading.
    bool held;
    // Whether every byte up to the end of the stream was delivered.
    bool complete;
    // Bytes handed to the callback.
    uint64_t delivered;
    // Bytes read and not handed over.
    uint64_t dropped;
} lastbyte_report;

// The last event of an execution.
typedef struct lastbyte_terminal {
    // How the root ended.
    struct lastbyte_status status;
    // What we had done to it before.
    struct lastbyte_cause cause;
    // Whether every stream is complete. Says nothing of the status.
    bool complete;
    // The exit code with which a shell would report this end.
    uint8_t shell_exit_code;
    // How many reports follow.
    uint32_t reports_count;
    // One report for each stream, stdout before stderr.
    struct lastbyte_report reports[2];
} lastbyte_terminal;

// Called with the terminal: at the exit, and by a wait.
typedef void (*lastbyte_on_terminal)(void *userdata,
                                     struct lastbyte_execution *execution,
                                     const struct lastbyte_terminal *terminal);

// Called when the root has ended.
typedef void (*lastbyte_on_status)(void *userdata,
                                   struct lastbyte_execution *execution,
                                   const struct lastbyte_status *status);

// How far the input of a child came.
typedef struct lastbyte_stdin_report {
    // Bytes that were accepted from the caller.
    uint64_t accepted;
    // Bytes that the kernel took. Whether the child read them is not known.
    uint64_t written;
    // The child has stopped reading: what was accepted and not written is lost.
    bool broken;
    // The input was ended, by a close or by the child, and all that could be written is.
    bool ended;
} lastbyte_stdin_report;

// Called when there is room for more input again, or there will never be.
typedef void (*lastbyte_on_stdin)(void *userdata,
                                  struct lastbyte_execution *execution,
                                  const struct lastbyte_stdin_report *report);

// Which timer.
typedef struct lastbyte_timer {
    // A `lastbyte_timer_kind`.
    uint32_t kind;
    // For idle and deadline: a `lastbyte_stream`. Otherwise 0.
    uint32_t stream;
} lastbyte_timer;

// The bytes of one read, which stay with the caller: a token of his and a length.
typedef struct lastbyte_chunk {
    // What the caller knows the bytes by. Never looked at.
    uint64_t token;
    // Where these bytes begin in those of the token: an output limit splits a chunk. 0 in an
    // input.
    uint64_t offset;
    // How many, at least 1.
    uint64_t length;
} lastbyte_chunk;

// One thing that happens. Zero what the kind does not read.
typedef struct lastbyte_input {
    // A `lastbyte_input_kind`.
    uint32_t kind;
    // A `lastbyte_stream`.
    uint32_t stream;
    // A `lastbyte_until`.
    uint32_t until;
    // A signal, 1 to 64.
    int32_t signal;
    // An errno.
    int32_t error;
    // Which timer.
    struct lastbyte_timer timer;
    // The bytes that were read.
    struct lastbyte_chunk chunk;
    // How the root ended.
    struct lastbyte_status status;
    // The most bytes that stood unread at the reap: first in stdout, the combined pipe or the
    // pty, then in stderr.
    uint64_t standing[2];
} lastbyte_input;

// One timer, and what to do with it.
typedef struct lastbyte_timer_order {
    // Which.
    struct lastbyte_timer timer;
    // A `lastbyte_timer_action`.
    uint32_t action;
} lastbyte_timer_order;

// What the consumer of a bare machine gets.
typedef struct lastbyte_machine_event {
    // A `lastbyte_event_kind`.
    uint32_t kind;
    // For chunk, gap and end: a `lastbyte_stream`.
    uint32_t stream;
    // For a chunk.
    struct lastbyte_chunk chunk;
    // For a gap: bytes dropped, at least 1.
    uint64_t gap_bytes;
    // For an end.
    struct lastbyte_end end;
    // For an exit.
    struct lastbyte_terminal terminal;
} lastbyte_machine_event;

// What follows from one input. Carry it out in this order: signals, pumps, timers.
typedef struct lastbyte_step {
    // Signals to send, the lowest number first and SIGKILL last: bit n-1 is signal n.
    uint64_t signals;
    // A `lastbyte_pump_action` for stdout, the combined pipe or the pty, then for stderr.
    uint32_t pumps[2];
    // How many timer orders follow.
    uint32_t timers_count;
    // The timer orders.
    struct lastbyte_timer_order timers[9];
    // How many who wait for the reap are resolved.
    uint32_t resolved_exited;
    // How many who wait for the terminal are resolved.
    uint32_t resolved_terminal;
    // A `lastbyte_reply`.
    uint32_t reply;
    // Whether a drain would find an event now.
    bool ready;
    // For a drain: what the consumer gets.
    struct lastbyte_machine_event event;
} lastbyte_step;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The ABI version of the library that is loaded: compare it with `LASTBYTE_ABI_VERSION`.
uint32_t lastbyte_abi_version(void);

// The version of the library, for people.
const char *lastbyte_version(void);

// The name of a code, as in JSON and on the wire, for example `not_found`; NULL for a number that
// is no code.
const char *lastbyte_code_name(int32_t code);

// One sentence that says what a code means; NULL for a number that is no code.
const char *lastbyte_code_summary(int32_t code);

// A command for `program`: a path, or a name to look up on PATH. Free it with
// `lastbyte_command_free`.
//
// # Safety
//
// `program` is NULL or a string; `command` is NULL or a place for a handle.
int32_t lastbyte_command_new(const char *program, struct lastbyte_command **command);

// Adds an argument.
//
// # Safety
//
// `arg` is NULL or a string.
int32_t lastbyte_command_arg(struct lastbyte_command *command, const char *arg);

// Sets an environment variable. A key is not empty and has no `=`.
//
// # Safety
//
// `key` and `value` are NULL or strings.
int32_t lastbyte_command_env(struct lastbyte_command *command, const char *key, const char *value);

// Removes an environment variable.
//
// # Safety
//
// `key` is NULL or a string.
int32_t lastbyte_command_env_remove(struct lastbyte_command *command, const char *key);

// Inherits no environment variable, and forgets those set so far.
int32_t lastbyte_command_env_clear(struct lastbyte_command *command);

// The directory to start in.
//
// # Safety
//
// `dir` is NULL or a string.
int32_t lastbyte_command_dir(struct lastbyte_command *command, const char *dir);

// The child's stdin: a `lastbyte_stdio`, and the descriptor for `LASTBYTE_STDIO_FD`. A pty
// replaces it.
int32_t lastbyte_command_stdin(struct lastbyte_command *command, uint32_t stdio, int32_t fd);

// The child's stdout: a `lastbyte_stdio`, and the descriptor for `LASTBYTE_STDIO_FD`. Undoes
// combined and pty.
int32_t lastbyte_command_stdout(struct lastbyte_command *command, uint32_t stdio, int32_t fd);

// The child's stderr: a `lastbyte_stdio`, and the descriptor for `LASTBYTE_STDIO_FD`. Undoes
// combined and pty.
int32_t lastbyte_command_stderr(struct lastbyte_command *command, uint32_t stdio, int32_t fd);

// Stdout and stderr through one pipe, as one stream in the order of the child's writes.
int32_t lastbyte_command_combined(struct lastbyte_command *command);

// Runs the child on a terminal of this size, in a session of its own.
int32_t lastbyte_command_pty(struct lastbyte_command *command, uint16_t rows, uint16_t cols);

// Whether the child leads a process group of its own: 1 (the default) or 0.
int32_t lastbyte_command_process_group(struct lastbyte_command *command, uint32_t own);

// Whether each chunk says when it was read: 1, or 0 (the default).
int32_t lastbyte_command_timestamps(struct lastbyte_command *command, uint32_t on);

// The policies.
//
// # Safety
//
// `policy` is NULL or points to one.
int32_t lastbyte_command_policy(struct lastbyte_command *command,
                                const struct lastbyte_policy *policy);

// Frees a command. Executions that it started go on.
int32_t lastbyte_command_free(struct lastbyte_command *command);

// Writes what can be told of `error`.
//
// # Safety
//
// `info` is NULL or a place for one.
int32_t lastbyte_error_read(const struct lastbyte_error *error, struct lastbyte_error_info *info);

// The name of a `lastbyte_stage`, for example `lookup`; NULL for none and for a number that is no
// stage.
const char *lastbyte_stage_name(uint32_t stage);

// Frees an error and its message.
int32_t lastbyte_error_free(struct lastbyte_error *error);

// Starts `command`. Its callbacks are registered after: none is called but by a drain, and what
// comes before they are registered is held. When it is refused nothing is left, and `error` (which
// may be NULL) is one that says why, to be freed with `lastbyte_error_free`.
//
// # Safety
//
// `execution` is NULL or a place for a handle, and so is `error`.
int32_t lastbyte_execution_start(struct lastbyte_runtime *runtime,
                                 const struct lastbyte_command *command,
                                 struct lastbyte_execution **execution,
                                 struct lastbyte_error **error);

// Calls `callback` with each event of `stream`, from its first on, in a drain. Before the exit, or
// it is `LASTBYTE_CODE_STOPPED`; once for each stream, or it is `LASTBYTE_CODE_INVALID_STATE`.
//
// # Safety
//
// `callback` is NULL, or can be called with `userdata` until the execution is freed.
int32_t lastbyte_execution_on_output(struct lastbyte_execution *execution,
                                     uint32_t stream,
                                     lastbyte_on_output callback,
                                     void *userdata);

// Calls `callback` with the terminal, in a drain, once, after every event of every stream. Streams
// that nobody has registered for by then are thrown away and reported so: register for them
// first.
//
// # Safety
//
// `callback` is NULL, or can be called with `userdata` until the execution is freed.
int32_t lastbyte_execution_on_exit(struct lastbyte_execution *execution,
                                   lastbyte_on_terminal callback,
                                   void *userdata);

// Calls `callback` with the terminal, in a drain, after the exit was told to whoever has
// registered for it. Any number may wait, early or late; all are told the same.
//
// # Safety
//
// `callback` is NULL, or can be called with `userdata` until the execution is freed.
int32_t lastbyte_execution_on_wait(struct lastbyte_execution *execution,
                                   lastbyte_on_terminal callback,
                                   void *userdata);

// Calls `callback` with the status, in a drain, when the root has ended; that says nothing of its
// output. Any number may wait, early or late.
//
// # Safety
//
// `callback` is NULL, or can be called with `userdata` until the execution is freed.
int32_t lastbyte_execution_on_exited(struct lastbyte_execution *execution,
                                     lastbyte_on_status callback,
                                     void *userdata);

// Calls `callback`, in a drain, when there is room for input that was not accepted, and when the
// input has ended.
//
// # Safety
//
// `callback` is NULL, or can be called with `userdata` until the execution is freed.
int32_t lastbyte_execution_on_stdin(struct lastbyte_execution *execution,
                                    lastbyte_on_stdin callback,
                                    void *userdata);

// Nobody will take `stream`: it is read on and thrown away.
int32_t lastbyte_execution_discard(struct lastbyte_execution *execution, uint32_t stream);

// Accepts input for the child, and writes to `accepted` how much. It never waits: what there is no
// room for is not accepted, which is `LASTBYTE_CODE_PENDING`; `lastbyte_execution_on_stdin` tells
// when there is room again. `LASTBYTE_CODE_STOPPED` when the child has stopped reading.
//
// # Safety
//
// `data` is NULL, or `length` bytes stand there; `accepted` is NULL or a place for one.
int32_t lastbyte_execution_stdin_write(struct lastbyte_execution *execution,
                                       const uint8_t *data,
                                       size_t length,
                                       size_t *accepted);

// Ends the child's input when all that was accepted is written: its EOF, once.
int32_t lastbyte_execution_stdin_close(struct lastbyte_execution *execution);

// How far the child's input came.
//
// # Safety
//
// `report` is NULL or a place for one.
int32_t lastbyte_execution_stdin_report(const struct lastbyte_execution *execution,
                                        struct lastbyte_stdin_report *report);

// Sends a signal to the group, as it is. `LASTBYTE_CODE_STOPPED` after the root's end.
int32_t lastbyte_execution_signal(struct lastbyte_execution *execution, int32_t signal);

// Kills by policy: the first signal, the grace period, SIGKILL. Returns at once; output written in
// answer is delivered. `LASTBYTE_CODE_STOPPED` after the root's end.
int32_t lastbyte_execution_kill(struct lastbyte_execution *execution);

// Waits for the terminal: at most `timeout_ms` milliseconds, for ever if it is negative.
// `LASTBYTE_CODE_PENDING` if it did not come.
//
// The terminal comes after the last call for output and the exit, so where callbacks are
// registered somebody must drain meanwhile: on the thread that drains, a wait that would sleep is
// `LASTBYTE_CODE_INVALID_STATE`. Where none are, it needs no drain, and output is thrown away.
//
// # Safety
//
// `terminal` is NULL or a place for one.
int32_t lastbyte_execution_wait(struct lastbyte_execution *execution,
                                int64_t timeout_ms,
                                struct lastbyte_terminal *terminal);

// Waits for the root's end, which says nothing of its output: at most `timeout_ms` milliseconds,
// for ever if it is negative. `LASTBYTE_CODE_PENDING` if it did not come. Needs no drain.
//
// # Safety
//
// `status` is NULL or a place for one.
int32_t lastbyte_execution_exited(struct lastbyte_execution *execution,
                                  int64_t timeout_ms,
                                  struct lastbyte_status *status);

// The root's process id, for display: to signal it, use `lastbyte_execution_signal`, which cannot
// reach a reused one.
//
// # Safety
//
// `pid` is NULL or a place for one.
int32_t lastbyte_execution_pid(const struct lastbyte_execution *execution, uint32_t *pid);

// Frees an execution, at any moment and from any thread: SIGKILL to the group, the root reaped,
// nothing left, bounded by the teardown policy. No callback of it runs when this has returned; one
// that runs on another thread is waited for. `terminal` (which may be NULL) is its one terminal,
// the same that a callback was told, if one was; so of the exit callback and this, exactly one is
// first, and they agree.
//
// From inside one of its callbacks it returns `LASTBYTE_CODE_PENDING` and writes no terminal: the
// rest is done when the callback has returned, before the drain does. The same where two threads,
// each in a callback, free what the other is called for: the first waits, the second does not.
//
// # Safety
//
// `terminal` is NULL or a place for one.
int32_t lastbyte_execution_free(struct lastbyte_execution *execution,
                                struct lastbyte_terminal *terminal);

// Makes a machine for an execution that has not started. `streams` is a `lastbyte_streams`;
// `policy` may be NULL for the defaults. Free it with `lastbyte_machine_free`.
//
// # Safety
//
// `policy` is NULL or points to one; `machine` is NULL or a place for a handle.
int32_t lastbyte_machine_new(uint32_t streams,
                             const struct lastbyte_policy *policy,
                             struct lastbyte_machine **machine);

// Ends a machine. Tokens that it still holds are forgotten: to have them listed, step it with a
// close, and take them with `lastbyte_machine_released` first.
int32_t lastbyte_machine_free(struct lastbyte_machine *machine);

// Makes one step. An illegal input is `LASTBYTE_CODE_INVALID_STATE`: nothing has changed, `why`
// (which may be NULL) is a `lastbyte_why`, and the token of a chunk was not accepted.
//
// # Safety
//
// `input` is NULL or points to one; `step` and `why` are NULL or places for one.
int32_t lastbyte_machine_step(struct lastbyte_machine *machine,
                              const struct lastbyte_input *input,
                              struct lastbyte_step *step,
                              uint32_t *why);

// Lists tokens that the machine holds no part of any more, each once: those of chunks that were
// delivered, and those that were dropped. Ask after the bytes of the last step were used. Writes
// at most `capacity` tokens, and to `count` how many; ask again while it is `capacity`.
//
// # Safety
//
// `tokens` is NULL or `capacity` tokens have a place there; `count` is NULL or a place for one.
int32_t lastbyte_machine_released(struct lastbyte_machine *machine,
                                  uint64_t *tokens,
                                  size_t capacity,
                                  size_t *count);

// The largest chunk of `stream` that would be accepted now, in bytes; 0 while its pump is paused
// and when it has ended.
//
// # Safety
//
// `room` is NULL or a place for one.
int32_t lastbyte_machine_room(const struct lastbyte_machine *machine,
                              uint32_t stream,
                              uint64_t *room);

// Bytes of `stream` that were read and are neither delivered nor dropped.
//
// # Safety
//
// `buffered` is NULL or a place for one.
int32_t lastbyte_machine_buffered(const struct lastbyte_machine *machine,
                                  uint32_t stream,
                                  uint64_t *buffered);

// How long `timer` runs from its arming, in nanoseconds; `LASTBYTE_NEVER` for one that is never
// armed.
//
// # Safety
//
// `delay_ns` is NULL or a place for one.
int32_t lastbyte_machine_delay(const struct lastbyte_machine *machine,
                               struct lastbyte_timer timer,
                               uint64_t *delay_ns);

// Whether `timer` is armed and does not stand still.
//
// # Safety
//
// `running` is NULL or a place for one.
int32_t lastbyte_machine_is_running(const struct lastbyte_machine *machine,
                                    struct lastbyte_timer timer,
                                    bool *running);

// Whether nothing can change any more: the terminal is delivered, or nobody takes it, or the start
// was refused.
//
// # Safety
//
// `done` is NULL or a place for one.
int32_t lastbyte_machine_is_done(const struct lastbyte_machine *machine, bool *done);

// How the root ended; `LASTBYTE_CODE_PENDING` before the reap.
//
// # Safety
//
// `status` is NULL or a place for one.
int32_t lastbyte_machine_status(const struct lastbyte_machine *machine,
                                struct lastbyte_status *status);

// The terminal; `LASTBYTE_CODE_PENDING` until waits for it are resolved.
//
// # Safety
//
// `terminal` is NULL or a place for one.
int32_t lastbyte_machine_terminal(const struct lastbyte_machine *machine,
                                  struct lastbyte_terminal *terminal);

// Fills `policy` with the defaults.
//
// # Safety
//
// `policy` is NULL or a place for one.
int32_t lastbyte_policy_default(struct lastbyte_policy *policy);

// Says whether `policy` can be carried out. Where it cannot it is
// `LASTBYTE_CODE_INVALID_ARGUMENT`, and `fault` (which may be NULL) is a `lastbyte_policy_fault`:
// `LASTBYTE_POLICY_FAULT_NONE` where a number means nothing.
//
// # Safety
//
// `policy` is NULL or points to one; `fault` is NULL or a place for one.
int32_t lastbyte_policy_check(const struct lastbyte_policy *policy, uint32_t *fault);

// The name of a `lastbyte_policy_fault`, for example `buffer_bytes`; NULL for none and for a
// number that is no fault.
const char *lastbyte_policy_fault_name(uint32_t fault);

// Makes a runtime, with so many threads that read; 0 stands for one. Free it with
// `lastbyte_runtime_free`.
//
// # Safety
//
// `runtime` is NULL or a place for a handle.
int32_t lastbyte_runtime_new(uint32_t threads, struct lastbyte_runtime **runtime);

// Makes the calls that are due, on this thread, and sleeps until there are some: at most
// `timeout_ms` milliseconds, for ever if it is negative, not at all if it is 0. Returns after at
// most `calls_max` calls (0 stands for 65,536), and writes to `calls` (which may be NULL) how many
// it made.
//
// One thread at a time drains, and no callback does: otherwise `LASTBYTE_CODE_INVALID_STATE`.
//
// # Safety
//
// `calls` is NULL or a place for one. Every callback that is registered can be called.
int32_t lastbyte_runtime_drain(struct lastbyte_runtime *runtime,
                               uint64_t calls_max,
                               int64_t timeout_ms,
                               uint64_t *calls);

// A descriptor that is readable while something is queued, for an event loop: poll it, and when it
// is readable drain with a timeout of 0. It belongs to the runtime: do not read or close it.
//
// # Safety
//
// `fd` is NULL or a place for one.
int32_t lastbyte_runtime_fd(struct lastbyte_runtime *runtime, int32_t *fd);

// Starts nothing more, and ends every execution as a shutdown: kills by policy, and at the bound
// of the teardown policy forces the end. Returns at once; drain until the exits have come. When
// all have ended a drain does not sleep any more.
int32_t lastbyte_runtime_shutdown(struct lastbyte_runtime *runtime);

// Frees a runtime and every execution of it, as `lastbyte_execution_free` does: no callback runs
// when it has returned, and nothing is left. From inside a callback it returns
// `LASTBYTE_CODE_PENDING`, and the drain frees it when the callback has returned; so it does where
// the two would wait for each other, as `lastbyte_execution_free` says.
int32_t lastbyte_runtime_free(struct lastbyte_runtime *runtime);

// The contract rule that forbids what was illegal, for example `C1`; NULL for a number that is no
// `lastbyte_why`.
const char *lastbyte_why_rule(uint32_t why);

// The name of a `lastbyte_why`, for example `stream_ended`; NULL for a number that is none.
const char *lastbyte_why_name(uint32_t why);

// The report of one stream. `LASTBYTE_CODE_NOT_FOUND` when there is no such stream.
//
// # Safety
//
// `terminal` is NULL or points to one; `report` is NULL or a place for one.
int32_t lastbyte_terminal_report(const struct lastbyte_terminal *terminal,
                                 uint32_t stream,
                                 struct lastbyte_report *report);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LASTBYTE_H */
