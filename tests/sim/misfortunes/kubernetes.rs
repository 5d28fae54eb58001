//! What befalls requests to Kubernetes.

use std::time::Duration;

use super::{Kind, State, Weather};
use crate::apiserver::{Ending, Fault, Kind as Of, Part, Past, RequestInfo, Verb, WatchFault, What};

impl Weather {
    /// What befalls this request.
    pub(crate) fn of_kubernetes(&self, request: &RequestInfo) -> Fault {
        let mut state = self.state();
        let odds = state.odds;
        if state.is_under(Kind::KubernetesAway) {
            return What::Unreachable.into();
        }
        if request.kind == Of::OrgConnection && state.is_forbidden(request) {
            return What::Refuse(403).into();
        }
        if request.verb == Verb::Watch {
            return state.strikes(&Kind::OF_WATCHES, 4).map_or(Fault::NONE, |kind| state.of_watch(kind));
        }
        let lists_for_watch = request.verb == Verb::List && request.namespace.is_none() && !request.selects;
        if lists_for_watch && state.strikes(&[Kind::StaleCache], 3).is_some() {
            return What::Stale(Past::Ago(Duration::from_secs(state.chance.u64(..300)))).into();
        }
        if request.is_write() && state.strikes(&Kind::OF_PROCESS, odds * 4).is_some_and(|kind| state.crashes(kind, request.line)) {
            // What is sent by one that crashes takes effect or not.
            return if state.chance.bool() { What::LoseAnswer.into() } else { What::Swallow.into() };
        }
        let kind = state.strikes(&Kind::OF_KUBERNETES, odds);
        match kind {
            Some(kind) => state.of_request(kind),
            None => Fault::NONE.delayed(Duration::ZERO, state.up_to(0.01)),
        }
    }
}

impl State {
    fn crashes(&mut self, kind: Kind, line: usize) -> bool {
        self.crash(line);
        matches!(kind, Kind::CrashBeforeEffect | Kind::CrashAfterEffect)
    }

    /// Whether a webhook or a withdrawn right is in the way of this write.
    fn is_forbidden(&self, request: &RequestInfo) -> bool {
        let refused = if request.part == Part::Status { Kind::StatusForbidden } else { Kind::ClaimsForbidden };
        request.is_write() && self.is_under(refused)
    }

    fn of_request(&mut self, kind: Kind) -> Fault {
        match kind {
            Kind::Refused => What::Refuse([429, 500, 503, 504, 403][self.chance.usize(..5)]).into(),
            Kind::Conflict => What::Refuse(409).into(),
            Kind::NoConnection => What::Unreachable.into(),
            Kind::Swallowed => What::Swallow.into(),
            Kind::FailedAfterEffect => What::FailAfter([500, 503, 504][self.chance.usize(..3)]).into(),
            Kind::BrokenAfterEffect => What::BreakAfter.into(),
            Kind::AnswerLost => What::LoseAnswer.into(),
            Kind::SlowKubernetes => Fault::NONE.delayed(self.up_to(3.0), self.up_to(3.0)),
            Kind::LateKubernetes => Fault::NONE.delayed(Duration::from_secs(12), Duration::ZERO),
            lasting => {
                let seconds = if lasting == Kind::KubernetesAway { 5..400 } else { 5..200 };
                self.lasts(lasting, seconds);
                What::Unreachable.into()
            }
        }
    }

    fn of_watch(&mut self, kind: Kind) -> Fault {
        let after = Duration::from_secs(self.chance.u64(..30));
        let ends = |ending| WatchFault { ends: Some((after, ending)), ..WatchFault::default() };
        let fault = match kind {
            Kind::WatchLags => WatchFault { lag: self.up_to(20.0), ..WatchFault::default() },
            Kind::WatchHolds => WatchFault { hold: self.up_to(60.0), ..WatchFault::default() },
            Kind::WatchCoalesces => WatchFault { hold: self.up_to(25.0), coalesce: true, ..WatchFault::default() },
            Kind::WatchCloses => ends(Ending::Closed),
            Kind::WatchBreaks => ends(Ending::Broken),
            Kind::WatchTooOld => ends(Ending::Gone),
            _ => ends(Ending::Silent),
        };
        fault.into()
    }
}
