//! The functions of expressions.

macro_rules! functions {
    ($($name:ident),* $(,)?) => {
        /// What a call in an expression computes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ExprFunction { $($name),* }

        impl ExprFunction {
            pub const ALL: &[ExprFunction] = &[$(ExprFunction::$name),*];

            /// The function with this code in plan.fbs.
            pub fn from_code(code: u16) -> Option<Self> {
                $(if code == crate::generated::Function::$name.0 { return Some(ExprFunction::$name); })*
                None
            }
        }
    };
}

functions! {
    Eq, NotEq, Lt, LtEq, Gt, GtEq, In,
    And, Or, Not,
    IsNull, IsNotNull, Coalesce, NullIf,
    Add, Sub, Mul, Div, Mod, Neg, Abs, Round, Floor, Ceil, Sqrt, Power,
    Upper, Lower, Trim, Length, Concat, Substring, StartsWith, EndsWith, Contains, Replace, Like, SplitPart,
    RegexMatch, RegexExtract, RegexReplace,
    Truncate, Extract, AddMilliseconds, EpochMilliseconds,
    GetField, ListElement, ListLength,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_the_schema_is_known() {
        let unknown = crate::generated::Function::ENUM_VALUES.iter().find(|f| ExprFunction::from_code(f.0).is_none());
        assert_eq!(unknown, None);
        assert_eq!(ExprFunction::ALL.len(), crate::generated::Function::ENUM_VALUES.len());
    }
}
