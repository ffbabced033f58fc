//! Object stores, by the crate `object_store`: S3 and compatible ones, Google Cloud Storage, Azure Blob Storage.
//!
//! Credentials, region and endpoint come from the environment variables of each provider's own tools (`AWS_…`, `GOOGLE_…`, `AZURE_…`), or
//! from the machine's role. A picture is one request, so it is stored whole or not at all.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use object_store::{
    Attribute, Attributes, ClientOptions, ObjectStore, ObjectStoreExt, PutMode, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::MicrosoftAzureBuilder,
    client::{HttpClient, HttpConnector},
    gcp::GoogleCloudStorageBuilder,
    path::Path,
};

use super::put_options::{PutOptions, already_exists};
use crate::error::{Error, ErrorKind, root_cause};

/// How long to retry transient failures of a store. The deadline of the job may be earlier.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_RETRIES: usize = 3;

/// Whether URLs of this scheme name objects.
pub(super) fn is_object_scheme(scheme: &str) -> bool {
    StoreKind::from_scheme(scheme).is_some()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum StoreKind {
    S3,
    Google,
    Azure,
}

impl StoreKind {
    fn from_scheme(scheme: &str) -> Option<Self> {
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

/// The URL of an object: its store, bucket (or container) and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectUrl {
    kind: StoreKind,
    bucket: String,
    key: Path,
}

impl ObjectUrl {
    /// Parses `s3://bucket/key`. The key is not percent-decoded.
    pub(super) fn parse(option: &str, text: &str) -> Result<Self, Error> {
        let bad =
            |why: &str| Error::usage(format!("{option} {text:?}: {why}"), "give s3://bucket/key, gs://bucket/key or az://container/key");
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("the scheme is missing"))?;
        let kind = StoreKind::from_scheme(scheme).ok_or_else(|| bad("the scheme is not that of an object store"))?;
        let (bucket, key) = rest.split_once('/').ok_or_else(|| bad("the key is missing"))?;
        if bucket.is_empty() || !bucket.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return Err(bad("the bucket name is invalid"));
        }
        if key.is_empty() || key.ends_with('/') {
            return Err(bad("the key is missing"));
        }
        let key = Path::parse(key).map_err(|_| bad("the key has an empty segment, . or .."))?;
        Ok(Self { kind, bucket: bucket.to_owned(), key })
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.kind.scheme(), self.bucket, self.key)
    }
}

type Connect = dyn Fn() -> Result<HttpClient, Error> + Send + Sync;

/// The object stores in use. Their connections and credentials live as long as the process.
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
    /// `connect` creates the HTTP client when the first store is used.
    pub fn new(connect: impl Fn() -> Result<HttpClient, Error> + Send + Sync + 'static) -> Self {
        Self { connect: Box::new(connect), http: OnceLock::new(), open: Mutex::default() }
    }

    /// The store of an object. Sends no request. Fails with `output` if the environment's settings are invalid.
    pub(super) fn open(&self, object: &ObjectUrl) -> Result<Arc<dyn ObjectStore>, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let id = (object.kind, object.bucket.clone());
        if let Some(store) = open.get(&id) {
            return Ok(Arc::clone(store));
        }
        let http = if let Some(http) = self.http.get() {
            http.clone()
        } else {
            let http = (self.connect)()?;
            self.http.get_or_init(|| http).clone()
        };
        let store = build(object, Connector(http)).map_err(|e| store_error(object, &e))?;
        open.insert(id, Arc::clone(&store));
        Ok(store)
    }

    /// Removes an object, if it exists.
    pub(super) async fn remove(&self, object: &ObjectUrl) -> Result<(), Error> {
        match self.open(object)?.delete(&object.key).await {
            Err(error) if !matches!(error, object_store::Error::NotFound { .. }) => Err(store_error(object, &error)),
            _ => Ok(()),
        }
    }

    /// Writes an object in one request.
    pub(super) async fn put(&self, object: &ObjectUrl, bytes: Bytes, options: &PutOptions) -> Result<(), Error> {
        let store = self.open(object)?;
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, options.content_type.into());
        if let Some(text) = &options.cache_control {
            attributes.insert(Attribute::CacheControl, text.clone().into());
        }
        for (name, text) in &options.metadata {
            attributes.insert(Attribute::Metadata((*name).into()), text.clone().into());
        }
        let mode = if options.no_clobber { PutMode::Create } else { PutMode::Overwrite };
        let options = object_store::PutOptions { mode, attributes, ..Default::default() };
        store.put_opts(&object.key, bytes.into(), options).await.map(drop).map_err(|e| store_error(object, &e))
    }
}

fn build(object: &ObjectUrl, connector: Connector) -> object_store::Result<Arc<dyn ObjectStore>> {
    let retry = RetryConfig { max_retries: MAX_RETRIES, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    let bucket = object.bucket.as_str();
    Ok(match object.kind {
        StoreKind::S3 => {
            let builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_http_connector(connector).with_retry(retry);
            // An endpoint with http:// is intended
            let endpoints = [AmazonS3ConfigKey::Endpoint, AmazonS3ConfigKey::S3Endpoint].map(|key| builder.get_config_value(&key));
            let is_plain_http = endpoints.iter().flatten().any(|url| url.starts_with("http://"));
            Arc::new(if is_plain_http { builder.with_allow_http(true) } else { builder }.build()?)
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

/// Gives `object_store` our HTTP client, for the same TLS and root certificates as elsewhere.
#[derive(Debug)]
struct Connector(HttpClient);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

fn store_error(object: &ObjectUrl, error: &object_store::Error) -> Error {
    use object_store::Error as StoreError;
    let output = |what: &str, hint: &str| Error::new(ErrorKind::Output, format!("{object} {what}")).with_hint(hint);
    match error {
        StoreError::NotFound { .. } => {
            output("cannot be written: the bucket does not exist", "create the bucket, or give another --output")
        }
        StoreError::AlreadyExists { .. } | StoreError::Precondition { .. } => already_exists(&object.to_string()),
        StoreError::PermissionDenied { .. } => {
            output("cannot be written with these credentials", "allow s3:PutObject (or its equivalent), or give another --output")
        }
        StoreError::Unauthenticated { .. } => {
            output("cannot be written: the store does not accept the credentials", "check the credentials")
        }
        // The outer errors repeat the cause, with URLs
        other => {
            output("cannot be written", "check the endpoint, the region and the credentials").with_source(root_cause(other).to_string())
        }
    }
}
