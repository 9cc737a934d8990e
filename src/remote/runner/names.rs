//! Names of boxes and executions on the wire, made from their numbers.
//!
//! They say which life of a runner they are of, so that what was named before a restart is not
//! found after it, instead of something else under its number.

use crate::{
    Error, ErrorKind,
    remote::lifecycle::{BoxId, ExecId},
};

pub(super) struct Names {
    life: String,
}

impl Names {
    pub(super) fn new(life: &str) -> Self {
        Names { life: life.chars().filter(char::is_ascii_alphanumeric).collect() }
    }

    pub(super) fn of_box(&self, id: BoxId) -> String {
        format!("box-{}-{}", self.life, id.0)
    }

    pub(super) fn of_execution(&self, id: ExecId) -> String {
        format!("exec-{}-{}-{}", self.life, id.home.0, id.number)
    }

    pub(super) fn of_request(&self, number: u64) -> String {
        format!("req-{}-{number}", self.life)
    }

    /// Which box a name is of.
    pub(super) fn parse_box(&self, name: &str) -> Result<BoxId, Error> {
        let number = name.strip_prefix("box-").and_then(|rest| self.numbers::<1>(rest));
        number.map(|[number]| BoxId(number)).ok_or_else(|| not_found("box", name))
    }

    /// Which execution of `home` a name is of.
    pub(super) fn parse_execution(&self, home: BoxId, name: &str) -> Result<ExecId, Error> {
        let numbers = name.strip_prefix("exec-").and_then(|rest| self.numbers::<2>(rest));
        match numbers {
            Some([of, number]) if of == home.0 => Ok(ExecId { home, number }),
            Some(_) | None => Err(not_found("execution", name)),
        }
    }

    fn numbers<const N: usize>(&self, rest: &str) -> Option<[u64; N]> {
        let mut parts = rest.strip_prefix(self.life.as_str())?.strip_prefix('-')?.split('-');
        let mut numbers = [0; N];
        for number in &mut numbers {
            let part = parts.next()?;
            *number = part.parse().ok()?;
            // One name for one number.
            if part != number.to_string() {
                return None;
            }
        }
        parts.next().is_none().then_some(numbers)
    }
}

fn not_found(what: &str, name: &str) -> Error {
    let name: String = name.chars().take(80).flat_map(char::escape_default).collect();
    let op = format!("find {what} `{name}`: there is none of this name here; check the name");
    Error::new(ErrorKind::NotFound, op)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, a client could reach another's execution by a name of before a restart.
    #[test]
    fn c19_a_name_is_of_one_execution_of_one_life() {
        let names = Names::new("a1");
        let id = ExecId { home: BoxId(7), number: 12 };
        assert_eq!(names.of_execution(id), "exec-a1-7-12");
        assert_eq!(names.parse_execution(BoxId(7), "exec-a1-7-12").ok(), Some(id));
        assert_eq!(names.parse_box("box-a1-7").ok(), Some(BoxId(7)));
        for name in ["exec-a1-6-12", "exec-b1-7-12", "exec-a1-7", "exec-a1-7-12-1", "exec-a1-7-012"]
        {
            assert!(names.parse_execution(BoxId(7), name).is_err(), "{name}");
        }
        for name in ["", "box-", "box-a1-", "box-a1-x", "box-a1--1", "box-a1-07"] {
            assert!(names.parse_box(name).is_err(), "{name}");
        }
    }
}
