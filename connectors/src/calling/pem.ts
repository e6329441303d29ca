import { readFileSync } from "node:fs";

/** Paths of PEM files. */
export interface PemPaths {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/**
 * What the files hold, by the names that Node's TLS has for it.
 *
 * @throws when one cannot be read
 */
export function readPem({ ca, certificate, key }: PemPaths): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(certificate === undefined ? {} : { cert: readFileSync(certificate) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
  };
}
