//! What a soak has of the system: descriptors, threads, memory, children, and processes that its
//! children have left behind.

use std::{fs, os::unix::ffi::OsStrExt, path::Path};

use rustix::process::{WaitId, WaitIdOptions, waitid};

/// What this process has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) descriptors: u64,
    pub(super) threads: u64,
    /// Memory that is really there, in bytes.
    pub(super) resident: u64,
    /// Children that have ended and were not reaped.
    pub(super) zombies: u64,
}

impl Census {
    /// Takes it.
    pub(super) fn take() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Census {
            // The folder that is listed is one of them.
            descriptors: entries("/proc/self/fd").saturating_sub(1),
            threads: field("Threads:").unwrap_or_default(),
            resident: field("VmRSS:").unwrap_or_default() * 1024,
            zombies: zombies(),
        }
    }

    /// The larger of each.
    pub(super) fn max(self, other: Self) -> Self {
        Census {
            descriptors: self.descriptors.max(other.descriptors),
            threads: self.threads.max(other.threads),
            resident: self.resident.max(other.resident),
            zombies: self.zombies.max(other.zombies),
        }
    }
}

fn entries(path: impl AsRef<Path>) -> u64 {
    fs::read_dir(path).map_or(0, |entries| entries.count() as u64)
}

/// Children of ours that are zombies now.
fn zombies() -> u64 {
    let us = std::process::id().to_string();
    let is_ours = |stat: &String| {
        // Behind the name, which may have any character in it: the state and the parent.
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.next() == Some("Z") && fields.next() == Some(us.as_str())
    };
    processes()
        .filter_map(|path| fs::read_to_string(path.join("stat")).ok())
        .filter(is_ours)
        .count() as u64
}

fn processes() -> impl Iterator<Item = std::path::PathBuf> {
    let is_pid = |name: &[u8]| name.iter().all(u8::is_ascii_digit);
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter(move |entry| is_pid(entry.file_name().as_bytes())).map(|entry| entry.path())
}

/// Whether there is any child, alive or a zombie.
pub(super) fn has_children() -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::All, options).is_ok()
}

/// Processes with this in their environment, other than we.
pub(super) fn marked((name, value): &(&str, String)) -> u64 {
    let mark = format!("{name}={value}");
    let has_mark = |path: &std::path::PathBuf| {
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
    };
    processes().filter(has_mark).count() as u64
}
