//! What came of it, in lines and as a table. Pure.

use std::fmt;

use super::Net;
use super::variants::{Attempt, Variant};

/// As much of a violation as fits beside the rest.
const WIDEST: usize = 200;

/// What stands above the trials without a variant.
const CONTROLS: &str = "the operator as it is, which has to pass the same";

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The net holds.
    Caught {
        /// The seed, scenario or test.
        after: String,
        /// What it complained about first.
        by: String,
    },
    /// Nothing was noticed.
    Passed {
        /// What was tried.
        after: String,
    },
    /// This net cannot see it, and why.
    Blind(&'static str),
}

/// One trial and its end; without a variant it is a control.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) variant: Option<&'static str>,
    pub(super) attempt: Attempt,
    pub(super) verdict: Verdict,
}

impl Line {
    /// What it is about, in a sentence.
    pub(super) fn subject(&self) -> String {
        let net = self.attempt.net();
        match (&self.variant, &self.verdict) {
            (Some(variant), _) => format!("{variant} by {net}"),
            (None, Verdict::Caught { after, by }) => format!("{net} ({after}): {}", shortened(by)),
            (None, Verdict::Passed { .. } | Verdict::Blind(_)) => net.to_string(),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (variant, net) = (self.variant.unwrap_or("(nothing wrong)"), self.attempt.net().to_string());
        write!(f, "{variant:<24}{net:<14}")?;
        match (&self.verdict, self.variant) {
            (Verdict::Caught { after, by }, Some(_)) => write!(f, "caught by {after}: {}", shortened(by)),
            (Verdict::Caught { after, by }, None) => write!(f, "FAILS although nothing is wrong: {after}: {}", shortened(by)),
            (Verdict::Passed { after }, Some(_)) => write!(f, "NOT CAUGHT by {after}"),
            (Verdict::Passed { after }, None) => write!(f, "passes: {after}"),
            (Verdict::Blind(why), _) => write!(f, "cannot see it: {why}"),
        }
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Simulation => "simulation",
            Self::Sweep => "crash sweep",
            Self::Tests => "tests",
        })
    }
}

/// Every variant with every net, in the order of the table of variants.
pub(super) fn table(variants: &[&'static Variant], lines: &[Line]) -> String {
    let mut sorted: Vec<&Line> = lines.iter().collect();
    let place = |line: &Line| variants.iter().position(|variant| Some(variant.name) == line.variant).unwrap_or(variants.len());
    sorted.sort_by_key(|line| (place(line), line.attempt.net()));
    let mut text = format!("\n{:<24}{:<14}outcome", "variant", "net");
    let mut last = None;
    for line in sorted {
        if last != Some(line.variant) {
            let wrong = variants.iter().find(|variant| Some(variant.name) == line.variant).map_or(CONTROLS, |variant| variant.wrong);
            text.push_str(&format!("\n\n  {wrong}"));
            last = Some(line.variant);
        }
        text.push_str(&format!("\n{line}"));
    }
    text
}

fn shortened(text: &str) -> String {
    let short: String = text.chars().take(WIDEST).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests;
