//! A free port. Talks to the operating system.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use super::credentials::random_bytes;

/// Below the ports that Linux (from 32768) and macOS (from 49152) give to outgoing connections: while the API server is stopped,
/// nobody's connection happens to sit on its port, not even one that tries to reach it.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Far more than it takes on a machine that works.
const ATTEMPTS: usize = 100;

/// A port of the loopback address that nobody listens on; random, so that two who ask at once get different ones.
pub(super) fn free() -> io::Result<u16> {
    let mut attempts = (0..ATTEMPTS).map(|_| FIRST + u16::from_ne_bytes(random_bytes()) % COUNT);
    let nothing_free = || io::Error::new(io::ErrorKind::AddrInUse, format!("no free port from {FIRST} to {}", FIRST + COUNT - 1));
    attempts.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).ok_or_else(nothing_free)
}

#[cfg(test)]
mod tests;
