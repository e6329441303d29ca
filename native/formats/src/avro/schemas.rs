//! Where the schemas of records come from that name them by a number.

/// A schema and what it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaText {
    pub text: String,
    /// Schemas whose names it uses, each after the ones that it uses itself.
    pub references: Vec<String>,
}

/// Why there is no schema of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoSchema {
    /// There is none: the record is at fault.
    Unknown(String),
    /// It could not be asked for: no record can be read now.
    Unavailable(String),
}

/// A registry of schemas. Asked once for each number by each decoder; answers may take as long as a request does.
pub trait Schemas: Send + Sync {
    fn schema(&self, id: u32) -> Result<SchemaText, NoSchema>;

    /// What the records are of, and where it was looked up, as errors say it: "subject \"bids-value\" of http://...".
    fn place(&self) -> String;
}
