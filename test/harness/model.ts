import type { Trade } from "./trades.js";

/** What a window of one account holds, computed without any of Millrace's code. */
export interface Result {
  account: string;
  start: number;
  end: number;
  n: number;
  total: number;
  low: number;
  high: number;
  mean: number;
  venues: number;
  opening: number;
  closing: number;
}

export interface WindowShape {
  sizeMs: number;
  slideMs: number;
}

/** The results of every window that holds at least one trade, by account and start. */
export function windowed(trades: Trade[], { sizeMs, slideMs }: WindowShape): Map<string, Result> {
  const windows = new Map<string, Trade[]>();
  for (const trade of trades) {
    const last = Math.floor(trade.at / slideMs) * slideMs;
    for (let start = last; start > trade.at - sizeMs; start -= slideMs) {
      const name = windowName(trade.account, start);
      const members = windows.get(name);
      if (members) members.push(trade);
      else windows.set(name, [trade]);
    }
  }
  return new Map([...windows].map(([name, members]) => [name, summary(name, members, sizeMs)]));
}

export const windowName = (account: string, start: number): string => `${account}@${start}`;

function summary(name: string, members: Trade[], sizeMs: number): Result {
  const inTime = members.toSorted((a, b) => a.at - b.at);
  const prices = inTime.map(({ price }) => price);
  const total = prices.reduce((sum, price) => sum + price, 0);
  const [account, start] = name.split("@") as [string, string];
  return {
    account,
    start: Number(start),
    end: Number(start) + sizeMs,
    n: members.length,
    total,
    low: Math.min(...prices),
    high: Math.max(...prices),
    mean: total / members.length,
    venues: new Set(members.map(({ venue }) => venue)).size,
    opening: prices[0] as number,
    closing: prices.at(-1) as number,
  };
}
