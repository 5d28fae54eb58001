//! The list: what the caller takes part in, filtered, counted, paged, and bent by faults if a test wants that.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::api::{Question, Scene, strict_uuid};
use crate::auth::Caller;
use crate::faults::{Counts, ListFault, OddShape};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::state::{Connection, World};
use crate::wire::{Document, Included, Meta, Names, Page, Row};

const DEFAULT_LIMIT: usize = 1000;

struct Listing {
    rows: Vec<Connection>,
    page: Option<Page>,
    odd: Vec<(usize, OddShape)>,
}

pub(crate) fn list(question: &Question, scene: &Scene<'_>, caller: &Caller) -> Result<Reply, Refusal> {
    let mut listing = read(question, scene, caller)?;
    for fault in &scene.list_faults {
        bend(&mut listing, fault);
    }
    Ok(Reply::json(200, render(&listing, scene.world)))
}

fn read(question: &Question, scene: &Scene<'_>, caller: &Caller) -> Result<Listing, Refusal> {
    let visible: Vec<_> = seen(scene).into_iter().filter(|row| [row.source, row.sink].contains(&caller.organization)).collect();
    let total_count = visible.len();
    let filter = |name, of: fn(&Connection) -> Uuid| {
        let wanted = question.parameter(name).map(strict_uuid);
        move |row: &Connection| wanted.is_none_or(|wanted| wanted == Some(of(row)))
    };
    let (by_source, by_sink) = (filter("source_org_id", |row| row.source), filter("sink_org_id", |row| row.sink));
    let filtered: Vec<_> = visible.into_iter().filter(|row| by_source(row) && by_sink(row)).collect();
    let page = Some(Page { total_count, total_filtered_count: filtered.len() });
    let (offset, limit) = (number(question, "offset", 0)?, number(question, "limit", DEFAULT_LIMIT)?);
    let rows = filtered.into_iter().skip(offset).take(limit).collect();
    Ok(Listing { rows, page, odd: Vec::new() })
}

/// The rows as they are, or as they were.
fn seen(scene: &Scene<'_>) -> Vec<Connection> {
    let stale = scene.list_faults.iter().find_map(|fault| match fault {
        ListFault::Stale { stale } => Some(*stale),
        ListFault::Empty | ListFault::Short { .. } | ListFault::Odd { .. } | ListFault::WithoutMeta | ListFault::Reversed => None,
    });
    match stale {
        Some(stale) => scene.world.history.rows(scene.world.rows(), stale, scene.moment).into_values().collect(),
        None => scene.world.connections().cloned().collect(),
    }
}

fn number(question: &Question, name: &str, default: usize) -> Result<usize, Refusal> {
    question.parameter(name).map_or(Ok(default), |text| text.parse().map_err(|_| Refusal::Invalid))
}

fn bend(listing: &mut Listing, fault: &ListFault) {
    match *fault {
        ListFault::Empty => *listing = Listing { rows: Vec::new(), page: Some(counts(0)), odd: Vec::new() },
        ListFault::Short { keep, counts: claim } => {
            listing.rows.truncate(keep);
            if claim == Counts::Reduced {
                listing.page = Some(counts(listing.rows.len()));
            }
        }
        ListFault::Odd { row, shape } => listing.odd.push((row, shape)),
        ListFault::WithoutMeta => listing.page = None,
        ListFault::Reversed => listing.rows.reverse(),
        ListFault::Stale { .. } => {}
    }
}

fn counts(rows: usize) -> Page {
    Page { total_count: rows, total_filtered_count: rows }
}

fn render(listing: &Listing, world: &World) -> String {
    let mut data: Vec<_> = listing.rows.iter().map(|connection| Row::new(connection, world, Names::Shown)).collect();
    for &(index, shape) in &listing.odd {
        if let Some(row) = data.get_mut(index) {
            shape.put_on(row);
        }
    }
    Document { data, included: included(&listing.rows, world), meta: listing.page.map(|page| Meta { page }) }.render()
}

/// Source, sink, next source, …, then the users; each once.
fn included(rows: &[Connection], world: &World) -> Vec<Included> {
    let mut seen = BTreeSet::new();
    let organizations = rows.iter().flat_map(|row| [row.source, row.sink]).filter_map(|id| world.organization(id));
    let organizations = organizations.map(|organization| Included::organization(organization, world.begun));
    let users = rows.iter().filter_map(|row| world.user(row.created_by)).map(|user| Included::user(user, world.begun));
    organizations.chain(users).filter(|resource| seen.insert(resource.id)).collect()
}
