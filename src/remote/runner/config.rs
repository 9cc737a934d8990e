//! What a runner offers and gives out: read from a TOML file, checked as a whole.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use super::retained::Bound;
use crate::{
    Error, ErrorKind,
    remote::lifecycle::{Limits, Resources},
};

/// The configuration of a runner. `Config::default()` is the one without a file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What one box may have at most.
    pub per_box: Share,
    /// What all boxes may have together. Default: eight times what one may have.
    pub total: Share,
    /// What a box has that does not ask.
    pub asked: Share,
    /// Executions that may live in one box at once. Default: 1024.
    pub executions_max: u32,
    /// Bytes of an execution's output that are kept unread, before it is paused. Default: 1 MiB.
    pub retain_bytes: u64,
    /// The same of all executions together. Default: 256 MiB.
    pub retain_total_bytes: u64,
    /// Executions that are kept, running ones included. Default: 4096.
    pub kept_executions_max: u32,
    /// How long an execution is kept after its end. Default: 60 s.
    pub keep_seconds: u64,
    /// How long an execution that is not detached lives without anybody attached. Default: 60 s.
    pub orphan_seconds: u64,
    /// The profile of a box that asks for none. Default: `default`.
    pub default_image: String,
    /// Profiles by name. Default: one, `default`, with nothing set.
    pub images: BTreeMap<String, Image>,
}

/// Processors, memory and disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Processors.
    pub cpus: u64,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Disk, in GiB.
    pub disk_size_gb: u64,
}

/// A profile: what a box of it starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Image {
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Where commands start, unless the box says otherwise.
    pub workdir: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        let per_box = Share { cpus: 4, memory_mib: 8192, disk_size_gb: 20 };
        Config {
            per_box,
            total: Share { cpus: 32, memory_mib: 65_536, disk_size_gb: 160 },
            asked: Share { cpus: 1, memory_mib: 2048, disk_size_gb: 5 },
            executions_max: 1024,
            retain_bytes: 1024 * 1024,
            retain_total_bytes: 256 * 1024 * 1024,
            kept_executions_max: 4096,
            keep_seconds: 60,
            orphan_seconds: 60,
            default_image: "default".to_owned(),
            images: BTreeMap::from([("default".to_owned(), Image::default())]),
        }
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`]: what is wrong, and in which line.
    pub fn parse(text: &str) -> Result<Config, Error> {
        let config: Config = toml::from_str(text).map_err(|error| {
            let place = error.span().and_then(|span| place(text, span.start));
            invalid(&format!("{}{}", place.unwrap_or_default(), error.message()))
        })?;
        config.check()?;
        Ok(config)
    }

    /// Whether the values make sense together.
    fn check(&self) -> Result<(), Error> {
        if !self.images.contains_key(&self.default_image) {
            let why = format!("no image has the name `{}` of `default_image`", self.default_image);
            return Err(invalid(&why));
        }
        for (name, is_zero) in [
            ("retain_bytes", self.retain_bytes == 0),
            ("retain_total_bytes", self.retain_total_bytes == 0),
            ("kept_executions_max", self.kept_executions_max == 0),
            ("executions_max", self.executions_max == 0),
        ] {
            if is_zero {
                return Err(invalid(&format!("`{name}` is 0; use 1 or more")));
            }
        }
        let limits = self.limits();
        limits.check(self.asked.into(), Resources::default()).map_err(|refusal| {
            invalid(&format!("what a box has that does not ask (`asked`) is too much: {refusal}"))
        })
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            per_box: self.per_box.into(),
            total: self.total.into(),
            executions_max: self.executions_max,
        }
    }

    pub(super) fn bound(&self) -> Bound {
        Bound { bytes: self.retain_bytes, entries: 16 * 1024 }
    }

    pub(super) fn keep(&self) -> Duration {
        Duration::from_secs(self.keep_seconds)
    }

    pub(super) fn orphan(&self) -> Duration {
        Duration::from_secs(self.orphan_seconds)
    }
}

/// Where something stands, for who looks for it in an editor.
fn place(text: &str, at: usize) -> Option<String> {
    let before = text.get(..at)?;
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    Some(format!("line {line}, column {column}: "))
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("read the configuration: {why}"))
}

impl From<Share> for Resources {
    fn from(share: Share) -> Resources {
        Resources { cpus: share.cpus, memory_mib: share.memory_mib, disk_gib: share.disk_size_gb }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, the limits that the documentation promises would be others.
    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(Config::parse("").ok(), Some(Config::default()));
        let per_box = Config::default().per_box;
        assert_eq!((per_box.cpus, per_box.memory_mib, per_box.disk_size_gb), (4, 8192, 20));
    }

    /// If this were red, a mistyped limit would be no limit.
    #[test]
    fn what_makes_no_sense_is_refused_and_named() {
        for (text, word) in [
            ("per_bx = 1", "per_bx"),
            ("[per_box]\ncpus = 1", "memory_mib"),
            ("default_image = \"alpine\"", "alpine"),
            ("retain_bytes = 0", "retain_bytes"),
            ("[asked]\ncpus = 5\nmemory_mib = 1\ndisk_size_gb = 1", "cpus"),
        ] {
            let error = Config::parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().contains(word), "{text}: {error}");
        }
    }
}
