//! Objects to files, and results to objects.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use futures::TryStreamExt as _;
use glob::{MatchOptions, Pattern};
use object_store::path::Path as Key;
use object_store::{GetOptions, ObjectMeta, ObjectStoreExt as _, PutPayload};
use playbook_files::FileError;
use playbook_model::{Connection, ObjectPlace};

use super::store::{Kind, Store};
use super::{OBJECTS_MAX, TakenObject};
use crate::error::said;
use crate::reach::{Bound, wait, within};
use crate::{Parcel, Result, SourcesError, Watch};

/// As in the data folder: a star stays within a folder, two go through all below.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};
/// Bytes that an object is delivered in at a time, which S3 wants to be 5 MiB at least.
const PART: usize = 8 << 20;

pub(crate) fn take(
    connection: &Connection,
    place: &ObjectPlace,
    pattern: &str,
    folder: &Path,
    watch: &Watch<'_>,
) -> Result<Vec<TakenObject>> {
    let store = Store::open(connection, place)?;
    wait(watch, async {
        let doing = format!("looking for `{pattern}`");
        let looking = find(connection, &store, pattern, &doing);
        let found = within(connection, Bound::Working, &doing, looking).await?;
        let doing = format!("reading `{pattern}`");
        let copying = copy_all(connection, &store, found, folder, &doing);
        within(connection, Bound::Working, &doing, copying).await
    })
}

fn answer(
    connection: &Connection,
    doing: &str,
) -> impl FnOnce(object_store::Error) -> SourcesError + use<> {
    let (connection, doing) = (connection.name.clone(), doing.to_owned());
    move |source| SourcesError::Answer { connection, doing, source: said(&source) }
}

/// The objects that a path or pattern names, with their paths, sorted by them. What a file said of itself when it was found
/// it must still say when it is read.
async fn find(
    connection: &Connection,
    store: &Store,
    pattern: &str,
    doing: &str,
) -> Result<Vec<(String, Option<ObjectMeta>)>> {
    let none =
        || SourcesError::NoObject { path: pattern.to_owned(), place: store.address().to_owned() };
    let Some(first) = pattern.find(['*', '?', '[']) else {
        let key = store.key(pattern)?;
        if store.kind == Kind::Web {
            // Not every web server answers what an object is without giving it.
            return Ok(vec![(pattern.to_owned(), None)]);
        }
        return match store.objects.head(&key).await {
            Ok(found) => Ok(vec![(pattern.to_owned(), Some(found))]),
            Err(object_store::Error::NotFound { .. }) => Err(none()),
            Err(error) => Err(answer(connection, doing)(error)),
        };
    };
    let path_fault = |why: &str| SourcesError::Path {
        path: pattern.to_owned(),
        place: store.address().to_owned(),
        why: why.to_owned(),
    };
    if store.kind == Kind::Web {
        return Err(path_fault("a web server tells no list of its files; name each file"));
    }
    let matching = Pattern::new(pattern).map_err(|error| path_fault(error.msg))?;
    let folder = pattern[..first].rsplit_once('/').map_or("", |(folder, _)| folder);
    let below = store.below(folder)?;
    let mut listed = store.objects.list(below.as_ref());
    let mut found = Vec::new();
    while let Some(object) = listed.try_next().await.map_err(answer(connection, doing))? {
        let Some(path) = store.path(&object.location) else { continue };
        if matching.matches_with(path, MATCHING) {
            found.push((path.to_owned(), Some(object)));
        }
        if found.len() > OBJECTS_MAX {
            let (path, max) = (pattern.to_owned(), OBJECTS_MAX);
            return Err(SourcesError::TooManyObjects { path, max });
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

async fn copy_all(
    connection: &Connection,
    store: &Store,
    found: Vec<(String, Option<ObjectMeta>)>,
    folder: &Path,
    doing: &str,
) -> Result<Vec<TakenObject>> {
    let mut left = connection.bytes_max;
    let mut taken = Vec::new();
    for (number, (name, object)) in found.into_iter().enumerate() {
        let path = folder.join(number.to_string());
        let e_tag = object.and_then(|object| object.e_tag);
        let key = store.key(&name)?;
        let copying = copy(connection, store, &key, e_tag, &path, left, doing);
        let bytes = copying.await.map_err(|fault| match fault {
            SourcesError::TooLarge { .. } => {
                SourcesError::TooLarge { bytes_max: connection.bytes_max }
            }
            other => other,
        })?;
        left -= bytes;
        taken.push(TakenObject { name, path });
    }
    Ok(taken)
}

/// Copies an object; returns its bytes.
async fn copy(
    connection: &Connection,
    store: &Store,
    key: &Key,
    e_tag: Option<String>,
    to: &Path,
    bytes_max: u64,
    doing: &str,
) -> Result<u64> {
    let options = GetOptions { if_match: e_tag, ..GetOptions::default() };
    let got = store.objects.get_opts(key, options).await.map_err(answer(connection, doing))?;
    let mut chunks = got.into_stream();
    let mut file = File::create_new(to).map_err(FileError::of("create", to))?;
    let mut bytes = 0;
    while let Some(chunk) = chunks.try_next().await.map_err(answer(connection, doing))? {
        bytes += chunk.len() as u64;
        if bytes > bytes_max {
            return Err(SourcesError::TooLarge { bytes_max });
        }
        file.write_all(&chunk).map_err(FileError::of("write", to))?;
    }
    Ok(bytes)
}

pub(crate) fn deliver(
    connection: &Connection,
    place: &ObjectPlace,
    parcel: &Parcel<'_>,
    watch: &Watch<'_>,
) -> Result<()> {
    let store = Store::open(connection, place)?;
    if store.kind == Kind::Web {
        return Err(SourcesError::Kind {
            connection: connection.name.clone(),
            is: "a web server",
            needs: "a database or an object store to deliver to",
        });
    }
    let path = parcel
        .to
        .replace("{playbook}", parcel.playbook)
        .replace("{cycle}", &parcel.cycle.to_string());
    let key = store.key(&path)?;
    let doing = format!("delivering `{}`", parcel.delivery);
    wait(watch, async {
        let working = put(connection, &store, &key, parcel.csv, &doing);
        within(connection, Bound::Working, &doing, working).await
    })
}

/// Puts an object: readers see the earlier one until the last byte of this one is there.
async fn put(
    connection: &Connection,
    store: &Store,
    key: &Key,
    bytes: &[u8],
    doing: &str,
) -> Result<()> {
    let fault = || answer(connection, doing);
    if bytes.len() <= PART {
        let payload = PutPayload::from(bytes.to_vec());
        return store.objects.put(key, payload).await.map(drop).map_err(fault());
    }
    let mut upload = store.objects.put_multipart(key).await.map_err(fault())?;
    for part in bytes.chunks(PART) {
        let put = upload.put_part(PutPayload::from(part.to_vec())).await;
        if let Err(error) = put {
            // What was sent is not left behind; where that fails too, the store's own rule removes it.
            let _ = upload.abort().await;
            return Err(fault()(error));
        }
    }
    upload.complete().await.map(drop).map_err(fault())
}
