//! Manifests: what a checkpoint consists of, as stored.

use flatbuffers::{FlatBufferBuilder, VerifierOptions};
use xxhash_rust::xxh3::xxh3_64;

use crate::generated as fb;
use crate::{BackendKind, Error, KeyGroups};

/// The newest version that is understood, and the one that is written.
const VERSION: u32 = 1;

/// Stands behind the FlatBuffer, after its checksum. A file without it was not written to its end.
pub(crate) const TRAILER: &[u8; 8] = b"MLRM-end";

/// What has to be read back to go on from a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    pub job: String,
    pub checkpoint: u64,
    /// The checkpoint that the attempt had committed, or had been restored from, before this one; 0: none.
    pub previous: u64,
    /// The start of the job that wrote it.
    pub attempt: String,
    /// It stands by itself and is no part of the row of checkpoints.
    pub savepoint: bool,
    /// Milliseconds since the epoch.
    pub created_ms: u64,
    pub max_parallelism: u32,
    /// Bytes of all files, and of those that this checkpoint added.
    pub bytes: u64,
    pub new_bytes: u64,
    pub operators: Vec<OperatorState>,
    pub keyed: Vec<KeyedState>,
}

/// What an operator keeps beside keyed state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OperatorState {
    pub id: String,
    pub name: String,
    /// What its keyed state looks like, a line a column; none: it has no keyed state.
    pub state: Vec<String>,
    pub positions: Vec<Position>,
    pub progress: Vec<Progress>,
    pub staged: Vec<StagedFile>,
}

/// Where a partition of a source goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// A topic or a path.
    pub resource: String,
    pub partition: i32,
    pub offset: i64,
    pub watermark: i64,
    /// Where an offset alone does not say where to go on.
    pub token: Option<String>,
}

/// The watermark that the windows of some key groups had reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub key_groups: KeyGroups,
    pub watermark: i64,
}

/// A file that becomes visible with the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedFile {
    pub staged: String,
    pub visible: String,
}

/// The keyed state of some key groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedState {
    pub key_groups: KeyGroups,
    pub backend: BackendKind,
    pub files: Vec<File>,
}

/// A file in the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path there.
    pub name: String,
    /// Its name in the backend.
    pub local: String,
    pub size: u64,
    pub checksum: u64,
}

impl Manifest {
    pub fn encode(&self) -> Vec<u8> {
        let mut b = FlatBufferBuilder::new();
        let operators: Vec<_> = self.operators.iter().map(|operator| encode_operator(&mut b, operator)).collect();
        let keyed: Vec<_> = self.keyed.iter().map(|keyed| encode_keyed(&mut b, keyed)).collect();
        let args = fb::ManifestArgs {
            version: VERSION,
            job: Some(b.create_string(&self.job)),
            checkpoint: self.checkpoint,
            created_ms: self.created_ms,
            max_parallelism: self.max_parallelism,
            bytes: self.bytes,
            new_bytes: self.new_bytes,
            operators: Some(b.create_vector(&operators)),
            keyed: Some(b.create_vector(&keyed)),
            previous: self.previous,
            attempt: Some(b.create_string(&self.attempt)),
            savepoint: self.savepoint,
        };
        let root = fb::Manifest::create(&mut b, &args);
        fb::finish_manifest_buffer(&mut b, root);
        let mut bytes = b.finished_data().to_vec();
        bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
        bytes.extend_from_slice(TRAILER);
        bytes
    }

    /// `what` names it in errors.
    pub(crate) fn decode(bytes: &[u8], what: &str) -> std::result::Result<Manifest, Unreadable> {
        let damaged = |why: &str| {
            Unreadable::Damaged(format!("{what} is damaged ({why}): restore from another, or from a savepoint"))
        };
        let Some(bytes) = bytes.strip_suffix(TRAILER) else { return Err(damaged("it was not written to its end")) };
        let Some((content, checksum)) = bytes.split_last_chunk::<8>() else { return Err(damaged("it is too short")) };
        if xxh3_64(content) != u64::from_le_bytes(*checksum) {
            return Err(damaged("its checksum is wrong"));
        }
        if content.len() < 8 || !fb::manifest_buffer_has_identifier(content) {
            return Err(damaged("it is no manifest"));
        }
        let options = VerifierOptions { max_tables: 10_000_000, ..VerifierOptions::default() };
        let manifest = fb::root_as_manifest_with_opts(&options, content);
        let manifest = manifest.map_err(|error| damaged(&error.to_string()))?;
        if manifest.version() > VERSION {
            return Err(Unreadable::Newer(Error(format!(
                "{what} has version {}, this worker reads up to {VERSION}: update @millrace/worker",
                manifest.version()
            ))));
        }
        decode(&manifest).map_err(|why| damaged(&why))
    }

