//! What is computed of a row.

use arrow::datatypes::DataType;

#[derive(Debug, Clone, PartialEq)]
pub struct NamedExpr {
    pub name: String,
    pub expr: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Column(String),
    Literal(Literal),
    Call {
        function: crate::ExprFunction,
        args: Vec<Expr>,
    },
    Cast {
        expr: Box<Expr>,
        to: DataType,
        /// Null where the cast fails, instead of an error.
        try_: bool,
    },
    Case {
        /// Condition and result.
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    pub data_type: DataType,
    /// `None` is a null of that type.
    pub value: Option<Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(bool),
    /// Int32, Int64, Timestamp (in its unit), Date (days).
    Int(i64),
    Float(f64),
    /// String, Decimal (its digits).
    String(String),
    Bytes(Vec<u8>),
}
