// Fails where the test says: in the plan, in an expression, or in a user function.
import { env, generator, job, json, schema, stdout, t } from "millrace";

const Out = schema({ id: t.int64() });

export default job("failing", (j) => {
  const bids = j.source(generator.bids({ count: 10, seed: 1 }));
  const sink = stdout({ format: json() });
  switch (env("FAILING")) {
    case "plan":
      return bids.select((bid) => ({ id: bid.auction.add("x" as never) })).to(sink);
    case "expression":
      return bids.select((bid) => ({ id: bid.auction.div(bid.auction.sub(bid.auction)) })).to(sink);
    default:
      return bids
        .map(Out, () => {
          throw new RangeError("the function's own reason");
        })
        .to(sink);
  }
});
