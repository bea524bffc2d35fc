//! TLS as the host has it: rustls with ring, and the system's certificates or those of a file.

use std::path::Path;
use std::sync::Arc;

use playbook_model::{Connection, Tls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::{Result, SourcesError};

/// Certificates that a server's must come from.
pub(crate) fn roots(connection: &Connection, tls: &Tls) -> Result<Vec<CertificateDer<'static>>> {
    match tls {
        Tls::Off => Ok(Vec::new()),
        Tls::Only(file) => of_file(connection, file),
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

fn of_file(connection: &Connection, file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let fault = || unusable(connection, format!("`{}`", file.display()));
    let bytes = playbook_files::read_regular(file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| fault()(error.into()))?;
    if found.is_empty() {
        return Err(fault()("it holds no certificate in PEM form".into()));
    }
    Ok(found)
}

fn unusable(
    connection: &Connection,
    from: String,
) -> impl FnOnce(crate::error::Cause) -> SourcesError {
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
#[cfg(any(feature = "mysql", feature = "object-store"))]
pub(crate) fn provide() {
    // Whoever was first has set the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
