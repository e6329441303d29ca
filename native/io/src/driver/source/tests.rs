use std::thread::JoinHandle;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};

use millrace_formats::BadRecord;

use super::*;
use crate::driver::call::PageError;
use crate::outbox::Posted;

/// Split, offset and what was there.
#[derive(Default)]
struct Collected {
    seen: Vec<(usize, i64, String)>,
    caught_up: Vec<usize>,
    ended: Vec<usize>,
}

impl Receiver for Collected {
    type Error = Error;

    fn record(&mut self, record: Record<'_>) -> Result<()> {
        unreachable!("{record:?}")
    }

    fn rows(&mut self, split: usize, first_offset: i64, rows: RecordBatch) -> Result<()> {
        let values = rows.column(0).as_primitive::<Int64Type>().values().to_vec();
        self.seen.extend(values.iter().zip(first_offset..).map(|(n, offset)| (split, offset, n.to_string())));
        Ok(())
    }

    fn unreadable(&mut self, record: Record<'_>, _next: i64, bad: &BadRecord) -> Result<()> {
        let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
        self.seen.push((record.split, record.offset, format!("{value}: {bad}")));
        Ok(())
    }

    fn caught_up(&mut self, split: usize) {
        self.caught_up.push(split);
    }

    fn end(&mut self, split: usize) -> Result<()> {
        self.ended.push(split);
        Ok(())
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

fn page(numbers: std::ops::Range<i64>, token: &str) -> Page {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
    let rows = RecordBatch::try_new(schema(), vec![column]).unwrap();
    Page { rows, errors: Vec::new(), token: Some(token.into()), caught_up: false, ended: false }
}

/// Answers the question for splits.
fn host(calls: &Arc<Calls>, answer: Answer) -> JoinHandle<()> {
    let calls = calls.clone();
    let (rung, ring) = sync_channel(1);
    calls.set_bell(Some(Box::new(move || {
        let _ = rung.try_send(());
    })));
    std::thread::spawn(move || {
        ring.recv().unwrap();
        let asked = calls.take();
        assert!(matches!(asked[0].request.want, Want::Splits));
        calls.answer(asked[0].id, answer);
    })
}

fn open(names: &[&str], slots: usize, restored: Option<&[Restored]>) -> (Result<DriverSource>, Arc<Calls>) {
    let calls: Arc<Calls> = Arc::default();
    let names = names.iter().map(|&name| name.to_owned()).collect();
    let host = host(&calls, Ok(Reply::Splits(Splits { names, bounded: true })));
    let place = SourcePlace { id: "source-1", slot: 0, slots, waker: Arc::new(|| {}) };
    let source = DriverSource::open(&Config { driver: "things".into() }, schema(), &place, restored, &calls);
    host.join().unwrap();
    (source, calls)
}

fn wanted(posted: &Posted<Call>) -> (&str, Option<&str>) {
    let Want::Read { split, after, .. } = &posted.request.want else { panic!("{posted:?}") };
    (split, after.as_deref())
}

#[test]
fn each_split_is_read_page_by_page_with_one_call_at_a_time() {
    let (source, calls) = open(&["a", "b", "c"], 2, None);
    let (mut source, mut seen) = (source.unwrap(), Collected::default());
    let poll = |source: &mut DriverSource, seen: &mut Collected| source.poll(100, seen).unwrap();
    assert_eq!(poll(&mut source, &mut seen), Poll::Empty { retry_after_ms: None });
    let first = calls.take();
    assert_eq!(first.iter().map(|call| wanted(call)).collect::<Vec<_>>(), [("a", None), ("c", None)]);
    calls.answer(first[0].id, Ok(Reply::Read(page(0..3, "a-3"))));
    assert_eq!(poll(&mut source, &mut seen), Poll::More);
    let texts = |of: &[(usize, i64, &str)]| of.iter().map(|&(s, o, t)| (s, o, t.to_owned())).collect::<Vec<_>>();
    assert_eq!(seen.seen, texts(&[(0, 0, "0"), (0, 1, "1"), (0, 2, "2")]));
    let token = |source: &DriverSource, split| Source::<Collected>::token(source, split).map(str::to_owned);
    assert_eq!((token(&source, 0), token(&source, 1)), (Some("a-3".into()), None));
    let next = calls.take();
    assert_eq!(next.iter().map(|call| wanted(call)).collect::<Vec<_>>(), [("a", Some("a-3"))]);
    calls.answer(next[0].id, Ok(Reply::Read(Page { ended: true, ..page(0..0, "a-end") })));
    calls.answer(first[1].id, Ok(Reply::Read(Page { ended: true, caught_up: true, ..page(7..8, "c-end") })));
    assert_eq!(poll(&mut source, &mut seen), Poll::End);
    assert_eq!((seen.ended, seen.caught_up), (vec![0, 1], vec![1]));
    assert!(calls.take().is_empty());
}

#[test]
fn what_does_not_fit_has_its_place_among_the_rows() {
    let (source, calls) = open(&["a"], 1, None);
    let (mut source, mut seen) = (source.unwrap(), Collected::default());
    source.poll(100, &mut seen).unwrap();
    let error = |at, value: &str| PageError { at, reason: "no".into(), value: value.into() };
    let errors = vec![error(0, "x"), error(2, "y"), error(3, "z")];
    calls.answer(calls.take()[0].id, Ok(Reply::Read(Page { errors, ..page(0..3, "t") })));
    source.poll(100, &mut seen).unwrap();
    let order: Vec<_> = seen.seen.iter().map(|(_, offset, text)| (*offset, text.as_str())).collect();
    assert_eq!(order, [(0, "x: no"), (1, "0"), (2, "1"), (3, "y: no"), (4, "2"), (5, "z: no")]);
}

#[test]
fn a_checkpoint_takes_a_split_up_behind_its_token() {
    let at = Restored { resource: "b".into(), partition: 0, offset: 12, token: Some("b-12".into()) };
    let (source, calls) = open(&["a", "b"], 1, Some(&[at]));
    let (mut source, mut seen) = (source.unwrap(), Collected::default());
    source.poll(100, &mut seen).unwrap();
    let asked = calls.take();
    assert_eq!(asked.iter().map(|call| wanted(call)).collect::<Vec<_>>(), [("a", None), ("b", Some("b-12"))]);
    calls.answer(asked[1].id, Ok(Reply::Read(page(5..6, "b-13"))));
    source.poll(100, &mut seen).unwrap();
    assert_eq!(seen.seen, [(1, 12, "5".to_owned())]);
}

#[test]
fn a_split_that_a_checkpoint_names_and_that_is_gone_is_an_error() {
    let at = Restored { resource: "gone".into(), partition: 0, offset: 12, token: None };
    let error = open(&["a"], 1, Some(&[at])).0.err().unwrap().to_string();
    assert!(error.contains("goes on with gone, which is not there any more"), "{error}");
}

#[test]
fn a_paused_split_is_not_asked_for_more() {
    let (source, calls) = open(&["a"], 1, None);
    let (mut source, mut seen) = (source.unwrap(), Collected::default());
    Source::<Collected>::pause(&mut source, 0, true).unwrap();
    source.poll(100, &mut seen).unwrap();
    assert!(calls.take().is_empty());
    Source::<Collected>::pause(&mut source, 0, false).unwrap();
    source.poll(100, &mut seen).unwrap();
    assert_eq!(calls.take().len(), 1);
}
