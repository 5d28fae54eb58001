use super::{TextFile, files_in, read, remove, text_files, write};

#[test]
fn what_is_written_is_read_and_what_is_removed_is_gone() {
    let root = tempfile::tempdir().unwrap();
    let file = TextFile::new("a/b.yaml", "kind: B\n");
    write(root.path(), &file).unwrap();
    assert_eq!(read(root.path(), "a/b.yaml").unwrap().as_deref(), Some("kind: B\n"));
    assert_eq!(files_in(root.path(), "a").unwrap(), ["a/b.yaml"]);
    remove(root.path(), "a/b.yaml").unwrap();
    assert_eq!(read(root.path(), "a/b.yaml").unwrap(), None);
    assert_eq!(files_in(root.path(), "nowhere").unwrap(), Vec::<String>::new());
}

#[test]
fn builds_hidden_directories_and_binary_files_are_passed_over() {
    let root = tempfile::tempdir().unwrap();
    for path in ["src/b.rs", "a.md", ".ci/run", ".gitignore", ".git/config", "target/CACHEDIR.TAG", "target/debug/x.rs"] {
        write(root.path(), &TextFile::new(path, "")).unwrap();
    }
    std::fs::write(root.path().join("image.png"), [0x89, 0xff]).unwrap();
    let paths: Vec<_> = text_files(root.path()).unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(paths, [".ci/run", ".gitignore", "a.md", "src/b.rs"]);
}

#[test]
fn a_file_that_cannot_be_removed_is_named() {
    let root = tempfile::tempdir().unwrap();
    assert!(remove(root.path(), "absent").unwrap_err().to_string().ends_with("absent"));
}
