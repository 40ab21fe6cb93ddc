//! What is dropped.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use eunomia_bpf::map::UpdateFlags;
use eunomia_bpf::{LoadedObject, Result};

use crate::bpf::{DestinationPort, Prefix4, Prefix6, maps};

/// Protocols whose headers begin with two ports, by name and number.
const PROTOCOLS: [(&str, u16); 5] = [
    ("tcp", 6),
    ("udp", 17),
    ("dccp", 33),
    ("sctp", 132),
    ("udplite", 136),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Packets from these addresses.
    Prefix(Prefix),
    /// Packets to this port.
    Port(PortOfProtocol),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    address: IpAddr,
    /// In bits.
    length: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortOfProtocol {
    number: u16,
    protocol: u16,
}

impl Rule {
    /// Has the BPF program drop what the rule says, and count it under `index`.
    pub(crate) fn add_to(&self, object: &LoadedObject, index: u32) -> Result<()> {
        let added = match *self {
            Self::Prefix(Prefix { address, length }) => match address {
                IpAddr::V4(address) => {
                    let address = address.octets();
                    let key = Prefix4 { length, address };
                    object
                        .map(maps::BLOCKED4)?
                        .update(&key, &index, UpdateFlags::ANY)
                }
                IpAddr::V6(address) => {
                    let address = address.octets();
                    let key = Prefix6 { length, address };
                    object
                        .map(maps::BLOCKED6)?
                        .update(&key, &index, UpdateFlags::ANY)
                }
            },
            Self::Port(PortOfProtocol { number, protocol }) => {
                let key = DestinationPort { protocol, number };
                object
                    .map(maps::BLOCKED_PORTS)?
                    .update(&key, &index, UpdateFlags::ANY)
            }
        };
        added.map_err(|error| error.context(format_args!("block {self}")))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(Prefix { address, length }) => write!(f, "from {address}/{length}"),
            Self::Port(PortOfProtocol { number, protocol }) => {
                let name = PROTOCOLS.iter().find(|(_, known)| known == protocol);
                write!(f, "to {number}/{}", name.map_or("?", |(name, _)| name))
            }
        }
    }
}

/// `10.0.0.0/8`, `2001:db8::/32`, or an address alone. Bits behind the prefix are set to 0.
impl FromStr for Prefix {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| "a prefix is an IPv4 or IPv6 address, alone or with /BITS behind")?;
        let (bits, bits_max) = match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let length = match length {
            Some(length) => length.parse().ok().filter(|length| *length <= bits_max),
            None => Some(bits_max),
        };
        let length = length.ok_or("a prefix has at most 32 bits (IPv4) or 128 (IPv6)")?;
        let kept = bits & u128::MAX.checked_shl(128 - length).unwrap_or(0);
        let address = match address {
            IpAddr::V4(_) => IpAddr::V4(((kept >> 96) as u32).into()),
            IpAddr::V6(_) => IpAddr::V6(kept.into()),
        };
        Ok(Self { address, length })
    }
}

/// `80/tcp`.
impl FromStr for PortOfProtocol {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, name) = text
            .split_once('/')
            .ok_or("a port has its protocol behind: 80/tcp")?;
        let number = number
            .parse()
            .map_err(|_| "a port is a number up to 65535")?;
        let (_, protocol) = PROTOCOLS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .ok_or("a protocol with ports is tcp, udp, sctp, dccp or udplite")?;
        Ok(Self {
            number,
            protocol: *protocol,
        })
    }
}
