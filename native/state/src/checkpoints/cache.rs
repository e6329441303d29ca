//! Copies of stored files on the local disk, so that a restart on the same machine fetches little. They are hard links
//! and known by their content: one that is damaged or missing is fetched again.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use millrace_storage::{Content, content_of};

use super::transfer::link;
use crate::manifest::{File, Manifest};

pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub fn new(folder: &Path) -> Cache {
        Cache { folder: folder.to_owned() }
    }

    fn path_of(&self, file: &File) -> PathBuf {
        self.folder.join(name_of(file))
    }

    /// The copy of a file, checked.
    pub fn find(&self, file: &File) -> Option<PathBuf> {
        let path = self.path_of(file);
        let found = content_of(&path).ok()?;
        if found == (Content { size: file.size, checksum: file.checksum }) {
            return Some(path);
        }
        log::warn!("{} is damaged and is fetched again", path.display());
        let _ = fs::remove_file(&path);
        None
    }

    /// Keeps what the local file `from` holds. The cache saves time, so that it fails is no error.
    pub fn keep(&self, from: &Path, file: &File) {
        let kept = fs::create_dir_all(&self.folder).and_then(|()| link(from, &self.path_of(file)));
        match kept {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                log::warn!("{} is not kept for a fast restart: {error}", from.display());
            }
            _ => {}
        }
    }

    /// Forgets what none of the manifests names.
    pub fn retain<'a>(&self, manifests: impl IntoIterator<Item = &'a Manifest>) {
        let files = manifests.into_iter().flat_map(|manifest| manifest.keyed.iter().flat_map(|keyed| &keyed.files));
        let named: HashSet<String> = files.map(name_of).collect();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if !entry.file_name().to_str().is_some_and(|name| named.contains(name)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn name_of(file: &File) -> String {
    format!("{:016x}-{}", file.checksum, file.size)
}
