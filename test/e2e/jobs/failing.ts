// Fails where the test says: in the plan, in an expression, in the sink, or in a user function. Only the sink is worth a
// restart.
import { type Duration, env, files, generator, type JobBuilder, job, json, schema, stdout, t } from "millrace";

const Out = schema({ id: t.int64() });

const build = (j: JobBuilder) => {
  const bids = j.source(generator.bids({ count: 10, seed: 1 }));
  const sink = stdout({ format: json() });
  switch (env("FAILING")) {
    case "plan":
      return bids.select((bid) => ({ id: bid.auction.add("x" as never) })).to(sink);
    case "expression":
      return bids.select((bid) => ({ id: bid.auction.div(bid.auction.sub(bid.auction)) })).to(sink);
    case "sink":
      return bids.to(files({ directory: env("OUT"), format: json() }));
    default:
      return bids
        .map(Out, () => {
          throw new RangeError("the function's own reason");
        })
        .to(sink);
  }
};

export default job("failing", build, { restart: { attempts: 2, delay: env("DELAY", "10ms") as Duration } });
