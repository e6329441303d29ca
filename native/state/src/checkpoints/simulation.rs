//! Several attempts to run a job at the same time, on a storage that fails, loses answers and is late, and crashes at any
//! step. A seed decides everything; a failing one is printed and can be run alone with MILLRACE_SEED. MILLRACE_SEEDS says
//! how many are tried.
//!
//! After every step all manifests must name files that are there as they were written, and the checkpoint that was
//! committed last must be there.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex};

use millrace_storage::{Cause, Done, Failure, Store, Stored};
use xxhash_rust::xxh3::xxh3_64;

use super::*;

const SEEDS: u64 = 400;
const WORKERS: usize = 3;
const STEPS: usize = 300;
const NOWHERE: &str = "/dev/null/nowhere";

/// xorshift64*.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(xxh3_64(&seed.to_le_bytes()) | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Done,
    /// It has no effect.
    Refused,
    /// It has its effect, and the answer is lost.
    Unanswered,
    /// It fails and has its effect some time after.
    Late,
    /// The process has ended before this call, and this is its last.
    Crash,
}

#[derive(Debug, Clone)]
enum Change {
    PutNew(String, Vec<u8>),
    Put(String, Vec<u8>),
    Delete(String),
}

#[derive(Default)]
struct Disk {
    files: BTreeMap<String, Vec<u8>>,
    late: Vec<Change>,
    /// The place of the checkpoint that the newest attempt has committed last.
    committed: Option<String>,
}

impl Disk {
    /// False: there was such a file.
    fn apply(&mut self, change: Change) -> bool {
        match change {
            Change::PutNew(path, _) if self.files.contains_key(&path) => return false,
            Change::PutNew(path, content) | Change::Put(path, content) => drop(self.files.insert(path, content)),
            Change::Delete(path) => drop(self.files.remove(&path)),
        }
        true
    }

    fn manifests(&self) -> impl DoubleEndedIterator<Item = (&String, Manifest)> {
        let manifests = self.files.iter().filter(|(path, _)| path.starts_with(MANIFESTS));
        manifests.filter_map(|(path, bytes)| Some((path, Manifest::decode(bytes, path).ok()?)))
    }

    fn check(&self) {
        for (path, manifest) in self.manifests() {
            for file in manifest.keyed.iter().flat_map(|keyed| &keyed.files) {
                let content = self.files.get(&file.name);
                let content = content.unwrap_or_else(|| panic!("{path} names {}, which is gone", file.name));
                let found = (content.len() as u64, xxh3_64(content));
                assert_eq!(found, (file.size, file.checksum), "{path} names {}, which has changed", file.name);
            }
        }
        if let Some(committed) = &self.committed {
            assert!(self.files.contains_key(committed), "{committed} was committed last and is gone");
        }
    }
}

/// Lets one worker do one call at a time.
struct World {
    disk: Mutex<Disk>,
    turns: Mutex<Turns>,
    changed: Condvar,
}

#[derive(Default)]
struct Turns {
    /// Whether what they wait to do decides what others may do.
    waiting: BTreeMap<usize, bool>,
    ended: usize,
    granted: Option<(usize, Fate)>,
}

impl World {
    /// Waits until this worker's call comes to pass.
    fn turn(&self, worker: usize, decides: bool) -> Fate {
        let mut turns = self.turns.lock().unwrap();
        turns.waiting.insert(worker, decides);
        self.changed.notify_all();
        loop {
            match turns.granted {
                Some((granted, fate)) if granted == worker => {
                    turns.granted = None;
                    turns.waiting.remove(&worker);
                    return fate;
                }
                _ => turns = self.changed.wait(turns).unwrap(),
            }
        }
    }

    fn end(&self) {
        self.turns.lock().unwrap().ended += 1;
        self.changed.notify_all();
    }

    /// Those that wait, once nobody runs.
    fn waiting(&self, workers: usize) -> BTreeMap<usize, bool> {
        let mut turns = self.turns.lock().unwrap();
        while turns.granted.is_some() || turns.waiting.len() + turns.ended < workers {
            turns = self.changed.wait(turns).unwrap();
        }
        turns.waiting.clone()
    }

    fn grant(&self, worker: usize, fate: Fate) {
        self.turns.lock().unwrap().granted = Some((worker, fate));
        self.changed.notify_all();
    }
}

struct SimStore {
    world: Arc<World>,
    worker: usize,
}

/// What a worker that has crashed unwinds with.
struct Crashed;

