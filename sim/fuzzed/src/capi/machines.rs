//! The bare machine: every token that was accepted is let go of once, whatever comes.

use std::{collections::BTreeMap, mem::MaybeUninit};

use arbitrary::{Arbitrary, Result, Unstructured};
use lastbyte::capi::{
    lastbyte_chunk, lastbyte_input, lastbyte_input_kind, lastbyte_machine,
    lastbyte_machine_buffered, lastbyte_machine_delay, lastbyte_machine_free,
    lastbyte_machine_is_done, lastbyte_machine_is_running, lastbyte_machine_new,
    lastbyte_machine_released, lastbyte_machine_room, lastbyte_machine_status,
    lastbyte_machine_step, lastbyte_machine_terminal, lastbyte_policy, lastbyte_policy_check,
    lastbyte_policy_default, lastbyte_status, lastbyte_terminal_report, lastbyte_timer,
    lastbyte_why_name, lastbyte_why_rule,
};

use super::{Handles, Id, judge, number, place, quantity};

/// Machines that are made at most.
const MACHINES_MAX: usize = 8;

#[derive(Default)]
pub(super) struct Machines {
    handles: Handles<lastbyte_machine>,
    next_token: u64,
    /// Tokens that a machine holds.
    held: BTreeMap<u64, *mut lastbyte_machine>,
}
impl Machines {
    pub(super) fn call(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u8::arbitrary(u)? % 16 {
            0 | 1 => self.make(u),
            2..10 => self.step(u),
            10 | 11 => self.released(u),
            12 | 13 => self.ask(u),
            14 => self.terminal(u),
            _ => self.free(u),
        }
    }

    fn make(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if self.handles.len() == MACHINES_MAX {
            return Ok(());
        }
        let policy = policy(u)?;
        let (streams, here) = (number(u, 7)?, u8::arbitrary(u)? % 8 != 0);
        // SAFETY: a policy or NULL, and a place or NULL.
        let code = self
            .handles
            .make(|place| unsafe { lastbyte_machine_new(streams, policy.as_ref(), place) }, here);
        judge(code, Id::Alive);
        Ok(())
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (machine, id) = self.handles.pick(u)?;
        let input = self.input(u)?;
        let (mut step, mut why) = (MaybeUninit::uninit(), MaybeUninit::new(0));
        let given = u8::arbitrary(u)? % 16 != 0;
        let step = place(u, &mut step)?;
        let has_place = step.is_some();
        let input = given.then_some(&input);
        // SAFETY: an input or NULL, and places or NULL.
        let code = unsafe { lastbyte_machine_step(machine, input, step, place(u, &mut why)?) };
        judge(code, id);
        assert!(code != 0 || given && has_place, "it has stepped for nobody");
        let chunk = lastbyte_input_kind::Chunk as u32;
        if let (0, Some(input)) = (code, input.filter(|input| input.kind == chunk)) {
            self.held.insert(input.chunk.token, machine);
        }
        // SAFETY: it was 0, and may have been written since.
        let why = unsafe { why.assume_init() };
        let named = !lastbyte_why_name(why).is_null() && !lastbyte_why_rule(why).is_null();
        assert_eq!(named, why != 0, "{why} has no name");
        Ok(())
    }

    fn input(&mut self, u: &mut Unstructured<'_>) -> Result<lastbyte_input> {
        self.next_token += 1;
        let mut standing = [0; 2];
        let kind = number(u, 19)?;
        let mut input = lastbyte_input { kind, ..Default::default() };
        // A byte for each field that the kind may read, and two for what it does not.
        input.stream = number(u, 6)?;
        match kind {
            3 => {
                let (offset, length) = (quantity(u)?, quantity(u)?);
                input.chunk = lastbyte_chunk { token: self.next_token, offset, length };
            }
            7 => {
                for standing in &mut standing {
                    *standing = quantity(u)?;
                }
                input.standing = standing;
                input.status = lastbyte_status {
                    kind: number(u, 7)?,
                    code: i32::from(u8::arbitrary(u)?),
                    signal: i32::from(u8::arbitrary(u)?),
                    core_dumped: number(u, 3)?,
                    error: i32::from(i8::arbitrary(u)?),
                };
            }
            17 => input.timer = timer(u)?,
            _ => {
                input.until = number(u, 4)?;
                input.signal = i32::from(u8::arbitrary(u)?) % 70;
                input.error = i32::from(i8::arbitrary(u)?);
            }
        }
        Ok(input)
    }

    fn released(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (machine, id) = self.handles.pick(u)?;
        let mut tokens = [0; 8];
        let capacity = usize::from(u8::arbitrary(u)?) % (tokens.len() + 1);
        let mut count = MaybeUninit::new(0);
        let null = u8::arbitrary(u)? % 16 == 0;
        let into = if null { std::ptr::null_mut() } else { tokens.as_mut_ptr() };
        // SAFETY: so many tokens have a place there, or it is NULL; and a place or NULL.
        let code =
            unsafe { lastbyte_machine_released(machine, into, capacity, place(u, &mut count)?) };
        judge(code, id);
        // SAFETY: it was 0, and may have been written since.
        let count: usize = unsafe { count.assume_init() };
        assert!(count <= capacity);
        for token in &tokens[..count] {
            assert_eq!(self.held.remove(token), Some(machine), "{token} is let go of twice");
        }
        Ok(())
    }

