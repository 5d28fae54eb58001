//! Every combination of who holds the lease, for how long it has been seen like that, how long it says that it lasts, and our own term.

use super::*;

const ME: &str = "me";
const SECOND: Duration = Duration::from_secs(1);
/// Late enough that everything can have been seen a while ago.
const NOW: Moment = Duration::from_secs(1000);

fn record(holder: &str, seconds: Option<i32>) -> LeaseSpec {
    LeaseSpec { holder_identity: Some(holder.to_owned()), lease_duration_seconds: seconds, ..LeaseSpec::default() }
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn seen(record: &LeaseSpec, since: Moment) -> Seen {
    Seen::default().again(Some(record), since)
}

/// How long it was seen unchanged, around the two durations that matter.
fn ages() -> impl Iterator<Item = Duration> {
    let around = |age: Duration| [age - Duration::from_nanos(1), age, age + Duration::from_nanos(1)];
    [Duration::ZERO, SECOND].into_iter().chain(around(LEASE_DURATION)).chain(around(60 * SECOND))
}

/// Our term: none, running, and over.
fn terms() -> [Option<Moment>; 5] {
    [None, Some(NOW + RENEW_DEADLINE), Some(NOW + Duration::from_nanos(1)), Some(NOW), Some(NOW - SECOND)]
}

#[test]
fn a_process_takes_over_only_when_it_has_seen_the_others_record_unchanged_for_as_long_as_it_lasts() {
    for age in ages() {
        for (says, lasts) in [(None, 15), (Some(-1), 15), (Some(0), 15), (Some(1), 15), (Some(15), 15), (Some(60), 60)] {
            let expected = if age < lasts * SECOND { Step::Wait } else { Step::Take };
            assert_eq!(step(ME, &seen(&record("other", says), NOW - age), None, NOW), expected, "{says:?} for {age:?}");
        }
    }
}

#[test]
fn whoever_leads_never_takes_from_another_and_leads_no_longer_than_its_term() {
    for age in ages() {
        for term in terms() {
            let over = term.is_some_and(|end| end <= NOW);
            let expect = |holder, expected| {
                let expected = if over { Step::Lost } else { expected };
                assert_eq!(step(ME, &seen(&record(holder, Some(15)), NOW - age), term, NOW), expected, "{holder} for {age:?}, {term:?}");
            };
            expect(ME, Step::Renew);
            expect("", Step::Take);
            if term.is_some() {
                expect("other", Step::Lost);
            }
        }
    }
}

#[test]
fn a_lease_that_is_not_there_or_that_nobody_holds_is_taken_at_once() {
    for seen in [Seen::default(), seen(&LeaseSpec::default(), NOW), seen(&record("", Some(1)), NOW)] {
        assert_eq!((step(ME, &seen, None, NOW), seen.holder()), (Step::Take, None));
    }
}

#[test]
fn any_change_of_the_record_begins_the_wait_anew_and_an_equal_look_does_not() {
    let first = record("other", Some(15));
    let renewed = LeaseSpec { renew_time: Some(MicroTime(time(1))), ..first.clone() };
    let (begin, later) = (SECOND, 14 * SECOND);
    let unchanged = seen(&first, begin).again(Some(&first), later);
    assert_eq!(unchanged.since, begin);
    assert_eq!(unchanged.clone().again(Some(&renewed), later).since, later);
    assert_eq!(unchanged.again(None, later).again(Some(&first), later).since, later);
}

#[test]
fn the_clock_that_counts_is_our_own_whatever_the_record_says_of_time() {
    for shown in [i64::from(i32::MIN), 0, i64::from(i32::MAX)].map(time) {
        let record = LeaseSpec { renew_time: Some(MicroTime(shown)), ..record("other", Some(15)) };
        assert_eq!(step(ME, &seen(&record, NOW), None, NOW + LEASE_DURATION - SECOND), Step::Wait);
        assert_eq!(step(ME, &seen(&record, NOW), None, NOW + LEASE_DURATION), Step::Take);
    }
}

#[test]
fn times_leave_room_for_calls_that_are_under_way_when_a_term_ends() {
    assert!(RENEW_DEADLINE + Duration::from_secs(5) <= LEASE_DURATION && RETRY_PERIOD * 2 < RENEW_DEADLINE);
}

#[test]
fn pauses_are_spread_and_never_longer_than_the_retry_period() {
    assert_eq!([0.0, 0.5, 1.0].map(pause), [SECOND, Duration::from_millis(1500), RETRY_PERIOD]);
    assert_eq!([-1.0, 7.0, f64::INFINITY].map(pause), [SECOND, RETRY_PERIOD, RETRY_PERIOD]);
}

#[test]
fn a_record_says_who_holds_it_since_when_and_how_often_it_changed_hands() {
    let created = held(ME, None, time(1));
    assert_eq!(
        (created.holder_identity.as_deref(), created.lease_duration_seconds, created.lease_transitions),
        (Some(ME), Some(15), Some(0))
    );
    assert_eq!((created.acquire_time.clone(), created.renew_time.clone()), (Some(MicroTime(time(1))), Some(MicroTime(time(1)))));

    let renewed = held(ME, Some(&created), time(3));
    assert_eq!(renewed, LeaseSpec { renew_time: Some(MicroTime(time(3))), ..created.clone() });

    let taken = held("other", Some(&renewed), time(20));
    assert_eq!((taken.lease_transitions, &taken.acquire_time), (Some(1), &Some(MicroTime(time(20)))));

    let released = released(&taken, time(22));
    assert_eq!((holder(&released), released.lease_duration_seconds, released.lease_transitions), (None, Some(1), Some(1)));
    let again = held("other", Some(&released), time(23));
    assert_eq!((again.lease_transitions, again.lease_duration_seconds), (Some(2), Some(15)));
}

#[test]
fn what_others_have_put_into_a_lease_stays_there() {
    let theirs = LeaseSpec { strategy: Some("theirs".to_owned()), ..LeaseSpec::default() };
    let held = held(ME, Some(&theirs), time(1));
    assert_eq!((held.strategy.as_deref(), held.lease_transitions), (Some("theirs"), Some(1)));
    assert_eq!(released(&held, time(2)).strategy.as_deref(), Some("theirs"));
}
