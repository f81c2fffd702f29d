//! The download as a whole: one process at a time, retried, resumed, verified, renamed.

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use strata_files::{escape_truncated, hide_credentials, resolve_link, without_credentials};

use super::lock::Lock;
use super::partial::{PartMetadata, Partial};
use super::transfer::{Answer, Event, Failure, POLL, Transfer};
use super::{FetchProgress, Limits, Wanted, Watch, measure, open_verified};
use crate::DatasetError;

/// What to do with a file that was there already and is not the one wanted.
pub(crate) const REPLACE: &str = "it was left as it is: delete it to have it fetched again, or correct the checksum";
const REFETCH: &str = "the download was removed: run again, or correct the URL and the checksum";
/// What came may be gone on from.
const GO_ON: &str = "run again to go on where it stopped";
/// The server's word, which stays the same.
const CORRECT: &str = "correct the URL";
const CHECK: &str = "check the network and the URL, and run again";
const CHECK_AND_GO_ON: &str = "check the network and the URL, and run again to go on where it stopped";

const CREDENTIALS: &str =
    "name them in the URL, as in https://NAME:PASSWORD@HOST/, and check its query where it has one";
const PROXY: &str = "check the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names, and run again";
const CERTIFICATES: &str = "check SSL_CERT_FILE and SSL_CERT_DIR, or the system's certificates";

/// What one transfer came to.
enum Outcome {
    /// All bytes the server has are here.
    Complete,
    /// It broke for this reason; another try may do better.
    Again(String),
}

/// The verified file, downloaded to `wanted.target` unless it is there.
pub(crate) fn fetch(wanted: &Wanted<'_>, watch: &mut Watch<'_>) -> Result<File, DatasetError> {
    // Where a link says that the file shall be, it is downloaded: the link may lead to a disk with room for it.
    let target =
        &resolve_link(wanted.target).map_err(|error| DatasetError::io("follow the link", wanted.target, error))?;
    let wanted = &Wanted { target, ..wanted.clone() };
    // What is there is the file wanted or an error, and never replaced.
    if exists(target)? {
        return open_verified(target, wanted.sha256, wanted.limits.longest, REPLACE, watch);
    }
    let new_folder = target.parent().filter(|folder| !folder.exists());
    if let Some(folder) = new_folder {
        fs::create_dir_all(folder).map_err(|error| DatasetError::io("create", folder, error))?;
    }
    let fetched = fetch_alone(wanted, watch);
    if let (Err(_), Some(folder)) = (&fetched, new_folder) {
        // Only an empty folder can be removed so: one of a misspelt name, with nothing in it.
        let _ = fs::remove_dir(folder);
    }
    fetched
}

/// Whether something is at this path. A disk that does not answer is an error, no absence.
fn exists(path: &Path) -> Result<bool, DatasetError> {
    path.try_exists().map_err(|error| DatasetError::io("look for", path, error))
}

/// The same by the one process that holds the file's lock.
fn fetch_alone(wanted: &Wanted<'_>, watch: &mut Watch<'_>) -> Result<File, DatasetError> {
    let target = wanted.target;
    let _lock = Lock::hold(target, watch)?;
    if exists(target)? {
        // Whoever held the lock before has fetched it.
        return open_verified(target, wanted.sha256, wanted.limits.longest, REPLACE, watch);
    }
    download(wanted, watch)
}

fn download(wanted: &Wanted<'_>, watch: &mut Watch<'_>) -> Result<File, DatasetError> {
    let mut retries = 0;
    let mut begun_anew = false;
    loop {
        let mut partial = Partial::open(wanted.target, &without_credentials(wanted.url))?;
        let resumed = partial.have() > 0;
        let outcome = transfer(wanted, &mut partial, watch);
        if partial.have() == 0 && !matches!(outcome, Ok(Outcome::Complete)) {
            // Nothing came: leave no empty files about.
            partial.discard();
        }
        match outcome? {
            Outcome::Complete => {}
            Outcome::Again(problem) => {
                if retries == wanted.limits.retries {
                    return Err(failed(wanted, problem, if partial.have() > 0 { GO_ON } else { CHECK }));
                }
                tracing::info!(url = hide_credentials(wanted.url), problem, "the download is tried again");
                pause(wanted.limits.backoff * 2u32.saturating_pow(retries), watch)?;
                retries += 1;
                continue;
            }
        }
        let path = partial.path().to_owned();
        let (found, bytes) = measure(partial.file(), &path, watch)?;
        if found == wanted.sha256 {
            return partial.finish(wanted.target);
        }
        partial.discard();
        // Old bytes and new may not belong together; only a whole new transfer is the server's word.
        if resumed && !begun_anew {
            begun_anew = true;
            tracing::warn!(url = hide_credentials(wanted.url), "the resumed download is damaged, and begun anew");
            continue;
        }
        return Err(DatasetError::Checksum { path, bytes, found, expected: wanted.sha256.to_owned(), remedy: REFETCH });
    }
}

