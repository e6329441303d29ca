// The addon: built in this clone, or out of the platform's package.
const { existsSync } = require("node:fs");
const { join } = require("node:path");

function triple() {
  const { platform, arch } = process;
  if (platform === "linux") {
    const { glibcVersionRuntime } = process.report.getReport().header;
    return `linux-${arch}-${glibcVersionRuntime ? "gnu" : "musl"}`;
  }
  return platform === "win32" ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

function load() {
  const name = triple();
  const built = join(__dirname, `millrace.${name}.node`);
  if (existsSync(built)) return require(built);
  try {
    return require(`@millrace/native-${name}`);
  } catch (cause) {
    const hint = "install @millrace/native with its optional dependencies, or run `npm run setup` in a clone";
    throw new Error(`Millrace has no native core for ${name} here: ${hint}`, { cause });
  }
}

module.exports = load();
