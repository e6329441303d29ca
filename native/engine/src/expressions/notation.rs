//! Expressions in words. State is found again by them, so what is written for an expression never changes.

use std::fmt::Write;

use millrace_plan::{Expr, Literal, Value};

use super::types::type_name;

/// Two expressions have the same notation only if they compute the same.
pub fn notation(expr: &Expr) -> String {
    match expr {
        Expr::Column(name) => column(name),
        Expr::Literal(literal) => value(literal),
        Expr::Call { function, args } => format!("{}({})", camel(&format!("{function:?}")), list(args)),
        Expr::Cast { expr, to, try_ } => {
            let name = if *try_ { "tryCast" } else { "cast" };
            format!("{name}({} as {})", notation(expr), type_name(to))
        }
        Expr::Case { whens, otherwise } => {
            let whens = whens.iter().map(|(when, then)| format!("{} => {}", notation(when), notation(then)));
            let otherwise = otherwise.iter().map(|otherwise| format!("else {}", notation(otherwise)));
            format!("case({})", whens.chain(otherwise).collect::<Vec<_>>().join(", "))
        }
    }
}

fn list(args: &[Expr]) -> String {
    args.iter().map(notation).collect::<Vec<_>>().join(", ")
}

/// A name that could be taken for something else stands in quotes.
fn column(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let is_plain = name.chars().all(plain) && name.starts_with(|first: char| !first.is_ascii_digit());
    if is_plain { name.into() } else { format!("`{}`", name.replace('`', "``")) }
}

fn value(literal: &Literal) -> String {
    let value = match &literal.value {
        None => "null".into(),
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Int(value)) => value.to_string(),
        Some(Value::Float(value)) => value.to_string(),
        Some(Value::String(value)) => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        Some(Value::Bytes(value)) => value.iter().fold(String::from("0x"), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        }),
    };
    format!("{value}::{}", type_name(&literal.data_type))
}

/// "StartsWith" as "startsWith".
fn camel(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;
    use millrace_plan::ExprFunction;

    use super::*;

    fn name(name: &str) -> Expr {
        Expr::Column(name.into())
    }

    fn literal(data_type: DataType, value: Option<Value>) -> Expr {
        Expr::Literal(Literal { data_type, value })
    }

    #[test]
    fn notations_never_change() {
        let call = |function, args: &[Expr]| Expr::Call { function, args: args.to_vec() };
        let one = literal(DataType::Int64, Some(Value::Int(1)));
        let cases = [
            (name("price"), "price"),
            (name("a b`c"), "`a b``c`"),
            (name("1"), "`1`"),
            (call(ExprFunction::Mul, &[name("price"), one.clone()]), "mul(price, 1::int64)"),
            (
                call(
                    ExprFunction::StartsWith,
                    &[name("s"), literal(DataType::Utf8, Some(Value::String("\"\\".into())))],
                ),
                r#"startsWith(s, "\"\\"::string)"#,
            ),
            (literal(DataType::Float64, Some(Value::Float(1.5))), "1.5::float64"),
            (literal(DataType::Boolean, None), "null::bool"),
            (literal(DataType::Binary, Some(Value::Bytes(vec![0, 255]))), "0x00ff::bytes"),
            (Expr::Cast { expr: Box::new(name("a")), to: DataType::Float64, try_: false }, "cast(a as float64)"),
            (Expr::Cast { expr: Box::new(name("a")), to: DataType::Utf8, try_: true }, "tryCast(a as string)"),
            (
                Expr::Case { whens: vec![(name("a"), name("b"))], otherwise: Some(Box::new(one)) },
                "case(a => b, else 1::int64)",
            ),
        ];
        for (expr, expected) in cases {
            assert_eq!(notation(&expr), expected);
        }
    }

    #[test]
    fn names_of_functions_never_change() {
        let names: Vec<String> = ExprFunction::ALL.iter().map(|function| camel(&format!("{function:?}"))).collect();
        assert_eq!(
            names.join(" "),
            "eq notEq lt ltEq gt gtEq in and or not isNull isNotNull coalesce nullIf add sub mul div mod neg abs round \
             floor ceil sqrt power upper lower trim length concat substring startsWith endsWith contains replace like \
             splitPart regexMatch regexExtract regexReplace truncate extract addMilliseconds epochMilliseconds getField \
             listElement listLength"
        );
    }
}
