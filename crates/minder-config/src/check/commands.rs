//! What looks like a mistake in a command.

use minder_core::{CommandError, ProcessSpec};

use super::Place;
use super::lines::{has_shell, variables};
use super::suspicion::{Findings, Suspicion};
use crate::ambient::Environment;
use crate::command::{base_name, resolve, split};

/// What goes into the background, and how to keep it from doing so.
struct Daemonizing {
    /// How the command's name begins.
    program: &'static str,
    when: When,
    advice: &'static str,
}

enum When {
    /// If one of these is among the words, or two of them follow each other.
    Told(&'static [&'static str]),
    /// Unless one of these is in one of the words.
    Untold(&'static [&'static str]),
}

/// In an order in which the first that fits is the right one.
const DAEMONIZING: &[Daemonizing] = &[
    Daemonizing {
        program: "nginx",
        when: When::Untold(&["daemon off"]),
        advice: "add -g \"daemon off;\", unless its configuration says so",
    },
    Daemonizing {
        program: "gunicorn",
        when: When::Told(&["-D", "--daemon"]),
        advice: "remove --daemon",
    },
    Daemonizing {
        program: "redis-server",
        when: When::Told(&["--daemonize yes"]),
        advice: "write --daemonize no",
    },
    Daemonizing {
        program: "uwsgi",
        when: When::Told(&["-d", "--daemonize", "--daemonize2"]),
        advice: "remove --daemonize",
    },
    Daemonizing {
        program: "celery",
        when: When::Told(&["multi", "-D", "--detach"]),
        advice: "use \"celery worker\" without --detach",
    },
    Daemonizing {
        program: "php-fpm",
        when: When::Untold(&["-F", "--nodaemonize"]),
        advice: "add --nodaemonize, unless its configuration says so",
    },
    Daemonizing {
        program: "apache2ctl",
        when: When::Untold(&["FOREGROUND"]),
        advice: "add -DFOREGROUND",
    },
    Daemonizing {
        program: "apachectl",
        when: When::Untold(&["FOREGROUND"]),
        advice: "add -DFOREGROUND",
    },
    Daemonizing {
        program: "apache2",
        when: When::Untold(&["FOREGROUND", "-X"]),
        advice: "add -DFOREGROUND",
    },
    Daemonizing {
        program: "httpd",
        when: When::Untold(&["FOREGROUND", "-X", "-f"]),
        advice: "add -DFOREGROUND",
    },
    Daemonizing {
        program: "sshd",
        when: When::Untold(&["-D", "-d"]),
        advice: "add -D",
    },
    Daemonizing {
        program: "crond",
        when: When::Untold(&["-n", "-f"]),
        advice: "add -n (or -f, for that of busybox)",
    },
    Daemonizing {
        program: "cron",
        when: When::Untold(&["-f"]),
        advice: "add -f",
    },
    Daemonizing {
        program: "rsyslogd",
        when: When::Untold(&["-n"]),
        advice: "add -n",
    },
    Daemonizing {
        program: "mongod",
        when: When::Told(&["--fork"]),
        advice: "remove --fork",
    },
    Daemonizing {
        program: "mysqld",
        when: When::Told(&["--daemonize"]),
        advice: "remove --daemonize",
    },
    Daemonizing {
        program: "memcached",
        when: When::Told(&["-d", "--daemon"]),
        advice: "remove -d",
    },
    Daemonizing {
        program: "haproxy",
        when: When::Told(&["-D"]),
        advice: "remove -D",
    },
    Daemonizing {
        program: "supervisord",
        when: When::Untold(&["-n", "--nodaemon"]),
        advice: "add --nodaemon, unless its configuration says so",
    },
    Daemonizing {
        program: "systemctl",
        when: When::Told(&["start", "restart"]),
        advice: "run the program of the service itself",
    },
    Daemonizing {
        program: "service",
        when: When::Told(&["start", "restart"]),
        advice: "run the program of the service itself",
    },
    Daemonizing {
        program: "pg_ctl",
        when: When::Told(&["start"]),
        advice: "run \"postgres\" itself",
    },
    Daemonizing {
        program: "docker",
        when: When::Told(&["-d", "--detach"]),
        advice: "remove --detach",
    },
];

/// Commands that do something and end, by the words they begin with.
const ONE_SHOTS: &[&str] = &[
    "true",
    "echo",
    "mkdir",
    "cp",
    "mv",
    "rm",
    "ln",
    "touch",
    "chown",
    "chmod",
    "manage.py migrate",
    "manage.py collectstatic",
    "artisan migrate",
    "alembic upgrade",
    "flask db upgrade",
    "rake db:migrate",
    "npm install",
    "npm ci",
    "npm run build",
    "composer install",
    "bundle install",
    "pip install",
];

