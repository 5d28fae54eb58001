//! The files of a control plane and the command lines that refer to them. Writes the files; the command lines are pure.

use std::fs;
use std::path::{Path, PathBuf};

use super::credentials::{self, SigningKey};
use super::error::Error;

/// Who asked for what, without bodies: enough to count writes. A request counts when it is answered, not when it comes.
const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
";

/// What the tests and the demo need: namespaces and owned objects go away. More controllers would write more into every namespace.
const CONTROLLERS: &str = "namespace-controller,garbage-collector-controller";

/// The files of one control plane, all below one directory.
#[derive(Clone, Debug)]
pub(super) struct Files {
    directory: PathBuf,
}

impl Files {
    /// Writes what the processes read when they start; `token` becomes the administrator's.
    pub(super) fn create(directory: &Path, token: &str) -> Result<Files, Error> {
        let files = Files { directory: directory.to_path_buf() };
        let key = SigningKey::generate();
        fs::create_dir(files.logs()).map_err(Error::io("create", &files.logs()))?;
        write(&files.file("tokens.csv"), &credentials::token_file(token))?;
        write(&files.file("service-accounts.key"), &key.private)?;
        write(&files.file("service-accounts.pub"), &key.public)?;
        write(&files.file("audit-policy.yaml"), AUDIT_POLICY)?;
        Ok(files)
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.file("logs")
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.file("audit.log")
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    /// Trusted by clients: the API server writes it when it starts for the first time.
    pub(super) fn certificate(&self) -> PathBuf {
        self.file("certificates").join("apiserver.crt")
    }

    /// etcd's command line. It listens on sockets in the directory: no port to be taken, nobody else's etcd to be mistaken for it.
    pub(super) fn etcd_arguments(&self) -> Vec<String> {
        vec![
            "--unsafe-no-fsync".to_owned(),
            self.flag("data-dir", "etcd"),
            self.flag("listen-client-urls=unix://", "etcd.sock"),
            self.flag("advertise-client-urls=unix://", "etcd.sock"),
            self.flag("listen-peer-urls=unix://", "peer.sock"),
            self.flag("initial-advertise-peer-urls=unix://", "peer.sock"),
            self.flag("initial-cluster=default=unix://", "peer.sock"),
        ]
    }

    /// The API server's command line.
    pub(super) fn api_server_arguments(&self, port: u16) -> Vec<String> {
        vec![
            self.flag("etcd-servers=unix://", "etcd.sock"),
            "--bind-address=127.0.0.1".to_owned(),
            // Without it the API server looks for a network interface, and refuses to start on a machine that is offline.
            "--advertise-address=127.0.0.1".to_owned(),
            // It would complain, every ten seconds, that a loopback address is no endpoint.
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--secure-port={port}"),
            self.flag("cert-dir", "certificates"),
            "--authorization-mode=RBAC".to_owned(),
            self.flag("token-auth-file", "tokens.csv"),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            self.flag("service-account-signing-key-file", "service-accounts.key"),
            self.flag("service-account-key-file", "service-accounts.pub"),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            self.flag("audit-policy-file", "audit-policy.yaml"),
            self.flag("audit-log-path", "audit.log"),
            // Whoever has an answer finds the request in the log.
            "--audit-log-mode=blocking".to_owned(),
        ]
    }

    /// The controller manager's command line. It serves nothing, so that it takes no port.
    pub(super) fn controller_manager_arguments(&self) -> Vec<String> {
        vec![
            self.flag("kubeconfig", "kubeconfig"),
            format!("--controllers={CONTROLLERS}"),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ]
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// `--name=<path>`, or `--name=<prefix><path>` if the name brings its own equals sign.
    fn flag(&self, name: &str, file: &str) -> String {
        let equals = if name.contains('=') { "" } else { "=" };
        format!("--{name}{equals}{}", self.file(file).display())
    }
}

/// Writes a file of the control plane.
pub(super) fn write(path: &Path, content: &str) -> Result<(), Error> {
    fs::write(path, content).map_err(Error::io("write", path))
}
