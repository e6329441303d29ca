import cassandra from "cassandra-driver";
import t from "tap";
import { isForgotten, isRefusal, mayPass, told, unreachable } from "./errors.js";
import type { Settings } from "./settings.js";

const { errors, types } = cassandra;
const { responseErrorCodes } = types;
const response = (code: number, message = "said") => new errors.ResponseError(code, message);
const unanswered = (error: Error) => new errors.NoHostAvailableError({ "10.0.0.1:9042": error });

t.test("what nodes say of themselves may pass, what they say of a statement does not", async (t) => {
  const { overloaded, unavailableException, isBootstrapping, readTimeout, writeTimeout } = responseErrorCodes;
  for (const code of [overloaded, unavailableException, isBootstrapping, readTimeout, writeTimeout])
    t.ok(mayPass(told("cassandra(k.t)", response(code))));
  t.ok(mayPass(unanswered(new Error("ECONNREFUSED"))));
  t.ok(mayPass(new errors.OperationTimedOutError("no answer")));
  t.ok(mayPass(Object.assign(new Error("ECONNRESET"), { isSocketError: true })));
  const { invalid, unauthorized, syntaxError, configError } = responseErrorCodes;
  for (const code of [invalid, unauthorized, syntaxError, configError])
    t.notOk(mayPass(told("cassandra(k.t)", response(code))));
  t.notOk(mayPass(new Error("a defect")));
  t.ok(isRefusal(response(invalid)));
  t.notOk(isRefusal(response(unavailableException)));
  t.ok(isForgotten(unanswered(response(responseErrorCodes.unprepared))));
  t.notOk(isForgotten(unanswered(new Error("ECONNREFUSED"))));
});

t.test("of nodes that are not even asked, it is told why there is no connection to them", async (t) => {
  const refused = new errors.AuthenticationError("Bad credentials");
  const unasked = new errors.NoHostAvailableError({});
  t.equal(told("cassandra(k.t)", unasked, refused).message, "cassandra(k.t): no node is up: Bad credentials");
  t.match(
    told("cassandra(k.t)", unanswered(new Error("ECONNRESET")), refused).message,
    /: no node answers: .*ECONNRESET/,
  );
});

t.test("why there is no connection is told with what to do", async (t) => {
  const settings = { contactPoints: ["10.0.0.1"], auth: { username: "me", password: "secret" } } as unknown as Settings;
  const refused = unreachable(settings, unanswered(new errors.AuthenticationError("Bad credentials")));
  t.match(refused.message, /10\.0\.0\.1 refuses the login of "me": .*Bad credentials\. Correct auth\./);
  const closed = unreachable(settings, unanswered(new Error("connect ECONNREFUSED")));
  t.match(
    closed.message,
    /no connection to 10\.0\.0\.1: no node answers: 10\.0\.0\.1:9042: connect ECONNREFUSED\. Check/,
  );
  const elsewhere = new Error("localDataCenter was configured as 'dc9', but only found hosts in data centers: [dc1]");
  t.match(
    unreachable(settings, unanswered(elsewhere)).message,
    /configured as 'dc9', .* data centers: \[dc1\]\. Set localDataCenter to one of them\./,
  );
});
