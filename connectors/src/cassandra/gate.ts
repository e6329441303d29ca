/** Lets so many through at once; the others wait in their order. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(readonly width: number) {
    this.#free = width;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Whoever waits takes over the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/**
 * Does the work for each item, several at a time, and takes out of the list what is done. After a failure nothing more is begun,
 * and what is on its way is waited for.
 *
 * @throws the first failure
 */
export async function drain<T>(items: T[], gate: Gate, work: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  const next = async () => {
    while (failures.length === 0) {
      const item = items.pop();
      if (item === undefined) return;
      try {
        await gate.run(() => work(item));
      } catch (error) {
        items.push(item);
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(gate.width, items.length) }, next));
  if (failures.length > 0) throw failures[0];
}