impl SimStore {
    fn change(&self, change: Change) -> Done<bool> {
        let decides = match &change {
            Change::PutNew(path, _) | Change::Delete(path) => path.starts_with(MANIFESTS),
            Change::Put(..) => false,
        };
        let fate = self.world.turn(self.worker, decides);
        let mut disk = self.world.disk.lock().unwrap();
        match fate {
            Fate::Done => return Ok(disk.apply(change)),
            Fate::Unanswered => drop(disk.apply(change)),
            Fate::Late => disk.late.push(change),
            Fate::Refused => {}
            Fate::Crash => {
                drop(disk);
                std::panic::resume_unwind(Box::new(Crashed));
            }
        }
        Err(Failure::new(Cause::Other, "simulated"))
    }

    fn read<T>(&self, read: impl FnOnce(&Disk) -> T) -> Done<T> {
        match self.world.turn(self.worker, false) {
            Fate::Done => Ok(read(&self.world.disk.lock().unwrap())),
            Fate::Crash => std::panic::resume_unwind(Box::new(Crashed)),
            _ => Err(Failure::new(Cause::Other, "simulated")),
        }
    }
}

impl Store for SimStore {
    fn put_new(&self, path: &str, content: &[u8]) -> Done<bool> {
        self.change(Change::PutNew(path.into(), content.to_vec()))
    }

    fn get(&self, path: &str) -> Done<Option<Vec<u8>>> {
        self.read(|disk| disk.files.get(path).cloned())
    }

    fn list(&self, folder: &str) -> Done<Vec<Stored>> {
        self.read(|disk| {
            let files = disk.files.iter().filter(|(path, _)| path.starts_with(folder));
            let stored = |(path, content): (&String, &Vec<u8>)| Stored {
                path: path.clone(),
                size: content.len() as u64,
                modified: None,
            };
            files.map(stored).collect()
        })
    }

    fn delete(&self, path: &str) -> Done<()> {
        self.change(Change::Delete(path.into())).map(|_| ())
    }

    /// The name of a local file is its content.
    fn upload(&self, from: &Path, path: &str) -> Done<Content> {
        let content = from.to_str().unwrap().as_bytes();
        self.change(Change::Put(path.into(), content.to_vec()))?;
        Ok(Content { size: content.len() as u64, checksum: xxh3_64(content) })
    }

    fn download(&self, path: &str, _to: &Path, _size: u64) -> Done<Content> {
        let content = self.read(|disk| disk.files.get(path).cloned())?;
        let content = content.ok_or_else(|| Failure::new(Cause::Missing, "no such file"))?;
        Ok(Content { size: content.len() as u64, checksum: xxh3_64(&content) })
    }

    fn settle(&self, _folder: &str) -> Done<()> {
        Ok(())
    }
}

/// One process: it starts the job again and again.
struct Worker {
    store: SimStore,
    random: Random,
    starts: u64,
}

impl Worker {
    fn open(&mut self) -> Result<Checkpoints> {
        self.starts += 1;
        let attempt = format!("w{}s{}", self.store.worker, self.starts);
        let store = SimStore { world: self.store.world.clone(), worker: self.store.worker };
        let storage = Storage::of("sim", Box::new(store));
        let retained = 1 + self.random.below(3) as usize;
        Checkpoints::take_over(storage, "sim", &attempt, retained, Path::new(NOWHERE), 1)
    }

    fn run(&mut self) {
        loop {
            let Ok(checkpoints) = self.open() else { continue };
            // Whatever it gives, the job is started again.
            let _ = self.attempt(checkpoints);
        }
    }

