// Parquet to S3, in folders, of which a slot has more than files that it may write at a time; read by hyparquet.
import { type Duration, files, parquet } from "millrace";
import type { Connector } from "../conformance/connector.js";
import { life } from "../conformance/life.js";
import type { Row } from "../conformance/rows.js";
import { parquetRows } from "../harness/lake.js";
import { S3Server } from "../harness/s3.js";

const connector: Connector = {
  name: "parquet",
  sink: {
    guarantee: "exactly-once",
    to: ({ env }) =>
      files({
        directory: env("OUTPUT"),
        format: parquet({ rowGroupRows: 700 }),
        partitionBy: (row) => ({ bucket: row.id.mod(4) }),
        openFiles: 3,
        rollInterval: env("ROLL", "1s") as Duration,
      }),
  },
  async start() {
    const server = await S3Server.start();
    const bucket = `${server.url}/${server.bucket}`;
    const place = (name: string, folder: string) => `s3://${name}/${folder}?endpoint=${server.url}`;
    let places = 0;
    return {
      ...life(server),
      async openSink() {
        const folder = `parquet-${places++}`;
        const keys = async () => {
          const listed = await (await fetch(`${bucket}?list-type=2&prefix=${folder}/`)).text();
          return [...listed.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key]) => String(key));
        };
        return {
          env: { ...S3Server.credentials, OUTPUT: place(server.bucket, folder) },
          wrong: [
            {
              what: "no such place",
              env: { OUTPUT: place("nowhere", folder) },
              says: /nowhere.*NoSuchBucket: The specified bucket does not exist\./,
            },
          ],
          async rows() {
            const visible = (await keys()).filter((key) => !key.includes("/_staged/"));
            const read = visible.map(async (key) => {
              const path = key.split("/").map(encodeURIComponent).join("/");
              const rows = await parquetRows(Buffer.from(await (await fetch(`${bucket}/${path}`)).arrayBuffer()));
              return rows.map((row) => rowIn(row, key));
            });
            return (await Promise.all(read)).flat();
          },
          arrived: async () => (await keys()).length,
        };
      },
    };
  },
};
export default connector;

/** A row, which has to be in the folder of its values. */
function rowIn(row: Record<string, unknown>, key: string): Row {
  const id = Number(row.id);
  if (!key.includes(`/bucket=${id % 4}/part-`)) throw new Error(`row ${id} is in ${key}`);
  return { id, key: String(row.key), text: String(row.text) };
}
