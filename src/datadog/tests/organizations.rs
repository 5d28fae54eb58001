//! Which organizations there are.

use serde_json::{Value, json};

use super::super::{Error, Unreadable};
use super::{SINK, SOURCE, answering};
use crate::decide::model::Organization;

const THIRD: &str = "44444444-0000-4000-8000-000000000004";

fn named(id: &str, name: &str) -> Value {
    let attributes = json!({"name": name, "public_id": "abc", "description": null, "disabled": false, "url": null});
    json!({"type": "orgs", "id": id, "attributes": attributes})
}

/// The answer to the source's key, as specified: it manages the sink.
fn answer(included: &[Value]) -> Value {
    let reference = |id: &str| json!({"type": "orgs", "id": id});
    json!({
        "data": {"type": "managed_orgs", "id": SOURCE, "relationships": {
            "current_org": {"data": reference(SOURCE)},
            "managed_orgs": {"data": [reference(SINK)]},
        }},
        "included": included,
    })
}

async fn organizations(body: &Value) -> Result<Vec<(String, String)>, Error> {
    let listed = answering(200, &body.to_string()).0.organizations().await?;
    Ok(listed.into_iter().map(|Organization { id, name }| (id.to_string(), name)).collect())
}

fn rows(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned())).collect()
}

#[tokio::test]
async fn every_organization_comes_with_its_name_the_own_among_them() {
    let body = answer(&[named(SINK, "Child"), json!({"type": "users", "id": 7}), named(SOURCE, "Parent")]);
    let (client, sent) = answering(200, &body.to_string());
    let listed = client.organizations().await.unwrap();
    assert_eq!((sent.last().method().as_str(), sent.last().uri().to_string().as_str()), ("GET", "https://api.datadoghq.eu/api/v2/org"));
    let names: Vec<_> = listed.iter().map(|organization| (organization.id.to_string(), organization.name.clone())).collect();
    assert_eq!(names, rows(&[(SOURCE, "Parent"), (SINK, "Child")]));
}

#[tokio::test]
async fn the_own_organization_is_there_also_when_the_answer_does_not_name_it() {
    let listed = organizations(&answer(&[named(SINK, "Child")])).await.unwrap();
    assert_eq!(listed, rows(&[(SOURCE, ""), (SINK, "Child")]));
}

#[tokio::test]
async fn an_organization_that_is_only_included_counts_and_so_do_namesakes() {
    let listed = organizations(&answer(&[named(SINK, "Twin"), named(THIRD, "Twin"), named(SINK, "Twin")])).await.unwrap();
    assert_eq!(listed, rows(&[(SOURCE, ""), (SINK, "Twin"), (THIRD, "Twin")]));
}

#[tokio::test]
async fn names_are_made_printable() {
    let listed = organizations(&answer(&[named(SINK, "Ch\nild\u{202e}")])).await.unwrap();
    assert_eq!(listed[1].1, "Child");
}

#[tokio::test]
async fn an_answer_that_hides_a_name_is_none() {
    let nameless = |attributes: Value| json!({"type": "orgs", "id": THIRD, "attributes": attributes});
    let hiding = [
        vec![],
        vec![named(SINK, "Child"), nameless(json!({}))],
        vec![named(SINK, "Child"), nameless(json!({"name": null}))],
        vec![named(SINK, "Child"), json!({"type": "orgs", "id": THIRD})],
        vec![named(SINK, "Child"), named("abc", "No UUID")],
        vec![named(SINK, "Child"), named(SINK, "Other")],
    ];
    for included in hiding {
        let answered = organizations(&answer(&included)).await;
        assert!(matches!(answered, Err(Error::Unreadable { what: Unreadable::Shape, .. })), "{included:?}: {answered:?}");
    }
}

#[tokio::test]
async fn without_the_members_that_say_which_organizations_there_are_it_is_no_answer() {
    for pointer in ["/data", "/data/relationships", "/data/relationships/current_org", "/data/relationships/managed_orgs/data"] {
        let mut torn = answer(&[named(SINK, "Child")]);
        *torn.pointer_mut(pointer).unwrap() = json!(null);
        assert!(organizations(&torn).await.is_err(), "{pointer}");
    }
}
