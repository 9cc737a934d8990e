//! Drain policies in words, the same for a command line and a request.

use std::time::Duration;

use crate::DrainPolicy;

/// A duration: `0`, `200ms`, `5s`, `1m30s`.
///
/// # Errors
///
/// What is wrong with it and how to write one.
pub fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a number and a unit, as in 200ms, 5s, 1m30s"))
}

/// A drain policy: `eof`, `after=DUR`, `idle=DUR,max=DUR`.
///
/// # Errors
///
/// What is wrong with it and how to write one.
pub fn drain(text: &str) -> Result<DrainPolicy, String> {
    let parts: Vec<Option<(&str, &str)>> =
        text.split(',').map(|part| part.split_once('=')).collect();
    match parts[..] {
        [None] if text == "eof" => Ok(DrainPolicy::UntilEof),
        [Some(("after", after))] => Ok(DrainPolicy::After(duration(after)?)),
        [Some(("idle", gap)), Some(("max", max))] | [Some(("max", max)), Some(("idle", gap))] => {
            let (gap, max) = (duration(gap)?, duration(max)?);
            if gap > max {
                return Err("`idle` is longer than `max`; raise `max` or lower `idle`".to_owned());
            }
            Ok(DrainPolicy::Idle { gap, max })
        }
        [Some(("idle", _))] => Err("an idle rule needs its cap; add `,max=DUR`".to_owned()),
        _ => Err("no such policy; write `eof`, `after=DUR` or `idle=DUR,max=DUR`".to_owned()),
    }
}

/// The words that [`drain`] reads as this policy.
pub fn words(policy: DrainPolicy) -> String {
    let dur = |duration: Duration| match duration.is_zero() {
        true => "0".to_owned(),
        false => humantime::format_duration(duration).to_string().replace(' ', ""),
    };
    match policy {
        DrainPolicy::UntilEof => "eof".to_owned(),
        DrainPolicy::After(after) => format!("after={}", dur(after)),
        DrainPolicy::Idle { gap, max } => format!("idle={},max={}", dur(gap), dur(max)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, a runner would drain by another policy than its client asked for.
    #[test]
    fn c06_a_policy_in_words_is_read_back_as_itself() {
        let ms = Duration::from_millis;
        for policy in [
            DrainPolicy::UntilEof,
            DrainPolicy::After(Duration::ZERO),
            DrainPolicy::After(Duration::new(3723, 4_005_006)),
            DrainPolicy::Idle { gap: ms(200), max: ms(5000) },
            DrainPolicy::Idle { gap: Duration::ZERO, max: ms(1) },
        ] {
            assert_eq!(drain(&words(policy)), Ok(policy), "{}", words(policy));
        }
    }
}
