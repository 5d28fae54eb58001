//! Every history of deletions in two processes at once: killed between any two of their steps, with answers that are lost, and with a clock
//! that jumps ahead and goes back.

use std::collections::HashSet;

use super::*;

/// How far the clock goes in one step, and in all: for two windows and what is between them.
const STEP: i64 = HOUR / 2;
const LAST: i64 = 3 * STEP;
const CONNECTIONS: [u8; 3] = [1, 2, 3];

/// Where a process is with a deletion.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Process {
    Idle,
    /// It has read the memory, and this is what it decides on.
    Read(u8, Option<Memory>),
    /// It sends the DELETE next.
    LetThrough(u8),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Moment {
    now: i64,
    /// The DatadogOrg's status: every write makes it another one, so that it is its own version.
    stored: Option<Memory>,
    processes: [Process; 2],
}

impl Moment {
    fn with(&self, process: usize, state: Process) -> Self {
        let mut after = self.clone();
        after.processes[process] = state;
        after.processes.sort();
        after
    }

    /// All that can come next.
    fn next(&self, limit: usize) -> Vec<Self> {
        let clock = [self.now + STEP, self.now - STEP].into_iter().filter(|now| (0..=LAST).contains(now));
        let mut all: Vec<_> = clock.map(|now| Self { now, ..self.clone() }).collect();
        for process in 0..self.processes.len() {
            all.extend(self.of(process, limit));
        }
        all
    }

    fn of(&self, process: usize, limit: usize) -> Vec<Self> {
        let idle = self.with(process, Process::Idle);
        match &self.processes[process] {
            Process::Idle => CONNECTIONS.iter().map(|number| self.with(process, Process::Read(*number, self.stored.clone()))).collect(),
            // Killed, held, or refused with a conflict: it begins again.
            Process::Read(number, memory) => [vec![idle], self.decided(process, *number, memory.as_ref(), limit)].concat(),
            Process::LetThrough(_) => vec![idle],
        }
    }

    fn decided(&self, process: usize, number: u8, memory: Option<&Memory>, limit: usize) -> Vec<Self> {
        let brake = Brake { limit, memory: memory.cloned(), ..brake() };
        match brake.decide(id(number), at(self.now)) {
            Decision::Go(None) => {
                assert!(memory.is_some_and(|memory| memory.let_through.contains(&id(number))), "deleted and not remembered: {self:?}");
                vec![self.with(process, Process::LetThrough(number))]
            }
            Decision::Go(Some(_)) if memory != self.stored.as_ref() => Vec::new(),
            Decision::Go(Some(next)) => {
                self.check(&next, number, limit);
                let written = Self { stored: Some(next), ..self.clone() };
                // Its answer may be lost.
                vec![written.with(process, Process::LetThrough(number)), written.with(process, Process::Idle)]
            }
            Decision::Held { until } => {
                let others = memory.map_or(0, |memory| memory.let_through.iter().filter(|other| **other != id(number)).count());
                assert!(others >= limit, "held although there was room: {self:?}");
                assert!(until.is_none_or(|until| until > at(self.now)), "{self:?}");
                Vec::new()
            }
        }
    }

    /// Whether a write keeps the promise: it adds to the window that is stored, within the limit, or opens one an hour after it.
    fn check(&self, next: &Memory, number: u8, limit: usize) {
        let known = self.stored.as_ref().filter(|stored| stored.opened == next.opened).map(|stored| stored.let_through.clone());
        let apart = self.stored.as_ref().is_none_or(|stored| next.opened.duration_since(stored.opened) >= WINDOW);
        assert!(known.is_some() || apart, "two windows overlap: {self:?} {next:?}");
        assert_eq!(next.let_through, [known.unwrap_or_default(), vec![id(number)]].concat(), "{self:?}");
        assert!(next.let_through.len() <= limit, "more than the limit in one window: {self:?} {next:?}");
    }
}

#[test]
fn no_history_lets_more_through_than_the_limit_in_any_window() {
    for limit in 0..CONNECTIONS.len() {
        let start = Moment { now: 0, stored: None, processes: [Process::Idle, Process::Idle] };
        let mut known = HashSet::from([start.clone()]);
        let mut open = vec![start];
        while let Some(moment) = open.pop() {
            open.extend(moment.next(limit).into_iter().filter(|next| known.insert(next.clone())));
        }
        eprintln!("{} moments of a brake with the limit {limit}", known.len());
        let fullest = known.iter().filter_map(|moment| Some(moment.stored.as_ref()?.let_through.len())).max();
        assert_eq!(fullest.unwrap_or_default(), limit, "all that may be is reached");
    }
}
