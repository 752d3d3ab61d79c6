//! Holds the connections of the form: so many at once, each for a while, protected by TLS or only on this machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::site::Site;
use super::{Answers, FormOptions, Limits};

/// Longest head of a request.
const LONGEST_HEAD: usize = 16 * 1024;

/// How connections are protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS with the certificate and key of these files.
    Files {
        /// PEM: the certificate and those between it and an authority.
        certificate: PathBuf,
        /// PEM.
        key: PathBuf,
    },
    /// None: only this machine can reach it.
    Loopback,
    /// None here: a proxy in front does it.
    BehindProxy,
}

/// Why the form is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotServed {
    /// The address cannot be had.
    #[error("the form cannot listen: {0}")]
    Listen(String),
    /// Anybody could listen in.
    #[error("{0} can be reached from elsewhere, so the form needs a certificate there, or a proxy in front of it")]
    Unprotected(SocketAddr),
    /// The files of certificate and key.
    #[error("{}: {error}", file.display())]
    Certificate {
        /// Which.
        file: PathBuf,
        /// What is amiss.
        error: String,
    },
}

/// A form that people can reach. Dropping it ends it.
pub struct FormServer {
    /// Where it listens.
    pub address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl FormServer {
    /// Listens.
    ///
    /// # Errors
    /// Why not.
    pub async fn start(options: FormOptions, answers: Arc<dyn Answers>) -> Result<Self, NotServed> {
        let acceptor = match &options.protection {
            Protection::Files { certificate, key } => Some(acceptor(certificate, key).await?),
            Protection::Loopback if !options.listen.ip().is_loopback() => {
                return Err(NotServed::Unprotected(options.listen));
            }
            Protection::Loopback | Protection::BehindProxy => None,
        };
        let failed = |error: std::io::Error| NotServed::Listen(format!("{}: {error}", options.listen));
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let site = Arc::new(Site::new(&options, answers)?);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Visits { site, acceptor, limits: options.limits }));
        Ok(Self { address, _accepting: accepting })
    }
}

async fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, NotServed> {
    let (chain_file, key_file) = (certificate.to_owned(), key.to_owned());
    let read = move || {
        let wrong = |file: &Path, error: &dyn std::fmt::Display| NotServed::Certificate {
            file: file.to_owned(),
            error: error.to_string(),
        };
        let chain = CertificateDer::pem_file_iter(&chain_file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(|error| wrong(&chain_file, &error))?;
        let key = PrivateKeyDer::from_pem_file(&key_file).map_err(|error| wrong(&key_file, &error))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&chain_file, &error))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| wrong(&chain_file, &error))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|error| NotServed::Listen(error.to_string()))?
}

#[derive(Clone)]
struct Visits {
    site: Arc<Site>,
    acceptor: Option<TlsAcceptor>,
    limits: Limits,
}

/// Takes connections as long as there is room; others wait outside.
async fn accept(listener: TcpListener, visits: Visits) {
    let room = Arc::new(Semaphore::new(visits.limits.connections));
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        let Ok(seat) = Arc::clone(&room).acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many files are open, or the visitor has gone: it is worth another look, not a busy one.
                tracing::debug!(%error, "no connection taken");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let visits = visits.clone();
        open.spawn(async move {
            // However it ends, there is nobody to be told.
            drop(timeout(visits.limits.whole, visits.receive(stream, peer)).await);
            drop(seat);
        });
    }
}

impl Visits {
    async fn receive(self, stream: TcpStream, peer: SocketAddr) {
        match &self.acceptor {
            None => self.serve(stream, peer).await,
            Some(acceptor) => {
                if let Ok(Ok(stream)) = timeout(self.limits.patience, acceptor.accept(stream)).await {
                    self.serve(stream, peer).await;
                }
            }
        }
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin, peer: SocketAddr) {
        let answer = service_fn(|request| async {
            Ok::<_, std::convert::Infallible>(self.site.answer(peer.ip(), request).await)
        });
        let mut connection = http1::Builder::new();
        connection
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.patience)
            .max_buf_size(LONGEST_HEAD)
            .max_headers(64)
            .keep_alive(false);
        if let Err(error) = connection.serve_connection(TokioIo::new(stream), answer).await {
            tracing::debug!(%error, "a connection of the form broke");
        }
    }
}
