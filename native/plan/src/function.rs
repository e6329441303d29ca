//! The functions of expressions.

macro_rules! functions {
    ($($name:ident),* $(,)?) => {
        /// What a call in an expression computes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ExprFunction { $($name),* }

        impl ExprFunction {
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
