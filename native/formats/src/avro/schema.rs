//! Schemas as text, and as what is compiled.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::TimeUnit;
use serde_json::{Map, Value};

use crate::FormatError;

/// Levels of a schema: reading it, and what it describes, is recursive.
const MAX_DEPTH: usize = 64;

type Result<T> = std::result::Result<T, FormatError>;

/// A type. One that is used twice by name is shared.
pub(super) type Schema = Arc<Type>;

#[derive(Debug)]
pub(super) enum Type {
    Null,
    Boolean,
    Int(Option<Logical>),
    Long(Option<Logical>),
    Float,
    Double,
    Bytes(Option<Logical>),
    String,
    Fixed { size: usize, logical: Option<Logical> },
    Enum { symbols: Vec<String> },
    Array(Schema),
    Map(Schema),
    Union(Vec<Schema>),
    Record { name: String, fields: Vec<Field> },
}

#[derive(Debug)]
pub(super) struct Field {
    pub name: String,
    pub aliases: Vec<String>,
    pub default: Option<Value>,
    pub schema: Schema,
}

/// What a value stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logical {
    Decimal { scale: i8 },
    Uuid,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Logical {
    /// The unit of a timestamp.
    pub fn unit(self) -> Option<TimeUnit> {
        match self {
            Logical::Milliseconds => Some(TimeUnit::Millisecond),
            Logical::Microseconds => Some(TimeUnit::Microsecond),
            Logical::Nanoseconds => Some(TimeUnit::Nanosecond),
            Logical::Decimal { .. } | Logical::Uuid => None,
        }
    }

    /// The scale of a decimal.
    pub fn scale(self) -> Option<i8> {
        match self {
            Logical::Decimal { scale } => Some(scale),
            _ => None,
        }
    }
}

/// Reads a schema; `references` are those whose names it uses, each after the ones that it uses itself.
pub(super) fn parse(text: &str, references: &[(String, String)]) -> Result<Schema> {
    let mut parser = Parser::default();
    for (_, reference) in references {
        parser.text(reference)?;
    }
    parser.text(text)
}

#[derive(Default)]
struct Parser {
    /// By full name; `None` while the type is being read.
    named: HashMap<String, Option<Schema>>,
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<Schema> {
        // A registry gives the schema of a primitive as its name alone, in quotes; so does JSON.
        let json = serde_json::from_str(text).map_err(|e| FormatError(format!("the Avro schema is no JSON: {e}")))?;
        self.schema(&json, "", 0)
    }

    fn schema(&mut self, json: &Value, namespace: &str, depth: usize) -> Result<Schema> {
        if depth > MAX_DEPTH {
            return Err(FormatError(format!("the Avro schema has more than {MAX_DEPTH} levels")));
        }
        match json {
            Value::String(name) => self.named(name, namespace),
            Value::Array(branches) => self.union(branches, namespace, depth),
            Value::Object(object) => match object.get("type") {
                Some(Value::String(name)) => self.object(name, object, namespace, depth),
                Some(nested) => self.schema(nested, namespace, depth + 1),
                None => Err(FormatError("a part of the Avro schema has no \"type\"".into())),
            },
            other => Err(FormatError(format!("{other} is no Avro schema"))),
        }
    }

    fn named(&self, name: &str, namespace: &str) -> Result<Schema> {
        if let Some(primitive) = primitive(name, None) {
            return Ok(Arc::new(primitive));
        }
        let full = full_name(name, namespace);
        // A name without a namespace may be one of none.
        match self.named.get(&full).or_else(|| self.named.get(name)) {
            Some(Some(schema)) => Ok(schema.clone()),
            Some(None) => Err(FormatError(format!(
                "the Avro schema \"{full}\" contains itself: columns cannot hold it. Leave this field out of the schema."
            ))),
            None => Err(FormatError(format!("the Avro schema names a type \"{full}\" that it does not define"))),
        }
    }

