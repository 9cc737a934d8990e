//! Opening schedules and going through them, by mouse and by keys.

use super::{Browser, Page, browser};

/// The step that is shown, and the number of steps.
fn at(browser: &mut Browser) -> (u64, u64) {
    let at = browser.ask("[Number(at.value), Number(at.max)]");
    (at[0].as_u64().expect("a step"), at[1].as_u64().expect("a number of steps"))
}

fn title(browser: &mut Browser) -> String {
    browser.ask("document.getElementById('viewer-title').textContent").to_string()
}

const IS_OPEN: &str = "document.getElementById('viewer').open";

/// If this were red, nobody could look at a schedule step by step.
#[test]
fn a_cell_opens_its_schedule_and_every_step_can_be_gone_to() {
    let Some(mut browser) = browser() else { return };
    let page = Page::of_check("steer");
    browser.show((1280, 900), false);
    browser.open(&page.0, "");
    browser.picture("check");
    browser.click("a[href='#case-stock-C4']");
    assert_eq!(browser.ask(IS_OPEN), true);
    assert_eq!(title(&mut browser), r#""stock: C4, wait follows""#);
    // It begins with all of it.
    let (last, steps) = at(&mut browser);
    assert_eq!(last, steps);
    assert!(steps > 2);
    browser.picture("schedule");
    let told = "document.getElementById('told').textContent";
    assert!(browser.ask(told).to_string().contains("breaks the rule"));
    browser.press("ArrowLeft");
    assert_eq!(at(&mut browser).0, steps - 1);
    let later = "document.querySelectorAll('#shown svg g.later').length";
    assert_eq!(browser.ask(later), 1, "the last step is not yet made");
    let marked = "document.querySelector('#shown svg g.now').dataset.step";
    assert_eq!(browser.ask(marked), (steps - 1).to_string());
    browser.picture("schedule-one-step-back");
    browser.press("Home");
    assert_eq!(at(&mut browser).0, 0);
    assert!(browser.ask(told).to_string().contains("Before the first step"));
    browser.press("ArrowRight");
    assert_eq!(at(&mut browser).0, 1);
    browser.click("#on");
    assert_eq!(at(&mut browser).0, 2);
    browser.click("#back");
    assert_eq!(at(&mut browser).0, 1);
    browser.press("End");
    assert_eq!(at(&mut browser).0, steps);
    browser.click("#shown .steps li[data-step='2']");
    assert_eq!(at(&mut browser).0, 2);
    browser.press("Escape");
    assert_eq!(browser.ask(IS_OPEN), false);
    let focused = "document.activeElement.getAttribute('href')";
    assert_eq!(browser.ask(focused), "#case-stock-C4", "the keyboard is where it was");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// If this were red, somebody without a mouse could not get to a schedule, or not out of it.
#[test]
fn keys_alone_go_through_the_matrix_and_from_schedule_to_schedule() {
    let Some(mut browser) = browser() else { return };
    let page = Page::of_check("keys");
    browser.show((1280, 900), true);
    browser.open(&page.0, "");
    browser.ask("document.querySelector(\"a[href='#case-stock-C1']\").focus()");
    browser.press("ArrowRight");
    assert_eq!(browser.ask("document.activeElement.hash"), "#case-stock-C4");
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(browser.ask(outline), "solid", "where the keyboard is can be seen");
    browser.press("Enter");
    assert_eq!(title(&mut browser), r#""stock: C4, wait follows""#);
    browser.press("n");
    assert_eq!(title(&mut browser), r#""stock: C9, evidence, not guesses""#);
    assert_eq!(browser.ask("location.hash"), "#case-stock-C9");
    browser.press("p");
    browser.press("p");
    assert_eq!(title(&mut browser), r#""stock: C1, last byte first""#);
    browser.press("Escape");
    assert_eq!(browser.ask(IS_OPEN), false);
    assert_eq!(browser.ask("location.hash"), "");
    // Everything is back in its place: the page is as it was.
    assert_eq!(browser.ask("document.querySelectorAll('.case > article').length"), {
        browser.ask("document.querySelectorAll('.case').length")
    });
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// If this were red, the address of a schedule would not lead to it.
#[test]
fn the_address_of_a_schedule_opens_it() {
    let Some(mut browser) = browser() else { return };
    let page = Page::of_check("address");
    browser.show((1280, 900), false);
    browser.open(&page.0, "#case-one-drain-loop-C12");
    assert_eq!(browser.ask(IS_OPEN), true);
    assert_eq!(title(&mut browser), r#""one-drain-loop: C12, bounded and isolated""#);
    // The last step is in view.
    let inside = "(() => { const step = document.querySelector('#shown svg g.now')\
                  .getBoundingClientRect(); const page = document.getElementById('shown')\
                  .getBoundingClientRect(); return step.top >= page.top && \
                  step.bottom <= page.bottom && step.left >= page.left && \
                  step.right <= page.right; })()";
    assert_eq!(browser.ask(inside), true);
    browser.picture("long-schedule");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
