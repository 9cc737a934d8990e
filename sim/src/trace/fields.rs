//! The fields of a line, as JSON has them.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

/// A string, or a number as the string that it is written as.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

/// The fields that any event may have. One object of them all is the fastest to read.
#[derive(Deserialize)]
pub(super) struct Fields<'a> {
    #[serde(default, borrow)]
    pub(super) execution: Text<'a>,
    #[serde(borrow)]
    pub(super) event: Text<'a>,
    #[serde(borrow)]
    pub(super) stream: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) base64: Option<Text<'a>>,
    pub(super) bytes: Option<u64>,
    pub(super) errno: Option<i32>,
    #[serde(borrow)]
    pub(super) status: Option<StatusFields<'a>>,
    pub(super) standing: Option<Standing>,
    pub(super) outputs: Option<Vec<String>>,
    pub(super) buffer_bytes_max: Option<u64>,
    #[serde(borrow)]
    pub(super) until: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) end: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) why: Option<Text<'a>>,
    pub(super) signal: Option<i32>,
    #[serde(borrow)]
    pub(super) target: Option<Text<'a>>,
    #[serde(default)]
    pub(super) core_dumped: bool,
    #[serde(default)]
    pub(super) timed_out: bool,
    #[serde(default)]
    pub(super) cancelled: bool,
    #[serde(default)]
    pub(super) output_limit: bool,
    #[serde(default)]
    pub(super) stalled: bool,
    pub(super) killed_by_us: Option<KilledFields>,
    pub(super) cut: Option<Vec<CutFields>>,
    pub(super) streams: Option<Reports>,
    pub(super) policy: Option<Vec<String>>,
    #[serde(borrow)]
    pub(super) input: Option<Text<'a>>,
    pub(super) follows: Option<Vec<String>>,
    pub(super) at: Option<f64>,
}

#[derive(Deserialize)]
pub(super) struct StatusFields<'a> {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    #[serde(default)]
    pub(super) core: bool,
    #[serde(borrow)]
    pub(super) unknown: Option<Text<'a>>,
    pub(super) lost: Option<de::IgnoredAny>,
    pub(super) forced: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Standing {
    pub(super) stdout: Option<u64>,
    pub(super) stderr: Option<u64>,
    pub(super) combined: Option<u64>,
    pub(super) pty: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct KilledFields {
    pub(super) signal: i32,
    #[serde(default)]
    pub(super) escalated: bool,
}

#[derive(Deserialize)]
pub(super) struct CutFields {
    pub(super) stream: String,
    pub(super) why: String,
}

#[derive(Deserialize)]
pub(super) struct Reports {
    pub(super) stdout: Option<ReportFields>,
    pub(super) stderr: Option<ReportFields>,
    pub(super) combined: Option<ReportFields>,
    pub(super) pty: Option<ReportFields>,
}

#[derive(Deserialize)]
pub(super) struct ReportFields {
    pub(super) end: String,
    pub(super) errno: Option<i32>,
    pub(super) delivered: u64,
    #[serde(default)]
    pub(super) dropped: u64,
    #[serde(default)]
    pub(super) held: bool,
}
