//! What becomes of rows in between.

use arrow::datatypes::SchemaRef;

use super::{Expr, NamedExpr};

#[derive(Debug, Clone, PartialEq)]
pub struct WindowAggregate {
    pub keys: Vec<NamedExpr>,
    pub window: Window,
    pub aggregates: Vec<Aggregate>,
    /// Over the keys, [`Window::START`], [`Window::END`] and [`aggregate_column`]s.
    pub output: Vec<NamedExpr>,
}

/// Windows start at multiples of `slide_ms` plus `offset_ms` since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub size_ms: i64,
    /// Equals `size_ms` for a tumbling window.
    pub slide_ms: i64,
    pub offset_ms: i64,
}

impl Window {
    /// The column of a window's start in the scope of an aggregate's output.
    pub const START: &'static str = "$start";
    /// The column of a window's (exclusive) end.
    pub const END: &'static str = "$end";
}

/// The column of the aggregate at `index` in the scope of an aggregate's output.
pub fn aggregate_column(index: usize) -> String {
    format!("${index}")
}

#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub function: AggregateFunction,
    /// `None` only for `Count` over all rows.
    pub expr: Option<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AggregateFunction {
    Count,
    CountDistinct,
    ApproxCountDistinct,
    Sum,
    Avg,
    Min,
    Max,
    /// By event time, then arrival.
    First,
    Last,
    Stddev,
    /// 0 to 1.
    ApproxQuantile(f64),
}

/// The first row of each key goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Deduplicate {
    pub keys: Vec<NamedExpr>,
    /// `None`: keys are never forgotten.
    pub ttl: Option<Ttl>,
}

/// Rows of the first input with the row that the second has had last for their key.
#[derive(Debug, Clone, PartialEq)]
pub struct BroadcastJoin {
    /// Over the first input.
    pub on: Vec<NamedExpr>,
    /// Over the second input, of the same types.
    pub keys: Vec<NamedExpr>,
    /// Over the columns of the first input and the [`broadcast_column`]s of the second.
    pub output: Vec<NamedExpr>,
    /// Rows without a match stay, with nulls.
    pub keep_unmatched: bool,
}

/// Rows with what a driver of the host's finds for their keys.
#[derive(Debug, Clone, PartialEq)]
pub struct LookupJoin {
    /// As messages call it.
    pub driver: String,
    /// The key, by the names that the driver has for its parts.
    pub on: Vec<NamedExpr>,
    /// What is found.
    pub columns: SchemaRef,
    /// Over the input's columns and the [`broadcast_column`]s of what is found.
    pub output: Vec<NamedExpr>,
    /// Rows without a match stay, with nulls.
    pub keep_unmatched: bool,
    /// Keys that are asked for at once.
    pub batch_keys: usize,
    /// What is kept of what was found, over all slots; 0: nothing.
    pub cache_rows: usize,
    /// For so long; `None`: until there is no room.
    pub cache_ttl_ms: Option<u64>,
}

/// The column of the second input's `name` in the scope of a join's output.
pub fn broadcast_column(name: &str) -> String {
    format!("${name}")
}

/// When state that is not used is forgotten, by the machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttl {
    pub duration_ms: i64,
    pub update: TtlUpdate,
}

/// What counts as use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TtlUpdate {
    OnWrite,
    OnReadWrite,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    pub kind: FunctionKind,
    /// The number of the user function, in the order in which the job file makes them.
    pub number: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    Map,
    FlatMap,
    MapBatch,
}
