import { KafkaBroker } from "./kafka.js";

interface Teardown {
  teardown(end: () => Promise<void> | void): void;
}

/**
 * The broker that the tests share: the one whose address the runner gave, or, for a test that runs alone, one of its
 * own that ends with it.
 */
export async function sharedBrokers(t: Teardown): Promise<string> {
  const given = process.env.MILLRACE_TEST_BROKERS;
  if (given !== undefined) return given;
  const broker = await KafkaBroker.start();
  t.teardown(() => broker.stop());
  return broker.brokers;
}
