//! What is in force of the daemon's own configuration, from one start or restart to the next.
//!
//! An edited file changes nothing until somebody asks for it, so a daemon that follows a crashed
//! one does not read the file again: this is given to the keeper, and taken back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use minder_config::{
    Credentials, Loaded, LogfileTarget, Methods, RpcInterface, Server, Supervisord, server_url,
};
use minder_core::Level;
use minder_logs::main_log::{MainLogSpec, Target};
use minder_rpc::Twiddler;

use crate::codec::{CodecError, Decoder, Encoder, open, seal};
use crate::log_files::Automatic;

/// The layout of sealed settings.
const VERSION: u32 = 1;

/// What is in force.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// What the daemon calls itself, and where its children's automatic logs go.
    pub(crate) automatic: Automatic,
    /// Whether escape sequences are taken out of the programs' logs.
    pub(crate) strip_ansi: bool,
    /// The daemon's own log.
    pub(crate) log: MainLogSpec,
    pub(crate) pidfile: PathBuf,
    /// The umask of everything but the daemon's own log, if it is not the one of the shell.
    pub(crate) umask: Option<u32>,
    /// What programs are told about where the daemon answers.
    pub(crate) server_url: Option<String>,
    /// Where the daemon answers, in the order in which the sockets are held.
    pub(crate) servers: Vec<Endpoint>,
    /// The names under which Supervisor's own methods can be called.
    pub(crate) namespaces: Vec<String>,
    /// The names under which the plug-in `supervisor_twiddler` is switched on.
    pub(crate) twiddlers: Vec<Twiddler>,
    /// What `[supervisord]` puts in the environment of programs.
    pub(crate) variables: BTreeMap<String, String>,
}

/// One socket that is served.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint {
    /// The file of a Unix socket, to be removed at the end.
    pub(crate) file: Option<PathBuf>,
    /// Who may use it; everybody if not given.
    pub(crate) credentials: Option<Credentials>,
}

impl Settings {
    /// What a configuration asks for.
    pub(crate) fn new(loaded: &Loaded, umask: Option<u32>) -> Self {
        let Loaded {
            supervisord,
            servers,
            ..
        } = loaded;
        Self {
            umask,
            automatic: Automatic {
                directory: supervisord.childlogdir.clone(),
                identifier: supervisord.identifier.clone(),
            },
            strip_ansi: supervisord.strip_ansi,
            log: log(supervisord),
            pidfile: supervisord.pidfile.clone(),
            server_url: server_url(servers),
            servers: servers.iter().map(endpoint).collect(),
            namespaces: namespaces(&loaded.rpc_interfaces),
            twiddlers: loaded.rpc_interfaces.iter().filter_map(twiddler).collect(),
            variables: supervisord.environment.clone(),
        }
    }

    /// As bytes for a later daemon.
    pub(crate) fn seal(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.record(|out| {
            out.path(&self.automatic.directory);
            out.text(&self.automatic.identifier);
            out.bool(self.strip_ansi);
            write_log(out, &self.log);
            out.path(&self.pidfile);
            out.option(self.umask, Encoder::u32);
            out.option(self.server_url.as_deref(), Encoder::text);
            out.list(self.servers.iter(), |out, endpoint| {
                out.record(|out| {
                    out.option(endpoint.file.as_deref(), Encoder::path);
                    out.option(endpoint.credentials.as_ref(), |out, credentials| {
                        out.text(&credentials.username);
                        out.text(&credentials.password);
                    });
                });
            });
            out.list(self.twiddlers.iter(), |out, twiddler| {
                out.record(|out| {
                    out.text(&twiddler.namespace);
                    out.list(twiddler.whitelist.iter(), |out, method| out.text(method));
                });
            });
            out.list(self.variables.iter(), |out, (name, value)| {
                out.record(|out| {
                    out.text(name);
                    out.text(value);
                });
            });
            out.list(self.namespaces.iter(), |out, name| out.text(name));
        });
        seal(VERSION, &out.finish())
    }

    /// From an earlier daemon's bytes.
    pub(crate) fn unseal(sealed: &[u8]) -> Result<Self, CodecError> {
        Decoder::new(open(VERSION, sealed)?).record(|input| {
            let mut settings = Self {
                automatic: Automatic {
                    directory: input.path()?,
                    identifier: input.text()?,
                },
                strip_ansi: input.bool()?,
                log: read_log(input)?,
                pidfile: input.path()?,
                umask: input.option(Decoder::u32)?,
                server_url: input.option(Decoder::text)?,
                servers: input.list(|input| {
                    input.record(|input| {
                        Ok(Endpoint {
                            file: input.option(Decoder::path)?,
                            credentials: input.option(|input| {
                                Ok(Credentials {
                                    username: input.text()?,
                                    password: input.text()?,
                                })
                            })?,
                        })
                    })
                })?,
                namespaces: Vec::from([SUPERVISOR.to_owned()]),
                twiddlers: Vec::new(),
                variables: BTreeMap::new(),
            };
            // A release without plug-ins left it at this.
            if !input.is_at_end() {
                settings.twiddlers = input.list(read_twiddler)?;
                let variables =
                    input.list(|input| input.record(|input| Ok((input.text()?, input.text()?))))?;
                settings.variables = variables.into_iter().collect();
            }
            // One in which they had this name in any case, at that.
            if !input.is_at_end() {
                settings.namespaces = input.list(Decoder::text)?;
            }
            Ok(settings)
        })
    }
}

