use std::sync::atomic::{AtomicUsize, Ordering};

use millrace_formats::Cells;
use millrace_plan::{HttpBody, HttpCompression, HttpShard};

use super::*;
use crate::Posted;

/// Shards of the same weight, whose requests are complete with two rows.
fn config(shards: usize) -> Config {
    Config {
        shards: (0..shards).map(|shard| HttpShard { name: format!("shard-{shard}"), weight: 1.0 }).collect(),
        body: HttpBody::Lines,
        compression: HttpCompression::None,
        batch_rows: 2,
        batch_bytes: 1000,
        linger_ms: 100,
        buffer_bytes: 1000,
        live: false,
    }
}

struct World {
    outboxes: Outboxes,
    wakes: Arc<AtomicUsize>,
}

fn open(config: &Config) -> (HttpSink, World) {
    let world = World { outboxes: Outboxes::default(), wakes: Arc::default() };
    let wakes = world.wakes.clone();
    let waker = Arc::new(move || {
        wakes.fetch_add(1, Ordering::Relaxed);
    });
    let sink = HttpSink::open(config, &SinkPlace { id: "sink-1".into(), slot: 0, waker }, &world.outboxes);
    (sink, world)
}

impl World {
    /// What is waiting: shard, epoch and body of each request.
    fn sent(&self) -> Vec<(usize, u64, String)> {
        let text = |request: &HttpRequest| String::from_utf8(request.body.sent().to_vec()).unwrap();
        let sent =
            |posted: &Arc<Posted<HttpRequest>>| (posted.request.shard, posted.request.epoch, text(&posted.request));
        self.outboxes.http.take().iter().map(sent).collect()
    }

    fn accept_all(&self) {
        self.outboxes.http.take().iter().for_each(|request| self.outboxes.http.answer(request.id, Ok(Vec::new())));
    }
}

fn records(rows: &[&str]) -> Records {
    let mut records = Records::default();
    for row in rows {
        records.values.buffer().extend_from_slice(row.as_bytes());
        records.values.end_row();
    }
    records
}

/// Each row is its own key.
fn keyed(rows: &[&str]) -> Records {
    let mut keys = Cells::default();
    rows.iter().for_each(|row| keys.push(Some(row.as_bytes())));
    Records { keys: Some(keys), ..records(rows) }
}

/// A key of the shard.
fn key_of(shards: usize, shard: usize) -> String {
    let spread = Shards::new(&config(shards).shards);
    (0..).map(|n| format!("key-{n}")).find(|key| spread.of(key.as_bytes()) == shard).unwrap()
}

#[test]
fn a_request_is_complete_with_its_rows_or_its_bytes() {
    let (mut sink, world) = open(&Config { batch_rows: 3, batch_bytes: 7, ..config(1) });
    assert_eq!(sink.write(&records(&["skipped", "a", "b", "c", "defgh"]), 1).unwrap(), 4);
    assert_eq!(world.sent(), [(0, 0, "a\nb\nc\n".into())]);
    sink.write(&records(&["i"]), 0).unwrap();
    assert_eq!(world.sent(), [(0, 0, "defgh\ni\n".into())]);
}

#[test]
fn a_request_is_complete_at_its_age() {
    let (mut sink, world) = open(&config(1));
    sink.poll(50).unwrap();
    assert_eq!(sink.next_poll_ms(), None);
    sink.write(&records(&["a"]), 0).unwrap();
    assert_eq!(sink.next_poll_ms(), Some(150));
    sink.poll(149).unwrap();
    assert_eq!(world.sent(), []);
    sink.poll(150).unwrap();
    assert_eq!((world.sent(), sink.next_poll_ms()), (vec![(0, 0, "a\n".into())], None));
}

#[test]
fn an_epoch_sends_what_there_is_and_is_durable_when_all_of_it_is_answered() {
    let (mut sink, world) = open(&config(2));
    sink.write(&keyed(&[&key_of(2, 0), &key_of(2, 1)]), 0).unwrap();
    sink.begin_epoch().unwrap();
    sink.write(&keyed(&[&key_of(2, 0)]), 0).unwrap();
    sink.begin_epoch().unwrap();
    let requests = world.outboxes.http.take();
    assert_eq!(
        requests.iter().map(|r| (r.request.epoch, r.request.sequence)).collect::<Vec<_>>(),
        [(0, 0), (0, 1), (1, 2)]
    );
    for (answered, durable) in [(0, 0), (2, 0), (1, 2)] {
        world.outboxes.http.answer(requests[answered].id, Ok(Vec::new()));
        sink.poll(0).unwrap();
        assert_eq!(sink.durable_epochs(), durable);
    }
    assert_eq!(world.wakes.load(Ordering::Relaxed), 3);
}

