//! cqrs-es on dynamo-es as a client of the benchmarks: it reads a request per line,
//! works through it, and answers with a line. See benchmarks/peer/protocol.go.

mod ledger;
mod work;

use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};

/// Request is one line from the runner.
#[derive(Deserialize)]
pub struct Request {
    pub op: String,
    #[serde(default)]
    pub ids: Vec<String>,
    #[serde(default)]
    pub events: usize,
    #[serde(default)]
    pub writers: usize,
    #[serde(default)]
    pub each: usize,
}

/// Reply is one line to the runner.
#[derive(Default, Serialize)]
pub struct Reply {
    pub ops: usize,
    pub cpu_ns: u64,
    pub latency_ns: Vec<u64>,
    pub refused: usize,
    pub seen: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    pub unsupported: bool,
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, variant, endpoint, payloads] = args.as_slice() else {
        eprintln!("usage: peer events|snapshots ENDPOINT PAYLOADS");
        std::process::exit(2);
    };
    let worker = work::Worker::new(variant == "snapshots", endpoint, ledger::read_entries(payloads));
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line.expect("a line")).expect("a request");
        let reply = worker.run(request).await;
        println!("{}", serde_json::to_string(&reply).expect("a reply"));
        std::io::stdout().flush().expect("a reader");
    }
}
