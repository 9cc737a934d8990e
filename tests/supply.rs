//! What is built into lastbyte, held to `deny.toml` and to the list in `SECURITY.md`: licences, sources,
//! bans, double versions, features. Needs no network and no tool but cargo.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn toml(path: &str) -> toml::Table {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn cargo(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(words).current_dir(root()).output();
    let output = output.expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The packages that are built for Linux.
fn packages() -> Vec<Value> {
    let words = ["metadata", "--locked", "--format-version", "1", "--all-features"];
    let platform = ["--filter-platform", "x86_64-unknown-linux-gnu"];
    let metadata: Value =
        serde_json::from_str(&cargo(&[&words[..], &platform].concat())).expect("an object");
    let packages = metadata["packages"].as_array().expect("packages").clone();
    assert!(packages.len() > 100, "not all are there");
    packages
}

fn name(package: &Value) -> &str {
    package["name"].as_str().expect("a name")
}

/// The words of a list in `deny.toml`.
fn words(list: &toml::Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
}

/// The crates of a list of tables in `deny.toml`, each with its reason.
fn crates(list: &toml::Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list");
    let named = list.iter().map(|entry| {
        let reason = entry["reason"].as_str().unwrap_or_default();
        assert!(!reason.is_empty(), "{entry:?} has no reason");
        entry["crate"].as_str().expect("a name").to_owned()
    });
    named.collect()
}

/// Whether an expression (SPDX, annex D; and the old form with a slash) allows use under one of these.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let mut at = 0;
    let is_allowed = any(&tokens, &mut at, allowed);
    assert_eq!(at, tokens.len(), "{expression:?} is no expression that this test can read");
    is_allowed
}

fn any(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut is = all(tokens, at, allowed);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        is |= all(tokens, at, allowed);
    }
    is
}

fn all(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut is = one(tokens, at, allowed);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        is &= one(tokens, at, allowed);
    }
    is
}

fn one(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let token = tokens.get(*at).expect("a licence");
    *at += 1;
    if *token == "(" {
        let is = any(tokens, at, allowed);
        assert_eq!(tokens.get(*at), Some(&")"), "{tokens:?}");
        *at += 1;
        return is;
    }
    let mut licence = (*token).to_owned();
    if tokens.get(*at) == Some(&"WITH") {
        let exception = tokens.get(*at + 1).expect("an exception");
        licence += &format!(" WITH {exception}");
        *at += 2;
    }
    allowed.contains(&licence)
}

/// If this were red, the test below would take a licence for another.
#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "A WITH B".to_owned()]);
    for (expression, is) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(GPL-3.0 OR MIT) AND GPL-3.0", false),
        ("A WITH B", true),
        ("A", false),
        ("GPL-3.0 OR MIT AND GPL-3.0", false),
        // AND binds more closely, unless parentheses say otherwise.
        ("MIT OR GPL-3.0 AND GPL-3.0", true),
        ("(MIT OR GPL-3.0) AND GPL-3.0", false),
        ("MIT AND (GPL-3.0 OR MIT)", true),
    ] {
        assert_eq!(is_allowed(expression, &allowed), is, "{expression}");
    }
}

/// If this were red, whoever ships lastbyte would owe something that nobody told him of.
#[test]
fn every_licence_is_one_of_those_that_are_allowed() {
    let deny = toml("deny.toml");
    let allowed = words(&deny["licenses"]["allow"]);
    let exceptions: BTreeMap<String, BTreeSet<String>> = deny["licenses"]["exceptions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| (it["crate"].as_str().expect("a name").to_owned(), words(&it["allow"])))
        .collect();
    let mut used = BTreeSet::new();
    for package in packages() {
        let expression = package["license"].as_str().expect("a licence");
        let is = is_allowed(expression, &allowed);
        let exception = exceptions.get(name(&package));
        if exception.is_some_and(|allowed| !is && is_allowed(expression, allowed)) {
            used.insert(name(&package).to_owned());
        } else {
            assert!(is, "{} is under {expression}", name(&package));
        }
    }
    assert_eq!(used, exceptions.into_keys().collect(), "exceptions that nothing needs");
}

/// If this were red, code would be built that no registry has a checksum of.
#[test]
fn every_source_is_the_registry_or_this_workspace() {
    let deny = toml("deny.toml");
    let registries = words(&deny["sources"]["allow-registry"]);
    for package in packages() {
        let Some(source) = package["source"].as_str() else {
            let manifest = package["manifest_path"].as_str().expect("a path");
            assert!(Path::new(manifest).starts_with(root()), "{manifest} is not of this workspace");
            continue;
        };
        let of = source.strip_prefix("registry+").unwrap_or_default();
        assert!(registries.contains(of), "{} comes from {source}", name(&package));
    }
    for package in toml("Cargo.lock")["package"].as_array().expect("packages") {
        let has_checksum = package.get("checksum").is_some();
        assert_eq!(has_checksum, package.get("source").is_some(), "{package:?}");
    }
}

/// If this were red, what is banned would be built, or twice what is once enough.
#[test]
fn nothing_is_banned_and_nothing_is_there_twice_unsaid() {
    let deny = toml("deny.toml");
    let banned = crates(&deny["bans"]["deny"]);
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        let version = package["version"].as_str().expect("a version").to_owned();
        versions.entry(name(&package).to_owned()).or_default().insert(version);
    }
    let found: Vec<&String> = versions.keys().filter(|name| banned.contains(*name)).collect();
    assert_eq!(found, Vec::<&String>::new());
    let twice: BTreeSet<String> = versions
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        twice,
        crates(&deny["bans"]["skip"]),
        "two versions at once, and what deny.toml skips"
    );
}

