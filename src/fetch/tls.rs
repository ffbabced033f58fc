//! TLS with rustls, ring, Mozilla's root certificates and those of `--cacert`.

use std::{path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};

use crate::error::Error;

/// A configuration that verifies certificates and prefers HTTP/2 to HTTP/1.1.
pub(super) fn configuration(cacert: Option<&Path>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let own = cacert.map(|file| add_roots(&mut roots, file)).transpose()?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::internal("TLS cannot be configured").with_source(e))?;
    let mut configuration = match own {
        None => builder.with_root_certificates(roots).with_no_client_auth(),
        Some(own) => {
            let verifier = OwnCertificates::new(roots, own, provider)?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
    };
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(configuration)
}

/// webpki's verification, which also accepts a server that presents a certificate of `--cacert` itself.
///
/// `openssl req -x509` marks self-signed certificates as those of a certificate authority, and webpki refuses such a certificate for a
/// server. The holder of its key can sign any other certificate anyway, so accepting it trusts nobody new. Name, dates and the handshake's
/// signature are still verified.
#[derive(Debug)]
struct OwnCertificates {
    webpki: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
}

impl OwnCertificates {
    fn new(roots: RootCertStore, own: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Ok(Self { webpki: webpki.map_err(|e| Error::internal("TLS cannot be configured").with_source(e))?, own })
    }
}

impl ServerCertVerifier for OwnCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(error) if is_ca(&error) && self.own.iter().any(|own| own == end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// Whether webpki refused the certificate because it belongs to an authority. webpki checks the dates first, so they are valid.
fn is_ca(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(error))) = error else { return false };
    matches!(error.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// Adds the certificates of a PEM file to `roots`, and returns them.
fn add_roots(roots: &mut RootCertStore, file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bad = |what: &str| Error::usage(format!("--cacert {}: {what}", file.display()), "give a PEM file with CERTIFICATE sections");
    let mut added = Vec::new();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| bad("cannot be read").with_source(e))? {
        let certificate = certificate.map_err(|e| bad("is not PEM").with_source(e))?;
        roots.add(certificate.clone()).map_err(|e| bad("holds an unusable certificate").with_source(e))?;
        added.push(certificate);
    }
    if added.is_empty() { Err(bad("holds no certificate")) } else { Ok(added) }
}
