//! Whether a format goes with a connector and with columns.

use std::collections::HashSet;

use arrow::datatypes::{DataType, Field, Schema};

use super::Result;
use crate::PlanError;
use crate::model::*;

pub fn of_source(source: &Source) -> Result<()> {
    check(&source.format)?;
    let is_file = matches!(source.connector, SourceConnector::File(_));
    match &source.connector {
        SourceConnector::File(_) => in_files(&source.format)?,
        _ => not_parquet(&source.format)?,
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
    }
}

/// Of bad records and of rows that are refused; Kafka takes them as they came.
pub fn of_dead_letter(sink: &Sink) -> Result<()> {
    match (&sink.connector, &sink.format) {
        (SinkConnector::Kafka(_), _) => Ok(()),
        (SinkConnector::Http(http), Format::Json | Format::Csv(_)) => in_body(&sink.format, http.body),
        (_, Format::Json) => Ok(()),
        (connector, Format::Csv(csv)) => header_in_files(csv, matches!(connector, SinkConnector::File(_))),
        (_, other) => Err(PlanError::new(format!("bad records are written as json or csv, not as {}", other.name()))),
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
        Format::Avro(Avro { schema: None, framing: Framing::Plain, .. })
            if !matches!(source.connector, SourceConnector::File(_)) =>
        {
            Err(PlanError::new("avro: give the schema that records are written with, or the registry that has it"))
        }
        Format::Protobuf(Protobuf { schema: None, framing: Framing::Plain, .. }) => {
            Err(PlanError::new("protobuf: give the proto that records are written with, or the registry that has it"))
        }
        Format::JsonSchema(Framing::Plain) => Err(PlanError::new("jsonSchema: give the registry that has the schema")),
        Format::LineProtocol(_) | Format::RemoteWrite(_) | Format::Arrow => {
            Err(PlanError::new(format!("{} is written and not read", format.name())))
        }
        _ => Ok(()),
    }
}

