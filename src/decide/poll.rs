//! When an organization is asked what. Pure: times are passed in as how long ago.

use std::time::Duration;

use super::requeue::{Rank, on_reopening};

/// How often the Secret is read again while its DatadogOrg is not connected: reading it costs Datadog nothing.
pub const SECRET_INTERVAL: Duration = Duration::from_secs(10);
/// How often credentials that Datadog refused are tried again unchanged: a permission may be granted there any time.
pub const REFUSED_INTERVAL: Duration = Duration::from_secs(55);
/// The interval of a spec that cannot be read; the API server fills in the same.
pub const DEFAULT_INTERVAL: Duration = Duration::from_mins(1);
/// New keys take seconds to spread: a refusal counts as final only after this.
pub const SPREADING: Duration = Duration::from_mins(2);
/// How often new keys are tried while they may still spread.
pub const SPREADING_INTERVAL: Duration = Duration::from_secs(15);
/// Lists that are asked for out of turn are at least this far apart.
pub const LEAST_INTERVAL: Duration = Duration::from_secs(1);

/// How the organization stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Nothing has been asked with these credentials.
    New,
    /// The credentials are proven; `identity_age` since then.
    Connected {
        /// How long ago the identity was asked for.
        identity_age: Duration,
        /// Whether the identity is to be asked for again although it is proven: a write was refused, or the status tells of another one.
        doubted: bool,
    },
    /// The last attempt failed, `since` ago, and is not to be repeated before `wait` has passed.
    Down {
        /// How long ago the last attempt was made.
        since: Duration,
        /// How long to leave it alone.
        wait: Duration,
        /// Whether the credentials had been proven before and the failure was not about them.
        proven: bool,
    },
}

/// Everything that decides about the next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// How the organization stands.
    pub link: Link,
    /// How long ago the last complete or incomplete list began.
    pub list_age: Option<Duration>,
    /// The interval of the spec.
    pub interval: Duration,
    /// Whether somebody needs a list begun from now on.
    pub wanted: bool,
    /// For how long the request budget is known to be used up.
    pub closed: Option<Duration>,
}

/// What to ask now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Nothing; look again after this time.
    Nothing(Duration),
    /// The list.
    List,
    /// First whom the credentials belong to, then the list.
    IdentityAndList,
}

/// What to ask an organization now.
pub fn next(turn: &Turn) -> Ask {
    match &turn.link {
        Link::New => Ask::IdentityAndList,
        Link::Down { since, wait, .. } if since < wait => Ask::Nothing(*wait - *since),
        Link::Down { proven: true, .. } => Ask::List,
        Link::Down { proven: false, .. } => Ask::IdentityAndList,
        Link::Connected { identity_age, doubted } => {
            let due = match (turn.wanted, doubted) {
                (true, _) => LEAST_INTERVAL,
                (false, true) => REFUSED_INTERVAL.min(turn.interval),
                (false, false) => turn.interval,
            };
            match turn.list_age.filter(|age| age < &due) {
                Some(age) => Ask::Nothing(due - age),
                // What was seen before stays good for changes; a refused look would stop them.
                None if let Some(closed) = turn.closed => Ask::Nothing(on_reopening(closed, rank(turn))),
                None if *doubted && *identity_age >= REFUSED_INTERVAL => Ask::IdentityAndList,
                None => Ask::List,
            }
        }
    }
}

/// A look that has been put off for long comes first: else changes without end would keep everybody from seeing anything.
fn rank(turn: &Turn) -> Rank {
    if turn.list_age.is_some_and(|age| age < turn.interval * 2) { Rank::Look } else { Rank::Change }
}

/// After how long without a list nobody can vouch for what the objects say.
pub fn vouches_for(interval: Duration) -> Duration {
    Duration::from_hours(1).max(interval.saturating_mul(10))
}

