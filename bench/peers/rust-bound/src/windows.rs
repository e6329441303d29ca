//! The groups of open windows.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::io::Write;

#[derive(Default)]
struct Group {
    n: u64,
    total: u64,
    top: u64,
}

type Groups = HashMap<u32, Group, BuildHasherDefault<Mixed>>;

pub struct Windows {
    size: u64,
    slide: u64,
    /// By the start of the window.
    open: BTreeMap<u64, Groups>,
    text: Vec<u8>,
}

impl Windows {
    pub fn new(size: u64, slide: u64) -> Windows {
        Windows { size, slide, open: BTreeMap::new(), text: Vec::new() }
    }

    pub fn add(&mut self, auction: u32, price: u64, time: u64) {
        let mut start = time - time % self.slide;
        while start + self.size > time {
            let group = self.open.entry(start).or_default().entry(auction).or_default();
            group.n += 1;
            group.total += price;
            group.top = group.top.max(price);
            start -= self.slide;
        }
    }

    /// Gives each row of the windows that end at the watermark or before it, encoded.
    pub fn close(&mut self, watermark: u64, mut each: impl FnMut(&[u8])) {
        while let Some(entry) = self.open.first_entry().filter(|entry| entry.key() + self.size <= watermark) {
            let (start, groups) = entry.remove_entry();
            for (auction, Group { n, total, top }) in groups {
                self.text.clear();
                let row = format_args!(
                    "{{\"auction\":{auction},\"start\":{start},\"n\":{n},\"total\":{total},\"top\":{top}}}"
                );
                self.text.write_fmt(row).expect("memory takes all");
                each(&self.text);
            }
        }
    }
}

/// FNV-1a; the sum of those of all rows does not depend on their order.
pub fn checksum(row: &[u8]) -> u64 {
    row.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A hash of numbers by one multiplication.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}
