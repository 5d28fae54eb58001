use super::*;

const SIMULATION: &str = "
running 1 test
1 seeds in 2.1 s
seed 4: I2 no orphan at 1200.5 s: team/one was let go, but its connection is there
thread 'seeds::every_seed' (77) panicked at tests/sim/seeds.rs:84:5:
1 of 1 seeds failed
test seeds::every_seed ... FAILED
";

const TESTS: &str = "
running 2 tests
test lists::right ... ok
test lists::wrong ... FAILED

---- lists::wrong stdout ----

thread 'lists::wrong' (77) panicked at tests/it/lists.rs:46:9:
assertion `left == right` failed: Empty
  left: (1, 0, 0)
";

fn told(text: &str) -> Told {
    Told(text.to_owned())
}

#[test]
fn of_a_failed_seed_the_violation_is_told() {
    assert_eq!(told(SIMULATION).line_after("seed 4: "), "I2 no orphan at 1200.5 s: team/one was let go, but its connection is there");
}

#[test]
fn of_a_failed_test_its_name_and_what_it_said_first_are_told() {
    let told = told(TESTS);
    assert_eq!((told.failed_test(), told.panic().as_str()), (Some("lists::wrong"), "assertion `left == right` failed: Empty"));
}

#[test]
fn of_a_run_that_died_of_something_else_the_last_words_are_told() {
    let told = told("running 1 test\n\nthread 'main' has overflowed its stack\n\n");
    assert_eq!((told.panic(), told.failed_test()), ("thread 'main' has overflowed its stack".to_owned(), None));
    assert_eq!(Told(String::new()).panic(), "it said nothing");
}

#[tokio::test]
async fn a_test_that_does_not_exist_any_more_is_an_error_and_no_pass() {
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    };
    let error = failure(shell("echo 'test result: ok. 0 passed; 0 failed'")).await.unwrap_err();
    assert!(error.to_string().contains("no test of that name"), "{error}");
    assert!(failure(shell("echo 'test result: ok. 1 passed; 0 failed'")).await.unwrap().is_none());
    assert!(failure(shell("exit 101")).await.unwrap().is_some());
}