    /// The names of its files in the storage.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.keyed.iter().flat_map(|keyed| keyed.files.iter().map(|file| file.name.as_str()))
    }
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It never can.
    Damaged(String),
    /// A newer worker can.
    Newer(Error),
}

impl From<Unreadable> for Error {
    fn from(unreadable: Unreadable) -> Error {
        match unreadable {
            Unreadable::Damaged(why) => Error(why),
            Unreadable::Newer(error) => error,
        }
    }
}

type Offset<T> = flatbuffers::WIPOffset<T>;

fn encode_operator<'a>(b: &mut FlatBufferBuilder<'a>, operator: &OperatorState) -> Offset<fb::Operator<'a>> {
    let state: Vec<_> = operator.state.iter().map(|line| b.create_string(line)).collect();
    let positions: Vec<_> = operator
        .positions
        .iter()
        .map(|position| {
            let args = fb::PositionArgs {
                resource: Some(b.create_string(&position.resource)),
                partition: position.partition,
                offset: position.offset,
                watermark: position.watermark,
                token: position.token.as_ref().map(|token| b.create_string(token)),
            };
            fb::Position::create(b, &args)
        })
        .collect();
    let progress: Vec<_> = operator
        .progress
        .iter()
        .map(|progress| {
            let args = fb::ProgressArgs {
                first_key_group: progress.key_groups.start,
                end_key_group: progress.key_groups.end,
                watermark: progress.watermark,
            };
            fb::Progress::create(b, &args)
        })
        .collect();
    let staged: Vec<_> = operator
        .staged
        .iter()
        .map(|file| {
            let (staged, visible) = (b.create_string(&file.staged), b.create_string(&file.visible));
            fb::StagedFile::create(b, &fb::StagedFileArgs { staged: Some(staged), final_: Some(visible) })
        })
        .collect();
    let args = fb::OperatorArgs {
        id: Some(b.create_string(&operator.id)),
        name: Some(b.create_string(&operator.name)),
        state: Some(b.create_vector(&state)),
        positions: Some(b.create_vector(&positions)),
        progress: Some(b.create_vector(&progress)),
        staged: Some(b.create_vector(&staged)),
    };
    fb::Operator::create(b, &args)
}

fn encode_keyed<'a>(b: &mut FlatBufferBuilder<'a>, keyed: &KeyedState) -> Offset<fb::KeyedState<'a>> {
    let files: Vec<_> = keyed
        .files
        .iter()
        .map(|file| {
            let (name, local) = (b.create_string(&file.name), b.create_string(&file.local));
            let args = fb::FileArgs { name: Some(name), local: Some(local), size: file.size, checksum: file.checksum };
            fb::File::create(b, &args)
        })
        .collect();
    let args = fb::KeyedStateArgs {
        first_key_group: keyed.key_groups.start,
        end_key_group: keyed.key_groups.end,
        backend: match keyed.backend {
            BackendKind::Filesystem => fb::BackendKind::Filesystem,
            BackendKind::RocksDb => fb::BackendKind::RocksDb,
        },
        files: Some(b.create_vector(&files)),
    };
    fb::KeyedState::create(b, &args)
}

fn decode(manifest: &fb::Manifest<'_>) -> std::result::Result<Manifest, String> {
    let max_parallelism = manifest.max_parallelism();
    let groups = |start: u32, end: u32| -> std::result::Result<KeyGroups, String> {
        if start <= end && end <= max_parallelism {
            Ok(start..end)
        } else {
            Err(format!("key groups {start} to {end}"))
        }
    };
    let keyed = manifest.keyed().iter().map(|keyed| {
        Ok(KeyedState {
            key_groups: groups(keyed.first_key_group(), keyed.end_key_group())?,
            backend: match keyed.backend() {
                fb::BackendKind::Filesystem => BackendKind::Filesystem,
                fb::BackendKind::RocksDb => BackendKind::RocksDb,
                other => return Err(format!("backend {other:?}")),
            },
            files: keyed.files().iter().map(decode_file).collect::<std::result::Result<_, _>>()?,
        })
    });
    let operators = manifest.operators().iter().map(|operator| {
        let progress = operator.progress().into_iter().flatten().map(|progress| {
            let key_groups = groups(progress.first_key_group(), progress.end_key_group())?;
            Ok(Progress { key_groups, watermark: progress.watermark() })
        });
        let positions = operator.positions().into_iter().flatten().map(|position| Position {
            resource: position.resource().into(),
            partition: position.partition(),
            offset: position.offset(),
            watermark: position.watermark(),
            token: position.token().map(String::from),
        });
        let staged = operator.staged().into_iter().flatten();
        Ok(OperatorState {
            id: operator.id().into(),
            name: operator.name().into(),
            state: operator.state().into_iter().flatten().map(String::from).collect(),
            positions: positions.collect(),
            progress: progress.collect::<std::result::Result<_, String>>()?,
            staged: staged
                .map(|file| StagedFile { staged: file.staged().into(), visible: file.final_().into() })
                .collect(),
        })
    });
    Ok(Manifest {
        job: manifest.job().into(),
        checkpoint: manifest.checkpoint(),
        previous: manifest.previous(),
        attempt: manifest.attempt().unwrap_or_default().into(),
        savepoint: manifest.savepoint(),
        created_ms: manifest.created_ms(),
        max_parallelism,
        bytes: manifest.bytes(),
        new_bytes: manifest.new_bytes(),
        operators: operators.collect::<std::result::Result<_, String>>()?,
        keyed: keyed.collect::<std::result::Result<_, String>>()?,
    })
}

