// Avro in Kafka, by a schema registry; records are made and read by avsc.
import avsc from "avsc";
import { avro } from "millrace";
import { Columns, type Settings } from "../conformance/connector.js";
import type { Row } from "../conformance/rows.js";
import { freePorts } from "../harness/ports.js";
import { SchemaRegistryServer } from "../harness/schema-registry.js";
import { type Codec, topics } from "./topics.js";

const SCHEMA = {
  type: "record",
  name: "Row",
  fields: [
    { name: "text", type: "string" },
    { name: "unread", type: ["null", "int"] },
    { name: "id", type: "long" },
    { name: "key", type: "string" },
  ],
};

const registry = ({ env }: Settings) => ({ url: env("REGISTRY") });

async function codec(): Promise<Codec> {
  const server = await SchemaRegistryServer.start();
  const [nobody] = await freePorts(1);
  const REGISTRY = `http://127.0.0.1:${nobody}`;
  const types = new Map<number, Promise<avsc.Type>>();
  const typeOf = async (id: number): Promise<avsc.Type> => {
    const { schema } = (await (await fetch(`${server.url}/schemas/ids/${id}`)).json()) as { schema: string };
    return avsc.Type.forSchema(JSON.parse(schema), { wrapUnions: false });
  };
  return {
    env: { REGISTRY: server.url },
    async encoder(topic) {
      const answer = await fetch(`${server.url}/subjects/${topic}-value/versions`, {
        method: "POST",
        body: JSON.stringify({ schema: JSON.stringify(SCHEMA) }),
        headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
      });
      const { id } = (await answer.json()) as { id: number };
      const header = Buffer.alloc(5);
      header.writeUInt32BE(id, 1);
      const type = avsc.Type.forSchema(SCHEMA as avsc.Schema, { wrapUnions: false });
      return (row) => Buffer.concat([header, type.toBuffer({ ...row, unread: null })]);
    },
    async decode(value) {
      const id = value.readUInt32BE(1);
      const type = types.get(id) ?? typeOf(id);
      types.set(id, type);
      return { ...((await type).fromBuffer(value.subarray(5)) as Row) };
    },
    bad: { value: "{}", says: "expected a byte 0 .*: it was not written with a schema registry" },
    wrong: {
      source: [],
      sink: [
        {
          what: "nobody at the registry's address",
          env: { REGISTRY },
          says: new RegExp(`schema registry ${REGISTRY} does not answer`),
        },
      ],
    },
    stop: () => server.stop(),
  };
}

export default topics(
  "avro",
  {
    read: (at) => avro({ registry: registry(at) }, Columns),
    write: (at) => avro({ registry: registry(at), name: "com.example.Row" }),
  },
  codec,
);
