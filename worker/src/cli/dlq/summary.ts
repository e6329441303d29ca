import { type DeadLetter, kindOf } from "./dead-letter.js";

/** Dead letters that are alike. */
export interface Kind {
  readonly column: string;
  readonly reason: string;
  readonly records: number;
}

/** So many kinds are held: a reason may have something in it that makes each a kind of its own. */
const KINDS = 10_000;

/** Counts the dead letters of a place. */
export class Summary {
  records = 0;
  toReplay = 0;
  firstMs: number | undefined;
  lastMs: number | undefined;
  readonly #kinds = new Map<string, { column: string; reason: string; records: number }>();

  constructor(private readonly limit = KINDS) {}

  add(letter: DeadLetter, isToReplay: boolean): void {
    this.records += 1;
    if (isToReplay) this.toReplay += 1;
    this.firstMs = Math.min(this.firstMs ?? letter.atMs, letter.atMs);
    this.lastMs = Math.max(this.lastMs ?? letter.atMs, letter.atMs);
    const [column, reason] = [letter.column ?? "", kindOf(letter)];
    const key = JSON.stringify([column, reason]);
    const kind = this.#kinds.get(key);
    if (kind !== undefined) kind.records += 1;
    else if (this.#kinds.size < this.limit) this.#kinds.set(key, { column, reason, records: 1 });
  }

  /** The most frequent kinds, and as the last what is of others. */
  top(count: number): Kind[] {
    const kinds = [...this.#kinds.values()].sort((a, b) => b.records - a.records || (a.reason < b.reason ? -1 : 1));
    const top = kinds.slice(0, count);
    const others = this.records - top.reduce((sum, { records }) => sum + records, 0);
    return others === 0 ? top : [...top, { column: "", reason: "(other reasons)", records: others }];
  }
}
