fn main() {
    napi_build::setup();
    // A RocksDB that is linked and not compiled in lies beside the addon.
    if std::env::var_os("CARGO_CFG_TARGET_OS").is_some_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-rpath,$ORIGIN");
    }
}
