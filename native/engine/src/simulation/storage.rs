use std::path::Path;
use std::sync::Arc;

use millrace_storage::{Cause, Content, Done, Failure, Store, Stored};
use xxhash_rust::xxh3::xxh3_64;

use super::process::{Order, Process};
use super::world::{Extent, State};

/// Keeps files in the world. A call that is cut off has its effect or has none: there are no files in part.
pub struct SimulatedStore(pub Arc<Process>);

impl Store for SimulatedStore {
    fn put_new(&self, path: &str, content: &[u8]) -> Done<bool> {
        if self.0.order == Order::CommitBeforeManifest && content.len() > 1 {
            self.0.deferred.lock().push((path.into(), content.into()));
            return Ok(true);
        }
        self.put_new_now(path, content)
    }

    fn get(&self, path: &str) -> Done<Option<Vec<u8>>> {
        let from = path.to_owned();
        self.call("reads", path, move |state| state.files.get(&from).cloned())
    }

    fn list(&self, folder: &str) -> Done<Vec<Stored>> {
        let prefix = folder.to_owned();
        self.call("lists", folder, move |state| {
            let below = state.files.iter().filter(|(path, _)| path.starts_with(&prefix));
            let stored =
                below.map(|(path, content)| Stored { path: path.clone(), size: content.len() as u64, modified: None });
            stored.collect()
        })
    }

    fn delete(&self, path: &str) -> Done<()> {
        let gone = path.to_owned();
        self.call("removes", path, move |state| drop(state.files.remove(&gone)))
    }

    fn upload(&self, from: &Path, path: &str) -> Done<Content> {
        let content = std::fs::read(from).map_err(|error| Failure::from(&error))?;
        let (known, to) = (content_of(&content), path.to_owned());
        self.call("writes", path, move |state| drop(state.files.insert(to, content))).map(|()| known)
    }

    fn download(&self, path: &str, to: &Path, _size: u64) -> Done<Content> {
        let content = self.get(path)?.ok_or_else(|| Failure::new(Cause::Missing, "it is not there"))?;
        std::fs::write(to, &content).map_err(|error| Failure::from(&error))?;
        Ok(content_of(&content))
    }

    fn settle(&self, _folder: &str) -> Done<()> {
        Ok(())
    }
}

impl SimulatedStore {
    /// Makes up for what [`Order::CommitBeforeManifest`] has left undone.
    pub fn put_deferred(&self) -> Done<()> {
        let deferred = std::mem::take(&mut *self.0.deferred.lock());
        deferred.iter().try_for_each(|(path, content)| self.put_new_now(path, content).map(drop))
    }

    fn put_new_now(&self, path: &str, content: &[u8]) -> Done<bool> {
        let (to, content) = (path.to_owned(), content.to_vec());
        self.call("writes the new", path, move |state| {
            let is_new = !state.files.contains_key(&to);
            if is_new {
                state.files.insert(to, content);
            }
            is_new
        })
    }

    fn call<T: Default>(&self, what: &str, path: &str, act: impl FnOnce(&mut State) -> T + Send + 'static) -> Done<T> {
        let called = self.0.call(&format!("{what} {path}"), move |state, extent| match extent {
            Extent::Part(part) if part % 2 == 0 => Ok(T::default()),
            _ => Ok(act(state)),
        });
        called.map_err(|text| Failure::new(Cause::Other, text))
    }
}

fn content_of(content: &[u8]) -> Content {
    Content { size: content.len() as u64, checksum: xxh3_64(content) }
}
