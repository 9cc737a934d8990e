//! `lastbyte trace check FILE...`: recorded histories held against the contract.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Subcommand};
use lastbyte_sim::{
    diagram::{Diagram, terminal},
    report::{self, Checked, Sheet},
    trace::{Checker, Finding, Malformed},
};
use serde_json::{Value, json};

use crate::{
    diagram::text::neutral,
    out::{cannot_write, refuse},
};

/// Recorded histories of executions.
#[derive(Args, Debug)]
pub(crate) struct Trace {
    #[command(subcommand)]
    verb: TraceVerb,
}

#[derive(Subcommand, Debug)]
enum TraceVerb {
    Check(Check),
}

/// Hold traces against the contract, and point at the first rule that each execution breaks.
///
/// A trace has one JSON object a line, from any program that runs commands; `docs/traces.md` has
/// the schema. What `lastbyte run --json` prints is a trace too.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte run --json -- make | lastbyte trace check -
  lastbyte trace check --show trace.jsonl

Exit codes: 0 when no rule is broken; 1 when one is; 125 when a trace cannot be read.")]
struct Check {
    /// Draw the steps of each execution that breaks a rule.
    #[arg(long)]
    show: bool,
    /// The traces are whole: what has not happened at their end never will.
    #[arg(long)]
    complete: bool,
    /// Print one JSON object.
    #[arg(long, conflicts_with = "show")]
    json: bool,
    /// Write a page for people to this file too, with each execution that breaks a rule.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The traces; `-` is stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

/// A longer line is no line of a trace.
const LINE_MAX: u64 = 64 * 1024 * 1024;

/// What is to be given.
const WHAT: &str = "give a file that can be read, or - for stdin";

/// Columns where the width of the terminal is not known.
const WIDTH: usize = 100;

/// Why a trace was not.
enum Failed {
    /// It cannot be read, or a line of it cannot; or the page cannot be written.
    Trace(String),
    /// What was found cannot be told.
    Write(io::Error),
}

impl Trace {
    pub(crate) fn run(&self) -> ExitCode {
        let TraceVerb::Check(check) = &self.verb;
        match check.all(&mut io::stdout().lock()) {
            Ok(0) => ExitCode::SUCCESS,
            Ok(_) => ExitCode::FAILURE,
            Err(Failed::Trace(why)) => refuse(&why),
            Err(Failed::Write(error)) => ExitCode::from(cannot_write(&error)),
        }
    }
}

impl Check {
    /// Executions that break a rule, in all files.
    fn all(&self, to: &mut impl Write) -> Result<usize, Failed> {
        let sheet = Sheet::open("--html", self.html.as_deref()).map_err(Failed::Trace)?;
        let (mut told, mut all) = (Vec::new(), Vec::new());
        let mut broken = 0;
        for file in &self.files {
            let checked = if file == "-" {
                self.check("stdin", &mut io::stdin().lock(), to)?
            } else {
                let opened = File::open(file).map_err(|error| {
                    Failed::Trace(format!("failed to open {file}: {error}; {WHAT}"))
                })?;
                self.check(file, &mut BufReader::with_capacity(256 * 1024, opened), to)?
            };
            broken += checked.findings.len();
            if self.json {
                told.push(object(file, &checked));
            } else {
                writeln!(to, "{}: {}", neutral(file), sum(&checked)).map_err(Failed::Write)?;
            }
            all.push((file.clone(), checked));
        }
        let page = || report::page(&report::of_trace(&all, report::command_line()));
        sheet.write(page).map_err(Failed::Trace)?;
        if self.json {
            let all = json!({ "files": told });
            writeln!(to, "{all}").map_err(Failed::Write)?;
        }
        Ok(broken)
    }