    fn union(&mut self, branches: &[Value], namespace: &str, depth: usize) -> Result<Schema> {
        let branch = |branch: &Value| {
            let schema = self.schema(branch, namespace, depth + 1)?;
            if matches!(*schema, Type::Union(_)) {
                return Err(FormatError("a union of the Avro schema holds another union directly".into()));
            }
            Ok(schema)
        };
        Ok(Arc::new(Type::Union(branches.iter().map(branch).collect::<Result<_>>()?)))
    }

    fn object(&mut self, kind: &str, object: &Map<String, Value>, namespace: &str, depth: usize) -> Result<Schema> {
        let part = |name: &str| {
            let missing = || FormatError(format!("\"{kind}\" of the Avro schema has no \"{name}\""));
            object.get(name).ok_or_else(missing)
        };
        match kind {
            "array" => Ok(Arc::new(Type::Array(self.schema(part("items")?, namespace, depth + 1)?))),
            "map" => Ok(Arc::new(Type::Map(self.schema(part("values")?, namespace, depth + 1)?))),
            "record" | "error" => {
                let (full, inner) = self.begin(object, namespace)?;
                let fields = array(part("fields")?, "fields")?;
                let fields = fields.iter().map(|field| self.field(field, &inner, depth)).collect::<Result<Vec<_>>>()?;
                let mut names = HashSet::new();
                if let Some(twice) = fields.iter().find(|field| !names.insert(field.name.as_str())) {
                    return Err(FormatError(format!("\"{full}\" has the field \"{}\" twice", twice.name)));
                }
                Ok(self.end(full.clone(), Type::Record { name: full, fields }))
            }
            "enum" => {
                let (full, _) = self.begin(object, namespace)?;
                let symbols = array(part("symbols")?, "symbols")?;
                let symbols = symbols.iter().map(|symbol| text(symbol, "a symbol")).collect::<Result<_>>()?;
                Ok(self.end(full, Type::Enum { symbols }))
            }
            "fixed" => {
                let (full, _) = self.begin(object, namespace)?;
                let size = part("size")?.as_u64().and_then(|size| usize::try_from(size).ok());
                let size = size.filter(|&size| size <= i32::MAX as usize);
                let size = size.ok_or_else(|| FormatError(format!("the size of fixed \"{full}\" is no size")))?;
                let logical = match logical(object) {
                    Some(Logical::Uuid) if size != 16 => None,
                    kept @ Some(Logical::Decimal { .. } | Logical::Uuid) => kept,
                    _ => None,
                };
                Ok(self.end(full, Type::Fixed { size, logical }))
            }
            name => match primitive(name, logical(object)) {
                Some(primitive) => Ok(Arc::new(primitive)),
                None => self.named(name, namespace),
            },
        }
    }

    fn field(&mut self, json: &Value, namespace: &str, depth: usize) -> Result<Field> {
        let object = json.as_object().ok_or_else(|| FormatError(format!("{json} is no field of a record")))?;
        let name = text(object.get("name").unwrap_or(&Value::Null), "the name of a field")?;
        let missing = || FormatError(format!("field \"{name}\" of the Avro schema has no \"type\""));
        let schema = self.schema(object.get("type").ok_or_else(missing)?, namespace, depth + 1)?;
        let aliases = object.get("aliases").map_or(Ok(Vec::new()), |aliases| {
            array(aliases, "aliases")?.iter().map(|alias| text(alias, "an alias")).collect()
        })?;
        Ok(Field { name, aliases, default: object.get("default").cloned(), schema })
    }

