//! The process: its flags, its beginning without CRDs or cluster, health and metrics, its end within 5 s of being asked.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crossorg::api::{DatadogOrg, OrgConnection};
use datadog_double::{CENTRAL, Entry, Fault, PAYMENTS, Rule, When};
use tokio::time::Instant;
use xtask::controlplane::audit;

use crate::harness::{Operator, World, connection_id, plane};

/// What is promised for the end after SIGTERM.
const PROMISED_END: Duration = Duration::from_secs(5);
/// Failed watches are begun again after 30 s at most.
const CRDS_NOTICED: Duration = Duration::from_secs(45);
/// For a request to arrive at Datadog.
const SOON: Duration = Duration::from_secs(20);
/// What the keys of the fixture begin with, as they are and as base64, in which Secrets come.
const KEYS_BEGIN: [&str; 2] = ["fake-a", "ZmFrZS1h"];

/// Runs the binary to its end with nothing in the environment that it reads.
fn crossorg(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossorg"));
    for name in ["KUBECONFIG", "KUBERNETES_SERVICE_HOST", "CROSSORG_NAMESPACE", "CROSSORG_LISTEN", "CROSSORG_DATADOG_URL"] {
        command.env_remove(name);
    }
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Exit code and standard error of a run that has to fail.
fn refused(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let output = crossorg(arguments, environment);
    (output.status.code().unwrap(), text(&output.stderr))
}

// === Flags ===

#[test]
fn help_names_every_flag_with_its_environment_twin() {
    let output = crossorg(&["run", "--help"], &[]);
    let help = text(&output.stdout);
    assert!(output.status.success());
    let flags = "--datadog-url --leader-elect --lease-name --listen --log-format --log --metrics-per-object --namespace --observe-only";
    for flag in flags.split(' ') {
        let twin = format!("CROSSORG_{}", flag.trim_start_matches('-').to_uppercase().replace('-', "_"));
        assert!(help.contains(flag) && help.contains(&twin), "{flag} {twin}: {help}");
    }
    assert!(text(&crossorg(&["--help"], &[]).stdout).contains("crds"));
    assert!(text(&crossorg(&["--version"], &[]).stdout).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_flag_that_cannot_be_used_is_refused_with_a_reason() {
    let wrong = [
        (["--datadog-url", "127.0.0.1:80"], "such as http://"),
        (["--listen", "everywhere"], "--listen"),
        (["--log-format", "xml"], "text, json"),
        (["--log", "=nonsense=="], "--log"),
        (["--lisen", "0.0.0.0:1"], "--listen"),
        (["--lease-name", "Leader"], "lower-case"),
    ];
    for (flag, reason) in wrong {
        // If the flag were taken, the file that is missing would end the process.
        let (code, error) = refused(&[&["run"], &flag[..]].concat(), &[("KUBECONFIG", "/nonexistent")]);
        assert!(code == 2 && error.contains(reason), "{flag:?} ended with {code}: {error}");
    }
    for (twin, value) in [("CROSSORG_LISTEN", "everywhere"), ("CROSSORG_OBSERVE_ONLY", "perhaps")] {
        let (code, error) = refused(&["run"], &[("KUBECONFIG", "/nonexistent"), (twin, value)]);
        assert!(code == 2 && error.contains(value), "{code}: {error}");
    }
}

#[test]
fn without_a_cluster_it_says_how_to_name_one() {
    let (code, error) = refused(&["run", "--listen", "127.0.0.1:0"], &[("KUBECONFIG", "/nonexistent/kubeconfig")]);
    assert!(code == 1 && error.contains("/nonexistent/kubeconfig") && error.contains("KUBECONFIG"), "{code}: {error}");
    let (code, error) = refused(&["run", "--listen", "127.0.0.1:0"], &[("HOME", "/nonexistent")]);
    assert!(code == 1 && error.contains("KUBECONFIG"), "{code}: {error}");
}

#[test]
fn a_listen_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, error) = refused(&["run", "--listen", &address], &[("KUBECONFIG", "/nonexistent")]);
    assert!(code == 1 && error.contains(&address) && error.contains("--listen"), "{code}: {error}");
}

// === The beginning ===

/// Lists of a kind that the API server did not know.
fn lists_in_vain(world: &World, resource: &str) -> usize {
    let entries = audit::read(world.plane.audit_log()).unwrap();
    entries.iter().filter(|entry| entry.is_by("crossorg/") && entry.resource == resource && entry.code == 404).count()
}

#[tokio::test]
async fn it_waits_for_crds_names_the_command_once_and_then_works_by_itself() {
    let world = World::on(plane::bare().await, "late-crds").await;
    let operator = world.start_operator(&[]).await;
    world
        .until("both kinds were asked for again", async || {
            ["datadogorgs", "orgconnections"].iter().all(|kind| lists_in_vain(&world, kind) > 1).then_some(())
        })
        .await;
    assert_eq!(operator.get("/livez").await.map(|(status, _)| status), Some(200));
    let (status, missing) = operator.get("/readyz").await.unwrap();
    assert!(status == 503 && missing.contains("datadogorgs") && missing.contains("orgconnections"), "{status} {missing}");
    for kind in ["datadogorgs", "orgconnections"] {
        let told = operator.log().lines().filter(|line| line.contains(&format!("does not know {kind}: apply the CRDs"))).count();
        assert_eq!(told, 1, "{}", operator.log());
    }

    let crds = crossorg(&["crds"], &[]);
    let applied = world.kubectl(&["apply", "--server-side", "-f", "-"], &text(&crds.stdout)).await;
    assert!(crds.status.success() && applied.status.success(), "{}", text(&applied.stderr));
    world
        .kubectl_text(&["wait", "--for", "condition=Established", "crd/datadogorgs.crossorg.dev", "crd/orgconnections.crossorg.dev"])
        .await;
    world.org("payments").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.comes_to::<DatadogOrg>("payments", "Connected", CRDS_NOTICED).await;
    world.comes_to::<OrgConnection>("to-central", "InSync", CRDS_NOTICED).await;
    assert!(operator.is_ready().await);
}

#[tokio::test]
async fn health_and_metrics_are_served() {
    let world = World::new("served").await;
    let operator = world.operator().await;
    world.org("payments").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(operator.get(path).await, Some((200, "ok\n".to_owned())));
    }
    let (status, metrics) = operator.get("/metrics").await.unwrap();
    let samples: Vec<&str> = metrics.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(status == 200 && metrics.ends_with("# EOF\n") && !samples.is_empty(), "{metrics}");
    assert!(samples.iter().all(|sample| sample.starts_with("crossorg_")), "{metrics}");
    assert!(!metrics.contains("to-central"), "no series is named after an object: {metrics}");
    assert_eq!(operator.get("/elsewhere").await.map(|(status, _)| status), Some(404));
}

