//! A client that does nothing but send bytes and read answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Open connections.
pub struct Raw(Vec<Connection>);

struct Connection(BufReader<TcpStream>);

impl Raw {
    /// So many to a server on loopback.
    pub fn connect(server: SocketAddr, count: usize) -> Self {
        Self((0..count).map(|_| Connection::to(server)).collect())
    }

    /// Sends requests, each over a connection of its own, and reads their answers, which must be
    /// successes.
    pub fn send(&mut self, requests: &[Vec<u8>]) {
        assert!(requests.len() <= self.0.len());
        for (connection, request) in self.0.iter_mut().zip(requests) {
            connection.0.get_mut().write_all(request).expect("the server reads");
        }
        self.0.iter_mut().zip(requests).for_each(|(connection, _)| connection.read());
    }
}

impl Connection {
    fn to(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).expect("the server listens");
        stream.set_nodelay(true).expect("it is TCP");
        Self(BufReader::new(stream))
    }

    fn read(&mut self) {
        let (mut status, mut length) = (String::new(), 0);
        self.0.read_line(&mut status).expect("the server answers");
        assert!(status.starts_with("HTTP/1.1 200"), "{status}");
        loop {
            let mut header = String::new();
            self.0.read_line(&mut header).expect("the server answers");
            match header.trim_end().split_once(':') {
                None => break,
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().expect("it is a length");
                }
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the server answers");
    }
}
