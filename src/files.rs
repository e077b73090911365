//! Configuration files, already read: whoever may touch a disk fills this, everything else looks into it.

use std::collections::BTreeMap;

/// A machine's configuration files, as far as a program may ask for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The path of the main file: a key of `texts`, or of nothing where the file is missing.
    pub main: String,
    /// Every file by its path, as `include` resolves it; those of keys among them.
    pub texts: BTreeMap<String, String>,
}

impl Files {
    /// One file that includes no other.
    pub fn single(path: impl Into<String>, text: impl Into<String>) -> Files {
        let main = path.into();
        Files { texts: BTreeMap::from([(main.clone(), text.into())]), main }
    }
}