#[tokio::test]
async fn a_probe_says_what_the_operator_says_and_fails_with_it() {
    let world = World::on(plane::bare().await, "probed").await;
    let operator = world.start_operator(&[]).await;
    let probe = |path: &str| crossorg(&["probe", &format!("http://{}{path}", operator.address())], &[("HTTP_PROXY", "http://127.0.0.1:1")]);
    let alive = probe("/livez");
    assert!(alive.status.success() && alive.stdout == b"ok\n", "{alive:?}");
    let not_ready = text(&probe("/readyz").stderr);
    assert!(not_ready.contains("/readyz answers 503") && not_ready.contains("orgconnections"), "{not_ready}");
    let (code, error) = refused(&["probe", "http://127.0.0.1:1/readyz"], &[]);
    assert!(code == 1 && error.contains("http://127.0.0.1:1/readyz does not answer"), "{code}: {error}");
    assert_eq!(refused(&["probe", "localhost"], &[]).0, 2);
}

/// The samples of a scrape, without the numbers.
async fn series(operator: &Operator) -> Vec<String> {
    let text = operator.get("/metrics").await.unwrap().1;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series.to_owned()).collect()
}

#[tokio::test]
async fn metrics_speak_of_what_is_there_and_of_nothing_else() {
    let world = World::new("measured").await;
    let operator = world.start_operator(&["--metrics-per-object"]).await;
    world.org("payments").await;
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    let of = |name: &str| format!("namespace=\"measured\",name=\"{name}\"");
    let expected = [
        format!("crossorg_connection_ready{{{}}}", of("to-central")),
        format!("crossorg_inventory_age_seconds{{{}}}", of("payments")),
        format!("crossorg_datadog_requests_total{{{},call=\"create\",class=\"ok\",result=\"ok\"}}", of("payments")),
        "crossorg_connections{reason=\"InSync\"}".to_owned(),
        "crossorg_organizations{reason=\"Connected\"}".to_owned(),
        "crossorg_changes_total{change=\"created\"}".to_owned(),
        "crossorg_datadog_request_duration_seconds_count{call=\"list\"}".to_owned(),
    ];
    let shown = async || {
        let series = series(&operator).await;
        expected.iter().all(|expected| series.contains(expected)).then_some(())
    };
    world.until("every series is shown", shown).await;

    world.advance(Duration::from_secs(61));
    world.delete::<OrgConnection>("to-central").await;
    world.gone::<OrgConnection>("to-central").await;
    world.delete::<DatadogOrg>("payments").await;
    world.gone::<DatadogOrg>("payments").await;
    let gone = async || (!series(&operator).await.iter().any(|series| series.contains("namespace="))).then_some(());
    world.until("the series have ended with their objects", gone).await;
    let text = operator.get("/metrics").await.unwrap().1;
    let mut counts = text.lines().filter(|line| line.contains("reason="));
    assert!(counts.clone().count() > 0 && counts.all(|line| line.ends_with("} 0")), "every reason is said to stand nowhere: {text}");
}

