//! A TLS server with a self-signed certificate.

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::{
    HandshakeKind, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
};

/// It listens until the test ends.
pub struct TlsServer {
    port: u16,
    /// The certificate as PEM.
    certificate: tempfile::NamedTempFile,
    /// Whether each handshake resumed a session, by connection.
    resumed: Arc<Mutex<Vec<bool>>>,
}

impl TlsServer {
    /// Starts a server for `localhost`. `change` adjusts the certificate; `answer` makes the bytes of an answer from a path.
    pub fn start(change: impl FnOnce(&mut CertificateParams), answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let (configuration, certificate) = self_signed(change);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let answer = Arc::new(answer);
        let resumed = Arc::new(Mutex::new(Vec::new()));
        let handshakes = Arc::clone(&resumed);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (configuration, answer, handshakes) = (Arc::clone(&configuration), Arc::clone(&answer), Arc::clone(&handshakes));
                // A client may open connections that it does not use
                std::thread::spawn(move || {
                    let mut stream = StreamOwned::new(ServerConnection::new(configuration).expect("a connection"), stream);
                    let mut request = [0; 4096];
                    // A client that does not trust the certificate hangs up, and one that needs no answer
                    let Ok(count @ 1..) = stream.read(&mut request) else { return };
                    handshakes.lock().expect("the log").push(stream.conn.handshake_kind() == Some(HandshakeKind::Resumed));
                    let head = String::from_utf8_lossy(&request[..count]).into_owned();
                    let _ = stream.write_all(&answer(head.split(' ').nth(1).unwrap_or_default()));
                    let _ = stream.flush();
                });
            }
        });
        Self { port, certificate, resumed }
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// Whether each handshake until now resumed a session.
    pub fn resumed(&self) -> Vec<bool> {
        self.resumed.lock().expect("the log").clone()
    }

    /// The file of its certificate, for `--cacert`.
    pub fn certificate(&self) -> &str {
        Path::to_str(self.certificate.path()).expect("UTF-8")
    }
}

/// The configuration of a server for `localhost` with a self-signed certificate, and the certificate as PEM. `change` adjusts it.
pub fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> (Arc<ServerConfig>, tempfile::NamedTempFile) {
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut parameters);
    let key = KeyPair::generate().expect("a key");
    let signed = parameters.self_signed(&key).expect("a certificate");
    let mut certificate = tempfile::NamedTempFile::new().expect("a file");
    certificate.write_all(signed.pem().as_bytes()).expect("written");
    let chain = vec![CertificateDer::from(signed.der().to_vec())];
    let configuration = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).expect("a key"))
        .expect("a configuration");
    let configuration = Arc::new(configuration);
    (configuration, certificate)
}
