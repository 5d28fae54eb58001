use super::*;
use crate::datadog::Texts;
use crate::decide::fixtures::id;

fn reason(report: &Report) -> Option<&'static str> {
    report.verdict.as_ref().map(|verdict| verdict.reason)
}

#[test]
fn an_answer_that_contradicts_the_list_is_told_when_the_next_list_does_not_explain_it() {
    let texts = Texts::default;
    for error in [
        Error::Conflict { call: Call::Create, texts: texts() },
        Error::Conflict { call: Call::Delete(id(1)), texts: texts() },
        Error::NotFound { call: Call::Update(id(1)), texts: texts() },
    ] {
        let (first, again) = (report_of(&error, false), report_of(&error, true));
        assert_eq!((reason(&first), reason(&again)), (None, Some("Retrying")), "{error}");
        assert_eq!((first.retry, again.retry), (Retry::Backoff, Retry::Backoff));
        assert!(again.verdict.unwrap().message.starts_with(&error.to_string()));
    }
}

#[test]
fn a_deletion_that_datadog_rejects_says_how_to_get_out_of_it() {
    for code in [400, 422] {
        let status = http::StatusCode::from_u16(code).unwrap();
        let rejected = |call| report_of(&Error::Rejected { call, status, texts: Texts::default() }, false);
        let deletion = rejected(Call::Delete(id(1)));
        assert_eq!(reason(&deletion), Some("DeletionBlocked"));
        assert!(deletion.verdict.unwrap().message.contains("deletionPolicy to Orphan"));
        assert_eq!((reason(&rejected(Call::Create)), reason(&rejected(Call::Update(id(1))))), (Some("NotAllowed"), Some("NotAllowed")));
    }
}
