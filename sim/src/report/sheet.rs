//! A file that a verb writes at its end and opens before its run, so that a path that cannot be written
//! costs no run.

use std::{
    fs::{File, OpenOptions, remove_file},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

/// Where a page goes, if one is asked for.
#[derive(Debug)]
pub struct Sheet {
    option: &'static str,
    opened: Option<Opened>,
}

#[derive(Debug)]
struct Opened {
    path: PathBuf,
    file: File,
    /// It was made by us, and nothing stands in it yet.
    is_empty: bool,
}

impl Sheet {
    /// Opens the file that an option such as `--html` names. What stands in it stays until it is
    /// written.
    ///
    /// # Errors
    ///
    /// What to tell the user: it cannot be written.
    pub fn open(option: &'static str, path: Option<&Path>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Sheet { option, opened: None }) };
        let opened = Opened::at(path).map_err(|error| {
            let shown = path.display();
            format!("failed to open {shown} for {option}: {error}; give a file that can be written")
        })?;
        Ok(Sheet { option, opened: Some(opened) })
    }

    /// Whether it is asked for.
    pub fn is_wanted(&self) -> bool {
        self.opened.is_some()
    }

    /// Writes it, if it is asked for.
    ///
    /// # Errors
    ///
    /// What to tell the user: it cannot be written.
    pub fn write(self, text: impl FnOnce() -> String) -> Result<(), String> {
        let Sheet { option, opened } = self;
        let Some(mut opened) = opened else { return Ok(()) };
        opened.write(&text()).map_err(|error| {
            let shown = opened.path.display();
            format!("failed to write {shown} for {option}: {error}; is there room for it?")
        })
    }
}

impl Opened {
    fn at(path: &Path) -> io::Result<Self> {
        let opened = |file, is_empty| Opened { path: path.to_owned(), file, is_empty };
        match File::create_new(path) {
            Ok(file) => Ok(opened(file, true)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Ok(opened(OpenOptions::new().write(true).open(path)?, false))
            }
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        // A pipe or a terminal has nothing in it that could be left.
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        self.is_empty = false;
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for Opened {
    /// A run that comes to no end leaves no empty page.
    fn drop(&mut self) {
        if self.is_empty {
            let _gone = remove_file(&self.path);
        }
    }
}
