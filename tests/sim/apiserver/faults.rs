//! What goes wrong, request by request. Pure.

use std::time::Duration;

use super::journal::RequestInfo;

/// What befalls one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fault {
    /// How long the request travels. It arrives whether or not its sender still waits.
    pub(crate) before: Duration,
    /// How long the answer travels.
    pub(crate) after: Duration,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum What {
    /// Nothing.
    #[default]
    Pass,
    /// Answered with this status and not carried out: 409, 429, 500, 503, …
    Refuse(u16),
    /// No connection: not carried out, and the client is told so.
    Unreachable,
    /// Not carried out, and never answered.
    Swallow,
    /// Carried out, then answered with this status.
    FailAfter(u16),
    /// Carried out, then the connection breaks.
    BreakAfter,
    /// Carried out, and never answered.
    LoseAnswer,
    /// A get or list shows an older state. A watch that goes on from such a list is told what came since, at once unless it has a
    /// fault of its own.
    Stale(Past),
    /// A watch that is late, or ends in another way than it should.
    Watch(WatchFault),
}

/// A state that has been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Past {
    /// With this resource version.
    Version(u64),
    /// So long ago.
    Ago(Duration),
}

/// What befalls a watch; the parts add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct WatchFault {
    /// Each event comes so much later.
    pub(crate) lag: Duration,
    /// Nothing comes for so long after its beginning; then everything that was held back.
    pub(crate) hold: Duration,
    /// Of several events of one object that wait for delivery only the last one comes: what lies between is never seen, not even the
    /// deletion before a namesake's creation.
    pub(crate) coalesce: bool,
    /// Ends so long after its beginning; else when the client wanted it to.
    pub(crate) ends: Option<(Duration, Ending)>,
}

/// How a watch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// In order, as at its time-out.
    Closed,
    /// With a broken connection.
    Broken,
    /// With 410: what it has seen is too old.
    Gone,
    /// Not at all: half-open, nothing comes any more and nothing closes it.
    Silent,
}

impl Fault {
    /// Nothing goes wrong.
    pub(crate) const NONE: Self = Self { before: Duration::ZERO, after: Duration::ZERO, what: What::Pass };

    /// The same, with these ways.
    pub(crate) fn delayed(self, before: Duration, after: Duration) -> Self {
        Self { before, after, ..self }
    }

    pub(super) fn of_watch(&self) -> WatchFault {
        match self.what {
            What::Watch(fault) => fault,
            What::Pass
            | What::Refuse(_)
            | What::Unreachable
            | What::Swallow
            | What::FailAfter(_)
            | What::BreakAfter
            | What::LoseAnswer
            | What::Stale(_) => WatchFault::default(),
        }
    }
}

impl From<What> for Fault {
    fn from(what: What) -> Self {
        Self { what, ..Self::NONE }
    }
}

impl From<WatchFault> for Fault {
    fn from(fault: WatchFault) -> Self {
        What::Watch(fault).into()
    }
}

type Decide = Box<dyn FnMut(&RequestInfo) -> Fault + Send>;
type Matches = Box<dyn Fn(&RequestInfo) -> bool + Send>;

/// Who decides: rules first, in their order and until they are used up, then the callback.
#[derive(Default)]
pub(super) struct Faults {
    rules: Vec<(usize, Matches, Fault)>,
    decide: Option<Decide>,
}

impl Faults {
    pub(super) fn rule(&mut self, times: usize, matches: Matches, fault: Fault) {
        self.rules.push((times, matches, fault));
    }

    pub(super) fn decided_by(&mut self, decide: Decide) {
        self.decide = Some(decide);
    }

    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }

    pub(super) fn of(&mut self, request: &RequestInfo) -> Fault {
        if let Some((times, _, fault)) = self.rules.iter_mut().find(|(times, matches, _)| *times > 0 && matches(request)) {
            *times -= 1;
            return *fault;
        }
        self.decide.as_mut().map_or(Fault::NONE, |decide| decide(request))
    }
}
