//! Generates the Rust half of the FlatBuffers code of manifests.

use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = "25.12.19";
const SCHEMA: &str = "../schema/manifest.fbs";

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed={SCHEMA}");
    println!("cargo::rerun-if-env-changed=MILLRACE_FLATC");
    let out = std::env::var("OUT_DIR").map_err(|error| error.to_string())?;
    put_rocksdb_beside_tests(Path::new(&out)).map_err(|error| format!("librocksdb.so: {error}"))?;
    let flatc =
        flatc().ok_or_else(|| format!("flatc {VERSION} was not found: run `npm run setup`, which fetches it"))?;
    let status =
        Command::new(flatc).args(["--rust", "-o", &out, SCHEMA]).status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("flatc failed on {SCHEMA}")) }
}

fn flatc() -> Option<PathBuf> {
    let named = std::env::var_os("MILLRACE_FLATC").map(PathBuf::from);
    let cached = cache().map(|cache| cache.join(format!("flatc-{VERSION}")).join("flatc"));
    [named, cached, Some(PathBuf::from("flatc"))].into_iter().flatten().find(|flatc| is_right(flatc))
}

fn cache() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let home = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    variable("MILLRACE_CACHE").or_else(|| Some(home()?.join("millrace")))
}

fn is_right(flatc: &Path) -> bool {
    let version = Command::new(flatc).arg("--version").output();
    version.is_ok_and(|version| String::from_utf8_lossy(&version.stdout).contains(VERSION))
}

/// A RocksDB that is linked and not compiled in is looked for where cargo puts test programs' libraries.
fn put_rocksdb_beside_tests(out: &Path) -> std::io::Result<()> {
    println!("cargo::rerun-if-env-changed=ROCKSDB_LIB_DIR");
    let library = std::env::var_os("ROCKSDB_LIB_DIR").map(|folder| Path::new(&folder).join("librocksdb.so"));
    if let (Some(library), Some(profile)) = (library.filter(|library| library.exists()), out.ancestors().nth(3)) {
        std::fs::copy(library, profile.join("deps/librocksdb.so"))?;
    }
    Ok(())
}
