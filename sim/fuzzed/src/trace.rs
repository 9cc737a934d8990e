//! A trace, line by line: whatever stands in it, it is judged or refused, and twice alike.

use lastbyte_sim::trace::{Checker, Finding, Malformed};

/// Everything that is said of a trace.
type Said = (Vec<Finding>, Vec<Malformed>, usize);

/// Judges the trace that these bytes are.
///
/// # Panics
///
/// What is said of it is of no line, or is not the same twice.
pub fn trace(data: &[u8]) {
    let (findings, malformed, running) = judge(data);
    let lines: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
    for found in &findings {
        assert!((1..=lines.len() as u64).contains(&found.line), "{found:?}");
    }
    for wrong in &malformed {
        let line = usize::try_from(wrong.line - 1).ok().and_then(|place| lines.get(place));
        let columns = line.map_or(0, |line| line.len() + 1);
        assert!((1..=columns).contains(&wrong.column), "{wrong:?} of {columns}");
        assert!(!wrong.why.is_empty(), "{wrong:?} does not say why");
    }
    assert_eq!(judge(data), (findings, malformed, running), "it is judged alike twice");
}

fn judge(data: &[u8]) -> Said {
    let mut checker = Checker::new(true);
    let (mut findings, mut malformed) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(data.split(|&byte| byte == b'\n')) {
        match checker.take(number, line) {
            Ok(found) => findings.extend(found),
            Err(wrong) => malformed.push(wrong),
        }
    }
    let running = checker.running();
    findings.extend(checker.finish());
    assert_eq!(checker.totals().broken, findings.len() as u64, "each is counted once");
    (findings, malformed, running)
}
