import t from "tap";
import { chaos } from "../chaos/chaos.js";
import { summary } from "../chaos/summary.js";

// One whose troubles are short: those of others last for up to half a minute.
const SEED = 3;

t.test(`seed ${SEED}: through 8 kills and every other trouble once no window is lost or doubled`, async (t) => {
  const figures = await chaos({ seed: SEED, kills: 8, others: 1, say: (line) => t.comment(line) });
  t.comment(summary(SEED, figures));
  t.strictSame(figures.differences, []);
});
