//! The columns of each kind of event.

use std::fmt::{Result, Write};

use millrace_plan::GeneratorKind;

use super::event::{Draw, Event};

/// A column: its name and how its value is made.
pub struct Column {
    pub name: &'static str,
    pub value: Value,
}

#[derive(Clone, Copy)]
pub enum Value {
    Int64(fn(&Event<'_>) -> i64),
    String(fn(&Event<'_>, &mut dyn Write) -> Result),
    /// Milliseconds since the epoch.
    Timestamp(fn(&Event<'_>) -> i64),
}

pub fn of(kind: GeneratorKind) -> &'static [Column] {
    match kind {
        GeneratorKind::Bids => BIDS,
        GeneratorKind::Persons => PERSONS,
        GeneratorKind::Auctions => AUCTIONS,
    }
}

const fn int64(name: &'static str, value: fn(&Event<'_>) -> i64) -> Column {
    Column { name, value: Value::Int64(value) }
}

const fn string(name: &'static str, value: fn(&Event<'_>, &mut dyn Write) -> Result) -> Column {
    Column { name, value: Value::String(value) }
}

const fn timestamp(name: &'static str, value: fn(&Event<'_>) -> i64) -> Column {
    Column { name, value: Value::Timestamp(value) }
}

const BIDS: &[Column] = &[
    int64("auction", |event| event.key(Draw::Auction)),
    int64("bidder", |event| event.key(Draw::Bidder)),
    int64("price", |event| event.price(Draw::Price)),
    string("channel", channel),
    string("url", url),
    timestamp("dateTime", |event| event.time_ms()),
    string("extra", extra),
];

const PERSONS: &[Column] = &[
    int64("id", id),
    string("name", |event, out| write!(out, "{} {}", first_name(event), last_name(event))),
    string("emailAddress", |event, out| {
        write!(out, "{}.{}@example.com", first_name(event).to_lowercase(), last_name(event).to_lowercase())
    }),
    string("creditCard", |event, out| {
        let digits = event.below(Draw::CreditCard, 10_000_000_000_000_000);
        let group = |power: u32| digits / 10_u64.pow(power) % 10_000;
        write!(out, "{:04} {:04} {:04} {:04}", group(12), group(8), group(4), group(0))
    }),
    string("city", |event, out| out.write_str(place(event).0)),
    string("state", |event, out| out.write_str(place(event).1)),
    timestamp("dateTime", |event| event.time_ms()),
    string("extra", extra),
];

const AUCTIONS: &[Column] = &[
    int64("id", id),
    string("itemName", |event, out| write!(out, "{} {}", choose(event, Draw::Item, ADJECTIVES), item(event))),
    string("description", |event, out| {
        write!(out, "{} {}, hardly used", choose(event, Draw::Description, ADJECTIVES), item(event))
    }),
    int64("initialBid", |event| event.price(Draw::Price)),
    int64("reserve", |event| event.price(Draw::Price) + event.price(Draw::Reserve)),
    timestamp("dateTime", |event| event.time_ms()),
    timestamp("expires", |event| event.time_ms().saturating_add(1000 + event.below(Draw::Expiry, 19_001) as i64)),
    int64("seller", |event| event.key(Draw::Bidder)),
    int64("category", |event| 10 + event.below(Draw::Category, 5) as i64),
    string("extra", extra),
];

/// Persons and auctions are registered one after the other, again from the first when all keys have been given.
fn id(event: &Event<'_>) -> i64 {
    (event.number % event.config.keys.max(1)) as i64
}

/// Every second bid comes by one of four channels, the others by one of 10,000.
fn channel(event: &Event<'_>, out: &mut dyn Write) -> Result {
    let bits = event.draw(Draw::Channel);
    match bits % 8 {
        hot @ 0..4 => out.write_str(["Google", "Facebook", "Baidu", "Apple"][hot as usize]),
        _ => write!(out, "channel-{}", (bits >> 3) % 10_000),
    }
}

fn url(event: &Event<'_>, out: &mut dyn Write) -> Result {
    let shop = event.below(Draw::Url, 1000);
    write!(out, "https://www.example.com/shop-{shop}/item.htm?auction={}", event.key(Draw::Auction))
}

/// Sixteen letters that nothing else follows from.
fn extra(event: &Event<'_>, out: &mut dyn Write) -> Result {
    let bits = event.draw(Draw::Extra);
    (0..16).try_for_each(|letter| out.write_char(char::from(b'a' + (bits >> (letter * 4) & 15) as u8)))
}

fn choose<T: Copy>(event: &Event<'_>, draw: Draw, from: &[T]) -> T {
    from[event.below(draw, from.len() as u64) as usize]
}

fn first_name(event: &Event<'_>) -> &'static str {
    choose(
        event,
        Draw::FirstName,
        &["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"],
    )
}

fn last_name(event: &Event<'_>) -> &'static str {
    choose(
        event,
        Draw::LastName,
        &["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"],
    )
}

fn place(event: &Event<'_>) -> (&'static str, &'static str) {
    choose(
        event,
        Draw::Place,
        &[
            ("Phoenix", "AZ"),
            ("Los Angeles", "CA"),
            ("San Francisco", "CA"),
            ("Boise", "ID"),
            ("Portland", "OR"),
            ("Bend", "OR"),
            ("Redmond", "WA"),
            ("Seattle", "WA"),
            ("Kent", "WA"),
            ("Cheyenne", "WY"),
        ],
    )
}

const ADJECTIVES: &[&str] = &["antique", "modern", "rare", "sturdy", "elegant", "plain", "heavy", "bright"];

fn item(event: &Event<'_>) -> &'static str {
    const ITEMS: &[&str] = &["clock", "lamp", "violin", "bicycle", "camera", "table", "painting", "radio"];
    // Other bits than those that choose the adjective.
    ITEMS[(event.draw(Draw::Item) & 7) as usize]
}
