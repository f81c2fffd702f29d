//! One HTTP request in a thread of its own, so that its reader can stop at any moment.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::{Limits, Watch, certificates};
use crate::DatasetError;

/// Bytes read at a time, and how many pieces wait to be written.
const PIECE: usize = 1 << 16;
const WAITING: usize = 16;
/// How often a waiting reader asks whether it is still wanted.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// What comes of a request: one answer, then bytes, then an end.
#[derive(Debug)]
pub(crate) enum Event {
    Answer(Answer),
    Bytes(Vec<u8>),
    End,
    Failed(Failure),
}

/// The answer's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) length: Option<u64>,
    pub(crate) range: Option<ContentRange>,
    pub(crate) validator: Option<String>,
}

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Worth another try: the connection was there and broke.
    Broken(String),
    /// Not worth one: no such host, no route, no trust.
    Permanent(String),
    /// Nor this: the server's answer leads nowhere.
    Answer(String),
    /// The proxy does not let it through, or is none.
    Proxy(String),
    /// There are no certificates to know a server by.
    Certificates(String),
    /// The URL itself is wrong.
    Url(String),
}

/// `Content-Range: bytes first-last/total`, or `bytes */total` after a range that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) first: Option<u64>,
    pub(crate) total: Option<u64>,
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
        let first = match range.trim() {
            "*" => None,
            range => Some(range.split_once('-')?.0.trim().parse().ok()?),
        };
        let total = match total.trim() {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        Some(Self { first, total })
    }
}

/// A request under way. Dropping it abandons the request: its thread ends with the next bytes, or
/// when the server has stalled for too long.
#[derive(Debug)]
pub(crate) struct Transfer {
    events: Receiver<Event>,
}

impl Transfer {
    /// Asks for the file, or for what follows its first `from` bytes if it still is what
    /// `validator` names.
    pub(crate) fn start(url: &str, from: u64, validator: Option<&str>, limits: &Limits) -> Result<Self, Failure> {
        let roots = match certificates::roots() {
            Ok(roots) => roots,
            Err(problem) if url.to_ascii_lowercase().starts_with("https:") => {
                return Err(Failure::Certificates(problem));
            }
            // None are needed, and should the server lead on to https, none are trusted.
            Err(_) => ureq::tls::RootCerts::new_with_certs(&[]),
        };
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(10)
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_send_request(Some(limits.stall))
            .timeout_recv_response(Some(limits.stall))
            .timeout_per_read(Some(limits.stall))
            .tls_config(ureq::tls::TlsConfig::builder().root_certs(roots).build())
            .user_agent(concat!("strata/", env!("CARGO_PKG_VERSION")));
        if !limits.proxy {
            config = config.proxy(None);
        }
        let mut request = config.build().new_agent().get(url);
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
            if let Some(validator) = validator {
                request = request.header("If-Range", validator);
            }
        }
        let (sender, events) = sync_channel(WAITING);
        let started = thread::Builder::new().name("download".to_owned()).spawn(move || {
            if let Err(failure) = run(request, &sender) {
                // A reader that has gone needs no reason.
                let _ = sender.send(Event::Failed(failure));
            }
        });
        started.map_err(|error| Failure::Permanent(format!("no thread to download in: {error}")))?;
        Ok(Self { events })
    }

    /// The next event, as soon as there is one.
    pub(crate) fn next(&self, watch: &Watch<'_>) -> Result<Event, DatasetError> {
        loop {
            watch.check()?;
            match self.events.recv_timeout(POLL) {
                Ok(event) => return Ok(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let problem = "the transfer's thread ended early".to_owned();
                    return Ok(Event::Failed(Failure::Broken(problem)));
                }
            }
        }
    }
}

fn run(request: ureq::RequestBuilder<ureq::typestate::WithoutBody>, sender: &SyncSender<Event>) -> Result<(), Failure> {
    let response = request.call().map_err(failure)?;
    let header = |name| response.headers().get(name)?.to_str().ok();
    // A weak tag may name another version whose bytes differ, so it cannot vouch for a range.
    let tag = header("etag").filter(|tag| !tag.starts_with("W/"));
    let answer = Answer {
        status: response.status().as_u16(),
        length: header("content-length").and_then(|text| text.trim().parse().ok()),
        range: header("content-range").and_then(ContentRange::parse),
        validator: tag.or_else(|| header("last-modified")).map(str::to_owned),
    };
    if sender.send(Event::Answer(answer)).is_err() {
        return Ok(());
    }
    let mut body = response.into_body().into_reader();
    loop {
        let mut piece = vec![0; PIECE];
        let read = match body.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::Broken(format!("the transfer broke off: {error}"))),
        };
        piece.truncate(read);
        if sender.send(Event::Bytes(piece)).is_err() {
            return Ok(());
        }
    }
    // The reader may have gone; then nobody wants to know.
    let _ = sender.send(Event::End);
    Ok(())
}

fn failure(error: ureq::Error) -> Failure {
    use std::io::ErrorKind;
    match &error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => Failure::Url(error.to_string()),
        ureq::Error::HostNotFound => {
            Failure::Permanent("no such host, or no network (the name does not resolve)".to_owned())
        }
        ureq::Error::TooManyRedirects => Failure::Answer(error.to_string()),
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => {
            Failure::Proxy(format!("no connection: {error}"))
        }
        ureq::Error::ConnectionFailed
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            Failure::Permanent(format!("no connection: {error}"))
        }
        // What breaks a connection that was there; all else (a name that does not resolve has no
        // kind of its own) kept it from being made.
        ureq::Error::Io(io)
            if !matches!(
                io.kind(),
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
                    | ErrorKind::TimedOut
            ) =>
        {
            Failure::Permanent(format!("no connection: {error}"))
        }
        _ => Failure::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without a network the user is told at once; a connection that broke is worth another try.
    #[test]
    fn cut_connections_are_retried_and_refused_ones_are_not() {
        use std::io::{Error, ErrorKind};
        let lookup = Error::other("failed to lookup address information");
        assert!(matches!(failure(ureq::Error::Io(lookup)), Failure::Permanent(_)));
        let refused = Error::from(ErrorKind::ConnectionRefused);
        assert!(matches!(failure(ureq::Error::Io(refused)), Failure::Permanent(_)));
        let refused = ureq::Error::ConnectProxyFailed("403".to_owned());
        assert!(matches!(failure(refused), Failure::Proxy(_)));
        let cut = Error::from(ErrorKind::UnexpectedEof);
        assert!(matches!(failure(ureq::Error::Io(cut)), Failure::Broken(_)));
    }

    #[test]
    fn content_range_headers_are_parsed_or_ignored() {
        let range = |first, total| Some(ContentRange { first, total });
        // Each row: the header, and what it says.
        let rows = [
            ("bytes 5-9/10", range(Some(5), Some(10))),
            ("bytes 5-9/*", range(Some(5), None)),
            ("bytes */10", range(None, Some(10))),
            ("bytes 5-9", None),
            ("items 5-9/10", None),
            ("bytes x-9/10", None),
            ("bytes 5-9/99999999999999999999", None),
        ];
        for (text, expected) in rows {
            assert_eq!(ContentRange::parse(text), expected, "{text}");
        }
    }
}
