import t from "tap";
import { lagBetween } from "./lag.js";

const at = (partition: number, offset?: number, topic = "bids") => ({
  topic,
  partition,
  ...(offset === undefined ? {} : { offset }),
});

t.test("the lag is summed over partitions of every topic", async (t) => {
  const committed = [at(0, 10), at(1, 0), at(0, 5, "asks")];
  const ends = [at(0, 5, "asks"), at(1, 7), at(0, 1010)];
  t.equal(lagBetween(committed, ends), 1007);
});

t.test("a partition without a committed offset adds nothing, and with none at all there is no lag", async (t) => {
  const ends = [at(0, 10), at(1, 10)];
  t.equal(lagBetween([at(0, 4), at(1)], ends), 6);
  t.equal(lagBetween([at(0, -1001), at(1)], ends), undefined);
  t.equal(lagBetween([], ends), undefined);
});

t.test("a topic that was made anew is not ahead of its end", async (t) => {
  t.equal(lagBetween([at(0, 100), at(1, 0)], [at(0, 3), at(1, 2)]), 2);
});

t.test("an error in the place of a partition is thrown: the sum would leave it out", async (t) => {
  const error = new Error("Broker: Unknown topic or partition");
  t.throws(() => lagBetween([at(0, 1), at(1, 1)], [at(0, 2), error]), error);
  t.throws(() => lagBetween([at(0, 1), error], [at(0, 2), at(1, 2)]), error);
});
