import { env, files, generator, job, json } from "millrace";

// Barriers are on their way when the input ends, long before a file is full or old.
export default job(
  "paced-files",
  (j) =>
    j
      .source(generator.bids({ count: 2500, rate: 1000 }))
      .to(files({ directory: env("OUTPUT"), format: json(), rollInterval: "10m" })),
  { commitInterval: "100ms" },
);
