use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::Error;

fn ended(output: &str) -> Error {
    Error::Ended {
        program: "kube-apiserver",
        status: ExitStatus::from_raw(1 << 8),
        output: output.to_owned(),
        logs: PathBuf::from("/before"),
    }
}

#[test]
fn a_taken_port_is_told_from_other_failures() {
    let line = r#"E1122 run.go:72] "command failed" err="failed to create listener: failed to listen on 127.0.0.1:23999: listen tcp 127.0.0.1:23999: bind: address already in use""#;
    assert!(ended(line).is_taken_port());
    assert!(!ended("Error: unknown flag: --nonsense").is_taken_port());
    assert!(!Error::Stopped.is_taken_port());
}

#[test]
fn a_process_that_ended_is_shown_with_how_what_it_said_and_where_its_logs_are() {
    let message = ended("  unknown flag\n").with_logs_in(Path::new("/after")).to_string();
    assert_eq!(message, "kube-apiserver ended (exit status: 1); logs are kept in /after; the last it said:\n  unknown flag\n");
}
