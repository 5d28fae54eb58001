use super::*;

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_read_for_a_moment_is_no_news_and_one_that_stays_so_is() {
    let org = connected().await;
    assert!(!org.secret_stays_unread());
    pass(9).await;
    assert!(!org.secret_stays_unread());
    pass(1).await;
    assert!(org.secret_stays_unread());
    org.secret_is_read();
    assert!(!org.secret_stays_unread(), "it counts anew");
}

#[tokio::test(start_paused = true)]
async fn names_that_fail_for_ten_minutes_are_waited_for_no_more_until_they_come() {
    let org = connected().await;
    let fails = || Names::Unavailable { why: "there is no such list".to_owned(), refused: false };
    assert!(org.names_may_come(), "nobody has asked yet");
    for _ in 0..10 {
        org.named(fails(), Instant::now());
        assert!(org.names_may_come());
        pass(60).await;
    }
    org.named(fails(), Instant::now());
    assert!(!org.names_may_come());
    org.named(Names::Known(Vec::new()), Instant::now());
    assert!(org.names_may_come());
}
