//! The crash sweep: every scenario is run once for each write that it consists of and each fault that can befall that write, and has to
//! end as it does without faults. The operator is the shipping binary between a real API server and the double, behind the proxy.
//!
//! `make test` runs each scenario with each fault once; `make crash` runs them all. A new scenario is one value in `sweep/scenarios.rs`.
//!
//! | Variable | Meaning |
//! |---|---|
//! | `CROSSORG_SWEEP` | `part` (as `make test` does) or `all` |
//! | `CROSSORG_SWEEP_ONLY` | only scenarios whose name begins so |
//! | `CROSSORG_SWEEP_FAULT` | only faults whose name begins so |
//! | `CROSSORG_SWEEP_PATIENCE` | how many seconds a run may take back to rest |
//! | `CROSSORG_SWEEP_BINARY` | another operator than the shipping one |
//! | `CROSSORG_SWEEP_PARALLEL` | runs at the same time |

mod end;
mod keeper;
mod run;
mod scenarios;
mod settings;
mod table;

use futures::StreamExt;
use tokio::time::Instant;

use self::run::{Case, Mode, Reference, Run};
use self::scenarios::{SCENARIOS, Scenario};
use self::settings::{Extent, Settings};
use self::table::Table;
use crate::harness::print_past_capture;
use crate::proxy::Fault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_write_is_interrupted_the_end_is_that_of_an_undisturbed_run() {
    swept(Mode::Alone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_operators_at_once_of_which_one_is_interrupted_end_as_one_undisturbed_does() {
    swept(Mode::Twins).await;
}

/// Sweeps what the settings say, shows the table, and fails if a run did not mend itself.
async fn swept(mode: Mode) {
    let table = sweep(&Settings::of_environment(), mode).await;
    print_past_capture(&table.to_string());
    assert!(table.failures().is_empty(), "{}", table.failures().join("\n"));
}

/// All runs that the settings ask for.
async fn sweep(settings: &Settings, mode: Mode) -> Table {
    let begun = Instant::now();
    let scenarios: Vec<&Scenario> = SCENARIOS.iter().filter(|scenario| settings.wants(scenario)).collect();
    let references =
        futures::stream::iter(scenarios).map(|scenario| async move { (scenario, Reference::of(scenario, settings, mode).await) });
    let references: Vec<(&Scenario, Result<Reference, String>)> = references.buffered(settings.parallel).collect().await;
    let mut table = Table::new(mode.title(), &references);
    let cases: Vec<Case<'_>> = references
        .iter()
        .enumerate()
        .filter_map(|(index, (scenario, reference))| Some((index, scenario, reference.as_ref().ok()?)))
        .flat_map(|(index, scenario, reference)| cases(index, scenario, reference, settings.extent, mode))
        .filter(|case| settings.meets(case.fault))
        .collect();
    let mut runs = futures::stream::iter(cases).map(|case| Run::of(case, settings)).buffer_unordered(settings.parallel);
    while let Some(run) = runs.next().await {
        table.add(&run);
    }
    drop(runs);
    table.took(begun.elapsed());
    table
}

/// The runs of one scenario: all, or one for each fault. Which write that one befalls goes round with the scenarios and faults, so that
/// the part is the same in each run and takes turns over early and late writes.
fn cases<'a>(index: usize, scenario: &'a Scenario, reference: &'a Reference, extent: Extent, mode: Mode) -> Vec<Case<'a>> {
    let writes = reference.writes();
    let case = |fault, number| Case { scenario, reference, mode, fault, number };
    let turn = |(place, fault): (usize, Fault)| {
        let number = if fault.goes_on() { 0 } else { (index * Fault::ALL.len() + place * 2) % writes.max(1) };
        case(fault, number + 1)
    };
    match (extent, mode) {
        (Extent::All, _) => {
            let numbers = |fault: Fault| if fault.goes_on() { 1..=1 } else { 1..=writes };
            Fault::ALL.into_iter().flat_map(|fault| numbers(fault).map(move |number| case(fault, number))).collect()
        }
        (Extent::Part, Mode::Alone) => Fault::ALL.into_iter().enumerate().map(turn).collect(),
        // One fault for each scenario: what an interrupted operator leaves is swept by the other test.
        (Extent::Part, Mode::Twins) => Fault::ALL.into_iter().enumerate().skip(index % Fault::ALL.len()).take(1).map(turn).collect(),
    }
}
