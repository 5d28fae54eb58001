//! What happens at Datadog, behind the operator's back.

use std::time::Duration;

use datadog_double::Connection;
use uuid::Uuid;

use super::People;
use super::acts::Act;
use crate::world::SEATS;

/// The names that organizations have or take.
const NAMES: [&str; 4] = ["Payments", "Central", "Security", "Treasury"];

/// Somebody who wants a connection otherwise, and corrects it back again and again.
#[derive(Debug, Clone)]
pub(super) struct Quarrel {
    pair: (Uuid, Uuid),
    /// Gone, if there are none.
    types: Vec<&'static str>,
    until: Duration,
}

impl People {
    pub(super) fn at_datadog(&mut self, act: Act) -> Option<String> {
        let rows = self.world.datadog.state().connections;
        let row: Option<&Connection> = rows.get(self.chance.usize(..rows.len().max(1)));
        let types = self.types();
        match act {
            Act::CreateThere => {
                let (source, sink) = (SEATS[self.chance.usize(..3)], SEATS[self.chance.usize(..3)]);
                let row = self.world.datadog.create_as("Eve", source.organization, sink.organization, &types).ok()?;
                self.world.datadog.protect(row.id).unwrap();
                Some(format!("{row:?}"))
            }
            Act::ChangeThere => self.world.datadog.change_types(row?.id, &types).ok().map(|row| format!("{row:?}")),
            Act::DeleteThere => self.world.datadog.delete(row?.id).ok().map(|row| format!("{row:?}")),
            Act::QuarrelThere => {
                let until = self.world.begun.elapsed() + Duration::from_mins(self.chance.u64(10..40));
                let types = if self.chance.u8(..4) == 0 { Vec::new() } else { types };
                self.quarrel = Some(Quarrel { pair: (row?.source, row?.sink), types, until });
                Some(format!("{:?}", self.quarrel))
            }
            _ => self.with_names(act),
        }
    }

    /// The rival looks at the connection, and mostly puts right what is not as it wants it.
    pub(super) fn quarrel_on(&mut self) -> Vec<String> {
        let now = self.world.begun.elapsed();
        let Some(quarrel) = self.quarrel.clone().filter(|quarrel| now < quarrel.until && self.chance.u8(..4) > 0) else {
            return Vec::new();
        };
        let datadog = &self.world.datadog;
        let Some(row) = datadog.connection(quarrel.pair.0, quarrel.pair.1) else { return Vec::new() };
        let is_content = quarrel.types.len() == row.connection_types.len()
            && quarrel.types.iter().all(|wanted| row.connection_types.iter().any(|one| one == wanted));
        if is_content {
            return Vec::new();
        }
        let done = if quarrel.types.is_empty() { datadog.delete(row.id) } else { datadog.change_types(row.id, &quarrel.types) };
        done.map(|row| format!("a rival changes {row:?}")).into_iter().collect()
    }

    // === Names ===

    /// The name of some organization, or of none.
    pub(super) fn name(&mut self) -> String {
        self.one_of(&NAMES).to_owned()
    }

    fn with_names(&mut self, act: Act) -> Option<String> {
        let (one, another) = (self.chance.usize(..3), self.chance.usize(1..3));
        let organizations = self.world.datadog.state().organizations;
        let (one, another) = (organizations.get(one)?, organizations.get((one + another) % 3)?);
        if act == Act::SwapNames {
            self.world.datadog.rename(one.id, &another.name).ok()?;
            self.world.datadog.rename(another.id, &one.name).ok()?;
            return Some(format!("{} and {}", one.name, another.name));
        }
        let name = self.name();
        self.world.datadog.rename(one.id, &name).ok()?;
        Some(format!("{} to {name}", one.name))
    }
}
