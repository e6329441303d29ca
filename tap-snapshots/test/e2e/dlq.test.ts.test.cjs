/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`test/e2e/dlq.test.ts > TAP > dead letters in files are listed, shown and sent once, also as the lines of another file > list 1`] = `
job "JOB"

step  id  dead letters in  records  to replay  first  last
kafka(JOB-in)  source-1  files(DEAD)  4  4  TIME  TIME

id  records  column  reason
source-1  2  price  expected int32, found "…" (string)
source-1  1  a tombstone (no value)
source-1  1  broken JSON at byte N: expected a field name in quotes

`

exports[`test/e2e/dlq.test.ts > TAP > dead letters in files are listed, shown and sent once, also as the lines of another file > show 1`] = `
TIME  kafka(JOB-in)
  from  JOB-in, partition 1, offset 4
  time  2026-01-31 12:00:00Z
  column  none
  reason  a tombstone (no value)
  key  fifth
  value  none

TIME  kafka(JOB-in)
  from  JOB-in, partition 1, offset 3
  time  2026-01-31 12:00:00Z
  column  price
  reason  column "price": expected int32, found "4,5" (string)
  key  fourth
  value  {"id":4,"price":"4,5","city":"a"}

`

exports[`test/e2e/dlq.test.ts > TAP > list and show tell where dead letters are, how many, why, and what they hold > list 1`] = `
job "JOB"

step  id  dead letters in  records  to replay  first  last
kafka(JOB-in)  source-1  kafka(DEAD)  4  4  TIME  TIME

id  records  column  reason
source-1  2  price  expected int32, found "…" (string)
source-1  1  a tombstone (no value)
source-1  1  broken JSON at byte N: expected a field name in quotes

`

exports[`test/e2e/dlq.test.ts > TAP > list and show tell where dead letters are, how many, why, and what they hold > show 1`] = `
TIME  kafka(JOB-in)
  from  JOB-in, partition 1, offset 4
  time  2026-01-31 12:00:00Z
  column  none
  reason  a tombstone (no value)
  key  fifth
  value  none

TIME  kafka(JOB-in)
  from  JOB-in, partition 1, offset 3
  time  2026-01-31 12:00:00Z
  column  price
  reason  column "price": expected int32, found "4,5" (string)
  key  fourth
  value  {"id":4,"price":"4,5","city":"a"}

TIME  kafka(JOB-in)
  from  JOB-in, partition 1, offset 2
  time  2026-01-31 12:00:00Z
  column  none
  reason  broken JSON at byte 1: expected a field name in quotes
  key  third
  value  base64 e//+

TIME  kafka(JOB-in)
  from  JOB-in, partition 1, offset 1
  time  2026-01-31 12:00:00Z
  column  price
  reason  column "price": expected int32, found "2,5" (string)
  key  second
  value  {"id":2,"price":"2,5","city":"a"}

`
