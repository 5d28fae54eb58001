//! The rules in force, and which of them a request meets.

use std::collections::BTreeMap;

use tokio::sync::watch;
use uuid::Uuid;

use crate::faults::{Fault, Rule};

#[derive(Debug)]
struct Active {
    rule: Rule,
    matched: u64,
    /// True once released. A removed rule drops it, which releases as well.
    gate: watch::Sender<bool>,
}

/// The faults that befall one request.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) rule: u64,
    pub(crate) faults: Vec<Fault>,
    pub(crate) gate: watch::Receiver<bool>,
}

/// All scripted rules, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Script {
    rules: BTreeMap<u64, Active>,
    last: u64,
}

impl Script {
    pub(crate) fn add(&mut self, rule: Rule) -> u64 {
        self.last += 1;
        self.rules.insert(self.last, Active { rule, matched: 0, gate: watch::Sender::new(false) });
        self.last
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<()> {
        self.rules.remove(&id).map(drop)
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn rules(&self) -> BTreeMap<u64, Rule> {
        self.rules.iter().map(|(id, active)| (*id, active.rule.clone())).collect()
    }

    /// Lets the requests held by this rule go on, those to come as well.
    pub(crate) fn release(&mut self, id: u64) -> Option<()> {
        let active = self.rules.get(&id)?;
        active.gate.send_replace(true);
        Some(())
    }

    /// Finds the rule for a request and counts the match.
    pub(crate) fn choose(&mut self, organization: Option<Uuid>, method: &str, path: &str) -> Option<Chosen> {
        let matching = self.rules.iter_mut().filter(|(_, active)| active.rule.matches(organization, method, path));
        for (id, active) in matching {
            if active.is_used_up() {
                continue;
            }
            active.matched += 1;
            if active.matched > active.rule.skip {
                return Some(Chosen { rule: *id, faults: active.rule.faults.clone(), gate: active.gate.subscribe() });
            }
        }
        None
    }
}

impl Active {
    fn is_used_up(&self) -> bool {
        self.rule.times.is_some_and(|times| self.matched >= self.rule.skip.saturating_add(times))
    }
}

impl Rule {
    fn matches(&self, organization: Option<Uuid>, method: &str, path: &str) -> bool {
        self.organization.is_none_or(|wanted| Some(wanted) == organization)
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path_prefix.as_deref().is_none_or(|prefix| path.starts_with(prefix))
    }
}
