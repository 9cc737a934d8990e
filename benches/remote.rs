//! What the way through a runner costs: a short command, a thousand at once, one long output.
//!
//! `cargo bench --features remote --bench remote` prints figures and asserts what is delivered, and
//! no time. The runner is a process of its own, as it is deployed.
#![expect(clippy::expect_used, reason = "a measurement that cannot go on fails")]

use std::{
    fs,
    io::BufRead,
    time::{Duration, Instant},
};

use lastbyte::{
    Command, Event, Execution, Stdio,
    remote::{
        client::{Client, connect::Address},
        runner::{Listener, Runner, config::Config, local::Local},
        wire::BoxRequest,
    },
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const SHORT: usize = 200;
const AT_ONCE: usize = 1000;
const LONG: u64 = 4_000_000_000;

fn main() {
    let Rlimit { current: _, maximum } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .expect("up to the hard limit");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    if std::env::args().any(|word| word == "--runner") {
        runtime.block_on(serve());
    } else {
        runtime.block_on(measure());
    }
}

/// The runner: says where it listens, and ends with its stdin.
async fn serve() {
    let root = std::env::temp_dir().join(format!("lastbyte-bench-{}", std::process::id()));
    let address = Address::Tcp("127.0.0.1:0".to_owned());
    let listener = Listener::bind(&address, false).await.expect("a port is free");
    println!("{listener}");
    let runner = Runner::new(Config::default(), None, "bench", Local::new(&root));
    let closed = async {
        let read = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
        let _line = read.await;
    };
    listener.serve(runner.clone(), closed).await;
    runner.shutdown().await;
    let _deleted = fs::remove_dir(&root);
}

async fn measure() {
    let me = std::env::current_exe().expect("a program");
    let mut runner = std::process::Command::new(me)
        .arg("--runner")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("a second process");
    let mut address = String::new();
    let stdout = runner.stdout.take().expect("it is piped");
    std::io::BufReader::new(stdout).read_line(&mut address).expect("it says where it listens");
    let client = Client::new(Address::Tcp(address.trim().to_owned()), None);
    let request = BoxRequest { memory_mib: Some(8192), ..BoxRequest::default() };
    let id = client.create_box(&request).await.expect("a box").id;
    short(&client, &id).await;
    at_once(&client, &id, runner.id()).await;
    long(&client, &id).await;
    drop(runner.stdin.take());
    assert!(runner.wait().expect("it ends").success());
}

/// A short command here and there, in turns.
async fn short(client: &Client, id: &str) {
    let mut command = Command::new("echo");
    command.arg("hi");
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for _ in 0..SHORT {
        let began = Instant::now();
        let output = command.spawn().expect("it starts").output().await;
        here.push(began.elapsed());
        assert!(output.is_success() && output.stdout == b"hi\n");
        let began = Instant::now();
        let output = client.spawn(id, &command).await.expect("it starts").output().await;
        there.push(began.elapsed());
        assert!(output.is_success() && output.stdout == b"hi\n");
    }
    let (here, there) = (median(here), median(there));
    println!("short: {here:?} here, {there:?} there, {:?} more", there.saturating_sub(here));
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A thousand that all run before the first ends.
async fn at_once(client: &Client, id: &str, runner: u32) {
    let mut command = Command::new("cat");
    command.stdin(Stdio::Piped);
    let began = Instant::now();
    let mut running: Vec<Execution> = Vec::new();
    for _ in 0..AT_ONCE {
        running.push(client.spawn(id, &command).await.expect("it starts"));
    }
    let started = began.elapsed();
    let ending: Vec<_> = running
        .into_iter()
        .enumerate()
        .map(|(number, mut execution)| {
            tokio::spawn(async move {
                let mut stdin = execution.stdin().expect("it is piped");
                let text = number.to_string();
                stdin.write_all(text.as_bytes()).await.expect("it reads");
                drop(stdin);
                let output = execution.output().await;
                assert!(output.is_success() && output.stdout == text.as_bytes());
            })
        })
        .collect();
    for ended in ending {
        ended.await.expect("its own output, whole");
    }
    let total = began.elapsed();
    let (client, runner) = (memory("self"), memory(&runner.to_string()));
    println!(
        "{AT_ONCE} at once: started in {started:?}, ended after {total:?}; \
         runner {runner}, client {client}"
    );
}

/// The most memory that a process ever had.
fn memory(pid: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: ?");
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One long output.
async fn long(client: &Client, id: &str) {
    let mut command = Command::new("head");
    command.args(["-c", &LONG.to_string(), "/dev/zero"]);
    let began = Instant::now();
    let mut execution = client.spawn(id, &command).await.expect("it starts");
    let mut len = 0;
    while let Some(event) = execution.next().await {
        match event {
            Event::Chunk { chunk, .. } => len += chunk.len() as u64,
            Event::Exit(terminal) => assert!(terminal.is_complete()),
            Event::Gap { .. } | Event::End { .. } => {}
        }
    }
    assert_eq!(len, LONG);
    let seconds = began.elapsed().as_secs_f64();
    println!("long: {:.2} GB/s", LONG as f64 / 1e9 / seconds);
}
