// Documents or changes of a collection of MongoDB, to files.
import { env, files, job, json, type MongoTableOptions, mongodb, schema, t } from "millrace";

const Document = schema({
  _id: t.string(),
  n: t.int64().nullable(),
  ...(env("READ", "") === "changes" ? { _operation: t.string() } : {}),
});

const options = JSON.parse(env("OPTIONS", "{}")) as Partial<MongoTableOptions<typeof Document.shape>>;

export default job(
  env("JOB", "mongodb-source"),
  (j) =>
    j
      .source(
        mongodb({
          url: env("URL"),
          database: "test",
          collection: env("COLLECTION"),
          schema: Document,
          read: env("READ", "snapshot") as "changes" | "snapshot",
          timeout: { connect: "1s" },
          ...options,
        }),
      )
      .id("documents")
      .to(files({ directory: env("OUTPUT"), format: json(), rollInterval: "200ms" }))
      .id("files"),
  {
    parallelism: 2,
    restart: "never",
    ...(env("CHECKPOINTS", "") === ""
      ? {}
      : {
          guarantee: "exactly-once",
          checkpoints: { storage: `file:${env("CHECKPOINTS")}`, interval: "100ms" },
          state: { directory: env("STATE") },
        }),
  },
);
