import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Certificate {
  /** PKCS #8, as PEM. */
  key: string;
  /** Signs itself: it is also the authority that a client has to trust. As PEM. */
  certificate: string;
}

/** A certificate of a day for an IP address. */
export async function selfSigned(address: string): Promise<Certificate> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-certificate-"));
  const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", key, "-out", certificate];
  try {
    await run("openssl", [...request, "-subj", `/CN=${address}`, "-addext", `subjectAltName=IP:${address}`]);
    return { key: await readFile(key, "utf8"), certificate: await readFile(certificate, "utf8") };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
