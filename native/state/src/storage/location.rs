//! From a location, as users write it, to the storage there.

use opendal::{Operator, services};
use url::Url;

use super::local::Local;
use super::remote::{Remote, Service};
use super::webhdfs::Namenode;
use super::{INCOMING, Store};
use crate::{Error, Result};

pub(super) fn store(location: &str, folder: &str) -> Result<Box<dyn Store>> {
    let unknown = || {
        Error(format!(
            "checkpoint storage \"{location}\" is none that is known: give \"file:PATH\", \"s3://BUCKET/PATH\" or \
             \"hdfs://HOST:PORT/PATH\""
        ))
    };
    if let Some(path) = location.strip_prefix("file:") {
        // `file:///PATH` is the same as `file:/PATH`; what has a host is no local folder.
        let path = match path.strip_prefix("//") {
            Some(path) if !path.starts_with('/') => return Err(unknown()),
            Some(path) => path,
            None => path,
        };
        let path = std::path::absolute(path).map_err(|_| unknown())?;
        return Ok(Box::new(Local::new(path.join(folder))));
    }
    let url = Url::parse(location).map_err(|_| unknown())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(unknown)?;
    let root = format!("{}/{folder}", plain_path(location));
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let failed = |error: opendal::Error| Error(format!("checkpoint storage {location}: {}", error.message()));
    match url.scheme() {
        "s3" => {
            let endpoint = parameter("endpoint").or_else(|| variable("AWS_ENDPOINT_URL_S3"));
            let region = parameter("region").or_else(|| variable("AWS_REGION"));
            let region = region.or_else(|| variable("AWS_DEFAULT_REGION")).unwrap_or_else(|| "us-east-1".into());
            let mut s3 = services::S3::default().bucket(host).root(&root).region(&region);
            if let Some(endpoint) = endpoint.or_else(|| variable("AWS_ENDPOINT_URL")) {
                s3 = s3.endpoint(&endpoint);
            }
            let operator = Operator::new(s3).map_err(failed)?;
            Ok(Box::new(Remote::new(operator, Service::S3)?))
        }
        "hdfs" => {
            let port = url.port().unwrap_or(9870);
            let user = parameter("user").or_else(|| variable("HADOOP_USER_NAME")).unwrap_or_else(|| "root".into());
            let hdfs = services::Webhdfs::default().endpoint(&format!("http://{host}:{port}")).user_name(&user);
            // LISTSTATUS_BATCH is missing in front of some gateways; LISTSTATUS is everywhere.
            let hdfs = hdfs.disable_list_batch().atomic_write_dir(INCOMING).root(&root);
            let operator = Operator::new(hdfs).map_err(failed)?;
            let namenode = Namenode { host: host.into(), port, user, root };
            Ok(Box::new(Remote::new(operator, Service::Hdfs(namenode))?))
        }
        _ => Err(unknown()),
    }
}

/// The path of a location as it was written: a URL would percent-encode it.
fn plain_path(location: &str) -> &str {
    let after_scheme = location.split_once("://").map_or("", |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("", |start| &after_scheme[start..]);
    path.split('?').next().unwrap_or_default().trim_end_matches('/')
}
