//! A run of the network as one printable token.
//!
//! `order:short:exit-on-wait:0102:9f1c` is an order of a small command: its choices, a digit or
//! letter each, and a check of what they are called, which says so when the code has changed under
//! it. `seed:lastbyte:17` is a run with faults.

use std::{
    fmt::{self, Write},
    str::FromStr,
};

use super::{
    orders::{Run, along},
    reader::Design,
    small::{Small, SmallRun},
};
use lastbyte::monitor::Broken;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Names a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// An order of a small command.
    Order {
        /// Which command.
        small: Small,
        /// Who reads.
        design: Design,
        /// The choices, as numbers.
        choices: Vec<u8>,
        /// What they were called, as a check.
        check: u16,
    },
    /// A run with faults.
    Seed {
        /// Who reads.
        design: Design,
        /// The seed.
        seed: u64,
    },
}

/// A run of an order, and what it says.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What was chosen, in words.
    pub choices: Vec<String>,
    /// Everything that was seen.
    pub log: String,
    /// The rule that broke.
    pub broken: Option<Broken>,
}

/// A run that writes down what is chosen.
struct Told<R> {
    run: R,
    choices: Vec<String>,
}

impl<R: Run> Run for Told<R> {
    fn choices(&mut self) -> Vec<super::orders::Choice> {
        self.run.choices()
    }

    fn take(&mut self, choice: &super::orders::Choice) {
        self.choices.push(choice.what.clone());
        self.run.take(choice);
    }

    fn judge(&mut self) -> Result<(), Broken> {
        self.run.judge()
    }
}

/// Runs an order again.
///
/// # Errors
///
/// The number of the choice that is not there any more.
pub fn replay(small: Small, design: Design, choices: &[u8]) -> Result<Replayed, usize> {
    let mut told = Told { run: SmallRun::start(small, design), choices: Vec::new() };
    let broken = along(&mut told, choices)?.err();
    Ok(Replayed { choices: told.choices, log: told.run.text(), broken })
}

/// A check of what choices are called: FNV-1a, folded.
pub fn check(choices: &[String]) -> u16 {
    let bytes = choices.iter().flat_map(|what| what.bytes().chain([0]));
    let hash = bytes
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash >> 16) as u16 ^ hash as u16
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Order { small, design, choices, check } => {
                write!(f, "order:{}:{}:", small.name(), design.name())?;
                for &choice in choices {
                    f.write_char(char::from(*DIGITS.get(usize::from(choice)).unwrap_or(&b'?')))?;
                }
                write!(f, ":{check:04x}")
            }
            Token::Seed { design, seed } => write!(f, "seed:{}:{seed}", design.name()),
        }
    }
}

fn small(name: &str) -> Option<Small> {
    Small::ALL.into_iter().find(|small| small.name() == name)
}

fn design(name: &str) -> Option<Design> {
    Design::ALL.into_iter().find(|design| design.name() == name)
}

impl FromStr for Token {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let token = match parts[..] {
            ["order", command, reader, choices, check] => {
                let digit = |byte| DIGITS.iter().position(|&digit| digit == byte);
                let choices: Option<Vec<u8>> =
                    choices.bytes().map(|byte| u8::try_from(digit(byte)?).ok()).collect();
                (|| {
                    Some(Token::Order {
                        small: small(command)?,
                        design: design(reader)?,
                        choices: choices?,
                        check: u16::from_str_radix(check, 16).ok()?,
                    })
                })()
            }
            ["seed", reader, seed] => {
                let seed = seed.parse().ok();
                design(reader).and_then(|design| Some(Token::Seed { design, seed: seed? }))
            }
            _ => None,
        };
        token.ok_or_else(|| {
            format!(
                "`{}` is no token of the network; one looks like `order:short:lastbyte:0102:9f1c` \
                 or `seed:lastbyte:17`",
                text.escape_default()
            )
        })
    }
}
