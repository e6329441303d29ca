//! What a windowed query costs in Rust without Kafka, on timely dataflow: the records lie in memory, parsing them, the
//! exchange by auction, the groups and the encoding of results are measured.

mod dataset;
mod windows;

use std::env;
use std::sync::Mutex;
use std::time::Instant;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::InputHandle;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::operator::Operator;
use windows::{Windows, checksum};

const SEED: u32 = 42;
const LATENESS_MS: u64 = 1000;
/// Records from one report of progress to the next.
const BATCH: usize = 10_000;

#[derive(serde::Deserialize)]
struct Bid {
    auction: u32,
    price: u64,
    #[serde(rename = "dateTime")]
    time: u64,
}

fn main() {
    let [events, workers, size, slide] = ["EVENTS", "PARALLELISM", "SIZE_MS", "SLIDE_MS"].map(number);
    // A partition a worker, as the topic's events are laid out.
    let partitions: Vec<Mutex<Vec<Vec<u8>>>> = (0..workers)
        .map(|worker| (worker..events).step_by(workers as usize).map(|n| dataset::record(n as u32, SEED)).collect())
        .map(Mutex::new)
        .collect();
    let partitions = std::sync::Arc::new(partitions);
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let guards = timely::execute(timely::Config::process(workers as usize), move |worker| {
        let records = std::mem::take(&mut *partitions[worker.index()].lock().unwrap());
        run(worker, records, size, slide)
    });
    let totals = guards.unwrap().join().into_iter().map(Result::unwrap);
    let (rows, sum) = totals.fold((0, 0u64), |(rows, sum), (r, s)| (rows + r, sum.wrapping_add(s)));
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!("{{\"seconds\":{seconds:.3},\"cpuSeconds\":{cpu:.3},\"rows\":{rows},\"checksum\":\"{sum:016x}\"}}");
}

/// What this worker has given out: rows, and the checksum of them all.
fn run(worker: &mut timely::worker::Worker, records: Vec<Vec<u8>>, size: u64, slide: u64) -> (u64, u64) {
    let total = std::rc::Rc::new(std::cell::Cell::new((0u64, 0u64)));
    let result = total.clone();
    let mut input = InputHandle::<u64, CapacityContainerBuilder<Vec<(u32, u64, u64)>>>::new_with_builder();
    let probe = worker.dataflow(|scope| {
        use timely::dataflow::operators::Probe;
        let by_auction = Exchange::new(|&(auction, _, _): &(u32, u64, u64)| u64::from(auction));
        input
            .to_stream(scope)
            .unary_frontier::<CapacityContainerBuilder<Vec<()>>, _, _, _>(by_auction, "Windows", move |_, _| {
                let mut windows = Windows::new(size, slide);
                move |(input, frontier), _output| {
                    input.for_each(|_time, batch| {
                        for (auction, price, time) in batch.drain(..) {
                            windows.add(auction, price, time);
                        }
                    });
                    let watermark = frontier.frontier().first().copied().unwrap_or(u64::MAX);
                    windows.close(watermark, |row| {
                        let (rows, sum) = total.get();
                        total.set((rows + 1, sum.wrapping_add(checksum(row))));
                    });
                }
            })
            .probe()
            .0
    });
    let mut latest = 0;
    for mut batch in Batches(records.into_iter()) {
        for record in &mut batch {
            let bid: Bid = simd_json::from_slice(record).unwrap();
            latest = latest.max(bid.time);
            input.send((bid.auction, bid.price, bid.time));
        }
        input.advance_to(latest - LATENESS_MS);
        worker.step();
    }
    drop(input);
    while !probe.done() {
        worker.step();
    }
    result.get()
}

struct Batches(std::vec::IntoIter<Vec<u8>>);

impl Iterator for Batches {
    type Item = Vec<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch: Vec<_> = self.0.by_ref().take(BATCH).collect();
        (!batch.is_empty()).then_some(batch)
    }
}

fn number(name: &str) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name} is not a number"))
}

/// User and system time of all threads.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is the call's to write.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
