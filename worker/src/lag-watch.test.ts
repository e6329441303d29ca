import t from "tap";
import { type Lag, LagWatch } from "./lag-watch.js";

/** A lag that is told when the test says so. */
class Told implements Lag {
  looks = 0;
  closed = false;
  #tell: (lag: number | undefined) => void = () => {};

  look(): Promise<number | undefined> {
    this.looks++;
    return new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  tell(lag: number | undefined): void {
    this.#tell(lag);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

t.test("the lag is absent before the first look, then as last looked at", async (t) => {
  const lag = new Told();
  const watch = new LagWatch(lag);
  t.teardown(() => watch.close());
  t.equal(watch.known, undefined);
  for (const told of [1234, undefined, 0]) {
    const look = watch.look();
    lag.tell(told);
    await look;
    t.equal(watch.known, told);
  }
});

t.test("looks never overlap", async (t) => {
  const lag = new Told();
  const watch = new LagWatch(lag);
  t.teardown(() => watch.close());
  const looks = [watch.look(), watch.look()];
  t.equal(lag.looks, 1);
  lag.tell(5);
  await Promise.all(looks);
  t.equal(lag.looks, 1);
});

t.test("it looks once more only where the look before had an answer", async (t) => {
  const lag = new Told();
  const watch = new LagWatch(lag);
  t.teardown(() => watch.close());
  await watch.lookOnceMore();
  t.equal(lag.looks, 0);

  const first = watch.look();
  lag.tell(5);
  await first;
  const last = watch.lookOnceMore();
  await Promise.resolve();
  t.equal(lag.looks, 2);
  lag.tell(0);
  await last;
  t.equal(watch.known, 0);
});

t.test("the client is closed after the look that is under way", async (t) => {
  const lag = new Told();
  const watch = new LagWatch(lag);
  watch.look();
  const closed = watch.close();
  t.notOk(lag.closed);
  lag.tell(5);
  await closed;
  t.ok(lag.closed);
});
