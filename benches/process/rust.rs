//! The peers that are Rust: each runs in a process of its own, as the others do.

use std::{
    fs,
    future::Future,
    io::Read,
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use futures_lite::AsyncReadExt as _;
use lastbyte::{Event, StreamId};
use tokio::io::AsyncReadExt as _;

use crate::child::{Sampler, say};

const BLOCK: usize = 64 * 1024;

/// What one peer is asked for.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) what: String,
    pub(crate) number: u64,
    pub(crate) stride: usize,
    pub(crate) child: String,
}

impl Task {
    fn argv(&self) -> Vec<String> {
        let mode = if self.what == "lines" { "--lines" } else { "--write" };
        match self.what.as_str() {
            "echo" => vec!["echo".to_owned(), "hi".to_owned()],
            "many" => ["sh", "-c", "echo hi; exec sleep 1"].map(str::to_owned).to_vec(),
            _ => vec![self.child.clone(), mode.to_owned(), self.number.to_string()],
        }
    }
}

/// Does it as the peer of this name, and prints what it took.
pub(crate) fn run(peer: &str, task: &Task) -> Result<(), Box<dyn std::error::Error>> {
    let mut sampler = Sampler::new(task.stride);
    let began = Instant::now();
    let collected = match peer {
        "lastbyte" => on_tokio(task, &mut sampler, lastbyte_async),
        "lastbyte::blocking" => lastbyte_blocking(task, &mut sampler),
        "tokio" => on_tokio(task, &mut sampler, tokio_process),
        "async-process" => futures_lite::future::block_on(async_process(task, &mut sampler)),
        "duct" => duct(task, &mut sampler),
        _ => std_process(task, &mut sampler),
    };
    let seconds = began.elapsed().as_secs_f64();
    sampler.take(&collected);
    let status = fs::read_to_string("/proc/self/status")?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()).unwrap_or("0").to_owned()
    };
    let (peak, switches) = (of("VmHWM:"), of("voluntary_ctxt_switches:"));
    say(&format!("{seconds:.9} {} {} {peak} {switches}", sampler.bytes, sampler.hash()))?;
    Ok(())
}

/// As a task, as in a server: the future of `block_on` is woken by a system call.
fn on_tokio<F>(task: &Task, sampler: &mut Sampler, peer: impl FnOnce(Task, Sampler) -> F) -> Vec<u8>
where
    F: Future<Output = (Vec<u8>, Sampler)> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let running = runtime.spawn(peer(task.clone(), std::mem::replace(sampler, Sampler::new(1))));
    let collected;
    (collected, *sampler) = runtime.block_on(running).expect("it does not panic");
    collected
}

// lastbyte.

fn command(argv: &[String]) -> lastbyte::Command {
    let mut command = lastbyte::Command::new(&argv[0]);
    command.args(&argv[1..]);
    command
}

fn see(event: Event, sampler: &mut Sampler) {
    match event {
        Event::Chunk { stream: StreamId::Stdout, chunk } => sampler.take(&chunk),
        Event::Exit(terminal) => assert!(terminal.is_complete()),
        Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. } => {}
    }
}

async fn lastbyte_async(task: Task, mut sampler: Sampler) -> (Vec<u8>, Sampler) {
    let command = Arc::new(command(&task.argv()));
    match task.what.as_str() {
        "echo" => {
            for _ in 0..task.number {
                let output = command.output().await.expect("it starts");
                assert!(output.is_success());
                sampler.take(&output.stdout);
            }
        }
        "many" => {
            let mut running = Vec::new();
            for _ in 0..task.number {
                let command = Arc::clone(&command);
                running.push(tokio::spawn(async move { command.output().await }));
            }
            for each in running {
                let output = each.await.expect("it ends").expect("it starts");
                assert!(output.is_success());
                sampler.take(&output.stdout);
            }
        }
        "collect" => return (command.output().await.expect("it starts").stdout, sampler),
        _ => {
            let mut execution = command.spawn().expect("it starts");
            while let Some(event) = execution.next().await {
                see(event, &mut sampler);
            }
        }
    }
    (Vec::new(), sampler)
}

fn lastbyte_blocking(task: &Task, sampler: &mut Sampler) -> Vec<u8> {
    let command = command(&task.argv());
    match task.what.as_str() {
        "echo" => {
            for _ in 0..task.number {
                let output = lastbyte::blocking::output(&command).expect("it starts");
                assert!(output.is_success());
                sampler.take(&output.stdout);
            }
        }
        "collect" => return lastbyte::blocking::output(&command).expect("it starts").stdout,
        _ => {
            for event in lastbyte::blocking::spawn(&command).expect("it starts") {
                see(event, sampler);
            }
        }
    }
    Vec::new()
}

