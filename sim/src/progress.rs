//! A progress bar: on stderr, where that is a terminal and nobody wants quiet.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far work that is counted has come: how much of it, at which rate, how long it will take.
pub(crate) fn counted(what: &str, len: u64, quiet: bool) -> ProgressBar {
    let form = format!("{{pos}}/{{len}} {what} [{{bar:30}}] {{per_sec}}, {{eta}} left; {{msg}}");
    bar(Some(len), quiet, &form)
}

/// A bar of this form; without a length where nobody knows how much there is.
pub(crate) fn bar(len: Option<u64>, quiet: bool, form: &str) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(len, target);
    bar.set_style(
        ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    // Whoever waits for the first step sees that there is one.
    bar.tick();
    bar
}
