//! Plans as the SDK writes them.

#![allow(clippy::unwrap_used)]

use millrace_plan::*;

const REVENUE: &[u8] = include_bytes!("plans/revenue.plan");
const DEMO: &[u8] = include_bytes!("plans/demo.plan");

#[test]
fn a_plan_of_the_sdk_is_read_whole() {
    let plan = decode(REVENUE).unwrap();
    assert_eq!(
        (plan.name.as_str(), plan.parallelism, plan.max_parallelism, plan.commit_interval_ms),
        ("revenue", 0, 128, 1000)
    );
    let names: Vec<&str> = plan.operators.iter().map(|operator| operator.name.as_str()).collect();
    assert_eq!(names, ["kafka(bids)", "filter", "window(tumbling 10s)", "kafka(revenue)"]);
    let columns =
        |index: usize| plan.operators[index].schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>();
    assert_eq!(columns(0), ["auction", "price", "dateTime"]);
    assert_eq!(columns(2), ["auction", "start", "n", "total", "top"]);
}

/// A generator of numbers that are the same for the same seed (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }
}

#[test]
fn a_damaged_plan_is_an_error_or_another_plan_never_a_crash() {
    const ROUNDS: u64 = 30_000;
    let mut refused = 0;
    for seed in 1..=ROUNDS {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut bytes = if seed % 2 == 0 { REVENUE.to_vec() } else { DEMO.to_vec() };
        for _ in 0..=random.below(8) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at] = random.below(256) as u8,
                2 => bytes.truncate(at.max(8)),
                _ => {
                    let from = random.below(bytes.len());
                    let length = random.below(16).min(bytes.len() - from.max(at));
                    bytes.copy_within(from..from + length, at);
                }
            }
        }
        refused += u64::from(decode(&bytes).is_err());
    }
    assert!(refused > ROUNDS / 4, "only {refused} of {ROUNDS} damaged plans were refused");
}

#[test]
fn what_is_no_plan_is_said_to_be_none() {
    for bytes in [&b""[..], b"MLRP", &[0; 64], b"{\"name\":\"revenue\"}"] {
        assert_eq!(decode(bytes).unwrap_err().message, "this is not a plan (its identifier is not MLRP)");
    }
}

#[test]
fn a_plan_that_is_cut_off_is_corrupt() {
    let error = decode(&REVENUE[..REVENUE.len() / 2]).unwrap_err();
    assert!(error.message.starts_with("the plan is corrupt: "), "{error}");
}
