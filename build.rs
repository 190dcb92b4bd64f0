//! Links the function of a release without `.eh_frame`, a tenth of its package.
//!
//! That section tells an unwinder how to leave each function. `panic = "abort"` needs no unwinder,
//! but rustc writes the section even so, and the standard library comes with its own. What is lost
//! is the backtrace under `RUST_BACKTRACE`, which would name no function: symbols are stripped.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// Added to the linker's own script ("INSERT Command" and "Output Section Discarding" in the manual
/// of GNU ld). LLD knows both commands, too, but not every linker does.
const SCRIPT: &str = "SECTIONS { /DISCARD/ : { *(.eh_frame) } } INSERT AFTER .text;\n";

fn main() -> Result<(), Box<dyn Error>> {
    let target = env::var("TARGET")?.to_uppercase().replace('-', "_");
    let linker = format!("CARGO_TARGET_{target}_LINKER");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={linker}");
    // cargo-lambda links by Zig, whose linker is LLD, and its wrapper has this name.
    let is_by_zig = env::var(linker).is_ok_and(|linker| linker.contains("zigcc"));
    let is_for_linux = env::var("CARGO_CFG_TARGET_OS")? == "linux";
    if is_by_zig && is_for_linux && env::var("PROFILE")? == "release" {
        let script = PathBuf::from(env::var("OUT_DIR")?).join("without-eh-frame.ld");
        fs::write(&script, SCRIPT)?;
        println!("cargo::rustc-link-arg-bin=ecs-ipv6-targets=-T{}", script.display());
    }
    Ok(())
}
