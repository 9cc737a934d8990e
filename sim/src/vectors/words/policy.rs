//! Streams and policies as words. A policy tells only what differs from the default; times are in
//! milliseconds.

use std::time::Duration;

use lastbyte::machine::{
    Descendants, DrainPolicy, Full, OutputLimit, Over, Policy, Signal, Streams, Target,
};

use super::read::Read;

/// The sets of streams by name.
pub const STREAMS: [(&str, Streams); 6] = [
    ("none", Streams::None),
    ("stdout", Streams::Stdout),
    ("stderr", Streams::Stderr),
    ("separate", Streams::Separate),
    ("combined", Streams::Combined),
    ("pty", Streams::Pty),
];

/// The name of a set of streams.
pub fn streams(streams: Streams) -> &'static str {
    match streams {
        Streams::None => "none",
        Streams::Stdout => "stdout",
        Streams::Stderr => "stderr",
        Streams::Separate => "separate",
        Streams::Combined => "combined",
        Streams::Pty => "pty",
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// All of a policy, key by key, in a fixed order. Empty: there is none.
pub fn all(policy: &Policy) -> [(&'static str, String); 12] {
    let Policy { drain, descendants, kill, buffer, limit, timeout, teardown } = *policy;
    let drain = match drain {
        DrainPolicy::UntilEof => "until_eof".to_owned(),
        DrainPolicy::After(after) => format!("after {}", ms(after)),
        DrainPolicy::Idle { gap, max } => format!("idle {} {}", ms(gap), ms(max)),
    };
    let descendants = match descendants {
        Descendants::Leave => "leave",
        Descendants::Kill => "kill",
    };
    let target = match kill.target {
        Target::Group => "group",
        Target::Leader => "leader",
    };
    let full = match buffer.full {
        Full::Pause => "pause".to_owned(),
        Full::Gap => "gap".to_owned(),
        Full::KillAfter(stalled) => format!("kill_after {}", ms(stalled)),
    };
    let limit = limit.map(|OutputLimit { bytes_max, over }| match over {
        Over::Truncate => format!("{bytes_max} truncate"),
        Over::KeepTail { bytes_max: tail } => format!("{bytes_max} keep_tail {tail}"),
        Over::Kill => format!("{bytes_max} kill"),
    });
    [
        ("drain", drain),
        ("descendants", descendants.to_owned()),
        ("kill_signal", kill.signal.number().to_string()),
        ("kill_grace", ms(kill.grace).to_string()),
        ("kill_target", target.to_owned()),
        ("buffer_bytes_max", buffer.bytes_max.to_string()),
        ("buffer_chunks_max", buffer.chunks_max.to_string()),
        ("buffer_full", full),
        ("limit", limit.unwrap_or_default()),
        ("timeout", timeout.map(|timeout| ms(timeout).to_string()).unwrap_or_default()),
        ("close_max", ms(teardown.close_max).to_string()),
        ("shutdown_max", ms(teardown.shutdown_max).to_string()),
    ]
}

/// What differs from the default: `KEY VALUE`, each.
pub fn told(policy: &Policy) -> Vec<String> {
    all(policy)
        .into_iter()
        .zip(all(&Policy::default()))
        .filter(|((_, value), (_, usual))| value != usual)
        .map(|((key, value), _)| format!("{key} {value}"))
        .collect()
}

/// A policy from what differs from the default.
///
/// # Errors
///
/// Says which key or value is not of the form.
pub fn read(told: &[String]) -> Read<Policy> {
    let mut policy = Policy::default();
    for line in told {
        let words: Vec<&str> = line.split(' ').collect();
        set(&mut policy, &words).ok_or_else(|| format!("`{line}` is no policy"))?;
    }
    Ok(policy)
}

fn set(policy: &mut Policy, words: &[&str]) -> Option<()> {
    let time = |word: &str| word.parse().ok().map(Duration::from_millis);
    match *words {
        ["drain", "until_eof"] => policy.drain = DrainPolicy::UntilEof,
        ["drain", "after", after] => policy.drain = DrainPolicy::After(time(after)?),
        ["drain", "idle", gap, max] => {
            policy.drain = DrainPolicy::Idle { gap: time(gap)?, max: time(max)? };
        }
        ["descendants", "leave"] => policy.descendants = Descendants::Leave,
        ["descendants", "kill"] => policy.descendants = Descendants::Kill,
        ["kill_signal", number] => policy.kill.signal = Signal::new(number.parse().ok()?)?,
        ["kill_grace", grace] => policy.kill.grace = time(grace)?,
        ["kill_target", "group"] => policy.kill.target = Target::Group,
        ["kill_target", "leader"] => policy.kill.target = Target::Leader,
        ["buffer_bytes_max", bytes] => policy.buffer.bytes_max = bytes.parse().ok()?,
        ["buffer_chunks_max", chunks] => policy.buffer.chunks_max = chunks.parse().ok()?,
        ["buffer_full", "pause"] => policy.buffer.full = Full::Pause,
        ["buffer_full", "gap"] => policy.buffer.full = Full::Gap,
        ["buffer_full", "kill_after", stalled] => {
            policy.buffer.full = Full::KillAfter(time(stalled)?);
        }
        ["limit", bytes_max, ref over @ ..] => {
            let over = match *over {
                ["truncate"] => Over::Truncate,
                ["keep_tail", tail] => Over::KeepTail { bytes_max: tail.parse().ok()? },
                ["kill"] => Over::Kill,
                _ => return None,
            };
            policy.limit = Some(OutputLimit { bytes_max: bytes_max.parse().ok()?, over });
        }
        ["timeout", after] => policy.timeout = Some(time(after)?),
        ["close_max", max] => policy.teardown.close_max = time(max)?,
        ["shutdown_max", max] => policy.teardown.shutdown_max = time(max)?,
        _ => return None,
    }
    Some(())
}
