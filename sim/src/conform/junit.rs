//! A conformance run as JUnit XML: a suite for each topic, a case for each vector.

use super::{Outcomes, Verdict, report::lines};

/// The document.
pub fn junit(outcomes: &Outcomes) -> String {
    let mut document = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let failures = outcomes.failed().count();
    let tests = outcomes.all.len();
    document.push_str(&format!(
        "<testsuites name=\"lastbyte conform\" tests=\"{tests}\" failures=\"{failures}\">\n"
    ));
    for (topic, count) in outcomes.by_topic() {
        document.push_str(&format!(
            "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n",
            escaped(topic),
            count.vectors,
            count.failed
        ));
        for (vector, verdict) in outcomes.all.iter().filter(|(it, _)| it.topic() == topic) {
            let name = format!(
                "<testcase classname=\"{}\" name=\"{}\"",
                escaped(topic),
                escaped(&vector.id)
            );
            match failure(verdict) {
                None => document.push_str(&format!("{name}/>\n")),
                Some((kind, message)) => document.push_str(&format!(
                    "{name}><failure type=\"{}\" message=\"{}\"/></testcase>\n",
                    escaped(&kind),
                    escaped(&message)
                )),
            }
        }
        document.push_str("</testsuite>\n");
    }
    document.push_str("</testsuites>\n");
    document
}

fn failure(verdict: &Verdict) -> Option<(String, String)> {
    match verdict {
        Verdict::Passed => None,
        Verdict::NotAsked => Some(("not asked".to_owned(), "not asked".to_owned())),
        Verdict::Trouble(trouble) => Some((trouble.name().to_owned(), trouble.told())),
        Verdict::Differs(difference) => {
            let place = match difference.step {
                Some(step) => format!("step {step}: "),
                None => String::new(),
            };
            let (expected, got) = (lines(&difference.expected), lines(&difference.got));
            Some((difference.rule.to_string(), format!("{place}expected {expected}, got {got}")))
        }
    }
}

/// Text as it may stand in an attribute; what XML cannot hold is told by its number.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}
