//! The manifests in `deploy/`: of the shape that their engines ask for, and each run as its engine would
//! run it, with its own words and variables, over fewer seeds.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde::de::Deserialize;
use serde_json::{Value, json};

const LASTBYTE: &str = env!("CARGO_BIN_EXE_lastbyte");

/// Set, the array is run by a Slurm of this machine: `tests/slurm/one-node` sets one up.
const SLURM: &str = "LASTBYTE_SLURM";

fn manifest(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name)
}

/// The documents of a file in YAML.
fn documents(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(manifest(name)).expect("the manifest is there");
    serde_yaml_ng::Deserializer::from_str(&text)
        .map(|document| Value::deserialize(document).expect("YAML that is JSON too"))
        .collect()
}

/// A folder of the test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("deploy-{name}"));
    let _old = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder of the test's own");
    folder
}

/// Nothing but these fields, and all of those without a question mark.
#[track_caller]
fn assert_fields(value: &Value, fields: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    for key in object.keys() {
        let known = fields.iter().any(|field| field.trim_end_matches('?') == key);
        assert!(known, "{key} is none of {fields:?}");
    }
    for field in fields.iter().filter(|field| !field.ends_with('?')) {
        assert!(object.contains_key(*field), "{field} is missing in {value}");
    }
}

fn words(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
}

