// Two topics together, to several sinks: as they are, and by every kind of user function.
import { env, job, json, kafka, schema, t } from "millrace";
import { brokers } from "./settings.js";

const Row = schema({ id: t.int64(), score: t.float64(), note: t.string().nullable() });
const Mapped = schema({ id: t.int64(), note: t.string() });
const Part = schema({ id: t.int64(), part: t.int32() });
const Scored = schema({ id: t.int64(), doubled: t.float64() });

const source = (topic: string) => kafka({ topic, brokers, format: json(Row), start: "earliest", until: "latest" });
const sink = (name: string) => kafka({ topic: env(name), brokers, format: json() });

export default job(
  env("JOB"),
  (j) => {
    const rows = j.source(source(env("LEFT"))).union(j.source(source(env("RIGHT"))));
    rows.to(
      kafka({
        topic: env("ALL"),
        brokers,
        format: json(),
        key: (row) => row.id.cast(t.string()),
        headers: (row) => ({ note: row.note }),
        compression: "lz4",
      }),
    );
    rows.map(Mapped, ({ id, note }) => ({ id: id * 2n, note: note ?? "none" })).to(sink("MAPPED"));
    rows
      .flatMap(Part, function* ({ id }) {
        for (let part = 0; part < Number(id % 3n); part++) yield { id, part };
      })
      .to(sink("PARTS"));
    rows
      .mapBatch(Scored, ({ columns }) => ({ id: columns.id, doubled: columns.score.map((score) => score * 2) }))
      .to(sink("SCORED"));
  },
  { parallelism: 2 },
);
