//! A headless Chromium, spoken to over two pipes in the DevTools protocol.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// A browser with one page. What goes wrong in it is kept: see [`Browser::complaints`].
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    last: u64,
    session: Option<String>,
    events: Vec<Value>,
    profile: PathBuf,
    /// Whether no script of the page runs: it has no timers and draws when it likes.
    is_bare: bool,
}

static STARTED: AtomicU32 = AtomicU32::new(0);

/// The protocol goes over the descriptors 3 and 4, which are our pipes.
const START: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;

impl Browser {
    /// Starts one; none where there is no Chromium.
    pub(crate) fn start() -> Option<Self> {
        let program = program()?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let profile =
            env::temp_dir().join(format!("lastbyte-chromium-{}-{number}", std::process::id()));
        let mut child = Command::new("sh")
            .args(["-c", START])
            .arg(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-dev-shm-usage"])
            .args(["--force-color-profile=srgb", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let to = child.stdin.take().expect("it is piped");
        let from = BufReader::new(child.stdout.take().expect("it is piped"));
        let (last, session, events) = (0, None, Vec::new());
        let mut browser =
            Browser { child, to, from, last, session, events, profile, is_bare: false };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = browser.call(
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Asks, and waits for the answer.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut asked = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = &self.session {
            asked["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{asked}\0").as_bytes()).expect("the browser listens");
        loop {
            let mut told = self.next();
            if told["id"] == self.last {
                assert!(told.get("error").is_none(), "{method}: {told}");
                return told["result"].take();
            }
            self.events.push(told);
        }
    }

    fn next(&mut self) -> Value {
        let mut message = Vec::new();
        self.from.read_until(0, &mut message).expect("the browser speaks");
        assert_eq!(message.pop(), Some(0), "the browser has ended");
        serde_json::from_slice(&message).expect("JSON")
    }

    /// Opens a page, and waits until it is there.
    pub(crate) fn open(&mut self, file: &Path, fragment: &str) {
        // From elsewhere, so that only the fragment being new is a load too.
        for url in ["about:blank".to_owned(), format!("file://{}{fragment}", file.display())] {
            let before = self.events.len();
            self.call("Page.navigate", json!({ "url": url }));
            let is_load = |event: &Value| event["method"] == "Page.loadEventFired";
            while !self.events[before..].iter().any(is_load) {
                let told = self.next();
                self.events.push(told);
            }
        }
        self.settle();
    }

    /// What an expression comes to.
    pub(crate) fn ask(&mut self, expression: &str) -> Value {
        let asked = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true,
        });
        let mut told = self.call("Runtime.evaluate", asked);
        assert!(told.get("exceptionDetails").is_none(), "{expression}: {told}");
        told["result"]["value"].take()
    }

    /// From now on no script of a page runs.
    pub(crate) fn forbid_scripts(&mut self) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        self.is_bare = true;
    }

    /// Whatever the page has begun is done, and drawn.
    pub(crate) fn settle(&mut self) {
        if self.is_bare {
            return;
        }
        let drawn = "new Promise((done) => setTimeout(() => \
                     requestAnimationFrame(() => requestAnimationFrame(() => done(1)))))";
        self.ask(drawn);
    }

    /// Clicks with the mouse on the middle of an element, which is brought into view first.
    pub(crate) fn click(&mut self, selector: &str) {
        let at = self.ask(&format!(
            "(() => {{ const one = document.querySelector({selector:?}); \
             one.scrollIntoView({{ block: 'center', inline: 'center' }}); \
             const box = one.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for (kind, buttons) in [("mousePressed", 1), ("mouseReleased", 0)] {
            let event = json!({
                "type": kind, "x": at[0], "y": at[1], "button": "left", "buttons": buttons,
                "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", event);
        }
        self.settle();
    }

    /// Presses a key and lets it go.
    pub(crate) fn press(&mut self, key: &str) {
        let code = match key {
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "Home" => 36,
            "End" => 35,
            "Escape" => 27,
            "Enter" => 13,
            "Tab" => 9,
            _ => 0,
        };
        let mut event = json!({
            "type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code,
        });
        if key == "Enter" {
            event["text"] = json!("\r");
        } else if key.len() == 1 {
            event["text"] = json!(key);
        }
        self.call("Input.dispatchKeyEvent", event);
        self.call("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": key, "code": key }));
        self.settle();
    }

    /// How large the page is shown, and whether in dark.
    pub(crate) fn show(&mut self, (width, height): (u32, u32), dark: bool) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500,
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let value = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.call("Emulation.setEmulatedMedia", features);
    }

    /// Leaves a picture of what is shown, where pictures are wanted.
    pub(crate) fn picture(&mut self, name: &str) {
        let Some(folder) = env::var_os("LASTBYTE_SCREENSHOTS").map(PathBuf::from) else { return };
        let taken = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let bytes = STANDARD.decode(taken["data"].as_str().expect("a picture")).expect("base64");
        fs::create_dir_all(&folder).expect("a folder for pictures");
        fs::write(folder.join(format!("{name}.png")), bytes).expect("the picture is written");
    }

    /// What went wrong so far: errors, and whatever was asked of a network.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        // What was said before is said by now.
        self.settle();
        let complains = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Log.entryAdded" | "Runtime.consoleAPICalled") => true,
            Some("Network.requestWillBeSent") => {
                let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
                !["file:", "data:", "about:"].iter().any(|own| url.starts_with(own))
            }
            _ => false,
        };
        self.events.iter().filter(complains).map(Value::to_string).collect()
    }
}

/// The browser that is named, or the first that there is.
fn program() -> Option<PathBuf> {
    if let Some(named) = env::var_os("LASTBYTE_CHROMIUM") {
        return Some(named.into());
    }
    let path = env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file())
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        // It may be gone already; then there is nothing to end.
        let _told = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let mut rest = Vec::new();
        while matches!(self.from.read_until(0, &mut rest), Ok(1..)) {
            rest.clear();
        }
        let _ended = self.child.wait();
        let _gone = fs::remove_dir_all(&self.profile);
    }
}