    fn attempt(&mut self, mut checkpoints: Checkpoints) -> Result<()> {
        let name = checkpoints.attempt.clone();
        // What the local files hold, by database, slot and name.
        let mut contents: HashMap<String, String> = HashMap::new();
        let mut groups = [0..64, 64..128];
        let mut databases = 0;
        // By slot: the files of its database, and the number of the next.
        let mut slots = [(Vec::<String>::new(), 0u64), (Vec::new(), 0)];
        if let Some(manifest) = self.choose(&checkpoints)? {
            self.fetch(&checkpoints, &manifest, &mut contents)?;
            checkpoints.restored_from(&manifest, BackendKind::RocksDb, &groups);
            for (slot, keyed) in
                slots.iter_mut().zip(manifest.keyed.iter().filter(|_| manifest.keyed[0].key_groups.end == 64))
            {
                let numbered = keyed.files.iter().filter_map(|file| file.local.parse::<u64>().ok());
                slot.1 = numbered.max().unwrap_or(0);
                slot.0 =
                    keyed.files.iter().filter(|file| file.local != "CURRENT").map(|file| file.local.clone()).collect();
            }
        }
        while !self.random.one_in(12) {
            for slot in &mut slots {
                slot.0.retain(|_| !self.random.one_in(3));
                slot.1 += 1;
                slot.0.push(slot.1.to_string());
            }
            let number = checkpoints.next();
            let mut files = |slot: usize, locals: &[String]| SlotFiles {
                slot,
                key_groups: groups[slot].clone(),
                backend: BackendKind::RocksDb,
                snapshot: Snapshot::new(
                    PathBuf::new(),
                    locals
                        .iter()
                        .map(|local| {
                            let content = contents.entry(format!("{databases} {slot} {local}"));
                            // Files of other attempts have the same names and lengths, and other contents.
                            let content =
                                content.or_insert_with(|| format!("{name} {databases} {slot} {local:0>9}")).clone();
                            (local.clone(), content, true)
                        })
                        .chain([("CURRENT".into(), format!("{name} {slot} at {number}"), false)])
                        .map(|(name, content, immutable)| LocalFile {
                            name,
                            size: content.len() as u64,
                            path: content.into(),
                            immutable,
                        })
                        .collect(),
                ),
            };
            let files = [files(0, &slots[0].0), files(1, &slots[1].0)];
            let manifest = Manifest { job: "sim".into(), max_parallelism: 128, ..Manifest::default() };
            if self.random.one_in(8) {
                let _ = checkpoints.write_savepoint(manifest.clone(), &files, &format!("{name}-{number}"));
            }
            match checkpoints.write(manifest, &files) {
                Ok((manifest, _)) => {
                    for (keyed, files) in manifest.keyed.iter().zip(&files) {
                        let stored = keyed.files.iter().map(|file| file.checksum);
                        let local = files.snapshot.files.iter();
                        assert!(stored.eq(local.map(|file| xxh3_64(file.path.to_str().unwrap().as_bytes()))));
                    }
                    if !self.random.one_in(4) {
                        self.commit(&mut checkpoints, manifest.clone());
                    }
                    if self.random.one_in(10) {
                        // The job is scaled: other databases, whose files begin at 1 again.
                        groups = if groups[0].end == 64 { [0..30, 30..128] } else { [0..64, 64..128] };
                        slots = Default::default();
                        databases += 1;
                        checkpoints.restored_from(&manifest, BackendKind::RocksDb, &groups);
                    }
                }
                Err(error) if error.0.contains("taken over") => return Err(error),
                Err(_) => {}
            }
            if self.random.one_in(6) {
                let _ = checkpoints.remove_orphans();
            }
        }
        Ok(())
    }

    /// What a start may be told to go on from.
    fn choose(&mut self, checkpoints: &Checkpoints) -> Result<Option<Manifest>> {
        let held: Vec<&Manifest> = checkpoints.list().collect();
        Ok(match self.random.below(8) {
            0 => None,
            1 => checkpoints.savepoints()?.pop().map(|(_, manifest)| manifest),
            2 | 3 if !held.is_empty() => Some(held[self.random.below(held.len() as u64) as usize].clone()),
            _ => checkpoints.latest()?.cloned(),
        })
    }

    fn fetch(
        &self,
        checkpoints: &Checkpoints,
        manifest: &Manifest,
        contents: &mut HashMap<String, String>,
    ) -> Result<()> {
        for (slot, keyed) in manifest.keyed.iter().enumerate() {
            for file in &keyed.files {
                let expected = Content { size: file.size, checksum: file.checksum };
                checkpoints.storage.download(&file.name, Path::new(NOWHERE), expected)?;
                let disk = self.store.world.disk.lock().unwrap();
                let content = String::from_utf8(disk.files[&file.name].clone()).unwrap();
                contents.insert(format!("0 {slot} {}", file.local), content);
            }
        }
        Ok(())
    }

    fn commit(&mut self, checkpoints: &mut Checkpoints, manifest: Manifest) {
        let mut disk = self.store.world.disk.lock().unwrap();
        // As a transaction that fences does: only the newest attempt commits.
        let newest = disk.manifests().next_back().map(|(path, newest)| (path.clone(), newest));
        let fenced = disk.files.keys().rfind(|path| path.starts_with(MANIFESTS)).cloned();
        if let Some((path, _)) = newest.filter(|(path, newest)| *newest == manifest && Some(path) == fenced.as_ref()) {
            disk.committed = Some(path);
        }
        drop(disk);
        let _ = checkpoints.committed(manifest);
    }
}

