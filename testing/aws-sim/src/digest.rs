//! Identifiers that look random and are the same in every run.

/// A 64-bit digest (FNV-1a) of `text`.
pub(crate) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// 32 hexadecimal digits made from `text`.
pub(crate) fn hex(text: &str) -> String {
    format!("{:016x}{:016x}", digest(text), digest(&format!("{text}'")))
}

/// A UUID made from `text`.
pub(crate) fn uuid(text: &str) -> String {
    let hex = hex(text);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
