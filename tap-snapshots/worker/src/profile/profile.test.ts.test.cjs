/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`worker/src/profile/profile.test.ts > TAP > the profile draws the steps with their figures, the slots, and the bottleneck > must match snapshot 1`] = `
job "revenue" · 2 slots · 128 key groups · at-least-once · commits every 1s
no checkpoints · state in memory: windows are rebuilt from the sources

kafka(bids)  [bids]  native
│   4,000,000 rows · 322,581 rows/s · 810.6 MB · 61 % of CPU · 3,500 ns a row
│   4 partitions · drift 1.5 s
└─ map  [map-1]  JavaScript
   │   4,000,000 → 4,000,000 rows · 322,581 rows/s · 26 % of CPU · 1,500 ns a row
   └─ window(tumbling 10s)  [totals]  native
      │   4,000,000 → 12,000 rows · 322,581 rows/s · 10 % of CPU · 600 ns a row
      │   exchange 24,000 rows, 1.1 MB · queue 0 %, at most 3 %
      └─ kafka(revenue)  [revenue]  native
             12,000 rows · 968 rows/s · 1.0 MB · 3 % of CPU · 50,000 ns a row
             queue 2 %, at most 12 % · full 2 % of the time
             latency p50 2 ms, p90 8 ms, p99 41 ms, at most 57 ms
             behind event time p50 1.8 s, p90 8 ms, p99 41 ms, at most 9.0 s

slot  busy  backpressured  idle  on CPU       rows  of the work
   0  95 %            2 %   3 %    93 %  4,018,100         51 %
   1  90 %            2 %   7 %    89 %  4,017,900         49 %

12.4 s · bottleneck: source \`bids\` (decodes JSON): 61 % of CPU, 3,500 ns a row, slots busy 93 % → raise parallelism (2 → up to 4), or read fewer columns
`
