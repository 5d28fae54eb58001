use super::Core;
use crate::config::{CENTRAL, Config, PAYMENTS};
use crate::monitor::Broken;
use crate::sources::{Clock, Ids};
use crate::state::Draft;

#[tokio::test]
async fn two_connections_of_a_pair_would_be_noticed() {
    let mut core = Core::new(&Config::three_organizations(), Clock::real(), Ids::seeded(1));
    for _ in 0..2 {
        let draft = Draft { source: PAYMENTS, sink: CENTRAL, connection_types: Vec::new(), created_by: PAYMENTS };
        let (id, now, moment) = (core.ids.next(), core.now(), core.moment(0));
        core.world.insert(draft, id, now, moment);
        core.check_pair(PAYMENTS, CENTRAL, 1);
    }
    assert_eq!(core.monitor.violations().iter().map(|violation| violation.broken).collect::<Vec<_>>(), [Broken::DuplicatePair]);
}