    /// Begins a named type: gives its full name and the namespace of the names in it.
    fn begin(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<(String, String)> {
        let name = text(object.get("name").unwrap_or(&Value::Null), "the name of a type")?;
        let own = object.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
        let full = full_name(&name, own);
        if self.named.insert(full.clone(), None).is_some() {
            return Err(FormatError(format!("the Avro schema defines \"{full}\" twice")));
        }
        let inner = full.rsplit_once('.').map_or("", |(space, _)| space).to_owned();
        Ok((full, inner))
    }

    fn end(&mut self, full: String, made: Type) -> Schema {
        let schema = Arc::new(made);
        self.named.insert(full, Some(schema.clone()));
        schema
    }
}

fn primitive(name: &str, logical: Option<Logical>) -> Option<Type> {
    use Logical::{Decimal, Microseconds, Milliseconds, Nanoseconds};
    Some(match name {
        "null" => Type::Null,
        "boolean" => Type::Boolean,
        // The time of a day is a number: no column has a type for it.
        "int" => Type::Int(None),
        "long" => Type::Long(logical.filter(|l| matches!(l, Milliseconds | Microseconds | Nanoseconds))),
        "float" => Type::Float,
        "double" => Type::Double,
        "bytes" => Type::Bytes(logical.filter(|l| matches!(l, Decimal { .. }))),
        "string" => Type::String,
        _ => return None,
    })
}

/// The logical type of a schema; one that is not known or makes no sense is none, as Avro has it.
fn logical(object: &Map<String, Value>) -> Option<Logical> {
    Some(match object.get("logicalType")?.as_str()? {
        "decimal" => {
            let number = |name: &str| object.get(name).map_or(Some(0), Value::as_u64);
            let (precision, scale) = (number("precision")?, number("scale")?);
            if precision == 0 || scale > precision.min(i8::MAX as u64) {
                return None;
            }
            Logical::Decimal { scale: scale as i8 }
        }
        "uuid" => Logical::Uuid,
        "timestamp-millis" | "local-timestamp-millis" => Logical::Milliseconds,
        "timestamp-micros" | "local-timestamp-micros" => Logical::Microseconds,
        "timestamp-nanos" | "local-timestamp-nanos" => Logical::Nanoseconds,
        _ => return None,
    })
}

impl Type {
    /// As messages call it.
    pub fn name(&self) -> String {
        let with = |name: &str, logical: &Option<Logical>| match logical {
            None => name.to_owned(),
            Some(Logical::Decimal { scale }) => format!("decimal of scale {scale}"),
            Some(Logical::Uuid) => "uuid".into(),
            Some(Logical::Milliseconds) => "timestamp-millis".into(),
            Some(Logical::Microseconds) => "timestamp-micros".into(),
            Some(Logical::Nanoseconds) => "timestamp-nanos".into(),
        };
        match self {
            Type::Null => "null".into(),
            Type::Boolean => "boolean".into(),
            Type::Int(logical) => with("int", logical),
            Type::Long(logical) => with("long", logical),
            Type::Float => "float".into(),
            Type::Double => "double".into(),
            Type::Bytes(logical) => with("bytes", logical),
            Type::String => "string".into(),
            Type::Fixed { logical, .. } => with("fixed", logical),
            Type::Enum { .. } => "enum".into(),
            Type::Array(_) => "array".into(),
            Type::Map(_) => "map".into(),
            Type::Union(branches) => {
                let names: Vec<String> = branches.iter().map(|branch| branch.name()).collect();
                format!("union of {}", names.join(", "))
            }
            Type::Record { name, .. } => format!("record {name}"),
        }
    }

