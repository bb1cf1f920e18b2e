//! What a configuration depends on besides its files: variables, host name, current directory.
//!
//! Taken once at start and handed in, so that reading the same files again gives the same
//! result, and so that tests can say what they are.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use minder_os::users;

/// The variable by which Python, where no locale is set, gives itself and what it starts one of UTF-8.
const LOCALE: (&str, &str) = ("LC_CTYPE", "C.UTF-8");

/// The environment variables of this process, with the one that Supervisor's programs owe to Python:
/// in a container without a locale, many read and write UTF-8 only thanks to it.
#[must_use]
pub fn variables() -> BTreeMap<OsString, OsString> {
    let mut variables = std::env::vars_os().collect();
    complete(&mut variables);
    variables
}

fn complete(variables: &mut BTreeMap<OsString, OsString>) {
    let set = |name: &str| {
        let value = variables.get(OsStr::new(name));
        value.filter(|value| !value.is_empty())
    };
    let is_plain = |locale: &OsString| locale == "C" || locale == "POSIX";
    if set("LC_ALL").is_none() && set("LC_CTYPE").or_else(|| set("LANG")).is_none_or(is_plain) {
        let (name, value) = LOCALE;
        variables.insert(name.into(), value.into());
    }
}

/// The surroundings of the daemon, as they were when it started.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The environment variables, decoded lossily.
    pub vars: BTreeMap<String, String>,
    /// What `uname -n` says.
    pub host_node_name: String,
    /// The current directory, absolute.
    pub cwd: PathBuf,
    /// The user it runs as.
    pub uid: u32,
}

impl Environment {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            vars: variables()
                .into_iter()
                .map(|(name, value)| {
                    let text = |os: OsString| os.to_string_lossy().into_owned();
                    (text(name), text(value))
                })
                .collect(),
            host_node_name: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            // Without a current directory, names relative to it find nothing.
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            uid: rustix::process::getuid().as_raw(),
        }
    }

    /// `path` with `~` or `~user` at its beginning replaced by that home; as it is if there is
    /// no such user.
    #[must_use]
    pub fn expand_user(&self, path: &str) -> String {
        let Some(rest) = path.strip_prefix('~') else {
            return path.to_owned();
        };
        let (user, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        match self.home_of(user) {
            None => path.to_owned(),
            Some(home) => match format!("{}{below}", home.trim_end_matches('/')) {
                root if root.is_empty() => "/".to_owned(),
                path => path,
            },
        }
    }

    /// The home directory of a user, or of our own if the name is empty.
    fn home_of(&self, user: &str) -> Option<String> {
        if user.is_empty()
            && let Some(home) = self.vars.get("HOME")
        {
            return Some(home.clone());
        }
        let found = if user.is_empty() {
            users::user_by_uid(self.uid)
        } else {
            users::user_by_name(user)
        };
        // A directory that cannot be asked is as good as one without an answer: the path stays.
        let home = found.ok()??.home;
        Some(home.to_string_lossy().into_owned())
    }

    /// `path` absolute and without `.`, `..` and doubled slashes, by its spelling alone.
    #[must_use]
    pub fn absolute(&self, path: &str) -> PathBuf {
        let whole = self.cwd.join(path);
        let mut parts: Vec<&str> = Vec::new();
        let spelled = whole.to_string_lossy();
        for part in spelled.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        // Python keeps exactly two leading slashes, to which POSIX allows a meaning.
        let root = if spelled.starts_with("//") && !spelled.starts_with("///") {
            "//"
        } else {
            "/"
        };
        PathBuf::from(format!("{root}{}", parts.join("/")))
    }

    /// `path` with `~` expanded, made [`absolute`](Self::absolute).
    #[must_use]
    pub fn normalize(&self, path: &str) -> PathBuf {
        self.absolute(&self.expand_user(path))
    }

    /// The directory that a file is in, absolute.
    #[must_use]
    pub fn directory_of(&self, file: &str) -> PathBuf {
        self.absolute(file.rfind('/').map_or("", |slash| &file[..=slash]))
    }

    /// Where temporary files go, as Python's `tempfile` finds it.
    #[must_use]
    pub fn temporary_directory(&self) -> PathBuf {
        let named = ["TMPDIR", "TEMP", "TMP"]
            .into_iter()
            .filter_map(|name| self.vars.get(name))
            .filter(|value| !value.is_empty())
            .map(|value| self.absolute(value));
        let usual = ["/tmp", "/var/tmp", "/usr/tmp"].map(PathBuf::from);
        named
            .chain(usual)
            .find(|directory| is_writable_directory(directory))
            .unwrap_or_else(|| self.cwd.clone())
    }
}

fn is_writable_directory(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    path.is_dir() && access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(home: Option<&str>) -> Environment {
        Environment {
            vars: home
                .map(|home| ("HOME".to_owned(), home.to_owned()))
                .into_iter()
                .collect(),
            cwd: "/srv/x".into(),
            ..Environment::default()
        }
    }

    #[test]
    fn programs_have_a_locale_of_utf_8_where_none_is_set() {
        for (given, is_added) in [
            (&[] as &[(&str, &str)], true),
            (&[("LANG", "")], true),
            (&[("LANG", "C")], true),
            (&[("LANG", "POSIX"), ("LC_ALL", "")], true),
            (&[("LANG", "en_US.UTF-8"), ("LC_CTYPE", "C")], true),
            (&[("LANG", "C.UTF-8")], false),
            (&[("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")], false),
            (&[("LC_ALL", "C")], false),
        ] {
            let given = given
                .iter()
                .map(|(name, value)| (name.into(), value.into()));
            let given: BTreeMap<OsString, OsString> = given.collect();
            let mut completed = given.clone();
            complete(&mut completed);
            let mut expected = given.clone();
            if is_added {
                expected.insert("LC_CTYPE".into(), "C.UTF-8".into());
            }
            assert_eq!(completed, expected, "{given:?}");
        }
    }

    #[test]
    fn a_tilde_is_a_home_directory() {
        let environment = here(Some("/home/me/"));
        for (path, expanded) in [
            ("~", "/home/me"),
            ("~/a", "/home/me/a"),
            ("a/~", "a/~"),
            ("~root/a", "/root/a"),
            ("~no-such-user/a", "~no-such-user/a"),
        ] {
            assert_eq!(environment.expand_user(path), expanded);
        }
        assert_eq!(here(Some("/")).expand_user("~"), "/");
        assert_eq!(here(None).expand_user("~/a"), "/root/a");
    }

    #[test]
    fn a_path_is_made_absolute_by_its_spelling() {
        let environment = here(None);
        for (path, absolute) in [
            ("a", "/srv/x/a"),
            ("./a/../b//c", "/srv/x/b/c"),
            ("/../a/.", "/a"),
            ("", "/srv/x"),
            ("//a", "//a"),
            ("///a", "/a"),
        ] {
            assert_eq!(environment.absolute(path), Path::new(absolute), "{path}");
        }
        assert_eq!(
            environment.directory_of("conf/s.conf"),
            Path::new("/srv/x/conf")
        );
        assert_eq!(environment.directory_of("s.conf"), Path::new("/srv/x"));
        assert_eq!(environment.directory_of("/s.conf"), Path::new("/"));
    }
}