/// As an engine would run it: with nothing of another engine's around.
fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name_of = name.to_string_lossy();
        let of_an_engine = ["SLURM_ARRAY", "CI_NODE", "JOB_COMPLETION", "LASTBYTE_SHARDS"];
        if of_an_engine.iter().any(|prefix| name_of.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// The words of a sweep with fewer seeds and a folder of ours.
fn smaller(words: &[String], out: &Path) -> Vec<String> {
    let mut words = words.to_vec();
    for (option, value) in [("--seeds", "0..40"), ("--out", out.to_str().expect("UTF-8"))] {
        let at = words.iter().position(|word| word == option).expect("the option is there");
        words[at + 1] = value.to_owned();
    }
    words
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    stderr
}

/// All parts together are the sweep.
#[track_caller]
fn assert_merged(out: &Path, files: usize) {
    let output = clean(LASTBYTE).args(["merge", "--json"]).arg(out).output().expect("it starts");
    succeeds(&output);
    let merged: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!((&merged["runs"], &merged["files"]), (&json!(40), &json!(files)), "{merged:#}");
}

/// If this were red, the Job would be refused by Kubernetes, or its pods run the wrong seeds.
#[test]
fn the_kubernetes_job_is_one_and_its_pods_are_the_parts() {
    let documents = documents("kubernetes.yaml");
    let [claim, job] = &documents[..] else { panic!("two documents") };
    assert_fields(claim, &["apiVersion", "kind", "metadata", "spec"]);
    assert_eq!(
        (&claim["apiVersion"], &claim["kind"]),
        (&json!("v1"), &json!("PersistentVolumeClaim"))
    );
    assert_eq!(claim["spec"]["accessModes"], json!(["ReadWriteMany"]), "all pods write");
    assert_fields(job, &["apiVersion", "kind", "metadata", "spec"]);
    assert_eq!((&job["apiVersion"], &job["kind"]), (&json!("batch/v1"), &json!("Job")));
    let spec = &job["spec"];
    assert_fields(
        spec,
        &["completionMode", "completions", "parallelism", "backoffLimitPerIndex?", "template"],
    );
    assert_eq!(spec["completionMode"], "Indexed");
    let completions = spec["completions"].as_u64().expect("a number");
    assert!(spec["parallelism"].as_u64().is_some_and(|it| (1..=completions).contains(&it)));
    let pod = &spec["template"]["spec"];
    assert_fields(
        pod,
        &[
            "restartPolicy",
            "terminationGracePeriodSeconds?",
            "securityContext",
            "containers",
            "volumes",
        ],
    );
    // What else is refused beside `backoffLimitPerIndex`.
    assert_eq!(pod["restartPolicy"], "Never");
    assert_eq!(pod["volumes"][0]["persistentVolumeClaim"]["claimName"], claim["metadata"]["name"]);
    let container = &pod["containers"][0];
    assert_eq!(container["command"], json!(["lastbyte"]));
    assert_eq!(container["volumeMounts"][0]["name"], pod["volumes"][0]["name"]);
    let mounted = container["volumeMounts"][0]["mountPath"].as_str().expect("a path");
    let args = words(&container["args"]);
    assert!(
        args.windows(2).any(|two| two[0] == "--out" && two[1].starts_with(mounted)),
        "{args:?}"
    );
    let variable = &container["env"][0];
    assert_eq!(variable["name"], "LASTBYTE_SHARDS");
    assert_eq!(variable["value"], completions.to_string(), "it must be the Job's completions");
    let out = folder("kubernetes");
    for index in 0..completions {
        let output = clean(LASTBYTE)
            .args(smaller(&args, &out))
            .env("LASTBYTE_SHARDS", completions.to_string())
            .env("JOB_COMPLETION_INDEX", index.to_string())
            .output();
        assert!(succeeds(&output.expect("it starts")).contains("the Kubernetes Job"));
    }
    assert_merged(&out, 16);
}

/// The script lines of a job that run us, split into words.
fn ours(lines: &[String]) -> Vec<Vec<String>> {
    let run = lines.iter().filter_map(|line| line.strip_prefix("target/release/lastbyte "));
    run.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// If this were red, GitLab would refuse the file, or its jobs run the wrong seeds.
#[test]
fn the_gitlab_jobs_are_the_parts_and_the_merge() {
    let documents = documents("gitlab.yml");
    let file = &documents[0];
    assert_fields(file, &["stages", ".lastbyte", "sweep", "merge"]);
    let (sweep, merge) = (&file["sweep"], &file["merge"]);
    assert_fields(sweep, &["extends", "stage", "parallel", "retry?", "script", "artifacts"]);
    assert_fields(merge, &["extends", "stage", "needs", "script"]);
    for job in [sweep, merge] {
        assert_eq!(job["extends"], ".lastbyte");
        assert!(words(&file["stages"]).iter().any(|stage| job["stage"] == stage.as_str()));
    }
    assert!(sweep["retry"].as_u64().is_some_and(|retry| retry <= 2), "GitLab has at most 2");
    assert_eq!(merge["needs"], json!(["sweep"]));
    assert_eq!(
        (&sweep["artifacts"]["when"], &sweep["artifacts"]["paths"]),
        (&json!("always"), &json!(["results"]))
    );
    assert_eq!(ours(&words(&merge["script"])), [["merge", "results"]]);
    let jobs = sweep["parallel"].as_u64().expect("a number");
    let line = ours(&words(&sweep["script"])).remove(0);
    let out = folder("gitlab");
    for index in 1..=jobs {
        let output = clean(LASTBYTE)
            .args(smaller(&line, &out))
            .env("CI_NODE_INDEX", index.to_string())
            .env("CI_NODE_TOTAL", jobs.to_string())
            .output();
        assert!(succeeds(&output.expect("it starts")).contains("the CI"));
    }
    assert_merged(&out, 8);
}

/// If this were red, GitHub would refuse the file, or its matrix run the wrong seeds.
#[test]
fn the_github_matrix_is_the_parts_and_the_merge() {
    let documents = documents("github.yml");
    let file = &documents[0];
    assert_fields(file, &["name", "on", "permissions", "jobs"]);
    assert_eq!(file["permissions"], json!({ "contents": "read" }));
    let (sweep, merge) = (&file["jobs"]["sweep"], &file["jobs"]["merge"]);
    assert_fields(sweep, &["runs-on", "timeout-minutes?", "strategy", "steps"]);
    assert_fields(merge, &["needs", "if", "runs-on", "steps"]);
    assert_eq!(merge["needs"], "sweep");
    assert_eq!(
        sweep["strategy"]["fail-fast"], false,
        "one part that fails is no reason to stop others"
    );
    let lines = |job: &Value| -> Vec<String> {
        let steps = job["steps"].as_array().expect("steps");
        for step in steps {
            assert_fields(step, &["uses?", "run?", "with?", "if?"]);
            assert_ne!(step.get("uses").is_some(), step.get("run").is_some(), "{step}");
        }
        steps.iter().filter_map(|step| step["run"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(ours(&lines(merge)), [["merge", "results"]]);
    let parts = sweep["strategy"]["matrix"]["part"].as_array().expect("a list").clone();
    assert_eq!(parts, (1..=parts.len()).map(|part| json!(part)).collect::<Vec<_>>());
    let line = lines(sweep).remove(1);
    let out = folder("github");
    for part in &parts {
        let line = line.replace("${{ matrix.part }}", &part.to_string());
        assert!(!line.contains("${{"), "{line}");
        let output = clean(LASTBYTE).args(smaller(&ours(&[line]).remove(0), &out)).output();
        assert_eq!(succeeds(&output.expect("it starts")), "");
    }
    assert_merged(&out, parts.len());
}

/// The options of the script's own lines for Slurm.
fn directives() -> Vec<String> {
    let text = fs::read_to_string(manifest("slurm.sh")).expect("the script is there");
    text.lines().filter_map(|line| line.strip_prefix("#SBATCH ")).map(str::to_owned).collect()
}

/// If this were red, the script would do something else than its array asks of it.
#[test]
fn the_slurm_script_runs_the_part_of_its_task() {
    let directives = directives();
    for option in ["--array=1-16", "--requeue", "--signal=TERM@60", "--cpus-per-task=1"] {
        assert!(directives.iter().any(|it| it == option), "{option} is not in {directives:?}");
    }
    let out = folder("slurm");
    for id in 1..=4 {
        let output = clean("bash")
            .arg(manifest("slurm.sh"))
            .env("LASTBYTE", LASTBYTE)
            .env("LASTBYTE_SEEDS", "0..40")
            .env("LASTBYTE_OUT", &out)
            .env("SLURM_ARRAY_TASK_ID", id.to_string())
            .env("SLURM_ARRAY_TASK_COUNT", "4")
            .env("SLURM_ARRAY_TASK_MIN", "1")
            .env("SLURM_ARRAY_TASK_STEP", "1")
            .output();
        assert!(succeeds(&output.expect("bash starts")).contains("the Slurm array"));
    }
    assert_merged(&out, 4);
    let without = clean("bash").arg(manifest("slurm.sh")).env("LASTBYTE", LASTBYTE).output();
    let without = without.expect("bash starts");
    assert!(!without.status.success());
    assert!(String::from_utf8_lossy(&without.stderr).contains("LASTBYTE_OUT"), "{without:?}");
}

/// If this were red, what the page says of Slurm would not be so on a real one. Runs where
/// `LASTBYTE_SLURM` is set: `tests/slurm/one-node` sets up a Slurm of one node and sets it.
#[test]
fn a_real_slurm_runs_the_array() {
    if std::env::var_os(SLURM).is_none() {
        eprintln!("not run: {SLURM} is not set");
        return;
    }
    let out = folder("real-slurm");
    let output = clean("sbatch")
        .args(["--wait", "--array=1-4", "--output"])
        .arg(out.join("%A-%a.log"))
        .arg(manifest("slurm.sh"))
        .env("LASTBYTE", LASTBYTE)
        .env("LASTBYTE_SEEDS", "0..40")
        .env("LASTBYTE_OUT", &out)
        .output();
    let output = output.expect("sbatch starts");
    let logs: Vec<String> = fs::read_dir(&out)
        .expect("the folder is there")
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "log"))
        .map(|entry| fs::read_to_string(entry.path()).expect("text"))
        .collect();
    assert!(output.status.success(), "{output:?} {logs:#?}");
    assert_eq!(logs.len(), 4, "{logs:#?}");
    for log in &logs {
        assert!(log.contains("as the variables of the Slurm array say"), "{log}");
    }
    assert_merged(&out, 4);
}
