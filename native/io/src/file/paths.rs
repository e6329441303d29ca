//! Which files there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::IN_PROGRESS;
use crate::{Error, Result};

use super::source::WHO;

/// All files that the paths and globs name, sorted. A path without a glob has to exist, unless the source waits for files.
pub fn find(paths: &[String], wait: bool) -> Result<Vec<PathBuf>> {
    let mut files = BTreeSet::new();
    for path in paths {
        // A name that holds a glob's characters is still a name if there is such a file.
        if Path::new(path).exists() {
            if Path::new(path).is_dir() {
                return Err(Error(format!(
                    "{WHO}: {path} is a directory. Name the files in it, as in \"{path}/*.jsonl\"."
                )));
            }
            files.insert(PathBuf::from(path));
        } else if path.contains(['*', '?', '[']) {
            expand(path, &mut files)?;
        } else if !wait {
            return Err(Error(format!("{WHO}: {path} does not exist. Correct the path.")));
        }
    }
    if files.is_empty() && !wait {
        return Err(Error(format!("{WHO}: no file matches {}. Correct the path.", paths.join(", "))));
    }
    Ok(files.into_iter().collect())
}

fn expand(pattern: &str, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    let found = glob::glob(pattern)
        .map_err(|error| Error(format!("{WHO}: {pattern} is not a glob: {error}. Correct the path.")))?;
    for path in found {
        let path = path.map_err(|error| Error(format!("{WHO}: {}: {}", error.path().display(), error.error())))?;
        let in_progress = path.as_os_str().to_string_lossy().ends_with(IN_PROGRESS);
        if path.is_file() && !in_progress {
            files.insert(path);
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn directory(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::write(directory.path().join(file), "").unwrap();
        }
        directory
    }

    fn names(directory: &tempfile::TempDir, globs: &[&str]) -> Vec<String> {
        let paths: Vec<String> = globs.iter().map(|glob| format!("{}/{glob}", directory.path().display())).collect();
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        find(&paths, false).unwrap().into_iter().map(name).collect()
    }

    #[test]
    fn globs_give_sorted_files_once_and_skip_those_being_written() {
        let directory = directory(&["b.jsonl", "a.jsonl", "c.txt", "d.jsonl.inprogress"]);
        std::fs::create_dir(directory.path().join("e.jsonl")).unwrap();
        assert_eq!(names(&directory, &["*.jsonl*", "a.*"]), ["a.jsonl", "b.jsonl"]);
    }

    #[test]
    fn a_file_whose_name_looks_like_a_glob_is_found_by_its_name() {
        let directory = directory(&["a[1].jsonl", "a1.jsonl"]);
        assert_eq!(names(&directory, &["a[1].jsonl"]), ["a[1].jsonl"]);
    }

    #[test]
    fn what_is_not_there_is_an_error_unless_the_source_waits_for_files() {
        let missing = ["/nowhere/a.jsonl".to_owned()];
        let error = find(&missing, false).unwrap_err().to_string();
        assert_eq!(error, "file source: /nowhere/a.jsonl does not exist. Correct the path.");
        assert!(find(&["/nowhere/*.jsonl".to_owned()], false).unwrap_err().to_string().contains("no file matches"));
        assert!(find(&missing, true).unwrap().is_empty());
        assert!(find(&["/".to_owned()], true).unwrap_err().to_string().contains("is a directory"));
    }
}