/// If this were red, a dependency would bring in what nobody asked for, or a wildcard whatever is newest.
#[test]
fn every_dependency_says_its_features_and_its_version() {
    for manifest in ["Cargo.toml", "sim/Cargo.toml"] {
        let read = toml(manifest);
        for (name, said) in read["dependencies"].as_table().expect("dependencies") {
            if said.get("path").is_some() {
                continue;
            }
            let defaults = said.get("default-features").and_then(toml::Value::as_bool);
            assert_eq!(defaults, Some(false), "{manifest}: {name} says nothing of its features");
            let version = said["version"].as_str().expect("a version");
            assert!(!version.contains('*'), "{manifest}: {name} {version}");
        }
    }
}

/// What `SECURITY.md` lists as built into a program that uses lastbyte, by the features it asks for.
fn listed(features: &str) -> BTreeSet<String> {
    let page = read("SECURITY.md");
    let row = page
        .lines()
        .find(|line| line.starts_with(&format!("| `{features}` |")))
        .unwrap_or_else(|| panic!("SECURITY.md has no row for {features}"));
    row.split('|').nth(2).expect("a list").split(',').map(|name| name.trim().to_owned()).collect()
}

/// If this were red, somebody else's code would have come into the product, and nobody looked at it.
#[test]
fn what_is_built_into_the_product_is_what_security_md_lists() {
    for features in ["std", "process", "tokio", "json", "remote"] {
        let words = ["tree", "--locked", "--package", "lastbyte", "--edges", "normal"];
        let form = ["--prefix", "none", "--format", "{p}", "--target", "x86_64-unknown-linux-gnu"];
        let asked = ["--no-default-features", "--features", features];
        let tree = cargo(&[&words[..], &form, &asked].concat());
        let mut built: BTreeSet<String> = tree
            .lines()
            .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
            .collect();
        assert!(built.remove("lastbyte"), "{tree}");
        if built.is_empty() {
            built.insert("nothing".to_owned());
        }
        assert_eq!(built, listed(features), "{features}");
    }
}

/// If this were red, unsafe code would stand where nobody argues it.
#[test]
fn unsafe_code_stands_where_the_docs_say_and_is_argued() {
    let page = read("docs/architecture.md");
    let mut folders = vec![root().join("src"), root().join("sim/src"), root().join("sim/examples")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("text");
            let code: Vec<&str> =
                text.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
            let blocks = code.iter().filter(|line| line.contains("unsafe {")).count();
            let shown = path.strip_prefix(root().join("src")).unwrap_or(&path);
            let arguments = text.matches("// SAFETY:").count();
            assert!(
                blocks <= arguments,
                "{}: {blocks} blocks, {arguments} reasons",
                shown.display()
            );
            let shown = shown.display().to_string();
            let named = page.contains(&format!("`{shown}`")) || shown.starts_with("capi/");
            assert!(blocks == 0 || named, "{shown} is not named in docs/architecture.md");
        }
    }
    for safe in ["sim/src/lib.rs", "sim/src/lastbyte.rs", "sim/examples/your-stack/src/main.rs"] {
        assert!(read(safe).contains("#![forbid(unsafe_code)]"), "{safe} forbids no unsafe code");
    }
}
