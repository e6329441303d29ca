import { type Expr, lit, t, when } from "millrace";
import type { Bytes, Null, Text, Timestamp } from "./expect.js";
import { type Bool, type Day, type Decimal, exactly, type Float64, type Int32, type Int64 } from "./expect.js";
import { row } from "./rows.js";

// Comparison.
exactly<Expr<Bool>>()(row.large.gt(5));
exactly<Expr<Bool>>()(row.large.gt(5n));
exactly<Expr<Bool>>()(row.large.lte(row.ratio));
exactly<Expr<Bool>>()(row.at.lt(new Date()));
exactly<Expr<Bool>>()(row.at.gte(row.exact));
exactly<Expr<Bool>>()(row.day.eq("2026-01-31"));
exactly<Expr<Bool>>()(row.raw.ne(new Uint8Array()));
exactly<Expr<Bool>>()(row.tags.eq(row.tags));
exactly<Expr<Bool>>()(row.large.between(1, row.small));
exactly<Expr<Bool>>()(row.name.in(["a", row.name]));
// @ts-expect-error: there is no such column
row.larg;
// @ts-expect-error: a number is not compared with a string
row.large.gt("5");
// @ts-expect-error: nor with a column of strings
row.large.eq(row.name);
// @ts-expect-error: nor a string with a number
row.name.eq(1);
// @ts-expect-error: a number is no boolean
row.flag.eq(1);
// @ts-expect-error: a moment is no day
row.at.eq(row.day);
// @ts-expect-error: a moment is compared with a Date, not with its text
row.at.gt("2026-01-31");
// @ts-expect-error: the limits are numbers, both of them
row.large.between(1, "9");
// @ts-expect-error: so is each value of the list
row.large.in([1, "2"]);
// @ts-expect-error: null is asked for by isNull()
row.maybe.eq(null);
// @ts-expect-error: lists of other items are never equal
row.tags.eq(lit(1n));

// Arithmetic widens.
exactly<Expr<Int32>>()(row.small.add(1));
exactly<Expr<Int64>>()(row.small.add(row.large));
exactly<Expr<Int64>>()(row.large.div(2n));
exactly<Expr<Float64>>()(row.large.mul(row.ratio));
exactly<Expr<Decimal>>()(row.money.sub(row.large));
exactly<Expr<Float64>>()(row.money.mod(row.ratio));
exactly<Expr<Int32>>()(row.small.neg());
exactly<Expr<Float64>>()(row.large.round());
exactly<Expr<Float64>>()(row.small.power(2));
// @ts-expect-error: a string is not added to a number
row.large.add("1");
// @ts-expect-error: nor a column of strings
row.large.add(row.name);
// @ts-expect-error: nor a moment: it has plus
row.large.add(row.at);
// @ts-expect-error: strings are put together by concat
row.name.add("x");
// @ts-expect-error: a boolean has no sign
row.flag.neg();

// What may be null makes what comes of it so.
exactly<Expr<Int64 | Null>>()(row.maybe.add(1));
exactly<Expr<Int64 | Null>>()(row.small.add(row.maybe));
exactly<Expr<Bool | Null>>()(row.large.eq(row.maybe));
exactly<Expr<Bool | Null>>()(row.large.between(1, row.maybe));
exactly<Expr<Bool | Null>>()(row.large.in([1, row.maybe]));
exactly<Expr<Bool | Null>>()(row.flag.and(row.note.eq("x")));
exactly<Expr<Float64 | Null>>()(row.ratio.power(row.maybe));
exactly<Expr<Text | Null>>()(row.name.concat("-", row.note));
exactly<Expr<Bool | Null>>()(row.name.startsWith(row.note));
exactly<Expr<Text | Null>>()(row.name.replace("a", row.note));
exactly<Expr<Text | Null>>()(row.name.substring(0, row.maybe));
exactly<Expr<Int64 | Null>>()(row.at.since(row.until));
exactly<Expr<Bool>>()(row.maybe.isNull());
exactly<Expr<Int64>>()(row.maybe.coalesce(0));
exactly<Expr<Float64>>()(row.maybe.coalesce(row.ratio));
exactly<Expr<Int64 | Null>>()(row.maybe.coalesce(row.maybe));
exactly<Expr<Timestamp<"us">>>()(row.until.coalesce(row.exact));
exactly<Expr<Text | Null>>()(row.name.nullIf(""));
// @ts-expect-error: the other value is of the same kind
row.maybe.coalesce("none");

