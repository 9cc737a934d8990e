//! `lastbyte show DESIGN:RULE`: the shortest schedule that breaks a rule, drawn.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use clap::Args;

use super::{Extent, named, options::Bounds, replay_command, rule, unwatched};
use crate::{
    catalogue::Specimen,
    diagram::{Diagram, svg, terminal},
    out::{refuse, tell},
    report::Sheet,
};

/// Draw the shortest schedule in which a design breaks a rule, as a sequence diagram.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte show stock:C1
  lastbyte show stock:C4 --svg race.svg

Exit codes: 0, it was drawn; 1, the design does not break the rule; 125, it could not be drawn.")]
pub struct Show {
    /// The design and the rule, as in `stock:C1`; `lastbyte check` lists them.
    #[arg(value_name = "DESIGN:RULE")]
    what: String,
    /// Write it as a picture to this file, and not to the terminal.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    bounds: Bounds,
}

/// Columns where the width of the terminal is not known.
const WIDTH: usize = 100;

impl Show {
    /// Exit code 0: it was drawn. 1: the design does not break the rule. 125: it could not be
    /// drawn.
    pub fn run(&self, known: &[Specimen]) -> ExitCode {
        match self.show(known) {
            Ok(Some(text)) => tell(&text, true),
            Ok(None) => tell(&format!("{} breaks nothing within these bounds\n", self.what), false),
            Err(why) => refuse(&why),
        }
    }

    /// What to print; `None` where the rule holds.
    fn show(&self, known: &[Specimen]) -> Result<Option<String>, String> {
        let sheet = Sheet::open("--svg", self.svg.as_deref())?;
        let Some(diagram) = self.diagram(known)? else { return Ok(None) };
        if sheet.is_wanted() {
            return sheet.write(|| svg(&diagram)).map(|()| Some(String::new()));
        }
        let stdout = std::io::stdout();
        let width = rustix::termios::tcgetwinsize(&stdout)
            .map_or(WIDTH, |size| usize::from(size.ws_col).max(1));
        let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Ok(Some(terminal(&diagram, width, colour)))
    }

    /// The shortest schedule; `None` where the rule holds.
    fn diagram(&self, known: &[Specimen]) -> Result<Option<Diagram>, String> {
        let form = || {
            format!("{:?} names no design and rule; write DESIGN:RULE, such as stock:C1", self.what)
        };
        let (design, name) = self.what.split_once(':').ok_or_else(form)?;
        let rule = rule(name)?;
        for specimen in named(known, Some(design))? {
            let verdict = Extent::from(self.bounds).explore(specimen, &unwatched)?;
            if let Some((place, found)) = verdict.shortest(rule) {
                let token = verdict.token(place, &found.schedule);
                return Ok(Some(Diagram {
                    title: format!("{design}:{rule}"),
                    subtitle: format!("{}; in {}, a shortest schedule", specimen.what, place.name),
                    rows: place.rows(&found.schedule),
                    broken: Some(found.broken.to_string()),
                    replay: replay_command(&token),
                }));
            }
        }
        Ok(None)
    }
}
