import { MongoServerError } from "mongodb";
import t from "tap";
import { failure, isOfRow, isRace, mayPass } from "./errors.js";

const server = (code: number, message: string, codeName?: string) =>
  new MongoServerError({ code, message, ...(codeName === undefined ? {} : { codeName }) });

t.test("an error tells what has failed, why, and what to do", async (t) => {
  t.equal(
    failure("writing", server(13, "not authorized on shop", "Unauthorized")).message,
    "writing: not authorized on shop (13 Unauthorized). Give the user a role for the database, such as " + "readWrite.",
  );
  const lost = failure("reading changes", server(286, "resume point lost", "ChangeStreamHistoryLost"));
  t.match(lost.message, /without its checkpoint \(--fresh\), with start: "snapshot"/);
  t.notOk(mayPass(lost));
});

t.test("what a server says of itself may pass, what it says of the call does not", async (t) => {
  const passes = (error: unknown) => mayPass(failure("writing", error));
  t.ok([91, 189, 10107, 11600, 64, 43].every((code) => passes(server(code, "for now"))));
  t.notOk([13, 18, 61, 2, 121, 40573].some((code) => passes(server(code, "no"))));
  const network = Object.assign(new Error("closed"), { name: "MongoNetworkError" });
  t.ok(passes(network));
  t.ok(passes(Object.assign(new Error("read ECONNRESET"), { name: "MongoBulkWriteError" })));
  const labelled = Object.assign(server(1, "not yet"), {});
  labelled.addErrorLabel("RetryableWriteError");
  t.ok(passes(labelled));
  t.notOk(passes(new TypeError("a defect")));
});

t.test("who is not let in may be, once a file has another password", async (t) => {
  t.notOk(mayPass(failure("writing", server(18, "Authentication failed."))));
  t.ok(mayPass(failure("writing", server(18, "Authentication failed."), true)));
});

t.test("a row is at fault where others are taken", async (t) => {
  t.ok([11000, 121, 2, 10334].every((code) => isOfRow({ code })));
  t.notOk([13, 61, 91, 112].some((code) => isOfRow({ code })));
});

t.test("a duplicate of an _id is a race, that of another index is not", async (t) => {
  const is = (message: string) => isRace({ code: 11000, message });
  t.ok(is("E11000 duplicate key error collection: shop.orders index: _id_ dup key: { _id: 1 }"));
  t.ok(is("E11000 duplicate key error index: shop.orders.$_id_ dup key: { : 1 }"));
  t.notOk(is("E11000 duplicate key error collection: shop.orders index: customer_id_1 dup key: { customer_id: 1 }"));
  t.notOk(is("E11000 duplicate key error collection: shop.orders index: customer_id_ dup key: { customer_id: 1 }"));
});