// Text, time, lists and structs.
exactly<Expr<Text>>()(row.name.upper().trim().splitPart(",", 1));
exactly<Expr<Int64>>()(row.name.length());
exactly<Expr<Bool>>()(row.name.matches(/a+/i));
exactly<Expr<Text | Null>>()(row.name.extract(/a(.)/, 1));
exactly<Expr<Timestamp<"ms">>>()(row.at.truncate("hour"));
exactly<Expr<Timestamp<"us">>>()(row.exact.plus("10s"));
exactly<Expr<Day>>()(row.day.truncate("month"));
exactly<Expr<Int64>>()(row.day.extract("year"));
exactly<Expr<Text | Null>>()(row.tags.at(0));
exactly<Expr<Int32>>()(row.tags.length());
exactly<Expr<Text>>()(row.place.get("city"));
exactly<Expr<Int32 | Null>>()(row.place.get("zip"));
// @ts-expect-error: a number has no case
row.large.upper();
// @ts-expect-error: text goes together with text
row.name.concat(1);
// @ts-expect-error: a place in a string is an integer
row.name.substring(row.ratio);
// @ts-expect-error: there is no such unit
row.at.truncate("decade");
// @ts-expect-error: a length of time has a unit
row.at.plus("10");
// @ts-expect-error: no number is a length of time
row.at.plus(10);
// @ts-expect-error: a day has no time to add to
row.day.plus("1d");
// @ts-expect-error: nor milliseconds since another
row.day.since(new Date());
// @ts-expect-error: the struct has no such field
row.place.get("town");
// @ts-expect-error: an item is found by its number
row.tags.at("first");

// Casts, literals and choices.
exactly<Expr<Text>>()(row.large.cast(t.string()));
exactly<Expr<Text | Null>>()(row.maybe.cast(t.string()));
exactly<Expr<Int32 | Null>>()(row.name.tryCast(t.int32()));
exactly<Expr<Int64>>()(lit(1n));
exactly<Expr<Float64>>()(lit(1));
exactly<Expr<Int32>>()(lit(1, t.int32()));
exactly<Expr<Decimal>>()(lit("1.50", t.decimal(4, 2)));
exactly<Expr<Timestamp<"s">>>()(lit(new Date(), t.timestamp("s")));
exactly<Expr<Bytes>>()(lit(new Uint8Array(), t.bytes()));
exactly<Expr<Text | Null>>()(lit(null, t.string().nullable()));
exactly<Expr<Text>>()(when(row.flag, lit("yes")).otherwise("no"));
exactly<Expr<Text | Null>>()(when(row.flag, row.name).otherwise(row.note));
exactly<Expr<Float64>>()(when(row.flag, row.small).when(row.large.gt(1), row.ratio).otherwise(0));
exactly<Expr<Int64 | Null>>()(when(row.flag, row.large).when(row.large.gt(1), row.maybe).otherwise(0n));
// @ts-expect-error: a cast takes a type of t, not its name
row.large.cast("string");
// @ts-expect-error: a string is no int32
lit("1", t.int32());
// @ts-expect-error: null is only a value where the type says so
lit(null, t.string());
// @ts-expect-error: a Date needs the unit of its timestamp
lit(new Date());
// @ts-expect-error: a condition is bool
when(row.large, lit("yes"));
// @ts-expect-error: both results are of a kind
when(row.flag, lit("yes")).otherwise(0);
