use super::*;
use crate::api::APPROVAL_ANNOTATION;

fn remembering(numbers: &[u8]) -> DatadogOrg {
    let memory = let_through(numbers).unwrap();
    DatadogOrg { status: Some(crate::decide::brake::remembering(None, &memory)), ..object("one", "") }
}

fn approving(until: &str) -> DatadogOrg {
    let mut object = object("one", "");
    object.metadata.annotations = Some([(APPROVAL_ANNOTATION.to_owned(), until.to_owned())].into());
    object
}

fn holding(number: i64) -> DatadogOrg {
    let mut object = remembering(&[1]);
    object.status.as_mut().unwrap().held_deletions = Some(number);
    object
}

#[tokio::test(start_paused = true)]
async fn another_limit_approval_or_number_is_news_once() {
    let org = new();
    assert!(!org.brake_is_news());
    for changed in [object("one", ", maxDeletionsPerHour: 3"), approving("soon"), approving("later"), holding(7), holding(8)] {
        org.specified(&changed);
        org.specified(&changed);
        assert_eq!([org.brake_is_news(), org.brake_is_news()], [true, false], "{changed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_let_through_since_wakes_nobody_and_is_known() {
    let org = new();
    for numbers in [[1].as_slice(), &[1, 2]] {
        org.specified(&remembering(numbers));
        assert_eq!((org.brake_is_news(), org.brake().memory), (false, let_through(numbers)));
    }
}

#[tokio::test(start_paused = true)]
async fn another_limit_leaves_the_credentials_proven() {
    let org = connected().await;
    org.specified(&object("one", ", maxDeletionsPerHour: 3"));
    assert!(is_usable(&org));
}

#[tokio::test(start_paused = true)]
async fn that_any_deletion_is_held_is_said_at_once_and_a_number_that_changes_every_five_seconds() {
    let org = new();
    assert_eq!(org.tells_held(0), (0, None));
    assert_eq!(org.tells_held(3), (3, None));
    pass(1).await;
    assert_eq!(org.tells_held(190), (3, Some(Duration::from_secs(4))));
    assert_eq!(org.tells_held(3), (3, None), "it is true again");
    pass(4).await;
    assert_eq!(org.tells_held(190), (190, None));
}

#[tokio::test(start_paused = true)]
async fn only_an_object_that_cannot_be_understood_has_no_brake() {
    for trouble in every_trouble() {
        let org = new();
        org.failed(trouble, 0.0);
        assert!(!org.is_undecodable());
    }
    let org = new();
    org.failed(Trouble::Undecodable("no site".to_owned()), 0.0);
    assert!(org.is_undecodable());
}
