//! A line of a trace in the words of diagrams, which know from them what went from whom to whom.

use lastbyte::{Data, Event};

use super::line::{Payload, Says, What};
use crate::{conform::drawn, diagram::Row, executor::stack::told};

/// A line as a step of a diagram.
pub(super) fn row(says: &Says<'_>) -> Row {
    match says {
        Says::Happened(what) => happened(what),
        Says::Step(made) => drawn::row(&made.told, &made.follows),
        Says::Machine(_) => {
            Row { lane: "driver".to_owned(), text: vec!["makes a machine".to_owned()] }
        }
    }
}

fn happened(what: &What<'_>) -> Row {
    let (lane, text) = match what {
        What::Spawn { .. } | What::Start => ("driver", "starts the root".to_owned()),
        What::Refused => ("driver", "is refused the start".to_owned()),
        What::Read(stream, payload) => {
            ("driver", format!("reads {} from {stream}", bytes(payload)))
        }
        What::ReadEof(stream) => ("driver", format!("reads the end of {stream}")),
        What::ReadError(stream, errno) => {
            ("driver", format!("fails to read {stream} (errno {})", errno.0))
        }
        What::LetGo(stream) => ("driver", format!("lets go of {stream}")),
        What::Reap { status, .. } => ("driver", format!("reaps the root: {status}")),
        What::Chunk(stream, Payload::Data(data)) => {
            let chunk = Data::new(data.to_vec().into());
            ("consumer", handed(&Event::Chunk { stream: *stream, chunk }))
        }
        What::Chunk(stream, Payload::Length(bytes)) => {
            ("consumer", format!("is handed {bytes} bytes of {stream}"))
        }
        What::Gap(stream, bytes) => {
            ("consumer", handed(&Event::Gap { stream: *stream, bytes: *bytes }))
        }
        What::End(stream, end) => ("consumer", handed(&Event::End { stream: *stream, end: *end })),
        What::Exit(terminal) => ("consumer", handed(&Event::Exit(*terminal))),
        What::NoMore => ("consumer", "is told that there is no more".to_owned()),
        What::Wait(_) => ("waiters", "one waits".to_owned()),
        What::CancelWait(_) => ("waiters", "one goes".to_owned()),
        What::Resolved { status, .. } => ("waiters", format!("one is told: {status}")),
        What::Signal { signal, .. } => ("driver", format!("sends {signal}")),
        What::Kill => ("killer", "asks for a kill".to_owned()),
        What::Close => ("closer", "asks for a close".to_owned()),
        What::Closed => ("closer", "the close returns".to_owned()),
        What::Shutdown => ("shutdown", "asks for a shutdown".to_owned()),
        What::Discard(stream) => ("consumer", format!("wants no more of {stream}")),
        What::Detach => ("consumer", "goes".to_owned()),
        What::Quiet => ("time", "nothing more can happen".to_owned()),
    };
    Row { lane: lane.to_owned(), text: vec![text] }
}

fn handed(event: &Event) -> String {
    format!("is handed {}", told(event))
}

fn bytes(payload: &Payload<'_>) -> String {
    match payload {
        Payload::Data(data) => format!("{:?}", String::from_utf8_lossy(data)),
        Payload::Length(bytes) => format!("{bytes} bytes"),
    }
}