    /// The fields of a record, or of the one record in a union with null.
    pub fn fields(&self) -> Option<&[Field]> {
        match self {
            Type::Record { fields, .. } => Some(fields),
            Type::Union(branches) => {
                let mut records = branches.iter().filter_map(|branch| branch.fields());
                records.next().filter(|_| records.next().is_none())
            }
            _ => None,
        }
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if namespace.is_empty() || name.contains('.') {
        name.trim_start_matches('.').to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn array<'a>(json: &'a Value, what: &str) -> Result<&'a [Value]> {
    json.as_array().map(Vec::as_slice).ok_or_else(|| FormatError(format!("\"{what}\" of the Avro schema is no list")))
}

fn text(json: &Value, what: &str) -> Result<String> {
    let found = json.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    found.ok_or_else(|| FormatError(format!("{what} of the Avro schema is no text")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text, &[]).unwrap_err().0
    }

    #[test]
    fn every_type_is_parsed_with_its_logical_type() {
        let name = |text: &str| parse(text, &[]).unwrap().name();
        assert_eq!(name(r#""long""#), "long");
        assert_eq!(name(r#"{"type": {"type": "string"}}"#), "string");
        assert_eq!(name(r#"{"type": "long", "logicalType": "timestamp-micros"}"#), "timestamp-micros");
        assert_eq!(
            name(r#"{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}"#),
            "decimal of scale 2"
        );
        assert_eq!(name(r#"{"type": "fixed", "name": "F", "size": 16, "logicalType": "uuid"}"#), "uuid");
        assert_eq!(name(r#"["null", {"type": "map", "values": "int"}]"#), "union of null, map");
        assert_eq!(name(r#"{"type": "enum", "name": "a.E", "symbols": ["A"]}"#), "enum");
    }

    #[test]
    fn a_logical_type_that_makes_no_sense_is_none() {
        let name = |text: &str| parse(text, &[]).unwrap().name();
        assert_eq!(name(r#"{"type": "string", "logicalType": "decimal"}"#), "string");
        assert_eq!(name(r#"{"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3}"#), "bytes");
        assert_eq!(name(r#"{"type": "fixed", "name": "F", "size": 4, "logicalType": "uuid"}"#), "fixed");
        assert_eq!(name(r#"{"type": "long", "logicalType": "of tomorrow"}"#), "long");
    }

    #[test]
    fn names_are_found_in_their_namespace_and_in_references() {
        let inner = r#"{"type": "enum", "name": "Kind", "symbols": ["A"]}"#;
        let text = format!(
            r#"{{"type": "record", "name": "Outer", "namespace": "a.b", "fields":
                [{{"name": "first", "type": {inner}}}, {{"name": "second", "type": "Kind"}},
                 {{"name": "third", "type": "a.b.Kind"}}, {{"name": "fourth", "type": "other.Thing"}}]}}"#
        );
        let text_of_other = r#"{"type": "fixed", "name": "Thing", "namespace": "other", "size": 3}"#;
        let reference = ("other.Thing".to_owned(), text_of_other.to_owned());
        let schema = parse(&text, std::slice::from_ref(&reference)).unwrap();
        let names: Vec<String> = schema.fields().unwrap().iter().map(|field| field.schema.name()).collect();
        assert_eq!(names, ["enum", "enum", "enum", "fixed"]);
        assert_eq!(error(&text), "the Avro schema names a type \"other.Thing\" that it does not define");
    }

    #[test]
    fn a_schema_that_contains_itself_is_refused() {
        let list = r#"{"type": "record", "name": "List", "fields": [{"name": "next", "type": ["null", "List"]}]}"#;
        assert_eq!(
            error(list),
            "the Avro schema \"List\" contains itself: columns cannot hold it. Leave this field out of the schema."
        );
    }

    #[test]
    fn what_is_no_schema_is_said_to_be_none() {
        assert!(error("{").starts_with("the Avro schema is no JSON: "));
        assert_eq!(error("12"), "12 is no Avro schema");
        assert_eq!(error("{}"), "a part of the Avro schema has no \"type\"");
        assert_eq!(error(r#"{"type": "array"}"#), "\"array\" of the Avro schema has no \"items\"");
        assert_eq!(error(r#"[["null"]]"#), "a union of the Avro schema holds another union directly");
        let twice = r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}, {"name": "a", "type": "int"}]}"#;
        assert_eq!(error(twice), "\"R\" has the field \"a\" twice");
        let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(100), "}".repeat(100));
        assert_eq!(error(&deep), "the Avro schema has more than 64 levels");
    }
}
