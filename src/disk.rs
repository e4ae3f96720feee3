//! Files that the program writes: whole or not at all, through no link, for their owner alone.
//!
//! What is written says who may do what in an account, and lies in folders that others may have prepared. A file is made
//! anew under a name that nobody can guess, private to its owner, and then takes its name; a link in its way is refused.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Component, Path, PathBuf};

/// How names of files begin that are being written.
const BEGUN: &str = ".trimtrail-";
/// Names that are tried before giving up.
const TRIES: u32 = 16;

/// Makes a folder and those above it, for its owner alone where they are not there. Nothing below `root` may be a link.
///
/// # Errors
/// A link or a file in the way, or what the system says.
pub fn folder(root: &Path, below: &Path) -> io::Result<PathBuf> {
    let mut builder = DirBuilder::new();
    private_folder(&mut builder);
    if !root.as_os_str().is_empty() {
        builder.recursive(true).create(root)?;
    }
    builder.recursive(false);
    let mut path = root.to_owned();
    for component in below.components() {
        let Component::Normal(name) = component else {
            return Err(io::Error::other(format!(
                "`{}` leads out of its folder",
                below.display()
            )));
        };
        path.push(name);
        refuse_link(&path)?;
        match builder.create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
    }
    Ok(path)
}

/// Puts what `fill` writes in the place of a file below `root`: whole or not at all.
///
/// # Errors
/// A link in the way, what the system says, and what `fill` says.
pub fn replace<E: From<io::Error>>(
    root: &Path,
    below: &Path,
    fill: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<PathBuf, E> {
    let parent = folder(root, below.parent().unwrap_or(Path::new("")))?;
    let path = parent.join(below.file_name().unwrap_or_default());
    refuse_link(&path)?;
    let (mut file, begun) = new(&parent)?;
    let written = fill(&mut file).and_then(|()| {
        file.sync_all()?;
        drop(file);
        Ok(fs::rename(&begun, &path)?)
    });
    match written {
        Ok(()) => Ok(path),
        Err(error) => {
            // What is left of the file helps nobody, and a full disk should not be kept full.
            let _ = fs::remove_file(&begun);
            Err(error)
        }
    }
}

/// Whether a name is one of a file that a run which was cut short was about to write.
#[cfg(feature = "polars")]
pub fn is_leaving(name: &str) -> bool {
    name.starts_with(BEGUN)
}

/// What says that a path is a link.
///
/// # Errors
/// It is one.
pub fn refuse_link(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(io::Error::other(format!(
            "`{}` is a link, and nothing is written through one: remove it, or name the place that it leads to",
            path.display()
        ))),
        // What cannot be looked at cannot be written to either, and the system will say why.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A new file, and its name. Its name is hard to guess, and it is there for nobody before.
fn new(folder: &Path) -> io::Result<(File, PathBuf)> {
    let seed = RandomState::new();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private_file(&mut options);
    let mut number = 0;
    loop {
        let path = folder.join(format!("{BEGUN}{:016x}", seed.hash_one(number)));
        match options.open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < TRIES => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Lets new files be read and written by their owner alone; a stricter umask takes more.
pub fn private_file(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

fn private_folder(builder: &mut DirBuilder) {
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
    #[cfg(not(unix))]
    let _ = builder;
}

#[cfg(all(test, unix))]
mod tests;
