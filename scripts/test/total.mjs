/** What came out of several suites. */
export class Total {
  #passed = 0;
  #failed = 0;
  #failures = [];

  add({ name, passed, failed, failures }) {
    this.#passed += passed;
    this.#failed += failed;
    if (failed > 0) this.#failures.push(`✘ ${name}\n${failures}`);
  }

  /** Says once more, and together, what failed, as the outputs of suites are long; the sum is the last line. */
  print() {
    const texts = [...this.#failures, `${this.#passed} passed, ${this.#failed} failed`];
    process.stdout.write(texts.map((text) => `\n${text}\n`).join(""));
    process.exitCode = this.#failed > 0 || this.#passed === 0 ? 1 : 0;
  }
}
