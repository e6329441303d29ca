//! The one request to HDFS that OpenDAL does not know: a rename, which fails where there is a file already.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::{Cause, Done, Failure};

/// A rename changes two entries in the name node's memory.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

pub struct Namenode {
    pub host: String,
    pub port: u16,
    pub user: String,
    /// The folder that paths are relative to.
    pub root: String,
}

impl Namenode {
    /// Moves a file: false, there is one at `to`, or none at `from`.
    pub fn rename(&self, from: &str, to: &str) -> Done<bool> {
        let path = |path: &str| encoded(&format!("/{}/{path}", self.root.trim_matches('/')));
        let target =
            format!("/webhdfs/v1{}?op=RENAME&user.name={}&destination={}", path(from), encoded(&self.user), path(to));
        let answer = self.put(&target).map_err(|error| Failure::new(Cause::Unreachable, error.to_string()))?;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        match status {
            "200" => Ok(answer.contains("\"boolean\":true")),
            _ => Err(Failure::new(Cause::Other, crate::remote::words(&answer))),
        }
    }

    fn put(&self, target: &str) -> io::Result<String> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("{} is not known", self.host));
        let address = (self.host.as_str(), self.port).to_socket_addrs()?.next().ok_or_else(unknown)?;
        let mut stream = TcpStream::connect_timeout(&address, ANSWERS_WITHIN)?;
        stream.set_read_timeout(Some(ANSWERS_WITHIN))?;
        stream.set_write_timeout(Some(ANSWERS_WITHIN))?;
        let head = format!("Host: {}:{}\r\nContent-Length: 0\r\nConnection: close", self.host, self.port);
        stream.write_all(format!("PUT {target} HTTP/1.1\r\n{head}\r\n\r\n").as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// As part of a URL; slashes stay.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_a_url_is_encoded() {
        assert_eq!(encoded("/a b/~5f?&%"), "/a%20b/~5f%3F%26%25");
    }
}
