//! Plans as the SDK writes them.

use millrace_plan::*;

const REVENUE: &[u8] = include_bytes!("plans/revenue.plan");

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
