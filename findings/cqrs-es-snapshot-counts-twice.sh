#!/usr/bin/env bash
# Package: cqrs-es 0.5.0 (crates.io), with an event repository in memory.
#
# Behaviour: a snapshot holds the events of the command that made it twice. The sink
# applies each event to the aggregate when handle writes it; when the commit is due for a
# snapshot, the store applies the same events to the same aggregate once more and stores
# the result. Loading gives that snapshot back, so a counter counts too much, an account
# has too much money, and the more so with every snapshot.
#
# Met by: users of PersistedEventStore::new_snapshot_store (and new_aggregate_store), with
# any repository: dynamo-es, postgres-es, mysql-es.
#
# Output on 2026-11-29:
#   without snapshots: 10 commands of one event, the state counts 10
#   a snapshot every 5 events: 10 commands of one event, the state counts 12
#
# Exits with an error when the two agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2021"

[dependencies]
cqrs-es = "=0.5.0"
serde = { version = "1", features = ["derive"] }
serde_json = "1"
thiserror = "2"
tokio = { version = "1", features = ["rt", "macros", "sync"] }
TOML
cat >src/main.rs <<'RS'
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore, PersistenceError, ReplayStream, SerializedEvent, SerializedSnapshot};
use cqrs_es::{Aggregate, CqrsFramework, DomainEvent, EventStore};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Counted;
impl DomainEvent for Counted {
    fn event_type(&self) -> String { "Counted".into() }
    fn event_version(&self) -> String { "1.0".into() }
}

#[derive(Debug, thiserror::Error)]
#[error("refused")]
struct Refused;

#[derive(Serialize, Deserialize, Default)]
struct Counter { count: usize }
impl Aggregate for Counter {
    const TYPE: &'static str = "counter";
    type Command = ();
    type Event = Counted;
    type Error = Refused;
    type Services = ();
    async fn handle(&mut self, _: (), _: &(), sink: &EventSink<Self>) -> Result<(), Refused> {
        sink.write(Counted, self).await;
        Ok(())
    }
    fn apply(&mut self, _: Counted) { self.count += 1; }
}

#[derive(Default, Clone)]
struct Memory(Arc<Mutex<(Vec<SerializedEvent>, Option<(serde_json::Value, usize, usize)>)>>);
impl PersistedEventRepository for Memory {
    async fn get_events<A: Aggregate>(&self, _: &str) -> Result<Vec<SerializedEvent>, PersistenceError> { Ok(self.0.lock().unwrap().0.clone()) }
    async fn get_last_events<A: Aggregate>(&self, _: &str, last: usize) -> Result<Vec<SerializedEvent>, PersistenceError> {
        Ok(self.0.lock().unwrap().0.iter().filter(|e| e.sequence > last).cloned().collect())
    }
    async fn get_snapshot<A: Aggregate>(&self, id: &str) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        let kept = self.0.lock().unwrap().1.clone();
        Ok(kept.map(|(aggregate, current_sequence, current_snapshot)| SerializedSnapshot { aggregate_id: id.into(), aggregate, current_sequence, current_snapshot }))
    }
    async fn persist<A: Aggregate>(&self, events: &[SerializedEvent], snapshot: Option<(String, serde_json::Value, usize)>) -> Result<(), PersistenceError> {
        let mut stored = self.0.lock().unwrap();
        stored.0.extend_from_slice(events);
        if let Some((_, aggregate, current_snapshot)) = snapshot {
            let current_sequence = stored.0.last().unwrap().sequence;
            stored.1 = Some((aggregate, current_sequence, current_snapshot));
        }
        Ok(())
    }
    async fn stream_events<A: Aggregate>(&self, _: &str) -> Result<ReplayStream, PersistenceError> { Ok(ReplayStream::new(1).1) }
    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> { Ok(ReplayStream::new(1).1) }
}

async fn count(new: fn(Memory) -> PersistedEventStore<Memory, Counter>) -> usize {
    let memory = Memory::default();
    let framework = CqrsFramework::new(new(memory.clone()), vec![], ());
    for _ in 0..10 {
        framework.execute("1", ()).await.unwrap();
    }
    new(memory).load_aggregate("1").await.unwrap().aggregate.count
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let events = count(PersistedEventStore::new_event_store).await;
    let snapshots = count(|m| PersistedEventStore::new_snapshot_store(m, 5)).await;
    println!("without snapshots: 10 commands of one event, the state counts {events}");
    println!("a snapshot every 5 events: 10 commands of one event, the state counts {snapshots}");
    std::process::exit(i32::from(events == snapshots));
}
RS
cargo run --quiet
