//! The certificates that a server is known by: `SSL_CERT_FILE`'s and `SSL_CERT_DIR`'s, else the system's, else Mozilla's.

use std::fmt::Write as _;

use rustls_native_certs::{CertificateResult, load_native_certs};
use ureq::tls::{Certificate, RootCerts};

/// The certificates to trust.
///
/// # Errors
/// In words, where the environment names certificates and some of them cannot be read: whoever names them wants no others.
pub(super) fn roots() -> Result<RootCerts, String> {
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter(|name| std::env::var_os(name).is_some());
    let named: Vec<_> = named.collect();
    choose(&named, load_native_certs())
}

fn choose(named: &[&str], loaded: CertificateResult) -> Result<RootCerts, String> {
    let CertificateResult { certs, errors, .. } = loaded;
    if let (false, Some(error)) = (named.is_empty(), errors.first()) {
        return Err(format!("the certificates that {} names: {error}", named.join(" or ")));
    }
    if certs.is_empty() {
        if !named.is_empty() {
            return Err(format!("there are no certificates where {} says", named.join(" or ")));
        }
        let reasons = errors.iter().fold(String::new(), |mut text, error| {
            // Writing to a string cannot fail.
            let _ = write!(text, " {error};");
            text
        });
        tracing::info!(reasons, "the system has no certificates, so Mozilla's are used");
        return Ok(RootCerts::WebPki);
    }
    let certificates: Vec<_> = certs.iter().map(|der| Certificate::from_der(der.as_ref()).to_owned()).collect();
    Ok(certificates.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_come_from_the_environment_then_the_system_then_mozilla() {
        let read = |path: &str| rustls_native_certs::load_certs_from_paths(Some(path.as_ref()), None);
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        let empty = || read(empty.to_str().unwrap());
        let error = choose(&["SSL_CERT_FILE"], read("no-such.pem")).unwrap_err();
        assert!(error.contains("SSL_CERT_FILE") && error.contains("no-such.pem"), "{error}");
        let error = choose(&["SSL_CERT_FILE"], empty()).unwrap_err();
        assert_eq!(error, "there are no certificates where SSL_CERT_FILE says");
        assert!(matches!(choose(&[], empty()), Ok(RootCerts::WebPki)));
        // "AQID" is bytes 1, 2, 3: whether they are a certificate is asked when one is needed.
        let one = folder.path().join("one.pem");
        std::fs::write(&one, "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n").unwrap();
        match choose(&[], read(one.to_str().unwrap())) {
            Ok(RootCerts::Specific(certificates)) => assert_eq!(certificates[0].der(), [1, 2, 3]),
            other => panic!("{other:?}"),
        }
    }
}
