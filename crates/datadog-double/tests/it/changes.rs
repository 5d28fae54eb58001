//! What people do behind the operator's back.

use datadog_double::{CENTRAL, PAYMENTS, Refusal, SECURITY};
use uuid::Uuid;

use crate::client::{created, list, post, start};

#[tokio::test]
async fn a_person_creates_changes_and_deletes_without_a_request() {
    let running = start().await;
    let double = &running.double;
    let made = double.create_as("Mallory", PAYMENTS, CENTRAL, &["logs"]).unwrap();
    let row = list().with("payments").to(&running).await.json()["data"][0].clone();
    assert_eq!(row["relationships"]["created_by"]["data"]["name"], "Mallory");
    assert_eq!(double.change_types(made.id, &["audit", "metrics"]).unwrap().connection_types, ["audit", "metrics"]);
    double.delete(made.id).unwrap();
    assert_eq!((double.connection(PAYMENTS, CENTRAL), double.journal().len()), (None, 1));
}

#[tokio::test]
async fn a_person_known_by_name_acts_as_that_user() {
    let running = start().await;
    let first = running.double.create_as("Alice", PAYMENTS, CENTRAL, &["logs"]).unwrap();
    let alice = running.double.state().users.into_iter().find(|known| known.user.name == "Alice").unwrap();
    assert_eq!(first.created_by, alice.user.id);
}

#[tokio::test]
async fn people_cannot_make_a_second_connection_of_a_pair_either() {
    let running = start().await;
    created(&running).await;
    let error = running.double.create_as("Alice", PAYMENTS, CENTRAL, &["logs"]).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().downcast_ref::<Refusal>();
    assert_eq!(cause, Some(&Refusal::Exists { from: PAYMENTS, to: CENTRAL }));
    assert_eq!(post("[\"logs\"]", CENTRAL).with("payments").to(&running).await.status, 409);
}

#[tokio::test]
async fn a_deactivated_user_takes_its_connections_along_and_its_key_is_refused() {
    let running = start().await;
    created(&running).await;
    let kept = running.double.create_as("Alice", PAYMENTS, SECURITY, &["logs"]).unwrap();
    let creator = running.double.connection(PAYMENTS, CENTRAL).unwrap().created_by;
    assert_eq!(running.double.deactivate_user(creator).unwrap().len(), 1);
    assert_eq!(running.double.state().connections, [kept]);
    assert_eq!(list().with("payments").to(&running).await.status, 403);
    assert_eq!(list().with("payments-alice").to(&running).await.status, 200);
}

#[tokio::test]
async fn a_renamed_organization_shows_its_new_name() {
    let running = start().await;
    created(&running).await;
    running.double.rename(CENTRAL, "Headquarters").unwrap();
    let row = list().with("payments").to(&running).await.json()["data"][0].clone();
    assert_eq!(row["relationships"]["sink_org"]["data"]["name"], "Headquarters");
}

#[tokio::test]
async fn what_does_not_exist_cannot_be_changed() {
    let double = &start().await.double;
    let nil = Uuid::nil();
    assert!(double.delete(nil).is_err());
    assert!(double.change_types(nil, &["logs"]).is_err());
    assert!(double.protect(nil).is_err());
    assert!(double.deactivate_user(nil).is_err());
    assert!(double.rename(nil, "x").is_err());
    assert!(double.revoke(PAYMENTS, "nobody").is_err());
    assert!(double.release(9).is_err());
    let message = double.remove_rule(9).unwrap_err().to_string();
    assert_eq!(message, "the double knows no rule 9: look at its state for what there is");
}
