//! A file's place, as users and checkpoints write it: `s3://BUCKET/FOLDER/NAME?endpoint=URL`.

/// A folder of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Without a slash at its end.
    path: String,
    /// How the storage is reached, with its question mark.
    options: String,
}

impl Folder {
    pub fn new(location: &str) -> Folder {
        let (path, options) = split(location);
        Folder { path: path.trim_end_matches('/').to_owned(), options: options.to_owned() }
    }

    /// The folder of a file's place, and the file's name in it.
    pub fn of(place: &str) -> Option<(Folder, &str)> {
        let (path, options) = split(place);
        let (folder, name) = path.rsplit_once('/')?;
        Some((Folder { path: folder.to_owned(), options: options.to_owned() }, name))
    }

    /// The folder that this one is in.
    pub fn above(&self) -> Option<Folder> {
        let (path, _) = self.path.rsplit_once('/')?;
        Some(Folder { path: path.to_owned(), options: self.options.clone() })
    }

    /// As [`millrace_storage::remote`] takes it.
    pub fn location(&self) -> String {
        format!("{}{}", self.path, self.options)
    }

    /// The place of a file whose name may begin with folders.
    pub fn place(&self, name: &str) -> String {
        format!("{}/{name}{}", self.path, self.options)
    }

    /// The name, from this folder on, of the file at a place.
    pub fn name_of<'a>(&self, place: &'a str) -> Option<&'a str> {
        split(place).0.strip_prefix(&self.path)?.strip_prefix('/')
    }
}

/// Parts the options from a path, in which a question mark may stand for a character.
pub fn split(location: &str) -> (&str, &str) {
    match location.rfind('?') {
        Some(mark) if location[mark..].contains('=') => location.split_at(mark),
        _ => (location, ""),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_and_a_name() {
        let folder = Folder::new("s3://bucket/out/?endpoint=http://127.0.0.1:9000");
        assert_eq!(folder.location(), "s3://bucket/out?endpoint=http://127.0.0.1:9000");
        let place = folder.place("staged/a.jsonl");
        assert_eq!(place, "s3://bucket/out/staged/a.jsonl?endpoint=http://127.0.0.1:9000");
        assert_eq!(folder.name_of(&place), Some("staged/a.jsonl"));
        assert_eq!(Folder::of(&folder.place("a.jsonl")), Some((folder.clone(), "a.jsonl")));
        assert_eq!(Folder::of(&place).and_then(|(staged, _)| staged.above()), Some(folder.clone()));
        assert_eq!(Folder::new("s3://other/out").name_of(&place), None);
    }

    #[test]
    fn a_question_mark_begins_options_only_where_there_are_some() {
        assert_eq!(split("s3://bucket/a-?.jsonl"), ("s3://bucket/a-?.jsonl", ""));
        assert_eq!(split("s3://bucket/a-?.jsonl?region=eu"), ("s3://bucket/a-?.jsonl", "?region=eu"));
    }
}
