//! A real control plane for tests and demo: etcd, kube-apiserver, kube-controller-manager, kubectl. Talks to the operating system.
//!
//! ```no_run
//! use xtask::controlplane::{ControlPlane, Options};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let control_plane = ControlPlane::start(Options::default()).await?;
//! let client = control_plane.client()?;
//! assert!(control_plane.kubectl().args(["create", "namespace", "team-a"]).status()?.success());
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - Nothing survives: when the value is dropped, or this process ends in whatever way, every process is killed and the directory is
//!   removed. Only the logs of a failed start stay; the error names them.
//! - Any number run side by side. Only the API server listens on a port, on the loopback address; etcd listens on a socket in the
//!   temporary directory, the controller manager not at all.
//!
//! # Assumptions
//!
//! A Unix with `sh`. Linux and macOS have been thought of.

pub mod audit;
mod binaries;
mod boot;
mod credentials;
mod error;
mod files;
mod port;
mod process;
mod supervise;

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use self::binaries::{Binaries, Error as BinariesError};
pub use self::error::Error;
pub use self::supervise::Supervised;

use self::binaries::Program;
use self::boot::Running;
use self::files::Files;
use self::process::{Process, wait_until_ready};
use self::supervise::{Signal, Workspace};

/// Attempts to start, each with another port, when somebody takes the port between its choice and its use.
const ATTEMPTS: usize = 3;

/// What is started, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Also kube-controller-manager: namespaces and owned objects go away only with it.
    pub controller_manager: bool,
    /// How long each process may take until it is ready. A minute, against the few seconds that it takes, leaves room for a
    /// machine that compiles beside it.
    pub ready_within: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { controller_manager: true, ready_within: Duration::from_secs(60) }
    }
}

/// A running control plane; it ends when this value is dropped or this process ends.
#[derive(Debug)]
pub struct ControlPlane {
    // Fields drop in this order: who asks before who answers, and the directory last.
    _controller_manager: Option<Process>,
    api_server: Mutex<Option<Process>>,
    _etcd: Process,
    workspace: Workspace,
    binaries: Binaries,
    files: Files,
    port: u16,
    kubeconfig: PathBuf,
    audit_log: PathBuf,
    config: kube::Config,
    ready_within: Duration,
}

impl ControlPlane {
    /// Starts a control plane and returns when it is ready: a few seconds, and minutes more when its binaries have to be built.
    ///
    /// # Errors
    ///
    /// When there are no binaries, or a process ends or does not get ready in time: then with the end of its log.
    pub async fn start(options: Options) -> Result<ControlPlane, Error> {
        let find = move || Binaries::ensure(options.controller_manager);
        let binaries = tokio::task::spawn_blocking(find).await.expect("ensure returns its failures and does not panic")?;
        for _ in 1..ATTEMPTS {
            match ControlPlane::attempt(&binaries, options).await {
                Err(error) if error.is_taken_port() => {}
                outcome => return outcome,
            }
        }
        ControlPlane::attempt(&binaries, options).await
    }

    async fn attempt(binaries: &Binaries, options: Options) -> Result<ControlPlane, Error> {
        let workspace = Workspace::create().map_err(Error::io("create a directory in", &env::temp_dir()))?;
        let running = boot::boot(&workspace, binaries, options).await.map_err(|error| keep_logs(&workspace, error))?;
        let Running { controller_manager, api_server, etcd, files, port, config } = running;
        Ok(ControlPlane {
            _controller_manager: controller_manager,
            api_server: Mutex::new(Some(api_server)),
            _etcd: etcd,
            workspace,
            binaries: binaries.clone(),
            kubeconfig: files.kubeconfig(),
            audit_log: files.audit_log(),
            files,
            port,
            config,
            ready_within: options.ready_within,
        })
    }