pub fn of_sink(sink: &Sink, rows: &Schema) -> Result<()> {
    check(&sink.format)?;
    match &sink.connector {
        SinkConnector::File(file) => {
            in_files(&sink.format)?;
            of_file(file)?;
        }
        SinkConnector::Stdout => {
            not_parquet(&sink.format)?;
            in_lines(&sink.format, "standard output is written")?;
        }
        SinkConnector::Http(http) => {
            in_body(&sink.format, http.body)?;
            of_body(http)?;
        }
        _ if matches!(sink.format, Format::RemoteWrite(_) | Format::Arrow) => {
            let name = sink.format.name();
            return Err(PlanError::new(format!("{name} is what the bodies of HTTP requests are: use an HTTP sink")));
        }
        _ => not_parquet(&sink.format)?,
    }
    match &sink.format {
        Format::Raw => one_column(rows),
        Format::Csv(csv) => {
            header_in_files(csv, matches!(sink.connector, SinkConnector::File(_)))?;
            flat(rows)
        }
        Format::LineProtocol(series) => line_protocol(series, rows),
        Format::RemoteWrite(series) => remote_write(series, rows),
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

/// Files of Avro name their schema themselves.
fn in_files(format: &Format) -> Result<()> {
    match format {
        Format::Avro(_) if format.registry().is_some() => {
            Err(PlanError::new("avro: files hold their schema, so they need no registry: leave it out"))
        }
        Format::Avro(_) | Format::Parquet => Ok(()),
        _ => in_lines(format, "files are read and written"),
    }
}

fn of_file(file: &FileSink) -> Result<()> {
    if file.format != FileFormat::Lines && file.compression != Compression::None {
        return Err(PlanError::new(
            "compression is of files with a record a line: files of Parquet and Avro are compressed inside, by their format's \
             own option",
        ));
    }
    match &file.format {
        FileFormat::Parquet(parquet) => row_groups(parquet),
        _ => Ok(()),
    }
}

fn of_body(http: &HttpSink) -> Result<()> {
    let HttpBody::Parquet(parquet) = &http.body else { return Ok(()) };
    if http.compression != HttpCompression::None && parquet.codec != Codec::None {
        return Err(PlanError::new(
            "a body of parquet would be compressed twice: leave out the sink's compression, or the format's by \
             parquet({ compression: \"none\" })",
        ));
    }
    row_groups(parquet)
}

fn row_groups(parquet: &Parquet) -> Result<()> {
    if parquet.row_group_rows == 0 || parquet.row_group_bytes == 0 {
        return Err(PlanError::new("parquet: rowGroupRows and rowGroupBytes are more than nothing"));
    }
    Ok(())
}

fn not_parquet(format: &Format) -> Result<()> {
    match format {
        Format::Parquet => {
            Err(PlanError::new("parquet is a format of files and of bodies of HTTP requests: use another one here"))
        }
        _ => Ok(()),
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

/// Whether rows can stand in a body like this.
fn in_body(format: &Format, body: HttpBody) -> Result<()> {
    let fits = match format {
        Format::Json => matches!(body, HttpBody::Lines | HttpBody::Array | HttpBody::Bulk),
        Format::Csv(_) | Format::Raw | Format::LineProtocol(_) => body == HttpBody::Lines,
        Format::RemoteWrite(_) => body == HttpBody::Joined,
        Format::Arrow => body == HttpBody::Arrow,
        Format::Parquet => matches!(body, HttpBody::Parquet(_)),
        Format::Avro(_) | Format::Protobuf(_) | Format::JsonSchema(_) => false,
        Format::Debezium(_) | Format::Upsert(_) => false,
    };
    if fits {
        return Ok(());
    }
    Err(PlanError::new(format!("the body of a request cannot hold rows of {} like this", format.name())))
}

/// What line protocol and remote write ask of the columns they name.
fn series<'a>(series: &'a Series, rows: &'a Schema) -> Result<Vec<&'a Field>> {
    let find = |name: &str| {
        let found = rows.fields().iter().find(|field| field.name() == name);
        found.ok_or_else(|| PlanError::new(format!("there is no column \"{name}\" to make a time series of")))
    };
    match &series.name {
        SeriesName::Text(name) if name.is_empty() || name.starts_with('#') => {
            return Err(PlanError::new(format!("\"{name}\" is no name of a time series")));
        }
        SeriesName::Column(column) if find(column)?.data_type() != &DataType::Utf8 => {
            return Err(PlanError::new(format!("column \"{column}\": the name of a time series is a string")));
        }
        _ => {}
    }
    if !matches!(find(&series.time)?.data_type(), DataType::Timestamp(..) | DataType::Int64) {
        let message = format!("column \"{}\": the time of a row is a timestamp or int64", series.time);
        return Err(PlanError::new(message));
    }
    // The time may be a value, too.
    let mut names = HashSet::new();
    if let SeriesName::Column(column) = &series.name {
        names.insert(column.as_str());
    }
    let named = series.labels.iter().chain(&series.values);
    if let Some(twice) = named.clone().find(|name| !names.insert(name.as_str())) {
        return Err(PlanError::new(format!("column \"{twice}\" is two things of one time series")));
    }
    named.map(|name| find(name).map(AsRef::as_ref)).collect()
}

fn line_protocol(of: &Series, rows: &Schema) -> Result<()> {
    series(of, rows)?;
    let nested = |field: &Field| matches!(field.data_type(), DataType::List(_) | DataType::Struct(_));
    match rows.fields().iter().find(|field| nested(field)) {
        Some(field) => {
            Err(PlanError::new(format!("column \"{}\": line protocol has no lists and no structs", field.name())))
        }
        None => Ok(()),
    }
}

fn remote_write(of: &Series, rows: &Schema) -> Result<()> {
    let named = series(of, rows)?;
    let (labels, values) = named.split_at(of.labels.len());
    match values {
        [value] if value.data_type().is_numeric() => {}
        _ => return Err(PlanError::new("a sample is the number of one column")),
    }
    let is_name = |name: &str| {
        let mut chars = name.chars();
        chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
    };
    match labels.iter().find(|label| !is_name(label.name())) {
        Some(label) => Err(PlanError::new(format!(
            "column \"{}\": a label has a name of letters, digits and \"_\": select it under another",
            label.name()
        ))),
        None => Ok(()),
    }
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
