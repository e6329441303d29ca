// Lines of files, to files where OUTPUT names a folder, otherwise to standard output.
import { env, files, job, json, schema, stdout, t } from "millrace";

const Line = schema({ id: t.int64(), text: t.string() });

export default job(
  "files",
  (j) =>
    j
      .source(files({ paths: env("INPUT").split(":"), format: json(Line) }))
      .filter((line) => line.id.gte(0))
      .to(
        env("OUTPUT", "") === ""
          ? stdout({ format: json() })
          : files({ directory: env("OUTPUT"), format: json(), compression: env("COMPRESSION", "zst") as "gz" | "zst" }),
      ),
  { parallelism: 2 },
);