    fn ask(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (machine, id) = self.handles.pick(u)?;
        let (stream, timer) = (number(u, 6)?, timer(u)?);
        let (mut bytes, mut yes) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        let mut status = MaybeUninit::uninit();
        let code = match u8::arbitrary(u)? % 6 {
            // SAFETY: a place or NULL.
            0 => unsafe { lastbyte_machine_room(machine, stream, place(u, &mut bytes)?) },
            // SAFETY: a place or NULL.
            1 => unsafe { lastbyte_machine_buffered(machine, stream, place(u, &mut bytes)?) },
            // SAFETY: a place or NULL.
            2 => unsafe { lastbyte_machine_delay(machine, timer, place(u, &mut bytes)?) },
            // SAFETY: a place or NULL.
            3 => unsafe { lastbyte_machine_is_running(machine, timer, place(u, &mut yes)?) },
            // SAFETY: a place or NULL.
            4 => unsafe { lastbyte_machine_is_done(machine, place(u, &mut yes)?) },
            // SAFETY: a place or NULL.
            _ => unsafe { lastbyte_machine_status(machine, place(u, &mut status)?) },
        };
        judge(code, id);
        Ok(())
    }

    fn terminal(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (machine, id) = self.handles.pick(u)?;
        let (mut terminal, mut report) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: a place.
        let code = unsafe { lastbyte_machine_terminal(machine, Some(&mut terminal)) };
        judge(code, id);
        if code == 0 {
            // SAFETY: it was written.
            let mut terminal = unsafe { terminal.assume_init() };
            if u8::arbitrary(u)? % 8 == 0 {
                terminal.reports_count = u32::MAX;
            }
            let stream = number(u, 6)?;
            // SAFETY: a terminal, and a place.
            let code =
                unsafe { lastbyte_terminal_report(Some(&terminal), stream, Some(&mut report)) };
            judge(code, Id::Alive);
        }
        Ok(())
    }

    fn free(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (machine, id) = self.handles.pick(u)?;
        self.free_one(machine, id);
        Ok(())
    }

    fn free_one(&mut self, machine: *mut lastbyte_machine, id: Id) {
        let code = lastbyte_machine_free(machine);
        judge(code, id);
        assert_eq!(code == 0, id == Id::Alive, "a machine is freed once");
        self.handles.freed(machine);
        self.held.retain(|_, holder| *holder != machine);
    }

    pub(super) fn end(mut self) {
        for machine in self.handles.alive() {
            self.free_one(machine, Id::Alive);
        }
    }
}

fn timer(u: &mut Unstructured<'_>) -> Result<lastbyte_timer> {
    Ok(lastbyte_timer { kind: number(u, 9)?, stream: number(u, 6)? })
}

/// A policy: the default with some fields changed, or NULL.
pub(super) fn policy(u: &mut Unstructured<'_>) -> Result<Option<lastbyte_policy>> {
    let changes = u8::arbitrary(u)? % 8;
    if changes == 7 {
        return Ok(None);
    }
    let mut made = MaybeUninit::uninit();
    // SAFETY: a place.
    let code = unsafe { lastbyte_policy_default(Some(&mut made)) };
    assert_eq!(code, 0);
    // SAFETY: it was written.
    let mut policy = unsafe { made.assume_init() };
    for _change in 0..changes {
        match u8::arbitrary(u)? % 16 {
            0 => policy.drain = number(u, 4)?,
            1 => policy.descendants = number(u, 3)?,
            2 => policy.drain_gap_ns = quantity(u)?,
            3 => policy.drain_max_ns = quantity(u)?,
            4 => policy.kill_signal = i32::from(u8::arbitrary(u)?) % 70,
            5 => policy.kill_target = number(u, 3)?,
            6 => policy.kill_grace_ns = quantity(u)?,
            7 => policy.buffer_bytes_max = quantity(u)?,
            8 => policy.buffer_chunks_max = number(u, 8)?,
            9 => policy.buffer_full = number(u, 4)?,
            10 => policy.buffer_stall_ns = quantity(u)?,
            11 => policy.limit = number(u, 5)?,
            12 => policy.limit_bytes_max = quantity(u)?,
            13 => policy.limit_tail_bytes_max = quantity(u)?,
            14 => policy.timeout_ns = quantity(u)?,
            _ => policy.reserved = number(u, 2)?,
        }
    }
    let (mut fault, here) = (MaybeUninit::new(0), Id::Alive);
    // SAFETY: a policy, and a place.
    judge(unsafe { lastbyte_policy_check(Some(&policy), Some(&mut fault)) }, here);
    Ok(Some(policy))
}
