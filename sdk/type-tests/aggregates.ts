import {
  approxCountDistinct,
  approxQuantile,
  avg,
  count,
  countDistinct,
  type Expr,
  first,
  last,
  max,
  min,
  stddev,
  sum,
} from "millrace";
import { type Day, type Decimal, exactly, type Float64, type Int64, type Null, type Text } from "./expect.js";
import { row } from "./rows.js";

exactly<Expr<Int64>>()(count());
exactly<Expr<Int64>>()(count(row.note));
exactly<Expr<Int64>>()(countDistinct(row.name));
exactly<Expr<Int64>>()(approxCountDistinct(row.maybe));
exactly<Expr<Int64>>()(sum(row.small));
exactly<Expr<Int64>>()(sum(row.large));
exactly<Expr<Float64>>()(sum(row.ratio));
exactly<Expr<Decimal>>()(sum(row.money));
exactly<Expr<Int64 | Null>>()(sum(row.maybe));
exactly<Expr<Float64>>()(avg(row.money));
exactly<Expr<Float64 | Null>>()(avg(row.maybe));
exactly<Expr<Text>>()(min(row.name));
exactly<Expr<Day>>()(max(row.day));
exactly<Expr<Int64 | Null>>()(first(row.maybe));
exactly<Expr<Text>>()(last(row.name));
exactly<Expr<Float64 | Null>>()(stddev(row.large));
exactly<Expr<Float64>>()(approxQuantile(row.large, 0.99));
exactly<Expr<Int64>>()(sum(row.large).div(count()));

// @ts-expect-error: strings have no sum
sum(row.name);
// @ts-expect-error: nor have moments a mean
avg(row.at);
// @ts-expect-error: a sum is of something
sum();
// @ts-expect-error: by an expression, not by a column's name
max("large");
// @ts-expect-error: a list has no order
max(row.tags);
// @ts-expect-error: nor has a struct
first(row.place);
// @ts-expect-error: booleans do not deviate
stddev(row.flag);
// @ts-expect-error: a quantile says which
approxQuantile(row.large);