fn read_twiddler(input: &mut Decoder<'_>) -> Result<Twiddler, CodecError> {
    input.record(|input| {
        Ok(Twiddler {
            namespace: input.text()?,
            whitelist: input.list(Decoder::text)?,
        })
    })
}

/// What Supervisor's own methods are called by most.
const SUPERVISOR: &str = "supervisor";

fn namespaces(interfaces: &[RpcInterface]) -> Vec<String> {
    let main = interfaces.iter().filter(|it| it.methods == Methods::Main);
    main.map(|interface| interface.namespace.clone()).collect()
}

fn twiddler(interface: &RpcInterface) -> Option<Twiddler> {
    let Methods::Twiddler { whitelist } = &interface.methods else {
        return None;
    };
    Some(Twiddler {
        namespace: interface.namespace.clone(),
        whitelist: whitelist.clone(),
    })
}

fn endpoint(server: &Server) -> Endpoint {
    match server {
        Server::Inet { credentials, .. } => Endpoint {
            file: None,
            credentials: credentials.clone(),
        },
        Server::Unix {
            file, credentials, ..
        } => Endpoint {
            file: Some(file.clone()),
            credentials: credentials.clone(),
        },
    }
}

fn log(supervisord: &Supervisord) -> MainLogSpec {
    MainLogSpec {
        target: match &supervisord.logfile {
            LogfileTarget::Off => Target::Off,
            LogfileTarget::Syslog => Target::Syslog,
            LogfileTarget::File(path) => Target::File {
                path: path.clone(),
                max_bytes: u64::try_from(supervisord.logfile_maxbytes).unwrap_or(0),
                backups: u32::try_from(supervisord.logfile_backups).unwrap_or(0),
            },
        },
        level: supervisord.loglevel,
        to_stdout: supervisord.nodaemon && !supervisord.silent,
    }
}

fn write_log(out: &mut Encoder, log: &MainLogSpec) {
    out.record(|out| {
        out.u8(log.level as u8);
        out.bool(log.to_stdout);
        match &log.target {
            Target::Off => out.u8(0),
            Target::Syslog => out.u8(1),
            Target::File {
                path,
                max_bytes,
                backups,
            } => {
                out.u8(2);
                out.path(path);
                out.u64(*max_bytes);
                out.u32(*backups);
            }
        }
    });
}

fn read_log(input: &mut Decoder<'_>) -> Result<MainLogSpec, CodecError> {
    input.record(|input| {
        let level = input.u8()?;
        Ok(MainLogSpec {
            level: LEVELS
                .into_iter()
                .find(|l| *l as u8 == level)
                .ok_or(CodecError::Value)?,
            to_stdout: input.bool()?,
            target: match input.u8()? {
                0 => Target::Off,
                1 => Target::Syslog,
                2 => Target::File {
                    path: input.path()?,
                    max_bytes: input.u64()?,
                    backups: input.u32()?,
                },
                _ => return Err(CodecError::Value),
            },
        })
    })
}

const LEVELS: [Level; 7] = [
    Level::Blather,
    Level::Trace,
    Level::Debug,
    Level::Info,
    Level::Warn,
    Level::Error,
    Level::Critical,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_back_as_they_were_written() {
        let settings = Settings {
            automatic: Automatic {
                directory: "/logs".into(),
                identifier: "one".to_owned(),
            },
            strip_ansi: true,
            log: MainLogSpec {
                target: Target::File {
                    path: "/log".into(),
                    max_bytes: 3,
                    backups: 4,
                },
                level: Level::Trace,
                to_stdout: true,
            },
            pidfile: "/pid".into(),
            umask: Some(0o77),
            server_url: Some("unix:///s".to_owned()),
            servers: vec![
                Endpoint {
                    file: Some("/s".into()),
                    credentials: Some(Credentials {
                        username: "me".to_owned(),
                        password: "secret".to_owned(),
                    }),
                },
                Endpoint {
                    file: None,
                    credentials: None,
                },
            ],
            namespaces: vec!["supervisor".to_owned(), "x".to_owned()],
            twiddlers: vec![Twiddler {
                namespace: "twiddler".to_owned(),
                whitelist: vec!["log".to_owned()],
            }],
            variables: [("A".to_owned(), "1".to_owned())].into(),
        };
        assert_eq!(Settings::unseal(&settings.seal()), Ok(settings));
    }
}
