import { StateError } from "millrace";
import t from "tap";
import { fromSavepoint } from "./start.js";

t.test("a savepoint's name is that of a folder, and no path", async (t) => {
  t.equal(fromSavepoint("before-2.1_a"), "savepoint:before-2.1_a");
  for (const name of ["", ".", "..", "../other", "a/b", "a b", "-x", "é"]) {
    t.throws(() => fromSavepoint(name), StateError, JSON.stringify(name));
  }
  const message = 'savepoint "a/b": a name begins with a letter or digit and has letters, digits, ".", "_" and "-"';
  t.throws(() => fromSavepoint("a/b"), new StateError(message));
});