/// One request, and its bytes into the partial file.
fn transfer(wanted: &Wanted<'_>, partial: &mut Partial, watch: &mut Watch<'_>) -> Result<Outcome, DatasetError> {
    let have = partial.have();
    if have > 0 && partial.note().total == Some(have) {
        return Ok(Outcome::Complete);
    }
    let validator = partial.note().validator.clone();
    let transfer = match Transfer::start(wanted.url, have, validator.as_deref(), wanted.limits) {
        Ok(transfer) => transfer,
        Err(failure) => return broken(wanted, partial, failure),
    };
    let answer = match transfer.next(watch)? {
        Event::Answer(answer) => answer,
        Event::Failed(failure) => return broken(wanted, partial, failure),
        Event::Bytes(_) | Event::End => return Ok(Outcome::Again("no answer".to_owned())),
    };
    if let Some(outcome) = accept(wanted, partial, answer)? {
        return Ok(outcome);
    }
    let total = partial.note().total;
    let longest = total.unwrap_or(u64::MAX).min(wanted.limits.longest);
    watch.tell(FetchProgress::Started { total, resumed_from: partial.have() });
    let Limits { window, least, .. } = *wanted.limits;
    let (mut since, mut came) = (Instant::now(), 0);
    loop {
        match transfer.next(watch)? {
            Event::Bytes(bytes) if partial.have() + bytes.len() as u64 > longest => {
                let _ = partial.restart(PartMetadata::default());
                let problem = format!("the server sends more than the {longest} bytes expected");
                return Err(failed(wanted, problem, CORRECT));
            }
            Event::Bytes(bytes) => {
                partial.append(&bytes)?;
                watch.tell(FetchProgress::Advanced { bytes: bytes.len() as u64 });
                came += bytes.len() as u64;
                if since.elapsed() >= window {
                    if came < least {
                        let seconds = since.elapsed().as_secs_f64();
                        return Ok(Outcome::Again(format!(
                            "the server sends too slowly: {came} bytes in {seconds:.1} s"
                        )));
                    }
                    (since, came) = (Instant::now(), 0);
                }
            }
            Event::End => {
                let have = partial.have();
                return Ok(match total {
                    Some(total) if have < total => Outcome::Again(format!("only {have} of {total} bytes came")),
                    _ => Outcome::Complete,
                });
            }
            Event::Failed(failure) => return broken(wanted, partial, failure),
            Event::Answer(_) => {}
        }
    }
}

/// Makes the partial file ready for the body of this answer, unless the answer ends the transfer.
fn accept(wanted: &Wanted<'_>, partial: &mut Partial, answer: Answer) -> Result<Option<Outcome>, DatasetError> {
    let have = partial.have();
    let range = answer.range;
    match answer.status {
        200 => {
            if let Some(length) = answer.length.filter(|&length| length > wanted.limits.longest) {
                let longest = wanted.limits.longest;
                let problem = format!("the server offers {length} bytes, at most {longest} are expected");
                return Err(failed(wanted, problem, CORRECT));
            }
            // To a Range request too this is the whole file: another version, or no ranges there.
            let url = without_credentials(wanted.url);
            partial.restart(PartMetadata { url, validator: answer.validator, total: answer.length })?;
            Ok(None)
        }
        206 if have > 0 => {
            let total = range.and_then(|range| range.total);
            let known = partial.note().total;
            let same = total.is_none() || known.is_none() || total == known;
            if range.is_some_and(|range| range.first == Some(have)) && same {
                if known.is_none() && total.is_some() {
                    let note = partial.note().clone();
                    partial.annotate(PartMetadata { total, ..note })?;
                }
                return Ok(None);
            }
            partial.restart(PartMetadata::default())?;
            let problem = "the server sent another range than the one asked for".to_owned();
            Ok(Some(Outcome::Again(problem)))
        }
        416 if have > 0 => {
            if range.and_then(|range| range.total) == Some(have) {
                return Ok(Some(Outcome::Complete));
            }
            partial.restart(PartMetadata::default())?;
            let problem = "the server no longer has the rest of this file".to_owned();
            Ok(Some(Outcome::Again(problem)))
        }
        status @ (408 | 429 | 500..=599) => {
            Ok(Some(Outcome::Again(format!("the server answers with HTTP status {status}"))))
        }
        status @ (401 | 403) => {
            let problem = format!("the server answers with HTTP status {status}: it wants a user name and a password");
            Err(failed(wanted, problem, CREDENTIALS))
        }
        407 => Err(failed(wanted, "the proxy wants a user name and a password".to_owned(), PROXY)),
        status => Err(failed(wanted, format!("the server answers with HTTP status {status}"), CORRECT)),
    }
}

fn broken(wanted: &Wanted<'_>, partial: &Partial, failure: Failure) -> Result<Outcome, DatasetError> {
    match failure {
        Failure::Broken(problem) => Ok(Outcome::Again(problem)),
        Failure::Permanent(problem) => {
            Err(failed(wanted, problem, if partial.have() > 0 { CHECK_AND_GO_ON } else { CHECK }))
        }
        Failure::Answer(problem) => Err(failed(wanted, problem, CORRECT)),
        Failure::Proxy(problem) => Err(failed(wanted, problem, PROXY)),
        Failure::Certificates(problem) => Err(failed(wanted, problem, CERTIFICATES)),
        Failure::Url(problem) => {
            let problem = hide_credentials(&escape_truncated(&problem));
            Err(DatasetError::Url { url: hide_credentials(wanted.url), problem })
        }
    }
}

fn failed(wanted: &Wanted<'_>, problem: String, remedy: &'static str) -> DatasetError {
    // A server's words may be in it, and the URL.
    let problem = hide_credentials(&escape_truncated(&problem));
    DatasetError::Download { url: hide_credentials(wanted.url), problem, remedy, target: wanted.target.to_owned() }
}

fn pause(length: Duration, watch: &Watch<'_>) -> Result<(), DatasetError> {
    let end = Instant::now() + length;
    loop {
        watch.check()?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(POLL));
    }
}
