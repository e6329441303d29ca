/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`test/e2e/savepoints.test.ts > TAP > list and inspect show what is stored, and a name that is taken fails while the job goes on > inspect 1`] = `
savepoint "before-upgrade", of checkpoint N
  created  TIME
  size  SIZE in N files
  key groups  128
  backend  rocksdb
  slots  2

state of window(tumbling 5s) (id "window-1"), emitted until TIME
  window 5000 ms
  key account: string
  count(): int64
  sum(price): int64
  min(price): int64
  max(price): int64
  avg(price): UInt64, float64
  countDistinct(venue): list of string
  first(price): int64, int64, bool
  last(price): int64, int64, bool

state of window(hopping 6s / 2s) (id "window-2"), emitted until TIME
  window 6000 ms every 2000 ms
  key account: string
  count(): int64
  sum(price): int64
  min(price): int64
  max(price): int64
  avg(price): UInt64, float64
  countDistinct(venue): list of string
  first(price): int64, int64, bool
  last(price): int64, int64, bool

source  id  resource  partition  offset  watermark
kafka(JOB-in)  source-1  JOB-in  0  OFFSET  TIME
kafka(JOB-in)  source-1  JOB-in  1  OFFSET  TIME
kafka(JOB-in)  source-1  JOB-in  2  OFFSET  TIME

`

exports[`test/e2e/savepoints.test.ts > TAP > list and inspect show what is stored, and a name that is taken fails while the job goes on > list 1`] = `
job "JOB" in STORAGE

savepoint  checkpoint  created  size
before-upgrade  N  TIME  SIZE

checkpoint  created  size  new
  N  TIME  SIZE  SIZE
  N  TIME  SIZE  SIZE

`
