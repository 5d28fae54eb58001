//! The shipping binary as a process of its own.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::report;
use super::waiting::eventually;

/// How long the process may take to say its address, and to end after SIGTERM by its own promise of 5 s, on a machine that compiles.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which binary runs, and how it comes to both APIs.
#[derive(Clone)]
pub(crate) struct Way {
    /// The binary; the shipping one unless said otherwise.
    pub(crate) binary: PathBuf,
    /// Leads to the API server.
    pub(crate) kubeconfig: PathBuf,
    /// Leads to Datadog.
    pub(crate) datadog_url: String,
}

impl Default for Way {
    fn default() -> Self {
        Self { binary: env!("CARGO_BIN_EXE_crossorg").into(), kubeconfig: PathBuf::new(), datadog_url: String::new() }
    }
}

/// A running operator. It is killed when this is dropped, or when this process ends in whatever way.
pub(crate) struct Operator {
    child: Child,
    guard: Option<Child>,
    log: PathBuf,
    address: Option<SocketAddr>,
}

impl Operator {
    /// Starts it with these arguments, and returns when it has told its address.
    pub(super) async fn start(way: &Way, arguments: &[&str], log: PathBuf) -> Self {
        let mut command = Command::new(&way.binary);
        for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(proxy);
        }
        let child = command
            .args(arguments)
            .env("KUBECONFIG", &way.kubeconfig)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let guard = Some(guard_of(child.id()));
        let mut operator = Self { child, guard, log, address: None };
        operator.address = Some(eventually(PATIENCE, async || operator.told_address()).await.unwrap_or_else(|| panic!("no address told")));
        operator
    }

    fn told_address(&self) -> Option<SocketAddr> {
        let log = self.log();
        let told = log.split_once(" address=")?.1.split_whitespace().next()?;
        told.parse().ok()
    }

    /// Where it serves health and metrics.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address.unwrap()
    }

    /// Everything it has said.
    pub(crate) fn log(&self) -> String {
        std::fs::read(&self.log).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Status and body of a GET such as `/metrics`; `None` if it does not answer.
    pub(crate) async fn get(&self, path: &str) -> Option<(u16, String)> {
        let ask = async {
            let mut stream = TcpStream::connect(self.address?).await.ok()?;
            let request = format!("GET {path} HTTP/1.0\r\n\r\n");
            stream.write_all(request.as_bytes()).await.ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.ok()?;
            let (head, body) = answer.split_once("\r\n\r\n")?;
            Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
        };
        timeout(Duration::from_secs(5), ask).await.ok().flatten()
    }

    /// Whether `/readyz` says so.
    pub(crate) async fn is_ready(&self) -> bool {
        self.get("/readyz").await.is_some_and(|(status, _)| status == 200)
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let ended = self.child.try_wait().unwrap();
        if ended.is_some() {
            self.dismiss_guard();
        }
        ended
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.dismiss_guard();
        let child = std::cell::RefCell::new(&mut self.child);
        let ended = eventually(PATIENCE, async || child.borrow_mut().try_wait().unwrap()).await;
        ended.unwrap_or_else(|| panic!("still running {PATIENCE:?} after SIGTERM"))
    }

    /// Sends a signal by its name, such as `TERM`, `STOP` and `CONT`, unless the process has ended.
    pub(crate) fn signal(&mut self, signal: &str) {
        if self.ended().is_none() {
            // It has not been waited for, so that the id is still its own.
            assert!(Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap().success());
        }
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        self.dismiss_guard();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Once the operator has been waited for, its id may belong to another process: the guard has to go before.
    fn dismiss_guard(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            guard.kill().ok();
            guard.wait().ok();
        }
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.dismiss_guard();
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("{}", report::last_lines(&self.log.display().to_string(), &self.log()));
        }
    }
}

/// A shell that kills the process when the pipe from here closes, which it does also when this process is killed.
fn guard_of(id: u32) -> Child {
    let script = r#"cat >/dev/null; kill -s KILL "$1""#;
    Command::new("sh").args(["-c", script, "sh", &id.to_string()]).stdin(Stdio::piped()).spawn().unwrap()
}
