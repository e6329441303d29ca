//! Whether a format goes with a connector and with columns.

use arrow::datatypes::{DataType, Schema};

use super::Result;
use crate::PlanError;
use crate::model::*;

pub fn of_source(source: &Source) -> Result<()> {
    check(&source.format)?;
    let is_file = matches!(source.connector, SourceConnector::File(_));
    if is_file {
        in_lines(&source.format, "files are read")?;
    }
    if matches!(&source.format, Format::Csv(csv) if csv.header && !is_file) {
        return Err(PlanError::new("csv: only files have a header"));
    }
    match &source.format {
        Format::Raw => one_column(&source.declared),
        Format::Csv(_) => flat(&source.declared),
        Format::Avro(Avro { schema: None, framing: AvroFraming::Plain, .. }) => {
            Err(PlanError::new("avro: give the schema that records are written with, or the registry that has it"))
        }
        _ => Ok(()),
    }?;
    match source.dead_letter() {
        Some(sink) if !matches!(sink.connector, SinkConnector::Kafka(_)) => match sink.format {
            Format::Json | Format::Csv(_) => Ok(()),
            _ => Err(PlanError::new(format!("bad records are written as json or csv, not as {}", sink.format.name()))),
        },
        _ => Ok(()),
    }
}

pub fn of_sink(sink: &Sink, rows: &Schema) -> Result<()> {
    check(&sink.format)?;
    match &sink.connector {
        SinkConnector::File(_) => in_lines(&sink.format, "files are written")?,
        SinkConnector::Stdout => in_lines(&sink.format, "standard output is written")?,
        _ => {}
    }
    match &sink.format {
        Format::Raw => one_column(rows),
        Format::Csv(_) => flat(rows),
        Format::Avro(Avro { schema: None, .. }) => Err(PlanError::new("avro: a sink has a schema to write by")),
        _ => Ok(()),
    }
}

fn check(format: &Format) -> Result<()> {
    match format {
        Format::Csv(csv) if csv.delimiter == csv.quote => {
            Err(PlanError::new("csv: the delimiter and the quote are the same"))
        }
        _ => match format.registry() {
            Some(registry) if !registry.url.starts_with("http://") && !registry.url.starts_with("https://") => {
                Err(PlanError::new(format!("the schema registry \"{}\" has no URL with http or https", registry.url)))
            }
            _ => Ok(()),
        },
    }
}

fn in_lines(format: &Format, what: &str) -> Result<()> {
    if format.is_line() || *format == Format::Raw {
        return Ok(());
    }
    let name = format.name();
    Err(PlanError::new(format!("{what} line by line, and {name} has no lines: use json or csv, or Kafka for {name}")))
}

/// The whole of a record has one column's room.
fn one_column(schema: &Schema) -> Result<()> {
    match schema.fields().as_ref() {
        [only] if matches!(only.data_type(), DataType::Utf8 | DataType::Binary) => Ok(()),
        _ => Err(PlanError::new("raw records have one column, of strings or bytes")),
    }
}

/// There is no way to write a list or a struct in a field.
fn flat(schema: &Schema) -> Result<()> {
    let nested = |data_type: &DataType| matches!(data_type, DataType::List(_) | DataType::Struct(_));
    match schema.fields().iter().find(|field| nested(field.data_type())) {
        Some(field) => Err(PlanError::new(format!("column \"{}\": csv has no lists and no structs", field.name()))),
        None => Ok(()),
    }
}
