//! A network of a test's own.
#![allow(unsafe_code)]

/// Move the calling thread into a new network namespace, which vanishes with the thread.
pub(crate) fn enter_new() {
    // SAFETY: only the network namespace of this thread changes, which Rust's memory model knows
    // nothing of.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNET) }
        .expect("make a network namespace: this needs root");
}

/// Send a packet past the network stack's protocols, for which the kernel looks where its headers
/// end: `ETH_P_ALL`, an Ethernet header, and an IPv4 header with a UDP header behind it.
pub(crate) fn send_raw_packet() {
    const ETH_P_IP: u16 = 0x0800;
    let mut packet = [0_u8; 60];
    packet[12..14].copy_from_slice(&ETH_P_IP.to_be_bytes());
    // Version 4, 5 words; 46 bytes in all; 64 hops, UDP; from and to 127.0.0.1.
    packet[14] = 0x45;
    packet[17] = 46;
    packet[22..24].copy_from_slice(&[64, 17]);
    packet[26..34].copy_from_slice(&[127, 0, 0, 1, 127, 0, 0, 1]);
    let protocol = i32::from(ETH_P_IP.to_be());
    // SAFETY: takes numbers.
    let socket = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, protocol) };
    assert!(socket >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: all of its bytes may be 0.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = ETH_P_IP.to_be();
    // SAFETY: the name ends with a NUL.
    address.sll_ifindex = unsafe { libc::if_nametoindex(c"lo".as_ptr()) } as i32;
    // SAFETY: both pointers lead to as many bytes as is said beside them.
    let sent = unsafe {
        libc::sendto(
            socket,
            packet.as_ptr().cast(),
            packet.len(),
            0,
            (&raw const address).cast(),
            size_of_val(&address) as u32,
        )
    };
    assert_eq!(sent, 60, "{}", std::io::Error::last_os_error());
    // SAFETY: opened above, and not used any more.
    unsafe { libc::close(socket) };
}