    /// The administrator's kubeconfig. It refers to no other file, so that it can be copied.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A kubeconfig for the bearer of `token`, such as one that `kubectl create token` prints, who is at home in `namespace`, as a pod
    /// is. It goes with the control plane.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn kubeconfig_for_token(&self, token: &str, namespace: &str) -> Result<PathBuf, Error> {
        let text = boot::kubeconfig(&self.files, self.port, token, namespace).map_err(Error::Kubeconfig)?;
        let directory = self.workspace.path();
        let unique =
            tempfile::Builder::new().prefix("kubeconfig-").tempfile_in(directory).map_err(Error::io("create a file in", directory))?;
        let path = unique.into_temp_path().keep().map_err(|error| Error::io("keep", directory)(error.error))?;
        files::write(&path, &text)?;
        Ok(path)
    }

    /// `kubectl`, as the administrator.
    #[must_use]
    pub fn kubectl(&self) -> Command {
        let mut command = Command::new(self.binaries.path(Program::Kubectl));
        command.env("KUBECONFIG", self.kubeconfig());
        command
    }

    /// What a client needs to be the administrator. It does not retry, and its user agent is not the operator's.
    #[must_use]
    pub fn config(&self) -> kube::Config {
        self.config.clone()
    }

    /// An administrator's client for the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// When kube cannot make a client of [`ControlPlane::config`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn client(&self) -> Result<kube::Client, kube::Error> {
        kube::Client::try_from(self.config())
    }

    /// Where the API server listens, such as `https://127.0.0.1:23456`.
    #[must_use]
    pub fn url(&self) -> String {
        boot::url(self.port)
    }

    /// The API server's audit log; [`audit::read`] reads it.
    #[must_use]
    pub fn audit_log(&self) -> &Path {
        &self.audit_log
    }

    /// The directory of the processes' logs. It goes with the control plane.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.files.logs()
    }

    /// Starts a program that cannot outlive this process, as the control plane's own cannot, with its output in the file `log` of
    /// [`ControlPlane::logs`]. It has to be dropped before the control plane, whose end waits for it.
    ///
    /// # Errors
    ///
    /// When no process can be started. A program that does not exist ends at once, with the reason in its log.
    pub fn spawn<A: AsRef<OsStr>>(&self, program: &Path, arguments: &[A], log: &str) -> Result<Supervised, Error> {
        self.workspace.spawn(program, arguments, self.logs().join(log)).map_err(Error::io("start", program))
    }

    /// Makes the API server hang: it accepts connections and answers nothing until [`ControlPlane::resume_api_server`].
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn suspend_api_server(&self) -> Result<(), Error> {
        self.signal_api_server(Signal::Suspend)
    }

    /// Lets the API server go on after [`ControlPlane::suspend_api_server`].
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn resume_api_server(&self) -> Result<(), Error> {
        self.signal_api_server(Signal::Resume)
    }

    /// Kills the API server: its port refuses connections when this returns. Does nothing if it does not run.
    pub fn stop_api_server(&self) {
        drop(self.api_server().take());
    }

    /// Starts the API server again, on the same port and the same data, and returns when it is ready. Does nothing if it runs.
    ///
    /// # Errors
    ///
    /// When it ends or does not get ready in time.
    pub async fn start_api_server(&self) -> Result<(), Error> {
        if self.api_server().is_some() {
            return Ok(());
        }
        let arguments = self.files.api_server_arguments(self.port);
        let mut process = Process::start(&self.workspace, &self.binaries, &self.files, Program::KubeApiserver, &arguments)?;
        let ready = async || boot::api_server_is_ready(&self.config).await;
        wait_until_ready(&mut process, None, self.ready_within, ready).await?;
        *self.api_server() = Some(process);
        Ok(())
    }

    fn signal_api_server(&self, signal: Signal) -> Result<(), Error> {
        self.api_server().as_mut().ok_or(Error::Stopped)?.signal(signal)
    }

    fn api_server(&self) -> MutexGuard<'_, Option<Process>> {
        self.api_server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves the logs of a failed start out of the directory that is about to go. Its processes are dead already.
fn keep_logs(workspace: &Workspace, error: Error) -> Error {
    let kept = workspace.path().with_extension("logs");
    match fs::rename(workspace.path().join("logs"), &kept) {
        Ok(()) => error.with_logs_in(&kept),
        // Then there are none: the start failed before the first process.
        Err(_) => error,
    }
}