#[tokio::test]
async fn not_even_the_most_talkative_log_shows_a_key() {
    let world = World::new("talkative").await;
    world.org("payments").await;
    let kubeconfig = format!("KUBECONFIG={}", world.plane.kubeconfig().display());
    let own = ["--datadog-url", &world.datadog_url, "--namespace", &world.namespace, "--listen", "127.0.0.1:0"];
    let arguments = [&[kubeconfig.as_str(), env!("CARGO_BIN_EXE_crossorg"), "run", "--log", "trace", "--log-format", "json"], &own[..]];
    let operator = world.plane.spawn(Path::new("env"), &arguments.concat(), "talkative.log").unwrap();
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("to-central").await;
    let log = operator.log().unwrap();
    assert!(log.lines().count() > 100 && log.lines().all(|line| line.starts_with('{')), "this is no talkative log");
    for key in KEYS_BEGIN {
        let found = log.lines().find(|line| line.contains(key));
        assert!(found.is_none(), "{found:?}");
    }
}

// === The end ===

/// Asks it to end, and holds it to its promise.
async fn ends_as_promised(operator: &mut Operator) {
    let asked = Instant::now();
    let status = operator.terminate().await;
    let took = asked.elapsed();
    assert!(status.success() && took < PROMISED_END, "{status} after {took:?}");
}

/// An operator that is just creating a connection, and the rule that holds the answer.
async fn creating(world: &World) -> (Operator, u64) {
    world.org("payments").await;
    let operator = world.operator().await;
    let rule = world.datadog.script(Rule::new(Fault::Hold { when: When::After }).method("POST"));
    world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.datadog.wait(SOON, |journal| journal.iter().any(|entry| entry.held.is_some())).await.unwrap();
    (operator, rule)
}

/// The object is ready with the one connection that there is, and nothing was created but that.
async fn holds_the_only_connection(world: &World) {
    let object = world.ready("to-central").await;
    assert_eq!(connection_id(&object), world.datadog.connection(PAYMENTS, CENTRAL).unwrap().id.to_string());
    assert_eq!(world.counts().remote_writes(), (1, 0, 0));
    assert!(world.datadog.violations().is_empty());
}

#[tokio::test]
async fn it_ends_at_once_when_nothing_is_under_way() {
    let world = World::new("ends-idle").await;
    world.org("payments").await;
    let mut operator = world.operator().await;
    world.org_ready("payments").await;
    ends_as_promised(&mut operator).await;
}

#[tokio::test]
async fn a_call_that_is_answered_while_it_ends_is_recorded() {
    let world = World::new("ends-answered").await;
    let (mut operator, rule) = creating(&world).await;
    operator.signal("TERM");
    world.until("it has heard the signal", async || operator.log().contains("asked to end").then_some(())).await;
    world.datadog.release(rule).unwrap();
    ends_as_promised(&mut operator).await;
    holds_the_only_connection(&world).await;
}

#[tokio::test]
async fn a_call_that_is_not_answered_when_it_ends_is_looked_up_by_the_next_process() {
    let world = World::new("ends-held").await;
    let (mut operator, rule) = creating(&world).await;
    ends_as_promised(&mut operator).await;
    world.datadog.release(rule).unwrap();
    let _next = world.operator().await;
    holds_the_only_connection(&world).await;
}

#[tokio::test]
async fn it_ends_in_time_while_the_api_server_hangs_also_at_its_beginning() {
    let world = World::on(plane::private().await, "ends-hanging").await;
    let (mut operator, rule) = creating(&world).await;
    world.plane.suspend_api_server().unwrap();
    world.datadog.release(rule).unwrap();
    let answered = |journal: &[Entry]| journal.iter().any(|entry| entry.method == "POST" && entry.ended_millis.is_some());
    world.datadog.wait(SOON, answered).await.unwrap();
    ends_as_promised(&mut operator).await;

    let mut next = world.start_operator(&[]).await;
    assert_eq!(next.get("/readyz").await.map(|(status, _)| status), Some(503));
    ends_as_promised(&mut next).await;

    world.plane.resume_api_server().unwrap();
    let _last = world.operator().await;
    holds_the_only_connection(&world).await;
}