pub(super) fn look(
    process: &ProcessSpec,
    place: &Place<'_>,
    environment: &Environment,
    findings: &mut Findings,
) {
    let at = place.option("command");
    let Ok(argv) = split(&process.command) else {
        if let Err(why) = resolve(process, None) {
            let why = why.to_string();
            findings.tell(&Suspicion::CommandUnreadable { why }, at);
        }
        return;
    };
    if !has_shell(&argv) {
        shell_syntax(process, &argv, place, findings);
    }
    missing(process, place, environment, findings);
    if let Some(program) = argv.first()
        && program.contains('/')
        && !program.starts_with('/')
        && process.directory.is_some()
    {
        findings.tell(&Suspicion::RelativeCommand(program.clone()), at);
    }
    if let Some(daemonizing) = daemonizing(&argv) {
        let suspicion = Suspicion::Daemonizes {
            program: daemonizing.program.to_owned(),
            advice: daemonizing.advice,
        };
        findings.tell(&suspicion, at);
    }
    if let Some(what) = one_shot(&argv)
        && process.start_secs > 0
    {
        let suspicion = Suspicion::OneShot {
            what: what.to_owned(),
            start_secs: process.start_secs,
            start_retries: process.start_retries,
        };
        findings.tell(&suspicion, at);
    }
}

fn shell_syntax(
    process: &ProcessSpec,
    argv: &[String],
    place: &Place<'_>,
    findings: &mut Findings,
) {
    let at = place.option("command");
    let is_operator = |word: &&str| {
        let known = ["&&", "||", "|", "&", ">", ">>", "<", "2>&1", "2>"];
        known.contains(word) || (word.contains(';') && !word.contains("://"))
    };
    // What is in quotes in the text is meant for the program.
    let bare = process.command.split_whitespace();
    let mut bare = bare.filter(|word| argv.iter().any(|given| given == word));
    if let Some(word) = bare.find(is_operator) {
        findings.tell(&Suspicion::ShellSyntax(word.to_owned()), &at.find(word));
    }
    for (written, name) in variables(&process.command) {
        let suspicion = Suspicion::Variable {
            written: written.to_owned(),
            name: name.to_owned(),
            option: "command",
        };
        findings.tell(&suspicion, &super::within(at, written));
    }
}

fn missing(
    process: &ProcessSpec,
    place: &Place<'_>,
    environment: &Environment,
    findings: &mut Findings,
) {
    let path = environment.vars.get("PATH").map(std::ffi::OsStr::new);
    let Err(error) = resolve(process, path) else {
        return;
    };
    let has_directory = matches!(error, CommandError::NotFound(_)) && process.directory.is_some();
    let why = error.to_string();
    let suspicion = Suspicion::CommandMissing { why, has_directory };
    findings.tell(&suspicion, place.option("command"));
}

fn daemonizing(argv: &[String]) -> Option<&'static Daemonizing> {
    let (program, arguments) = argv.split_first()?;
    let name = base_name(program);
    let found = DAEMONIZING
        .iter()
        .find(|d| is_version_of(name, d.program))?;
    let daemonizes = match found.when {
        When::Told(words) => words.iter().any(|told| {
            let told: Vec<&str> = told.split(' ').collect();
            arguments.windows(told.len()).any(|window| window == told)
        }),
        When::Untold(words) => !arguments
            .iter()
            .any(|argument| words.iter().any(|word| argument.contains(word))),
    };
    daemonizes.then_some(found)
}

/// Whether a name is a program's, perhaps with a version: `php-fpm8.2` is `php-fpm`.
fn is_version_of(name: &str, program: &str) -> bool {
    name.strip_prefix(program).is_some_and(|rest| {
        rest.chars()
            .all(|c| c.is_ascii_digit() || c == '.' || c == '-')
    })
}

/// The words by which a command is known to end by itself. What runs a script may come before.
fn one_shot(argv: &[String]) -> Option<&'static str> {
    let first = base_name(argv.first()?);
    let from = usize::from(is_version_of(first, "python") || is_version_of(first, "php"));
    let words: Vec<&str> = argv.iter().skip(from).map(|word| base_name(word)).collect();
    ONE_SHOTS.iter().copied().find(|one_shot| {
        let mut wanted = one_shot.split(' ');
        let mut given = words.iter();
        wanted.all(|word| given.next() == Some(&word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str) -> Vec<String> {
        split(command).unwrap()
    }

    #[test]
    fn what_goes_into_the_background_is_known_by_its_options() {
        for (command, program) in [
            ("/usr/sbin/nginx", Some("nginx")),
            ("nginx -c /etc/nginx.conf -g \"daemon off;\"", None),
            ("gunicorn --daemon app:app", Some("gunicorn")),
            ("gunicorn app:app", None),
            ("gunicornish --daemon", None),
            (
                "redis-server /etc/redis.conf --daemonize yes",
                Some("redis-server"),
            ),
            ("redis-server --daemonize no", None),
            ("php-fpm8.2 -y x", Some("php-fpm")),
            ("php-fpm8.2 -F", None),
            ("httpd -D FOREGROUND", None),
            ("httpd", Some("httpd")),
            ("cron", Some("cron")),
            ("crond -n", None),
            ("service ssh start", Some("service")),
            ("docker run --rm x", None),
            ("/bin/cat", None),
        ] {
            let found = daemonizing(&words(command)).map(|found| found.program);
            assert_eq!(found, program, "{command}");
        }
    }

    #[test]
    fn what_ends_by_itself_is_known_by_its_first_words() {
        for (command, known) in [
            ("/bin/mkdir -p /x", Some("mkdir")),
            (
                "python3 /app/manage.py migrate --noinput",
                Some("manage.py migrate"),
            ),
            ("python3 manage.py runserver", None),
            ("npm run start", None),
            ("npm run build", Some("npm run build")),
            ("echoer", None),
        ] {
            assert_eq!(one_shot(&words(command)), known, "{command}");
        }
    }
}
