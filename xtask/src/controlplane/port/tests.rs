use std::net::{Ipv4Addr, TcpListener};

use super::{COUNT, FIRST, free};

#[test]
fn a_free_port_can_be_listened_on_and_is_none_of_an_outgoing_connection() {
    let port = free().unwrap();
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    assert!((FIRST..FIRST + COUNT).contains(&port) && port < 32_768, "{port}");
}
