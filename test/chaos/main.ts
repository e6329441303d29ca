// One run of chaos: node --import tsx test/chaos/main.ts [--kills N] [--others N] [--without TROUBLE]… [--seed N]
import { parseArgs } from "node:util";
import { chaos } from "./chaos.js";
import { summary } from "./summary.js";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    others: { type: "string" },
    without: { type: "string", multiple: true },
    seed: { type: "string", default: String(Date.now() % 100_000) },
  },
});
const kills = Number(values.kills);
const others = Number(values.others ?? Math.ceil(kills / 20));
const seed = Number(values.seed);
const say = (line: string) => process.stdout.write(`${line}\n`);

say(`seed ${seed}: ${kills} kills, each other trouble ${others} times`);
const figures = await chaos({ seed, kills, others, without: values.without ?? [], say });
for (const line of figures.differences.slice(0, 100)) say(line);
say(summary(seed, figures));
process.exitCode = figures.differences.length > 0 ? 1 : 0;
