//! How a page looks: contrast, phones, paper, and without scripts.

use serde_json::{Value, json};

use super::{Browser, Page, browser};

/// Texts that are shown with less contrast than 4.5 to 1, the figure of WCAG 2.2, 1.4.3. What is
/// switched off is excepted there, and so are steps that are not made yet.
const PALE: &str = r"(() => {
  const channel = (part) => { part /= 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; };
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const isClear = (colour) => colour === 'transparent' || numbers(colour)[3] === 0;
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!isClear(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const drawn = (text) => {
    const box = text.parentElement.querySelector(':scope > rect.box, :scope > rect.head, :scope > circle:not(.dot)');
    return box ? getComputedStyle(box).fill : behind(text.ownerSVGElement);
  };
  const pale = [];
  for (const one of document.querySelectorAll('body *')) {
    const says = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!says || one.closest('script, title, desc, :disabled, .unseen, .later')) continue;
    if (!one.checkVisibility()) continue;
    const isDrawn = one.ownerSVGElement;
    const style = getComputedStyle(one);
    const [front, back] = isDrawn ? [style.fill, drawn(one)] : [style.color, behind(one)];
    const [a, b] = [light(numbers(front)), light(numbers(back))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) pale.push(`${one.tagName}.${one.getAttribute('class')} ${one.textContent.slice(0, 20)}: ${front} on ${back}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(pale)];
})()";

/// By how much the page is wider than the screen.
const TOO_WIDE: &str =
    "document.documentElement.scrollWidth - document.documentElement.clientWidth";

/// Opens every fold.
const UNFOLD: &str = "document.querySelectorAll('details').forEach((one) => { one.open = true; })";

fn is_dark(browser: &mut Browser) -> bool {
    let back = browser.ask("getComputedStyle(document.body).backgroundColor").to_string();
    back == r#""rgb(13, 17, 23)""#
}

/// If this were red, somebody could not read it.
#[test]
fn every_text_stands_out_in_light_and_in_dark() {
    let Some(mut browser) = browser() else { return };
    let page = Page::of_check("contrast");
    for dark in [false, true] {
        browser.show((1280, 900), dark);
        browser.open(&page.0, "");
        assert_eq!(is_dark(&mut browser), dark);
        browser.ask(UNFOLD);
        assert_eq!(browser.ask(PALE), json!([]), "dark: {dark}");
        browser.open(&page.0, "#case-stock-C4");
        assert_eq!(browser.ask(PALE), json!([]), "in the viewer, dark: {dark}");
        browser.picture(if dark { "schedule-dark" } else { "schedule-light" });
    }
    browser.open(&page.0, "");
    browser.picture("check-dark");
    browser.ask("document.getElementById('states').scrollIntoView()");
    browser.picture("states-dark");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// If this were red, the button would not do what it says.
#[test]
fn the_theme_can_be_chosen_against_the_system() {
    let Some(mut browser) = browser() else { return };
    let page = Page::of_check("theme");
    browser.show((1280, 900), true);
    browser.open(&page.0, "");
    let mut seen = Vec::new();
    for _ in 0..4 {
        let name = browser.ask("document.querySelector('#theme span').textContent");
        seen.push((name.to_string(), is_dark(&mut browser)));
        browser.click("#theme");
    }
    let expected = [("as the system", true), ("light", false), ("dark", true)];
    let expected = expected.map(|(name, dark)| (format!("{name:?}"), dark));
    assert_eq!(seen[..3], expected);
    assert_eq!(seen[3], expected[0], "and around again");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// If this were red, a reader with a phone would have to push the page to and fro.
#[test]
fn on_a_phone_the_page_is_no_wider_than_the_screen() {
    let Some(mut browser) = browser() else { return };
    let page = Page::of_check("phone");
    for dark in [false, true] {
        browser.show((390, 844), dark);
        browser.open(&page.0, "");
        assert_eq!(browser.ask(TOO_WIDE), 0);
        browser.picture(if dark { "phone-dark" } else { "phone" });
        browser.ask(UNFOLD);
        assert_eq!(browser.ask(TOO_WIDE), 0, "with all of it unfolded");
        browser.open(&page.0, "#case-stock-C4");
        assert_eq!(browser.ask(TOO_WIDE), 0, "with a schedule");
        let wide = "(() => { const one = document.getElementById('viewer'); \
                    return one.scrollWidth - one.clientWidth; })()";
        assert_eq!(browser.ask(wide), 0, "in the viewer");
        browser.picture(if dark { "phone-schedule-dark" } else { "phone-schedule" });
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// If this were red, a mail client or a cautious reader would see nothing.
#[test]
fn without_scripts_the_matrix_and_every_drawing_are_there() {
    let Some(mut browser) = browser() else { return };
    let page = Page::of_check("bare");
    browser.show((1280, 900), false);
    browser.forbid_scripts();
    browser.open(&page.0, "");
    let cells = "[...document.querySelectorAll('#matrix td a')].map((one) => one.hash)";
    let cells = browser.ask(cells);
    let cells = cells.as_array().expect("cells");
    assert!(cells.len() > 40, "{}", cells.len());
    // A fold needs no script: each link leads to what is inside one, which unfolds it.
    let first = cells[0].as_str().expect("an address");
    browser.open(&page.0, first);
    let shown = format!(
        "(() => {{ const one = document.querySelector({first:?}); \
         return [one.closest('details').open, one.querySelector('svg').checkVisibility(), \
         one.querySelectorAll('.steps li').length > 0]; }})()"
    );
    assert_eq!(browser.ask(&shown), json!([true, true, true]));
    browser.picture("without-scripts");
    let hidden = "[document.getElementById('viewer').open, \
                  document.getElementById('theme').checkVisibility()]";
    assert_eq!(browser.ask(hidden), json!([false, false]), "what needs a script is not offered");
}

/// If this were red, a printed report would lack what was folded away.
#[test]
fn on_paper_everything_is_unfolded() {
    let Some(mut browser) = browser() else { return };
    let page = Page::of_check("paper");
    browser.show((1280, 900), true);
    browser.open(&page.0, "#case-stock-C4");
    let printed = browser.call("Page.printToPDF", json!({ "printBackground": false }));
    let folded = printed["data"].as_str().expect("a document").len();
    // It closes the viewer, and everything is folded again afterwards.
    let open = "[document.getElementById('viewer').open, \
                document.querySelectorAll('details[open]').length]";
    assert_eq!(browser.ask(open), json!([false, 0]));
    browser.ask(UNFOLD);
    let unfolded = browser.call("Page.printToPDF", json!({ "printBackground": false }));
    let unfolded = unfolded["data"].as_str().expect("a document").len();
    let ratio = folded as f64 / unfolded as f64;
    assert!((0.9..1.1).contains(&ratio), "{folded} and {unfolded} bytes");
    let media = json!({ "media": "print" });
    browser.call("Emulation.setEmulatedMedia", media);
    let seen = "[...document.querySelectorAll('header, .command button')]\
                .filter((one) => one.checkVisibility()).length";
    assert_eq!(browser.ask(seen), 0, "nothing that can be pressed");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// What a reader who listens is told of the page.
fn names(browser: &mut Browser) -> Vec<(String, String)> {
    let tree = browser.call("Accessibility.getFullAXTree", json!({}));
    let text = |node: &Value, of: &str| node[of]["value"].as_str().unwrap_or_default().to_owned();
    let nodes = tree["nodes"].as_array().expect("nodes").iter();
    nodes
        .filter(|node| node["ignored"] != true)
        .map(|node| (text(node, "role"), text(node, "name")))
        .collect()
}

/// If this were red, whoever listens to the page would hear a number and not of what.
#[test]
fn whoever_listens_hears_what_each_part_is() {
    let Some(mut browser) = browser() else { return };
    let page = Page::of_check("listen");
    browser.show((1280, 900), false);
    browser.open(&page.0, "");
    let heard = names(&mut browser);
    let hears = |role: &str, name: &str| {
        let is_it = |(is, named): &(String, String)| is == role && named.contains(name);
        assert!(heard.iter().any(is_it), "no {role} {name:?}");
    };
    hears("main", "");
    hears("heading", "23 designs, all as expected");
    hears("navigation", "Parts of the report");
    hears("table", "Designs and rules");
    hears("rowheader", "stock");
    hears("columnheader", "C1 last byte first");
    hears("link", "stock breaks C1, last byte first, in 3 steps");
    for role in ["link", "button", "slider", "table", "image", "img", "group", "region"] {
        let nameless = heard.iter().filter(|(is, name)| is == role && name.trim().is_empty());
        let nameless = nameless.filter(|(is, _)| is != "group").count();
        assert_eq!(nameless, 0, "a {role} has no name");
    }
    browser.click("a[href='#case-stock-C1']");
    let heard = names(&mut browser);
    let has = |role: &str, name: &str| heard.iter().any(|(is, named)| is == role && named == name);
    assert!(has("dialog", "stock: C1, last byte first"));
    assert!(has("slider", "Step"));
    assert!(has("button", "One step back (left)"));
    assert!(has("button", "Close (Escape)"));
}
