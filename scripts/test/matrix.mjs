const POINT = /^ {4}(not )?ok \d+ - (\S+ (?:source|sink)), ([^:]+): (.*)$/;

/** Which end of which connector has passed which check of the conformance suite. */
export class Matrix {
  /** Marks by the names of ends and checks. */
  #ends = new Map();
  #checks = new Set();

  /** Looks at the lines that a counter of tests is given. */
  watch(counter) {
    return { ...counter, line: (text) => this.#see(text) ?? counter.line(text) };
  }

  #see(text) {
    const [, failed, end, check, rest] = POINT.exec(text) ?? [];
    if (end === undefined) return undefined;
    const marks = this.#ends.get(end) ?? new Map();
    marks.set(check, /# (SKIP|TODO)/i.test(rest) ? "–" : failed ? "✘" : "✓");
    this.#ends.set(end, marks);
    this.#checks.add(check);
    return undefined;
  }

  /** ✓ is passed, ✘ failed, – what the connector cannot be asked. */
  text() {
    const checks = [...this.#checks];
    const width = Math.max(0, ...[...this.#ends.keys()].map((end) => end.length));
    const line = (name, cells) => [name.padEnd(width), ...cells].join("  ").trimEnd();
    const centred = (mark, check) => mark.padStart(Math.ceil((check.length + 1) / 2)).padEnd(check.length);
    return [
      line("", checks),
      ...[...this.#ends].map(([end, marks]) =>
        line(
          end,
          checks.map((check) => centred(marks.get(check) ?? "–", check)),
        ),
      ),
    ].join("\n");
  }
}
