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

/// A sweep in two parts of this design, in a folder of its own; words for where it is.
fn swept(name: &str, design: &str) -> String {
    let folder = std::env::temp_dir().join(format!("lastbyte-{}-{name}", std::process::id()));
    let out = folder.to_str().expect("a path in UTF-8").to_owned();
    for shard in ["1/2", "2/2"] {
        let words = ["sweep", "--seeds", "0..40", "--design", design, "--out", &out];
        let output = super::lastbyte(&[&words[..], &["--shard", shard]].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    out
}

/// If this were red, the page of a sweep would not say which seeds broke, or not how to see them.
#[test]
fn sweep_and_merge_show_parts_and_each_seed_that_breaks() {
    let out = swept("sweep", "exit-on-wait");
    let merged = Page::of("merge", &["merge", &out], 0);
    let words = ["sweep", "--seeds", "0..40", "--design", "exit-on-wait", "--out", &out];
    let page = Page::of("sweep", &[&words[..], &["--shard", "1/2"]].concat(), 0);
    fs::remove_dir_all(&out).expect("it was ours");
    for page in [&merged, &page] {
        assert!(
            page.text()
                .contains("exit-on-wait is wrong, and is caught: it breaks the contract in "),
            "no verdict"
        );
        assert!(page.text().contains("<code>lastbyte network replay seed:exit-on-wait:0</code>"));
    }
    assert!(page.text().contains("slice:1/2"), "its part is not told");
    let Some(mut browser) = browser() else { return };
    browser.show((390, 844), true);
    browser.open(&merged.0, "");
    browser.picture("merge");
    let wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.ask(wide), 0);
    assert_eq!(browser.ask("document.querySelectorAll('#parts tbody tr').length"), 2);
    let broken = browser.ask(
        "[...document.querySelectorAll('#parts td:nth-child(7)')]\
         .reduce((sum, cell) => sum + Number(cell.textContent), 0)",
    );
    let seeds = browser.ask("document.querySelectorAll('#seeds tbody tr').length");
    assert_eq!(broken, seeds, "as many seeds as are counted");
    assert!(seeds.as_u64() > Some(5), "{seeds}");
    browser.click(".case summary");
    let log = "document.querySelector('#shown .log').textContent.length";
    assert!(browser.ask(log).as_u64() > Some(100), "all that was seen");
    browser.picture("merge-rule");
    browser.press("Escape");
    browser.click("#contents a[href='#seeds'], nav a[href='#seeds']");
    browser.picture("merge-seeds");
    browser.show((1280, 900), false);
    browser.open(&page.0, "");
    browser.picture("sweep");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// If this were red, a file of a sweep from elsewhere could put a command on a page that its reader
/// pastes, or a script into his browser.
#[test]
fn a_hostile_file_of_a_sweep_is_refused_or_shown() {
    let out = swept("hostile-sweep", "exit-on-wait");
    let file = fs::read_dir(&out).expect("a folder").flatten().next().expect("a file").path();
    let lines = fs::read_to_string(&file).expect("text");
    let why = "the terminal overtook bytes that had been read";
    fs::write(&file, lines.replace(why, HOSTILE)).expect("it is written");
    let page = Page::of("hostile-merge", &["merge", &out], 0);
    let token = "seed:exit-on-wait:";
    for (good, bad) in [
        (token, "x;touch hurt;seed:exit-on-wait:"),
        ("\"rule\":\"C1\"", "\"rule\":\"C1;touch hurt\""),
        ("\"design\":\"exit-on-wait\"", "\"design\":\"touch hurt\""),
    ] {
        assert!(lines.contains(good), "{good}");
        fs::write(&file, lines.replace(good, bad)).expect("it is written");
        let output = super::lastbyte(&["merge", &out]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(125), 0), "{bad}: {said}");
        assert!(said.contains("touch hurt") && said.contains("is it a file of"), "{said}");
    }
    fs::remove_dir_all(&out).expect("it was ours");
    assert!(!page.text().contains("<img"), "markup stands in it");
    let Some(mut browser) = browser() else { return };
    browser.show((390, 844), false);
    browser.open(&page.0, "");
    browser.picture("hostile-merge");
    let hurt = "[window.hurt === undefined, document.images.length]";
    assert_eq!(browser.ask(hurt), json!([true, 0]));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// If this were red, the page of a soak would not say what was run, what was found, or how to see it
/// again.
#[test]
fn soak_shows_cases_faults_and_resources_over_time() {
    let words = ["soak", "--executions", "40", "--seed", "5"];
    let clear = Page::of("soak", &words, 0);
    assert!(clear.text().contains("clear: 40 executions, nothing lost, hung, broken or left"));
    let wrong = ["--case", "short", "--mistake", "lose", "--hang", "100s"];
    let faulty = Page::of("soak-faulty", &[&words[..], &wrong].concat(), 1);
    assert!(faulty.text().contains("<code>lastbyte soak --seed 5 --only "), "no command");
    let Some(mut browser) = browser() else { return };
    for (page, name, dark) in [(&clear, "soak", false), (&faulty, "soak-faulty", true)] {
        browser.show((390, 844), dark);
        browser.open(&page.0, "");
        browser.picture(name);
        let wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.ask(wide), 0, "{name}");
        browser.show((1280, 900), dark);
        browser.click("nav a[href='#resources']");
        browser.picture(&format!("{name}-resources"));
        // Two looks at least: at the start and at the end.
        assert_eq!(browser.ask("document.querySelectorAll('#over-time svg.curve').length"), 4);
    }
    let runs = browser.ask("document.querySelector('#cases td.figure').textContent");
    assert_eq!(runs, "40");
    // Of forty faults the first twenty are told.
    assert_eq!(browser.ask("document.querySelectorAll('#faults .case').length"), 20);
    assert!(faulty.text().contains("20 more were counted"));
    browser.click("#faults summary");
    browser.picture("soak-fault");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
