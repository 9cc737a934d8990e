//! The pages of the other verbs, and what hostile children and files say in them.

use std::fs;

use serde_json::json;

use super::{Page, browser};

/// Markup that a browser would obey, were it let.
const HOSTILE: &str =
    "</script></title><script>window.hurt=1</script><img src=x onerror=window.hurt=1>\\u001b[31m";

/// If this were red, a trace from elsewhere could run a script in the browser of its reader.
#[test]
fn a_hostile_trace_is_shown_and_not_obeyed() {
    let trace = std::env::temp_dir().join(format!("lastbyte-hostile-{}.jsonl", std::process::id()));
    let spawn = format!("{{\"event\":\"start\",\"execution\":\"{HOSTILE}\"}}\n");
    let exit =
        format!("{{\"event\":\"exit\",\"execution\":\"{HOSTILE}\",\"status\":{{\"code\":0}}}}\n");
    fs::write(&trace, spawn + &exit + &exit).expect("the trace is written");
    let path = trace.to_str().expect("a path in UTF-8");
    let output = super::lastbyte(&["trace", "check", path]);
    let page = Page::of("hostile", &["trace", "check", path], 1);
    fs::remove_file(&trace).expect("it was ours");
    assert!(!page.text().contains("<img"), "{output:?}");
    let Some(mut browser) = browser() else { return };
    browser.show((390, 844), false);
    browser.open(&page.0, "");
    browser.click(".case summary");
    browser.picture("trace");
    assert_eq!(
        browser.ask("[window.hurt === undefined, document.images.length]"),
        json!([true, 0])
    );
    assert_eq!(browser.ask("document.querySelector('#viewer').open"), true);
    let wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.ask(wide), 0);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// If this were red, whoever writes a port could not look at where it differs.
#[test]
fn conform_shows_where_a_shim_differs() {
    let lastbyte = env!("CARGO_BIN_EXE_lastbyte");
    let words = ["conform", "--only", "races", "--", lastbyte, "shim", "--bug", SABOTAGE];
    let page = Page::of("conform", &words, 1);
    assert!(page.text().contains("vectors fail"));
    let Some(mut browser) = browser() else { return };
    browser.show((1280, 900), false);
    browser.open(&page.0, "");
    browser.picture("conform");
    browser.click("#by-rule td a");
    assert_eq!(browser.ask("document.querySelector('#viewer').open"), true);
    browser.press("Home");
    assert_eq!(browser.ask("at.value"), "0");
    browser.picture("conform-vector");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// A mistake that the races show.
const SABOTAGE: &str = "wait-at-reap";

/// If this were red, the page of a probe would not say what was lost.
#[test]
fn probe_shows_which_runs_were_faulty() {
    let lastbyte = env!("CARGO_BIN_EXE_lastbyte");
    let words = ["probe", "-n", "3", "--case", "signals", "--", lastbyte, "racy", "--bug", BUG];
    let words = [&words[..], &["--", "sh", "-c", "{}"]].concat();
    let page = Page::of("probe", &words, 1);
    let Some(mut browser) = browser() else { return };
    browser.show((1280, 900), true);
    browser.open(&page.0, "");
    browser.picture("probe");
    browser.click("#cases th a");
    let steer = "document.querySelector('.steer').checkVisibility()";
    assert_eq!(browser.ask(steer), false, "there are no steps to go through");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// A mistake that shows in each run.
const BUG: &str = "code";

/// If this were red, the page of the network would not say what was run.
#[test]
fn network_shows_orders_and_a_wrong_client() {
    let words = ["network", "orders", "--small", "short", "--design", "exit-on-wait"];
    let page = Page::of("network", &words, 0);
    assert!(page.text().contains("lastbyte network replay order:short:exit-on-wait:"));
    let seeds = Page::of("seeds", &["network", "seeds", "0..3"], 0);
    let Some(mut browser) = browser() else { return };
    browser.show((1280, 900), false);
    browser.open(&page.0, "");
    browser.picture("network");
    browser.click(".case summary");
    assert!(
        browser.ask("document.querySelector('#shown .log').textContent.length").as_u64() > Some(20)
    );
    browser.open(&seeds.0, "");
    browser.picture("network-seeds");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
