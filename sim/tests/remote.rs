//! `lastbyte serve` and `lastbyte run --runner`: the command line of the remote half, and the
//! end-to-end cases of `docs/runner.md`, asked by another language's HTTP client.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

const TOKEN: &str = "a-token-of-the-tests";

/// A runner that listens; it is told to end when this is dropped.
struct Runner {
    child: Child,
    address: String,
    /// The token's file, and the socket where there is one.
    directory: PathBuf,
}

impl Runner {
    fn start(name: &str, listen: &str) -> Runner {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("remote-{name}"));
        fs::create_dir_all(&directory).expect("a directory of the test's own");
        let token = directory.join("token");
        fs::write(&token, format!("{TOKEN}\n")).expect("it can be written");
        let mut child = lastbyte(&["serve", "--listen", listen, "--token-file"])
            .arg(&token)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on ").expect("its first line").to_owned();
        Runner { child, address, directory }
    }

    fn run(&self, id: &str, words: &[&str]) -> Output {
        let url = match self.address.starts_with("unix:") {
            true => self.address.clone(),
            false => format!("http://{}", self.address),
        };
        lastbyte(&["run", "--runner", &url, "--box", id, "--token-file"])
            .arg(self.directory.join("token"))
            .args(words)
            .stdin(Stdio::null())
            .output()
            .expect("it runs")
    }

    fn terminate(&mut self) -> i32 {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        self.child.wait().expect("it ends").code().unwrap_or(-1)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
        let _deleted = fs::remove_dir_all(&self.directory);
    }
}

fn lastbyte(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastbyte"));
    command.args(args).env_remove("LASTBYTE_TOKEN");
    command
}

fn python(code: &[&str], runner: &Runner) -> Output {
    let output = Command::new("python3").args(code).args([&runner.address, TOKEN]).output();
    output.expect("python3, which these tests need for its HTTP client")
}

fn cases(runner: &Runner) -> Output {
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/remote/cases.py");
    python(&[cases], runner)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Creates a box and returns its name.
fn a_box(runner: &Runner) -> String {
    const CREATE: &str = "import http.client, json, sys
connection = http.client.HTTPConnection(sys.argv[1])
connection.request('POST', '/v1/boxes', '{}', {'Authorization': 'Bearer ' + sys.argv[2]})
print(json.loads(connection.getresponse().read())['id'])";
    let output = python(&["-c", CREATE], runner);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

/// If this were red, a caller in another language would meet another status, code or order than the
/// documentation says; or a short command's output would get lost between two connections.
#[test]
fn c04_every_end_to_end_case_holds_for_a_client_in_another_language() {
    let runner = Runner::start("cases", "127.0.0.1:0");
    let output = cases(&runner);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    assert_eq!(told.lines().filter(|line| line.starts_with("ok ")).count(), 36, "{told}");
    // The table in the docs has each by its name.
    let docs = include_str!("../../docs/runner.md");
    for name in told.lines().filter_map(|line| line.strip_prefix("ok ")) {
        assert!(docs.contains(&format!("`{name}`")), "docs/runner.md has no case `{name}`");
    }
}

/// If this were red, a command at a runner would look different from one that runs here.
#[test]
fn c01_a_run_at_a_runner_is_as_one_here() {
    let runner = Runner::start("run", "127.0.0.1:0");
    let id = a_box(&runner);
    let output = runner.run(&id, &["--", "sh", "-c", "echo out; echo err >&2; exit 3"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("out\n".into(), "err\n".into()));
    let missing = runner.run(&id, &["--", "no-such-program"]);
    assert_eq!(missing.status.code(), Some(127), "{}", text(&missing.stderr));
    let late = runner.run(&id, &["--timeout", "50ms", "--", "sleep", "60"]);
    assert_eq!(late.status.code(), Some(124), "{}", text(&late.stderr));
    let cut = runner.run(&id, &["--json", "--drain", "after=0", "--", "sh", "-c", "sleep 60 &"]);
    assert!(text(&cut.stdout).contains(r#""end":"cut","why":"after""#), "{}", text(&cut.stdout));
}

/// If this were red, a runner could not be kept from the network altogether.
#[test]
fn c01_a_unix_socket_is_an_address_like_another() {
    let socket = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("remote-unix/socket");
    let mut runner = Runner::start("unix", &format!("unix:{}", socket.display()));
    let unknown = runner.run("box-0-0", &["--", "true"]);
    assert_eq!(unknown.status.code(), Some(125));
    assert!(text(&unknown.stderr).contains("box-0-0"), "{}", text(&unknown.stderr));
    assert_eq!(runner.terminate(), 0);
    assert!(!socket.exists(), "it takes its socket with it");
}

/// If this were red, a runner that is told to end would leave processes behind, or hang.
#[test]
fn c13_sigterm_ends_what_runs_and_tells_who_waits() {
    let mut runner = Runner::start("term", "127.0.0.1:0");
    let id = a_box(&runner);
    let url = format!("http://{}", runner.address);
    let mut waiting = lastbyte(&["run", "--json", "--runner", &url, "--box", &id, "--token-file"])
        .arg(runner.directory.join("token"))
        .args(["--", "sh", "-c", "echo up; exec sleep 60"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(waiting.stdout.take().expect("piped")).lines();
    let up = lines.by_ref().map_while(Result::ok).find(|line| line.contains("up"));
    assert!(up.is_some());
    assert_eq!(runner.terminate(), 0);
    let last = lines.map_while(Result::ok).last().expect("its exit");
    assert!(last.contains(r#""status":{"signal":15}"#), "{last}");
    assert_eq!(waiting.wait().ok().and_then(|status| status.code()), Some(128 + 15));
}

/// If this were red, a runner would run commands for everybody on the network.
#[test]
fn a_public_address_without_a_token_is_refused() {
    let output = lastbyte(&["serve", "--listen", "0.0.0.0:0"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(125));
    assert!(text(&output.stderr).contains("token"), "{}", text(&output.stderr));
    assert!(output.stdout.is_empty());
}

/// If this were red, a runner that is killed would leave commands running that nobody could reach.
#[test]
fn c11_a_runner_that_is_killed_takes_its_commands_with_it() {
    let mut runner = Runner::start("killed", "127.0.0.1:0");
    let id = a_box(&runner);
    let url = format!("http://{}", runner.address);
    let mut client = lastbyte(&["run", "--runner", &url, "--box", &id, "--token-file"])
        .arg(runner.directory.join("token"))
        .args(["--", "sh", "-c", "echo $$; exec sleep 600"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut root = String::new();
    let mut said = BufReader::new(client.stdout.take().expect("piped"));
    said.read_line(&mut root).expect("the root's pid");
    runner.child.kill().expect("it runs");
    let stat = format!("/proc/{}/stat", root.trim());
    // It is a zombie of init at most.
    while let Ok(text) = fs::read_to_string(&stat)
        && !text.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
    {
        std::thread::yield_now();
    }
    client.kill().expect("it waits for its runner");
    client.wait().expect("it is ours");
}
