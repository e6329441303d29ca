//! A folder of a local or mounted file system. Written here and not through OpenDAL, whose retries write what a full disk
//! has taken already once more, and which leaves folders to the next power cut.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Content, Done, Failure, Hashing, INCOMING, Store, Stored, unique_name};

const PART_BYTES: usize = 1 << 20;

pub(crate) struct Local {
    root: PathBuf,
    /// The folders above the root are known to survive a power cut.
    rooted: AtomicBool,
}

impl Local {
    pub fn new(root: PathBuf) -> Local {
        Local { root, rooted: AtomicBool::new(false) }
    }

    /// Lets `write` fill a new file, sees it to the disk and gives it to `place`, which moves or links it.
    fn write<T>(
        &self,
        path: &str,
        write: impl FnOnce(&mut File) -> Done<T>,
        place: impl FnOnce(&Path, &Path) -> io::Result<()>,
    ) -> Done<T> {
        let to = self.root.join(path);
        let incoming = self.root.join(INCOMING);
        for folder in to.parent().into_iter().chain([incoming.as_path()]) {
            fs::create_dir_all(folder).map_err(|error| Failure::from(&error))?;
        }
        let from = incoming.join(unique_name());
        let written = File::create_new(&from).map_err(|error| Failure::from(&error)).and_then(|mut file| {
            let result = write(&mut file)?;
            file.sync_all().and_then(|()| place(&from, &to)).map_err(|error| Failure::from(&error))?;
            Ok(result)
        });
        // It has another name now, or is of no use.
        let _ = fs::remove_file(&from);
        written
    }

    fn list_folder(&self, folder: &Path, files: &mut Vec<Stored>) -> io::Result<()> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let about = match fs::metadata(&path) {
                // Removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                about => about?,
            };
            if about.is_dir() {
                self.list_folder(&path, files)?;
            } else if let Some(path) = path.strip_prefix(&self.root).ok().and_then(Path::to_str) {
                files.push(Stored { path: path.into(), size: about.len(), modified: about.modified().ok() });
            }
        }
        Ok(())
    }
}

impl Store for Local {
    fn put_new(&self, path: &str, content: &[u8]) -> Done<bool> {
        let mut placed = false;
        self.write(
            path,
            |file| file.write_all(content).map_err(|error| Failure::from(&error)),
            |from, to| {
                placed = match fs::hard_link(from, to) {
                    Ok(()) => true,
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                    // A file system without links: cut off by a crash, the file is there in part, and its checksum tells.
                    Err(_) => match File::create_new(to) {
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                        Err(error) => return Err(error),
                        Ok(mut file) => file.write_all(content).and_then(|()| file.sync_all()).map(|()| true)?,
                    },
                };
                Ok(())
            },
        )?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.settle(folder)?;
        Ok(placed)
    }

    fn get(&self, path: &str) -> Done<Option<Vec<u8>>> {
        match fs::read(self.root.join(path)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::from(&error)),
        }
    }

    fn list(&self, folder: &str) -> Done<Vec<Stored>> {
        let mut files = Vec::new();
        self.list_folder(&self.root.join(folder), &mut files).map_err(|error| Failure::from(&error))?;
        Ok(files)
    }

    fn delete(&self, path: &str) -> Done<()> {
        match fs::remove_file(self.root.join(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::from(&error)),
            _ => Ok(()),
        }
    }

    fn upload(&self, from: &Path, path: &str) -> Done<Content> {
        let mut source = File::open(from).map_err(|error| Failure::local(from, &error))?;
        let copy = |file: &mut File| {
            copy(&mut source, file, |error| Failure::local(from, error), |error| Failure::from(error))
        };
        self.write(path, copy, |from, to| fs::rename(from, to))
    }

    fn download(&self, path: &str, to: &Path, size: u64) -> Done<Content> {
        let source = File::open(self.root.join(path)).map_err(|error| Failure::from(&error))?;
        let mut file = File::create(to).map_err(|error| Failure::local(to, &error))?;
        let failed = |error: &io::Error| Failure::local(to, error);
        copy(&mut source.take(size), &mut file, |error| Failure::from(error), failed)
    }

    fn settle(&self, folder: &str) -> Done<()> {
        let sync = |folder: &Path| File::open(folder).and_then(|folder| folder.sync_all());
        let at = self.root.join(folder.trim_end_matches('/'));
        for folder in at.ancestors().take_while(|folder| folder.starts_with(&self.root)) {
            match sync(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Failure::from(&error)),
                _ => {}
            }
        }
        if !self.rooted.swap(true, Ordering::Relaxed) {
            // Those that may not be read were there before the job.
            self.root.ancestors().skip(1).for_each(|folder| drop(sync(folder)));
        }
        Ok(())
    }
}

/// Copies to the end; what fails may be the one file or the other.
fn copy(
    from: &mut impl Read,
    to: &mut File,
    unread: impl Fn(&io::Error) -> Failure,
    unwritten: impl Fn(&io::Error) -> Failure,
) -> Done<Content> {
    let mut content = Hashing::default();
    let mut part = vec![0; PART_BYTES];
    loop {
        let read = match from.read(&mut part) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|error| unread(&error))?,
        };
        if read == 0 {
            return Ok(content.end());
        }
        content.add(&part[..read]);
        to.write_all(&part[..read]).map_err(|error| unwritten(&error))?;
    }
}
