//! The aggregate that every peer of the benchmarks has: a ledger of entries.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

/// Entry is an event of about half a kilobyte.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct Entry {
    pub line: i64,
    pub product: String,
    pub name: String,
    pub category: String,
    pub quantity: i64,
    pub price: i64,
    pub currency: String,
    pub customer: Customer,
    pub address: Address,
    pub note: String,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct Customer {
    pub id: String,
    pub name: String,
    pub email: String,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct Address {
    pub street: String,
    pub city: String,
    pub postcode: String,
    pub country: String,
}

/// Every line of the file is an entry.
pub fn read_entries(path: &str) -> Vec<Entry> {
    let text = std::fs::read_to_string(path).expect("the payloads");
    text.lines().map(|l| serde_json::from_str(l).expect("an entry")).collect()
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub enum LedgerEvent {
    Entered(Entry),
}

impl DomainEvent for LedgerEvent {
    fn event_type(&self) -> String {
        "Entered".to_string()
    }
    fn event_version(&self) -> String {
        "1.0".to_string()
    }
}

/// Ledger is the state: a count, a sum, and the last name.
#[derive(Serialize, Deserialize, Default)]
pub struct Ledger {
    pub entries: i64,
    pub total: i64,
    pub last: String,
}

pub enum Command {
    Enter(Vec<Entry>),
}

#[derive(Debug)]
pub struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

impl Aggregate for Ledger {
    const TYPE: &'static str = "ledger";
    type Command = Command;
    type Event = LedgerEvent;
    type Error = Refused;
    type Services = ();

    async fn handle(&mut self, command: Command, _: &(), sink: &EventSink<Self>) -> Result<(), Refused> {
        let Command::Enter(entries) = command;
        for e in entries {
            sink.write(LedgerEvent::Entered(e), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: LedgerEvent) {
        let LedgerEvent::Entered(e) = event;
        self.entries += 1;
        self.total += e.quantity * e.price;
        self.last = e.name;
    }
}