#[test]
fn rows_of_a_key_go_to_one_shard() {
    let (mut sink, world) = open(&Config { batch_rows: 1, ..config(4) });
    let keys: Vec<String> = (0..20).map(|n| format!("{}", n % 10)).collect();
    sink.write(&keyed(&keys.iter().map(String::as_str).collect::<Vec<_>>()), 0).unwrap();
    let sent = world.sent();
    assert_eq!(sent[..10], sent[10..]);
    assert!((0..4).all(|shard| sent.iter().any(|(of, ..)| *of == shard)), "{sent:?}");
}

#[test]
fn a_full_shard_holds_back_only_its_own_rows() {
    let (mut sink, world) = open(&Config { batch_rows: 1, buffer_bytes: 12, batch_bytes: 12, ..config(2) });
    let (full, other) = (key_of(2, 0), key_of(2, 1));
    assert_eq!((full.len(), other.len()), (5, 5));
    assert_eq!(sink.write(&keyed(&[&full, &full, &other]), 0).unwrap(), 3);
    assert_eq!(sink.fill(), 1.0);
    let dead = world.outboxes.http.take();
    world.outboxes.http.answer(dead[2].id, Ok(Vec::new()));
    sink.poll(0).unwrap();
    assert_eq!(sink.write(&keyed(&[&other, &full, &other]), 0).unwrap(), 1);
    assert_eq!(sink.write(&keyed(&[&full, &other]), 0).unwrap(), 0);
    world.outboxes.http.answer(dead[0].id, Ok(Vec::new()));
    sink.poll(0).unwrap();
    assert_eq!(sink.write(&keyed(&[&full, &other]), 0).unwrap(), 2);
}

#[test]
fn a_row_longer_than_the_buffer_goes_alone() {
    let (mut sink, world) = open(&Config { buffer_bytes: 3, batch_bytes: 3, ..config(1) });
    assert_eq!(sink.write(&records(&["longer", "longer"]), 0).unwrap(), 1);
    world.accept_all();
    sink.poll(0).unwrap();
    assert_eq!(sink.write(&records(&["longer"]), 0).unwrap(), 1);
}

#[test]
fn rows_without_a_key_take_turns_by_the_batch_and_pass_by_a_full_shard() {
    let (mut sink, world) = open(&Config { batch_rows: 1, batch_bytes: 2, buffer_bytes: 2, ..config(3) });
    assert_eq!(sink.write(&records(&["a", "b", "c", "d"]), 0).unwrap(), 3);
    let requests = world.outboxes.http.take();
    assert_eq!(requests.iter().map(|posted| posted.request.shard).collect::<Vec<_>>(), [0, 1, 2]);
    for request in &requests[1..] {
        world.outboxes.http.answer(request.id, Ok(Vec::new()));
    }
    sink.poll(0).unwrap();
    sink.write(&records(&["d", "e"]), 0).unwrap();
    let shards: Vec<_> = world.sent().into_iter().map(|(shard, ..)| shard).collect();
    assert_eq!(shards, [1, 2]);
}

#[test]
fn rows_without_a_key_go_by_the_weights() {
    let mut config = Config { batch_rows: 1, buffer_bytes: 1 << 20, ..config(2) };
    config.shards[1].weight = 3.0;
    let (mut sink, world) = open(&config);
    sink.write(&records(&["row"; 400]), 0).unwrap();
    let to_heavy = world.sent().iter().filter(|(shard, ..)| *shard == 1).count();
    assert!((298..=302).contains(&to_heavy), "{to_heavy}");
}

#[test]
fn refused_rows_are_handed_on_and_their_epoch_goes_on() {
    let (mut sink, world) = open(&config(1));
    sink.write(&records(&["a", "b"]), 0).unwrap();
    sink.begin_epoch().unwrap();
    let request = world.outboxes.http.take().remove(0);
    let refused = Refused { by: "shard-0".into(), shard: 0, reason: "no".into(), value: b"b".to_vec() };
    world.outboxes.http.answer(request.id, Ok(vec![refused.clone()]));
    sink.poll(0).unwrap();
    assert_eq!((sink.take_refused(), sink.take_refused(), sink.durable_epochs()), (vec![refused], vec![], 1));
}

