//! Builds a program with Go. Talks to Go, the file system and, on standard error, to whoever waits.

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use super::go_mod::GoMod;
use super::{Error, Recipe};

/// Often enough that nobody thinks it hangs, seldom enough that the lines of eight minutes fit a screen.
const REPORT_EVERY: Duration = Duration::from_secs(15);

/// Lines of Go's output that an error shows: enough for a compiler's message and what led to it.
const LINES_KEPT: usize = 20;

/// Builds the recipe's program and leaves it in `target` under all its names, or under none.
///
/// # Guarantees
///
/// A second builder waits for the first and takes what it built. A builder that is killed leaves no `target`.
pub(super) fn build_into(target: &Path, recipe: &Recipe) -> Result<(), Error> {
    let go_mod = read_go_mod(&recipe.sources(), recipe.versioned)?;
    check_go(recipe, &go_mod)?;
    let cache = target.parent().unwrap_or(target);
    fs::create_dir_all(cache).map_err(Error::io("create", cache))?;
    let _one_builder_at_a_time = lock(&cache.join(format!("{}.lock", recipe.slug())))?;
    if recipe.is_in(target) {
        return Ok(());
    }
    let partial = tempfile::Builder::new().prefix("partial-").tempdir_in(cache).map_err(Error::io("create a directory in", cache))?;
    tell(&format!("building {} {} into {}: {}", recipe.title, go_mod.version, target.display(), recipe.takes));
    compile(recipe, &partial.path().join(recipe.executable), &go_mod.version)?;
    for link in recipe.links {
        let link = partial.path().join(link);
        symlink(recipe.executable, &link).map_err(Error::io("create", &link))?;
    }
    if target.exists() {
        fs::remove_dir_all(target).map_err(Error::io("remove", target))?;
    }
    fs::rename(partial.path(), target).map_err(Error::io("create", target))
}

fn read_go_mod(sources: &Path, versioned: &'static str) -> Result<GoMod, Error> {
    let path = sources.join("go.mod");
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    GoMod::parse(&text, versioned).map_err(|line| Error::GoMod { path, line })
}

/// Asks in the module's folder, where Go itself switches to the toolchain that go.mod asks for unless the user has forbidden that.
fn check_go(recipe: &Recipe, go_mod: &GoMod) -> Result<(), Error> {
    let problem = match go(&recipe.sources()).args(["env", "GOVERSION"]).output() {
        Ok(answer) => {
            let version = String::from_utf8_lossy(&answer.stdout);
            if go_mod.accepts(&version) {
                return Ok(());
            }
            let complaint = String::from_utf8_lossy(&answer.stderr);
            format!("Go is {} {}", version.trim(), complaint.trim()).trim_end().to_owned()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => "there is no Go on the PATH".to_owned(),
        Err(error) => format!("Go does not run ({error})"),
    };
    Err(Error::NoGo { title: recipe.title, problem, needed: go_mod.go.clone(), otherwise: recipe.otherwise })
}

/// Go in the module's own world: a workspace file further up must not change what is built.
fn go(sources: &Path) -> Command {
    let mut command = Command::new("go");
    command.current_dir(sources).env("GOWORK", "off").stdin(Stdio::null());
    command
}

/// Held until dropped, and given back by the system however this process ends.
fn lock(path: &Path) -> Result<File, Error> {
    let file = File::create(path).map_err(Error::io("create", path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            tell("another process is building the same: waiting for it");
            file.lock().map_err(Error::io("lock", path))?;
        }
        Err(TryLockError::Error(source)) => return Err(Error::io("lock", path)(source)),
    }
    Ok(file)
}

fn compile(recipe: &Recipe, executable: &Path, version: &str) -> Result<(), Error> {
    let sources = recipe.sources();
    let linker_flags = format!("-s -w {}", (recipe.tells)(version));
    let mut command = go(&sources);
    command.args(["build", "-v", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", &linker_flags, "-o"]);
    command.arg(executable).arg(recipe.package);
    let (status, progress) = watch(command).map_err(Error::io("run go build in", &sources))?;
    if status.success() {
        tell(&format!("done: {}", progress.summary()));
        return Ok(());
    }
    Err(Error::Build { directory: sources, status, output: progress.last_lines() })
}

/// Runs Go and tells now and then how far it is.
fn watch(mut command: Command) -> io::Result<(ExitStatus, Progress)> {
    let mut go = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let (sender, lines) = mpsc::channel();
    if let Some(output) = go.stderr.take() {
        thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    }
    let progress = follow(&lines);
    Ok((go.wait()?, progress))
}

fn follow(lines: &Receiver<String>) -> Progress {
    let mut progress = Progress::new();
    let mut next_report = progress.started + REPORT_EVERY;
    loop {
        match lines.recv_timeout(next_report.saturating_duration_since(Instant::now())) {
            Ok(line) => progress.take(line),
            Err(RecvTimeoutError::Timeout) => {
                tell(&progress.summary());
                next_report += REPORT_EVERY;
            }
            Err(RecvTimeoutError::Disconnected) => return progress,
        }
    }
}

/// How far `go build -v` is: it names each package that it compiles, on a line of its own.
struct Progress {
    started: Instant,
    downloaded: usize,
    compiled: usize,
    last: VecDeque<String>,
}

impl Progress {
    fn new() -> Progress {
        Progress { started: Instant::now(), downloaded: 0, compiled: 0, last: VecDeque::new() }
    }

    fn take(&mut self, line: String) {
        if line.starts_with("go: downloading ") {
            self.downloaded += 1;
        } else if !line.contains(char::is_whitespace) {
            self.compiled += 1;
        }
        if self.last.len() == LINES_KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    fn summary(&self) -> String {
        let seconds = self.started.elapsed().as_secs();
        let downloaded = if self.downloaded == 0 { String::new() } else { format!("{} modules downloaded, ", self.downloaded) };
        format!("{} min {:02} s: {downloaded}{} packages compiled", seconds / 60, seconds % 60, self.compiled)
    }

    fn last_lines(&self) -> String {
        self.last.iter().map(|line| format!("  {line}\n")).collect()
    }
}

/// Past the test harness, which captures what the print macros write: eight silent minutes look like a hang.
fn tell(message: &str) {
    // Whoever closed standard error does not want to know.
    writeln!(io::stderr(), "xtask: {message}").ok();
}

#[cfg(test)]
mod tests;
