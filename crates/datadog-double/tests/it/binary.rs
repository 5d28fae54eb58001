//! The double as a process.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_datadog-double"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn address(child: &mut Child) -> String {
    BufReader::new(child.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap()
}

async fn get(address: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: double\r\nConnection: close\r\n{headers}\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn it_prints_its_address_first_and_has_the_three_organizations() {
    let mut child = command().spawn().unwrap();
    let address = address(&mut child).await;
    let state = get(&address, "/_double/state", "").await;
    assert!(["Payments", "Central", "Security"].iter().all(|name| state.contains(name)));
}

#[tokio::test]
async fn it_reads_its_configuration_and_writes_its_address_where_told() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (config, address_file) = (folder.join("double-config.json"), folder.join("double-address"));
    let text = r#"{"organizations": [{"id": "44444444-0000-4000-8000-000000000004", "name": "Lab", "limit": {"limit": 5, "period_seconds": 10},
        "credentials": [{"id": "lab", "api_key": "fake-api", "app_key": "fake-app", "permissions": ["org_connections_read"],
        "user": {"id": "44444444-0001-4000-8000-000000000004", "name": "Robot", "service_account": true}}]}],
        "behaviour": {"unknown_sink": "not_found", "sharing_limit": 5}}"#;
    std::fs::write(&config, text).unwrap();
    let mut child = command().arg("--config").arg(&config).arg("--print-address-to").arg(&address_file).spawn().unwrap();
    let address = address(&mut child).await;
    assert_eq!(std::fs::read_to_string(&address_file).unwrap().trim(), address);
    let answer = get(&address, crate::client::CONNECTIONS, "DD-API-KEY: fake-api\r\nDD-APPLICATION-KEY: fake-app\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("x-ratelimit-remaining: 4\r\n"));
}

#[tokio::test]
async fn a_configuration_it_cannot_use_is_named() {
    let output = command().args(["--config", "/nowhere/double.json"]).output().await.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("the configuration /nowhere/double.json cannot be used"));
}
