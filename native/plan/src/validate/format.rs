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
    if let Format::Csv(csv) = &source.format {
        header_in_files(csv, is_file)?;
    }
    match &source.format {
        Format::Debezium(of) => match of.as_ref() {
            Format::Json | Format::JsonSchema(_) | Format::Avro(_) | Format::Protobuf(_) => of_declared(of, source),
            other => Err(PlanError::new(format!("debezium: there are no change events in {}", other.name()))),
        },
        Format::Upsert(upsert) => match upsert.of {
            _ if !matches!(source.connector, SourceConnector::Kafka(_)) => {
                Err(PlanError::new("upsert: only Kafka has records that have a key and no value"))
            }
            Format::Debezium(_) | Format::Upsert(_) => Err(PlanError::new("upsert: it holds no other envelope")),
            _ => upsert_columns(upsert, &source.declared).and_then(|()| of_declared(&upsert.of, source)),
        },
        format => of_declared(format, source),
    }?;
    match source.dead_letter() {
        Some(sink) if !matches!(sink.connector, SinkConnector::Kafka(_)) => match sink.format {
            Format::Json => Ok(()),
            Format::Csv(ref csv) => header_in_files(csv, matches!(sink.connector, SinkConnector::File(_))),
            _ => Err(PlanError::new(format!("bad records are written as json or csv, not as {}", sink.format.name()))),
        },
        _ => Ok(()),
    }
}

/// A row of a key without a value has nulls.
fn upsert_columns(upsert: &Upsert, declared: &Schema) -> Result<()> {
    let Ok(key) = declared.field_with_name(&upsert.key) else {
        return Err(PlanError::new(format!("upsert: there is no column \"{}\" for the key", upsert.key)));
    };
    if !matches!(key.data_type(), DataType::Utf8 | DataType::Binary | DataType::Int32 | DataType::Int64) {
        return Err(PlanError::new(format!("upsert: column \"{}\" is no string, bytes, int32 or int64", upsert.key)));
    }
    let others = declared.fields().iter().filter(|field| *field.name() != upsert.key && field.name() != "deleted");
    match others.into_iter().find(|field| !field.is_nullable()) {
        Some(field) => Err(PlanError::new(format!("upsert: column \"{}\" is not nullable", field.name()))),
        None => Ok(()),
    }
}

/// Whether a format without an envelope goes with the columns.
fn of_declared(format: &Format, source: &Source) -> Result<()> {
    match format {
        Format::Raw => one_column(&source.declared),
        Format::Csv(_) => flat(&source.declared),
        Format::Avro(Avro { schema: None, framing: Framing::Plain, .. }) => {
            Err(PlanError::new("avro: give the schema that records are written with, or the registry that has it"))
        }
        Format::Protobuf(Protobuf { schema: None, framing: Framing::Plain, .. }) => {
            Err(PlanError::new("protobuf: give the proto that records are written with, or the registry that has it"))
        }
        Format::JsonSchema(Framing::Plain) => Err(PlanError::new("jsonSchema: give the registry that has the schema")),
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
        Format::Csv(csv) => {
            header_in_files(csv, matches!(sink.connector, SinkConnector::File(_)))?;
            flat(rows)
        }
        Format::Avro(Avro { schema: None, .. }) => Err(PlanError::new("avro: a sink has a schema to write by")),
        Format::Protobuf(Protobuf { schema: None, .. }) => {
            Err(PlanError::new("protobuf: a sink has a proto to write by"))
        }
        Format::JsonSchema(Framing::Plain) => Err(PlanError::new("jsonSchema: give the registry that has the schema")),
        Format::Debezium(_) | Format::Upsert(_) => {
            Err(PlanError::new(format!("{} is read, and not written", sink.format.name())))
        }
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

fn header_in_files(csv: &Csv, is_file: bool) -> Result<()> {
    if csv.header && !is_file { Err(PlanError::new("csv: only files have a header")) } else { Ok(()) }
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
