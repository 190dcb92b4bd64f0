//! Address ranges as CIDR text has them.

use std::net::IpAddr;

/// The address range of a VPC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cidr {
    address: IpAddr,
    length: u32,
}

impl Cidr {
    /// Reads CIDR text such as `2001:db8::/32`. Panics on anything else: it comes from a test's own
    /// source.
    pub(crate) fn parse(text: &str) -> Self {
        let parsed = text.split_once('/').and_then(|(address, length)| {
            Some(Self { address: address.parse().ok()?, length: length.parse().ok()? })
        });
        parsed
            .filter(|cidr| cidr.length <= width(cidr.address))
            .unwrap_or_else(|| panic!("`{text}` is not a CIDR such as 2001:db8::/32"))
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv6() == address.is_ipv6()
            && (0..self.length).all(|n| bit(self.address, n) == bit(address, n))
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv6() { 128 } else { 32 }
}

/// The `n`th bit from the left.
fn bit(address: IpAddr, n: u32) -> bool {
    match address {
        IpAddr::V4(v4) => u32::from(v4) >> (31 - n) & 1 == 1,
        IpAddr::V6(v6) => u128::from(v6) >> (127 - n) & 1 == 1,
    }
}
