//! From a location, as users write it, to the storage there.

use opendal::{Operator, services};
use url::Url;

use super::local::Local;
use super::remote::{Remote, Service};
use super::webhdfs::Namenode;
use crate::{Error, INCOMING, Result, Store};

/// The storage at `location`: `file:PATH`, or one that is [`remote`], of which `folder` is the root. Errors begin with `who`.
pub fn store(who: &str, location: &str, folder: &str) -> Result<Box<dyn Store>> {
    let Some(path) = location.strip_prefix("file:") else { return Ok(Box::new(remote(who, location, folder)?)) };
    // `file:///PATH` is the same as `file:/PATH`; what has a host is no local folder.
    let path = match path.strip_prefix("//") {
        Some(path) if !path.starts_with('/') => return Err(unknown(who, location)),
        Some(path) => path,
        None => path,
    };
    let path = std::path::absolute(path).map_err(|_| unknown(who, location))?;
    Ok(Box::new(Local::new(path.join(folder))))
}

/// The schemes of storages that are on no file system.
const REMOTE: [&str; 4] = ["s3://", "gs://", "azblob://", "hdfs://"];

/// Whether a location is on no file system.
pub fn is_remote(location: &str) -> bool {
    REMOTE.iter().any(|scheme| location.starts_with(scheme))
}

/// The storage at `location`, which is on no file system: `s3://BUCKET/PATH`, `gs://BUCKET/PATH`, `azblob://CONTAINER/PATH` or
/// `hdfs://HOST:PORT/PATH`.
pub fn remote(who: &str, location: &str, folder: &str) -> Result<Remote> {
    let unknown = || unknown(who, location);
    let url = Url::parse(location).map_err(|_| unknown())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(unknown)?;
    let root = format!("{}/{folder}", plain_path(location));
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let failed = |error: opendal::Error| Error(format!("{who} {location}: {}", error.message()));
    match url.scheme() {
        "s3" => {
            let endpoint = parameter("endpoint").or_else(|| variable("AWS_ENDPOINT_URL_S3"));
            let region = parameter("region").or_else(|| variable("AWS_REGION"));
            let region = region.or_else(|| variable("AWS_DEFAULT_REGION")).unwrap_or_else(|| "us-east-1".into());
            let mut s3 = services::S3::default().bucket(host).root(&root).region(&region);
            if let Some(endpoint) = endpoint.or_else(|| variable("AWS_ENDPOINT_URL")) {
                s3 = s3.endpoint(&endpoint);
            }
            Remote::new(who, Operator::new(s3).map_err(failed)?, Service::Objects)
        }
        "gs" => {
            // Credentials are where Google's own tools look for them.
            let mut gcs = services::Gcs::default().bucket(host).root(&root);
            if let Some(endpoint) = parameter("endpoint").or_else(|| variable("STORAGE_EMULATOR_HOST")) {
                gcs = gcs.endpoint(&endpoint);
            }
            if parameter("anonymous").is_some_and(|anonymous| anonymous == "true") {
                gcs = gcs.skip_signature();
            }
            Remote::new(who, Operator::new(gcs).map_err(failed)?, Service::Objects)
        }
        "azblob" => {
            let account = parameter("account").or_else(|| variable("AZURE_STORAGE_ACCOUNT"));
            let account = account.or_else(|| variable("AZURE_STORAGE_ACCOUNT_NAME"));
            let endpoint = parameter("endpoint").or_else(|| variable("AZURE_STORAGE_ENDPOINT"));
            let of_account = || account.as_ref().map(|account| format!("https://{account}.blob.core.windows.net"));
            let endpoint = endpoint.or_else(of_account).ok_or_else(|| {
                Error(format!("{who} {location}: no account is known: set AZURE_STORAGE_ACCOUNT, or add ?account=NAME"))
            })?;
            let mut blobs = services::Azblob::default().container(host).root(&root).endpoint(&endpoint);
            if let Some(account) = &account {
                blobs = blobs.account_name(account);
            }
            // Other credentials are where Azure's own tools look for them.
            if let Some(key) = variable("AZURE_STORAGE_KEY").or_else(|| variable("AZURE_STORAGE_ACCOUNT_KEY")) {
                blobs = blobs.account_key(&key);
            }
            Remote::new(who, Operator::new(blobs).map_err(failed)?, Service::Objects)
        }
        "hdfs" => {
            let port = url.port().unwrap_or(9870);
            let user = parameter("user").or_else(|| variable("HADOOP_USER_NAME")).unwrap_or_else(|| "root".into());
            let hdfs = services::Webhdfs::default().endpoint(&format!("http://{host}:{port}")).user_name(&user);
            // LISTSTATUS_BATCH is missing in front of some gateways; LISTSTATUS is everywhere.
            let hdfs = hdfs.disable_list_batch().atomic_write_dir(INCOMING).root(&root);
            let operator = Operator::new(hdfs).map_err(failed)?;
            Remote::new(who, operator, Service::Hdfs(Namenode { host: host.into(), port, user, root }))
        }
        _ => Err(unknown()),
    }
}

fn unknown(who: &str, location: &str) -> Error {
    Error(format!(
        "{who} \"{location}\" is none that is known: give \"file:PATH\", \"s3://BUCKET/PATH\", \"gs://BUCKET/PATH\", \
         \"azblob://CONTAINER/PATH\" or \"hdfs://HOST:PORT/PATH\""
    ))
}

/// The path of a location as it was written: a URL would percent-encode it.
fn plain_path(location: &str) -> &str {
    let after_scheme = location.split_once("://").map_or("", |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("", |start| &after_scheme[start..]);
    path.split('?').next().unwrap_or_default().trim_end_matches('/')
}
