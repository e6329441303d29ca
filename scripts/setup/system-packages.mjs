import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { probe, run, SetupError } from "./command.mjs";
import { Progress } from "./progress.mjs";

const onPath = (name) => process.env.PATH.split(delimiter).some((folder) => existsSync(join(folder, name)));
const library = (name) => () => probe("pkg-config", ["--exists", name]) !== undefined;

/** As bindgen looks for it; libclang-cpp is another library. */
const libclang = () =>
  process.env.LIBCLANG_PATH !== undefined ||
  probe("sh", ["-c", "ls /usr/lib/llvm-*/lib/libclang.so* /usr/lib/*/libclang-[0-9]*.so* | grep ."]) !== undefined;

/** What steps may need of the system: its Debian package, and how to see that it is there. */
const SYSTEM = {
  "g++": { debian: "g++", found: () => onPath("g++") },
  make: { debian: "make", found: () => onPath("make") },
  "pkg-config": { debian: "pkg-config", found: () => onPath("pkg-config") },
  "OpenSSL headers": { debian: "libssl-dev", found: library("openssl") },
  "zlib headers": { debian: "zlib1g-dev", found: library("zlib") },
  libclang: { debian: "libclang-dev", found: libclang },
  python3: { debian: "python3", found: () => onPath("python3") },
  pip: { debian: "python3-pip", found: () => probe("python3", ["-m", "pip", "--version"]) !== undefined },
  java: { debian: "default-jre-headless", found: () => onPath("java") },
  "clickhouse-server": { debian: "clickhouse-server", found: () => onPath("clickhouse-server") },
  mvn: { debian: "maven", found: () => onPath("mvn") },
};

/** Installs those of the named things that are missing, or, where that is not possible, says which. */
export async function ensureSystem(names) {
  const missing = [...new Set(names)].filter((name) => !SYSTEM[name].found());
  if (missing.length === 0) return;
  const packages = missing.map((name) => SYSTEM[name].debian);
  const install = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (!onPath("apt-get")) {
    throw new SetupError(
      `Missing: ${missing.join(", ")}. Install them with your system's package manager, then try again.`,
    );
  }
  if (process.getuid() !== 0)
    throw new SetupError(`Missing: ${missing.join(", ")}. Run \`sudo ${install}\`, then try again.`);
  const progress = new Progress(`System packages: ${packages.join(", ")}`, "about a minute");
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  try {
    await run("apt-get", ["update"], { env });
    await run("apt-get", install.split(" ").slice(1), { env });
    progress.end(true);
  } catch (error) {
    progress.end(false);
    throw error;
  }
}