fn run(seed: u64) {
    let world = Arc::new(World { disk: Mutex::default(), turns: Mutex::default(), changed: Condvar::new() });
    let mut random = Random::new(seed);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let world = world.clone();
            scope.spawn(move || {
                let store = SimStore { world: world.clone(), worker };
                let mut worker = Worker { store, random: Random::new(seed * 31 + worker as u64), starts: 0 };
                let died = loop {
                    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| worker.run()));
                    match ran {
                        Err(why) if why.is::<Crashed>() && world.turns.lock().unwrap().ended == 0 => {}
                        Err(why) => break why,
                        Ok(()) => {}
                    }
                };
                world.end();
                if !died.is::<Crashed>() {
                    std::panic::resume_unwind(died);
                }
            });
        }
        // For how many steps each does nothing.
        let mut frozen = [0u64; WORKERS];
        let patience = 1 + random.below(120);
        let trouble = 1 + random.below(30);
        let ran = std::panic::catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..STEPS {
                let waiting = world.waiting(WORKERS);
                if waiting.len() < WORKERS {
                    return;
                }
                let mut free: Vec<usize> = waiting.keys().copied().filter(|worker| frozen[*worker] == 0).collect();
                frozen.iter_mut().for_each(|steps| *steps = steps.saturating_sub(1));
                if free.is_empty() {
                    continue;
                }
                let worker = free.swap_remove(random.below(free.len() as u64) as usize);
                // The worst moments are before and after a step that decides.
                let before = waiting[&worker] && random.one_in(3);
                if before || random.one_in(60) {
                    frozen[worker] = random.below(patience);
                    continue;
                }
                if waiting[&worker] && random.one_in(4) {
                    frozen[worker] = random.below(patience);
                }
                let fate = match random.below(4 + trouble) {
                    0 => Fate::Refused,
                    1 => Fate::Unanswered,
                    2 => Fate::Late,
                    3 if random.one_in(4) => Fate::Crash,
                    _ => Fate::Done,
                };
                world.grant(worker, fate);
                world.waiting(WORKERS);
                let mut disk = world.disk.lock().unwrap();
                if !disk.late.is_empty() && random.one_in(5) {
                    let late = random.below(disk.late.len() as u64) as usize;
                    let late = disk.late.swap_remove(late);
                    disk.apply(late);
                }
                disk.check();
            }
        }));
        // All end, so that the threads can be joined.
        world.turns.lock().unwrap().ended += 1;
        for worker in world.waiting(WORKERS + 1).into_keys() {
            world.grant(worker, Fate::Crash);
            world.waiting(WORKERS + 1);
        }
        if let Err(why) = ran {
            std::panic::resume_unwind(why);
        }
    });
    settles(&world);
}

/// When all is quiet, a last attempt leaves nothing behind that nobody needs.
fn settles(world: &Arc<World>) {
    let late: Vec<Change> = std::mem::take(&mut world.disk.lock().unwrap().late);
    for change in late {
        world.disk.lock().unwrap().apply(change);
    }
    world.disk.lock().unwrap().check();
    *world.turns.lock().unwrap() = Turns::default();
    let last = std::thread::spawn({
        let world = world.clone();
        move || {
            let store = SimStore { world: world.clone(), worker: 0 };
            let storage = Storage::of("sim", Box::new(store));
            let mut checkpoints = Checkpoints::take_over(storage, "sim", "last", 1, Path::new(NOWHERE), 1).unwrap();
            if let Some(latest) = checkpoints.latest().unwrap().cloned() {
                checkpoints.restored_from(&latest, BackendKind::RocksDb, &[0..64, 64..128]);
            }
            let manifest = Manifest { job: "sim".into(), max_parallelism: 128, ..Manifest::default() };
            let (written, _) = checkpoints.write(manifest, &[]).unwrap();
            checkpoints.committed(written).unwrap();
            checkpoints.remove_orphans().unwrap();
            world.end();
        }
    });
    while !world.waiting(1).is_empty() {
        world.grant(0, Fate::Done);
    }
    last.join().unwrap();
    let disk = world.disk.lock().unwrap();
    let left: Vec<&String> = disk.files.keys().filter(|path| path.starts_with(FILES)).collect();
    assert!(left.is_empty(), "nobody needs {left:?}");
    assert_eq!(disk.manifests().count(), 1);
}

#[test]
fn whatever_fails_every_manifest_names_files_that_are_there() {
    let number = |name: &str| std::env::var(name).ok().map(|number| number.parse::<u64>().unwrap());
    let seeds = match number("MILLRACE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("MILLRACE_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        if let Err(why) = std::panic::catch_unwind(|| run(seed)) {
            println!("seed {seed}: run it alone with MILLRACE_SEED={seed}");
            std::panic::resume_unwind(why);
        }
    }
}