    fn check(
        &self,
        name: &str,
        from: &mut dyn BufRead,
        to: &mut impl Write,
    ) -> Result<Checked, Failed> {
        let mut checker = Checker::new(self.show || self.html.is_some());
        let mut findings = Vec::new();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let len = from.take(LINE_MAX).read_until(b'\n', &mut line).map_err(|error| {
                Failed::Trace(format!("failed to read {name}: {error}; {WHAT}"))
            })?;
            if len == 0 {
                break;
            }
            let is_whole = line.last() == Some(&b'\n');
            if !is_whole && len as u64 == LINE_MAX {
                let why = format!(
                    "{name}:{number}: the line is longer than {LINE_MAX} bytes; is it a trace?"
                );
                return Err(Failed::Trace(why));
            }
            let found = checker
                .take(number, line.trim_ascii_end())
                .map_err(|malformed| Failed::Trace(tell(name, &malformed, is_whole)))?;
            if let Some(finding) = found {
                self.tell_at_once(name, &finding, to)?;
                findings.push(finding);
            }
        }
        let running = checker.running();
        if self.complete {
            for finding in checker.finish() {
                self.tell_at_once(name, &finding, to)?;
                findings.push(finding);
            }
        }
        Ok(Checked { totals: checker.totals(), running, findings })
    }

    /// Whoever follows a trace that is being written sees what breaks when it does.
    fn tell_at_once(
        &self,
        name: &str,
        finding: &Finding,
        to: &mut impl Write,
    ) -> Result<(), Failed> {
        if self.json {
            return Ok(());
        }
        let Finding { execution, line, broken, .. } = finding;
        let whose = match execution.as_str() {
            "" => String::new(),
            name => format!(" execution {name:?}"),
        };
        let mut text = format!("{}:{line}:{whose} breaks {broken}\n", neutral(name));
        if self.show {
            text += &drawn(name, finding);
        }
        to.write_all(text.as_bytes()).map_err(Failed::Write)
    }
}

/// A line that is not of the schema. One that was cut says so, whatever else is wrong with it.
fn tell(name: &str, malformed: &Malformed, is_whole: bool) -> String {
    let Malformed { line, column, why } = malformed;
    let cut = if is_whole { "" } else { "; the file ends within this line: it was cut" };
    format!("{name}:{line}:{column}: {why}{cut}; docs/traces.md has the form of a line")
}

fn sum(checked: &Checked) -> String {
    let lastbyte_sim::trace::Totals { events, executions, broken } = checked.totals;
    let rules = match broken {
        0 => "no rule broken".to_owned(),
        broken => format!("{broken} broken"),
    };
    let running = match checked.running {
        0 => String::new(),
        running => format!("; {running} not over where it ends"),
    };
    format!("executions: {executions}, events: {events}; {rules}{running}")
}

fn object(file: &str, checked: &Checked) -> Value {
    let findings: Vec<Value> = checked
        .findings
        .iter()
        .map(|finding| {
            json!({
                "execution": finding.execution,
                "line": finding.line,
                "rule": finding.broken.rule.to_string(),
                "why": finding.broken.why,
            })
        })
        .collect();
    json!({
        "file": file,
        "events": checked.totals.events,
        "executions": checked.totals.executions,
        "running": checked.running,
        "broken": findings,
    })
}

fn drawn(name: &str, finding: &Finding) -> String {
    let left_out = match finding.rows_left_out {
        0 => String::new(),
        rows => format!("; {rows} earlier steps are not shown"),
    };
    let diagram = Diagram {
        title: match finding.execution.as_str() {
            "" => "a trace".to_owned(),
            name => format!("execution {name:?}"),
        },
        subtitle: format!("{name}, up to line {}{left_out}", finding.line),
        rows: finding.rows.clone(),
        broken: Some(finding.broken.to_string()),
        replay: String::new(),
    };
    let stdout = io::stdout();
    let width = rustix::termios::tcgetwinsize(&stdout)
        .map_or(WIDTH, |size| usize::from(size.ws_col).max(1));
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    terminal(&diagram, width, colour)
}
