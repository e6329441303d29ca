// Lines of CSV with a header to CSV, or lines as they are to standard output.
import { csv, deadLetter, env, files, job, raw, schema, stdout, t } from "millrace";

const Reading = schema({
  sensor: t.string(),
  skipped: t.string(),
  value: t.decimal(9, 2).nullable(),
  at: t.timestamp("ms"),
});
const Line = schema({ value: t.string() });
const paths = env("INPUT");

export default job(
  "lines",
  (j) => {
    if (env("FORMAT") === "raw") return j.source(files({ paths, format: raw(Line) })).to(stdout({ format: raw() }));
    return j
      .source(
        files({
          paths,
          format: csv({ header: true, delimiter: ";" }, Reading),
          onBadRecord: deadLetter(files({ directory: env("BAD"), format: csv() })),
        }),
      )
      .select((reading) => ({ value: reading.value, sensor: reading.sensor, at: reading.at }))
      .to(stdout({ format: csv({ null: "NULL" }) }));
  },
  { parallelism: 2 },
);
