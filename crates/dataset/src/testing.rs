//! A loopback server that misbehaves to order, and small releases to serve.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::digest;
use crate::download::Limits;

/// The URL of a file, on Windows too, where a path begins with a drive: `file:///C:/folder/file`.
pub(crate) fn file_url(path: &std::path::Path) -> String {
    let path = path.display().to_string().replace('\\', "/");
    format!("file://{}{path}", if path.starts_with('/') { "" } else { "/" })
}

/// What one connection is answered with, then closed.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// These bytes and no more, whatever they promise.
    Raw(Vec<u8>),
    /// These bytes, and then silence until the client leaves.
    Stall(Vec<u8>),
    /// These bytes, then one more every millisecond until the client leaves.
    Drip(Vec<u8>),
}

/// An HTTP server on loopback that answers its connections in order, the last reply for ever.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    address: std::net::SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&requests);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let request = read_request(&stream);
                if request.is_empty() {
                    return;
                }
                heard.lock().unwrap().push(request);
                // A client that has had enough closes early: no error of the server's.
                match &replies[number.min(replies.len() - 1)] {
                    Reply::Raw(bytes) => {
                        let _ = stream.write_all(bytes);
                    }
                    Reply::Stall(bytes) => {
                        let _ = stream.write_all(bytes);
                        hold_open(&stream, &stopped);
                    }
                    Reply::Drip(bytes) => {
                        let _ = stream.write_all(bytes);
                        while !stopped.load(Ordering::Relaxed) && stream.write_all(b"0").is_ok() {
                            thread::sleep(Duration::from_millis(1));
                        }
                    }
                }
            }
        });
        Self { url: format!("http://{address}/cifar-10-binary.tar.gz"), requests, address, stop, thread: Some(thread) }
    }

    /// The heads of all requests so far, lower-case.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A connection without a request ends the thread.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Says nothing until the client leaves, or the test is over.
fn hold_open(mut stream: &TcpStream, stopped: &AtomicBool) {
    let moment = Some(Duration::from_millis(5));
    stream.set_read_timeout(moment).unwrap();
    while !stopped.load(Ordering::Relaxed) {
        match stream.read(&mut [0]) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => return,
        }
    }
}

fn read_request(stream: &TcpStream) -> String {
    let mut head = String::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        head.push_str(&line.to_ascii_lowercase());
        head.push('\n');
    }
    head
}

/// A status line and headers, then a body that need not be as long as they say.
pub(crate) fn reply(status: &str, headers: &[&str], body: &[u8]) -> Reply {
    let mut bytes = format!("HTTP/1.1 {status}\r\nConnection: close\r\n").into_bytes();
    for header in headers {
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    Reply::Raw(bytes)
}

/// The whole body, as an honest server sends it.
pub(crate) fn whole(body: &[u8]) -> Reply {
    let length = format!("Content-Length: {}", body.len());
    reply("200 OK", &[&length, "ETag: \"one\""], body)
}

/// The head of the whole body, and only its first `sent` bytes.
pub(crate) fn cut(body: &[u8], sent: usize) -> Reply {
    let length = format!("Content-Length: {}", body.len());
    reply("200 OK", &[&length, "ETag: \"one\""], &body[..sent])
}

/// What follows the first `from` bytes, as an honest server answers a Range request.
pub(crate) fn rest(body: &[u8], from: usize) -> Reply {
    let length = format!("Content-Length: {}", body.len() - from);
    let range = format!("Content-Range: bytes {from}-{}/{}", body.len() - 1, body.len());
    reply("206 Partial Content", &[&length, &range], &body[from..])
}

/// Impatient: faults are to be met in milliseconds.
pub(crate) fn impatient() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        stall: Duration::from_secs(5),
        backoff: Duration::from_millis(1),
        retries: 2,
        window: Duration::from_secs(5),
        least: 0,
        longest: 8 << 20,
        proxy: false,
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    digest::finish(Sha256::new_with_prefix(bytes))
}
