/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
"use strict";
exports[
  `test/e2e/cli.test.ts > TAP > explain draws the steps, what runs native, keys, windows and columns > must match snapshot 1`
] = `
job "trades" · 2 slots · 128 key groups · at-least-once · commits every 200ms
no checkpoints · state in memory: windows are rebuilt from the sources

kafka(trades)  [source-1]  native
│   reads 4 of 4 columns: account, price, venue, at
│   event time at, out of order by 1000 ms, idle timeout 2000 ms
├─ window(tumbling 5s)  [window-1]  native
│  │   key account
│  │   start = window start
│  │   end = window end
│  │   n = count()
│  │   total = sum(price)
│  │   low = min(price)
│  │   high = max(price)
│  │   mean = avg(price)
│  │   venues = countDistinct(venue)
│  │   opening = first(price)
│  │   closing = last(price)
│  │   each slot adds up what it reads, then an exchange by key group
│  └─ kafka(tumbling)  [sink-1]  native
└─ window(hopping 6s / 2s)  [window-2]  native
   │   key account
   │   start = window start
   │   end = window end
   │   n = count()
   │   total = sum(price)
   │   low = min(price)
   │   high = max(price)
   │   mean = avg(price)
   │   venues = countDistinct(venue)
   │   opening = first(price)
   │   closing = last(price)
   │   each slot adds up what it reads, then an exchange by key group
   └─ kafka(hopping)  [sink-2]  native

`;