#[test]
fn after_a_failure_nothing_is_durable_and_every_call_tells_it() {
    let (mut sink, world) = open(&config(1));
    sink.begin_epoch().unwrap();
    sink.write(&records(&["a", "b"]), 0).unwrap();
    let request = world.outboxes.http.take().remove(0);
    world.outboxes.http.answer(request.id, Err("shard-0 is gone".into()));
    assert_eq!(sink.poll(0).unwrap_err().to_string(), "HTTP sink: shard-0 is gone");
    assert_eq!(sink.write(&records(&["c"]), 0).unwrap_err().to_string(), "HTTP sink: shard-0 is gone");
    assert_eq!(sink.durable_epochs(), 0);
}

fn shard(number: usize) -> (usize, HttpShard) {
    (number, HttpShard { name: format!("shard-{number}"), weight: 1.0 })
}

#[test]
fn other_shards_get_rows_from_the_next_poll_on_and_those_that_go_keep_what_they_had() {
    let (mut sink, world) = open(&Config { batch_rows: 100, ..config(2) });
    let keys: Vec<String> = (0..200).map(|n| format!("key-{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let of = |sent: &[(usize, u64, String)], shard: usize| -> Vec<String> {
        let bodies = sent.iter().filter(|(of, ..)| *of == shard).map(|(.., body)| body.as_str()).collect::<String>();
        bodies.lines().map(str::to_owned).collect()
    };
    sink.write(&keyed(&keys[..20]), 0).unwrap();
    world.outboxes.reshardings.set("sink-1", vec![shard(1), shard(2)]);
    world.outboxes.reshardings.set("another", vec![shard(7)]);
    sink.poll(0).unwrap();
    let sent = world.sent();
    assert_eq!(sent.iter().map(|(shard, ..)| *shard).collect::<Vec<_>>(), [0], "what it had gathered goes");
    sink.begin_epoch().unwrap();
    let first = world.sent();
    assert_eq!(of(&sent, 0).len() + of(&first, 1).len(), 20);
    sink.write(&keyed(&keys), 0).unwrap();
    sink.begin_epoch().unwrap();
    let second = world.sent();
    assert_eq!(of(&second, 0), Vec::<String>::new());
    assert_eq!(of(&second, 1).len() + of(&second, 2).len(), 200);
    assert_eq!(sink.durable_epochs(), 0, "the shard that has gone is waited for");
}

#[test]
fn a_row_that_waits_for_a_dead_shard_goes_to_another_when_it_is_taken_away() {
    let (mut sink, world) = open(&Config { batch_rows: 1, buffer_bytes: 5, batch_bytes: 5, ..config(2) });
    let key = key_of(2, 0);
    assert_eq!(sink.write(&keyed(&[&key, &key]), 0).unwrap(), 1);
    world.outboxes.reshardings.set("sink-1", vec![shard(1)]);
    assert_eq!(sink.write(&keyed(&[&key]), 0).unwrap(), 0, "not before the next poll");
    sink.poll(0).unwrap();
    assert_eq!(sink.fill(), 0.0);
    assert_eq!(sink.write(&keyed(&[&key]), 0).unwrap(), 1);
    assert_eq!(world.sent().iter().map(|(shard, ..)| *shard).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_live_sink_begins_with_the_shards_that_it_was_told() {
    let outboxes = Outboxes::default();
    outboxes.reshardings.set("sink-1", vec![shard(3)]);
    let place = SinkPlace { id: "sink-1".into(), slot: 1, waker: Arc::new(|| {}) };
    let mut sink = HttpSink::open(&Config { live: true, ..config(0) }, &place, &outboxes);
    assert_eq!(sink.write(&records(&["a", "b"]), 0).unwrap(), 2);
    assert_eq!(sink.write(&keyed(&["c", "d"]), 0).unwrap(), 2);
    assert_eq!(outboxes.http.take().iter().map(|posted| posted.request.shard).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn the_bell_rings_once_until_somebody_comes() {
    let (mut sink, world) = open(&Config { batch_rows: 1, ..config(1) });
    let rings = Arc::new(AtomicUsize::new(0));
    sink.write(&records(&["before anybody listens"]), 0).unwrap();
    let counted = rings.clone();
    world.outboxes.http.set_bell(Some(Box::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    })));
    sink.write(&records(&["a", "b"]), 0).unwrap();
    assert_eq!(rings.load(Ordering::Relaxed), 1);
    assert_eq!(world.sent().len(), 3);
    sink.write(&records(&["c"]), 0).unwrap();
    assert_eq!(rings.load(Ordering::Relaxed), 2);
}
