// Rows to a webhook, one by one.
import { env, generator, job, webhook } from "millrace";

export default job(
  "webhook",
  (j) =>
    j
      .source(generator.bids({ count: Number(env("COUNT")), startTime: 0, eventsPerSecond: 1000 }))
      .select((bid) => ({ id: bid.dateTime.epochMilliseconds() }))
      .to(webhook({ url: env("URL"), secret: { file: env("SECRET_FILE") }, retry: { delay: "20ms" } })),
  { parallelism: 2, commitInterval: "200ms", restart: "never" },
);
