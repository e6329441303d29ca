/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`sdk/src/stream/stream.test.ts > TAP > a deduplication reads its keys, keeps what follows needs, and says how long it keeps a key > must match snapshot 1`] = `
job "once" · 2 slots · 128 key groups · at-least-once · commits every 1s
no checkpoints · state in memory: a restart forgets which keys were seen

kafka(bids)  [source-1]  native
│   reads 3 of 4 columns: auction, price, note
└─ deduplicate(auction, digit)  [deduplicate-1]  native
   │   key auction, digit = price % 10
   │   keeps each key 1h after its last row
   │   an exchange by key group
   └─ select  [select-1]  native
      │   note = note
      └─ stdout  [sink-1]  native
`

exports[`sdk/src/stream/stream.test.ts > TAP > a join reads what it needs of its rows, and all of what is broadcast > must match snapshot 1`] = `
job "joined" · 2 slots · 128 key groups · at-least-once · commits every 1s
no checkpoints · state in memory: what is broadcast is read again from its beginning

kafka(rates)  [source-1]  native
│   reads 3 of 3 columns: price, rate, unread
└─ leftJoin(kafka(rates))  [join-1]  native
   │   where price = table price
   │   auction = auction
   │   rate = coalesce(table rate, 1)
   │   every slot has the last row of each price of kafka(rates)
   └─ select  [select-1]  native
      │   auction = auction
      │   rate = rate
      └─ stdout  [sink-1]  native

kafka(bids)  [source-2]  native
│   reads 2 of 4 columns: auction, price
└─ ↑ leftJoin(kafka(rates))  [join-1]
`

exports[`sdk/src/stream/stream.test.ts > TAP > explain draws branches, keys, windows, and what runs in JavaScript > must match snapshot 1`] = `
job "branches" · a slot for each core · 128 key groups · at-least-once · commits every 1s
no checkpoints · state in memory: windows are rebuilt from the sources

kafka(bids)  [source-1]  native
│   reads 4 of 4 columns: auction, price, note, at
│   event time at, out of order by 1000 ms, idle timeout 5000 ms, then by the clock
├─ map  [map-1]  JavaScript
│  │   gives id
│  └─ stdout  [sink-1]  native
└─ window(hopping 1m / 10s)  [by-bucket]  native
   │   key bucket = auction % 10
   │   end = window end
   │   share = sum(price) / count()
   │   mean = avg(price)
   │   top = max(price)
   │   each slot adds up what it reads, then an exchange by key group
   └─ files(out)  [sink-2]  native
`

exports[`sdk/src/stream/stream.test.ts > TAP > explain draws what a job promises: guarantee, checkpoints, where state is > must match snapshot 1`] = `
job "in memory" · a slot for each core · 128 key groups · at-least-once · commits every 1s
no checkpoints · state in memory: windows are rebuilt from the sources

kafka(bids)  [source-1]  native
│   reads 2 of 4 columns: auction, at
│   event time at, out of order by 0 ms, idle timeout none
└─ window(tumbling 1s)  [counts]  native
   │   key auction
   │   n = count()
   │   each slot adds up what it reads, then an exchange by key group
   └─ stdout  [sink-1]  native
`

exports[`sdk/src/stream/stream.test.ts > TAP > explain draws what a job promises: guarantee, checkpoints, where state is > must match snapshot 2`] = `
job "with checkpoints" · a slot for each core · 128 key groups · at-least-once
checkpoints every 90s to s3://state/millrace · state in memory (fs)

kafka(bids)  [source-1]  native
│   reads 2 of 4 columns: auction, at
│   event time at, out of order by 0 ms, idle timeout none
└─ window(tumbling 1s)  [counts]  native
   │   key auction
   │   n = count()
   │   each slot adds up what it reads, then an exchange by key group
   └─ stdout  [sink-1]  native
`

exports[`sdk/src/stream/stream.test.ts > TAP > explain draws what a job promises: guarantee, checkpoints, where state is > must match snapshot 3`] = `
job "exactly once" · a slot for each core · 128 key groups · exactly-once
checkpoints every 10s to s3://state/millrace · state in RocksDB, at most 400MB of it in memory

kafka(bids)  [source-1]  native
│   reads 2 of 4 columns: auction, at
│   event time at, out of order by 0 ms, idle timeout none
└─ window(tumbling 1s)  [counts]  native
   │   key auction
   │   n = count()
   │   each slot adds up what it reads, then an exchange by key group
   └─ kafka(counts)  [sink-1]  native
`