fn decode_file(file: fb::File<'_>) -> std::result::Result<File, String> {
    // It becomes the name of a local file: it must not lead elsewhere.
    if file.local().is_empty() || file.local().contains(['/', '\\']) || file.local().starts_with('.') {
        return Err(format!("a file is called {:?}", file.local()));
    }
    Ok(File { name: file.name().into(), local: file.local().into(), size: file.size(), checksum: file.checksum() })
}

#[cfg(test)]
impl Manifest {
    /// As a later release may write it.
    pub(crate) fn encode_as_newer(job: &str) -> Vec<u8> {
        let mut b = FlatBufferBuilder::new();
        let job = b.create_string(job);
        let (operators, keyed) =
            (b.create_vector::<Offset<fb::Operator>>(&[]), b.create_vector::<Offset<fb::KeyedState>>(&[]));
        let args = fb::ManifestArgs {
            version: VERSION + 1,
            job: Some(job),
            operators: Some(operators),
            keyed: Some(keyed),
            ..fb::ManifestArgs::default()
        };
        let root = fb::Manifest::create(&mut b, &args);
        fb::finish_manifest_buffer(&mut b, root);
        let mut bytes = b.finished_data().to_vec();
        bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
        bytes.extend_from_slice(TRAILER);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            job: "revenue".into(),
            checkpoint: 12,
            previous: 11,
            attempt: "a".into(),
            savepoint: false,
            created_ms: 1_700_000_000_000,
            max_parallelism: 128,
            bytes: 100,
            new_bytes: 10,
            operators: vec![OperatorState {
                id: "window-1".into(),
                name: "window".into(),
                state: vec!["auction: Int64".into()],
                positions: vec![Position {
                    resource: "bids".into(),
                    partition: 3,
                    offset: 81_223,
                    watermark: i64::MIN,
                    token: Some("{}".into()),
                }],
                progress: vec![Progress { key_groups: 0..64, watermark: 5 }],
                staged: vec![StagedFile { staged: ".a.tmp".into(), visible: "a".into() }],
            }],
            keyed: vec![KeyedState {
                key_groups: 0..128,
                backend: BackendKind::RocksDb,
                files: vec![File { name: "files/a/0-1.sst".into(), local: "1.sst".into(), size: 7, checksum: 9 }],
            }],
        }
    }

    #[test]
    fn a_manifest_reads_back() {
        assert_eq!(Manifest::decode(&manifest().encode(), "checkpoint 12").unwrap(), manifest());
    }

    fn refused(bytes: &[u8]) -> String {
        Error::from(Manifest::decode(bytes, "checkpoint 12").unwrap_err()).0
    }

    #[test]
    fn a_manifest_that_was_not_written_to_its_end_is_an_error() {
        let bytes = manifest().encode();
        for length in 0..bytes.len() {
            assert_eq!(
                refused(&bytes[..length]),
                "checkpoint 12 is damaged (it was not written to its end): restore from another, or from a savepoint"
            );
        }
    }

    #[test]
    fn a_changed_byte_is_an_error() {
        let bytes = manifest().encode();
        for at in 0..bytes.len() - TRAILER.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x40;
            assert_eq!(
                refused(&changed),
                "checkpoint 12 is damaged (its checksum is wrong): restore from another, or from a savepoint"
            );
        }
    }

    #[test]
    fn a_manifest_of_a_newer_version_asks_for_an_update() {
        let error = refused(&Manifest::encode_as_newer("revenue"));
        assert_eq!(error, "checkpoint 12 has version 2, this worker reads up to 1: update @millrace/worker");
    }

    #[test]
    fn a_file_that_would_leave_its_folder_is_refused() {
        let mut evil = manifest();
        evil.keyed[0].files[0].local = "../../etc/passwd".into();
        assert_eq!(
            refused(&evil.encode()),
            "checkpoint 12 is damaged (a file is called \"../../etc/passwd\"): restore from another, or from a savepoint"
        );
    }
}
