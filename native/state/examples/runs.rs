//! What keyed state costs: `cargo run --release -p millrace-state --example runs [FOLDER]`.
//!
//! First one run of 100,000 entries with keys of 35 bytes and values of 40: built and taken over, read back, snapshot.
//! Then the life of windows: 300 checkpoints, at each 20,000 dirty entries spread over the open panes, and a pane that
//! closes at every third.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use millrace_state::{Backend, BackendKind, BackendOptions, Error, Result, Run, StateKey, namespace_range, open};

const ENTRIES: u64 = 100_000;
const USER_KEY: usize = 9;
const VALUE: usize = 40;

const CHECKPOINTS: u64 = 300;
const DIRTY: u64 = 20_000;
const OPEN_PANES: u64 = 4;
const CHECKPOINTS_PER_PANE: u64 = 3;
const KEY_GROUPS: u64 = 128;

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("millrace-runs-{}", std::process::id()));
    for kind in [BackendKind::RocksDb, BackendKind::Filesystem] {
        println!("{kind:?}");
        one_run(kind, &folder)?;
        windows(kind, &folder)?;
    }
    std::fs::remove_dir_all(&folder).map_err(|error| Error(error.to_string()))
}

fn empty(kind: BackendKind, at: &Path) -> Result<Box<dyn Backend>> {
    open(kind, at, &BackendOptions::default(), &(0..KEY_GROUPS as u32), &[])
}

/// Entries of one pane in the order of their keys; values look random.
fn run(pane: u64, users: impl Iterator<Item = u64>, into: &mut Run) {
    let key = StateKey::new("window");
    let mut bytes = Vec::new();
    for user in users {
        bytes.clear();
        key.write_prefix((pane as i64, 0), (user * KEY_GROUPS / ENTRIES) as u32, &mut bytes);
        bytes.extend_from_slice(&[0; USER_KEY - 8]);
        bytes.extend_from_slice(&user.to_be_bytes());
        let mut value = [0; VALUE];
        let mut state = (user + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ pane;
        for byte in &mut value {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            *byte = (state >> 56) as u8;
        }
        into.push(&bytes, &value);
    }
}

fn one_run(kind: BackendKind, folder: &Path) -> Result<()> {
    const TIMES: u32 = 10;
    let (mut built, mut read, mut snapshot) = (Spent::default(), Spent::default(), Spent::default());
    for _ in 0..TIMES {
        let mut backend = empty(kind, &folder.join("one"))?;
        built.on(|| {
            let mut entries = Run::default();
            run(0, 0..ENTRIES, &mut entries);
            backend.append(&entries)
        })?;
        let mut seen = 0;
        read.on(|| {
            backend.scan(&[], &[u8::MAX; 64], &mut |_, _| {
                seen += 1;
                Ok(())
            })
        })?;
        if seen != ENTRIES {
            return Err(Error(format!("{seen} entries are there")));
        }
        snapshot.on(|| backend.snapshot(&folder.join("snapshot")).map(drop))?;
    }
    for (name, spent) in [("built and taken over", built), ("read back", read), ("snapshot", snapshot)] {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(TIMES) / ENTRIES as f64;
        println!("  {name:<21} {:.3} µs an entry, {:.3} µs of them CPU", each(spent.time), each(spent.cpu));
    }
    Ok(())
}

/// Time that went by, and what this thread had of the CPU.
#[derive(Default)]
struct Spent {
    time: Duration,
    cpu: Duration,
}

impl Spent {
    fn on<T>(&mut self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let (start, cpu) = (Instant::now(), thread_time());
        let done = act();
        self.time += start.elapsed();
        self.cpu += thread_time().saturating_sub(cpu);
        done
    }
}

fn thread_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|time| time.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

fn windows(kind: BackendKind, folder: &Path) -> Result<()> {
    let mut backend = empty(kind, &folder.join("windows"))?;
    let (mut appends, mut deletes, mut snapshots) = (Vec::new(), Vec::new(), Vec::new());
    let (mut kept, mut files) = (None, 0);
    let (written, cpu) = (bytes_written(), cpu_time());
    let (mut biggest, mut dirty) = (0, 0);
    for checkpoint in 0..CHECKPOINTS {
        let newest = checkpoint / CHECKPOINTS_PER_PANE;
        let start = Instant::now();
        let mut entries = Run::default();
        let panes = newest.saturating_sub(OPEN_PANES - 1)..=newest;
        let step = ENTRIES * (newest - panes.start() + 1) / DIRTY;
        for pane in panes {
            run(pane, (checkpoint % step..ENTRIES).step_by(step as usize), &mut entries);
        }
        dirty += entries.bytes() as u64;
        backend.append(&entries)?;
        appends.push(start.elapsed());

        let start = Instant::now();
        let snapshot = backend.snapshot(&folder.join(format!("snapshot-{}", checkpoint % 2)))?;
        snapshots.push(start.elapsed());
        files += snapshot.files.len() as u64;
        // As long as it takes to upload it.
        kept = Some(snapshot);

        if checkpoint % CHECKPOINTS_PER_PANE == 0 && newest >= OPEN_PANES {
            let start = Instant::now();
            let (from, to) = namespace_range(&StateKey::new("window"), ((newest - OPEN_PANES) as i64, 0));
            let mut emitted = 0;
            backend.scan(&from, &to, &mut |_, _| {
                emitted += 1;
                Ok(())
            })?;
            backend.delete_range(&from, &to)?;
            deletes.push(start.elapsed());
        }
        biggest = biggest.max(backend.figures().bytes);
    }
    drop(kept);
    println!("  windows, {CHECKPOINTS} checkpoints of {DIRTY} dirty entries:");
    for (name, times) in [("append", &mut appends), ("snapshot", &mut snapshots), ("read and close", &mut deletes)] {
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
        println!("    {name:<15} {:7.1} ms at the median, {:7.1} ms at p99", at(50), at(99));
    }
    println!(
        "    {:.1} files a snapshot, {:.1} MB at most, {:.1} bytes written a byte added, {:.1} s of CPU",
        files as f64 / CHECKPOINTS as f64,
        biggest as f64 / 1e6,
        (bytes_written() - written) as f64 / dirty as f64,
        cpu_time() - cpu,
    );
    Ok(())
}

/// Bytes that this process has given to the disk.
fn bytes_written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or(0)
}

/// Seconds of CPU that all of its threads have had.
fn cpu_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let times = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    times.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
