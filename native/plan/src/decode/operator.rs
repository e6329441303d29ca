//! What is between sources and sinks.

use super::expr::{expr, named, schema};
use super::{Result, positive, unknown};
use crate::generated as fb;
use crate::model::*;

pub fn lookup_join(join: fb::LookupJoin<'_>) -> Result<LookupJoin> {
    let ttl = positive("cache.ttl", join.cache_ttl())?;
    Ok(LookupJoin {
        driver: join.driver().into(),
        on: named(Some(join.on()))?,
        columns: schema(join.columns())?,
        output: named(Some(join.output()))?,
        keep_unmatched: join.keep_unmatched(),
        batch_keys: join.batch_keys() as usize,
        cache_rows: join.cache_rows() as usize,
        cache_ttl_ms: (ttl > 0).then_some(ttl),
    })
}

pub fn window_aggregate(window: fb::WindowAggregate<'_>) -> Result<WindowAggregate> {
    let aggregates = window.aggregates().iter().map(|aggregate| {
        Ok(Aggregate {
            function: aggregate_function(aggregate)?,
            expr: aggregate.expr().map(|of| expr(of, 0)).transpose()?,
        })
    });
    Ok(WindowAggregate {
        keys: named(Some(window.keys()))?,
        window: Window {
            size_ms: window.window().size(),
            slide_ms: window.window().slide(),
            offset_ms: window.window().offset(),
        },
        aggregates: aggregates.collect::<Result<_>>()?,
        output: named(Some(window.output()))?,
    })
}

fn aggregate_function(aggregate: fb::Aggregate<'_>) -> Result<AggregateFunction> {
    Ok(match aggregate.function() {
        fb::AggregateFunction::Count => AggregateFunction::Count,
        fb::AggregateFunction::CountDistinct => AggregateFunction::CountDistinct,
        fb::AggregateFunction::ApproxCountDistinct => AggregateFunction::ApproxCountDistinct,
        fb::AggregateFunction::Sum => AggregateFunction::Sum,
        fb::AggregateFunction::Avg => AggregateFunction::Avg,
        fb::AggregateFunction::Min => AggregateFunction::Min,
        fb::AggregateFunction::Max => AggregateFunction::Max,
        fb::AggregateFunction::First => AggregateFunction::First,
        fb::AggregateFunction::Last => AggregateFunction::Last,
        fb::AggregateFunction::Stddev => AggregateFunction::Stddev,
        fb::AggregateFunction::ApproxQuantile => AggregateFunction::ApproxQuantile(aggregate.quantile()),
        other => return Err(unknown("aggregate", other.0)),
    })
}

pub fn ttl(ttl: fb::Ttl<'_>) -> Result<Ttl> {
    let update = match ttl.update() {
        fb::TtlUpdate::OnWrite => TtlUpdate::OnWrite,
        fb::TtlUpdate::OnReadWrite => TtlUpdate::OnReadWrite,
        other => return Err(unknown("use of state", other.0)),
    };
    Ok(Ttl { duration_ms: positive("ttl", ttl.duration())? as i64, update })
}
