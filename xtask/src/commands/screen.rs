//! What the person at the terminal sees. Writes to standard output.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tokio::time::Instant;

const BOLD: &str = "1";
const GREEN: &str = "32";
const CYAN: &str = "36";

/// The terminal, or the file that stands in for it.
#[derive(Debug)]
pub(crate) struct Screen {
    colours: bool,
    began: Instant,
}

impl Screen {
    /// Colours are for terminals alone, and only if they are wanted.
    pub(crate) fn new(plain: bool) -> Screen {
        Screen { colours: !plain && io::stdout().is_terminal(), began: Instant::now() }
    }

    /// How long it has been there.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A line that begins a part.
    pub(crate) fn title(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout(), "\n{}", self.paint(BOLD, text))
    }

    /// A command as a person would type it.
    pub(crate) fn command(&self, line: &str) -> io::Result<()> {
        writeln!(io::stdout(), "  {}", self.paint(CYAN, &format!("$ {line}")))
    }

    /// What a command said, without the empty lines between its tables.
    pub(crate) fn output(&self, text: &str) -> io::Result<()> {
        text.lines().filter(|line| !line.trim().is_empty()).try_for_each(|line| writeln!(io::stdout(), "    {}", line.trim_end()))
    }

    /// What happens that is no command.
    pub(crate) fn said(&self, text: &str) -> io::Result<()> {
        text.lines().try_for_each(|line| writeln!(io::stdout(), "  {line}"))
    }

    /// Something that has been checked.
    pub(crate) fn proved(&self, text: impl fmt::Display) -> io::Result<()> {
        writeln!(io::stdout(), "  {} {text}", self.paint(GREEN, "✓"))
    }

    /// A command to be copied.
    pub(crate) fn suggest(&self, line: &str) -> io::Result<()> {
        writeln!(io::stdout(), "    {}", self.paint(CYAN, line))
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
