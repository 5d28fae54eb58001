use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::time::{self, Instant};

use super::{Signal, Supervised, Workspace};

/// Waits, at most ten seconds, until `condition` holds.
async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "not within ten seconds: {what}");
        time::sleep(Duration::from_millis(10)).await;
    }
}

fn start(workspace: &Workspace, script: &str) -> Supervised {
    workspace.spawn(Path::new("/bin/sh"), &["-c", script], workspace.path().join("log")).unwrap()
}

/// The state of the process that wrote its id first into its log, in ps's letters; empty if there is none.
fn state(process: &Supervised) -> String {
    let id = process.log().unwrap_or_default();
    let ps = Command::new("ps").args(["-o", "state=", "-p", id.trim()]).output().unwrap();
    String::from_utf8_lossy(&ps.stdout).trim().to_owned()
}

const FOR_EVER: &str = "echo $$; exec tail -f /dev/null";

#[tokio::test]
async fn a_dropped_process_is_dead_at_once_and_its_directory_stays_until_the_workspace_goes() {
    let workspace = Workspace::create().unwrap();
    let directory = workspace.path().to_path_buf();
    let process = start(&workspace, FOR_EVER);
    eventually("the process runs", || !state(&process).is_empty()).await;
    let id = process.log().unwrap();
    drop(process);
    assert!(!Command::new("ps").args(["-p", id.trim()]).output().unwrap().status.success());
    assert!(directory.exists());
    drop(workspace);
    assert!(!directory.exists());
}

#[tokio::test]
async fn the_end_of_a_process_is_noticed_with_how_and_what_it_said() {
    let workspace = Workspace::create().unwrap();
    let mut process = start(&workspace, "echo out; echo err >&2; exit 7");
    eventually("the process ends", || process.exit_status().unwrap().is_some()).await;
    assert_eq!(process.exit_status().unwrap().unwrap().code(), Some(7));
    assert_eq!(process.log().unwrap(), "out\nerr\n");
    assert_eq!(process.signal(Signal::Suspend).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_program_that_does_not_exist_ends_with_the_shells_complaint_in_the_log() {
    let workspace = Workspace::create().unwrap();
    let mut process = workspace.spawn(Path::new("/nonexistent"), &[""; 0], workspace.path().join("log")).unwrap();
    eventually("the process ends", || process.exit_status().unwrap().is_some()).await;
    assert_eq!(process.exit_status().unwrap().unwrap().code(), Some(127));
    assert!(process.log().unwrap().contains("/nonexistent"));
}

#[tokio::test]
async fn a_suspended_process_stands_still_and_goes_on() {
    let workspace = Workspace::create().unwrap();
    let mut process = start(&workspace, FOR_EVER);
    eventually("the process runs", || state(&process).starts_with('S')).await;
    process.signal(Signal::Suspend).unwrap();
    eventually("it stands still", || state(&process).starts_with('T')).await;
    process.signal(Signal::Resume).unwrap();
    eventually("it goes on", || state(&process).starts_with('S')).await;
}

#[tokio::test]
async fn a_suspended_process_dies_like_any_other() {
    let workspace = Workspace::create().unwrap();
    let mut process = start(&workspace, FOR_EVER);
    eventually("the process runs", || !state(&process).is_empty()).await;
    process.signal(Signal::Suspend).unwrap();
    let id = process.log().unwrap();
    drop(process);
    assert!(!Command::new("ps").args(["-p", id.trim()]).output().unwrap().status.success());
}

#[tokio::test]
async fn a_directory_outlives_its_owner_until_the_last_process_in_it_is_dead() {
    let workspace = Workspace::create().unwrap();
    let directory = workspace.path().to_path_buf();
    let process = start(&workspace, FOR_EVER);
    let owner = tokio::task::spawn_blocking(move || drop(workspace));
    assert!(directory.exists());
    drop(process);
    owner.await.unwrap();
    assert!(!directory.exists());
}
