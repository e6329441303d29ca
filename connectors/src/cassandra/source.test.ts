import t from "tap";
import { boundsOf, splitsOf } from "./source.js";

t.test("splits cover the ring without gaps, and their names tell their bounds", async (t) => {
  for (const count of [1, 3, 64, 1000]) {
    const bounds = splitsOf(count).map(boundsOf);
    t.equal(bounds.length, count);
    t.equal(bounds[0]?.[0], -(2n ** 63n));
    t.equal(bounds.at(-1)?.[1], 2n ** 63n - 1n);
    for (const [index, [above]] of bounds.entries()) if (index > 0) t.equal(above, bounds[index - 1]?.[1]);
  }
});
