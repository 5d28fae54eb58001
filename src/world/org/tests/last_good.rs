//! The credentials of a Secret that is gone finish deletions, and do nothing else.

use super::*;

async fn gone() -> Org {
    let org = connected().await;
    org.failed(secret_gone(), 0.5);
    org
}

#[tokio::test(start_paused = true)]
async fn only_the_credentials_of_a_secret_that_is_gone_are_kept() {
    assert!(connected().await.last_good().is_none(), "nothing is wrong with them");
    for trouble in every_trouble() {
        let org = connected().await;
        org.failed(trouble.clone(), 0.5);
        assert_eq!(org.last_good().is_some(), trouble == secret_gone(), "{trouble:?}");
        assert!(!is_usable(&org) && org.speaker().is_none(), "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_never_proved_anything_are_good_for_nothing() {
    let org = new();
    org.credentials(client("first").await);
    org.failed(secret_gone(), 0.5);
    assert!(org.last_good().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_holds_something_else_ends_it() {
    let org = gone().await;
    org.credentials(client("second").await);
    assert!(org.last_good().is_none());
    let org = gone().await;
    org.failed(Trouble::SecretInvalid { secret: "key".to_owned(), why: "it holds no key".to_owned() }, 0.5);
    assert!(org.last_good().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_waits_for_a_list_gets_one_and_no_more_often_than_others() {
    let org = gone().await;
    assert!(!org.wants_to_finish(), "nobody asked");
    org.want_list(Some(pair()));
    assert!(!org.wants_to_finish(), "the last list has only just begun");
    pass(poll::LEAST_INTERVAL.as_secs()).await;
    assert!(org.wants_to_finish());
    org.listed_in_trouble(empty_list());
    assert!(!org.wants_to_finish(), "it came");
    assert!(matches!(org.stand(), Stand::Trouble(Trouble::SecretNotFound(_), _)), "and ends no trouble");
}

#[tokio::test(start_paused = true)]
async fn an_organization_in_other_trouble_finishes_nothing() {
    for trouble in every_trouble().into_iter().filter(|trouble| *trouble != secret_gone()) {
        let org = connected().await;
        org.failed(trouble.clone(), 0.5);
        org.want_list(Some(pair()));
        pass(600).await;
        assert!(!org.wants_to_finish(), "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_suspended_organization_is_left_alone_and_needs_nobody() {
    let org = connected().await;
    org.failed(Trouble::Suspended, 0.5);
    let step::Organization::NotUsable { undecided, stalled, .. } = org.source() else { panic!("it is usable") };
    assert!(!undecided && !stalled && !org.wants_to_finish());
    assert!(wait(&org) > Duration::from_mins(50), "it ends with a change of the spec");
    assert_eq!(org.proven(), Some(source().id));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_proves_nothing_or_never_came_is_asked_for_again_with_the_interval() {
    let org = gone().await;
    org.listed_in_trouble(Snapshot { doubt: Some("two lists differ".to_owned()), ..list() });
    org.want_list(Some(pair()));
    pass(59).await;
    assert!(!org.wants_to_finish(), "one more out of turn would bring the same");
    pass(1).await;
    assert!(org.wants_to_finish());

    let unlisted = new();
    unlisted.credentials(client("first").await);
    unlisted.identified(identity(&[]));
    unlisted.recorded();
    unlisted.failed(secret_gone(), 0.5);
    assert!(unlisted.wants_to_finish(), "there has been none");
}

#[tokio::test(start_paused = true)]
async fn nothing_speaks_for_a_suspended_organization() {
    for org in [connected().await, gone().await] {
        org.specified(&object("one", ", suspend: true"));
        assert!(org.speaker().is_none() && org.last_good().is_none() && !is_usable(&org));
    }
}
