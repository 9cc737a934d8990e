//! Fake children: a kernel with processes that follow scripts, pipes that are held open by every
//! process that has them, and signals.
//!
//! Each step of a script is a scheduling choice of its own. What a child does and what a stack
//! learns of it is told to the execution's [`Witness`].

mod kernel;
mod life;
mod process;
mod script;
mod source;
mod stdin;

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use lastbyte::machine::{Errno, PerStream, StreamId};

use self::{
    kernel::{Flag, Kernel, Pipe, Root},
    life::live,
};
pub use self::{
    process::Process,
    script::{Do, Script},
    source::Source,
    stdin::Stdin,
};
use super::{run, task, witness::Witness};

const EPIPE: Errno = Errno(32);

/// A child that has just been spawned: what a stack takes over.
#[derive(Debug)]
pub struct Child {
    /// The reading end of its stdout.
    pub stdout: Source,
    /// The reading end of its stderr.
    pub stderr: Source,
    /// The writing end of its stdin.
    pub stdin: Stdin,
    /// The process.
    pub process: Process,
    /// What its caller wants written to its stdin.
    pub input: &'static [u8],
    /// It is a box, or lives in one: the first that is started is the box.
    pub boxed: bool,
    /// The bug that a stack has which can be told to have one; 0: none.
    pub bug: u8,
}

/// Spawns a child, whose script runs as a task.
pub(crate) fn spawn(name: &str, script: Script, execution: usize) -> Child {
    let pipe = |place| {
        RefCell::new(Pipe {
            object: run::object(),
            bytes: VecDeque::new(),
            read: 0,
            writers: u32::from(place == 0 || script.has_stderr),
            reader_gone: false,
            capacity: script.pipe,
            wakers: Vec::new(),
        })
    };
    let root = Root {
        object: run::object(),
        status: None,
        ended_at: None,
        reaped: false,
        stdin_open: true,
        stdin_awaited: false,
        stopped: false,
        stdin_taken: 0,
        pending: VecDeque::new(),
        wakers: Vec::new(),
    };
    let kernel = Rc::new(Kernel {
        script,
        pipes: PerStream::from_fn(pipe),
        root: RefCell::new(root),
        group_killed: Flag {
            object: run::object(),
            set: RefCell::default(),
            wakers: RefCell::default(),
        },
        pid_known: Flag {
            object: run::object(),
            set: RefCell::new(!script.pid_is_late),
            wakers: RefCell::default(),
        },
        witness: RefCell::new(Witness::new()),
        execution,
    });
    task::spawn(name.to_owned(), live(Rc::clone(&kernel), name.to_owned()));
    if script.pid_is_late {
        let kernel = Rc::clone(&kernel);
        task::spawn("fork", async move {
            run::note(|| "the pid is known".to_owned());
            kernel.pid_known.set();
        });
    }
    let source = |stream| Source { kernel: Rc::clone(&kernel), stream };
    Child {
        stdout: source(StreamId::Stdout),
        stderr: source(StreamId::Stderr),
        stdin: Stdin { kernel: Rc::clone(&kernel) },
        process: Process { kernel },
        input: script.input,
        boxed: false,
        bug: 0,
    }
}