/// Reads a `pollInterval`, such as `90s`, `5m` or `1h30m`; the API server has checked its form and bounds.
pub fn parse_interval(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut number = String::new();
    for letter in text.chars() {
        let unit = match letter {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            digit => {
                number.push(digit);
                continue;
            }
        };
        let count: u64 = number.parse().ok()?;
        total = total.checked_add(Duration::from_secs(count.checked_mul(unit)?))?;
        number.clear();
    }
    (number.is_empty() && total > Duration::ZERO).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn connected(doubted: bool, identity_age: Duration) -> Link {
        Link::Connected { identity_age, doubted }
    }

    fn turn(link: Link, list_age: Option<u64>, wanted: bool) -> Turn {
        Turn { link, list_age: list_age.map(Duration::from_secs), interval: MINUTE, wanted, closed: None }
    }

    #[test]
    fn new_credentials_prove_their_organization_before_anything_else_is_asked() {
        for wanted in [false, true] {
            assert_eq!(next(&turn(Link::New, None, wanted)), Ask::IdentityAndList);
        }
    }

    #[test]
    fn a_connected_organization_is_listed_once_an_interval() {
        assert_eq!(next(&turn(connected(false, MINUTE), Some(10), false)), Ask::Nothing(Duration::from_secs(50)));
        assert_eq!(next(&turn(connected(false, MINUTE), Some(60), false)), Ask::List);
        assert_eq!(next(&turn(connected(false, MINUTE), None, false)), Ask::List);
    }

    #[test]
    fn a_wanted_list_does_not_wait_for_its_turn_but_for_a_second() {
        assert_eq!(next(&turn(connected(false, MINUTE), Some(5), true)), Ask::List);
        assert_eq!(next(&turn(connected(false, MINUTE), Some(0), true)), Ask::Nothing(LEAST_INTERVAL));
    }

    #[test]
    fn a_doubted_identity_is_asked_for_again_within_a_minute() {
        let hourly = Turn { interval: Duration::from_hours(1), ..turn(connected(true, MINUTE), Some(55), false) };
        assert_eq!(next(&hourly), Ask::IdentityAndList);
        assert_eq!(next(&turn(connected(true, MINUTE), Some(60), false)), Ask::IdentityAndList);
        assert_eq!(next(&turn(connected(true, Duration::from_secs(5)), Some(60), false)), Ask::List);
        assert_eq!(next(&turn(connected(true, MINUTE), Some(10), false)), Ask::Nothing(Duration::from_secs(45)));
    }

    #[test]
    fn a_failure_is_left_alone_for_its_wait_whoever_wants_a_list() {
        let down = |since, proven| Link::Down { since: Duration::from_secs(since), wait: Duration::from_secs(55), proven };
        for wanted in [false, true] {
            assert_eq!(next(&turn(down(15, false), None, wanted)), Ask::Nothing(Duration::from_secs(40)));
        }
        assert_eq!(next(&turn(down(55, false), None, false)), Ask::IdentityAndList);
        assert_eq!(next(&turn(down(55, true), None, false)), Ask::List);
    }

    #[test]
    fn intervals_are_read_as_kubernetes_writes_them() {
        for (text, seconds) in [("10s", 10), ("60s", 60), ("5m", 300), ("1h", 3600), ("1m30s", 90), ("1h0m1s", 3601)] {
            assert_eq!(parse_interval(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "10", "s", "1x", "-1s", "1.5m", "99999999999999999999h", "18446744073709551615s1s"] {
            assert_eq!(parse_interval(text), None, "{text}");
        }
    }

    #[test]
    fn a_look_that_is_due_waits_for_a_used_up_budget_and_for_those_who_change_something() {
        let due = Turn { closed: Some(Duration::from_secs(10)), ..turn(connected(false, MINUTE), Some(60), false) };
        assert_eq!(next(&due), Ask::Nothing(Duration::from_secs(16)));
        let wanted = Turn { wanted: true, ..due.clone() };
        assert_eq!(next(&wanted), Ask::Nothing(Duration::from_secs(16)));
        assert_eq!(next(&Turn { list_age: Some(Duration::from_secs(30)), ..due.clone() }), Ask::Nothing(Duration::from_secs(30)));
        for list_age in [Some(MINUTE * 2), None] {
            let put_off = Turn { list_age, ..due.clone() };
            assert_eq!(next(&put_off), Ask::Nothing(Duration::from_secs(10)), "but not for ever");
        }
    }
}
