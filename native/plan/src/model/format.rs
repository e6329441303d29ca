//! How records and files are laid out.

use arrow::datatypes::TimeUnit;

/// How rows stand in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FileFormat {
    /// A record a line.
    #[default]
    Lines,
    Parquet(Parquet),
    /// Avro's object container files.
    Avro(AvroFile),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parquet {
    pub codec: Codec,
    /// A row group ends after so many rows ...
    pub row_group_rows: usize,
    /// ... or about so many bytes.
    pub row_group_bytes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvroFile {
    /// What a sink writes; files that are read have their own.
    pub schema: Option<String>,
    /// Gives a source's columns aliases and defaults.
    pub reader_schema: Option<String>,
    pub codec: Codec,
}

/// How a file is compressed in its inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    None,
    Deflate,
    Gzip,
    Lz4,
    Snappy,
    Zstd,
}

impl Codec {
    /// As plans call it.
    pub fn name(self) -> &'static str {
        match self {
            Codec::None => "",
            Codec::Deflate => "deflate",
            Codec::Gzip => "gzip",
            Codec::Lz4 => "lz4",
            Codec::Snappy => "snappy",
            Codec::Zstd => "zstd",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    Json,
    Avro(Avro),
    Csv(Csv),
    /// The one column of a row is the whole record.
    Raw,
    LineProtocol(Series),
    /// A time series of Prometheus's remote write with one sample.
    RemoteWrite(Series),
    /// Columns of an IPC stream.
    Arrow,
    /// There are only files of it, whose options are in [`FileFormat`] and [`super::HttpBody`].
    Parquet,
    Protobuf(Protobuf),
    /// JSON under Confluent framing.
    JsonSchema(Framing),
    /// A source's: each record is a change of the row that the format within it has.
    Debezium(Box<Format>),
    /// A source's: a record without a value deletes the row of its key.
    Upsert(Box<Upsert>),
}

impl Format {
    /// As messages call it.
    pub fn name(&self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Avro(_) => "avro",
            Format::Csv(_) => "csv",
            Format::Raw => "raw",
            Format::LineProtocol(_) => "line protocol",
            Format::RemoteWrite(_) => "remote write",
            Format::Arrow => "arrow",
            Format::Parquet => "parquet",
            Format::Protobuf(_) => "protobuf",
            Format::JsonSchema(_) => "jsonSchema",
            Format::Debezium(_) => "debezium",
            Format::Upsert(_) => "upsert",
        }
    }

    /// A record is text without a line's end in it.
    pub fn is_line(&self) -> bool {
        match self {
            Format::Json | Format::Csv(_) => true,
            Format::Debezium(of) => of.is_line(),
            _ => false,
        }
    }

    /// Where records are looked up that name their schema.
    pub fn registry(&self) -> Option<&SchemaRegistry> {
        match self {
            Format::Avro(Avro { framing: Framing::Confluent { registry, .. }, .. })
            | Format::Protobuf(Protobuf { framing: Framing::Confluent { registry, .. }, .. })
            | Format::JsonSchema(Framing::Confluent { registry, .. }) => Some(registry),
            Format::Debezium(of) => of.registry(),
            Format::Upsert(upsert) => upsert.of.registry(),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upsert {
    pub of: Format,
    /// The column that a deleted row has of its key.
    pub key: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Avro {
    /// What records are written with. A source has none where they name it.
    pub schema: Option<String>,
    /// Gives a source's columns aliases and defaults.
    pub reader_schema: Option<String>,
    pub framing: Framing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protobuf {
    /// What records are written with. A source needs none where they name it.
    pub schema: Option<ProtobufSchema>,
    /// By its full name; the first of the file without it.
    pub message: Option<String>,
    pub framing: Framing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtobufSchema {
    /// A .proto file, and those that it imports, by their names.
    Text { text: String, imports: Vec<(String, String)> },
    /// A FileDescriptorSet.
    Descriptors(Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// A message is a record.
    Plain,
    /// Before a record stands the number of its schema.
    Confluent {
        registry: SchemaRegistry,
        /// That of a sink's schema; `None` before it is registered.
        schema_id: Option<u32>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SchemaRegistry {
    pub url: String,
    /// As errors name it.
    pub subject: Option<String>,
    /// "username" and "password", or "token".
    pub properties: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csv {
    pub delimiter: u8,
    pub quote: u8,
    /// What stands for null when it is not quoted.
    pub null: String,
    /// The first line of a file is none of its records.
    pub header: bool,
}

/// Which columns are what in a format of time series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    pub name: SeriesName,
    pub labels: Vec<String>,
    /// None: all columns that are nothing else.
    pub values: Vec<String>,
    pub time: String,
    /// That of times as they are written.
    pub unit: TimeUnit,
    pub dialect: LineDialect,
}

/// What a measurement or metric goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeriesName {
    Text(String),
    Column(String),
}

/// How names and texts of line protocol are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineDialect {
    Influx,
    QuestDb,
}
