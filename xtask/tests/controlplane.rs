//! The control plane for real: it starts, works, hangs and goes on when told to, and leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "test code; the helpers here are not recognised as such")]

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams};
use tokio::time::{self, Instant};
use xtask::controlplane::{ControlPlane, Options, audit};

type Outcome = Result<(), Box<dyn Error>>;

/// Waits, at most half a minute, until `condition` holds.
async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition().await {
        assert!(Instant::now() < deadline, "not within half a minute: {what}");
        time::sleep(Duration::from_millis(50)).await;
    }
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }
}

fn text(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let output = command.output()?;
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Processes that have the directory in their command line: the control plane's, and their supervisors.
fn processes_of(directory: &Path) -> usize {
    let listed = text(Command::new("ps").args(["-A", "-o", "args="])).unwrap();
    listed.lines().filter(|line| line.contains(directory.to_str().unwrap())).count()
}

#[tokio::test]
async fn a_control_plane_works_and_leaves_nothing() -> Outcome {
    let control_plane = ControlPlane::start(Options::default()).await?;
    let directory = control_plane.kubeconfig().parent().unwrap().to_path_buf();
    kubectl_and_server_tell_the_version(&control_plane)?;
    owned_objects_and_namespaces_go_away(&control_plane).await?;
    requests_are_in_the_audit_log_with_their_answer(&control_plane).await?;
    a_service_accounts_token_is_accepted_and_bound_by_rbac(&control_plane)?;
    assert!(processes_of(&directory) > 0);
    drop(control_plane);
    assert_eq!((processes_of(&directory), directory.exists()), (0, false));
    Ok(())
}

fn kubectl_and_server_tell_the_version(control_plane: &ControlPlane) -> Outcome {
    let versions: serde_json::Value = serde_json::from_str(&text(control_plane.kubectl().args(["version", "-o", "json"]))?)?;
    assert_eq!(
        (&versions["clientVersion"]["gitVersion"], &versions["serverVersion"]["gitVersion"]),
        (&"v1.37.1".into(), &"v1.37.1".into())
    );
    Ok(())
}

async fn owned_objects_and_namespaces_go_away(control_plane: &ControlPlane) -> Outcome {
    let namespaces: Api<Namespace> = Api::all(control_plane.client()?);
    namespaces.create(&PostParams::default(), &Namespace { metadata: named("team-a"), ..Namespace::default() }).await?;
    let maps: Api<ConfigMap> = Api::namespaced(control_plane.client()?, "team-a");
    let owner = maps.create(&PostParams::default(), &ConfigMap { metadata: named("owner"), ..ConfigMap::default() }).await?;
    let reference = OwnerReference {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        name: "owner".to_owned(),
        uid: owner.metadata.uid.unwrap(),
        ..OwnerReference::default()
    };
    let owned = ConfigMap { metadata: ObjectMeta { owner_references: Some(vec![reference]), ..named("owned") }, ..ConfigMap::default() };
    maps.create(&PostParams::default(), &owned).await?;
    maps.delete("owner", &DeleteParams::default()).await?;
    eventually("the owned object goes with its owner", async || maps.get_opt("owned").await.unwrap().is_none()).await;
    namespaces.delete("team-a", &DeleteParams::default()).await?;
    eventually("the namespace is gone", async || namespaces.get_opt("team-a").await.unwrap().is_none()).await;
    Ok(())
}

async fn requests_are_in_the_audit_log_with_their_answer(control_plane: &ControlPlane) -> Outcome {
    let mut config = control_plane.config();
    config.headers = vec![("user-agent".parse()?, "crossorg/test".parse()?)];
    let maps: Api<ConfigMap> = Api::namespaced(kube::Client::try_from(config)?, "default");
    let map = ConfigMap { metadata: named("audited"), ..ConfigMap::default() };
    maps.create(&PostParams::default(), &map).await?;
    assert!(maps.create(&PostParams::default(), &map).await.is_err());
    maps.get("audited").await?;
    let entries = audit::read(control_plane.audit_log())?;
    let ours: Vec<_> = entries.iter().filter(|entry| entry.is_by("crossorg/") && entry.namespace == "default").collect();
    let codes: Vec<(&str, u16)> = ours.iter().map(|entry| (entry.verb.as_str(), entry.code)).collect();
    assert_eq!(codes, [("create", 201), ("create", 409), ("get", 200)]);
    assert_eq!(ours.iter().filter(|entry| entry.is_write()).count(), 2);
    Ok(())
}

fn a_service_accounts_token_is_accepted_and_bound_by_rbac(control_plane: &ControlPlane) -> Outcome {
    text(control_plane.kubectl().args(["create", "serviceaccount", "reader"]))?;
    let token = text(control_plane.kubectl().args(["create", "token", "reader"]))?;
    let kubeconfig = control_plane.kubeconfig_for_token(token.trim(), "default")?;
    let who = text(control_plane.kubectl().env("KUBECONFIG", &kubeconfig).args([
        "auth",
        "whoami",
        "-o",
        "jsonpath={.status.userInfo.username}",
    ]))?;
    assert_eq!(who, "system:serviceaccount:default:reader");
    let refused = control_plane.kubectl().env("KUBECONFIG", &kubeconfig).args(["get", "secrets"]).output()?;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Forbidden"), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn an_api_server_hangs_stops_and_comes_back_with_its_data() -> Outcome {
    let control_plane = ControlPlane::start(Options { controller_manager: false, ..Options::default() }).await?;
    let namespaces: Api<Namespace> = Api::all(control_plane.client()?);
    namespaces.create(&PostParams::default(), &Namespace { metadata: named("kept"), ..Namespace::default() }).await?;

    control_plane.suspend_api_server()?;
    assert!(time::timeout(Duration::from_secs(1), namespaces.get("kept")).await.is_err(), "a suspended API server answered");
    control_plane.resume_api_server()?;
    time::timeout(Duration::from_secs(30), namespaces.get("kept")).await??;

    control_plane.stop_api_server();
    assert!(namespaces.get("kept").await.is_err(), "a stopped API server answered");
    assert!(control_plane.suspend_api_server().is_err());
    control_plane.start_api_server().await?;
    control_plane.start_api_server().await?;
    let again: Api<Namespace> = Api::all(control_plane.client()?);
    again.get("kept").await?;
    Ok(())
}

/// `xtask controlplane run`, once it says that it is ready, and its directory.
fn running_command() -> Result<(Child, PathBuf), Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask")).args(["controlplane", "run"]).stdout(Stdio::piped()).spawn()?;
    let first_line = BufReader::new(command.stdout.take().unwrap()).lines().next().ok_or("it ended before it was ready")??;
    let kubeconfig = first_line.strip_prefix("export KUBECONFIG=").ok_or_else(|| first_line.clone())?;
    Ok((command, Path::new(kubeconfig).parent().unwrap().to_path_buf()))
}

#[tokio::test]
async fn a_killed_process_leaves_no_process_and_no_directory() -> Outcome {
    let (mut command, directory) = running_command()?;
    assert!(processes_of(&directory) > 0);
    command.kill()?;
    command.wait()?;
    eventually("nothing is left", async || processes_of(&directory) == 0 && !directory.exists()).await;
    Ok(())
}

#[tokio::test]
async fn a_failed_start_says_what_ended_and_keeps_its_logs() -> Outcome {
    let options = Options { ready_within: Duration::ZERO, ..Options::default() };
    let error = ControlPlane::start(options).await.unwrap_err();
    let xtask::controlplane::Error::NotReady { program, logs, .. } = &error else { return Err(error.into()) };
    assert_eq!(*program, "kube-apiserver");
    let kept: Vec<_> = std::fs::read_dir(logs)?.collect::<Result<_, _>>()?;
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert_eq!(processes_of(&logs.with_extension("")), 0);
    std::fs::remove_dir_all(logs)?;
    Ok(())
}
