//! Carries out one planned execution on the real kernel, under the monitor.

use std::{ops::ControlFlow, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use lastbyte::{
    Command, Execution, Handle, PtySize, Signal, Stdin, Stdio, Terminal, blocking,
    error::Stage as Refused,
};
use tokio::{
    select,
    task::{JoinHandle, spawn_blocking, yield_now},
    time::{interval, sleep, timeout},
};

use super::{
    eyes::{Counts, Eyes, Fault, FaultKind, check_end},
    mistake::Mistake,
    plan::{Act, Ends, Plan, Reader, Start},
    script::{FILE, Wires},
};

/// What all executions of a soak share.
#[derive(Debug)]
pub(super) struct Stage {
    /// The program that is us, for children that shrink their pipe.
    pub(super) program: PathBuf,
    /// The file of binary bytes, and what is in it.
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    /// The variable by which our processes are known, and its value.
    pub(super) mark: (&'static str, String),
    /// What has not ended by then hangs.
    pub(super) hang: Duration,
    pub(super) mistake: Option<Mistake>,
}

/// The step of a child that stops itself: how often it is told to go on.
const CONTINUES: Duration = Duration::from_millis(2);

/// Carries it out and judges it.
pub(super) async fn carry(plan: Arc<Plan>, stage: Arc<Stage>) -> Result<Counts, Fault> {
    let hang = stage.hang;
    match timeout(hang, within(plan, stage)).await {
        Ok(judged) => judged,
        Err(_) => {
            let bound = humantime::format_duration(hang);
            Err(FaultKind::Hung.because(format!("it was not over after {bound}")))
        }
    }
}

async fn within(plan: Arc<Plan>, stage: Arc<Stage>) -> Result<Counts, Fault> {
    let command = command(&plan, &stage);
    if let Some(mistake) = stage.mistake {
        mistake.leak(&stage);
    }
    if plan.reader == Reader::Blocking {
        let joined = spawn_blocking(move || on_a_thread(&command, &plan, &stage)).await;
        return joined.unwrap_or_else(|error| {
            Err(FaultKind::End.because(format!("its thread failed: {error}")))
        });
    }
    let mut execution = match command.spawn() {
        Ok(execution) => execution,
        Err(error) if plan.due.ends == Ends::Refused => {
            let is_lookup = error.stage() == Some(Refused::Lookup);
            let wrong = || FaultKind::Start.because(format!("refused as another: {error}"));
            return if is_lookup { Ok(Counts::default()) } else { Err(wrong()) };
        }
        Err(error) => return Err(FaultKind::Start.because(format!("failed to {error}"))),
    };
    let handle = execution.handle();
    let waits = [tokio::spawn(handle.wait()), tokio::spawn(handle.wait())];
    // One waiter in two thinks better of it.
    let [waiting, leaving] = waits;
    leaving.abort();
    let fed = plan.feed.and_then(|bytes| Some(feed(execution.stdin()?, bytes, &stage)));
    let mut eyes = Eyes::new(&plan, &stage);
    if stage.mistake == Some(Mistake::Hang) {
        std::future::pending::<()>().await;
    }
    read(execution, &mut eyes, &plan).await?;
    let terminal = handle.wait().await;
    if let Some(fed) = fed {
        // Whether all of it was taken is the child's to say.
        let _report = fed.await;
    }
    let told = waiting.await.ok();
    if told != Some(terminal) || eyes.terminal.is_some_and(|seen| seen != terminal) {
        let why =
            format!("waiters were told {told:?} and {terminal:?}, the reader {:?}", eyes.terminal);
        return Err(FaultKind::End.because(why));
    }
    judge(&eyes, &plan, &handle, &terminal)
}

fn judge(
    eyes: &Eyes<'_>,
    plan: &Plan,
    handle: &Handle,
    terminal: &Terminal,
) -> Result<Counts, Fault> {
    match handle.verdict() {
        Some(verdict) if verdict.steps == 0 => {
            return Err(FaultKind::Broken.because("the monitor has seen no step"));
        }
        Some(verdict) => {
            if let Some(violation) = verdict.violation {
                return Err(FaultKind::Broken.because(violation.to_string()));
            }
        }
        None => return Err(FaultKind::Broken.because("the monitor was not attached")),
    }
    check_end(plan, terminal)?;
    eyes.judge(terminal)
}

fn command(plan: &Plan, stage: &Stage) -> Command {
    let mut command = match &plan.start {
        Start::Shell(script) => {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        }
        Start::OnePage(bytes) => {
            let mut command = Command::new(&stage.program);
            command.arg("one-page").arg(&stage.path).arg(bytes.to_string());
            command
        }
        Start::Missing => Command::new("/no/such/program"),
    };
    let (mark, value) = &stage.mark;
    command.env(FILE, &stage.path).env(mark, value).policy(plan.policy);
    command.monitor(stage.mistake != Some(Mistake::NoMonitor));
    match plan.wires {
        Wires::Separate => {}
        Wires::Combined => drop(command.combined()),
        Wires::Pty => drop(command.pty(PtySize::default())),
    }
    if plan.feed.is_some() {
        command.stdin(Stdio::Piped);
    }
    command
}

fn feed(mut stdin: Stdin, bytes: u64, stage: &Arc<Stage>) -> JoinHandle<()> {
    let stage = Arc::clone(stage);
    tokio::spawn(async move {
        let len = usize::try_from(bytes).unwrap_or(usize::MAX).min(stage.bytes.len());
        // A child may read less than it is given.
        let _written = stdin.write_all(&stage.bytes[..len]).await;
    })
}

/// Reads as the plan's reader does. What is left afterwards is for the waiters.
async fn read(mut execution: Execution, eyes: &mut Eyes<'_>, plan: &Plan) -> Result<(), Fault> {
    let handle = execution.handle();
    match plan.reader {
        Reader::Takes | Reader::Blocking => {}
        Reader::Slow(pause) => {
            while let Some(event) = execution.next().await {
                eyes.take(event)?;
                sleep(pause).await;
            }
        }
        Reader::Stops(pause) => sleep(pause).await,
        Reader::AfterExit => drop(execution.exited().await),
        Reader::Waits => drop(execution.wait().await),
        Reader::Drops(after) => {
            let _read = read_for(&mut execution, eyes, after).await?;
            drop(execution);
            return Ok(());
        }
        Reader::Closes(after) => {
            let _read = read_for(&mut execution, eyes, after).await?;
            let _terminal = execution.close().await;
            return Ok(());
        }
        Reader::ShutsDown(after) => {
            let _read = read_for(&mut execution, eyes, after).await?;
            handle.shutdown();
        }
        Reader::Detaches(after) => {
            let _read = read_for(&mut execution, eyes, after).await?;
            execution.detach();
            return Ok(());
        }
        Reader::Panics(after) => return panics(execution, after).await,
    }
    read_all(execution, eyes, plan.act).await
}

async fn read_all(mut execution: Execution, eyes: &mut Eyes<'_>, act: Act) -> Result<(), Fault> {
    let handle = execution.handle();
    let mut due = act;
    while let Some(event) = execution.next().await {
        eyes.take(event)?;
        if eyes.has_seen() {
            perform(due, &handle).await;
            due = Act::Nothing;
        }
    }
    Ok(())
}

async fn perform(act: Act, handle: &Handle) {
    match act {
        Act::Nothing => {}
        Act::Kill => drop(handle.kill()),
        Act::Signal(signal) => drop(handle.signal(signal)),
        Act::StopAndContinue => {
            send(handle, rustix::process::Signal::STOP);
            yield_now().await;
            send(handle, rustix::process::Signal::CONT);
        }
        Act::KeepContinuing => {
            let handle = handle.clone();
            tokio::spawn(async move {
                let mut every = interval(CONTINUES);
                while handle.status().is_none() {
                    every.tick().await;
                    send(&handle, rustix::process::Signal::CONT);
                }
            });
        }
    }
}

fn send(handle: &Handle, signal: rustix::process::Signal) {
    // The kernel's own signals are all valid.
    if let Some(signal) = Signal::new(signal.as_raw()) {
        handle.signal(signal);
    }
}

/// Reads for so long. Whatever it waits for then is dropped.
async fn read_for(
    execution: &mut Execution,
    eyes: &mut Eyes<'_>,
    for_: Duration,
) -> Result<ControlFlow<()>, Fault> {
    let mut until = pin!(sleep(for_));
    loop {
        select! {
            () = &mut until => return Ok(ControlFlow::Continue(())),
            event = execution.next() => match event {
                Some(event) => eyes.take(event)?,
                None => return Ok(ControlFlow::Break(())),
            },
        }
    }
}

/// A reader who panics: the execution is dropped while its task unwinds.
async fn panics(mut execution: Execution, after: Duration) -> Result<(), Fault> {
    let reader = tokio::spawn(async move {
        let mut until = pin!(sleep(after));
        loop {
            select! {
                // Without the hook, which would print it.
                () = &mut until => std::panic::resume_unwind(Box::new("a reader who panics")),
                event = execution.next() => match event {
                    Some(_) => {}
                    None => return,
                },
            }
        }
    });
    // It has panicked, or it was too late for it.
    let _ended = reader.await;
    Ok(())
}

fn on_a_thread(command: &Command, plan: &Plan, stage: &Stage) -> Result<Counts, Fault> {
    let start = |error| FaultKind::Start.because(format!("failed to {error}"));
    let execution = blocking::spawn(command).map_err(start)?;
    let handle = execution.handle();
    let mut eyes = Eyes::new(plan, stage);
    let mut act = plan.act;
    for event in execution {
        eyes.take(event)?;
        if act == Act::Kill && eyes.has_seen() {
            handle.kill();
            act = Act::Nothing;
        }
    }
    let terminal = blocking::block_on(handle.wait());
    judge(&eyes, plan, &handle, &terminal)
}
