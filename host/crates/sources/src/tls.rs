//! TLS as the host has it: rustls with ring, and the system's certificates or those of a file.

#![cfg_attr(
    not(any(feature = "postgres", feature = "mysql", feature = "object-store")),
    allow(dead_code, reason = "a build without them has no connections, and webhooks need less")
)]

use std::path::Path;
use std::sync::Arc;

use playbook_model::{Connection, Tls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::error::Cause;
use crate::{Result, SourcesError};

/// Certificates that a server's must come from.
pub(crate) fn roots(connection: &Connection, tls: &Tls) -> Result<Vec<CertificateDer<'static>>> {
    match tls {
        Tls::Off => Ok(Vec::new()),
        Tls::Only(file) => {
            let from = format!("`{}`", file.display());
            certificates(file).map_err(|cause| unusable(connection, from)(cause))
        }
        Tls::System => {
            let found = rustls_native_certs::load_native_certs();
            match (found.certs.is_empty(), found.errors.into_iter().next()) {
                (true, Some(error)) => {
                    Err(unusable(connection, "the system".to_owned())(error.into()))
                }
                // One that cannot be read is one that no server's can come from.
                _ => Ok(found.certs.into_iter().filter(is_readable).collect()),
            }
        }
    }
}

fn is_readable(certificate: &CertificateDer<'static>) -> bool {
    rustls::RootCertStore::empty().add(certificate.clone()).is_ok()
}

/// The certificates of a PEM file.
pub(crate) fn certificates(
    file: &Path,
) -> std::result::Result<Vec<CertificateDer<'static>>, Cause> {
    let bytes = playbook_files::read_regular(file)?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Err("it holds no certificate in PEM form".into());
    }
    Ok(found)
}

fn unusable(connection: &Connection, from: String) -> impl FnOnce(Cause) -> SourcesError {
    let connection = connection.name.clone();
    move |source| SourcesError::Certificates { connection, from, source }
}

/// What a client needs to speak TLS.
#[cfg(feature = "postgres")]
pub(crate) fn client_config(connection: &Connection, tls: &Tls) -> Result<rustls::ClientConfig> {
    let mut store = rustls::RootCertStore::empty();
    store.add_parsable_certificates(roots(connection, tls)?);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(connection, "the system".to_owned())(error.into()))?;
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}

/// Makes ring the one provider of cryptography, for libraries that ask the process for it.
#[cfg(any(feature = "mysql", feature = "object-store", feature = "webhooks"))]
pub(crate) fn provide() {
    // Whoever was first has set the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
