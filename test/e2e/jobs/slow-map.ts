// Generated bids through a function that takes its time.
import { generator, job, json, schema, stdout, t } from "millrace";

const Slow = schema({ auction: t.int64() });
const MICROSECONDS_A_ROW = 20;

function work(): void {
  const end = performance.now() + MICROSECONDS_A_ROW / 1000;
  while (performance.now() < end);
}

export default job(
  "slow-map",
  (j) =>
    j
      .source(generator.bids({ count: 50_000, seed: 7 }))
      .map(Slow, ({ auction }) => {
        work();
        return { auction };
      })
      .to(stdout({ format: json() })),
  { parallelism: 2 },
);
