//! The C ABI: the bare machine, and executions whose events are posted to a queue and drained.
//!
//! Called by C, and by whatever can call C; `include/lastbyte.h` is made from these files. One file
//! for each C type. Nothing here decides: it checks what came, converts, and asks the machine, the
//! core or the command. Conventions, ownership and threads are in `docs/c.md`.
//!
//! A handle is a number in the shape of a pointer, looked up in a table and never dereferenced: a
//! handle that was freed, or that never was one, is [`Kind::NotFound`], not undefined behaviour. So a function that
//! takes only handles and numbers is safe; one that takes pointers to memory is `unsafe`.
//!
//! [`Kind::NotFound`]: crate::ErrorKind::NotFound

mod boundary;
mod code;
mod command;
mod dispatch;
mod entry;
mod error;
mod event;
mod execution;
mod handle;
mod input;
mod machine;
mod policy;
mod queue;
mod runtime;
mod status;
mod step;
mod stream;
mod terminal;
#[cfg(test)]
#[expect(unsafe_code, reason = "calls the C functions")]
mod tests;
mod waits;
mod writer;

pub use {
    code::{
        LASTBYTE_ABI_VERSION, lastbyte_abi_version, lastbyte_code, lastbyte_code_name,
        lastbyte_code_summary, lastbyte_version,
    },
    command::*,
    error::*,
    event::*,
    execution::*,
    input::*,
    machine::*,
    policy::*,
    runtime::*,
    status::*,
    step::*,
    stream::*,
    terminal::*,
};
