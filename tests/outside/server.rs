//! An HTTP server on loopback that can be told to misbehave.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How one request is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// As it should be: 206 with what is missing to a Range request, 200 with everything otherwise.
    Right,
    /// The head and the first half of what is asked for, then the connection is cut.
    Half,
    /// 200 with everything, whatever is asked for.
    Whole,
    /// 500.
    Fault,
    /// 200 and more bytes than promised for, without an end to them in the head.
    TooMuch,
}

/// Serves one file; `requests` notes the first byte that each request asked for.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<u64>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers the n-th request as `answers` says, the last one for ever; then, with `deaf_after`, nobody listens any more.
    pub(crate) fn start(bytes: Vec<u8>, answers: &'static [Answer], deaf_after: Option<usize>) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap(), bytes, answers, deaf_after)
    }

    /// At an address where a server was before.
    pub(crate) fn start_at(address: &str, bytes: Vec<u8>, answers: &'static [Answer]) -> Self {
        Self::listen(TcpListener::bind(address).unwrap(), bytes, answers, None)
    }

    fn listen(listener: TcpListener, bytes: Vec<u8>, answers: &'static [Answer], deaf_after: Option<usize>) -> Self {
        let url = format!("http://{}/release.tar.gz", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted_heads = Arc::clone(&heads);
        std::thread::spawn(move || {
            for number in 0.. {
                if deaf_after == Some(number) {
                    return;
                }
                let Ok((stream, _)) = listener.accept() else { return };
                let answer = answers[number.min(answers.len() - 1)];
                // A client that goes away is part of the tests.
                let _ = serve(stream, &bytes, answer, &noted, &noted_heads);
            }
        });
        Self { url, requests, heads }
    }

    /// The lines of all requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The first byte of each request so far.
    pub(crate) fn requests(&self) -> Vec<u64> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    bytes: &[u8],
    answer: Answer,
    noted: &Mutex<Vec<u64>>,
    heads: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut first = 0;
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        heads.lock().unwrap().push(line.clone());
        let line = line.to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            first = range.trim_end_matches('-').parse().unwrap();
        }
    }
    noted.lock().unwrap().push(first);
    let all = bytes.len();
    let from = if matches!(answer, Answer::Whole | Answer::TooMuch) { 0 } else { first as usize };
    let head = match answer {
        Answer::Fault => "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n".to_owned(),
        Answer::TooMuch => "HTTP/1.1 200 OK\r\n".to_owned(),
        _ if from > 0 => format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{all}\r\nContent-Length: {}\r\n",
            all - 1,
            all - from
        ),
        _ => format!("HTTP/1.1 200 OK\r\nContent-Length: {all}\r\n"),
    };
    write!(stream, "{head}ETag: \"one\"\r\nAccept-Ranges: bytes\r\nConnection: close\r\n\r\n")?;
    match answer {
        Answer::Fault => {}
        Answer::Half => stream.write_all(&bytes[from..from + (all - from) / 2])?,
        Answer::TooMuch => {
            stream.write_all(bytes)?;
            stream.write_all(&[0; 1000])?;
        }
        Answer::Right | Answer::Whole => stream.write_all(&bytes[from..])?,
    }
    stream.flush()?;
    stream.shutdown(Shutdown::Both)
}
