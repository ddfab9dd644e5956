//! The template built into the binary.

use bytes::Bytes;
use include_dir::{Dir, DirEntry, include_dir};

use crate::model::tree::{File, Tree, TreePath};

// Cargo sees a changed file, and not a new one: the test below fails until this file is compiled again.
static TEMPLATE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/template");

/// The platform team's template. A file is executable when it begins with `#!`.
pub fn tree() -> Tree {
    let mut tree = Tree::new();
    add(&mut tree, &TEMPLATE);
    tree
}

fn add(tree: &mut Tree, folder: &Dir<'static>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(folder) => add(tree, folder),
            DirEntry::File(file) => {
                let path = file.path().to_str().expect("the template's names are UTF-8");
                let path = TreePath::new(path.replace('\\', "/")).expect("the template's paths are good");
                let bytes = file.contents();
                let file = File { bytes: Bytes::from_static(bytes), executable: bytes.starts_with(b"#!") };
                tree.insert(path, file).expect("a folder holds a name once");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::folder::read_folder;

    #[test]
    fn the_template_in_the_binary_is_the_folder_with_its_modes() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("template");
        assert_eq!(tree(), read_folder(&folder).expect("the folder is good"));
    }
}
