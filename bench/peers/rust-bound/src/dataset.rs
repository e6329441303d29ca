//! The events of bench/src/dataset.ts, byte for byte.

const RECORD_BYTES: usize = 231;
const AUCTIONS: u32 = 100_000;
const EVENTS_PER_SECOND: i64 = 100_000;
const OUT_OF_ORDER_MS: u32 = 100;
const START_MS: i64 = 1_767_225_600_000;
const FILL: &str = "abcdefghijklmnopqrstuvwxyz0123456789";

/// The record of event number `n`.
pub fn record(n: u32, seed: u32) -> Vec<u8> {
    let a = mix(n, seed);
    let b = mix(a, n);
    let late = mix(b, seed) % OUT_OF_ORDER_MS;
    let (auction, bidder, price) = (a % AUCTIONS, b % 1_000_000, 1 + (a ^ b) % 1_000_000);
    let time = START_MS + i64::from(n) * 1000 / EVENTS_PER_SECOND - i64::from(late);
    let mut text = format!(
        "{{\"auction\":{auction},\"bidder\":{bidder},\"price\":{price},\"channel\":\"channel-{}\",\
         \"url\":\"https://auctions.example/item/{auction}\",\"dateTime\":{time},\"extra\":\"",
        bidder % 100
    );
    let missing = RECORD_BYTES - 2 - text.len();
    text.extend(FILL.chars().cycle().take(missing));
    text.push_str("\"}");
    text.into_bytes()
}

/// Mixes two numbers to one of 32 bits; the finalizer of MurmurHash3.
fn mix(a: u32, b: u32) -> u32 {
    let h = (a ^ 0x9e37_79b9).wrapping_mul(0x85eb_ca6b) ^ b.wrapping_add(0x7f4a_7c15).wrapping_mul(0xc2b2_ae35);
    let h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    let h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}
