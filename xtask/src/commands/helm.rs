//! `xtask helm`: the versions of Helm that the chart is tested with.

use std::error::Error;
use std::io::{self, Write};

use xtask::helm::{Helm, Version};

/// Finds them or builds them, and prints where they are.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    for version in Version::ALL {
        let helm = Helm::ensure(version)?;
        writeln!(io::stdout(), "{}", helm.program().display())?;
    }
    Ok(())
}
