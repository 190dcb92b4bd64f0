//! How addresses are spelled.

use std::net::Ipv6Addr;

/// All eight groups with all their digits.
pub(crate) fn spelled_out(address: Ipv6Addr) -> String {
    address.segments().map(|group| format!("{group:04x}")).join(":")
}
