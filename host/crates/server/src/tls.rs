//! TLS of the service: a certificate and its key from two PEM files.

use std::path::Path;
use std::sync::Arc;

use playbook_files::read_regular;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::error::{Result, ServerError};
use crate::settings::TlsFiles;

/// Reads certificate and key; they are held against each other.
pub(crate) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read_regular(&files.key)?)
        .map_err(|_| not_pem(&files.key, "private key"))?;
    let refused = |source| ServerError::Certificate {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(refused)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = read_regular(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(not_pem(path, "certificate")),
    }
}

fn not_pem(path: &Path, expected: &'static str) -> ServerError {
    ServerError::NotPem { path: path.to_owned(), expected }
}
