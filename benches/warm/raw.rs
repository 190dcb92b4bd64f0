//! A client that does nothing but send bytes and read answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// An open connection.
pub struct Raw(BufReader<TcpStream>);

impl Raw {
    /// To a server on loopback.
    pub fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).expect("the server listens");
        stream.set_nodelay(true).expect("it is TCP");
        Self(BufReader::new(stream))
    }

    /// Sends a request and reads its answer, which must be a success.
    pub fn send(&mut self, request: &[u8]) {
        self.0.get_mut().write_all(request).expect("the server reads");
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
