//! `[include]`: which files belong to a configuration, and reading them on top of one another.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ambient::Environment;
use crate::error::{ConfigError, Problem};
use crate::expand::{Names, expand};
use crate::glob::glob;
use crate::ini::{Ini, Section, SyntaxError};
use crate::problems::Problems;
use crate::source::{DecodeError, ReadError, SourceFile, read};
use crate::warning::Warning;

/// The name of the section.
pub(crate) const SECTION: &str = "include";

/// The options of the section.
pub(crate) const OPTIONS: &[&str] = &["files"];

/// The most files that may be included: one for each of more programs than one machine can run.
/// A pattern that matches more was not meant.
pub const MAX_FILES: usize = 20_000;

/// The main file of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path as given, which is how messages call it.
    pub path: String,
    /// The directory that it is in, absolute; `%(here)s`.
    pub here: PathBuf,
    /// What it says, if that is known: then it is not read.
    pub text: Option<Arc<SourceFile>>,
}

impl Source {
    /// The file at this path, as given on the command line or found.
    #[must_use]
    pub fn new(path: impl Into<String>, environment: &Environment) -> Self {
        let path = path.into();
        Self {
            here: environment.directory_of(&path),
            path,
            text: None,
        }
    }

    /// The same, which says this.
    #[must_use]
    pub fn that_says(mut self, text: impl Into<String>) -> Self {
        self.text = Some(SourceFile::new(self.path.as_str(), text));
        self
    }

    /// `%(here)s`.
    pub(crate) fn here(&self) -> String {
        self.here.to_string_lossy().into_owned()
    }
}

/// The files of a configuration, read.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) ini: Ini,
    /// All that were read, the main file first.
    pub(crate) paths: Vec<PathBuf>,
    /// The main file.
    pub(crate) main: Arc<SourceFile>,
    /// Whether sections may be missing because a file, or a line that opens one, is broken.
    pub(crate) lacks_sections: bool,
}

/// Reads the main file alone.
pub(crate) fn read_main(
    source: &Source,
    environment: &Environment,
    problems: &Problems,
) -> Result<Files, ConfigError> {
    let path = environment.cwd.join(&source.path);
    let main = match &source.text {
        Some(text) => Arc::clone(text),
        None => read_at(&path, source)?,
    };
    let mut files = Files {
        ini: Ini::default(),
        paths: vec![path],
        main: Arc::clone(&main),
        lacks_sections: false,
    };
    files.add(&main, problems)?;
    Ok(files)
}

fn read_at(path: &Path, source: &Source) -> Result<Arc<SourceFile>, ConfigError> {
    if !path.exists() {
        return Err(Problem::NotFound(source.path.clone()).into());
    }
    read(path, &source.path).map_err(|error| match error {
        ReadError::Io(_) => Problem::Unreadable(source.path.clone()).into(),
        ReadError::TooLarge => Problem::TooLarge(source.path.clone()).into(),
        ReadError::NotUtf8 { before, error } => not_text(&mut Ini::default(), &before, error),
    })
}

/// What is wrong with a file that is not UTF-8: whatever is wrong with the lines before, which
/// Supervisor sees first, or else its encoding.
fn not_text(ini: &mut Ini, before: &Arc<SourceFile>, error: DecodeError) -> ConfigError {
    match ini.read(before) {
        Err((problem @ SyntaxError::NoSectionHeader { .. }, place)) => {
            ConfigError::at(problem, &place)
        }
        Err((SyntaxError::BadLines { .. }, _)) | Ok(()) => Problem::Encoding(error).into(),
    }
}

/// Reads the files that the main file includes.
pub(crate) fn read_included(
    files: &mut Files,
    source: &Source,
    variables: &Names<'_>,
    environment: &Environment,
    problems: &Problems,
    warnings: &mut Vec<Warning>,
) -> Result<(), ConfigError> {
    if files.ini.section(SECTION).is_none() {
        return Ok(());
    }
    files.ini.expand_here(&source.here());
    let mut included = 0;
    let patterns = problems.pass(patterns(&files.ini, source, variables, environment))?;
    files.lacks_sections |= patterns.is_none();
    for pattern in patterns.unwrap_or_default() {
        let mut found = glob(&pattern);
        if found.is_empty() {
            let text = format!("No file matches via include \"{pattern}\"");
            let place = files.ini.section(SECTION).map(Section::header);
            warnings.push(Warning::supervisors(text, place));
        }
        found.sort_by_cached_key(|path| path.to_string_lossy().into_owned());
        for path in found {
            included += 1;
            if included > MAX_FILES {
                return Err(Problem::TooManyFiles(MAX_FILES).into());
            }
            let read = read_one(files, &path, environment, problems, warnings);
            files.lacks_sections |= problems.pass(read)?.is_none();
        }
    }
    Ok(())
}

/// The absolute patterns of the section.
fn patterns(
    ini: &Ini,
    source: &Source,
    variables: &Names<'_>,
    environment: &Environment,
) -> Result<Vec<String>, ConfigError> {
    let here = source.here();
    let section = ini.section(SECTION).ok_or(Problem::NoIncludedFiles)?;
    let option = ini
        .option(section, "files")
        .ok_or_else(|| ConfigError::at(Problem::NoIncludedFiles, section.header()))?;
    let names = Names::within(variables)
        .with("here", here.as_str())
        .with("host_node_name", environment.host_node_name.as_str());
    let files = expand(&option.value, &names, "include.files")
        .map_err(|error| ConfigError::at(error, &option.value_at))?;
    Ok(files
        .split(crate::python::is_space)
        .filter(|pattern| !pattern.is_empty())
        .map(|pattern| {
            let whole = source.here.join(pattern);
            whole.to_string_lossy().into_owned()
        })
        .collect())
}

/// Reads one included file. What cannot be read is left out, as Supervisor does, but told.
fn read_one(
    files: &mut Files,
    path: &Path,
    environment: &Environment,
    problems: &Problems,
    warnings: &mut Vec<Warning>,
) -> Result<(), ConfigError> {
    let shown = path.to_string_lossy().into_owned();
    warnings.push(Warning::included(format!(
        "Included extra file \"{shown}\" during parsing"
    )));
    let file = match read(path, &shown) {
        Ok(file) => file,
        Err(ReadError::Io(error)) => {
            let text = format!("cannot read included file \"{shown}\": {error}");
            warnings.push(Warning::ours(text, None));
            return Ok(());
        }
        Err(ReadError::TooLarge) => return Err(Problem::TooLarge(shown).into()),
        Err(ReadError::NotUtf8 { before, error }) => {
            return Err(not_text(&mut files.ini, &before, error));
        }
    };
    files.paths.push(path.to_owned());
    files.add(&file, problems)?;
    if files.ini.may_say_here(&file) {
        let here = environment.directory_of(&shown);
        files.ini.expand_here(&here.to_string_lossy());
    }
    Ok(())
}

impl Files {
    /// Reads a file on top of the others; behind lines that say nothing it can go on.
    fn add(&mut self, file: &Arc<SourceFile>, problems: &Problems) -> Result<(), ConfigError> {
        let Err((problem, place)) = self.ini.read(file) else {
            return Ok(());
        };
        self.lacks_sections |= match &problem {
            SyntaxError::NoSectionHeader { .. } => true,
            SyntaxError::BadLines { lines, .. } => lines
                .iter()
                .any(|(_, line)| crate::python::strip(line).starts_with('[')),
        };
        problems.pass::<()>(Err(ConfigError::at(problem, &place)))?;
        Ok(())
    }
}
