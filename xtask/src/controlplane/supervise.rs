//! Child processes that cannot outlive this process, however it ends. Talks to the operating system.
//!
//! A destructor does not run on SIGKILL, and Linux's parent-death signal needs unsafe code and has no twin on macOS. What every Unix
//! does at the end of a process is close its file descriptors. So each child runs below a small shell that reads a pipe whose other
//! end is held here: when the pipe closes, the shell kills the child. The same pipe carries signals to the child in the meantime, so
//! nobody here ever signals a process id, which may have gone to a stranger by then.
//!
//! A [`Workspace`] is a temporary directory with the same guarantee. The shell that removes it waits on a pipe held by this process
//! *and* by every supervisor started in the workspace: it begins when the last child is dead, and no child can write behind it.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// `$1` is the log file, the rest the command. The child gets neither the control pipe nor the acknowledgements' one. The loop
/// outlives a reader of its acknowledgements that is gone (`trap`): it has yet to kill the child. Once the child has ended by itself
/// the loop is stopped, because by the time the pipe closes its process id may belong to another process.
const SUPERVISOR: &str = r#"
exec 3<&0
log=$1
shift
"$@" </dev/null >>"$log" 2>&1 3<&- &
child=$!
(
  trap '' PIPE
  while read -r signal <&3; do kill -s "$signal" "$child" && echo "$signal"; done
  kill -s KILL "$child"
) 2>/dev/null &
control=$!
wait "$child"
status=$?
kill "$control" 2>/dev/null
exit "$status"
"#;

/// `$1` is the directory to remove once nobody holds the other end of the standard input.
const JANITOR: &str = r#"cat >/dev/null; rm -rf -- "$1""#;

/// A signal that a running child can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Stop running, keep every connection open: what a hanging process looks like from outside.
    Suspend,
    /// Go on after [`Signal::Suspend`].
    Resume,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Signal::Suspend => "STOP",
            Signal::Resume => "CONT",
        }
    }
}

/// A temporary directory that is removed when this value is dropped or this process ends, after the last process started in it.
#[derive(Debug)]
pub(super) struct Workspace {
    path: PathBuf,
    // Fields drop in this order: close the pipe, then wait for the shell that waits for that.
    held_open: PipeWriter,
    _janitor: Awaited,
}

impl Workspace {
    /// Makes the directory, below the system's one for temporary files.
    pub(super) fn create() -> io::Result<Workspace> {
        // Short, because the path of a Unix socket in it must stay below 104 bytes and macOS spends 49 of them on its own.
        let path = tempfile::Builder::new().prefix("crossorg-").tempdir()?.keep();
        let (end_of_all, held_open) = io::pipe()?;
        let janitor = shell(JANITOR).arg(&path).stdin(end_of_all).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Workspace { path, held_open, _janitor: Awaited(janitor) })
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts `program` with its output in `log`.
    pub(super) fn spawn<A: AsRef<OsStr>>(&self, program: &Path, arguments: &[A], log: PathBuf) -> io::Result<Supervised> {
        let (commands, control) = io::pipe()?;
        let (acknowledgements, acknowledge) = io::pipe()?;
        let supervisor = shell(SUPERVISOR)
            .arg(&log)
            .arg(program)
            .args(arguments)
            .stdin(commands)
            .stdout(acknowledge)
            .stderr(self.held_open.try_clone()?)
            .spawn()?;
        Ok(Supervised { control, acknowledgements: BufReader::new(acknowledgements), supervisor: Awaited(supervisor), log })
    }
}

/// A running program; killed when this value is dropped or this process ends.
#[derive(Debug)]
pub struct Supervised {
    // Fields drop in this order: close the pipe, which kills the program, then wait for its supervisor.
    control: PipeWriter,
    acknowledgements: BufReader<PipeReader>,
    supervisor: Awaited,
    log: PathBuf,
}

impl Supervised {
    /// How the program ended, if it has. A shell's word: 128 and the signal's number stand for a signal.
    ///
    /// # Errors
    ///
    /// When the operating system does not tell.
    pub fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.supervisor.0.try_wait()
    }

    /// Sends a signal and returns once it has been sent.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` if the program has ended.
    pub(super) fn signal(&mut self, signal: Signal) -> io::Result<()> {
        writeln!(self.control, "{}", signal.name())?;
        let mut answer = String::new();
        self.acknowledgements.read_line(&mut answer)?;
        if answer.trim_end() == signal.name() { Ok(()) } else { Err(io::Error::new(io::ErrorKind::BrokenPipe, "the process has ended")) }
    }

    /// Everything the program has written to its standard output and error.
    ///
    /// # Errors
    ///
    /// When its log cannot be read.
    pub fn log(&self) -> io::Result<String> {
        fs::read(&self.log).map(|text| String::from_utf8_lossy(&text).into_owned())
    }
}

/// A shell that is about to end whenever this value is dropped, which waits for it.
#[derive(Debug)]
struct Awaited(Child);

impl Drop for Awaited {
    fn drop(&mut self) {
        // An error would mean that it has been waited for already.
        self.0.wait().ok();
    }
}

/// A shell in a process group of its own: Ctrl-C in the terminal reaches this process alone, which then decides what ends when.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).process_group(0);
    command
}

#[cfg(test)]
mod tests;
