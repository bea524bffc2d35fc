//! TLS of the service: a certificate and its key from two PEM files, which may be renewed while it runs.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use playbook_files::read_regular;
use playbook_model::Digest;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::error::{Result, ServerError};
use crate::settings::TlsFiles;

/// The certificate in use.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
    /// Of both files, as they were read last.
    read: RwLock<Digest>,
}

impl Certificate {
    pub(crate) fn open(files: &TlsFiles) -> Result<Self> {
        let (read, bytes) = bytes(files)?;
        let config = RwLock::new(config(files, &bytes)?);
        Ok(Self { files: files.clone(), config, read: RwLock::new(read) })
    }

    /// For connections from now on.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&config))
    }

    /// Takes renewed files up as long as anybody uses this: connections that are open stay as they are.
    pub(crate) async fn watch(this: Weak<Self>, look: Duration) {
        loop {
            tokio::time::sleep(look).await;
            let Some(certificate) = this.upgrade() else { return };
            // A panic there leaves the certificate as it is.
            drop(tokio::task::spawn_blocking(move || certificate.look()).await);
        }
    }

    /// Reads the files where they changed. Whoever renews them may have written one of the two so far, so that what does not
    /// fit is told once and the one before goes on.
    fn look(&self) {
        let Ok((read, bytes)) = bytes(&self.files) else { return };
        let mut before = self.read.write().unwrap_or_else(PoisonError::into_inner);
        if *before == read {
            return;
        }
        *before = read;
        match config(&self.files, &bytes) {
            Ok(config) => {
                *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
                tracing::info!("a renewed certificate is in use");
            }
            Err(error) => tracing::error!(%error, "a changed certificate is not taken"),
        }
    }
}

/// What stands in both files, with a digest of it.
fn bytes(files: &TlsFiles) -> Result<(Digest, [Vec<u8>; 2])> {
    let bytes = [read_regular(&files.certificate)?, read_regular(&files.key)?];
    Ok((Digest::of_parts(bytes.iter().map(Vec::as_slice)), bytes))
}

/// A certificate and its key, held against each other.
fn config(files: &TlsFiles, [chain, key]: &[Vec<u8>; 2]) -> Result<Arc<ServerConfig>> {
    let chain = certificates(&files.certificate, chain)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| not_pem(&files.key, "private key"))?;
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
    Ok(Arc::new(config))
}

fn certificates(path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(not_pem(path, "certificate")),
    }
}

fn not_pem(path: &Path, expected: &'static str) -> ServerError {
    ServerError::NotPem { path: path.to_owned(), expected }
}
