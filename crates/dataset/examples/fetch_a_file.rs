//! A file of any address, downloaded once, verified, and found in its place from then on. The server here is a thread of this program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use sha2::{Digest, Sha256};
use strata_dataset::download::Download;

const BYTES: &[u8] = b"what shall be fetched";

/// Answers one request and no further one.
fn serve_once(listener: &TcpListener) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    let request = BufReader::new(stream.try_clone()?);
    for line in request.lines() {
        if line?.is_empty() {
            break;
        }
    }
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", BYTES.len())?;
    stream.write_all(BYTES)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/file.bin", listener.local_addr()?);
    let server = std::thread::spawn(move || serve_once(&listener));

    let folder = tempfile::tempdir()?;
    let sha256: String = Sha256::digest(BYTES).iter().map(|byte| format!("{byte:02x}")).collect();
    let target = folder.path().join("cache/file.bin");
    let download = Download { url: &url, sha256: &sha256, target: &target, longest: 1 << 20, may_download: true };
    for _ in 0..2 {
        // The second time it is there: nobody serves it any more.
        let (path, mut file) = download.fetch(&|| false, &mut |event| println!("{event:?}"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        assert_eq!(bytes, BYTES);
        println!("{} bytes, verified, at {}", bytes.len(), path.display());
    }
    server.join().map_err(|_| "the server panicked")??;

    // Bytes that are not the ones wanted are an error that names both checksums, and the file stays as it is.
    let wrong = Download { sha256: &"0".repeat(64), ..download };
    let refused = wrong.fetch(&|| false, &mut |_| {}).err().map(|error| error.to_string()).unwrap_or_default();
    println!("{refused}");
    assert!(refused.contains(&sha256) && target.exists());
    Ok(())
}
