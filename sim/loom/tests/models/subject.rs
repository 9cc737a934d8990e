//! What a model is run on: the production core, or a copy of its text with a mistake in it.

use std::{
    future::Future,
    task::{Context, Poll},
};

use lastbyte_loom::{
    machine::{
        Actions, Event, Illegal, Input, InvalidPolicy, PerStream, Policy, Reply, Status, Streams,
        Terminal,
    },
    monitor::Violation,
};

use crate::harness::Byte;

/// What the models use of `Core`, whose copies have nothing else in common.
pub(crate) trait Subject: Send + Sync + Sized + 'static {
    /// What is wrong with it.
    const WRONG: &'static str;
    fn monitored(streams: Streams, policy: Policy) -> Result<Self, InvalidPolicy>;
    fn step(&self, input: Input<Byte>) -> Result<Reply, Illegal>;
    fn drive(&self, input: Input<Byte>) -> Result<Orders, Illegal>;
    fn orders(&self) -> Orders;
    fn poll_orders(&self, cx: &mut Context<'_>) -> Orders;
    fn try_event(&self) -> Option<Event<Byte>>;
    fn poll_event(&self, cx: &mut Context<'_>) -> Poll<Option<Event<Byte>>>;
    fn exited(&self) -> impl Future<Output = Option<Status>> + use<Self>;
    fn wait(&self) -> impl Future<Output = Option<Terminal>> + use<Self>;
    fn terminal(&self) -> Option<Terminal>;
    fn is_done(&self) -> bool;
    /// The first rule that was broken.
    fn violation(&self) -> Option<Violation>;
}

/// The `Orders` of any copy.
pub(crate) struct Orders {
    pub(crate) actions: Actions,
    pub(crate) room: PerStream<u64>,
    pub(crate) done: bool,
}

/// Makes a subject of the `Core` of this module.
macro_rules! subject {
    ($($ordering:ident)::+, $wrong:literal) => {
        impl From<$($ordering)::+::Orders> for Orders {
            fn from(orders: $($ordering)::+::Orders) -> Self {
                let $($ordering)::+::Orders { actions, room, done } = orders;
                Orders { actions, room, done }
            }
        }

        // Named in full: a method that the core lost must not be found in the trait.
        impl Subject for $($ordering)::+::Core<Byte> {
            const WRONG: &'static str = $wrong;

            fn monitored(streams: Streams, policy: Policy) -> Result<Self, InvalidPolicy> {
                $($ordering)::+::Core::monitored(streams, policy)
            }

            fn step(&self, input: Input<Byte>) -> Result<Reply, Illegal> {
                $($ordering)::+::Core::step(self, input)
            }

            fn drive(&self, input: Input<Byte>) -> Result<Orders, Illegal> {
                $($ordering)::+::Core::drive(self, input).map(Orders::from)
            }

            fn orders(&self) -> Orders {
                $($ordering)::+::Core::orders(self).into()
            }

            fn poll_orders(&self, cx: &mut Context<'_>) -> Orders {
                $($ordering)::+::Core::poll_orders(self, cx).into()
            }

            fn try_event(&self) -> Option<Event<Byte>> {
                $($ordering)::+::Core::try_event(self)
            }

            fn poll_event(&self, cx: &mut Context<'_>) -> Poll<Option<Event<Byte>>> {
                $($ordering)::+::Core::poll_event(self, cx)
            }

            fn exited(&self) -> impl Future<Output = Option<Status>> + use<> {
                $($ordering)::+::Core::exited(self)
            }

            fn wait(&self) -> impl Future<Output = Option<Terminal>> + use<> {
                $($ordering)::+::Core::wait(self)
            }

            fn terminal(&self) -> Option<Terminal> {
                $($ordering)::+::Core::terminal(self)
            }

            fn is_done(&self) -> bool {
                $($ordering)::+::Core::is_done(self)
            }

            fn violation(&self) -> Option<Violation> {
                let verdict = $($ordering)::+::Core::verdict(self);
                verdict.expect("the model runs under the monitor").violation
            }
        }
    };
}

/// What ships.
pub(crate) type Honest = lastbyte_loom::ordering::Core<Byte>;
subject!(lastbyte_loom::ordering, "nothing");

/// A copy of `src/ordering.rs` with one of `edits.rs` in it.
macro_rules! sabotaged {
    ($name:ident, $path:literal, $wrong:literal) => {
        #[path = $path]
        #[expect(
            dead_code,
            unreachable_pub,
            reason = "written for a library, of which the models use a part"
        )]
        pub(crate) mod $name;
        subject!($name, $wrong);
    };
}

include!(concat!(env!("OUT_DIR"), "/sabotaged.rs"));
