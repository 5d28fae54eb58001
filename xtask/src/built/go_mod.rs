//! What `go.mod` says about the build, so that no version is written twice. Pure.

/// The versions that the build depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GoMod {
    /// The oldest Go that can build the module, such as `1.26.0`.
    pub(super) go: String,
    /// The version of what is built, such as `v1.37.1`.
    pub(super) version: String,
}

impl GoMod {
    /// Reads the text of a `go.mod`; the version is the one that the line with this beginning requires.
    ///
    /// # Errors
    ///
    /// The beginning of the line that is missing.
    pub(super) fn parse(text: &str, versioned: &'static str) -> Result<GoMod, &'static str> {
        let after = |beginning: &'static str| {
            let mut lines = text.lines().map(|line| line.trim().trim_start_matches("require "));
            let rest = lines.find_map(|line| line.strip_prefix(beginning)).ok_or(beginning)?;
            rest.split_whitespace().next().map(str::to_owned).ok_or(beginning)
        };
        Ok(GoMod { go: after("go ")?, version: after(versioned)? })
    }

    /// Whether a Go that calls itself `version` (`go env GOVERSION`) can build the module.
    pub(super) fn accepts(&self, version: &str) -> bool {
        // "go1.26.8", "go1.27rc1", and "devel go1.28-2f1c…" of a Go built from source.
        version.split("go").nth(1).is_some_and(|found| numbers(found) >= numbers(&self.go))
    }
}

/// The leading number of each of the three dotted parts; 0 for a part that is not there.
fn numbers(version: &str) -> [u32; 3] {
    let mut parts = version.split('.').map(|part| {
        let digits = part.split(|character: char| !character.is_ascii_digit()).next().unwrap_or_default();
        digits.parse().unwrap_or(0)
    });
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests;