// tokio::process.

async fn tokio_process(task: Task, mut sampler: Sampler) -> (Vec<u8>, Sampler) {
    let argv = task.argv();
    let command = || {
        let mut command = tokio::process::Command::new(&argv[0]);
        command.args(&argv[1..]).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    match task.what.as_str() {
        "echo" => {
            for _ in 0..task.number {
                let output = command().output().await.expect("it starts");
                assert!(output.status.success());
                sampler.take(&output.stdout);
            }
        }
        "many" => {
            let mut running = Vec::new();
            for _ in 0..task.number {
                let mut command = command();
                running.push(tokio::spawn(async move { command.output().await }));
            }
            for each in running {
                let output = each.await.expect("it ends").expect("it starts");
                assert!(output.status.success());
                sampler.take(&output.stdout);
            }
        }
        "collect" => return (command().output().await.expect("it starts").stdout, sampler),
        _ => {
            let mut child = command().spawn().expect("it starts");
            let mut stdout = child.stdout.take().expect("it is piped");
            let mut stderr = child.stderr.take().expect("it is piped");
            let mut block = vec![0; BLOCK];
            let out = async {
                while let len @ 1.. = stdout.read(&mut block).await.expect("it reads") {
                    sampler.take(&block[..len]);
                }
            };
            let mut rest = Vec::new();
            let (_, errors) = tokio::join!(out, stderr.read_to_end(&mut rest));
            errors.expect("it reads");
            assert!(child.wait().await.expect("it is reaped").success());
        }
    }
    (Vec::new(), sampler)
}

// async-process.

async fn async_process(task: &Task, sampler: &mut Sampler) -> Vec<u8> {
    let argv = task.argv();
    let command = || {
        let mut command = async_process::Command::new(&argv[0]);
        command.args(&argv[1..]).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    match task.what.as_str() {
        "echo" => {
            for _ in 0..task.number {
                let output = command().output().await.expect("it starts");
                assert!(output.status.success());
                sampler.take(&output.stdout);
            }
        }
        "collect" => return command().output().await.expect("it starts").stdout,
        _ => {
            let mut child = command().spawn().expect("it starts");
            let mut stdout = child.stdout.take().expect("it is piped");
            let mut stderr = child.stderr.take().expect("it is piped");
            let mut block = vec![0; BLOCK];
            let out = async {
                while let len @ 1.. = stdout.read(&mut block).await.expect("it reads") {
                    sampler.take(&block[..len]);
                }
            };
            let mut rest = Vec::new();
            let both = futures_lite::future::zip(out, stderr.read_to_end(&mut rest));
            both.await.1.expect("it reads");
            assert!(child.status().await.expect("it is reaped").success());
        }
    }
    Vec::new()
}

// std::process and duct.

fn std_process(task: &Task, sampler: &mut Sampler) -> Vec<u8> {
    let argv = task.argv();
    let command = || {
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    match task.what.as_str() {
        "echo" => {
            for _ in 0..task.number {
                let output = command().output().expect("it starts");
                assert!(output.status.success());
                sampler.take(&output.stdout);
            }
        }
        "collect" => return command().output().expect("it starts").stdout,
        _ => {
            let mut child = command().spawn().expect("it starts");
            let mut stderr = child.stderr.take().expect("it is piped");
            let errors = std::thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
            read_all(child.stdout.take().expect("it is piped"), sampler);
            errors.join().expect("no panic").expect("it reads");
            assert!(child.wait().expect("it is reaped").success());
        }
    }
    Vec::new()
}

fn read_all(mut stdout: impl Read, sampler: &mut Sampler) {
    let mut block = vec![0; BLOCK];
    while let len @ 1.. = stdout.read(&mut block).expect("it reads") {
        sampler.take(&block[..len]);
    }
}

fn duct(task: &Task, sampler: &mut Sampler) -> Vec<u8> {
    let argv = task.argv();
    let expression = duct::cmd(&argv[0], &argv[1..]).stderr_capture();
    match task.what.as_str() {
        "echo" => {
            let captured = expression.stdout_capture();
            for _ in 0..task.number {
                sampler.take(&captured.run().expect("it succeeds").stdout);
            }
        }
        "collect" => return expression.stdout_capture().run().expect("it succeeds").stdout,
        _ => read_all(expression.reader().expect("it starts"), sampler),
    }
    Vec::new()
}
