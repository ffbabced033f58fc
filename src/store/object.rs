//! Object stores, by `object_store`: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.
//!
//! Credentials, region and endpoint come from the variables that each one's own tools use (`AWS_…`, `GOOGLE_…`, `AZURE_…`), or from the
//! role of the machine. A picture is one request: it is there whole, or not at all.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use object_store::{
    Attribute, Attributes, ClientOptions, ObjectStore, PutMode, PutOptions as StorePutOptions, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::MicrosoftAzureBuilder,
    client::{HttpClient, HttpConnector},
    gcp::GoogleCloudStorageBuilder,
    path::Path,
};

use super::{PutOptions, exists, usage};
use crate::error::{Error, ErrorKind};

/// So long may a store refuse for reasons that pass; the job's own deadline may be nearer.
const PATIENCE: Duration = Duration::from_secs(30);
const RETRIES: usize = 3;

/// Whether a URL of this scheme names an object.
pub(super) fn is_store(scheme: &str) -> bool {
    StoreKind::of(scheme).is_some()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum StoreKind {
    S3,
    Google,
    Azure,
}

impl StoreKind {
    fn of(scheme: &str) -> Option<Self> {
        match scheme {
            "s3" => Some(Self::S3),
            "gs" => Some(Self::Google),
            "az" => Some(Self::Azure),
            _ => None,
        }
    }

    fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }
}

/// One object's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectUrl {
    kind: StoreKind,
    bucket: String,
    key: Path,
}

impl ObjectUrl {
    /// Reads `s3://bucket/key`. The key is taken as it stands, without percent-decoding.
    pub(super) fn parse(option: &str, text: &str) -> Result<Self, Error> {
        let bad = |why: String| usage(format!("{option} {text:?}: {why}"), "give s3://bucket/key, gs://bucket/key or az://container/key");
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("it has no scheme".to_owned()))?;
        let kind = StoreKind::of(scheme).ok_or_else(|| bad(format!("{scheme}:// is no object store")))?;
        let (bucket, key) = rest.split_once('/').ok_or_else(|| bad("the key is missing".to_owned()))?;
        if bucket.is_empty() || !bucket.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return Err(bad("no bucket has such a name".to_owned()));
        }
        if key.is_empty() || key.ends_with('/') {
            return Err(bad("the key is missing".to_owned()));
        }
        let key = Path::parse(key).map_err(|_| bad("the key has an empty part, or . or ..".to_owned()))?;
        Ok(Self { kind, bucket: bucket.to_owned(), key })
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.kind.scheme(), self.bucket, self.key)
    }
}

type Connect = dyn Fn() -> Result<HttpClient, Error> + Send + Sync;

/// The object stores that have been written to: their connections and credentials live as long as the process.
pub struct Stores {
    connect: Box<Connect>,
    http: OnceLock<HttpClient>,
    open: Mutex<HashMap<(StoreKind, String), Arc<dyn ObjectStore>>>,
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores").finish_non_exhaustive()
    }
}

impl Stores {
    /// No store yet. `connect` makes the HTTP client once the first one is needed.
    pub fn new(connect: impl Fn() -> Result<HttpClient, Error> + Send + Sync + 'static) -> Self {
        Self { connect: Box::new(connect), http: OnceLock::new(), open: Mutex::default() }
    }

    /// The store of an object. Fails with `output` where the environment's settings cannot be used. Nothing is asked yet.
    pub(super) fn open(&self, object: &ObjectUrl) -> Result<Arc<dyn ObjectStore>, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (object.kind, object.bucket.clone());
        if let Some(store) = open.get(&place) {
            return Ok(Arc::clone(store));
        }
        let http = if let Some(http) = self.http.get() {
            http.clone()
        } else {
            let http = (self.connect)()?;
            self.http.get_or_init(|| http).clone()
        };
        let store = build(object, Connector(http)).map_err(|e| failed(object, &e))?;
        open.insert(place, Arc::clone(&store));
        Ok(store)
    }

    pub(super) async fn put(&self, object: &ObjectUrl, bytes: Bytes, manner: &PutOptions) -> Result<(), Error> {
        let store = self.open(object)?;
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, manner.content_type.into());
        if let Some(text) = &manner.cache_control {
            attributes.insert(Attribute::CacheControl, text.clone().into());
        }
        for (name, text) in &manner.metadata {
            attributes.insert(Attribute::Metadata((*name).into()), text.clone().into());
        }
        let mode = if manner.no_clobber { PutMode::Create } else { PutMode::Overwrite };
        let options = StorePutOptions { mode, attributes, ..StorePutOptions::default() };
        store.put_opts(&object.key, bytes.into(), options).await.map(drop).map_err(|e| failed(object, &e))
    }
}

fn build(object: &ObjectUrl, connector: Connector) -> object_store::Result<Arc<dyn ObjectStore>> {
    let retry = RetryConfig { max_retries: RETRIES, retry_timeout: PATIENCE, ..RetryConfig::default() };
    let bucket = object.bucket.as_str();
    Ok(match object.kind {
        StoreKind::S3 => {
            let builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_http_connector(connector).with_retry(retry);
            // Who writes http:// there means it
            let named = [AmazonS3ConfigKey::Endpoint, AmazonS3ConfigKey::S3Endpoint].map(|key| builder.get_config_value(&key));
            let plain = named.iter().flatten().any(|url| url.starts_with("http://"));
            Arc::new(if plain { builder.with_allow_http(true) } else { builder }.build()?)
        }
        StoreKind::Google => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
            Arc::new(builder.with_http_connector(connector).with_retry(retry).build()?)
        }
        StoreKind::Azure => {
            let builder = MicrosoftAzureBuilder::from_env().with_container_name(bucket);
            Arc::new(builder.with_http_connector(connector).with_retry(retry).build()?)
        }
    })
}

/// Our own client in place of `object_store`'s: the same TLS and the same root certificates as everywhere here.
#[derive(Debug)]
struct Connector(HttpClient);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

fn failed(object: &ObjectUrl, error: &object_store::Error) -> Error {
    use object_store::Error as Found;
    let told = |what: &str, hint: &str| Error::new(ErrorKind::Output, format!("{object} {what}")).with_hint(hint);
    match error {
        Found::NotFound { .. } => told("cannot be written: the bucket does not exist", "make the bucket, or give another --output"),
        Found::AlreadyExists { .. } | Found::Precondition { .. } => exists(&object.to_string()),
        Found::PermissionDenied { .. } => {
            told("may not be written with these credentials", "allow s3:PutObject (or its like) on it, or give another --output")
        }
        Found::Unauthenticated { .. } => told("cannot be written: the credentials are not known there", "check the credentials"),
        other => told("cannot be written", "check the endpoint, the region and the credentials").with_source(deepest(other)),
    }
}

/// What is underneath: the text above it repeats it, with URLs.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut one = error;
    while let Some(inner) = one.source() {
        one = inner;
    }
    one.to_string()
}
