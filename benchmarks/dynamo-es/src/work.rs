//! The operations that the runner asks for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::Client;
use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore, SerializedEvent};
use cqrs_es::{Aggregate, AggregateError, CqrsFramework, DomainEvent, EventStore};
use dynamo_es::DynamoEventRepository;

use crate::ledger::{Command, Entry, Ledger, LedgerEvent, Refused};
use crate::{Reply, Request};

type Store = PersistedEventStore<DynamoEventRepository, Ledger>;
type Framework = CqrsFramework<Ledger, Store>;

/// SNAPSHOT_EVERY is the number of events after which a snapshot is taken.
const SNAPSHOT_EVERY: usize = 7;

/// ATTEMPTS bounds the attempts of one contended append.
const ATTEMPTS: usize = 1000;

pub struct Worker {
    client: Client,
    snapshots: bool,
    entries: Arc<Vec<Entry>>,
}

impl Worker {
    pub fn new(snapshots: bool, endpoint: &str, entries: Vec<Entry>) -> Self {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .credentials_provider(Credentials::new("id", "secret", None, None, "static"))
            .build();
        Self { client: Client::from_conf(config), snapshots, entries: Arc::new(entries) }
    }

    fn repository(&self) -> DynamoEventRepository {
        let prefix = if self.snapshots { "snapshots" } else { "events" };
        DynamoEventRepository::new(self.client.clone())
            .with_tables(&format!("dynamo-es-{prefix}"), &format!("dynamo-es-{prefix}-snapshot"))
    }

    fn store(&self) -> Store {
        if self.snapshots {
            PersistedEventStore::new_snapshot_store(self.repository(), SNAPSHOT_EVERY)
        } else {
            PersistedEventStore::new_event_store(self.repository())
        }
    }

    fn framework(&self) -> Framework {
        CqrsFramework::new(self.store(), vec![], ())
    }

    pub async fn run(&self, r: Request) -> Reply {
        match r.op.as_str() {
            "fill" => self.fill(&r).await,
            "create" | "append" => self.append(&r).await,
            "load" => self.load(&r).await,
            "contend" => self.contend(&r).await,
            "repeat" => Reply { unsupported: true, ..Reply::default() },
            other => Reply { error: format!("unknown operation {other}"), ..Reply::default() },
        }
    }

    fn take(&self, n: usize) -> Command {
        Command::Enter(self.entries[..n].to_vec())
    }

    /// Streams of a given length, one item per event. Without snapshots they are
    /// written by the repository, since the framework reads the whole stream each time.
    async fn fill(&self, r: &Request) -> Reply {
        let mut reply = Reply::default();
        let (framework, repository) = (self.framework(), self.repository());
        for id in &r.ids {
            let result = if self.snapshots {
                self.fill_by_commands(&framework, id, r.events).await
            } else {
                self.fill_by_repository(&repository, id, r.events).await
            };
            if let Err(e) = result {
                reply.error = e;
                return reply;
            }
        }
        reply.ops = r.ids.len();
        reply
    }

    async fn fill_by_commands(&self, framework: &Framework, id: &str, events: usize) -> Result<(), String> {
        let mut left = events;
        while left > 0 {
            let n = left.min(SNAPSHOT_EVERY);
            framework.execute(id, self.take(n)).await.map_err(|e| e.to_string())?;
            left -= n;
        }
        Ok(())
    }

    async fn fill_by_repository(&self, repository: &DynamoEventRepository, id: &str, events: usize) -> Result<(), String> {
        let serialized: Vec<SerializedEvent> = (0..events).map(|i| self.serialized(id, i)).collect();
        for batch in serialized.chunks(25) {
            repository.persist::<Ledger>(batch, None).await.map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    fn serialized(&self, id: &str, i: usize) -> SerializedEvent {
        let event = LedgerEvent::Entered(self.entries[i % self.entries.len()].clone());
        SerializedEvent {
            aggregate_id: id.to_string(),
            sequence: i + 1,
            aggregate_type: Ledger::TYPE.to_string(),
            event_type: event.event_type(),
            event_version: event.event_version(),
            payload: serde_json::to_value(&event).expect("an event"),
            metadata: serde_json::json!({}),
        }
    }

    /// One command per id, which enters r.events entries.
    async fn append(&self, r: &Request) -> Reply {
        let framework = self.framework();
        let mut reply = Reply::default();
        // A create enters one.
        let commands: Vec<Command> = r.ids.iter().map(|_| self.take(r.events.max(1))).collect();
        let cpu = cpu_ns();
        for (id, command) in r.ids.iter().zip(commands) {
            let begin = Instant::now();
            let result = framework.execute(id, command).await;
            reply.latency_ns.push(begin.elapsed().as_nanos() as u64);
            if let Err(e) = result {
                reply.refused += 1;
                reply.error = e.to_string();
            }
        }
        reply.cpu_ns = cpu_ns() - cpu;
        reply.ops = r.ids.len();
        reply
    }

    async fn load(&self, r: &Request) -> Reply {
        let store = self.store();
        let mut reply = Reply::default();
        let cpu = cpu_ns();
        for id in &r.ids {
            let begin = Instant::now();
            let loaded = store.load_aggregate(id).await;
            reply.latency_ns.push(begin.elapsed().as_nanos() as u64);
            match loaded {
                Ok(context) => reply.seen = context.aggregate.entries,
                Err(e) => reply.error = e.to_string(),
            }
        }
        reply.cpu_ns = cpu_ns() - cpu;
        reply.ops = r.ids.len();
        reply
    }

    /// r.writers instances at once, each of which gets r.each commands through.
    async fn contend(&self, r: &Request) -> Reply {
        let mut reply = Reply::default();
        let cpu = cpu_ns();
        let mut tasks = Vec::new();
        for _ in 0..r.writers {
            let (framework, id, each, entries) = (self.framework(), r.ids[0].clone(), r.each, self.entries.clone());
            tasks.push(tokio::spawn(async move { contend_one(&framework, &id, each, &entries).await }));
        }
        for task in tasks {
            let (latencies, refused, error) = task.await.expect("a writer");
            reply.latency_ns.extend(latencies);
            reply.refused += refused;
            if !error.is_empty() {
                reply.error = error;
            }
        }
        reply.cpu_ns = cpu_ns() - cpu;
        reply.ops = reply.latency_ns.len();
        reply
    }
}

async fn contend_one(framework: &Framework, id: &str, each: usize, entries: &[Entry]) -> (Vec<u64>, usize, String) {
    let (mut latencies, mut refused) = (Vec::new(), 0);
    for _ in 0..each {
        let begin = Instant::now();
        let mut attempts = 0;
        loop {
            match framework.execute(id, Command::Enter(entries[..1].to_vec())).await {
                Ok(()) => break,
                Err(e) if attempts == ATTEMPTS => return (latencies, refused, e.to_string()),
                Err(AggregateError::<Refused>::AggregateConflict) => {}
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
            attempts += 1;
            refused += 1;
        }
        latencies.push(begin.elapsed().as_nanos() as u64);
    }
    (latencies, refused, String::new())
}

/// The processor time that this process has used, user and system, in nanoseconds.
fn cpu_ns() -> u64 {
    // SAFETY: rusage is plain data, and getrusage fills it.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let ns = |t: libc::timeval| t.tv_sec as u64 * 1_000_000_000 + t.tv_usec as u64 * 1_000;
    ns(usage.ru_utime) + ns(usage.ru_stime)
}
