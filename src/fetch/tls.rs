//! TLS by rustls with ring and Mozilla's root certificates, and the caller's own beside them.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::error::{Error, ErrorKind};

/// A configuration that checks certificates and offers HTTP/2 before HTTP/1.1.
pub(super) fn configuration(cacert: Option<&Path>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = cacert {
        add_roots(&mut roots, file)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::internal("TLS cannot be set up").because(e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(configuration)
}

fn add_roots(roots: &mut RootCertStore, file: &Path) -> Result<(), Error> {
    let bad = |what: &str| {
        Error::new(ErrorKind::Usage, format!("--cacert {}: {what}", file.display())).hint("give a PEM file with CERTIFICATE sections")
    };
    let mut added = 0;
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| bad("cannot be read").because(e))? {
        let certificate = certificate.map_err(|e| bad("is no PEM").because(e))?;
        roots.add(certificate).map_err(|e| bad("holds a certificate that cannot be used").because(e))?;
        added += 1;
    }
    if added == 0 { Err(bad("holds no certificate")) } else { Ok(()) }
}
