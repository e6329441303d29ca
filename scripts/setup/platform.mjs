/** The name of this platform's native package: "linux-x64-gnu". */
export function platformTriple() {
  const { platform, arch } = process;
  if (platform === "linux") {
    const { glibcVersionRuntime } = process.report.getReport().header;
    return `linux-${arch}-${glibcVersionRuntime ? "gnu" : "musl"}`;
  }
  return platform === "win32" ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}
